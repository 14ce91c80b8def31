// SPDX-License-Identifier: GPL-2.0-or-later
//
// Debian's kernel once more, as a guest of two vCPUs under KVM: memory, a UART without interrupt, the IPIs of KVM.
#pragma once

#include "kvm.hpp"

/// Runs it until its init says that it is done, or `limit_ms` have passed. False when it did not come that far.
[[nodiscard]] bool run_linux_guest(int kvm, unsigned limit_ms);

namespace linux_guest {

/// Guest physical layout; guest_tables.py places the tables.
constexpr uint64_t ram_size = 0x10000000;
constexpr uint64_t tables_at = 0x100000, system_table = tables_at, command_line = tables_at + 0x400;
constexpr uint64_t secondary_stub_at = 0x180000;
constexpr uint64_t initrd_at = 0x8000000;
constexpr uint64_t uart_at = 0x1FE001E0;

/// What its init writes to the kernel's log, and so to the UART, at the end.
constexpr char done_text[] = "lvz-inner: done, 2 CPUs";
constexpr char wrong_text[] = "lvz-inner: wrong";

}  // namespace linux_guest

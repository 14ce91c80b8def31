// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cpu.hpp"

// Interprocessor interrupts and mailboxes (Loongson 3A5000 user manual, chapter 10), by IOCSR address.
namespace guest::ipi {

inline constexpr uint32_t status = 0x1000, enable = 0x1004, set = 0x1008, clear = 0x100c, mailbox = 0x1020;
inline constexpr uint32_t send_register = 0x1040, mail_send_register = 0x1048;
inline constexpr uint64_t blocking = uint64_t{1} << 31;

inline void send(unsigned cpu, unsigned vector) {
  iocsr_write32(send_register, static_cast<uint32_t>(blocking) | cpu << 16 | vector);
}

// Into mailbox 0, the upper half first: the lower one is what is waited for.
inline void send_mail(unsigned cpu, uint64_t value) {
  constexpr uint64_t upper = 1 << 2;
  const uint64_t target = blocking | uint64_t{cpu} << 16;
  iocsr_write64(mail_send_register, (value >> 32 << 32) | target | upper);
  iocsr_write64(mail_send_register, value << 32 | target);
}

}  // namespace guest::ipi

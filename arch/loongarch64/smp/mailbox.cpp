// SPDX-License-Identifier: Apache-2.0
#include "arch/loongarch64/smp/mailbox.hpp"

#include "arch/loongarch64/regs/ipi.hpp"
#include "arch/sysreg.hpp"

namespace arch::mailbox {

using regs::ipi_send;
using regs::mail_send;

// The lower half is what the CPU waits for: it comes last.
void start_cpu(uint64_t hardware_id, hal::HostPhys entry) {
  const auto send = [&](uint64_t half, uint64_t word) {
    iocsr_write64(mail_send::address, mail_send::blocking::mask | mail_send::cpu::of(hardware_id) |
                                          mail_send::half::of(half) | mail_send::data::of(word));
  };
  dbar();
  send(1, entry.value() >> 32);
  send(0, entry.value() & 0xffff'ffff);
  iocsr_write32(ipi_send::address,
                static_cast<uint32_t>(ipi_send::blocking::mask | ipi_send::cpu::of(hardware_id)));
}

}  // namespace arch::mailbox

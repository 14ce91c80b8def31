// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cpu.hpp"

// Interprocessor interrupts and mailboxes (Loongson 3A5000 user manual, chapter 10), by IOCSR address.
namespace guest::ipi {

inline constexpr uint32_t status = 0x1000, enable = 0x1004, set = 0x1008, clear = 0x100c, mailbox = 0x1020;
inline constexpr uint32_t send_register = 0x1040, mail_send_register = 0x1048, any_send_register = 0x1158;
inline constexpr uint64_t blocking = uint64_t{1} << 31;

inline void send(unsigned cpu, unsigned vector) {
  iocsr_write32(send_register, static_cast<uint32_t>(blocking) | cpu << 16 | vector);
}

// 32 bits into half `half` of the mailboxes; bytes whose bit of `keep` is set stay as they are.
inline void send_half(unsigned cpu, unsigned half, uint32_t value, unsigned keep = 0) {
  iocsr_write64(mail_send_register,
                uint64_t{value} << 32 | blocking | uint64_t{keep} << 27 | uint64_t{cpu} << 16 | half << 2);
}
// The same into any IOCSR of another CPU.
inline void send_any(unsigned cpu, uint32_t address, uint32_t value, unsigned keep = 0) {
  iocsr_write64(any_send_register,
                uint64_t{value} << 32 | blocking | uint64_t{keep} << 27 | uint64_t{cpu} << 16 | address);
}

// Into mailbox 0, the upper half first: the lower one is what is waited for.
inline void send_mail(unsigned cpu, uint64_t value) {
  send_half(cpu, 1, static_cast<uint32_t>(value >> 32));
  send_half(cpu, 0, static_cast<uint32_t>(value));
}

}  // namespace guest::ipi

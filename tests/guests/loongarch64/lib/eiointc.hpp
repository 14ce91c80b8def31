// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cpu.hpp"

// The extended I/O interrupt controller (Loongson 3A5000 user manual, 11.2), by IOCSR address.
namespace guest::eiointc {

inline constexpr uint32_t node_map = 0x14a0, pin_map = 0x14c0, enable = 0x1600, bounce = 0x1680, pending = 0x1700,
                          in_service = 0x1800, route = 0x1c00;

// A bank of a bit for each vector.
[[nodiscard]] constexpr uint32_t word_of(uint32_t bank, unsigned vector) { return bank + vector / 32 * 4; }
[[nodiscard]] constexpr uint32_t bit_of(unsigned vector) { return 1U << vector % 32; }

[[nodiscard]] inline bool is_set(uint32_t bank, unsigned vector) {
  return (iocsr_read32(word_of(bank, vector)) & bit_of(vector)) != 0;
}
inline void set_enabled(unsigned vector, bool on) {
  const uint32_t others = iocsr_read32(word_of(enable, vector)) & ~bit_of(vector);
  iocsr_write32(word_of(enable, vector), others | (on ? bit_of(vector) : 0));
}
// At this CPU.
inline void clear(unsigned vector) { iocsr_write32(word_of(in_service, vector), bit_of(vector)); }
// A byte, without an access of a byte: QEMU's board takes that for the whole word.
inline void set_byte(uint32_t address, uint32_t value) {
  const uint32_t word = address & ~3U, shift = address % 4 * 8;
  iocsr_write32(word, (iocsr_read32(word) & ~(0xffU << shift)) | value << shift);
}
inline void route_to(unsigned vector, unsigned cpu) { set_byte(route + vector, 1U << cpu); }
// Of the group of 32 vectors that it belongs to: HWI0 to HWI3.
inline void give_line(unsigned vector, unsigned line) { set_byte(pin_map + vector / 32, 1U << line); }

}  // namespace guest::eiointc

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/irq/vgic/model.hpp"
#include "vmm/mmio.hpp"

namespace vmm::vgic {

// Who is concerned by an access: the vCPU that asks, and the one whose private interrupts the frame shows (in a
// redistributor its own, else `self` again). Register functions take small arguments by value, so that they stay in
// registers all the way from the bus.
struct Cpus {
  CpuContext& self;
  CpuContext& frame;
};
// What is accessed: bytes from the beginning of the row, and how many.
struct Part {
  uint32_t offset;
  uint32_t size;
};

// Which access sizes a row takes; others read as zero and are ignored.
enum Sizes : uint8_t {
  word_only = 4,
  byte_word = 1 | 4,
  half_word = 2 | 4,
  word_double = 4 | 8,
};

// A register, or an array of equal ones, at [first, end) of a frame. No function: reads as zero, ignores writes.
struct Register {
  uint32_t first;
  uint32_t end;
  Sizes sizes;
  uint64_t (*read)(Model&, Cpus, Part);
  void (*write)(Model&, Cpus, Part, uint64_t value);
};

// Reached only while compiling a table that is wrong.
void too_many_rows();
void two_rows_in_one_slot();

// The registers of one frame of 64 KiB as a table. Finding a row takes no search: an index made at build time has a
// byte for each slot, which is a word at the frame's beginning, then `NearSlot` bytes, and 4 KiB behind the first 4
// KiB. A row may cover a part of a slot, but no two share one.
template <size_t Rows, uint32_t NearSlot = 16>
class RegisterMap {
 public:
  consteval explicit RegisterMap(std::span<const Register> rows, std::span<const Register> more = {}) {
    index_.fill(Rows);  // no register
    size_t count = 0;
    for (const std::span<const Register> part : {rows, more}) {
      for (const Register& row : part) {
        if (count == Rows) too_many_rows();
        rows_[count] = {row.first, row.end - row.first, row.sizes, row.read != nullptr ? row.read : read_zero,
                        row.write != nullptr ? row.write : ignore_write};
        for (uint32_t at = row.first; at < row.end; at += 4) {
          uint8_t& entry = index_[slot(at)];
          if (entry != Rows && entry != count) two_rows_in_one_slot();
          entry = static_cast<uint8_t>(count);
        }
        ++count;
      }
    }
  }

  // `offset` is that of the frame, below 64 KiB.
  [[nodiscard]] uint64_t read(Model& model, Cpus cpus, uint32_t offset, uint32_t size) const {
    const Row& row = rows_[index_[slot(offset)]];
    if (!row.takes(offset, size)) return 0;
    return row.read(model, cpus, {offset - row.first, size});
  }
  void write(Model& model, Cpus cpus, uint32_t offset, uint32_t size, uint64_t value) const {
    const Row& row = rows_[index_[slot(offset)]];
    if (!row.takes(offset, size)) return;
    row.write(model, cpus, {offset - row.first, size}, value & ~uint64_t{0} >> (64 - size * 8));
  }

 private:
  struct Row {
    uint32_t first;
    uint32_t bytes;
    Sizes sizes;
    uint64_t (*read)(Model&, Cpus, Part);
    void (*write)(Model&, Cpus, Part, uint64_t value);

    [[nodiscard]] bool takes(uint32_t offset, uint32_t size) const {
      return (sizes & size) != 0 && offset - first < bytes;
    }
  };
  static uint64_t read_zero(Model&, Cpus, Part) { return 0; }
  static void ignore_write(Model&, Cpus, Part, uint64_t) {}

  static constexpr uint32_t first_end = NearSlot == 4 ? 0 : 0x20;
  static constexpr uint32_t near_end = 0x1000;
  static constexpr uint32_t frame_end = 0x10000;
  [[nodiscard]] static constexpr uint32_t slot(uint32_t offset) {
    if (offset < first_end) [[likely]]
      return offset / 4;
    if (offset < near_end) return near_slots + offset / NearSlot;
    return far_slots + offset / near_end;
  }
  static constexpr uint32_t near_slots = first_end / 4 - first_end / NearSlot;
  static constexpr uint32_t far_slots = near_slots + near_end / NearSlot - 1;

  std::array<Row, Rows + 1> rows_{};
  std::array<uint8_t, far_slots + frame_end / near_end> index_{};
};

// Words of 64-bit registers that can be accessed in halves.
[[nodiscard]] inline uint64_t part_of(uint64_t whole, Part part) {
  return part.size == 8 ? whole : whole >> (part.offset % 8 * 8) & 0xffff'ffff;
}
[[nodiscard]] inline uint64_t with_part(uint64_t whole, Part part, uint64_t value) {
  if (part.size == 8) return value;
  const unsigned shift = part.offset % 8 * 8;
  return (whole & ~(uint64_t{0xffff'ffff} << shift)) | value << shift;
}

}  // namespace vmm::vgic

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

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
void rows_overlap_or_are_out_of_order();

// The registers of one frame of 64 KiB as a table in ascending order. Finding a row takes no search: an index made at
// build time has a byte for every word of the first 4 KiB, and one for each 4 KiB behind, of which a row may cover a
// part.
class RegisterMap {
 public:
  static constexpr size_t max_rows = 20;

  template <size_t Rows>
  consteval explicit RegisterMap(const Register (&rows)[Rows]) {
    static_assert(Rows <= max_rows);
    index_.fill(Rows);  // the row behind the last: no register
    for (size_t i = 0; i < Rows; ++i) {
      rows_[i] = rows[i];
      if (i != 0 && rows[i].first < rows[i - 1].end) rows_overlap_or_are_out_of_order();
      for (uint32_t at = rows[i].first & ~3u; at < rows[i].end; at += 4) index_[slot(at)] = static_cast<uint8_t>(i);
    }
  }

  // `offset` is that of the frame, below 64 KiB.
  [[nodiscard]] uint64_t read(Model& model, Cpus cpus, uint32_t offset, uint32_t size) const {
    const Register& row = rows_[index_[slot(offset)]];
    if (!takes(row, offset, size) || row.read == nullptr) return 0;
    return row.read(model, cpus, {offset - row.first, size});
  }
  void write(Model& model, Cpus cpus, uint32_t offset, uint32_t size, uint64_t value) const {
    const Register& row = rows_[index_[slot(offset)]];
    if (!takes(row, offset, size) || row.write == nullptr) return;
    row.write(model, cpus, {offset - row.first, size}, value & ~uint64_t{0} >> (64 - size * 8));
  }

 private:
  static constexpr uint32_t near = 0x1000;
  [[nodiscard]] static constexpr uint32_t slot(uint32_t offset) {
    return offset < near ? offset / 4 : near / 4 - 1 + offset / near;
  }
  [[nodiscard]] static bool takes(const Register& row, uint32_t offset, uint32_t size) {
    return (row.sizes & size) != 0 && offset - row.first < row.end - row.first;
  }

  std::array<Register, max_rows + 1> rows_{};
  std::array<uint8_t, near / 4 + 15> index_{};
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

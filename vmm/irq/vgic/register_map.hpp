// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/irq/vgic/model.hpp"
#include "vmm/mmio.hpp"

namespace vmm::vgic {

// One access to a register, as its functions see it.
struct RegisterAccess {
  Model& model;
  CpuContext& self;   // who asks
  CpuContext& frame;  // whose private interrupts the frame shows: the redistributor's, else `self`
  uint32_t offset;    // from the first byte of the row
  uint8_t size;
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
  uint64_t (*read)(const RegisterAccess&);
  void (*write)(const RegisterAccess&, uint64_t value);
};

// Reached only while compiling a table that is wrong.
void rows_overlap_or_are_out_of_order();

// The registers of one frame of 64 KiB as a table in ascending order. Lookup does not depend on the table's length: an
// index made at build time knows the first row of each 128 bytes of the first 4 KiB, and of each 4 KiB behind.
template <size_t Rows>
class RegisterMap {
 public:
  consteval explicit RegisterMap(const std::array<Register, Rows>& rows) : rows_(rows) {
    for (size_t i = 1; i < Rows; ++i) {
      if (rows[i].first < rows[i - 1].end) rows_overlap_or_are_out_of_order();
    }
    for (uint32_t slot = 0; slot < slot_count; ++slot) {
      uint8_t row = 0;
      while (row < Rows && rows[row].end <= slot_start(slot)) ++row;
      first_row_[slot] = row;
    }
  }

  // The row that an access falls into, null if there is none or it does not take that size.
  [[nodiscard]] const Register* find(uint64_t offset, unsigned size) const {
    const size_t slot = offset < 0x1000 ? offset / 0x80 : 31 + offset / 0x1000;
    for (size_t row = first_row_[slot]; row < Rows && rows_[row].first <= offset; ++row) {
      if (offset < rows_[row].end) return (rows_[row].sizes & size) != 0 ? &rows_[row] : nullptr;
    }
    return nullptr;
  }

 private:
  static constexpr uint32_t slot_count = 32 + 15;
  [[nodiscard]] static constexpr uint32_t slot_start(uint32_t slot) {
    return slot < 32 ? slot * 0x80 : (slot - 31) * 0x1000;
  }

  std::array<Register, Rows> rows_;
  std::array<uint8_t, slot_count> first_row_{};
};

// `offset` is that of the frame, below 64 KiB.
template <size_t Rows>
[[nodiscard]] uint64_t read_register(const RegisterMap<Rows>& map, Model& model, CpuContext& frame, uint32_t offset,
                                     const MmioAccess& access) {
  const Register* const row = map.find(offset, access.size);
  if (row == nullptr || row->read == nullptr) return 0;
  return row->read({model, model.cpus[access.vcpu], frame, offset - row->first, access.size});
}

template <size_t Rows>
void write_register(const RegisterMap<Rows>& map, Model& model, CpuContext& frame, uint32_t offset,
                    const MmioAccess& access, uint64_t value) {
  const Register* const row = map.find(offset, access.size);
  if (row == nullptr || row->write == nullptr) return;
  row->write({model, model.cpus[access.vcpu], frame, offset - row->first, access.size},
             value & hal::low_mask(access.size * 8u));
}

// Parts of 64-bit registers that can be accessed as two words.
[[nodiscard]] inline uint64_t part_of(uint64_t whole, const RegisterAccess& access) {
  return access.size == 8 ? whole : whole >> (access.offset % 8 * 8) & 0xffff'ffff;
}
[[nodiscard]] inline uint64_t with_part(uint64_t whole, const RegisterAccess& access, uint64_t value) {
  if (access.size == 8) return value;
  const unsigned shift = access.offset % 8 * 8;
  return (whole & ~(uint64_t{0xffff'ffff} << shift)) | value << shift;
}

}  // namespace vmm::vgic

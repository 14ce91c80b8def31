// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/decode/a64_dropped_store.hpp"

#include <array>

#include "arch/aarch64/decode/a64_fields.hpp"
#include "hal/base/bits.hpp"

namespace arch::a64 {
namespace {

using Dropped = std::optional<DroppedStore>;

uint64_t base_of(uint32_t instruction, const Registers& registers) {
  const uint8_t base = rn::get(instruction);
  return base == stack_pointer ? registers.sp : registers.x[base];
}

Dropped in_place(uint32_t instruction, const Registers& registers, uint64_t bytes) {
  return DroppedStore{
      .address = base_of(instruction, registers), .bytes = bytes, .base = {}, .status = {}, .loaded = {}};
}

// The base moves on by `offset`, before the access or after it.
Dropped indexed(uint32_t instruction, const Registers& registers, uint64_t bytes, uint64_t offset, bool pre) {
  const uint64_t base = base_of(instruction, registers);
  return DroppedStore{.address = pre ? base + offset : base,
                      .bytes = bytes,
                      .base = DroppedStore::Writeback{rn::get(instruction), base + offset},
                      .status = {},
                      .loaded = {}};
}

Dropped displaced(uint32_t instruction, const Registers& registers, uint64_t bytes, uint64_t offset) {
  auto store = in_place(instruction, registers, bytes);
  store->address += offset;
  return store;
}

// --- general registers -----------------------------------------------------------------------------------------------

Dropped general(const hal::MemoryAccess& access) {
  if (!access.store) return std::nullopt;
  DroppedStore store{.address = access.address,
                     .bytes = uint64_t{access.count} * access.transfers[0].size,
                     .base = {},
                     .status = {},
                     .loaded = {}};
  if (access.writeback) store.base = {access.base, access.base_value};
  return store;
}

uint64_t general_size(uint32_t instruction) { return uint64_t{1} << size_field::get(instruction); }

// STXR, STLXR, STXP, STLXP (C6.2.399). Pairs exist for words and doublewords; the rest of that space is CASP.
Dropped exclusive(uint32_t instruction, const Registers& registers) {
  using is_pair = hal::Field<21>;
  const bool pair = is_pair::is_set(instruction);
  if (pair && size_field::get(instruction) < 2) return std::nullopt;
  auto store = in_place(instruction, registers, general_size(instruction) << (pair ? 1 : 0));
  store->status = rs::get(instruction);
  return store;
}

// STLR, STLLR.
Dropped ordered(uint32_t instruction, const Registers& registers) {
  return in_place(instruction, registers, general_size(instruction));
}

// STLUR.
Dropped ordered_unscaled(uint32_t instruction, const Registers& registers) {
  const uint64_t offset = hal::sign_extend(imm9::get(instruction), imm9::width);
  return displaced(instruction, registers, general_size(instruction), offset);
}

// CAS: Rs gets what was there (C6.2.55).
Dropped compare_and_swap(uint32_t instruction, const Registers& registers) {
  auto store = in_place(instruction, registers, general_size(instruction));
  store->loaded = rs::get(instruction);
  return store;
}

// LDADD and its like, SWP: Rt gets what was there.
Dropped atomic(uint32_t instruction, const Registers& registers) {
  auto store = in_place(instruction, registers, general_size(instruction));
  store->loaded = rt::get(instruction);
  return store;
}

// Works on the block around its address, which lies in one page; that one byte of it is in a ROM is enough to know.
Dropped zero_block(uint32_t instruction, const Registers& registers) {
  const uint8_t reg = rt::get(instruction);
  return DroppedStore{.address = reg == zero_register ? 0 : registers.x[reg],
                      .bytes = 1,
                      .base = {},
                      .status = {},
                      .loaded = {}};
}

// --- SIMD and FP registers -------------------------------------------------------------------------------------------

// A single register (C7.2.350): opc<1> and size give the width, B to Q; opc<0> says load.
uint64_t vector_size(uint32_t instruction) {
  const uint64_t operation = opc::get(instruction), size = size_field::get(instruction);
  if (operation == 0) return uint64_t{1} << size;
  return operation == 2 && size == 0 ? 16 : 0;
}

template <bool Pre>
Dropped vector_indexed(uint32_t instruction, const Registers& registers) {
  const uint64_t bytes = vector_size(instruction);
  if (bytes == 0) return std::nullopt;
  return indexed(instruction, registers, bytes, hal::sign_extend(imm9::get(instruction), imm9::width), Pre);
}

Dropped vector_unscaled(uint32_t instruction, const Registers& registers) {
  const uint64_t bytes = vector_size(instruction);
  if (bytes == 0) return std::nullopt;
  return displaced(instruction, registers, bytes, hal::sign_extend(imm9::get(instruction), imm9::width));
}

Dropped vector_unsigned(uint32_t instruction, const Registers& registers) {
  const uint64_t bytes = vector_size(instruction);
  if (bytes == 0) return std::nullopt;
  return displaced(instruction, registers, bytes, imm12::get(instruction) * bytes);
}

// The index register, extended and perhaps scaled by the size of the access.
Dropped vector_register(uint32_t instruction, const Registers& registers) {
  const uint64_t bytes = vector_size(instruction);
  const auto index = index_of(instruction, registers);
  if (bytes == 0 || !index) return std::nullopt;
  return displaced(instruction, registers, bytes, scale_bit::is_set(instruction) ? *index * bytes : *index);
}

// A pair (C7.2.347): opc in bits 31..30 is 0 for S, 1 for D, 2 for Q.
std::optional<uint64_t> pair_width(uint32_t instruction) {
  const uint64_t width = size_field::get(instruction);
  if (width == 3 || load_bit::is_set(instruction)) return std::nullopt;
  return uint64_t{4} << width;
}

uint64_t pair_displacement(uint32_t instruction, uint64_t width) {
  return hal::sign_extend(imm7::get(instruction), imm7::width) * width;
}

template <bool Pre>
Dropped vector_pair_indexed(uint32_t instruction, const Registers& registers) {
  const auto width = pair_width(instruction);
  if (!width) return std::nullopt;
  return indexed(instruction, registers, 2 * *width, pair_displacement(instruction, *width), Pre);
}

Dropped vector_pair(uint32_t instruction, const Registers& registers) {
  const auto width = pair_width(instruction);
  if (!width) return std::nullopt;
  return displaced(instruction, registers, 2 * *width, pair_displacement(instruction, *width));
}

using quad = hal::Field<30>;  // structures: 128-bit registers

// ST1 to ST4 of whole registers (C7.2.363): how many, by bits 15..12.
uint64_t multiple_bytes(uint32_t instruction) {
  constexpr std::array<uint8_t, 16> counts{4, 0, 4, 0, 3, 0, 3, 1, 2, 0, 2, 0, 0, 0, 0, 0};
  using opcode = hal::Field<15, 12>;
  return counts[opcode::get(instruction)] * (quad::is_set(instruction) ? uint64_t{16} : 8);
}

// ST1 to ST4 of one element of each (C7.2.364).
uint64_t single_bytes(uint32_t instruction) {
  using selector = hal::Field<13>;
  using r = hal::Field<21>;
  using scale = hal::Field<15, 14>;
  using size = hal::Field<11, 10>;
  const uint64_t elements = 1 + (selector::get(instruction) << 1 | r::get(instruction));
  switch (scale::get(instruction)) {
    case 0: return elements;
    case 1: return elements * 2;
    case 2: return elements * (size::get(instruction) == 1 ? 8 : 4);
    default: return 0;
  }
}

Dropped structures(uint32_t instruction, const Registers& registers, uint64_t bytes) {
  if (bytes == 0) return std::nullopt;
  return in_place(instruction, registers, bytes);
}

// Rm 31 stands for the number of bytes.
Dropped structures_indexed(uint32_t instruction, const Registers& registers, uint64_t bytes) {
  if (bytes == 0) return std::nullopt;
  const uint8_t step = rm::get(instruction);
  return indexed(instruction, registers, bytes, step == zero_register ? bytes : registers.x[step], false);
}

Dropped multiple(uint32_t instruction, const Registers& registers) {
  return structures(instruction, registers, multiple_bytes(instruction));
}
Dropped multiple_indexed(uint32_t instruction, const Registers& registers) {
  return structures_indexed(instruction, registers, multiple_bytes(instruction));
}
Dropped elements(uint32_t instruction, const Registers& registers) {
  return structures(instruction, registers, single_bytes(instruction));
}
Dropped elements_indexed(uint32_t instruction, const Registers& registers) {
  return structures_indexed(instruction, registers, single_bytes(instruction));
}

// One row per encoding class of C4.1.94; what a64::decode() knows comes before these.
struct Encoding {
  uint32_t mask;
  uint32_t value;
  Dropped (*decode)(uint32_t, const Registers&);
};
constexpr std::array encodings{
    Encoding{0xbfff'0000, 0x0c00'0000, multiple},                    // ST4 {Vt.T - Vt4.T}, [Xn]
    Encoding{0xbfe0'0000, 0x0c80'0000, multiple_indexed},            // ST4 {Vt.T - Vt4.T}, [Xn], Xm
    Encoding{0xbfdf'0000, 0x0d00'0000, elements},                    // ST1 {Vt.B}[1], [Xn]
    Encoding{0xbfc0'0000, 0x0d80'0000, elements_indexed},            // ST1 {Vt.B}[1], [Xn], #1
    Encoding{0x3fc0'0000, 0x0800'0000, exclusive},                   // STXR Ws, Xt, [Xn]
    Encoding{0x3fe0'0000, 0x0880'0000, ordered},                     // STLR Xt, [Xn]
    Encoding{0x3fa0'7c00, 0x08a0'7c00, compare_and_swap},            // CAS Xs, Xt, [Xn]
    Encoding{0x3fe0'0c00, 0x1900'0000, ordered_unscaled},            // STLUR Xt, [Xn, #imm]
    Encoding{0x3f20'8c00, 0x3820'0000, atomic},                      // LDADD Xs, Xt, [Xn]
    Encoding{0x3f20'fc00, 0x3820'8000, atomic},                      // SWP Xs, Xt, [Xn]
    Encoding{0x3f80'0000, 0x2c00'0000, vector_pair},                 // STNP Qt1, Qt2, [Xn, #imm]
    Encoding{0x3f80'0000, 0x2c80'0000, vector_pair_indexed<false>},  // STP Qt1, Qt2, [Xn], #imm
    Encoding{0x3f80'0000, 0x2d00'0000, vector_pair},                 // STP Qt1, Qt2, [Xn, #imm]
    Encoding{0x3f80'0000, 0x2d80'0000, vector_pair_indexed<true>},   // STP Qt1, Qt2, [Xn, #imm]!
    Encoding{0x3f20'0c00, 0x3c00'0000, vector_unscaled},             // STUR Qt, [Xn, #imm]
    Encoding{0x3f20'0c00, 0x3c00'0400, vector_indexed<false>},       // STR Qt, [Xn], #imm
    Encoding{0x3f20'0c00, 0x3c00'0c00, vector_indexed<true>},        // STR Qt, [Xn, #imm]!
    Encoding{0x3f20'0c00, 0x3c20'0800, vector_register},             // STR Qt, [Xn, Xm, LSL #4]
    Encoding{0x3f00'0000, 0x3d00'0000, vector_unsigned},             // STR Qt, [Xn, #imm]
    Encoding{0xffff'ffe0, 0xd50b'7420, zero_block},                  // DC ZVA, Xt
};

}  // namespace

std::optional<DroppedStore> decode_dropped_store(uint32_t instruction, const Registers& registers) {
  if (const auto access = decode(instruction, registers)) return general(*access);
  for (const Encoding& encoding : encodings) {
    if ((instruction & encoding.mask) == encoding.value) return encoding.decode(instruction, registers);
  }
  return std::nullopt;
}

}  // namespace arch::a64

// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/decode/a64_memory.hpp"

#include "arch/aarch64/decode/a64_fields.hpp"
#include "hal/base/bits.hpp"

namespace arch::a64 {

namespace {

using hal::MemoryAccess;

// How the address comes from the base register.
enum class Addressing : uint8_t { pre, post, offset };

// What opc says about a single register: sizes are powers of two, and the combinations left out are prefetches or
// unallocated.
struct Operation {
  bool valid;
  bool store;
  bool sign_extend;
  bool to_64_bits;
};

constexpr Operation single_operation(uint64_t size, uint64_t opc_value) {
  switch (opc_value) {
    case 0: return {true, true, false, false};
    case 1: return {true, false, false, size == 3};
    case 2: return {size < 3, false, true, true};  // size 3: PRFM
    default: return {size < 2, false, true, false};
  }
}

uint64_t read_base(const Registers& registers, uint8_t reg) {
  return reg == stack_pointer ? registers.sp : registers.x[reg];
}

void apply(MemoryAccess& access, const Registers& registers, uint8_t base, uint64_t offset, Addressing addressing) {
  const uint64_t value = read_base(registers, base);
  access.address = addressing == Addressing::post ? value : value + offset;
  if (addressing == Addressing::offset) return;
  access.writeback = true;
  access.base = base;
  access.base_value = value + offset;
}

// Writeback into a register that is transferred as well is CONSTRAINED UNPREDICTABLE (K1.2.11): no compiler emits it.
bool base_is_transferred(const MemoryAccess& access) {
  if (!access.writeback || access.base == stack_pointer) return false;
  for (uint8_t i = 0; i < access.count; ++i) {
    if (access.transfers[i].reg == access.base) return true;
  }
  return false;
}

std::optional<MemoryAccess> checked(const MemoryAccess& access) {
  if (base_is_transferred(access)) return std::nullopt;
  return access;
}

std::optional<MemoryAccess> single(uint32_t instruction, const Registers& registers, uint64_t offset,
                                   Addressing addressing) {
  const uint64_t size = size_field::get(instruction);
  const Operation operation = single_operation(size, opc::get(instruction));
  if (!operation.valid) return std::nullopt;
  MemoryAccess access{.store = operation.store, .count = 1};
  access.transfers[0] = {.reg = rt::get(instruction),
                         .size = static_cast<uint8_t>(1U << size),
                         .sign_extend = operation.sign_extend,
                         .to_64_bits = operation.to_64_bits,
                         .offset = 0};
  apply(access, registers, rn::get(instruction), offset, addressing);
  return checked(access);
}

std::optional<MemoryAccess> single_imm9(uint32_t instruction, const Registers& registers, Addressing addressing) {
  return single(instruction, registers, hal::sign_extend(imm9::get(instruction), imm9::width), addressing);
}

std::optional<MemoryAccess> unscaled(uint32_t instruction, const Registers& registers) {
  return single_imm9(instruction, registers, Addressing::offset);
}
std::optional<MemoryAccess> post_indexed(uint32_t instruction, const Registers& registers) {
  return single_imm9(instruction, registers, Addressing::post);
}
std::optional<MemoryAccess> pre_indexed(uint32_t instruction, const Registers& registers) {
  return single_imm9(instruction, registers, Addressing::pre);
}

std::optional<MemoryAccess> unsigned_offset(uint32_t instruction, const Registers& registers) {
  return single(instruction, registers, imm12::get(instruction) << size_field::get(instruction), Addressing::offset);
}

std::optional<MemoryAccess> register_offset(uint32_t instruction, const Registers& registers) {
  const auto index = index_of(instruction, registers);
  if (!index) return std::nullopt;
  const unsigned scale = scale_bit::is_set(instruction) ? static_cast<unsigned>(size_field::get(instruction)) : 0;
  return single(instruction, registers, *index << scale, Addressing::offset);
}

// LDP, STP, LDNP, STNP, LDPSW (C6.2.164): opc in bits 31..30 is 0 for W, 1 for LDPSW, 2 for X.
std::optional<MemoryAccess> pair(uint32_t instruction, const Registers& registers, Addressing addressing,
                                 bool non_temporal) {
  const uint64_t width = size_field::get(instruction);
  const bool store = !load_bit::is_set(instruction);
  const bool sign_extend = width == 1;
  if (width == 3 || (sign_extend && (store || non_temporal))) return std::nullopt;
  const uint8_t size = width == 2 ? 8 : 4;
  MemoryAccess access{.store = store, .count = 2};
  for (uint8_t i = 0; i < 2; ++i) {
    access.transfers[i] = {.reg = i == 0 ? rt::get(instruction) : rt2::get(instruction),
                           .size = size,
                           .sign_extend = sign_extend,
                           .to_64_bits = width != 0,
                           .offset = uint64_t{i} * size};
  }
  if (!store && access.transfers[0].reg == access.transfers[1].reg) return std::nullopt;
  const uint64_t offset = hal::sign_extend(imm7::get(instruction), imm7::width) * size;
  apply(access, registers, rn::get(instruction), offset, addressing);
  return checked(access);
}

std::optional<MemoryAccess> pair_non_temporal(uint32_t instruction, const Registers& registers) {
  return pair(instruction, registers, Addressing::offset, true);
}
std::optional<MemoryAccess> pair_post_indexed(uint32_t instruction, const Registers& registers) {
  return pair(instruction, registers, Addressing::post, false);
}
std::optional<MemoryAccess> pair_offset(uint32_t instruction, const Registers& registers) {
  return pair(instruction, registers, Addressing::offset, false);
}
std::optional<MemoryAccess> pair_pre_indexed(uint32_t instruction, const Registers& registers) {
  return pair(instruction, registers, Addressing::pre, false);
}

// One row per encoding class of C4.1.94. Bit 26 (V) is 0 in every mask: SIMD and FP registers belong to nobody here.
struct Encoding {
  uint32_t mask;
  uint32_t value;
  std::optional<MemoryAccess> (*decode)(uint32_t, const Registers&);
};
constexpr std::array encodings{
    Encoding{0x3f80'0000, 0x2800'0000, pair_non_temporal},  // LDNP Xt1, Xt2, [Xn, #imm]
    Encoding{0x3f80'0000, 0x2880'0000, pair_post_indexed},  // LDP Xt1, Xt2, [Xn], #imm
    Encoding{0x3f80'0000, 0x2900'0000, pair_offset},        // LDP Xt1, Xt2, [Xn, #imm]
    Encoding{0x3f80'0000, 0x2980'0000, pair_pre_indexed},   // LDP Xt1, Xt2, [Xn, #imm]!
    Encoding{0x3f20'0c00, 0x3800'0000, unscaled},           // LDUR Xt, [Xn, #imm]
    Encoding{0x3f20'0c00, 0x3800'0400, post_indexed},       // LDR Xt, [Xn], #imm
    Encoding{0x3f20'0c00, 0x3800'0800, unscaled},           // LDTR Xt, [Xn, #imm]
    Encoding{0x3f20'0c00, 0x3800'0c00, pre_indexed},        // LDR Xt, [Xn, #imm]!
    Encoding{0x3f20'0c00, 0x3820'0800, register_offset},    // LDR Xt, [Xn, Xm, LSL #3]
    Encoding{0x3f00'0000, 0x3900'0000, unsigned_offset},    // LDR Xt, [Xn, #imm]
};

}  // namespace

std::optional<uint64_t> index_of(uint32_t instruction, const Registers& registers) {
  constexpr uint64_t uxtw = 2, uxtx = 3, sxtw = 6, sxtx = 7;
  const uint8_t reg = rm::get(instruction);
  const uint64_t index = reg == zero_register ? 0 : registers.x[reg];
  switch (option::get(instruction)) {
    case uxtw: return index & hal::low_mask(32);
    case sxtw: return hal::sign_extend(index & hal::low_mask(32), 32);
    case uxtx:
    case sxtx: return index;
    default: return std::nullopt;
  }
}

std::optional<MemoryAccess> decode(uint32_t instruction, const Registers& registers) {
  for (const Encoding& encoding : encodings) {
    if ((instruction & encoding.mask) == encoding.value) return encoding.decode(instruction, registers);
  }
  return std::nullopt;
}

}  // namespace arch::a64

// SPDX-License-Identifier: Apache-2.0
// The encodings come from LLVM's assembler.
#include "arch/aarch64/decode/a64_memory.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <vector>

namespace {

using arch::a64::Registers;
using hal::Transfer;
using arch::a64::zero_register;

constexpr Registers registers = [] {
  Registers all{};
  for (uint64_t i = 0; i < all.x.size(); ++i) all.x[i] = 0x0900'0000 + i * 0x10'0000;
  all.x[2] = 0xffff'ffff'f000'0010;  // an index that differs by its extension
  all.sp = 0xffff'8000'0000'0100;
  return all;
}();
constexpr uint64_t x(size_t n) { return registers.x[n]; }
constexpr uint64_t low(size_t n) { return x(n) & 0xffff'ffff; }
constexpr uint64_t signed_low(size_t n) { return low(n) | 0xffff'ffff'0000'0000; }
constexpr uint64_t sp = registers.sp;

struct Writeback {
  uint8_t base;
  uint64_t value;
};

struct Accepted {
  const char* text;
  uint32_t encoding;
  bool store;
  uint64_t address;
  std::vector<Transfer> transfers;
  std::optional<Writeback> writeback;
};

const std::vector<Accepted> accepted{
    {"ldr x1, [x2]", 0xf940'0041, false, x(2), {{1, 8, false, true, 0}}, std::nullopt},
    {"ldr w1, [x2, #4]", 0xb940'0441, false, x(2) + 4, {{1, 4, false, false, 0}}, std::nullopt},
    {"ldrh w1, [x2, #6]", 0x7940'0c41, false, x(2) + 6, {{1, 2, false, false, 0}}, std::nullopt},
    {"ldrb w1, [x2, #7]", 0x3940'1c41, false, x(2) + 7, {{1, 1, false, false, 0}}, std::nullopt},
    {"ldr x1, [x2, #32760]", 0xf97f'fc41, false, x(2) + 32760, {{1, 8, false, true, 0}}, std::nullopt},
    {"str xzr, [sp, #16]", 0xf900'0bff, true, sp + 16, {{zero_register, 8, false, false, 0}}, std::nullopt},
    {"strb w3, [x4, #1]", 0x3900'0483, true, x(4) + 1, {{3, 1, false, false, 0}}, std::nullopt},
    {"strh w3, [x4]", 0x7900'0083, true, x(4), {{3, 2, false, false, 0}}, std::nullopt},
    {"ldr w0, [x1], #4", 0xb840'4420, false, x(1), {{0, 4, false, false, 0}}, Writeback{1, x(1) + 4}},
    {"ldr x0, [x1, #-8]!", 0xf85f'8c20, false, x(1) - 8, {{0, 8, false, true, 0}}, Writeback{1, x(1) - 8}},
    {"str w0, [x1], #-256", 0xb810'0420, true, x(1), {{0, 4, false, false, 0}}, Writeback{1, x(1) - 256}},
    {"str x30, [sp, #-16]!", 0xf81f'0ffe, true, sp - 16, {{30, 8, false, false, 0}}, Writeback{31, sp - 16}},
    {"ldrb w0, [x1], #1", 0x3840'1420, false, x(1), {{0, 1, false, false, 0}}, Writeback{1, x(1) + 1}},
    {"strb w0, [x1], #1", 0x3800'1420, true, x(1), {{0, 1, false, false, 0}}, Writeback{1, x(1) + 1}},
    {"ldrh w0, [x1, #2]!", 0x7840'2c20, false, x(1) + 2, {{0, 2, false, false, 0}}, Writeback{1, x(1) + 2}},
    {"ldrsb w0, [x1], #1", 0x38c0'1420, false, x(1), {{0, 1, true, false, 0}}, Writeback{1, x(1) + 1}},
    {"ldrsb x0, [x1, #1]!", 0x3880'1c20, false, x(1) + 1, {{0, 1, true, true, 0}}, Writeback{1, x(1) + 1}},
    {"ldrsh w0, [x1, #2]", 0x79c0'0420, false, x(1) + 2, {{0, 2, true, false, 0}}, std::nullopt},
    {"ldrsh x0, [x1], #2", 0x7880'2420, false, x(1), {{0, 2, true, true, 0}}, Writeback{1, x(1) + 2}},
    {"ldrsw x0, [x1, #4]", 0xb980'0420, false, x(1) + 4, {{0, 4, true, true, 0}}, std::nullopt},
    {"ldrsw x0, [x1], #4", 0xb880'4420, false, x(1), {{0, 4, true, true, 0}}, Writeback{1, x(1) + 4}},
    {"ldur x5, [x6, #-1]", 0xf85f'f0c5, false, x(6) - 1, {{5, 8, false, true, 0}}, std::nullopt},
    {"stur w5, [x6, #255]", 0xb80f'f0c5, true, x(6) + 255, {{5, 4, false, false, 0}}, std::nullopt},
    {"ldursw x5, [x6, #-4]", 0xb89f'c0c5, false, x(6) - 4, {{5, 4, true, true, 0}}, std::nullopt},
    {"ldtr x5, [x6, #8]", 0xf840'88c5, false, x(6) + 8, {{5, 8, false, true, 0}}, std::nullopt},
    {"sttrh w5, [x6, #-2]", 0x781f'e8c5, true, x(6) - 2, {{5, 2, false, false, 0}}, std::nullopt},
    {"ldr x0, [x1, x2]", 0xf862'6820, false, x(1) + x(2), {{0, 8, false, true, 0}}, std::nullopt},
    {"ldr x0, [x1, x2, lsl #3]", 0xf862'7820, false, x(1) + x(2) * 8, {{0, 8, false, true, 0}}, std::nullopt},
    {"ldr w0, [x1, w2, uxtw #2]", 0xb862'5820, false, x(1) + low(2) * 4, {{0, 4, false, false, 0}}, std::nullopt},
    {"ldr w0, [x1, w2, sxtw]", 0xb862'c820, false, x(1) + signed_low(2), {{0, 4, false, false, 0}}, std::nullopt},
    {"str x0, [x1, w2, sxtw #3]", 0xf822'd820, true, x(1) + signed_low(2) * 8, {{0, 8, false, false, 0}}, std::nullopt},
    {"strb w0, [x1, x2, sxtx]", 0x3822'e820, true, x(1) + x(2), {{0, 1, false, false, 0}}, std::nullopt},
    {"ldrsb w0, [x1, xzr]", 0x38ff'6820, false, x(1), {{0, 1, true, false, 0}}, std::nullopt},
    {"ldp x0, x1, [x2]", 0xa940'0440, false, x(2), {{0, 8, false, true, 0}, {1, 8, false, true, 8}}, std::nullopt},
    {"ldp w0, w1, [x2, #-256]",
     0x2960'0440,
     false,
     x(2) - 256,
     {{0, 4, false, false, 0}, {1, 4, false, false, 4}},
     std::nullopt},
    {"ldp x0, x1, [x2], #504",
     0xa8df'8440,
     false,
     x(2),
     {{0, 8, false, true, 0}, {1, 8, false, true, 8}},
     Writeback{2, x(2) + 504}},
    {"ldp x0, x1, [x2, #-512]!",
     0xa9e0'0440,
     false,
     x(2) - 512,
     {{0, 8, false, true, 0}, {1, 8, false, true, 8}},
     Writeback{2, x(2) - 512}},
    {"ldpsw x0, x1, [x2, #8]",
     0x6941'0440,
     false,
     x(2) + 8,
     {{0, 4, true, true, 0}, {1, 4, true, true, 4}},
     std::nullopt},
    {"ldpsw x0, x1, [x2], #8",
     0x68c1'0440,
     false,
     x(2),
     {{0, 4, true, true, 0}, {1, 4, true, true, 4}},
     Writeback{2, x(2) + 8}},
    {"stp x0, x1, [x2, #16]!",
     0xa981'0440,
     true,
     x(2) + 16,
     {{0, 8, false, true, 0}, {1, 8, false, true, 8}},
     Writeback{2, x(2) + 16}},
    {"stp wzr, w1, [x2], #8",
     0x2881'045f,
     true,
     x(2),
     {{zero_register, 4, false, false, 0}, {1, 4, false, false, 4}},
     Writeback{2, x(2) + 8}},
    {"stp x29, x30, [sp, #-32]!",
     0xa9be'7bfd,
     true,
     sp - 32,
     {{29, 8, false, true, 0}, {30, 8, false, true, 8}},
     Writeback{31, sp - 32}},
    {"ldnp x0, x1, [x2, #16]",
     0xa841'0440,
     false,
     x(2) + 16,
     {{0, 8, false, true, 0}, {1, 8, false, true, 8}},
     std::nullopt},
    {"stnp w0, w1, [sp, #4]",
     0x2800'87e0,
     true,
     sp + 4,
     {{0, 4, false, true, 0}, {1, 4, false, true, 4}},
     std::nullopt},
    {"stp x1, x1, [x2]", 0xa900'0441, true, x(2), {{1, 8, false, true, 0}, {1, 8, false, true, 8}}, std::nullopt},
};

TEST(A64Memory, decodes_what_compilers_emit_for_devices) {
  for (const Accepted& expected : accepted) {
    SCOPED_TRACE(expected.text);
    const auto access = arch::a64::decode(expected.encoding, registers);
    ASSERT_TRUE(access);
    EXPECT_EQ(access->store, expected.store);
    EXPECT_EQ(access->address, expected.address);
    ASSERT_EQ(access->count, expected.transfers.size());
    for (size_t i = 0; i < expected.transfers.size(); ++i) {
      EXPECT_EQ(access->transfers[i].reg, expected.transfers[i].reg);
      EXPECT_EQ(access->transfers[i].size, expected.transfers[i].size);
      EXPECT_EQ(access->transfers[i].offset, expected.transfers[i].offset);
      if (expected.store) continue;
      EXPECT_EQ(access->transfers[i].sign_extend, expected.transfers[i].sign_extend);
      EXPECT_EQ(access->transfers[i].to_64_bits, expected.transfers[i].to_64_bits);
    }
    ASSERT_EQ(access->writeback, expected.writeback.has_value());
    if (!access->writeback) continue;
    EXPECT_EQ(access->base, expected.writeback->base);
    EXPECT_EQ(access->base_value, expected.writeback->value);
  }
}

struct Refused {
  const char* text;
  uint32_t encoding;
};

constexpr Refused refused[]{
    {"ldr q0, [x1]", 0x3dc0'0020},
    {"ldr d0, [x1], #8", 0xfc40'8420},
    {"str s0, [x1]", 0xbd00'0020},
    {"ldp q0, q1, [x2]", 0xad40'0440},
    {"stp d0, d1, [x2]", 0x6d00'0440},
    {"ldur b0, [x1, #1]", 0x3c40'1020},
    {"ldxr x0, [x1]", 0xc85f'7c20},
    {"stxr w2, x0, [x1]", 0xc802'7c20},
    {"ldxp x0, x1, [x2]", 0xc87f'0440},
    {"ldar x0, [x1]", 0xc8df'fc20},
    {"stlr w0, [x1]", 0x889f'fc20},
    {"ldapr x0, [x1]", 0xf8bf'c020},
    {"ldadd x0, x1, [x2]", 0xf820'0041},
    {"swp w0, w1, [x2]", 0xb820'8041},
    {"cas x0, x1, [x2]", 0xc8a0'7c41},
    {"casp x0, x1, x2, x3, [x4]", 0x4820'7c82},
    {"prfm pldl1keep, [x0]", 0xf980'0000},
    {"prfum pldl1keep, [x0, #1]", 0xf880'1000},
    {"prfm pldl1keep, [x0, x1]", 0xf8a1'6800},
    {"ldr x0, .+8", 0x5800'0040},
    {"ldraa x0, [x1]", 0xf820'0420},
    {"ld1 {v0.16b}, [x1]", 0x4c40'7020},
    {"st1 {v0.4s, v1.4s}, [x1], #32", 0x4c9f'a820},
    {"stgp x0, x1, [x2]", 0x6900'0440},
    {"dc zva, x0", 0xd50b'7420},
    {"ldlar x0, [x1]", 0xc8df'7c20},
    {"ldapur w0, [x1, #1]", 0x9940'1020},
    {"add x0, x1, x2", 0x8b02'0020},
    {"ret", 0xd65f'03c0},
    {"nop", 0xd503'201f},
    {"udf #0", 0x0000'0000},
    {"ldr x1, [x1], #8", 0xf840'8421},
    {"ldp x1, x2, [x1], #16", 0xa8c1'0821},
    {"stp x1, x2, [x2, #16]!", 0xa981'0841},
    {"ldp x1, x1, [x2]", 0xa940'0441},
    {"ldr x0, [x1, w2] with a reserved extension", 0xf862'0820},
    {"ldp with opc 3", 0xe940'0440},
};

TEST(A64Memory, refuses_everything_else) {
  for (const Refused& instruction : refused) {
    EXPECT_FALSE(arch::a64::decode(instruction.encoding, registers)) << instruction.text;
  }
}

TEST(A64Memory, extends_what_was_loaded) {
  EXPECT_EQ(hal::loaded_value({0, 1, false, false, 0}, 0xfff0), 0xf0U);
  EXPECT_EQ(hal::loaded_value({0, 1, true, false, 0}, 0xf0), 0xffff'fff0U);
  EXPECT_EQ(hal::loaded_value({0, 1, true, true, 0}, 0xf0), 0xffff'ffff'ffff'fff0U);
  EXPECT_EQ(hal::loaded_value({0, 2, true, true, 0}, 0x7fff), 0x7fffU);
  EXPECT_EQ(hal::loaded_value({0, 4, true, true, 0}, 0x8000'0000), 0xffff'ffff'8000'0000U);
  EXPECT_EQ(hal::loaded_value({0, 4, false, false, 0}, ~uint64_t{0}), 0xffff'ffffU);
  EXPECT_EQ(hal::loaded_value({0, 8, false, true, 0}, ~uint64_t{0}), ~uint64_t{0});
}

TEST(A64Memory, gives_sane_answers_for_any_word) {
  std::mt19937 random(1);
  for (unsigned i = 0; i < 2'000'000; ++i) {
    const auto access = arch::a64::decode(static_cast<uint32_t>(random()), registers);
    if (!access) continue;
    ASSERT_TRUE(access->count == 1 || access->count == 2);
    ASSERT_LE(access->base, 31);
    for (unsigned t = 0; t < access->count; ++t) {
      const Transfer& transfer = access->transfers[t];
      ASSERT_LE(transfer.reg, zero_register);
      ASSERT_TRUE(transfer.size == 1 || transfer.size == 2 || transfer.size == 4 || transfer.size == 8);
      ASSERT_FALSE(access->writeback && transfer.reg == access->base && access->base != 31);
    }
  }
}

}  // namespace

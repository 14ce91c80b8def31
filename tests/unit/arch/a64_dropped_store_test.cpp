// SPDX-License-Identifier: Apache-2.0
// The encodings come from LLVM's assembler.
#include "arch/aarch64/decode/a64_dropped_store.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace {

using arch::a64::decode_dropped_store;
using arch::a64::DroppedStore;
using arch::a64::Registers;

constexpr Registers registers = [] {
  Registers all{};
  for (uint64_t i = 0; i < all.x.size(); ++i) all.x[i] = 0x6000'0000 + i * 0x1000;
  all.x[3] = 0xffff'ffff'ffff'fff0;  // an index
  all.sp = 0x6008'0000;
  return all;
}();
constexpr uint64_t x2 = registers.x[2], x3 = registers.x[3], sp = registers.sp;

struct Base {
  uint8_t reg;
  uint64_t value;
};

struct Case {
  const char* text;
  uint32_t encoding;
  uint64_t address;
  uint64_t bytes;
  std::optional<Base> base;
  std::optional<uint8_t> status;
  std::optional<uint8_t> loaded;
};

constexpr auto none = std::nullopt;
const Case stores[]{
    {"str x1, [x2]", 0xf900'0041, x2, 8, none, none, none},
    {"str x1, [x2], #8", 0xf800'8441, x2, 8, Base{2, x2 + 8}, none, none},
    {"strb w1, [sp, #-1]!", 0x381f'ffe1, sp - 1, 1, Base{31, sp - 1}, none, none},
    {"stp x0, x1, [x2], #16", 0xa881'0440, x2, 16, Base{2, x2 + 16}, none, none},
    {"stp wzr, w1, [x2]", 0x2900'045f, x2, 8, none, none, none},
    {"str q0, [x2, #32]", 0x3d80'0840, x2 + 32, 16, none, none, none},
    {"str q0, [x2], #16", 0x3c81'0440, x2, 16, Base{2, x2 + 16}, none, none},
    {"str b0, [x2, #-1]!", 0x3c1f'fc40, x2 - 1, 1, Base{2, x2 - 1}, none, none},
    {"stur d0, [x2, #-8]", 0xfc1f'8040, x2 - 8, 8, none, none, none},
    {"str h0, [x2, x3, lsl #1]", 0x7c23'7840, x2 - 32, 2, none, none, none},
    {"str q0, [x2, w3, sxtw #4]", 0x3ca3'd840, x2 - 256, 16, none, none, none},
    {"stp s0, s1, [x2], #8", 0x2c81'0440, x2, 8, Base{2, x2 + 8}, none, none},
    {"stp q0, q1, [x2, #-32]!", 0xadbf'0440, x2 - 32, 32, Base{2, x2 - 32}, none, none},
    {"stnp d0, d1, [x2, #16]", 0x6c01'0440, x2 + 16, 16, none, none, none},
    {"stp d0, d1, [x2, #16]", 0x6d01'0440, x2 + 16, 16, none, none, none},
    {"st1 {v0.16b}, [x2]", 0x4c00'7040, x2, 16, none, none, none},
    {"st1 {v0.8b}, [x2], #8", 0x0c9f'7040, x2, 8, Base{2, x2 + 8}, none, none},
    {"st1 {v0.16b - v3.16b}, [x2], #64", 0x4c9f'2040, x2, 64, Base{2, x2 + 64}, none, none},
    {"st2 {v0.4s, v1.4s}, [x2], x3", 0x4c83'8840, x2, 32, Base{2, x2 + x3}, none, none},
    {"st3 {v0.8h - v2.8h}, [x2], #48", 0x4c9f'4440, x2, 48, Base{2, x2 + 48}, none, none},
    {"st4 {v0.2d - v3.2d}, [sp], #64", 0x4c9f'0fe0, sp, 64, Base{31, sp + 64}, none, none},
    {"st1 {v0.b}[1], [x2], #1", 0x0d9f'0440, x2, 1, Base{2, x2 + 1}, none, none},
    {"st2 {v0.h, v1.h}[2], [x2], #4", 0x0dbf'5040, x2, 4, Base{2, x2 + 4}, none, none},
    {"st3 {v0.s - v2.s}[3], [x2], x3", 0x4d83'b040, x2, 12, Base{2, x2 + x3}, none, none},
    {"st4 {v0.d - v3.d}[1], [x2], #32", 0x4dbf'a440, x2, 32, Base{2, x2 + 32}, none, none},
    {"st1 {v0.d}[1], [x2]", 0x4d00'8440, x2, 8, none, none, none},
    {"stxr w5, x1, [x2]", 0xc805'7c41, x2, 8, none, 5, none},
    {"stlxrb w5, w1, [x2]", 0x0805'fc41, x2, 1, none, 5, none},
    {"stxp w5, w0, w1, [x2]", 0x8825'0440, x2, 8, none, 5, none},
    {"stlxp w5, x0, x1, [x2]", 0xc825'8440, x2, 16, none, 5, none},
    {"stlr w1, [x2]", 0x889f'fc41, x2, 4, none, none, none},
    {"stllr x1, [x2]", 0xc89f'7c41, x2, 8, none, none, none},
    {"stlurh w1, [x2, #-2]", 0x591f'e041, x2 - 2, 2, none, none, none},
    {"ldadd x0, x1, [x2]", 0xf820'0041, x2, 8, none, none, 1},
    {"stadd w0, [x2]", 0xb820'005f, x2, 4, none, none, 31},
    {"swpalb w0, w1, [x2]", 0x38e0'8041, x2, 1, none, none, 1},
    {"ldumaxh w0, w1, [x2]", 0x7820'6041, x2, 2, none, none, 1},
    {"cas w5, w1, [x2]", 0x88a5'7c41, x2, 4, none, none, 5},
    {"casal x5, x1, [x2]", 0xc8e5'fc41, x2, 8, none, none, 5},
    {"dc zva, x2", 0xd50b'7422, x2, 1, none, none, none},
};

TEST(A64DroppedStore, knows_what_each_store_does_to_registers) {
  for (const Case& expected : stores) {
    SCOPED_TRACE(expected.text);
    const auto store = decode_dropped_store(expected.encoding, registers);
    ASSERT_TRUE(store);
    EXPECT_EQ(store->address, expected.address);
    EXPECT_EQ(store->bytes, expected.bytes);
    EXPECT_EQ(store->status, expected.status);
    EXPECT_EQ(store->loaded, expected.loaded);
    ASSERT_EQ(store->base.has_value(), expected.base.has_value());
    if (!store->base) continue;
    EXPECT_EQ(store->base->reg, expected.base->reg);
    EXPECT_EQ(store->base->value, expected.base->value);
  }
}

struct Refused {
  const char* text;
  uint32_t encoding;
};
constexpr Refused others[]{
    {"ldr x1, [x2]", 0xf940'0041},
    {"ldp x0, x1, [x2]", 0xa940'0440},
    {"ldr q0, [x2], #16", 0x3cc1'0440},
    {"ldp q0, q1, [x2]", 0xad40'0440},
    {"ld1 {v0.16b}, [x2]", 0x4c40'7040},
    {"ld1r {v0.4s}, [x2]", 0x4d40'c840},
    {"ldxr x1, [x2]", 0xc85f'7c41},
    {"ldapur w1, [x2, #1]", 0x9940'1041},
    {"ldapr x1, [x2]", 0xf8bf'c041},
    {"casp x4, x5, x6, x7, [x2]", 0x4824'7c46},
    {"dc civac, x2", 0xd50b'7e22},
    {"prfm pldl1keep, [x2]", 0xf980'0040},
    {"nop", 0xd503'201f},
};

TEST(A64DroppedStore, is_never_a_load_or_anything_else) {
  for (const Refused& instruction : others) {
    EXPECT_FALSE(decode_dropped_store(instruction.encoding, registers)) << instruction.text;
  }
}

TEST(A64DroppedStore, gives_sane_answers_for_any_word) {
  std::mt19937 random(1);
  for (unsigned i = 0; i < 2'000'000; ++i) {
    const auto store = decode_dropped_store(static_cast<uint32_t>(random()), registers);
    if (!store) continue;
    ASSERT_TRUE(store->bytes >= 1 && store->bytes <= 64);
    ASSERT_TRUE(!store->base || store->base->reg <= 31);
    ASSERT_TRUE(!store->loaded || store->bytes <= 8);
  }
}

}  // namespace

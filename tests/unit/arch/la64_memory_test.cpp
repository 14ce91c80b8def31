// SPDX-License-Identifier: Apache-2.0
// The encodings come from LLVM's assembler.
#include "arch/loongarch64/decode/memory.hpp"

#include <gtest/gtest.h>

#include <random>

namespace {

using arch::la64::Access;
using arch::la64::decode;

struct Accepted {
  const char* text;
  uint32_t encoding;
  Access access;
};

constexpr Accepted accepted[]{
    {"ld.b $a1, $a0, 1", 0x2800'0485, {5, 1, false, true}},
    {"ld.h $a1, $a0, 2", 0x2840'0885, {5, 2, false, true}},
    {"ld.w $a1, $a0, 4", 0x2880'1085, {5, 4, false, true}},
    {"ld.d $a1, $a0, -8", 0x28ff'e085, {5, 8, false, false}},
    {"st.b $a1, $a0, 1", 0x2900'0485, {5, 1, true, false}},
    {"st.h $a1, $a0, 2", 0x2940'0885, {5, 2, true, false}},
    {"st.w $zero, $a0, 4", 0x2980'1080, {0, 4, true, false}},
    {"st.d $a1, $a0, -8", 0x29ff'e085, {5, 8, true, false}},
    {"ld.bu $a1, $a0, 1", 0x2a00'0485, {5, 1, false, false}},
    {"ld.hu $a1, $a0, 2", 0x2a40'0885, {5, 2, false, false}},
    {"ld.wu $a1, $a0, 2047", 0x2a9f'fc85, {5, 4, false, false}},
    {"ldptr.w $a1, $a0, 4", 0x2400'0485, {5, 4, false, true}},
    {"stptr.w $a1, $a0, 32764", 0x257f'fc85, {5, 4, true, false}},
    {"ldptr.d $s8, $a0, 8", 0x2600'089f, {31, 8, false, false}},
    {"stptr.d $a1, $a0, -32768", 0x2780'0085, {5, 8, true, false}},
    {"ldx.b $a1, $a0, $a2", 0x3800'1885, {5, 1, false, true}},
    {"ldx.h $a1, $a0, $a2", 0x3804'1885, {5, 2, false, true}},
    {"ldx.w $a1, $a0, $a2", 0x3808'1885, {5, 4, false, true}},
    {"ldx.d $a1, $a0, $a2", 0x380c'1885, {5, 8, false, false}},
    {"stx.b $a1, $a0, $a2", 0x3810'1885, {5, 1, true, false}},
    {"stx.h $a1, $a0, $a2", 0x3814'1885, {5, 2, true, false}},
    {"stx.w $a1, $a0, $a2", 0x3818'1885, {5, 4, true, false}},
    {"stx.d $a1, $a0, $t0", 0x381c'3085, {5, 8, true, false}},
    {"ldx.bu $a1, $a0, $a2", 0x3820'1885, {5, 1, false, false}},
    {"ldx.hu $a1, $a0, $a2", 0x3824'1885, {5, 2, false, false}},
    {"ldx.wu $a1, $a0, $a2", 0x3828'1885, {5, 4, false, false}},
};

TEST(La64Memory, decodes_loads_and_stores_of_general_purpose_registers) {
  for (const Accepted& expected : accepted) {
    SCOPED_TRACE(expected.text);
    const auto access = decode(expected.encoding);
    ASSERT_TRUE(access);
    EXPECT_EQ(access->reg, expected.access.reg);
    EXPECT_EQ(access->size, expected.access.size);
    EXPECT_EQ(access->store, expected.access.store);
    EXPECT_EQ(access->sign_extend, expected.access.sign_extend);
  }
}

struct Refused {
  const char* text;
  uint32_t encoding;
};

constexpr Refused refused[]{
    {"ldgt.b $a1, $a0, $a2", 0x3878'1885},
    {"ldgt.d $a1, $a0, $a2", 0x3879'9885},
    {"ldle.w $a1, $a0, $a2", 0x387b'1885},
    {"stgt.h $a1, $a0, $a2", 0x387c'9885},
    {"stle.d $a1, $a0, $a2", 0x387f'9885},
    {"ll.w $a1, $a0, 0", 0x2000'0085},
    {"sc.w $a1, $a0, 0", 0x2100'0085},
    {"ll.d $a1, $a0, 0", 0x2200'0085},
    {"sc.d $a1, $a0, 0", 0x2300'0085},
    {"amswap.w $a1, $a2, $a0", 0x3860'1885},
    {"amadd_db.d $a1, $a2, $a0", 0x386a'9885},
    {"fld.s $fa0, $a0, 0", 0x2b00'0080},
    {"fst.d $fa0, $a0, 0", 0x2bc0'0080},
    {"fldx.d $fa0, $a0, $a2", 0x3834'1880},
    {"fstx.s $fa0, $a0, $a2", 0x3838'1880},
    {"vld $vr0, $a0, 0", 0x2c00'0080},
    {"xvst $xr0, $a0, 0", 0x2cc0'0080},
    {"vldx $vr0, $a0, $a2", 0x3840'1880},
    {"preld 0, $a0, 0", 0x2ac0'0080},
    {"preldx 0, $a0, $a2", 0x382c'1880},
    {"ldx.b with a reserved bit", 0x3800'9885},
    {"dbar 0", 0x3872'0000},
    {"hvcl 0", 0x002b'8000},
    {"cacop 9, $a0, 0", 0x0600'0089},
    {"add.d $a0, $a1, $a2", 0x0010'98a4},
    {"a word of zeroes", 0},
};

TEST(La64Memory, refuses_everything_else) {
  for (const Refused& instruction : refused) EXPECT_FALSE(decode(instruction.encoding)) << instruction.text;
}

// Of all opcodes, exactly the 26 above are accepted; 15 bits of opcode tell all of them apart.
TEST(La64Memory, accepts_no_other_opcode) {
  unsigned with_offset = 0, with_long_offset = 0, with_index = 0;
  for (uint32_t opcode = 0; opcode < 1U << 17; ++opcode) {
    if (!decode(opcode << 15)) continue;
    if (opcode >> 9 >= 0x24 && opcode >> 9 <= 0x27) {
      ++with_long_offset;
    } else if (opcode >> 9 == 0x38) {
      ++with_index;
    } else {
      ++with_offset;
    }
  }
  EXPECT_EQ(with_offset, 11U << 7) << "seven bits of the offset are in the opcode's place";
  EXPECT_EQ(with_long_offset, 4U << 9);
  EXPECT_EQ(with_index, 11U);
}

TEST(La64Memory, looks_neither_at_the_address_nor_at_the_offset) {
  std::mt19937 random(1);
  for (unsigned i = 0; i < 1'000'000; ++i) {
    const auto word = static_cast<uint32_t>(random());
    const auto access = decode(word);
    if (!access) continue;
    ASSERT_EQ(access->reg, word & 31);
    const auto other = decode(word ^ (random() & 0x3e0));
    ASSERT_TRUE(other && other->size == access->size && other->store == access->store);
  }
}

}  // namespace

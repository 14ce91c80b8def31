// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/regs/id_filter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace {

using namespace arch::regs;

constexpr unsigned isar_pfr0 = id_op(1, 0);  // ID_PFR0_EL1: AArch32
constexpr unsigned id_dfr0 = id_op(1, 2), id_dfr1 = id_op(3, 5);
constexpr unsigned pfr0 = id_op(4, 0), pfr1 = id_op(4, 1), zfr0 = id_op(4, 4), smfr0 = id_op(4, 5);
constexpr unsigned dfr0 = id_op(5, 0), dfr1 = id_op(5, 1);
constexpr unsigned isar0 = id_op(6, 0), isar1 = id_op(6, 1), isar2 = id_op(6, 2);
constexpr unsigned mmfr0 = id_op(7, 0), mmfr1 = id_op(7, 1), mmfr2 = id_op(7, 2);

uint64_t field(const IdRegisters& registers, unsigned op, unsigned low) { return get_id_field(registers[op], low); }

IdRegisters random_registers(std::mt19937_64& random) {
  IdRegisters registers;
  for (uint64_t& word : registers) word = random();
  return registers;
}

TEST(IdFilter, names_each_field_once) {
  std::set<std::pair<unsigned, unsigned>> seen;
  for (const IdField& one : id_fields) {
    EXPECT_TRUE(seen.emplace(one.op, one.low).second) << unsigned{one.op} << ':' << unsigned{one.low};
    EXPECT_EQ(one.low % 4, 0);
    EXPECT_LT(one.low, 64);
    EXPECT_LT(one.op, id_register_count);
    EXPECT_FALSE(passes_whole(one.op));
  }
}

TEST(IdFilter, shows_nothing_of_a_cpu_that_has_everything_but_what_it_names) {
  IdRegisters raw;
  raw.fill(0x1111'1111'1111'1111);
  const IdRegisters shown = filter_id_registers(raw);
  for (unsigned op = 0; op < id_register_count; ++op) {
    if (passes_whole(op)) continue;
    uint64_t named = 0;
    for (const IdField& one : id_fields) {
      if (one.op == op) named |= uint64_t{0xf} << one.low;
    }
    EXPECT_EQ(shown[op] & ~named, 0U) << op;
  }
}

TEST(IdFilter, hides_the_features_that_guests_do_not_get) {
  struct Hidden {
    unsigned op, low;
    const char* name;
  };
  constexpr auto hidden = std::to_array<Hidden>({
      {pfr0, 8, "EL2"},        {pfr0, 12, "EL3"},  {pfr0, 24, "GIC"},  {pfr0, 28, "RAS"},
      {pfr0, 36, "SEL2"},      {pfr0, 40, "MPAM"}, {pfr0, 44, "AMU"},  {pfr0, 52, "RME"},      {pfr1, 8, "MTE"},
      {pfr1, 24, "SME"},       {pfr1, 36, "NMI"},  {dfr0, 4, "trace"},        {dfr0, 32, "SPE"},
      {dfr0, 40, "TraceFilt"}, {isar0, 24, "TME"}, {isar1, 56, "XS"},  {isar1, 60, "LS64"},    {isar2, 0, "WFxT"},
      {isar2, 16, "MOPS"},     {mmfr0, 56, "FGT"}, {mmfr0, 60, "ECV"}, {mmfr1, 4, "VMIDBits"}, {mmfr1, 8, "VH"},
      {mmfr1, 16, "LO"},       {mmfr1, 40, "HCX"}, {mmfr2, 24, "NV"},
  });
  IdRegisters raw;
  raw.fill(0x2222'2222'2222'2222);
  const IdRegisters shown = filter_id_registers(raw);
  for (const Hidden& one : hidden) EXPECT_EQ(field(shown, one.op, one.low), 0U) << one.name;
  for (const unsigned op : {smfr0, dfr1}) EXPECT_EQ(shown[op], 0U) << op;
}

// Bits 31:28, 39:36, 51:48 and 63:60 of ID_AA64ZFR0_EL1 were not allocated when this was written.
TEST(IdFilter, shows_sve_as_the_cpu_has_it) {
  IdRegisters raw{};
  raw[pfr0] = uint64_t{1} << 32;
  raw[zfr0] = 0x1123'4567'89ab'cdef;
  const IdRegisters shown = filter_id_registers(raw);
  EXPECT_EQ(field(shown, pfr0, 32), 1U);
  EXPECT_EQ(shown[zfr0], 0x0120'4507'09ab'c0efU);
}

TEST(IdFilter, offers_aarch64_alone_at_el1_whatever_the_cpu_can) {
  for (const uint64_t el1 : {1U, 2U}) {
    IdRegisters raw{};
    raw[pfr0] = 0x2 | el1 << 4;
    EXPECT_EQ(field(filter_id_registers(raw), pfr0, 4), 1U);
    EXPECT_EQ(field(filter_id_registers(raw), pfr0, 0), 2U);
  }
}

TEST(IdFilter, states_armv8_debug_with_the_breakpoints_and_watchpoints_that_there_are) {
  IdRegisters raw{};
  raw[dfr0] = 0xfff0'f21f'3f5f'ff2a;
  EXPECT_EQ(filter_id_registers(raw)[dfr0], 0x3050'f006U);
  IdRegisters other{};
  other[dfr0] = 0x1030'5006;
  EXPECT_EQ(merge_id_registers(filter_id_registers(raw), filter_id_registers(other))[dfr0], 0x1030'5006U);
}

TEST(IdFilter, shows_a_pmu_that_is_known) {
  const auto shown = [](uint64_t version) {
    IdRegisters raw{};
    raw[dfr0] = version << 8;
    return field(filter_id_registers(raw), dfr0, 8);
  };
  EXPECT_EQ(shown(0), 0U);
  EXPECT_EQ(shown(1), 1U);
  EXPECT_EQ(shown(8), 8U);
  EXPECT_EQ(shown(9), 8U) << "nothing yet of what lets EL0 at single counters";
  EXPECT_EQ(shown(0xf), 0U) << "implementation defined, and no PMUv3";
}

TEST(IdFilter, limits_what_a_guest_can_only_have_in_part) {
  IdRegisters raw{};
  raw[mmfr0] = 0x6 | uint64_t{2} << 20 | uint64_t{1} << 28;  // 52 bits of address, LPA2 for 16 KiB and 4 KiB granules
  raw[mmfr1] = 0x3;
  raw[pfr0] = uint64_t{2} << 56;  // CSV2 with SCXTNUM
  const IdRegisters shown = filter_id_registers(raw);
  EXPECT_EQ(field(shown, mmfr0, 0), 5U);
  EXPECT_EQ(field(shown, mmfr0, 20), 1U);
  EXPECT_EQ(field(shown, mmfr0, 28), 0U);
  EXPECT_EQ(field(shown, mmfr1, 0), 2U);
  EXPECT_EQ(field(shown, pfr0, 56), 1U);
}

TEST(IdFilter, keeps_fifteen_where_it_says_that_there_is_nothing) {
  IdRegisters raw{};
  raw[pfr0] = uint64_t{0xf} << 16 | uint64_t{0xf} << 20;   // neither FP nor AdvSIMD
  raw[mmfr0] = uint64_t{0xf} << 24 | uint64_t{0xf} << 28;  // neither 64 KiB nor 4 KiB granules
  const IdRegisters shown = filter_id_registers(raw);
  EXPECT_EQ(field(shown, pfr0, 16), 0xfU);
  EXPECT_EQ(field(shown, pfr0, 20), 0xfU);
  EXPECT_EQ(field(shown, mmfr0, 24), 0xfU);
  EXPECT_EQ(field(shown, mmfr0, 28), 0xfU);
}

TEST(IdFilter, passes_what_el0_may_run_in_aarch32_but_its_debug) {
  IdRegisters raw;
  raw.fill(0x1234'5678);
  const IdRegisters shown = filter_id_registers(raw);
  EXPECT_EQ(shown[isar_pfr0], 0x1234'5678U);
  EXPECT_EQ(shown[id_op(2, 5)], 0x1234'5678U);
  EXPECT_EQ(shown[id_op(1, 1)], 0x1004'0608U) << "neither Security nor Virtualization";
  EXPECT_EQ(shown[id_dfr0], 0U);
  EXPECT_EQ(shown[id_dfr1], 0U);
}

TEST(IdFilter, hides_from_one_vm_what_another_has) {
  IdRegisters shown;
  shown.fill(0x1111'1111'1111'1111);
  const IdRegisters sve = hide_features(shown, {.sve = true}), pmu = hide_features(shown, {.pmu = true});
  EXPECT_EQ(sve[pfr0], 0x1111'1110'1111'1111U);
  EXPECT_EQ(sve[zfr0], 0U);
  EXPECT_EQ(sve[dfr0], shown[dfr0]);
  EXPECT_EQ(pmu[dfr0], 0x1111'1111'1111'1011U);
  EXPECT_EQ(pmu[pfr0], shown[pfr0]);
  EXPECT_EQ(pmu[zfr0], shown[zfr0]);
  EXPECT_EQ(hide_features(shown, {}), shown);
}

TEST(IdFilter, shows_of_two_cpus_the_lesser) {
  IdRegisters big{}, little{};
  big[isar0] = 0x2210'0000, little[isar0] = 0x0110'0000;
  big[pfr0] = uint64_t{1} << 16, little[pfr0] = uint64_t{0xf} << 16;
  const IdRegisters merged = merge_id_registers(filter_id_registers(big), filter_id_registers(little));
  EXPECT_EQ(merged[isar0], 0x0010'0000U & merged[isar0]);
  EXPECT_EQ(field(merged, isar0, 20), 1U);
  EXPECT_EQ(field(merged, isar0, 28), 0U);
  EXPECT_EQ(field(merged, pfr0, 16), 0xfU);
}

TEST(IdFilter, shows_the_same_in_whatever_order_cpus_come) {
  std::mt19937_64 random(2);
  for (unsigned round = 0; round < 1000; ++round) {
    const IdRegisters a = filter_id_registers(random_registers(random));
    const IdRegisters b = filter_id_registers(random_registers(random));
    const IdRegisters c = filter_id_registers(random_registers(random));
    EXPECT_EQ(merge_id_registers(a, b), merge_id_registers(b, a));
    EXPECT_EQ(merge_id_registers(merge_id_registers(a, b), c), merge_id_registers(a, merge_id_registers(b, c)));
    EXPECT_EQ(merge_id_registers(a, a), a);
  }
}

}  // namespace

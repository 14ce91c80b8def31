// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/virt/guest_pmu.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

namespace {

using namespace arch;
using namespace arch::regs;

constexpr unsigned counters = 6;
constexpr uint32_t bit_of(unsigned n) { return uint32_t{1} << n; }
constexpr uint64_t event_cycles = 0x11, event_retired = 0x08;
constexpr uint64_t no_el1 = pmevtyper::p::mask, no_el0 = pmevtyper::u::mask;

enum class Level : uint8_t { el0, el1, el2 };

// A CPU's PMU that does what D13 says and takes nothing that it would have to guess at. One of each number.
template <unsigned Number>
struct FakePmu {
  struct Setting {
    uint32_t control;
    uint32_t enabled, overflowed, interrupts;
  };
  static inline PmuModel offered;
  static inline std::array<uint64_t, 32> values, types;
  static inline Setting now;
  static inline bool runs;
  static inline unsigned uses;  // how often anybody touched it

  static void clear(uint64_t version) {
    offered = {.version = version, .counters = counters, .common_events = {0x1'0000'0002, 0x3'0000'0004}};
    values.fill(0x5555'5555'5555), types.fill(0xffff'ffff);
    now = {}, runs = false, uses = 0;
  }
  static const PmuModel& model() { return offered; }
  static uint64_t value(unsigned n) {
    ++uses;
    EXPECT_TRUE(n < counters || n == cycle_counter);
    return values[n];
  }
  static void set(unsigned n, uint64_t type, uint64_t value) {
    ++uses;
    EXPECT_FALSE(runs) << "a counter is changed while it counts";
    EXPECT_EQ(type & ~(no_el0 | no_el1 | 0xffff), 0U) << "it would count more than the guest";
    types[n] = type;
    values[n] = value;
  }
  static uint32_t overflowed() { return ++uses, now.overflowed; }
  static void start(const Setting& setting) {
    ++uses;
    EXPECT_FALSE(runs);
    EXPECT_EQ(setting.enabled & ~(bit_of(counters) - 1 | bit_of(cycle_counter)), 0U);
    now = setting, runs = true;
  }
  static uint32_t stop() {
    ++uses;
    EXPECT_TRUE(runs);
    runs = false;
    return std::exchange(now, Setting{}).overflowed;
  }
  static uint64_t identity() { return 0x4103'0000; }
  static uint64_t slots() { return 8; }

  static bool interrupts() { return runs && pmcr_el0::e::is_set(now.control) && (now.overflowed & now.interrupts) != 0; }
  // `count` cycles and instructions at an exception level.
  static void run(Level level, uint64_t count) {
    for (unsigned n = 0; n < 32; ++n) {
      if (!runs || !pmcr_el0::e::is_set(now.control) || (now.enabled >> n & 1) == 0 || level == Level::el2) continue;
      if ((types[n] & (level == Level::el1 ? no_el1 : no_el0)) != 0) continue;
      const uint64_t event = n == cycle_counter ? event_cycles : types[n] & 0xffff;
      if (event != event_cycles && event != event_retired) continue;
      const bool wide = n == cycle_counter ? pmcr_el0::lc::is_set(now.control) : pmcr_el0::lp::is_set(now.control);
      const uint64_t before = values[n];
      values[n] += count;
      if (n != cycle_counter && offered.version < pmu_version::v3p5) values[n] &= 0xffff'ffff;
      const bool over = wide ? values[n] < before : static_cast<uint32_t>(values[n]) < static_cast<uint32_t>(before);
      if (over) now.overflowed |= bit_of(n);
    }
  }
};

template <unsigned Number>
class Guest {
 public:
  using Cpu = FakePmu<Number>;
  using Pmu = GuestPmu<Cpu>;
  using Answer = Pmu::Answer;

  explicit Guest(uint64_t version = pmu_version::v3p1) { Cpu::clear(version); }
  uint64_t read(uint32_t id) {
    uint64_t value = 0x1bad;
    EXPECT_EQ(pmu.read(id, false, value), Answer::done) << std::hex << id;
    return value;
  }
  void write(uint32_t id, uint64_t value) { EXPECT_EQ(pmu.write(id, false, value), Answer::done) << std::hex << id; }
  Answer user_reads(uint32_t id) {
    uint64_t value = 0;
    return pmu.read(id, true, value);
  }
  // Counter n counts `event` from `first` on.
  void count(unsigned n, uint64_t event, uint64_t first = 0) {
    write(pmselr_el0::id, n);
    write(pmxevtyper_el0::id, event);
    write(n == cycle_counter ? pmccntr_el0::id : pmxevcntr_el0::id, first);
    write(pmcntenset_el0::id, bit_of(n));
    write(pmcr_el0::id, pmcr_el0::e::mask | pmcr_el0::lc::mask);
  }
  void leave() {
    if (pmu.counts()) pmu.save();
  }
  void enter() {
    if (pmu.counts()) pmu.load();
  }

  Pmu pmu;
};

constexpr uint32_t value_of(unsigned n) { return register_id(3, 3, 14, 8 + n / 8, n % 8); }
constexpr uint32_t type_of(unsigned n) { return register_id(3, 3, 14, 12 + n / 8, n % 8); }

TEST(GuestPmu, touches_no_cpu_while_nothing_is_to_be_counted) {
  Guest<0> guest;
  guest.write(pmcr_el0::id, pmcr_el0::e::mask);
  guest.write(type_of(2), event_retired);
  guest.write(value_of(2), 5);
  guest.write(pmintenset_el1::id, ~uint64_t{0});
  guest.enter(), guest.leave();
  EXPECT_EQ(guest.read(value_of(2)), 5U);
  EXPECT_FALSE(guest.pmu.counts());
  guest.write(pmcr_el0::id, 0);
  guest.write(pmcntenset_el0::id, bit_of(2));
  guest.enter(), guest.leave();
  EXPECT_EQ(FakePmu<0>::uses, 0U);
}

TEST(GuestPmu, counts_what_the_guest_does_and_nothing_else) {
  Guest<0> guest;
  guest.count(cycle_counter, 0, 100);
  guest.count(3, event_retired);
  FakePmu<0>::run(Level::el1, 7), FakePmu<0>::run(Level::el0, 3), FakePmu<0>::run(Level::el2, 1000);
  EXPECT_EQ(guest.read(pmccntr_el0::id), 110U);
  guest.leave();
  Guest<0>::Pmu other;
  EXPECT_EQ(other.write(pmcntenset_el0::id, false, bit_of(3)), Guest<0>::Answer::done);
  EXPECT_EQ(other.write(pmcr_el0::id, false, pmcr_el0::e::mask), Guest<0>::Answer::done);
  FakePmu<0>::run(Level::el1, 1000);
  other.save();
  FakePmu<0>::run(Level::el1, 1000);
  guest.enter();
  FakePmu<0>::run(Level::el1, 5);
  EXPECT_EQ(guest.read(value_of(3)), 15U);
  EXPECT_EQ(guest.read(pmccntr_el0::id), 115U);
}

TEST(GuestPmu, keeps_filters_to_the_guests_own_levels) {
  Guest<0> guest;
  guest.write(type_of(0), ~uint64_t{0});
  EXPECT_EQ(guest.read(type_of(0)), no_el0 | no_el1 | 0xffff);
  guest.write(type_of(31), ~uint64_t{0});  // PMCCFILTR_EL0
  EXPECT_EQ(guest.read(type_of(31)), no_el0 | no_el1);
  guest.count(1, event_retired | no_el0);
  guest.count(2, event_retired | no_el1);
  FakePmu<0>::run(Level::el1, 4), FakePmu<0>::run(Level::el0, 9);
  EXPECT_EQ(guest.read(value_of(1)), 4U);
  EXPECT_EQ(guest.read(value_of(2)), 9U);
}

TEST(GuestPmu, has_events_of_ten_bits_before_armv8_1) {
  Guest<0> guest(1);
  guest.write(type_of(0), 0xffff);
  EXPECT_EQ(guest.read(type_of(0)), 0x3ffU);
}

TEST(GuestPmu, asks_for_one_interrupt_until_the_guest_has_seen_to_it) {
  Guest<0> guest;
  guest.write(pmintenset_el1::id, bit_of(4) | bit_of(5));
  guest.count(4, event_retired, 0xffff'fffe);
  guest.count(5, event_retired, 0xffff'fff0);
  FakePmu<0>::run(Level::el1, 1);
  EXPECT_FALSE(FakePmu<0>::interrupts());
  FakePmu<0>::run(Level::el1, 1);
  EXPECT_TRUE(FakePmu<0>::interrupts());
  EXPECT_EQ(guest.read(pmovsset_el0::id), bit_of(4));
  guest.pmu.take_overflow();
  EXPECT_FALSE(FakePmu<0>::interrupts()) << "the CPU goes on asking for what is told";
  EXPECT_TRUE(guest.pmu.line());
  EXPECT_TRUE(guest.pmu.line_has_changed());
  EXPECT_FALSE(guest.pmu.line_has_changed());
  FakePmu<0>::run(Level::el1, 30);
  EXPECT_FALSE(FakePmu<0>::interrupts());
  EXPECT_EQ(guest.read(pmovsclr_el0::id), bit_of(4) | bit_of(5));
  guest.write(pmovsclr_el0::id, bit_of(4));
  EXPECT_TRUE(guest.pmu.line());
  guest.write(pmovsclr_el0::id, bit_of(5));
  EXPECT_FALSE(guest.pmu.line());
  EXPECT_TRUE(guest.pmu.line_has_changed());
  guest.write(value_of(4), 0xffff'ffff);
  FakePmu<0>::run(Level::el1, 1);
  EXPECT_TRUE(FakePmu<0>::interrupts()) << "the next overflow is not told";
}

TEST(GuestPmu, asks_for_no_interrupt_without_its_enables) {
  Guest<0> guest;
  guest.write(pmovsset_el0::id, bit_of(0));
  EXPECT_FALSE(guest.pmu.line());
  guest.write(pmintenset_el1::id, bit_of(0));
  EXPECT_FALSE(guest.pmu.line());
  guest.write(pmcr_el0::id, pmcr_el0::e::mask);
  EXPECT_TRUE(guest.pmu.line());
  guest.write(pmintenclr_el1::id, bit_of(0));
  EXPECT_FALSE(guest.pmu.line());
}

TEST(GuestPmu, owes_the_interrupt_of_an_overflow_on_the_way_out) {
  Guest<0> guest;
  guest.write(pmintenset_el1::id, bit_of(cycle_counter));
  guest.count(cycle_counter, 0, ~uint64_t{0});
  EXPECT_FALSE(guest.pmu.owes_interrupt());
  FakePmu<0>::run(Level::el1, 1);
  guest.leave();
  EXPECT_TRUE(guest.pmu.owes_interrupt());
  guest.enter();
  EXPECT_TRUE(guest.pmu.line_has_changed());
  EXPECT_FALSE(guest.pmu.owes_interrupt());
  EXPECT_FALSE(FakePmu<0>::interrupts());
}

TEST(GuestPmu, shows_the_control_register_with_its_counters) {
  Guest<0> guest;
  EXPECT_EQ(guest.read(pmcr_el0::id), 0x4103'0000U | pmcr_el0::n::of(counters));
  guest.write(pmcr_el0::id, 0x3ff & ~pmcr_el0::p::mask & ~pmcr_el0::c::mask);
  EXPECT_EQ(guest.read(pmcr_el0::id) & 0xffff, pmcr_el0::n::of(counters) | 0x49U) << "E, D and LC";
  Guest<0> newer(pmu_version::v3p7);
  newer.write(pmcr_el0::id, 0x3ff);
  EXPECT_EQ(newer.read(pmcr_el0::id) & 0x7ff, 0x2c9U) << "LP and FZO as well";
}

TEST(GuestPmu, clears_counters_on_request) {
  Guest<0> guest;
  guest.count(0, event_retired, 3);
  guest.count(cycle_counter, 0, 4);
  guest.write(pmcr_el0::id, pmcr_el0::e::mask | pmcr_el0::p::mask);
  EXPECT_EQ(guest.read(value_of(0)), 0U);
  EXPECT_EQ(guest.read(pmccntr_el0::id), 4U);
  guest.write(pmcr_el0::id, pmcr_el0::e::mask | pmcr_el0::c::mask);
  EXPECT_EQ(guest.read(pmccntr_el0::id), 0U);
}

TEST(GuestPmu, has_the_counters_of_the_machine_and_no_more) {
  Guest<0> guest;
  uint64_t value = 0;
  for (unsigned n = 0; n < 31; ++n) {
    const auto expected = n < counters ? Guest<0>::Answer::done : Guest<0>::Answer::undefined;
    EXPECT_EQ(guest.pmu.read(value_of(n), false, value), expected);
    EXPECT_EQ(guest.pmu.write(type_of(n), false, 0), expected);
    guest.write(pmselr_el0::id, n);
    guest.write(pmxevcntr_el0::id, n + 1);
    EXPECT_EQ(guest.read(pmxevcntr_el0::id), n < counters ? n + 1 : 0);
  }
  guest.write(pmselr_el0::id, cycle_counter);
  guest.write(pmxevtyper_el0::id, no_el0);
  EXPECT_EQ(guest.read(type_of(31)), no_el0);
  guest.write(pmxevcntr_el0::id, 77);
  EXPECT_EQ(guest.read(pmccntr_el0::id), 0U);
  EXPECT_EQ(guest.pmu.read(value_of(31), false, value), Guest<0>::Answer::undefined);
  for (const uint32_t set : {pmcntenset_el0::id, pmovsset_el0::id, pmintenset_el1::id}) {
    guest.write(set, ~uint64_t{0});
    EXPECT_EQ(guest.read(set), 0x8000'003fU);
  }
}

TEST(GuestPmu, has_the_registers_of_its_version) {
  Guest<0> older(pmu_version::v3p1), newer(pmu_version::v3p4);
  uint64_t value = 0;
  FakePmu<0>::offered.version = pmu_version::v3p1;
  EXPECT_EQ(older.pmu.read(pmmir_el1::id, false, value), Guest<0>::Answer::undefined);
  FakePmu<0>::offered.version = pmu_version::v3p4;
  EXPECT_EQ(newer.read(pmmir_el1::id), 8U);
  EXPECT_EQ(newer.read(pmceid0_el0::id), 0x1'0000'0002U);
  EXPECT_EQ(newer.read(pmceid1_el0::id), 0x3'0000'0004U);
  for (const uint32_t id : {pmmir_el1::id, pmceid0_el0::id, register_id(3, 3, 9, 13, 4), register_id(3, 0, 9, 14, 7)}) {
    EXPECT_EQ(newer.pmu.write(id, false, 1), Guest<0>::Answer::undefined) << std::hex << id;
  }
  EXPECT_EQ(newer.pmu.read(pmswinc_el0::id, false, value), Guest<0>::Answer::undefined);
}

TEST(GuestPmu, counts_in_64_bits_from_version_5_on) {
  Guest<0> guest(pmu_version::v3p5);
  guest.write(value_of(0), 0x1'ffff'fff0);
  EXPECT_EQ(guest.read(value_of(0)), 0x1'ffff'fff0U);
  FakePmu<0>::offered.version = pmu_version::v3p4;
  guest.write(value_of(0), 0x1'ffff'fff0);
  EXPECT_EQ(guest.read(value_of(0)), 0xffff'fff0U);
}

TEST(GuestPmu, increments_by_software_as_the_cpu_would) {
  Guest<0> guest;
  guest.count(0, pmevtyper::software_increment, 0xffff'ffff);
  guest.count(1, pmevtyper::chain, 8);
  guest.count(2, event_retired);
  guest.count(3, pmevtyper::software_increment | no_el1);
  guest.write(type_of(4), pmevtyper::software_increment);  // not enabled
  guest.write(pmswinc_el0::id, ~uint64_t{0});
  EXPECT_EQ(guest.read(value_of(0)), 0U);
  EXPECT_EQ(guest.read(value_of(1)), 9U);
  EXPECT_EQ(guest.read(pmovsset_el0::id), bit_of(0));
  for (const unsigned n : {2U, 3U, 4U}) EXPECT_EQ(guest.read(value_of(n)), 0U) << n;
  guest.write(pmuserenr_el0::id, pmuserenr_el0::sw::mask);
  EXPECT_EQ(guest.pmu.write(pmswinc_el0::id, true, bit_of(3)), Guest<0>::Answer::done);
  EXPECT_EQ(guest.read(value_of(3)), 1U);
  guest.write(pmcr_el0::id, 0);
  guest.write(pmswinc_el0::id, bit_of(0));
  EXPECT_EQ(guest.read(value_of(0)), 0U);
}

TEST(GuestPmu, lets_el0_do_what_the_guest_says) {
  struct Row {
    uint64_t user;
    uint32_t id;
    bool read, write;
  };
  constexpr uint64_t en = pmuserenr_el0::en::mask, sw = pmuserenr_el0::sw::mask, cr = pmuserenr_el0::cr::mask,
                     er = pmuserenr_el0::er::mask;
  const Row rows[] = {
      {0, pmccntr_el0::id, false, false},   {0, pmuserenr_el0::id, false, false}, {0, value_of(0), false, false},
      {cr, pmccntr_el0::id, true, false},   {cr, value_of(0), false, false},      {er, value_of(0), true, false},
      {er, pmxevcntr_el0::id, true, false}, {er, pmselr_el0::id, true, true},     {er, type_of(0), false, false},
      {er, pmccntr_el0::id, false, false},  {sw, pmcr_el0::id, false, false},     {en, pmcr_el0::id, true, true},
      {en, pmccntr_el0::id, true, true},    {en, type_of(31), true, true},        {en, pmcntenset_el0::id, true, true},
      {sw | cr | er, pmcntenclr_el0::id, false, false},
  };
  for (const Row& row : rows) {
    Guest<0> guest;
    guest.write(pmuserenr_el0::id, row.user);
    EXPECT_EQ(guest.user_reads(row.id) != Guest<0>::Answer::refused, row.read) << row.user << ' ' << std::hex << row.id;
    EXPECT_EQ(guest.pmu.write(row.id, true, 0) != Guest<0>::Answer::refused, row.write)
        << row.user << ' ' << std::hex << row.id;
  }
  Guest<0> guest;
  guest.write(pmuserenr_el0::id, sw);
  EXPECT_EQ(guest.pmu.write(pmswinc_el0::id, true, 1), Guest<0>::Answer::done);
  guest.write(pmuserenr_el0::id, cr | er);
  EXPECT_EQ(guest.pmu.write(pmswinc_el0::id, true, 1), Guest<0>::Answer::refused);
}

TEST(GuestPmu, is_new_after_a_reset_but_for_what_it_told) {
  Guest<0> guest;
  guest.write(pmintenset_el1::id, bit_of(0));
  guest.write(pmovsset_el0::id, bit_of(0));
  guest.count(0, event_retired, 9);
  EXPECT_TRUE(guest.pmu.line_has_changed());
  guest.leave();
  guest.pmu.reset();
  EXPECT_FALSE(guest.pmu.counts());
  EXPECT_TRUE(guest.pmu.line_has_changed()) << "somebody still sees the interrupt asserted";
  EXPECT_EQ(guest.read(value_of(0)), 0U);
  EXPECT_EQ(guest.read(pmintenset_el1::id), 0U);
}

TEST(GuestPmu, knows_its_registers) {
  for (const uint32_t id : {pmcr_el0::id, pmccntr_el0::id, pmovsset_el0::id, pmintenset_el1::id, pmmir_el1::id, value_of(0),
                            value_of(30), type_of(0), type_of(31)}) {
    EXPECT_TRUE(is_pmu_register(id)) << std::hex << id;
  }
  for (const uint32_t id : {cntp_ctl_el0::id, cntp_cval_el0::id, cntv_ctl_el0::id, register_id(3, 0, 12, 12, 5),
                            register_id(3, 0, 14, 1, 0), register_id(3, 0, 14, 8, 0), register_id(3, 0, 9, 10, 0)}) {
    EXPECT_FALSE(is_pmu_register(id)) << std::hex << id;
  }
}

// Two of the same: one is switched out at any time, and others count meanwhile. It must not notice.
TEST(GuestPmu, cannot_tell_that_it_was_away) {
  std::mt19937_64 random(7);
  std::vector<uint32_t> ids{pmcr_el0::id,     pmcntenset_el0::id, pmcntenclr_el0::id, pmovsset_el0::id, pmovsclr_el0::id,
                            pmswinc_el0::id,  pmselr_el0::id,     pmccntr_el0::id,    pmxevtyper_el0::id,
                            pmxevcntr_el0::id, pmintenset_el1::id, pmintenclr_el1::id, pmuserenr_el0::id};
  for (unsigned n = 0; n < counters; ++n) ids.push_back(value_of(n)), ids.push_back(type_of(n));
  constexpr uint64_t interesting[] = {0, 1, 0x41, event_retired, event_cycles, event_retired | no_el0, 0xffff'ffff,
                                      ~uint64_t{0}, 0xffff'fffa, 0x8000'003f};
  for (const uint64_t version : {uint64_t{1}, pmu_version::v3p1, pmu_version::v3p5}) {
    Guest<0> stays(version);
    Guest<1> leaves(version);
    for (unsigned round = 0; round < 20'000; ++round) {
      const uint32_t id = ids[random() % ids.size()];
      const uint64_t value = random() % 3 == 0 ? random() : interesting[random() % std::size(interesting)];
      const bool user = random() % 8 == 0;
      uint64_t a = 0, b = 0;
      if (random() % 2 == 0) {
        ASSERT_EQ(static_cast<int>(stays.pmu.write(id, user, value)), static_cast<int>(leaves.pmu.write(id, user, value)));
      } else {
        ASSERT_EQ(static_cast<int>(stays.pmu.read(id, user, a)), static_cast<int>(leaves.pmu.read(id, user, b)));
        ASSERT_EQ(a, b) << std::hex << id;
      }
      const uint64_t work = random() % 6;
      const Level level = random() % 2 == 0 ? Level::el0 : Level::el1;
      FakePmu<0>::run(level, work);
      FakePmu<1>::run(level, work);
      if (random() % 4 != 0) continue;
      leaves.leave();
      ASSERT_FALSE(FakePmu<1>::runs);
      FakePmu<1>::run(Level::el1, 1000);
      FakePmu<1>::values.fill(random());
      FakePmu<1>::types.fill(0);
      leaves.enter();
      stays.pmu.take_overflow();
      ASSERT_EQ(stays.pmu.line(), leaves.pmu.line());
    }
  }
}

}  // namespace

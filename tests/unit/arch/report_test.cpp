// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/report/report.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>

#include "arch/aarch64/report/guest_walk.hpp"

namespace {

using arch::GuestSystemRegisters;
using hal::GuestPhys;
using hal::GuestVirt;

class Text final : public hal::TextSink {
 public:
  void put(std::string_view more) override { text += more; }
  std::string text;
};

// Memory of single words; everything else is a hole.
class FakeGuest final : public hal::GuestInspector {
 public:
  bool read(GuestPhys from, std::span<std::byte> to) override {
    for (size_t i = 0; i < to.size(); ++i) {
      const uint64_t at = from.value() + i;
      const auto word = words.find(at & ~uint64_t{7});
      if (word == words.end()) return false;
      to[i] = static_cast<std::byte>(word->second >> 8 * (at & 7));
    }
    return true;
  }
  void show_stage2(GuestPhys place) override { shown.push_back(place.value()); }

  std::map<uint64_t, uint64_t> words;
  std::vector<uint64_t> shown;
};

constexpr uint64_t table = 3, block = 1, page = 3;

std::string syndrome(uint64_t esr) {
  Text text;
  arch::describe_syndrome(text, esr);
  return text.text;
}
std::string status(uint64_t spsr) {
  Text text;
  arch::describe_status(text, spsr);
  return text.text;
}

// 4 KiB granule, 48-bit addresses in both halves, stage 1 on.
GuestSystemRegisters linux_like() {
  GuestSystemRegisters system{};
  system.sctlr = 1;
  system.tcr = 16 | uint64_t{16} << 16 | uint64_t{2} << 30;
  system.ttbr0 = 0x4000'0000;
  system.ttbr1 = 0x5000'0000 | uint64_t{7} << 48;
  return system;
}

TEST(GuestWalk, follows_four_levels_to_a_page) {
  FakeGuest guest;
  guest.words = {{0x5000'0ff8, 0x5000'1000 | table},
                 {0x5000'1ff8, 0x5000'2000 | table},
                 {0x5000'2ff8, 0x5000'3000 | table},
                 {0x5000'3ff8, 0x4123'4000 | page | uint64_t{1} << 54}};
  const auto walk = arch::walk_guest(linux_like(), GuestVirt(0xffff'ffff'ffff'f123), guest);
  ASSERT_TRUE(walk.result);
  EXPECT_EQ(walk.result->value(), 0x4123'4123U);
  EXPECT_EQ(walk.count, 4U);
  EXPECT_EQ(walk.steps[0].level, 0U);
  EXPECT_EQ(walk.steps[3].level, 3U);
}

TEST(GuestWalk, ends_at_a_block) {
  FakeGuest guest;
  guest.words = {{0x4000'0000, 0x4000'1000 | table}, {0x4000'1008, 0x8000'0000 | block}};
  const auto walk = arch::walk_guest(linux_like(), GuestVirt(0x5234'5678), guest);
  EXPECT_EQ(walk.result->value(), 0x9234'5678U);
  EXPECT_EQ(walk.count, 2U);
}

TEST(GuestWalk, is_the_identity_while_stage_1_is_off) {
  FakeGuest guest;
  const auto walk = arch::walk_guest({}, GuestVirt(0x4008'0000), guest);
  EXPECT_EQ(walk.without_tables, "stage 1 is off");
  EXPECT_EQ(walk.result->value(), 0x4008'0000U);
}

TEST(GuestWalk, ignores_the_tag_of_an_address_but_no_other_bit) {
  FakeGuest guest;
  guest.words = {{0x4000'0000, 0x4000'1000 | table}, {0x4000'1000, 0x8000'0000 | block}};
  EXPECT_TRUE(arch::walk_guest(linux_like(), GuestVirt(0xab00'0000'0000'1000), guest).result);
  EXPECT_FALSE(arch::walk_guest(linux_like(), GuestVirt(0x0001'0000'0000'1000), guest).result);
  EXPECT_FALSE(arch::walk_guest(linux_like(), GuestVirt(0xffef'0000'0000'1000), guest).result);
}

TEST(GuestWalk, begins_where_size_and_granule_say) {
  FakeGuest guest;
  GuestSystemRegisters system = linux_like();
  system.tcr = 25;  // 39 bits, 4 KiB: level 1
  EXPECT_EQ((guest.words = {{0x4000'0008, 0x1'0000'0000 | block}},
             arch::walk_guest(system, GuestVirt(0x4000'0000), guest).steps[0].level),
            1U);
  system.tcr = 22 | 1 << 14;  // 42 bits, 64 KiB: level 2, 8192 entries
  guest.words = {{0x4000'0000 + 8 * 8191, 0x1'2000'0000 | block}};
  const auto large = arch::walk_guest(system, GuestVirt(0x3ff'e123'4567), guest);
  EXPECT_EQ(large.steps[0].level, 2U);
  EXPECT_EQ(large.result->value(), 0x1'2123'4567U);
  system.tcr = 17 | 2 << 14;  // 47 bits, 16 KiB: level 1
  guest.words = {
      {0x4000'0000, 0x4000'4000 | table}, {0x4000'4000, 0x4000'8000 | table}, {0x4000'8008, 0x4444'4000 | page}};
  const auto middle = arch::walk_guest(system, GuestVirt(0x4abc), guest);
  EXPECT_EQ(middle.steps[0].level, 1U);
  EXPECT_EQ(middle.result->value(), 0x4444'4abcU);
}

TEST(GuestWalk, survives_whatever_a_guest_has_in_its_registers_and_tables) {
  FakeGuest guest;
  uint64_t state = 1;
  const auto noise = [&] { return state = state * 6364136223846793005 + 1442695040888963407; };
  for (unsigned i = 0; i < 100'000; ++i) {
    GuestSystemRegisters system{};
    system.sctlr = noise() | 1;
    system.tcr = noise() >> 5;
    system.ttbr0 = noise();
    system.ttbr1 = noise();
    // Tables that lead anywhere, themselves included.
    guest.words.clear();
    class Anything final : public hal::GuestInspector {
     public:
      explicit Anything(uint64_t seed) : seed_(seed) {}
      bool read(GuestPhys from, std::span<std::byte> to) override {
        EXPECT_EQ(from.value() >> 48, 0U);
        const uint64_t word = (from.value() ^ seed_) * 0x9e37'79b9'7f4a'7c15 | 3;
        std::memcpy(to.data(), &word, to.size());
        return true;
      }
      void show_stage2(GuestPhys) override {}

     private:
      uint64_t seed_;
    } anything(noise());
    EXPECT_LE(arch::walk_guest(system, GuestVirt(noise()), anything).count, 4U);
  }
}

TEST(Syndrome, is_told_in_words) {
  EXPECT_EQ(syndrome(0x9200'0045), "0x92000045: data abort, write, translation fault at level 1");
  EXPECT_EQ(syndrome(0x9600'0010), "0x96000010: data abort, read, external abort");
  EXPECT_EQ(syndrome(0x8200'000f), "0x8200000f: instruction abort, permission fault at level 3");
  EXPECT_EQ(syndrome(0x9200'0085), "0x92000085: data abort, read, translation fault at level 1, of a table walk");
  EXPECT_EQ(syndrome(0x9600'0061), "0x96000061: data abort, write, misaligned");
  EXPECT_EQ(syndrome(0x5600'0000), "0x56000000: SVC");
  EXPECT_EQ(syndrome(0xbf00'0002), "0xbf000002: system error");
  EXPECT_EQ(syndrome(uint64_t{0x3f} << 26), "0xfc000000: exception");
}

TEST(Status, names_level_flags_and_masks) {
  EXPECT_EQ(status(0x4000'00c5), "EL1h nZcv daIF");
  EXPECT_EQ(status(0x9000'0300), "EL0t NzcV DAif");
  EXPECT_EQ(status(0x4), "EL1t nzcv daif");
  EXPECT_TRUE(status(0x10).starts_with("AArch32 "));
}

TEST(Report, shows_registers_code_and_both_translations) {
  FakeGuest guest;
  guest.words = {{0x4000'0000, 0x4000'1000 | table},
                 {0x4000'1008, 0x4000'0000 | block},
                 {0x4008'0000, 0x2222'2222'1111'1111},
                 {0x4008'0008, 0x4444'4444'3333'3333}};
  std::array<uint64_t, 31> x{};
  x[30] = 0xabc;
  GuestSystemRegisters system = linux_like();
  system.esr = 0x9600'0005;
  system.far = 0xffff'0000'0000'0000;
  system.elr = 0x77;
  Text text;
  arch::report(text, {.x = x, .pc = 0x4008'0004, .pstate = 0x3c5, .system = system}, guest);
  const auto says = [&](std::string_view words) {
    EXPECT_NE(text.text.find(words), std::string::npos) << words << "\nis not in\n" << text.text;
  };
  says("pc 0x40080004, pstate 0x3c5: EL1h nzcv DAIF\n");
  says("x28 0000000000000000 0000000000000000 0000000000000abc\n");
  says("ttbr0       0000000040000000");
  says("cntv_cval   0000000000000000\n");
  says("last syndrome 0x96000005: data abort, read, translation fault at level 1; last exception at 0x77");
  says("far 0xffff000000000000: in no table\n");
  says("pc 0x40080004: level 0 at 0x40000000: 0x40001003, level 1 at 0x40001008: 0x40000001, which is 0x40080004\n");
  says("code 11111111 (22222222) 33333333 44444444\n");
  EXPECT_EQ(guest.shown, (std::vector<uint64_t>{0x4008'0004}));
}

}  // namespace

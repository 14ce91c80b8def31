// SPDX-License-Identifier: Apache-2.0
// How a report follows a LoongArch guest's translation.
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "arch/loongarch64/report/guest_walk.hpp"

namespace {

using namespace arch::regs;
using hal::GuestPhys;
using hal::GuestVirt;
using hal::GuestWalk;

class Memory final : public hal::GuestReader {
 public:
  bool read(GuestPhys from, std::span<std::byte> to) override {
    const auto found = words_.find(from.value());
    if (found == words_.end() || to.size() != sizeof(uint64_t)) return false;
    std::memcpy(to.data(), &found->second, to.size());
    return true;
  }
  void set(uint64_t place, uint64_t value) { words_[place] = value; }

 private:
  std::map<uint64_t, uint64_t> words_;
};

// Three levels of 16 KiB tables, as Linux has them: PT 14 and 11 bits, Dir1 25 and 11, Dir2 none, Dir3 36 and 11.
GuestBankImage paged() {
  GuestBankImage bank;
  bank.at<crmd>() = crmd::pg::mask;
  bank.at<pwcl>() = pwcl::pt_base::of(14) | pwcl::pt_width::of(11) | pwcl::dir1_base::of(25) | pwcl::dir1_width::of(11);
  bank.at<pwch>() = pwch::dir3_base::of(36) | pwch::dir3_width::of(11);
  bank.at<pgdl>() = 0x10'0000;
  bank.at<pgdh>() = 0x20'0000;
  bank.at<dmw<1>>() = 0x9000'0000'0000'0011;
  return bank;
}

TEST(LoongArchGuestWalk, takes_addresses_as_they_are_in_direct_mode) {
  GuestBankImage bank;
  bank.reset(0);
  Memory memory;
  const GuestWalk walk = arch::walk_guest(bank, GuestVirt(0x20'0040), memory);
  EXPECT_EQ(walk.without_tables, "direct mode");
  EXPECT_EQ(walk.result, GuestPhys(0x20'0040));
}

TEST(LoongArchGuestWalk, finds_a_window_that_is_open_at_this_privilege) {
  GuestBankImage bank = paged();
  Memory memory;
  EXPECT_EQ(arch::walk_guest(bank, GuestVirt(0x9000'0000'0123'4568), memory).result, GuestPhys(0x123'4568));
  bank.at<crmd>() |= 3;
  EXPECT_EQ(arch::walk_guest(bank, GuestVirt(0x9000'0000'0123'4568), memory).without_tables, "");
}

TEST(LoongArchGuestWalk, follows_the_tables_of_the_half_that_the_address_is_in) {
  const GuestBankImage bank = paged();
  Memory memory;
  constexpr uint64_t address = (3ULL << 36) | (5ULL << 25) | (7ULL << 14) | 0x123;
  memory.set(0x10'0000 + 3 * 8, 0x30'0000);
  memory.set(0x30'0000 + 5 * 8, 0x34'0000);
  memory.set(0x34'0000 + 7 * 8, 0x1234'8000 | page_entry::valid::mask);
  const GuestWalk walk = arch::walk_guest(bank, GuestVirt(address), memory);
  EXPECT_EQ(walk.count, 3U);
  EXPECT_EQ(walk.result, GuestPhys(0x1234'8123));
  EXPECT_EQ(arch::walk_guest(bank, GuestVirt(address | 1ULL << 63), memory).count, 0U) << "PGDH's table is not there";
}

TEST(LoongArchGuestWalk, stops_at_a_huge_page_and_at_an_invalid_one) {
  const GuestBankImage bank = paged();
  Memory memory;
  constexpr uint64_t address = 5ULL << 25 | 0x12'3456;
  memory.set(0x10'0000, 0x30'0000);
  memory.set(0x30'0000 + 5 * 8, 0x4'0000'0000 | page_entry::huge::mask | page_entry::valid::mask);
  EXPECT_EQ(arch::walk_guest(bank, GuestVirt(address), memory).result, GuestPhys(0x4'0012'3456));
  memory.set(0x30'0000 + 5 * 8, 0x4'0000'0000 | page_entry::huge::mask);
  EXPECT_FALSE(arch::walk_guest(bank, GuestVirt(address), memory).result);
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "arch/loongarch64/report/report.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <string>

#include "arch/loongarch64/report/guest_report.hpp"

namespace {

class Text final : public hal::TextSink {
 public:
  void put(std::string_view text) override { words += text; }
  std::string words;
};

constexpr uint64_t status(uint64_t code, uint64_t subcode) { return code << 16 | subcode << 22; }

TEST(LoongArchReport, names_a_cause_by_code_and_subcode) {
  EXPECT_EQ(arch::cause_of(status(2, 0)), "store to a page that is not mapped (PIS)");
  EXPECT_EQ(arch::cause_of(status(8, 0)), "fetch from a wrong address (ADEF)");
  EXPECT_EQ(arch::cause_of(status(8, 1)), "access to a wrong address (ADEM)");
  EXPECT_EQ(arch::cause_of(status(0x17, 0)), "hypercall (HVC)");
  EXPECT_EQ(arch::cause_of(status(0x3f, 0)), "");
  EXPECT_EQ(arch::cause_of(status(2, 1)), "");
}

TEST(LoongArchReport, looks_past_the_lines_that_are_pending) {
  EXPECT_EQ(arch::cause_of(status(0xd, 0) | 0x7fff), "undefined instruction (INE)");
}

TEST(LoongArchReport, describes_a_status_and_a_mode_in_a_few_words) {
  Text text;
  arch::describe_syndrome(text, status(0x16, 0));
  EXPECT_EQ(text.words, "0x160000: sensitive instruction of a guest (GSPR)");
  text.words.clear();
  arch::describe_status(text, 0xb0 | 4 | 3);
  EXPECT_EQ(text.words, "PLV3 IE PG");
  text.words.clear();
  arch::describe_status(text, 8);
  EXPECT_EQ(text.words, "PLV0 ie DA");
}

// A guest's RAM by words of 32 bits; what stage 2 is asked for is noted in the report.
class Guest final : public hal::GuestInspector {
 public:
  explicit Guest(Text& report) : report_(report) {}
  bool read(hal::GuestPhys from, std::span<std::byte> to) override {
    for (size_t n = 0; n < to.size(); n += 4) {
      const auto found = words.find(from.value() + n);
      if (found == words.end()) return false;
      std::memcpy(to.data() + n, &found->second, 4);
    }
    return true;
  }
  void show_stage2(hal::GuestPhys place) override { hal::format(report_, "  stage 2 of {}\n", place); }

  std::map<uint64_t, uint32_t> words;

 private:
  Text& report_;
};

class LoongArchGuestReport : public testing::Test {
 protected:
  void SetUp() override { bank_.reset(0); }
  const std::string& report(uint64_t pc, uint64_t estat) {
    arch::report(text_, {.r = r_, .pc = pc, .estat = estat, .bank = bank_}, guest_);
    return text_.words;
  }
  bool says(std::string_view line) const { return text_.words.find(line) != std::string::npos; }

  Text text_;
  Guest guest_{text_};
  std::array<uint64_t, 32> r_{};
  arch::regs::GuestBankImage bank_;
};

TEST_F(LoongArchGuestReport, names_every_register_once_and_not_the_zero) {
  for (unsigned n = 0; n < r_.size(); ++n) r_[n] = 0x1000 + n;
  report(0x9000, 0);
  EXPECT_TRUE(says("  ra   0000000000001001  tp   0000000000001002  sp   0000000000001003  a0   0000000000001004\n"));
  EXPECT_TRUE(says("  s8   000000000000101f\n"));
  EXPECT_FALSE(says("zero"));
  for (const std::string_view name : arch::regs::guest_bank_names) {
    const std::string column = "  " + std::string(name) + std::string(12 - name.size(), ' ');
    EXPECT_TRUE(says(column)) << name;
  }
}

TEST_F(LoongArchGuestReport, shows_the_code_at_the_pc_where_it_can_be_read) {
  for (uint64_t place = 0x8ff0; place < 0x9010; place += 4) guest_.words[place] = static_cast<uint32_t>(place);
  report(0x9000, 0);
  EXPECT_TRUE(says("  pc 0x9000, crmd 0x8: PLV0 ie DA\n"));
  EXPECT_TRUE(says("  pc 0x9000: direct mode\n  stage 2 of 0x9000\n"));
  EXPECT_TRUE(says("  code (00009000) 00009004"));  // not the page before
}

TEST_F(LoongArchGuestReport, tells_the_last_exception_and_where_its_address_leads) {
  bank_.at<arch::regs::era>() = 0x1234;
  bank_.at<arch::regs::badi>() = 0x28c0'0085;
  bank_.at<arch::regs::badv>() = 0xdead'0000;
  report(0x9000, status(2, 0));
  EXPECT_TRUE(
      says("  last exception 0x20000: store to a page that is not mapped (PIS); taken at 0x1234, badi 0x28c00085\n"));
  EXPECT_TRUE(says("  badv 0xdead0000: direct mode\n  stage 2 of 0xdead0000\n"));
}

TEST_F(LoongArchGuestReport, knows_of_no_exception_when_only_lines_are_up) {
  report(0x9000, 0x1fff);
  EXPECT_FALSE(says("last exception"));
  EXPECT_FALSE(says("badv 0x"));
}

TEST_F(LoongArchGuestReport, shows_no_code_where_the_pc_leads_nowhere) {
  bank_.at<arch::regs::crmd>() = arch::regs::crmd::pg::mask;
  report(0x9000, 0);
  EXPECT_TRUE(says("  pc 0x9000: in no table\n"));
  EXPECT_FALSE(says("  code"));
}

}  // namespace

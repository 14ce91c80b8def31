// SPDX-License-Identifier: Apache-2.0
#include "arch/loongarch64/report/report.hpp"

#include <gtest/gtest.h>

#include <string>

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

}  // namespace

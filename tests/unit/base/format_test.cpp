// SPDX-License-Identifier: Apache-2.0
#include "hal/base/format.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>

namespace {

using hal::format;

template <class... Arguments>
std::string text(hal::Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
  std::array<char, 256> buffer{};
  hal::BufferSink sink(buffer);
  format(sink, pattern, arguments...);
  return std::string(sink.text());
}

enum class Colour { red };
std::string_view name(Colour) { return "red"; }

TEST(Format, copies_text_without_placeholders) { EXPECT_EQ(text("nothing to do"), "nothing to do"); }
TEST(Format, writes_doubled_braces_as_one) { EXPECT_EQ(text("{{{}}}", 1), "{1}"); }
TEST(Format, writes_numbers_in_both_bases) {
  EXPECT_EQ(text("{} {} {:x} {:#x}", -5, 7u, 255u, 255u), "-5 7 ff 0xff");
  EXPECT_EQ(text("{}", INT64_MIN), "-9223372036854775808");
}
TEST(Format, writes_the_smallest_and_the_largest_number) {
  std::array<char, hal::max_digits> storage{};
  EXPECT_EQ(hal::digits(0, 10, storage), "0");
  EXPECT_EQ(hal::digits(0, 16, storage), "0");
  EXPECT_EQ(hal::digits(UINT64_MAX, 10, storage), "18446744073709551615");
  EXPECT_EQ(hal::digits(UINT64_MAX, 16, storage), "ffffffffffffffff");
}
TEST(Format, pads_numbers_left_and_text_right) {
  EXPECT_EQ(text("[{:4}] [{:<4}] [{:04}] [{:#06x}]", 42, 42, 42, 42u), "[  42] [42  ] [0042] [0x002a]");
  EXPECT_EQ(text("[{:5}] [{:>5}]", "ab", "ab"), "[ab   ] [   ab]");
}
TEST(Format, writes_addresses_as_hexadecimal) { EXPECT_EQ(text("{}", hal::GuestPhys(0x4000)), "0x4000"); }
TEST(Format, writes_sizes_in_the_largest_exact_unit) {
  EXPECT_EQ(text("{} {} {}", hal::Size{512 * hal::mib}, hal::Size{4097}, hal::Size{0}), "512MiB 4097B 0B");
}
TEST(Format, asks_an_enum_for_its_name) { EXPECT_EQ(text("{}", Colour::red), "red"); }
TEST(Format, writes_characters_and_booleans) { EXPECT_EQ(text("{}{}", 'x', true), "xtrue"); }
TEST(Format, drops_what_does_not_fit_and_says_so) {
  std::array<char, 3> buffer{};
  hal::BufferSink sink(buffer);
  format(sink, "{}", "abcd");
  EXPECT_EQ(sink.text(), "abc");
  EXPECT_TRUE(sink.truncated());
}

}  // namespace

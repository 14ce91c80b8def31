// SPDX-License-Identifier: Apache-2.0
#include "vmm/console/terminal_filter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace vmm {
namespace {

class Text final : public hal::TextSink {
 public:
  void put(std::string_view more) override { text += more; }
  std::string text;
};

std::string shown(std::string_view printed) {
  TerminalFilter filter;
  Text sink;
  for (const char c : printed) filter.put(sink, static_cast<uint8_t>(c));
  filter.finish(sink);
  return sink.text;
}

TEST(TerminalFilter, passes_text_tabs_and_line_ends) {
  EXPECT_EQ(shown("Kernel panic\r\n\tnot syncing\n"), "Kernel panic\n\tnot syncing\n");
  EXPECT_EQ(shown("a\r\r\nb"), "a\nb") << "as Linux' console ends lines that end so already";
  EXPECT_EQ(shown("Gr\u00fc\u00dfe \u20ac \U0001f680 \u00a0"), "Gr\u00fc\u00dfe \u20ac \U0001f680 \u00a0");
}

TEST(TerminalFilter, passes_colours_and_ends_them_with_their_line) {
  EXPECT_EQ(shown("\x1b[1;31mred\x1b[0m\n"), "\x1b[1;31mred\x1b[0m\x1b[0m\n");
  EXPECT_EQ(shown("\x1b[38:2::1:2:3mx"), "\x1b[38:2::1:2:3mx\x1b[0m");
  EXPECT_EQ(shown("\x1b[8mhidden\r\nseen\n"), "\x1b[8mhidden\x1b[0m\nseen\n");
  EXPECT_EQ(shown("plain\n"), "plain\n");
}

TEST(TerminalFilter, shows_other_sequences_instead_of_passing_them) {
  EXPECT_EQ(shown("\x1b[6n"), "^[[6n");
  EXPECT_EQ(shown("\x1b[2J\x1b[1;1H"), "^[[2J^[[1;1H");
  EXPECT_EQ(shown("\x1b]0;title\a"), "^[]0;title^G");
  EXPECT_EQ(shown("\x1b[?25l\x1b[>c\x1b[!p"), "^[[?25l^[[>c^[[!p");
  EXPECT_EQ(shown("\x1b"
                  "c\x1bPq\x1b\\"),
            "^[c^[Pq^[\\");
  EXPECT_EQ(shown("\x1b\x1b[1m\x1b[\x1b[1m"), "^[\x1b[1m^[[\x1b[1m\x1b[0m") << "a new one ends the one before";
  EXPECT_EQ(shown("\x1b[1\x18m"), "^[[1^Xm") << "cancelled";
}

TEST(TerminalFilter, shows_control_characters) {
  EXPECT_EQ(shown(std::string_view("\0\x01\x07\x08\x0b\x0c\x0e\x1a\x1c\x1f\x7f", 11)), "^@^A^G^H^K^L^N^Z^\\^_^?");
  EXPECT_EQ(shown("10%\r20%\n"), "10%^M20%\n");
  EXPECT_EQ(shown("x\r"), "x^M");
}

TEST(TerminalFilter, shows_c1_controls_in_both_spellings) {
  for (unsigned control = 0x80; control <= 0x9f; ++control) {
    constexpr std::string_view hex = "0123456789abcdef";
    const std::string visible = std::string("<") + hex[control >> 4] + hex[control & 0xf] + ">";
    const std::string byte(1, static_cast<char>(control));
    EXPECT_EQ(shown(byte + "31m"), visible + "31m");
    EXPECT_EQ(shown("\xc2" + byte + "6n"), "<c2>" + visible + "6n");
  }
}

TEST(TerminalFilter, shows_what_is_not_utf8) {
  EXPECT_EQ(shown("\xa0\xff\xc0\xaf"), "<a0><ff><c0><af>");
  EXPECT_EQ(shown("\xe2\x9b"
                  "31m"),
            "<e2><9b>31m")
      << "cut off, with what another reader takes for CSI in it";
  EXPECT_EQ(shown("\xe0\x80\x9b"), "<e0><80><9b>") << "an overlong CSI";
  EXPECT_EQ(shown("\xed\xa0\x80"), "<ed><a0><80>") << "a surrogate";
  EXPECT_EQ(shown("\xf4\x90\x80\x80\xf5"), "<f4><90><80><80><f5>");
  EXPECT_EQ(shown("\xe2\x1b[1mx"), "<e2>\x1b[1mx\x1b[0m");
}

TEST(TerminalFilter, shows_a_sequence_that_is_never_finished) {
  EXPECT_EQ(shown("\x1b"), "^[");
  EXPECT_EQ(shown("\x1b[31"), "^[[31");
  EXPECT_EQ(shown("\x1b[31\nnext"), "^[[31\nnext");
  EXPECT_EQ(shown("\xe2\x82"), "<e2><82>");
  const std::string digits(100, '1');
  EXPECT_EQ(shown("\x1b[" + digits + "m"), "^[[" + digits + "m") << "longer than any colour";
}

// A model of the terminals that are out there: what may follow ESC, and C1 in either spelling.
bool acts(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte == 0x1b) {
      size_t end = i + 1;
      if (end == text.size() || text[end++] != '[') return true;
      while (end != text.size() && std::string_view("0123456789;:").contains(text[end])) ++end;
      if (end == text.size() || text[end] != 'm') return true;
      i = end;
    } else if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f) {
      return true;
    } else if (byte == 0xc2 && i + 1 != text.size() && static_cast<uint8_t>(text[i + 1]) < 0xa0) {
      return true;
    }
  }
  return false;
}

TEST(TerminalFilter, lets_nothing_act_whatever_is_printed_in_whatever_pieces) {
  constexpr std::string_view likely("\x1b\x1b[[m;:1?]c\r\n\x9b\xc2\x80\xe2\x82\xac\x07 x", 23);
  std::mt19937 random(9);
  TerminalFilter filter;
  for (unsigned round = 0; round < 200'000; ++round) {
    Text sink;
    std::string whole;
    for (unsigned count = random() % 12; count != 0; --count) {
      const char c = random() % 4 == 0 ? static_cast<char>(random()) : likely[random() % likely.size()];
      const size_t before = sink.text.size();
      filter.put(sink, static_cast<uint8_t>(c));
      ASSERT_LE(sink.text.size() - before, TerminalFilter::most_text);
      if (random() % 8 == 0) filter.pause(sink);
    }
    if (random() % 2 == 0) filter.finish(sink);
    ASSERT_FALSE(acts(sink.text)) << testing::PrintToString(sink.text);
  }
}

}  // namespace
}  // namespace vmm

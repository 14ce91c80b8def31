// SPDX-License-Identifier: Apache-2.0
#include "vmm/shell/line_editor.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace vmm::shell {
namespace {

using Event = LineEditor::Event;

class LineEditorTest : public testing::Test {
 protected:
  // Feeds all; returns the last event that was not `none`.
  Event feed(std::string_view text) {
    Event last = Event::none;
    for (const char c : text) {
      const Event event = editor.feed(static_cast<uint8_t>(c));
      if (event != Event::none) last = event;
    }
    return last;
  }
  // Types a line and enters it.
  void enter(std::string_view text) {
    feed(text);
    ASSERT_EQ(feed("\r"), Event::line);
    editor.next_line(true);
  }
  LineEditor editor;
};

TEST_F(LineEditorTest, collects_what_is_typed) {
  EXPECT_EQ(feed("vm list"), Event::changed);
  EXPECT_EQ(feed("\r"), Event::line);
  EXPECT_EQ(editor.line(), "vm list");
}

TEST_F(LineEditorTest, takes_any_kind_of_line_end_once) {
  EXPECT_EQ(feed("a\n"), Event::line);
  editor.next_line(true);
  EXPECT_EQ(feed("b\r"), Event::line);
  editor.next_line(true);
  EXPECT_EQ(feed("\n"), Event::none);
  EXPECT_EQ(feed("\n"), Event::line);
}

TEST_F(LineEditorTest, moves_and_deletes_by_control_characters) {
  feed("vm list");
  feed("\x01x\x05y");  // start, end
  EXPECT_EQ(editor.line(), "xvm listy");
  feed("\x7f\b");
  EXPECT_EQ(editor.line(), "xvm lis");
  feed("\x02\x02\x04");  // two back, delete
  EXPECT_EQ(editor.line(), "xvm ls");
  feed("\x0b");  // to the end
  EXPECT_EQ(editor.line(), "xvm l");
  feed("\x17");  // word
  EXPECT_EQ(editor.line(), "xvm ");
  feed("\x02\x15");  // to the start
  EXPECT_EQ(editor.line(), " ");
}

TEST_F(LineEditorTest, understands_the_keys_of_a_terminal) {
  feed("bc");
  feed("\x1b[Ha\x1b[F\x1b[Dx");
  EXPECT_EQ(editor.line(), "abxc");
  feed("\x1b[1~\x1b[3~");
  EXPECT_EQ(editor.line(), "bxc");
  feed("\x1b[4~\x1bOD\x1bOC!");
  EXPECT_EQ(editor.line(), "bxc!");
}

TEST_F(LineEditorTest, swallows_keys_it_does_not_know) {
  feed("a\x1b[15~b\x1b[1;5Ac\x1b[?25hd\x1bOPe");
  EXPECT_EQ(editor.line(), "abcde");
  feed(
      "\x1b"
      "f\xc3\xbc\x02g");
  EXPECT_EQ(editor.line(), "abcdegf");
}

TEST_F(LineEditorTest, ends_a_line_in_the_middle_of_an_escape_sequence) {
  feed("ab\x1b[1");
  EXPECT_EQ(feed("\r"), Event::line);
  EXPECT_EQ(editor.line(), "ab");
}

TEST_F(LineEditorTest, recalls_earlier_lines_and_comes_back_to_the_draft) {
  enter("one");
  enter("two");
  enter("two");
  enter("   ");
  feed("dra");
  feed("\x1b[A");
  EXPECT_EQ(editor.line(), "two");
  feed("\x10");
  EXPECT_EQ(editor.line(), "one");
  EXPECT_EQ(feed("\x1b[A"), Event::none);
  feed("\x0e\x1b[B");
  EXPECT_EQ(editor.line(), "dra");
  EXPECT_EQ(feed("\x1b[B"), Event::none);
  feed("ft");
  EXPECT_EQ(editor.line(), "draft");
}

TEST_F(LineEditorTest, keeps_the_last_sixteen_lines) {
  for (unsigned i = 0; i < 40; ++i) enter(std::to_string(i));
  for (unsigned i = 0; i < 100; ++i) feed("\x1b[A");
  EXPECT_EQ(editor.line(), "24");
}

TEST_F(LineEditorTest, says_that_a_line_was_too_long) {
  feed(std::string(LineEditor::max_line, 'x'));
  EXPECT_EQ(editor.line().size(), LineEditor::max_line);
  feed("y");
  EXPECT_EQ(feed("\r"), Event::too_long);
  editor.next_line(false);
  EXPECT_EQ(feed("a\r"), Event::line);
}

TEST_F(LineEditorTest, reports_the_keys_that_its_owner_answers) {
  EXPECT_EQ(feed("\t"), Event::complete);
  EXPECT_EQ(feed("\x03"), Event::cancelled);
  EXPECT_EQ(feed("\x0c"), Event::clear_screen);
}

TEST_F(LineEditorTest, stays_in_order_whatever_is_typed) {
  std::mt19937 random(5);
  for (unsigned i = 0; i < 300'000; ++i) {
    constexpr std::string_view interesting("\x1b[AABCDHF~13;O\x01\x02\x04\x05\x06\x08\x0b\x0e\x10\x15\x17 ab");
    const uint8_t byte = random() % 3 == 0 ? static_cast<uint8_t>(random())
                                           : static_cast<uint8_t>(interesting[random() % interesting.size()]);
    const Event event = editor.feed(byte);
    ASSERT_LE(editor.cursor(), editor.line().size());
    ASSERT_LE(editor.line().size(), LineEditor::max_line);
    for (const char c : editor.line()) ASSERT_TRUE(c >= ' ' && c < 0x7f);
    if (event == Event::line || event == Event::too_long || event == Event::cancelled) {
      editor.next_line(event == Event::line);
      ASSERT_EQ(editor.line(), "");
    }
  }
}

}  // namespace
}  // namespace vmm::shell

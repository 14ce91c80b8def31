// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/base/fixed.hpp"

namespace vmm::shell {

// One line of input under edit, fed byte by byte as a terminal sends it. Pure: it draws nothing, whoever owns it shows
// line() and cursor().
//
//     Left, Right, Ctrl-B, Ctrl-F    one character       Backspace, Ctrl-H   delete before the cursor
//     Home, End, Ctrl-A, Ctrl-E      the ends            Delete, Ctrl-D      delete at the cursor
//     Up, Down, Ctrl-P, Ctrl-N       history             Ctrl-U, Ctrl-K      delete to the start, to the end
//     Tab                            completion          Ctrl-W              delete the word before the cursor
//     Enter                          done                Ctrl-C, Ctrl-L      drop the line, clear the screen
class LineEditor {
 public:
  static constexpr size_t max_line = 200;
  static constexpr size_t history_lines = 16;

  enum class Event : uint8_t {
    none,          // nothing to do
    changed,       // show the line again
    line,          // it is complete: line(), then next_line()
    too_long,      // it is complete, but its end was lost
    cancelled,     // Ctrl-C: drop it, then next_line()
    complete,      // Tab: perhaps insert()
    clear_screen,  // Ctrl-L
  };
  Event feed(uint8_t byte);

  [[nodiscard]] std::string_view line() const { return {text_.data(), length_}; }
  [[nodiscard]] size_t cursor() const { return cursor_; }
  // At the cursor; what has no room is left out.
  void insert(std::string_view text);
  // Begin an empty line. One that is to be kept goes into the history, unless it is blank or the same as the last.
  void next_line(bool keep);

 private:
  enum class Escape : uint8_t { none, started, csi, ss3 };

  Event feed_escape(uint8_t byte);
  Event feed_control(uint8_t byte);
  Event cursor_key(uint8_t final);
  Event tilde_key();
  Event end_line();
  Event erase(size_t from, size_t to);
  Event move(size_t to);
  Event recall(size_t back);
  [[nodiscard]] size_t word_start() const;

  using Line = hal::FixedString<max_line>;

  std::array<char, max_line> text_{};
  size_t length_ = 0;
  size_t cursor_ = 0;
  bool overflow_ = false;
  bool after_return_ = false;  // a newline that follows is part of the same key
  Escape escape_ = Escape::none;
  unsigned parameter_ = 0;  // of an escape sequence

  std::array<Line, history_lines> history_;  // a ring
  size_t history_count_ = 0;                 // lines ever kept
  size_t recalled_ = 0;                      // how far back the shown line is; 0: it is being typed
  Line draft_;                               // what was being typed
};

}  // namespace vmm::shell

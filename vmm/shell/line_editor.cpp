// SPDX-License-Identifier: Apache-2.0
#include "vmm/shell/line_editor.hpp"

#include <algorithm>

namespace vmm::shell {
namespace {

constexpr uint8_t control(char letter) { return static_cast<uint8_t>(letter) & 0x1f; }
constexpr uint8_t escape = 0x1b;
constexpr uint8_t delete_key = 0x7f;

}  // namespace

LineEditor::Event LineEditor::feed(uint8_t byte) {
  if (escape_ != Escape::none) return feed_escape(byte);
  const bool after_return = after_return_;
  after_return_ = false;
  if (byte == '\n' && after_return) return Event::none;
  if (byte < ' ' || byte == delete_key) return feed_control(byte);
  if (byte > delete_key) return Event::none;  // the shell's words are ASCII
  const char c = static_cast<char>(byte);
  insert({&c, 1});
  return Event::changed;
}

LineEditor::Event LineEditor::feed_control(uint8_t byte) {
  switch (byte) {
    case '\r': after_return_ = true; return end_line();
    case '\n': return end_line();
    case '\t': return Event::complete;
    case escape: escape_ = Escape::started; return Event::none;
    case '\b':
    case delete_key: return erase(cursor_ - std::min<size_t>(cursor_, 1), cursor_);
    case control('a'): return move(0);
    case control('b'): return move(cursor_ - std::min<size_t>(cursor_, 1));
    case control('c'): return Event::cancelled;
    case control('d'): return erase(cursor_, std::min(cursor_ + 1, length_));
    case control('e'): return move(length_);
    case control('f'): return move(std::min(cursor_ + 1, length_));
    case control('k'): return erase(cursor_, length_);
    case control('l'): return Event::clear_screen;
    case control('n'): return recall(recalled_ - std::min<size_t>(recalled_, 1));
    case control('p'): return recall(recalled_ + 1);
    case control('u'): return erase(0, cursor_);
    case control('w'): return erase(word_start(), cursor_);
    default: return Event::none;
  }
}

// ECMA-48 control sequences: ESC [ parameters final, and ESC O final for the keys of some terminals. What is not known
// is swallowed whole.
LineEditor::Event LineEditor::feed_escape(uint8_t byte) {
  const Escape state = std::exchange(escape_, Escape::none);
  if (state == Escape::started) {
    parameter_ = 0;
    if (byte == '[') {
      escape_ = Escape::csi;
    } else if (byte == 'O') {
      escape_ = Escape::ss3;
    } else {
      return feed(byte);
    }
    return Event::none;
  }
  if (byte < ' ' || byte > '~') return feed(byte);  // not part of a sequence: it was cut off
  if (byte < '@') {
    if (byte >= '0' && byte <= '9') parameter_ = std::min(parameter_ * 10 + (byte - '0'), 1000U);
    escape_ = state;
    return Event::none;
  }
  return byte == '~' ? tilde_key() : cursor_key(byte);
}

LineEditor::Event LineEditor::cursor_key(uint8_t final) {
  switch (final) {
    case 'A': return recall(recalled_ + 1);
    case 'B': return recall(recalled_ - std::min<size_t>(recalled_, 1));
    case 'C': return move(std::min(cursor_ + 1, length_));
    case 'D': return move(cursor_ - std::min<size_t>(cursor_, 1));
    case 'H': return move(0);
    case 'F': return move(length_);
    default: return Event::none;
  }
}

LineEditor::Event LineEditor::tilde_key() {
  switch (parameter_) {
    case 1:
    case 7: return move(0);
    case 3: return erase(cursor_, std::min(cursor_ + 1, length_));
    case 4:
    case 8: return move(length_);
    default: return Event::none;
  }
}

LineEditor::Event LineEditor::end_line() { return overflow_ ? Event::too_long : Event::line; }

void LineEditor::insert(std::string_view text) {
  const size_t count = std::min(text.size(), max_line - length_);
  if (count < text.size()) overflow_ = true;
  char* const at = text_.data() + cursor_;
  std::copy_backward(at, text_.data() + length_, text_.data() + length_ + count);
  std::copy_n(text.data(), count, at);
  length_ += count;
  cursor_ += count;
}

LineEditor::Event LineEditor::erase(size_t from, size_t to) {
  if (from == to) return Event::none;
  std::copy(text_.data() + to, text_.data() + length_, text_.data() + from);
  length_ -= to - from;
  cursor_ = from;
  return Event::changed;
}

LineEditor::Event LineEditor::move(size_t to) {
  if (to == cursor_) return Event::none;
  cursor_ = to;
  return Event::changed;
}

size_t LineEditor::word_start() const {
  size_t start = cursor_;
  while (start != 0 && text_[start - 1] == ' ') --start;
  while (start != 0 && text_[start - 1] != ' ') --start;
  return start;
}

LineEditor::Event LineEditor::recall(size_t back) {
  if (back == recalled_ || back > std::min(history_count_, history_lines)) return Event::none;
  if (recalled_ == 0) (void)draft_.assign(line());
  recalled_ = back;
  const Line& recalled = back == 0 ? draft_ : history_[(history_count_ - back) % history_lines];
  length_ = cursor_ = recalled.size();
  std::copy_n(recalled.view().data(), length_, text_.data());
  return Event::changed;
}

void LineEditor::next_line(bool keep) {
  const bool blank = line().find_first_not_of(' ') == std::string_view::npos;
  const bool same = history_count_ != 0 && history_[(history_count_ - 1) % history_lines] == line();
  if (keep && !blank && !same) (void)history_[history_count_++ % history_lines].assign(line());
  length_ = cursor_ = recalled_ = 0;
  overflow_ = false;
}

}  // namespace vmm::shell

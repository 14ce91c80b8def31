// SPDX-License-Identifier: Apache-2.0
// The way out: which source may use the terminal next.
#include <algorithm>

#include "hal/base/format.hpp"
#include "vmm/console/console.hpp"

namespace vmm {
namespace {

// Of a guest's output, so that the sum of what is staged at once stays below the room in `staged_`.
constexpr size_t chunk_size = 256;

// Text on its way to the terminal; the ring has room for it.
class RingSink final : public hal::TextSink {
 public:
  explicit RingSink(ByteRing<Console::staged_size>& ring) : ring_(ring) {}
  void put(std::string_view text) override { (void)ring_.push(text); }

 private:
  ByteRing<Console::staged_size>& ring_;
};

// A watched line that has not ended after this many bytes is shown in pieces.
constexpr size_t longest_watched_line = 160;
// Each byte may have become four, and those that waited before them.
static_assert(Console::staged_size >= 2 * 32 + longest_watched_line * 4 + TerminalFilter::most_text);

std::string_view as_text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void Console::pump() {
  if (device_ == nullptr) return;
  do {
    while (!staged_.empty()) {
      const size_t sent = device_->write(staged_.front());
      if (sent == 0) return;
      staged_.drop(sent);
    }
  } while (refill());
}

// Called when nothing is staged; false when there is nothing to stage. The log is first because it tells what happens
// now, and it does not depend on guests. What the shell wrote comes before a guest's output: it was there before the
// user went over to the guest.
bool Console::refill() {
  if (stage_log() || stage_prompt() || stage_end_of_input() || stage_announcement()) return true;
  switch (view_) {
    case View::prompt: return stage_input_line();
    case View::vm: return stage_guest();
    case View::all: return stage_all();
  }
  return false;
}

bool Console::stage_log() {
  if (!log_pending_) return false;
  // Somebody is in the middle of a line and its end is at hand.
  if (!line_start_ && !drawn_.visible) {
    if (!prompt_output_.empty()) return false;
    if (view_ == View::vm && shown_->unseen_line(VmConsole::output_size) != 0) return false;
  }
  hal::log::Line line;
  log_pending_ = hal::log::next(log_, line);
  if (!log_pending_) return false;
  begin_line();
  if (line.lost != 0) {
    std::array<char, 64> buffer;
    hal::BufferSink text(buffer);
    hal::format(text, "[plinth] ... {} lines lost\r\n", line.lost);
    stage(text.text());
  }
  stage(hal::log::prefix(line.level));
  stage(line.text());
  stage("\r\n");
  return true;
}

bool Console::can_write() const { return !end_of_input_ && prompt_output_.room() >= chunk_size; }

bool Console::stage_prompt() {
  if (!prompt_output_.empty()) {
    change_source(Source::prompt);
    auto bytes = prompt_output_.front();
    bytes = bytes.first(std::min(bytes.size(), chunk_size));
    // Stop at the end of the line for the log.
    const size_t end = log_pending_ ? as_text(bytes).find('\n') : std::string_view::npos;
    if (end != std::string_view::npos) bytes = bytes.first(end + 1);
    stage(as_text(bytes));
    prompt_output_.drop(bytes.size());
  }
  if (prompt_waits_ && can_write()) {
    prompt_waits_ = false;
    prompt_due_ = true;
  }
  return !staged_.empty();
}

bool Console::stage_end_of_input() {
  if (!end_of_input_) return false;
  end_of_input_ = false;
  if (view_ == View::prompt && wanted_.visible) {
    draw_input_line(wanted_);
    stage("\r\n");
    drawn_.visible = false;
  }
  wanted_.visible = false;
  if (prompt_waits_) {
    prompt_waits_ = false;
    prompt_due_ = true;
  }
  return !staged_.empty();
}

bool Console::stage_announcement() {
  if (!announce_) return false;
  announce_ = false;
  begin_line();
  std::array<char, 160> buffer;
  hal::BufferSink text(buffer);
  const KeyName key = escape_name();
  const std::string_view leave(key.data(), key.size());
  if (view_ == View::all) {
    hal::format(text, "[plinth] console of all VMs; {} leaves\r\n", leave);
  } else if (const uint64_t lost = shown_->take_lost(); lost != 0) {
    hal::format(text, "[plinth] console of '{}', {} older bytes were overwritten; {} leaves\r\n", shown_->name(), lost,
                leave);
  } else {
    hal::format(text, "[plinth] console of '{}'; {} leaves\r\n", shown_->name(), leave);
  }
  stage(text.text());
  return true;
}

bool Console::stage_guest() {
  if (shown_->unseen() == 0) {
    if (!ending_) return false;
    look_at(View::prompt, nullptr);
    return true;
  }
  change_source(Source::guest);
  std::array<uint8_t, chunk_size> chunk;
  size_t most = chunk.size();
  const size_t line = log_pending_ ? shown_->unseen_line(most) : 0;
  if (line != 0) most = line;
  const size_t count = shown_->take_unseen(std::span(chunk).first(most));
  stage(as_text(std::span(chunk).first(count)));
  return true;
}

// One line of one VM, and then it is the next VM's turn.
bool Console::stage_all() {
  for (VmConsole& vm : vms_) {
    size_t length = vm.unseen_line(longest_watched_line);
    std::array<uint8_t, longest_watched_line> chunk;
    if (length == 0) {
      if (vm.unseen() < longest_watched_line) continue;
      length = longest_watched_line;
    }
    const auto bytes = std::span(chunk).first(vm.take_unseen(std::span(chunk).first(length)));
    change_source(Source::guest);
    begin_line();
    stage(vm.name());
    stage("| ");
    RingSink text(staged_);
    const bool ends = !bytes.empty() && bytes.back() == '\n';
    for (const uint8_t byte : ends ? bytes.first(bytes.size() - 1) : bytes) vm.watched_.put(text, byte);
    // No VM may tamper with the lines of another.
    ends ? vm.watched_.end_line(text) : vm.watched_.pause(text);
    stage("\r\n");
    hal::List<VmConsole>::remove(vm);
    vms_.push_back(vm);
    return true;
  }
  return false;
}

// --- the input line --------------------------------------------------------------------------------------------------
//
// Drawn with printable characters, backspaces and carriage returns only, so that any terminal and any script can
// follow.

bool Console::stage_input_line() {
  if (!wanted_.visible) {
    erase_input_line();
  } else {
    draw_input_line(wanted_);
  }
  return !staged_.empty();
}

void Console::erase_input_line() {
  if (!drawn_.visible) return;
  static constexpr std::array<char, input_width> blanks = [] {
    std::array<char, input_width> spaces{};
    spaces.fill(' ');
    return spaces;
  }();
  stage("\r");
  stage({blanks.data(), drawn_.length});
  stage("\r");
  drawn_.visible = false;
  line_start_ = true;
}

// From what stands there to what should.
void Console::draw_input_line(const InputLine& wanted) {
  if (!drawn_.visible) {
    begin_line();
    drawn_ = {.visible = true};
    source_ = Source::prompt;
  }
  const std::string_view was = drawn_.view();
  const std::string_view is = wanted.view();
  if (was == is) {
    move_cursor(wanted, drawn_.cursor, wanted.cursor);
  } else {
    size_t same = 0;
    while (same < std::min(was.size(), is.size()) && was[same] == is[same]) ++same;
    move_cursor(drawn_, drawn_.cursor, same);
    stage(is.substr(same));
    const size_t rest = was.size() - std::min(was.size(), is.size());
    for (size_t i = 0; i < rest; ++i) stage(" ");
    for (size_t i = 0; i < rest; ++i) stage("\b");
    move_cursor(wanted, is.size(), wanted.cursor);
  }
  drawn_ = wanted;
}

// Within a line that is drawn: backwards by backspaces, forwards by writing it once more.
void Console::move_cursor(const InputLine& line, size_t from, size_t to) {
  for (size_t at = from; at > to; --at) stage("\b");
  if (to > from) stage(line.view().substr(from, to - from));
}

// --- small things ----------------------------------------------------------------------------------------------------

void Console::begin_line() {
  if (drawn_.visible) {
    erase_input_line();
  } else if (!line_start_) {
    stage("\r\n");
  }
}

void Console::change_source(Source source) {
  if (source_ != source || drawn_.visible) begin_line();
  source_ = source;
}

void Console::stage(std::string_view text) {
  if (text.empty()) return;
  (void)staged_.push(text);
  if (text.back() == '\n') {
    line_start_ = true;
  } else if (text.back() != '\r') {
    line_start_ = false;
  }
}

}  // namespace vmm

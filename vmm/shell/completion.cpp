// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "hal/log.hpp"
#include "vmm/shell/shell.hpp"

namespace vmm::shell {
namespace {

constexpr std::array<std::string_view, 4> levels{"error", "warning", "info", "debug"};
constexpr std::array<std::string_view, 2> switches{"on", "off"};

// The last word of `before`, which the cursor stands behind, and what is in front of it.
struct Place {
  std::string_view first;  // word, if the cursor is behind it
  std::string_view second;
  size_t words = 0;  // that are complete
  std::string_view partial;
};

Place place_of(std::string_view before) {
  Place place;
  while (true) {
    const size_t start = std::min(before.find_first_not_of(' '), before.size());
    before.remove_prefix(start);
    const size_t end = before.find(' ');
    if (end == std::string_view::npos) {
      place.partial = before;
      return place;
    }
    if (place.words == 0) place.first = before.substr(0, end);
    if (place.words == 1) place.second = before.substr(0, end);
    ++place.words;
    before.remove_prefix(end);
  }
}

// What all candidates begin with.
class CommonBeginning final : public WordSink {
 public:
  void word(std::string_view text) override {
    if (count_++ == 0) {
      length_ = text.copy(text_.data(), text_.size());
      return;
    }
    size_t same = 0;
    while (same < std::min(length_, text.size()) && text_[same] == text[same]) ++same;
    length_ = same;
  }
  [[nodiscard]] unsigned count() const { return count_; }
  [[nodiscard]] std::string_view text() const { return {text_.data(), length_}; }

 private:
  unsigned count_ = 0;
  size_t length_ = 0;
  std::array<char, LineEditor::max_line> text_{};
};

class Listing final : public WordSink {
 public:
  explicit Listing(hal::TextSink& sink) : sink_(sink) {}
  void word(std::string_view text) override {
    sink_.put(text);
    sink_.put("  ");
  }

 private:
  hal::TextSink& sink_;
};

// Lets only the words through that go on with what was typed.
class Filter final : public WordSink {
 public:
  Filter(std::string_view beginning, WordSink& next) : beginning_(beginning), next_(next) {}
  void word(std::string_view text) override {
    if (text.starts_with(beginning_)) next_.word(text);
  }

 private:
  std::string_view beginning_;
  WordSink& next_;
};

// The first words of all commands, or the second words of those that begin with `group`.
void offer_commands(std::string_view group, WordSink& sink) {
  std::string_view last;
  for (const Command& command : commands()) {
    if (!group.empty() && command.first() != group) continue;
    const std::string_view word = group.empty() ? command.first() : command.second();
    if (!word.empty() && word != last) sink.word(word);
    last = word;
  }
}

// The command of one or two words that the line begins with.
const Command* command_at(const Place& place) {
  for (const Command& command : commands()) {
    if (command.first() != place.first) continue;
    if (command.second().empty() || command.second() == place.second) return &command;
  }
  return nullptr;
}

}  // namespace

// The words that may stand where the cursor is.
void Shell::offer_candidates(std::string_view before, WordSink& all) {
  const Place place = place_of(before);
  Filter sink(place.partial, all);
  if (place.words == 0) return offer_commands("", sink);
  const Command* const command = command_at(place);
  if (command == nullptr) {
    if (place.words == 1) offer_commands(place.first, sink);
    return;
  }
  if (place.partial.starts_with("-")) {
    if (!command->option.empty()) sink.word(command->option);
    return;
  }
  const size_t own_words = command->second().empty() ? 1 : 2;
  if (command->operand == Operand::command) {
    if (place.words <= 2) offer_commands(place.words == 1 ? "" : place.second, sink);
  } else if (place.words == own_words) {
    offer_operands(command->operand, sink);
  }
}

void Shell::offer_operands(Operand operand, WordSink& sink) {
  switch (operand) {
    case Operand::none:
    case Operand::command: return;
    case Operand::vm: return for_each_vm([&](const VmInfo& vm) { sink.word(vm.name); });
    case Operand::file:
      for (size_t i = 0; const auto file = backend_.vm_file(i); ++i) sink.word(*file);
      return;
    case Operand::level:
      for (const std::string_view word : levels) sink.word(word);
      return;
    case Operand::on_off:
      for (const std::string_view word : switches) sink.word(word);
      return;
  }
}

// Insert what all candidates have in common; if that is nothing new, list them below the line.
void Shell::complete() {
  const std::string_view before = editor_.line().substr(0, editor_.cursor());
  CommonBeginning common;
  offer_candidates(before, common);
  if (common.count() == 0) return;
  const size_t typed = place_of(before).partial.size();
  if (common.count() == 1 || common.text().size() > typed) {
    editor_.insert(common.text().substr(typed));
    if (common.count() == 1) editor_.insert(" ");
    return;
  }
  terminal_.end_input();
  Listing list(output_);
  offer_candidates(before, list);
  output_.put("\n");
  output_.flush();
}

}  // namespace vmm::shell

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

size_t common_length(std::string_view a, std::string_view b) {
  size_t length = 0;
  while (length < std::min(a.size(), b.size()) && a[length] == b[length]) ++length;
  return length;
}

}  // namespace

// Calls offer(word) for each word that may stand where the cursor is, with its whole text, until it returns false.
template <class Offer>
void Shell::offer_candidates(std::string_view before, Offer offer) {
  const Place place = place_of(before);
  const auto matches = [&](std::string_view word) { return word.starts_with(place.partial); };
  const auto offer_words = [&](std::string_view group, bool after_help) {
    std::string_view last;
    for (const Command& command : commands()) {
      const std::string_view word = group.empty() ? command.first() : command.second();
      if (!group.empty() && command.first() != group) continue;
      if (word.empty() || word == last || !matches(word) || (after_help && word == "help")) continue;
      offer(word);
      last = word;
    }
  };
  if (place.words == 0) return offer_words("", false);
  if (place.first == "help" && place.words <= 2) return offer_words(place.words == 1 ? "" : place.second, true);

  const Command* found = nullptr;
  for (const Command& command : commands()) {
    if (command.first() != place.first) continue;
    if (!command.second().empty() && place.words == 1) return offer_words(place.first, false);
    if (command.second().empty() || command.second() == place.second) found = &command;
  }
  if (found == nullptr) return;
  if (place.partial.starts_with("-")) {
    if (!found->option.empty() && matches(found->option)) offer(found->option);
    return;
  }
  const size_t own_words = found->second().empty() ? 1 : 2;
  if (place.words != own_words) return;
  switch (found->operand) {
    case Operand::none:
    case Operand::command: return;
    case Operand::vm:
      return for_each_vm([&](const VmInfo& vm) {
        if (matches(vm.name)) offer(vm.name);
      });
    case Operand::file:
      for (size_t i = 0; const auto file = backend_.vm_file(i); ++i) {
        if (matches(*file)) offer(*file);
      }
      return;
    case Operand::level:
      for (const std::string_view level : levels) {
        if (matches(level)) offer(level);
      }
      return;
    case Operand::on_off:
      for (const std::string_view word : switches) {
        if (matches(word)) offer(word);
      }
      return;
  }
}

// Insert what all candidates have in common; if that is nothing new, list them below the line.
void Shell::complete() {
  const std::string_view before = editor_.line().substr(0, editor_.cursor());
  config::FixedString<LineEditor::max_line> common;
  unsigned count = 0;
  offer_candidates(before, [&](std::string_view word) {
    if (count++ == 0) {
      (void)common.assign(word);
    } else {
      const config::FixedString<LineEditor::max_line> shorter(
          common.view().substr(0, common_length(common.view(), word)));
      common = shorter;
    }
  });
  if (count == 0) return;
  const size_t typed = place_of(before).partial.size();
  if (count == 1 || common.size() > typed) {
    editor_.insert(common.view().substr(typed));
    if (count == 1) editor_.insert(" ");
    return;
  }
  terminal_.end_input();
  offer_candidates(before, [&](std::string_view word) { print("{}  ", word); });
  output_.put("\n");
  output_.flush();
}

}  // namespace vmm::shell

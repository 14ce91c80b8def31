// SPDX-License-Identifier: Apache-2.0
#include "vmm/shell/shell.hpp"

#include <algorithm>

#include "vmm/console/console.hpp"

namespace vmm::shell {
namespace {

constexpr std::string_view prompt = "plinth> ";

constexpr std::array the_commands{
    Command{"help", "[COMMAND]", "what can be done, or how one command is used", Operand::command, 0, 2, "",
            &Shell::help},
    Command{"vm list", "[--json]", "all VMs and their states", Operand::none, 0, 0, "--json", &Shell::vm_list},
    Command{"vm show", "VM [--json]", "what one VM is made of and what it does", Operand::vm, 1, 1, "--json",
            &Shell::vm_show},
    Command{"vm create", "FILE", "make a VM from a file of the bundle; it does not start", Operand::file, 1, 1, "",
            &Shell::vm_create},
    Command{"vm start", "VM", "load its images and let it run", Operand::vm, 1, 1, "", &Shell::vm_start},
    Command{"vm stop", "VM [--force]", "ask it to power itself off; end it if it does not, or at once", Operand::vm, 1,
            1, "--force", &Shell::vm_stop},
    Command{"vm suspend", "VM", "freeze it as it is", Operand::vm, 1, 1, "", &Shell::vm_suspend},
    Command{"vm resume", "VM", "let a suspended one go on", Operand::vm, 1, 1, "", &Shell::vm_resume},
    Command{"vm restart", "VM", "stop it and start it from clean memory", Operand::vm, 1, 1, "", &Shell::vm_restart},
    Command{"vm destroy", "VM", "stop it and give back all it had", Operand::vm, 1, 1, "", &Shell::vm_destroy},
    Command{"vm log", "VM[:hvc0]", "its console's last 8 KiB", Operand::vm, 1, 1, "", &Shell::vm_log},
    Command{"vm stats", "VM [--json]", "times of its vCPUs, and their exits: how many, how long", Operand::vm, 1, 1,
            "--json", &Shell::vm_stats},
    Command{"vm crash", "VM [--now]", "how it was when it crashed last, or is now: registers, tables, last output",
            Operand::vm, 1, 1, "--now", &Shell::vm_crash},
    Command{"console", "VM[:hvc0] | --all", "go to a VM's console, or watch all of them", Operand::vm, 0, 1, "--all",
            &Shell::console},
    Command{"disk list", "[--json]", "the disks of all VMs", Operand::none, 0, 0, "--json", &Shell::disk_list},
    Command{"net list", "[--json]", "the network cards of all VMs", Operand::none, 0, 0, "--json", &Shell::net_list},
    Command{"cpu list", "[--json]", "the machine's CPUs", Operand::none, 0, 0, "--json", &Shell::cpu_list},
    Command{"mem", "[--json]", "where the machine's memory is", Operand::none, 0, 0, "--json", &Shell::mem},
    Command{"log", "", "the hypervisor's own log", Operand::none, 0, 0, "", &Shell::log},
    Command{"loglevel", "[LEVEL]", "how much is logged: error, warning, info or debug", Operand::level, 0, 1, "",
            &Shell::log_level},
    Command{"stats on", "", "measure what exits cost, from now on, for vm stats", Operand::none, 0, 0, "",
            &Shell::stats_on},
    Command{"stats off", "", "stop measuring", Operand::none, 0, 0, "", &Shell::stats_off},
    Command{"trace on", "", "record what every CPU does, from now on", Operand::none, 0, 0, "", &Shell::trace_on},
    Command{"trace off", "", "stop recording", Operand::none, 0, 0, "", &Shell::trace_off},
    Command{"trace dump", "", "stop recording and print it, for ./plinth trace", Operand::none, 0, 0, "",
            &Shell::trace_dump},
    Command{"batch", "on | off", "for scripts: no prompt and no echo, \"ok\" or \"error: ...\" ends each answer",
            Operand::on_off, 1, 1, "", &Shell::batch},
    Command{"reboot", "", "stop all VMs and reboot the machine", Operand::none, 0, 0, "", &Shell::reboot},
    Command{"poweroff", "", "stop all VMs and switch the machine off", Operand::none, 0, 0, "", &Shell::poweroff},
};

// The words of a line; false when there are too many.
bool split(std::string_view line, hal::FixedVector<std::string_view, 2 * Arguments::max_words>& words) {
  while (true) {
    const size_t start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) return true;
    line.remove_prefix(start);
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    if (!words.push_back(line.substr(0, end))) return false;
    line.remove_prefix(end);
  }
}

}  // namespace

std::span<const Command> commands() { return the_commands; }

bool Arguments::has(std::string_view option) const { return std::ranges::find(options, option) != options.end(); }

void Shell::Output::put(std::string_view text) {
  for (const char c : text) {
    if (used_ + 2 > buffer_.size()) flush();
    if (c == '\n') buffer_[used_++] = '\r';
    buffer_[used_++] = c;
  }
}

void Shell::Output::flush() {
  if (used_ != 0) terminal_.write({buffer_.data(), used_});
  used_ = 0;
}

void Shell::start() { show(); }

// The prompt and the line behind it; of a long line, the part around the cursor.
void Shell::show() {
  if (batch_) return;
  constexpr size_t room = Console::input_width - prompt.size();
  const std::string_view line = editor_.line();
  // One column more than the text, for the cursor behind its end.
  const size_t from = editor_.cursor() < room ? 0 : editor_.cursor() - room + 1;
  std::array<char, Console::input_width> shown{};
  hal::BufferSink text(shown);
  text.put(prompt);
  text.put(line.substr(from, room));
  terminal_.show_input(text.text(), prompt.size() + editor_.cursor() - from);
}

void Shell::feed(std::span<const uint8_t> bytes) {
  bool changed = false;
  for (const uint8_t byte : bytes) {
    const LineEditor::Event event = editor_.feed(byte);
    if (event == LineEditor::Event::none) continue;
    // A pasted line is drawn once, not for each of its characters.
    if (event == LineEditor::Event::changed) {
      changed = true;
      continue;
    }
    if (changed) show();
    changed = false;
    obey(event);
  }
  if (changed) show();
}

void Shell::obey(LineEditor::Event event) {
  using enum LineEditor::Event;
  switch (event) {
    case none:
    case changed: return;
    case complete:
      if (!batch_) this->complete();
      return show();
    case clear_screen:
      if (!batch_) terminal_.write("\x1b[H\x1b[2J\r");
      return show();
    case cancelled:
      if (!batch_) terminal_.end_input();
      editor_.next_line(false);
      return show();
    case line:
    case too_long: break;
  }
  if (!batch_) terminal_.end_input();
  hal::FixedString<LineEditor::max_line> line_text;
  (void)line_text.assign(editor_.line());
  editor_.next_line(event == line);
  failed_ = false;
  const bool was_batch = batch_;
  if (event == too_long) {
    fail("the line is too long: at most {} characters", LineEditor::max_line);
  } else {
    run(line_text.view());
  }
  if (was_batch && !failed_) output_.put("ok\n");
  output_.flush();
  show();
}

void Shell::run(std::string_view line) {
  hal::FixedVector<std::string_view, 2 * Arguments::max_words> words;
  if (!split(line, words)) return fail("too many words");
  waits_ = words.empty() || words[words.size() - 1] != "&";
  const size_t count = words.size() - (waits_ ? 0 : 1);
  if (count == 0) return;
  size_t used = 0;
  const Command* const command = find_command({words.begin(), count}, used);
  if (command == nullptr) return;
  Arguments arguments;
  for (size_t i = used; i < count; ++i) {
    const bool fits =
        words[i].starts_with("--") ? arguments.options.push_back(words[i]) : arguments.words.push_back(words[i]);
    if (!fits) return fail("too many words");
  }
  run(*command, arguments);
}

void Shell::run(const Command& command, const Arguments& arguments) {
  for (const std::string_view option : arguments.options) {
    if (option != command.option) {
      return fail("'{}' does not take {}; usage: {} {}", command.words, option, command.words, command.arguments);
    }
  }
  const size_t count = arguments.words.size();
  if (count < command.fewest || count > command.most) {
    return fail("usage: {}{}{}", command.words, command.arguments.empty() ? "" : " ", command.arguments);
  }
  (this->*command.run)(arguments);
}

const Command* Shell::find_command(std::span<const std::string_view> words, size_t& used) {
  const Command* found = nullptr;
  bool ambiguous = false;
  for (const Command& command : the_commands) {
    if (command.first() == words[0]) {
      found = &command;
      ambiguous = false;
      break;
    }
    if (!command.first().starts_with(words[0])) continue;
    ambiguous |= found != nullptr && found->first() != command.first();
    if (found == nullptr) found = &command;
  }
  if (found == nullptr) return fail("there is no command '{}'; 'help' lists them", words[0]), nullptr;
  if (ambiguous) {
    hal::TextSink& text = begin_failure();
    hal::format(text, "'{}' could be", words[0]);
    std::string_view last;
    for (const Command& command : the_commands) {
      if (!command.first().starts_with(words[0]) || command.first() == last) continue;
      hal::format(text, "{} {}", last.empty() ? "" : ",", command.first());
      last = command.first();
    }
    text.put("\n");
    return nullptr;
  }
  used = 1;
  if (found->second().empty()) return found;

  used = 2;
  const std::string_view group = found->first();
  const std::string_view wanted = words.size() > 1 ? words[1] : std::string_view{};
  const Command* match = nullptr;
  unsigned matches = 0;
  for (const Command& command : the_commands) {
    if (command.first() != group || wanted.empty()) continue;
    if (command.second() == wanted) return &command;
    if (!command.second().starts_with(wanted)) continue;
    match = &command;
    ++matches;
  }
  if (matches == 1) return match;
  hal::TextSink& text = begin_failure();
  if (matches > 1) {
    hal::format(text, "'{} {}' could be", group, wanted);
  } else if (wanted.empty()) {
    hal::format(text, "'{}' what? There are", group);
  } else {
    hal::format(text, "there is no '{} {}', but", group, wanted);
  }
  bool first = true;
  for (const Command& command : the_commands) {
    if (command.first() != group || (matches > 1 && !command.second().starts_with(wanted))) continue;
    hal::format(text, "{} {}", first ? "" : ",", command.second());
    first = false;
  }
  text.put("\n");
  return nullptr;
}

}  // namespace vmm::shell

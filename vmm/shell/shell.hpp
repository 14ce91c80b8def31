// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hal/base/fixed.hpp"
#include "hal/base/format.hpp"
#include "vmm/shell/backend.hpp"
#include "vmm/shell/json.hpp"
#include "vmm/shell/line_editor.hpp"

namespace vmm::shell {

class Shell;

// The words of one line. Options begin with "--" and may stand anywhere behind the command.
struct Arguments {
  static constexpr size_t max_words = 8;
  hal::FixedVector<std::string_view, max_words> words;    // without the command's own
  hal::FixedVector<std::string_view, max_words> options;  // with their dashes

  [[nodiscard]] std::string_view word(size_t index) const { return index < words.size() ? words[index] : ""; }
  [[nodiscard]] bool has(std::string_view option) const;
};

// What a command's first argument may be, for completion.
enum class Operand : uint8_t { none, vm, file, level, on_off, command };

// One line of the command table: everything that help, completion and the check of arguments need to know.
struct Command {
  std::string_view words;      // one or two
  std::string_view arguments;  // as help shows them
  std::string_view help;
  Operand operand = Operand::none;
  unsigned fewest = 0;  // arguments beside options
  unsigned most = 0;
  std::string_view option;  // the one that it takes; empty: none
  void (Shell::*run)(const Arguments& arguments) = nullptr;

  [[nodiscard]] std::string_view first() const { return words.substr(0, words.find(' ')); }
  [[nodiscard]] std::string_view second() const {
    const size_t space = words.find(' ');
    return space == std::string_view::npos ? std::string_view{} : words.substr(space + 1);
  }
};
[[nodiscard]] std::span<const Command> commands();

// Who is given words one by one.
class WordSink {
 public:
  virtual void word(std::string_view text) = 0;

 protected:
  ~WordSink() = default;
};

// The management shell: typed bytes in, commands carried out, text out. Knows neither hardware nor tasks: what it needs
// of them is behind Backend and Terminal. Belongs to one task.
//
// In batch mode there is no prompt, no echo and no line editing; every command's output ends with a line that is "ok"
// or begins with "error: ". docs/shell.md is the reference.
//
// A line that ends in the word "&" asks for an event of a VM's life and does not wait until it is carried out.
class Shell {
 public:
  Shell(Backend& backend, Terminal& terminal) : backend_(backend), terminal_(terminal), output_(terminal) {}

  // Show the prompt; called before the first feed().
  void start();
  // Typed bytes, at most up to the end of a line: what is behind it may be for somebody else once this line was obeyed.
  void feed(std::span<const uint8_t> bytes);

  // --- commands; each writes its output or one error line ---
  void help(const Arguments& arguments);
  void vm_list(const Arguments& arguments);
  void vm_show(const Arguments& arguments);
  void vm_stats(const Arguments& arguments);
  void disk_list(const Arguments& arguments);
  void net_list(const Arguments& arguments);
  void vm_log(const Arguments& arguments);
  void vm_crash(const Arguments& arguments);
  void vm_create(const Arguments& arguments);
  void vm_start(const Arguments& arguments) { change(arguments, VmEvent::start); }
  void vm_stop(const Arguments& arguments) {
    change(arguments, arguments.has("--force") ? VmEvent::kill : VmEvent::stop);
  }
  void vm_suspend(const Arguments& arguments) { change(arguments, VmEvent::suspend); }
  void vm_resume(const Arguments& arguments) { change(arguments, VmEvent::resume); }
  void vm_restart(const Arguments& arguments) { change(arguments, VmEvent::restart); }
  void vm_destroy(const Arguments& arguments) { change(arguments, VmEvent::destroy); }
  void console(const Arguments& arguments);
  void cpu_list(const Arguments& arguments);
  void mem(const Arguments& arguments);
  void stats_on(const Arguments& arguments);
  void stats_off(const Arguments& arguments);
  void trace_on(const Arguments& arguments);
  void trace_off(const Arguments& arguments);
  void trace_dump(const Arguments& arguments);
  void log(const Arguments& arguments);
  void log_level(const Arguments& arguments);
  void batch(const Arguments& arguments);
  void reboot(const Arguments& arguments);
  void poweroff(const Arguments& arguments);

 private:
  // Text for the terminal, with "\r\n" for "\n".
  class Output final : public hal::TextSink {
   public:
    explicit Output(Terminal& terminal) : terminal_(terminal) {}
    void put(std::string_view text) override;
    void flush();

   private:
    Terminal& terminal_;
    std::array<char, 128> buffer_{};
    size_t used_ = 0;
  };

  template <class... Values>
  void print(hal::Pattern<std::type_identity_t<Values>...> pattern, const Values&... values) {
    hal::format(output_, pattern, values...);
  }
  // One line that says what is wrong and what is possible; a command that failed says nothing else.
  template <class... Values>
  void fail(hal::Pattern<std::type_identity_t<Values>...> pattern, const Values&... values) {
    output_.put("error: ");
    hal::format(output_, pattern, values...);
    output_.put("\n");
    failed_ = true;
  }
  // Begins an error line that the caller goes on with and ends.
  hal::TextSink& begin_failure() {
    output_.put("error: ");
    failed_ = true;
    return output_;
  }

  void show();
  void feed(uint8_t byte);
  void obey(LineEditor::Event event);
  void run(std::string_view line);
  void run(const Command& command, const Arguments& arguments);
  // The command that the first words of a line name, by unique beginnings; `used` is how many they are. Null after an
  // error line.
  const Command* find_command(std::span<const std::string_view> words, size_t& used);

  // The VM that `word` names: its name, its number, or the beginning of exactly one name. Nothing after an error line.
  std::optional<VmInfo> find_vm(std::string_view word);
  // "linux", or "linux:hvc0", its second console. Nothing after an error line.
  struct NamedConsole {
    VmId vm;
    Backend::Which which;
  };
  std::optional<NamedConsole> find_console(std::string_view word);
  void change(const Arguments& arguments, VmEvent event);
  void explain_state(const VmInfo& vm, VmEvent event);
  void put_vm_members(JsonWriter& json, const VmInfo& vm);
  void put_vcpu_members(JsonWriter& json, const VcpuInfo& vcpu);
  void put_exit_members(JsonWriter& json, const VcpuInfo& vcpu);
  void put_exits(const VcpuInfo& vcpu);
  void put_device_members(JsonWriter& json, const DeviceReport& device);
  void put_host_disks(JsonWriter& json);
  void put_host_disks();
  [[nodiscard]] bool end_vms();
  void end_machine(std::string_view what);
  template <class Visit>
  void for_each_vm(Visit visit);
  template <class Visit>
  void for_each_vcpu(const VmInfo& vm, Visit visit);
  template <class Visit>
  void for_each_device(const VmInfo& vm, Visit visit);

  // Completion (completion.cpp).
  void complete();
  void offer_candidates(std::string_view before, WordSink& all);
  void offer_operands(Operand operand, WordSink& sink);

  Backend& backend_;
  Terminal& terminal_;
  Output output_;
  LineEditor editor_;
  bool batch_ = false;
  bool failed_ = false;
  bool waits_ = true;  // the line does not end in "&"
};

template <class Visit>
void Shell::for_each_vm(Visit visit) {
  std::optional<VmId> previous;
  while (const std::optional<VmInfo> vm = backend_.next_vm(previous)) {
    visit(*vm);
    previous = vm->id;
  }
}

template <class Visit>
void Shell::for_each_vcpu(const VmInfo& vm, Visit visit) {
  for (unsigned i = 0; i < vm.vcpus; ++i) {
    if (const std::optional<VcpuInfo> vcpu = backend_.vcpu(vm.id, i)) visit(*vcpu);
  }
}

template <class Visit>
void Shell::for_each_device(const VmInfo& vm, Visit visit) {
  for (unsigned number = 0; const std::optional<DeviceReport> device = backend_.device(vm.id, number); ++number) {
    visit(*device);
  }
}

}  // namespace vmm::shell

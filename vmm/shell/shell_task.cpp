// SPDX-License-Identifier: Apache-2.0
#include "vmm/shell/shell_task.hpp"

#include "mm/heap.hpp"
#include "vmm/console/console.hpp"
#include "vmm/console/tasks.hpp"
#include "vmm/shell/kernel_backend.hpp"
#include "vmm/shell/shell.hpp"

namespace vmm {
namespace {

std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class ConsoleTerminal final : public shell::Terminal {
 public:
  void show_input(std::string_view line, size_t cursor) override { console().show_input(line, cursor); }
  void end_input() override { console().end_input(); }
  void write(std::string_view text) override {
    auto rest = as_bytes(text);
    while (true) {
      rest = rest.subspan(console().write(rest));
      if (rest.empty()) return;
      prompt_bell().wait_until(hal::never);
    }
  }
};

struct ShellState {
  shell::KernelBackend backend;
  ConsoleTerminal terminal;
  shell::Shell shell{backend, terminal};
};

[[noreturn]] void run_shell(void* of) {
  shell::Shell& shell = static_cast<ShellState*>(of)->shell;
  shell.start();
  std::array<uint8_t, 64> bytes;
  while (true) {
    const size_t count = console().read(bytes);
    if (count != 0) {
      shell.feed(std::span(bytes).first(count));
    } else {
      prompt_bell().wait_until(hal::never);
    }
  }
}

}  // namespace

hal::Result<void, task::TaskError> start_shell() {
  auto state = mm::make<ShellState>();
  if (!state) return hal::fail(task::TaskError::out_of_memory);
  TRY(task::spawn({.name = "shell",
                   .entry = run_shell,
                   .argument = state->get(),
                   .scheduling = {.scheduling_class = task::SchedulingClass::service}}));
  (void)state->release();  // the task never ends
  return {};
}

}  // namespace vmm

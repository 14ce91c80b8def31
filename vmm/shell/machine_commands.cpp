// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "hal/log.hpp"
#include "vmm/shell/shell.hpp"

namespace vmm::shell {

void Shell::help(const Arguments& arguments) {
  const std::string_view first = arguments.word(0);
  const std::string_view second = arguments.word(1);
  unsigned shown = 0;
  for (const Command& command : commands()) {
    if (!command.first().starts_with(first) || !command.second().starts_with(second)) continue;
    std::array<char, 64> buffer{};
    hal::BufferSink usage(buffer);
    hal::format(usage, "{} {}", command.words, command.arguments);
    print("  {:<24} {}\n", usage.text(), command.help);
    ++shown;
  }
  if (shown == 0)
    return fail("there is no command '{}{}{}'; 'help' lists them", first, second.empty() ? "" : " ", second);
  if (first.empty()) {
    print("VM is a name, its beginning, or a number; Tab completes; {} comes back from a console\n",
          backend_.console_escape());
  }
}

void Shell::cpu_list(const Arguments& arguments) {
  const uint64_t uptime = backend_.uptime_ns();
  if (arguments.has("--json")) {
    JsonWriter json(output_);
    json.begin_array();
    for (unsigned i = 0; const auto cpu = backend_.cpu(i); ++i) {
      json.begin_object();
      json.member("index", cpu->index);
      json.member("idle", cpu->idle);
      json.member("load", cpu->load);
      json.member("idle_ns", cpu->idle_ns);
      json.member("uptime_ns", uptime);
      json.member("owner", cpu->owner.view());
      json.end_object();
    }
    json.end_array();
    return output_.put("\n");
  }
  output_.put("cpu  now   idle %   load  dedicated to\n");
  for (unsigned i = 0; const auto cpu = backend_.cpu(i); ++i) {
    const uint64_t percent = uptime == 0 ? 0 : std::min<uint64_t>(cpu->idle_ns / (uptime / 100 + 1), 100);
    print("{:>3}  {:<5} {:>6} {:>6}  {}\n", cpu->index, cpu->idle ? "idle" : "busy", percent, cpu->load,
          cpu->owner.empty() ? "-" : cpu->owner.view());
  }
}

void Shell::trace_on(const Arguments&) {
  if (!backend_.start_trace()) fail("there is no memory for the trace");
}

void Shell::trace_off(const Arguments&) { backend_.stop_trace(); }

void Shell::trace_dump(const Arguments&) {
  backend_.stop_trace();
  backend_.dump_trace(output_);
}

void Shell::mem(const Arguments& arguments) {
  const MemoryInfo memory = backend_.memory();
  if (arguments.has("--json")) {
    JsonWriter json(output_);
    json.begin_object();
    json.member("total", memory.total);
    json.member("free", memory.free);
    json.member("dirty", memory.dirty);
    for (const MemoryInfo::Use& use : memory.uses) json.member(use.name, use.bytes);
    json.member("plinth", memory.hypervisor);
    json.member("tasks", memory.tasks);
    json.member("guest_tags", memory.guest_tags);
    json.member("heap_objects", memory.heap_objects);
    json.member("heap_bytes", memory.heap_bytes);
    json.end_object();
    return output_.put("\n");
  }
  print("{:<12} {:>12}\n", "total", hal::Size{memory.total});
  print("{:<12} {:>12}\n", "free", hal::Size{memory.free});
  print("{:<12} {:>12}  given back by guests, not scrubbed yet\n", "dirty", hal::Size{memory.dirty});
  for (const MemoryInfo::Use& use : memory.uses) print("{:<12} {:>12}\n", use.name, hal::Size{use.bytes});
  print("{:<12} {:>12}  {} objects in it, {}\n", "plinth", hal::Size{memory.hypervisor}, memory.heap_objects,
        hal::Size{memory.heap_bytes});
  print("{:<12} {:>12}\n", "tasks", memory.tasks);
  print("{:<12} {:>12}  TLB tags (VMIDs) that VMs have\n", "guest tags", memory.guest_tags);
}

void Shell::log(const Arguments&) {
  hal::log::Cursor cursor;
  for (hal::log::Line line; hal::log::next(cursor, line);) {
    const uint64_t microseconds = backend_.log_time_ns(line.time) / 1000;
    print("{:>6}.{:06} {:<7} {}\n", microseconds / 1'000'000, microseconds % 1'000'000, hal::log::name(line.level),
          line.text());
  }
}

void Shell::log_level(const Arguments& arguments) {
  using enum hal::log::Level;
  if (arguments.words.empty()) return print("{}\n", hal::log::name(hal::log::level()));
  for (const hal::log::Level level : {error, warning, info, debug}) {
    if (hal::log::name(level) == arguments.word(0)) return hal::log::set_level(level);
  }
  fail("'{}' is not error, warning, info or debug", arguments.word(0));
}

void Shell::batch(const Arguments& arguments) {
  if (arguments.word(0) == "on") {
    batch_ = true;
  } else if (arguments.word(0) == "off") {
    batch_ = false;
  } else {
    fail("usage: batch on | off");
  }
}

// Guests are stopped so that what they write ends at a defined point. All are asked before the first one is waited for.
// False: the user did not want to wait for them.
bool Shell::end_vms() {
  // One that ends by itself meanwhile is in no state to be stopped, which is as good.
  for_each_vm([&](const VmInfo& vm) { (void)backend_.request(vm.id, VmEvent::stop); });
  bool waits = true;
  for_each_vm([&](const VmInfo& vm) {
    if (!waits || !next_state(vm.state, VmEvent::stop)) return;
    const auto stopped = backend_.perform(vm.id, VmEvent::stop);
    waits = stopped || stopped.error() != Backend::interrupted;
  });
  if (!waits) fail("interrupted: the machine stays on, and the VMs are stopped all the same");
  return waits;
}

void Shell::end_machine(std::string_view what) {
  print("{}\n", what);
  output_.flush();
}

void Shell::reboot(const Arguments&) {
  if (!end_vms()) return;
  end_machine("rebooting");
  backend_.reboot();
}

void Shell::poweroff(const Arguments&) {
  if (!end_vms()) return;
  end_machine("switching off");
  backend_.power_off();
}

}  // namespace vmm::shell

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>

#include "vmm/shell/seconds.hpp"
#include "vmm/shell/shell.hpp"

namespace vmm::shell {
namespace {

constexpr std::array all_events{VmEvent::start,  VmEvent::stop,    VmEvent::suspend,
                                VmEvent::resume, VmEvent::restart, VmEvent::destroy};

constexpr std::string_view no_guests = "this machine cannot run guests; 'log' says why";

constexpr std::string_view done(VmEvent event) {
  switch (event) {
    case VmEvent::start: return "started";
    case VmEvent::stop:
    case VmEvent::kill: return "stopped";
    case VmEvent::suspend: return "suspended";
    case VmEvent::resume: return "resumed";
    case VmEvent::restart: return "restarted";
    default: return "destroyed";
  }
}

std::optional<VmId> number(std::string_view word) {
  VmId id = 0;
  const auto [end, error] = std::from_chars(word.begin(), word.end(), id);
  if (error != std::errc{} || end != word.end()) return std::nullopt;
  return id;
}

}  // namespace

std::optional<VmInfo> Shell::find_vm(std::string_view word) {
  std::optional<VmInfo> found;
  bool exact = false;
  unsigned matches = 0;
  for_each_vm([&](const VmInfo& vm) {
    if (exact || !vm.name.view().starts_with(word)) return;
    exact = vm.name == word;
    ++matches;
    found = vm;
  });
  if (exact) return found;
  if (const auto id = number(word)) {
    if (const auto vm = backend_.vm(*id)) return vm;
  }
  if (matches == 1) return found;
  hal::TextSink& text = begin_failure();
  hal::format(text, "{}'{}'{}", matches == 0 ? "there is no VM " : "", word, matches == 0 ? "" : " could be");
  unsigned shown = 0;
  for_each_vm([&](const VmInfo& vm) {
    if (matches != 0 && !vm.name.view().starts_with(word)) return;
    hal::format(text, "{} {}", shown++ != 0 ? "," : matches == 0 ? ", but" : "", vm.name.view());
  });
  if (shown == 0 && backend_.can_run_guests()) text.put("; 'vm create FILE' makes one");
  text.put("\n");
  return std::nullopt;
}

// What the table of the life cycle offers instead.
void Shell::explain_state(const VmInfo& vm, VmEvent event) {
  hal::TextSink& text = begin_failure();
  hal::format(text, "{} is {}: cannot {} it; possible:", vm.name.view(), name(vm.state), name(event));
  bool first = true;
  for (const VmEvent other : all_events) {
    if (!next_state(vm.state, other)) continue;
    hal::format(text, "{} {}", first ? "" : ",", name(other));
    first = false;
  }
  text.put("\n");
}

void Shell::change(const Arguments& arguments, VmEvent event) {
  const std::optional<VmInfo> vm = find_vm(arguments.word(0));
  if (!vm) return;
  if (!next_state(vm->state, event)) return explain_state(*vm, event);
  // Only this task destroys VMs, so that is done here.
  const bool waits = waits_ || event == VmEvent::destroy;
  const auto result = waits ? backend_.perform(vm->id, event) : backend_.request(vm->id, event);
  if (!result && result.error() == Backend::interrupted) {
    return fail("{}: {}; it will be {} all the same", vm->name.view(), result.error(), done(event));
  }
  if (!result) return fail("{}: {}", vm->name.view(), result.error());
  if (!waits) return;
  // What the guest did in its first moment is its own affair, unless it could not even be loaded.
  const std::optional<VmInfo> now = backend_.vm(vm->id);
  if (now && now->state == VmState::crashed) return fail("{} crashed: {}", now->name.view(), now->last_words.view());
  print("{}: {}\n", vm->name.view(), done(event));
}

void Shell::vm_create(const Arguments& arguments) {
  if (!backend_.can_run_guests()) return fail("{}", no_guests);
  const std::string_view file = arguments.word(0);
  bool known = false;
  for (size_t i = 0; const auto other = backend_.vm_file(i); ++i) known |= *other == file;
  if (!known) {
    hal::TextSink& text = begin_failure();
    hal::format(text, "the bundle has no VM file '{}'", file);
    for (size_t i = 0; const auto other = backend_.vm_file(i); ++i) {
      hal::format(text, "{} {}", i == 0 ? "; there are" : ",", *other);
    }
    text.put("\n");
    return;
  }
  const auto id = backend_.create(file);
  if (!id) return fail("{}: {}", file, id.error());
  const std::optional<VmInfo> vm = backend_.vm(*id);
  print("{}: created; 'vm start {}' lets it run\n", vm ? vm->name.view() : file, *id);
}

// --- list, show ------------------------------------------------------------------------------------------------------

void Shell::put_vm_members(JsonWriter& json, const VmInfo& vm) {
  json.member("id", vm.id);
  json.member("name", vm.name.view());
  json.member("state", name(vm.state));
  json.member("vcpus", vm.vcpus);
  json.member("memory", vm.memory);
  json.member("policy", vm.policy);
  json.member("starts", vm.starts);
  json.member("resets", vm.resets);
  json.member("run_ns", vm.run_ns);
  json.member("changing", vm.changing);
}

void Shell::put_vcpu_members(JsonWriter& json, const VcpuInfo& vcpu) {
  json.member("index", vcpu.index);
  json.member("on", vcpu.on);
  json.member("task", vcpu.activity);
  json.member("cpu", vcpu.cpu);
  json.member("run_ns", vcpu.run_ns);
  json.member("wait_ns", vcpu.wait_ns);
  json.member("steals", vcpu.steals);
  json.member("switches", vcpu.switches);
  json.member("migrations", vcpu.migrations);
  json.member("injected", vcpu.injected);
}

void Shell::vm_list(const Arguments& arguments) {
  if (arguments.has("--json")) {
    JsonWriter json(output_);
    json.begin_array();
    for_each_vm([&](const VmInfo& vm) {
      json.begin_object();
      put_vm_members(json, vm);
      json.end_object();
    });
    json.end_array();
    return output_.put("\n");
  }
  unsigned count = 0;
  for_each_vm([&](const VmInfo& vm) {
    if (count++ == 0) output_.put("id  name              state      vcpus  memory    starts  cpu seconds\n");
    print("{:<3} {:<17} {:<10} {:>5}  {:<9} {:>6}  {:>11}\n", vm.id, vm.name.view(), name(vm.state), vm.vcpus,
          hal::Size{vm.memory}, vm.starts, std::string_view(Seconds(vm.run_ns)));
  });
  if (count != 0) return;
  if (!backend_.can_run_guests()) return print("no VMs: {}\n", no_guests);
  output_.put("no VMs; 'vm create FILE' makes one\n");
}

void Shell::vm_show(const Arguments& arguments) {
  const std::optional<VmInfo> vm = find_vm(arguments.word(0));
  if (!vm) return;
  if (arguments.has("--json")) {
    JsonWriter json(output_);
    json.begin_object();
    put_vm_members(json, *vm);
    json.member("autostart", vm->autostart);
    json.member("kernel", vm->kernel.view());
    json.member("console_bytes", vm->console_bytes);
    json.member("last_words", vm->last_words.view());
    json.key("vcpu");
    json.begin_array();
    for_each_vcpu(*vm, [&](const VcpuInfo& vcpu) {
      json.begin_object();
      put_vcpu_members(json, vcpu);
      json.end_object();
    });
    json.end_array();
    json.key("devices");
    json.begin_array();
    for_each_device(*vm, [&](const DeviceReport& device) {
      json.begin_object();
      put_device_members(json, device);
      json.end_object();
    });
    json.end_array();
    json.end_object();
    return output_.put("\n");
  }
  print("name       {} (id {})\n", vm->name.view(), vm->id);
  print("state      {}{}\n", name(vm->state), vm->changing ? ", about to change" : "");
  if (!vm->last_words.empty()) print("last       {}\n", vm->last_words.view());
  print("kernel     {}\n", vm->kernel.view());
  print("memory     {}\n", hal::Size{vm->memory});
  print("scheduling {}\n", vm->policy);
  print("starts     {}{}\n", vm->starts, vm->autostart ? ", by itself at boot" : "");
  print("resets     {}\n", vm->resets);
  print("console    {} bytes\n", vm->console_bytes);
  for_each_device(*vm, [&](const DeviceReport& device) {
    print("{:<10} {}", device.name, device.backend.view());
    if (device.size != 0) print(", {}", hal::Size{device.size});
    output_.put("\n");
  });
  for_each_vcpu(*vm, [&](const VcpuInfo& vcpu) {
    print("vcpu {:<5} {}, {} on CPU {}, ran {} s\n", vcpu.index, vcpu.on ? "on" : "off", vcpu.activity, vcpu.cpu,
          std::string_view(Seconds(vcpu.run_ns)));
  });
}

std::optional<Shell::NamedConsole> Shell::find_console(std::string_view word) {
  const size_t colon = word.find(':');
  const std::optional<VmInfo> vm = find_vm(word.substr(0, colon));
  if (!vm) return std::nullopt;
  if (colon == std::string_view::npos) return NamedConsole{vm->id, Backend::Which::first};
  if (word.substr(colon) == ":hvc0" && vm->has_two_consoles) return NamedConsole{vm->id, Backend::Which::second};
  fail("{} has no console '{}'{}", vm->name.view(), word.substr(colon + 1),
       vm->has_two_consoles ? ", but 'hvc0'" : " beside its first");
  return std::nullopt;
}

// --- what it said ----------------------------------------------------------------------------------------------------

void Shell::vm_log(const Arguments& arguments) {
  if (const auto console = find_console(arguments.word(0))) backend_.put_console(console->vm, console->which, output_);
}

void Shell::console(const Arguments& arguments) {
  const std::string_view escape = backend_.console_escape();
  if (arguments.has("--all")) return backend_.watch_consoles();
  if (arguments.words.empty()) return fail("usage: console VM[:hvc0] | --all; {} comes back to the prompt", escape);
  const std::optional<NamedConsole> console = find_console(arguments.word(0));
  if (!console) return;
  // What this command says comes before what the guest says.
  output_.flush();
  backend_.attach_console(console->vm, console->which);
}

}  // namespace vmm::shell

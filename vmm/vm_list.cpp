// SPDX-License-Identifier: Apache-2.0
#include "vmm/vm_list.hpp"

#include <optional>

#include "config/diagnostics.hpp"
#include "config/places.hpp"
#include "hal/log.hpp"
#include "hal/timer.hpp"
#include "hal/virtualization.hpp"
#include "mm/frames.hpp"
#include "task/cpu.hpp"
#include "task/policy.hpp"
#include "vmm/bundle.hpp"
#include "vmm/console/console.hpp"
#include "vmm/demands.hpp"
#include "vmm/scrubber.hpp"

namespace vmm {
namespace {

constinit VmList the_list;
// Made by open_bundle(): its defaults would be 4 KiB of the image.
constinit std::optional<config::HostConfig> the_host_config;

// Errors in files go to the log, long ones in several lines that end between words.
class LogDiagnostics final : public config::DiagnosticSink {
 public:
  void report(const config::Diagnostic& diagnostic) override {
    std::array<char, config::Diagnostics::message_capacity + 200> buffer{};
    hal::BufferSink text(buffer);
    config::write(text, diagnostic);
    constexpr size_t width = hal::log::max_line - 40;  // time and level stand before it
    std::string_view rest = text.text();
    while (rest.size() > width) {
      const size_t space = rest.rfind(' ', width);
      const size_t length = space == std::string_view::npos || space == 0 ? width : space;
      hal::log::error("{}", rest.substr(0, length));
      rest.remove_prefix(length);
    }
    hal::log::error("{}", rest);
  }
};

// Scratch memory for the parser, given back at the end.
hal::Result<mm::OwnedFrames, mm::MmError> parser_arena() {
  return mm::OwnedFrames::allocate(mm::frames(), mm::order_for(config::load_arena_size), mm::FrameUse::heap);
}

void read_host_config() {
  constexpr std::string_view file = "plinth.toml";
  const auto text = bundle().find_text(file);
  if (!text) return;
  auto arena = parser_arena();
  if (!arena) return hal::log::error("{}: out of memory", file);
  LogDiagnostics log;
  config::Diagnostics diagnostics(file, log);
  if (!config::load_host(*text, arena->bytes(), diagnostics, *the_host_config)) {
    hal::log::error("{}: not used; the defaults are", file);
  }
}

// What guests gave back may be enough, and is not waited for longer than it takes to scrub it. Tables and the rest come on
// top of the RAM.
void make_room_for(const config::VmConfig& vm) {
  uint64_t wanted = 0;
  for (const config::MemoryRegion& region : config::memory_map(vm.memory, Board::description())) {
    wanted += region.range.size;
  }
  scrub_until_free(wanted + wanted / 64 + 4 * hal::mib);
}

Machine machine() {
  return {.gic_version = Board::gic_version(),
          .cpus = task::online_cpus().bits(),
          .sve_lengths = Board::sve_lengths(),
          .guest_address_bits = hal::Mmu::max_guest_address_bits(),
          .free_memory = mm::frames().counts().free * hal::page_size,
          .has_pmu = Board::has_pmu()};
}

constexpr hal::log::Level log_level(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::error: return hal::log::Level::error;
    case config::LogLevel::warning: return hal::log::Level::warning;
    case config::LogLevel::info: return hal::log::Level::info;
    case config::LogLevel::debug: return hal::log::Level::debug;
  }
  return hal::log::Level::info;
}

}  // namespace

VmList& vm_list() { return the_list; }
const config::HostConfig& host_config() { return *the_host_config; }

hal::Result<Vm*, VmError> VmList::create(std::string_view file) {
  if (!is_open()) return hal::fail(VmError::not_possible);
  const auto text = bundle().find_text(file);
  if (!text) {
    hal::log::error("{}: the bundle has no such file", file);
    return hal::fail(VmError::not_possible);
  }
  auto arena = parser_arena();
  auto config = mm::make<config::VmConfig>();
  if (!arena || !config) {
    hal::log::error("{}: out of memory", file);
    return hal::fail(VmError::out_of_memory);
  }
  LogDiagnostics log;
  config::Diagnostics diagnostics(file, log);
  if (!config::load_vm(*text, Board::description(), arena->bytes(), diagnostics, **config))
    return hal::fail(VmError::not_possible);
  const VmFile vm_file{**config, Board::description(), *text, arena->bytes()};
  if (find((*config)->name.view()) != nullptr) {
    diagnostics.error(config::position_of(*text, arena->bytes(), "name"), "there is a VM \"{}\" already",
                      (*config)->name);
  }
  const auto has_file = [](void*, std::string_view name) { return bundle().find(name).has_value(); };
  (void)names_files_that_are_there(vm_file, has_file, nullptr, diagnostics);
  make_room_for(**config);
  (void)meets_demands(vm_file, machine(), host_resources(), diagnostics);
  if (diagnostics.errors() > 0) return hal::fail(VmError::not_possible);
  unsigned id = 0;
  {
    const hal::LockGuard guard(lock_);
    id = next_id_++;
  }
  auto vm = Vm::create(**config, id, file);
  if (!vm) {
    // What it had taken of guest RAM goes back as that of any VM does.
    scrub_soon();
    return hal::fail(vm.error());
  }
  Vm* const made = vm->release();
  const hal::LockGuard guard(lock_);
  vms_.push_back(*made);
  return made;
}

void VmList::destroy(Vm& vm) {
  (void)vm.perform(VmEvent::destroy);
  {
    const hal::LockGuard guard(lock_);
    hal::List<Vm>::remove(vm);
  }
  mm::Owned<Vm>(&vm).reset();
  scrub_soon();
}

Vm* VmList::find(std::string_view name) {
  const hal::LockGuard guard(lock_);
  for (Vm& vm : vms_) {
    if (vm.name() == name) return &vm;
  }
  return nullptr;
}

Vm* VmList::find(unsigned id) {
  const hal::LockGuard guard(lock_);
  for (Vm& vm : vms_) {
    if (vm.id() == id) return &vm;
  }
  return nullptr;
}

size_t VmList::size() {
  const hal::LockGuard guard(lock_);
  return vms_.size();
}

Vm* VmList::next(const Vm* vm) {
  const hal::LockGuard guard(lock_);
  bool found = vm == nullptr;
  for (Vm& candidate : vms_) {
    if (found) return &candidate;
    found = &candidate == vm;
  }
  return nullptr;
}

// --- start-up -----------------------------------------------------------------------------------------------------

void open_bundle() {
  the_host_config.emplace();
  const hal::Platform& machine = hal::platform();
  if (!bundle().open(machine.initrd, {machine.memory.begin(), machine.memory.size()})) return;
  read_host_config();
  hal::log::set_level(log_level(the_host_config->log_level));
  task::set_default_slice(hal::ticks_from_microseconds(the_host_config->scheduler_slice_ns / 1000));
}

void init() {
  host_resources().set_platform(hal::platform());
  the_list.open();
  // One bad VM never stops the others: what is wrong with it is in the log.
  if (!the_host_config->vms.empty()) {
    for (const config::BundlePath& file : the_host_config->vms) (void)the_list.create(file);
  } else {
    bundle().for_each_vm_file([](std::string_view file) { (void)the_list.create(file); });
  }
  if (the_list.size() == 0) hal::log::warning("no VM: the bundle describes none that can be made");
}

void start() {
  Vm* only = nullptr;
  unsigned started = 0;
  for (Vm* vm = the_list.next(nullptr); vm != nullptr; vm = the_list.next(vm)) {
    if (!vm->config().autostart) continue;
    (void)vm->request(VmEvent::start);
    only = vm;
    ++started;
  }
  Vm* attached = started == 1 ? only : nullptr;
  if (!the_host_config->console_attach.empty()) {
    attached = the_list.find(the_host_config->console_attach);
    if (attached == nullptr) {
      hal::log::warning("plinth.toml: console.attach: there is no VM \"{}\"", the_host_config->console_attach);
    }
  }
  if (attached != nullptr) console().attach(attached->console());
}

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/vm.hpp"

#include <algorithm>
#include <bit>

#include "hal/log.hpp"
#include "hal/upcall.hpp"
#include "mm/frames.hpp"
#include "task/cpu.hpp"
#include "vmm/bundle.hpp"
#include "vmm/console/console.hpp"
#include "vmm/loader/inflate.hpp"

namespace vmm {
namespace {

// Whoever asks for it must not wait behind guests of a better class for the VM to be loaded first.
constexpr uint32_t ends = bit_of(VmEvent::stop) | bit_of(VmEvent::kill) | bit_of(VmEvent::destroy);

}  // namespace

std::string_view name(VmError error) {
  switch (error) {
    case VmError::out_of_memory: return "out of memory";
    case VmError::not_possible: return "not possible on this machine";
    case VmError::wrong_state: return "not possible in this state";
  }
  return "?";
}

Vm::Vm(const config::VmConfig& config, unsigned id)
    : config_(config),
      id_(id),
      console_(config_.name.view(), vmm::console()),
      regions_(config::memory_map(config_.memory, Board::description())),
      clock_(config_.clock == config::ClockMode::guest) {}

// --- making
// -----------------------------------------------------------------------------------------------------------

hal::Result<mm::Owned<Vm>, VmError> Vm::create(const config::VmConfig& config, unsigned id, std::string_view file) {
  auto vm = mm::make<Vm>(config, id);
  if (!vm) {
    hal::log::error("{}: out of memory", file);
    return hal::fail(VmError::out_of_memory);
  }
  TRY((*vm)->build(file));
  return std::move(vm).value();
}

hal::Result<void, VmError> Vm::build(std::string_view file) {
  if (const auto built = build_consoles(); !built) {
    hal::log::error("{}: {}", file, built.error());
    return built;
  }
  if (const auto built = build_memory(); !built) {
    hal::log::error("{}: memory: {}", file, built.error());
    return built;
  }
  auto board = Board::create(*this);
  if (!board) {
    hal::log::error("{}: {}", file, board.error());
    return hal::fail(board.error());
  }
  board_ = std::move(board).value();
  auto room = PostMortem::reserve(config_.vcpus);
  if (!room) return hal::fail(VmError::out_of_memory);
  post_mortem_.emplace(std::move(room).value());
  if (const auto built = build_vcpus(); !built) {
    hal::log::error("{}: vCPUs: {}", file, built.error());
    return built;
  }
  return {};
}

hal::Result<void, VmError> Vm::build_consoles() {
  if (!config_.has_two_consoles()) return {};
  std::array<char, decltype(second_name_)::capacity> buffer;
  hal::BufferSink text(buffer);
  hal::format(text, "{}:hvc0", name());
  second_name_ = text.text();
  auto console = mm::make<VmConsole>(second_name_.view(), vmm::console());
  if (!console) return hal::fail(VmError::out_of_memory);
  second_console_ = std::move(console).value();
  return {};
}

hal::Result<void, VmError> Vm::build_memory() {
  uint64_t highest = 1;
  for (const config::MemoryRegion& region : regions_) highest = std::max(highest, region.range.end().value() - 1);
  const unsigned largest = hal::Mmu::max_guest_address_bits();
  const unsigned needed = std::max(static_cast<unsigned>(std::bit_width(highest)), 32U);
  // QEMU's board has 40 bits; a machine with fewer gives what it has.
  auto space = mm::GuestSpace::create(std::max(needed, std::min(40U, largest)));
  if (!space) return hal::fail(VmError::out_of_memory);
  space_ = std::move(space).value();
  for (const config::MemoryRegion& region : regions_) {
    hal::Rights rights{.read = region.access.read, .write = region.access.write, .execute = region.access.execute};
    if (region.kind == config::RegionKind::rom) rights.write = false;
    if (!space_->add_ram(region.range, rights)) return hal::fail(VmError::out_of_memory);
  }
  return pass_devices();
}

hal::Result<void, VmError> Vm::pass_devices() {
  for (size_t i = 0; i < config_.passthrough.size(); ++i) {
    const config::Passthrough& device = config_.passthrough[i];
    if (host_resources().claim(claims_[i], device.host, name())) {
      hal::log::error("{}: passthrough of {}: it was given away meanwhile", name(), device.host.start);
      return hal::fail(VmError::not_possible);
    }
    const auto mapped = space_->map({device.guest, device.host.size}, device.host.start,
                                    {.rights = hal::read_write, .memory = hal::MemoryKind::device});
    if (!mapped) {
      hal::log::error("{}: passthrough of {} at {}: {}", name(), device.host.start, device.guest, mapped.error());
      return hal::fail(VmError::not_possible);
    }
  }
  return {};
}

void Vm::discard_input() {
  console_.discard_input();
  if (second_console_) second_console_->discard_input();
}

hal::Result<void, VmError> Vm::build_vcpus() {
  const auto out_of_memory = hal::fail(VmError::out_of_memory);
  for (VcpuIndex index = 0; index < config_.vcpus; ++index) {
    auto vcpu = mm::make<Vcpu>(*this, index);
    if (!vcpu) return out_of_memory;
    board_->identify(**vcpu);
    vcpus_.list[index] = std::move(vcpu).value();
  }
  const config::SchedulerConfig& wanted = config_.scheduler;
  task::Scheduling scheduling{.priority = static_cast<uint8_t>(wanted.priority),
                              .weight = wanted.weight,
                              .slice = hal::ticks_from_microseconds(wanted.slice_ns / 1000)};
  switch (wanted.policy) {
    case config::SchedulerPolicy::fair: scheduling.scheduling_class = task::SchedulingClass::fair; break;
    case config::SchedulerPolicy::fixed: scheduling.scheduling_class = task::SchedulingClass::fixed; break;
    case config::SchedulerPolicy::dedicated: scheduling.scheduling_class = task::SchedulingClass::dedicated; break;
  }
  for (VcpuIndex index = 0; index < config_.vcpus; ++index) {
    std::array<char, 40> label{};
    hal::BufferSink text(label);
    hal::format(text, "{}/{}", name(), index);
    Vcpu& vcpu = *vcpus_.list[index];
    vcpus_.active.fetch_add(1);
    const auto spawned = task::spawn({.name = text.text(),
                                      .entry = Vcpu::run,
                                      .argument = &vcpu,
                                      .scheduling = scheduling,
                                      .cpus = task::CpuSet(config_.cpus_of(index).bits),
                                      .hooks = {.out = Vcpu::switched_out}});
    if (!spawned) {
      vcpus_.active.fetch_sub(1);
      hal::log::error("{}: vCPU {}: {}", name(), index, spawned.error());
      return hal::fail(spawned.error() == task::TaskError::out_of_memory ? VmError::out_of_memory
                                                                         : VmError::not_possible);
    }
    vcpu.set_task(**spawned);
    vcpus_.count = index + 1;
  }
  return spawn_manager(scheduling);
}

// A service, but while it loads: then it is what the guest's primary vCPU is, in its place. A dedicated CPU is the
// guest's anyway, and nobody but services may be placed there.
hal::Result<void, VmError> Vm::spawn_manager(task::Scheduling scheduling) {
  if (scheduling.scheduling_class == task::SchedulingClass::dedicated) {
    scheduling = {.scheduling_class = task::SchedulingClass::service};
  }
  const auto manager = task::spawn({.name = name(),
                                    .entry = manage,
                                    .argument = this,
                                    .scheduling = scheduling,
                                    .cpus = vcpus_.primary().task()->cpus()});
  if (!manager) return hal::fail(VmError::out_of_memory);
  manager_ = *manager;
  task::promote(*manager_);
  return {};
}

// Everybody who might still run is waited for; the rest is destructors. The manager parks the vCPUs and is the last to
// use the board. The devices go before the vCPUs' tasks: their timers and the console kick these tasks.
Vm::~Vm() {
  if (manager_ != nullptr) {
    post(bit_of(VmEvent::destroy));
    task::join(*manager_);
  }
  board_.reset();
  for (unsigned i = 0; i < vcpus_.count; ++i) {
    task::promote(*vcpus_.list[i]->task());
    vcpus_.list[i]->kick(Vcpu::leave | Vcpu::gate);
  }
  vcpus_.queue.wake_all();
  for (unsigned i = 0; i < vcpus_.count; ++i) task::join(*vcpus_.list[i]->task());
}

// --- requests
// ---------------------------------------------------------------------------------------------------------

hal::Result<void, VmError> Vm::request(VmEvent event) {
  if (!next_state(state(), event)) return hal::fail(VmError::wrong_state);
  const uint32_t number = asked_count_.fetch_add(1, std::memory_order_relaxed) + 1;
  asked_at_[static_cast<size_t>(event)].store(number, std::memory_order_relaxed);
  post(bit_of(event));
  return {};
}

// The manager moves the bit from the first to the second.
bool Vm::is_pending(uint32_t bits) const {
  const uint32_t asked_for = requests_.load(std::memory_order_acquire);
  return ((asked_for | doing_.load(std::memory_order_acquire)) & bits) != 0;
}

hal::Result<void, VmError> Vm::perform(VmEvent event) {
  TRY(request(event));
  changed_.wait([&] { return !is_pending(event); });
  return {};
}

void Vm::post(uint32_t bits) {
  requests_.fetch_or(bits, std::memory_order_seq_cst);
  // Pairs with load_as_guest(): either it sees the request, or we see that it loads.
  if ((bits & ends) != 0 && loads_.load(std::memory_order_seq_cst)) task::promote(*manager_);
  work_.wake_one();
}

bool Vm::load_is_abandoned() const { return (requests_.load(std::memory_order_seq_cst) & ends) != 0; }

void Vm::alarm_due() { post(alarm_request); }
void Vm::request_snapshot() { post(snapshot_request); }

void Vm::wake(VcpuIndex vcpu) {
  vcpus_.list[vcpu]->attention.fetch_or(Vcpu::start, std::memory_order_acq_rel);
  vcpus_.queue.wake(*vcpus_.list[vcpu]->task());
}

void Vm::guest_ends(Vcpu& vcpu, VmEvent event) {
  vcpu.power_off();
  post(bit_of(event));
}

void Vm::crash(Vcpu& vcpu, std::string_view reason) {
  remember(reason);
  crashed_vcpu_.store(&vcpu, std::memory_order_release);
  guest_ends(vcpu, VmEvent::crash);
}

void Vm::crash(std::string_view reason) {
  remember(reason);
  post(bit_of(VmEvent::crash));
}

void Vm::remember(std::string_view reason) {
  const hal::LockGuard guard(words_lock_);
  last_words_ = hal::FixedString<159>(reason.substr(0, 159));
}

hal::FixedString<159> Vm::last_words() const {
  const hal::LockGuard guard(words_lock_);
  return last_words_;
}

}  // namespace vmm

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
#include "vmm/trace_point.hpp"
#include "vmm/vm_loader.hpp"

namespace vmm {
namespace {

// Requests that are no events of the life cycle.
constexpr uint32_t alarm_request = 1U << vm_events;

// What vCPUs ask for.
constexpr uint32_t guest_events = bit_of(VmEvent::crash) | bit_of(VmEvent::power_off) | bit_of(VmEvent::reset);

constexpr hal::Ticks longest_back_off_seconds = 60;

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
  const auto manager = task::spawn({.name = name(),
                                    .entry = manage,
                                    .argument = this,
                                    .scheduling = {.scheduling_class = task::SchedulingClass::service}});
  if (!manager) return out_of_memory;
  manager_ = *manager;
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

hal::Result<void, VmError> Vm::perform(VmEvent event) {
  TRY(request(event));
  changed_.wait([&] {
    // The manager moves the bit from the first to the second.
    const uint32_t asked_for = requests_.load(std::memory_order_acquire);
    return ((asked_for | doing_.load(std::memory_order_acquire)) & bit_of(event)) == 0;
  });
  return {};
}

void Vm::post(uint32_t bits) {
  requests_.fetch_or(bits, std::memory_order_acq_rel);
  work_.wake_one();
}

void Vm::alarm_due() { post(alarm_request); }

void Vm::wake(VcpuIndex vcpu) {
  vcpus_.list[vcpu]->attention.fetch_or(Vcpu::start, std::memory_order_acq_rel);
  vcpus_.queue.wake(*vcpus_.list[vcpu]->task());
}

void Vm::guest_ends(Vcpu& vcpu, VmEvent event) {
  post(bit_of(event));
  vcpu.power_off();
  post(bit_of(event));
}

void Vm::crash(Vcpu& vcpu, std::string_view reason) {
  remember(reason);
  hal::log::error("{}: vCPU {} crashed at {:#x}: {}", name(), vcpu.index(), vcpu.pc(), reason);
  crashed_vcpu_.store(&vcpu, std::memory_order_release);
  guest_ends(vcpu, VmEvent::crash);
}

void Vm::crash(std::string_view reason) {
  remember(reason);
  hal::log::error("{}: crashed: {}", name(), reason);
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

// --- the manager
// ------------------------------------------------------------------------------------------------------

void Vm::manage(void* self) {
  Vm& vm = *static_cast<Vm*>(self);
  while (!vm.leaving_) vm.serve();
}

// Wait for a request, and carry out the most urgent one.
void Vm::serve() {
  // A stop waits while the guest that was asked has time left.
  const uint32_t others = asked() ? ~bit_of(VmEvent::stop) : ~uint32_t{0};
  const auto requests = [&] { return requests_.load(std::memory_order_acquire) & others; };
  (void)work_.wait_until(std::min(stop_deadline_, next_look_), [&] { return requests() != 0; });
  const hal::Ticks now = hal::Timer::now();
  if (now >= next_look_) look_for_progress(now);
  // The alarms are done before the events are looked at: a guest that sets one after another delays nobody.
  const uint32_t wanted = requests() | (now >= stop_deadline_ ? bit_of(VmEvent::stop) : 0);
  if ((wanted & alarm_request) != 0) {
    requests_.fetch_and(~alarm_request, std::memory_order_acq_rel);
    board_->run_alarms();
  }
  VmOrder order{};
  for (size_t i = 0; i < order.size(); ++i) order[i] = asked_at_[i].load(std::memory_order_relaxed);
  const std::optional<VmEvent> event = most_urgent(wanted, order);
  if (!event) return;
  if (*event == VmEvent::stop && ask_guest()) return;
  const uint32_t gone = bit_of(*event) | made_void(requests_.load(std::memory_order_relaxed), order, *event);
  // Off the list first: the same may be asked for again from now on, by the guest as soon as it runs, and is then
  // another event.
  doing_.store(gone, std::memory_order_release);
  requests_.fetch_and(~gone, std::memory_order_acq_rel);
  // It may have been overtaken by another event since it was asked for.
  if (next_state(state(), *event)) carry_out(*event);
  doing_.store(0, std::memory_order_release);
  changed_.wake_all();
}

void Vm::look_for_progress(hal::Ticks now) {
  plan_look(now);
  for (unsigned i = 0; i < vcpus_.count; ++i) vcpus_.list[i]->look();
}

void Vm::plan_look(hal::Ticks now) {
  if (config_.progress_timeout_ns == 0) return;
  next_look_ = now + hal::ticks_from_microseconds(config_.progress_timeout_ns / 1000 / Vcpu::looks_until_stuck);
}

// Whether a stop has to wait, because the guest hears of it and may yet power itself off.
bool Vm::ask_guest() {
  if (asked() || state() != VmState::running || config_.stop_timeout_ns == 0) return false;
  if (!board_->press_power_key()) return false;
  hal::log::info("{}: asked to power itself off", name());
  stop_deadline_ = hal::Timer::now() + hal::ticks_from_microseconds(config_.stop_timeout_ns / 1000);
  return true;
}

void Vm::carry_out(VmEvent event) {
  // A guest that was asked to power itself off and resets instead has come to its end as well.
  if (event == VmEvent::reset && (config_.on_reset == config::ResetAction::stop || asked())) event = VmEvent::power_off;
  switch (event) {
    case VmEvent::suspend:
      close_gate();
      clock_.pause(hal::Timer::now());
      board_->pause();
      return set_state(VmState::suspended);
    case VmEvent::resume:
      board_->resume(clock_.resume(hal::Timer::now()));
      set_clocks();
      set_state(VmState::running);
      return open_gate();
    case VmEvent::start: crashes_in_a_row_ = 0; [[fallthrough]];
    case VmEvent::restart:
    case VmEvent::reset: {
      end_guest();
      const bool started = start_guest();
      if (!started) post_mortem_->take(*this);
      set_state(started ? VmState::running : VmState::crashed);
      return started ? open_gate() : vmm::console().ended(console_);
    }
    case VmEvent::stop:
    case VmEvent::kill:
    case VmEvent::power_off:
      end_guest();
      set_state(VmState::stopped);
      hal::log::info("{}: {}", name(), event == VmEvent::power_off ? "powered itself off" : "stopped");
      return vmm::console().ended(console_);
    case VmEvent::crash:
      end_guest();
      post_mortem_->take(*this);
      set_state(VmState::crashed);
      return after_crash();
    case VmEvent::destroy:
      close_gate();
      set_state(VmState::destroyed);
      leaving_ = true;
      return;
  }
}

// No vCPU is loaded.
void Vm::set_clocks() {
  for (unsigned i = 0; i < vcpus_.count; ++i) vcpus_.list[i]->set_counter_offset(clock_.offset());
}

void Vm::set_state(VmState state) {
  trace(TraceSubject{static_cast<uint16_t>(id_), 0}, TraceEvent::state, static_cast<uint32_t>(state));
  state_.store(state, std::memory_order_release);
}

// Clean memory, devices as after power-on, images from the bundle.
bool Vm::start_guest() {
  crashed_vcpu_.store(nullptr, std::memory_order_relaxed);
  for (unsigned i = 0; i < vcpus_.count; ++i) vcpus_.list[i]->reset_power();
  clock_.reset();
  set_clocks();
  board_->reset();
  const auto entry = load_vm(*this);
  if (!entry) {
    std::array<char, 160> buffer{};
    hal::BufferSink text(buffer);
    vmm::describe(text, entry.error().error);
    hal::log::error("{}: {}: {}", name(), entry.error().file, text.text());
    remember(text.text());
    return false;
  }
  board_->boot(*entry);
  starts_.fetch_add(1, std::memory_order_relaxed);
  started_at_.store(hal::Timer::now(), std::memory_order_relaxed);
  vcpus_.primary().attention.fetch_or(Vcpu::start, std::memory_order_acq_rel);
  return true;
}

void Vm::open_gate() {
  plan_look(hal::Timer::now());
  for (unsigned i = 0; i < vcpus_.count; ++i) task::demote(*vcpus_.list[i]->task());
  gate_open_.store(true, std::memory_order_release);
  // After a suspension all of them go on; after a start only the primary vCPU has one.
  vcpus_.queue.wake_all();
}

// Parking is the hypervisor's work and waits for nobody's turn: a guest of a better class that never waits must not
// keep this one from being stopped.
void Vm::close_gate() {
  next_look_ = hal::never;
  gate_open_.store(false, std::memory_order_release);
  for (unsigned i = 0; i < vcpus_.count; ++i) {
    task::promote(*vcpus_.list[i]->task());
    vcpus_.list[i]->kick(Vcpu::gate);
  }
  vcpus_.all_parked.wait([&] { return vcpus_.active.load(std::memory_order_acquire) == 0; });
}

// Whatever else the vCPUs wanted, and what was asked of them, goes with their guest.
void Vm::end_guest() {
  close_gate();
  stop_deadline_ = hal::never;
  requests_.fetch_and(~guest_events, std::memory_order_acq_rel);
}

// Restart, a little later each time, until the limit says that it is hopeless.
void Vm::after_crash() {
  if (config_.on_crash != config::CrashAction::restart) return vmm::console().ended(console_);
  const hal::Ticks longest = longest_back_off_seconds * hal::Timer::frequency();
  // A guest that ran for longer than the longest pause begins a new row.
  if (since_start() > longest) crashes_in_a_row_ = 0;
  if (crashes_in_a_row_ >= config_.restart_limit) {
    hal::log::error("{}: stays down after {} restarts in a row", name(), crashes_in_a_row_);
    crashes_in_a_row_ = 0;  // whoever starts it now has a reason
    return vmm::console().ended(console_);
  }
  const hal::Ticks first = hal::ticks_from_microseconds(config_.restart_delay_ns / 1000);
  const hal::Ticks delay = std::min(first << std::min(crashes_in_a_row_, 16U), longest);
  ++crashes_in_a_row_;
  // A stop or destroy that comes meanwhile is not kept waiting.
  const bool interrupted = work_.wait_until(hal::Timer::now() + delay, [&] {
    return (requests_.load(std::memory_order_acquire) & ~(bit_of(VmEvent::crash) | alarm_request)) != 0;
  });
  if (interrupted) return vmm::console().ended(console_);
  post(bit_of(VmEvent::restart));
}

}  // namespace vmm

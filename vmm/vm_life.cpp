// SPDX-License-Identifier: Apache-2.0
// The manager of a VM: the only one who changes its state. docs/lifecycle.md.
#include <algorithm>
#include <utility>

#include "hal/log.hpp"
#include "hal/timer.hpp"
#include "vmm/console/bell.hpp"
#include "vmm/console/console.hpp"
#include "vmm/console/tasks.hpp"
#include "vmm/trace_point.hpp"
#include "vmm/vm.hpp"
#include "vmm/vm_loader.hpp"

namespace vmm {
namespace {

// What vCPUs ask for.
constexpr uint32_t guest_events = bit_of(VmEvent::crash) | bit_of(VmEvent::power_off) | bit_of(VmEvent::reset);

}  // namespace

void Vm::manage(void* self) {
  Vm& vm = *static_cast<Vm*>(self);
  while (!vm.leaving_) vm.serve();
}

// When there is something to do though nobody asks. A suspended VM stays as it is, also one that is to start again.
hal::Ticks Vm::next_call() const {
  const hal::Ticks start = state() == VmState::suspended ? hal::never : start_again_at_;
  return std::min({stop_deadline_, next_look_, start});
}

// Wait for a request, and carry out the most urgent one.
void Vm::serve() {
  // A stop waits while the guest that was asked has time left.
  const uint32_t others = asked() ? ~bit_of(VmEvent::stop) : ~uint32_t{0};
  const auto requests = [&] { return requests_.load(std::memory_order_acquire) & others; };
  (void)work_.wait_until(next_call(), [&] { return requests() != 0; });
  const hal::Ticks now = hal::Timer::now();
  if (now >= next_look_) look_for_progress(now);
  // The alarms are done before the events are looked at: a guest that sets one after another delays nobody.
  const uint32_t wanted = requests() | (now >= stop_deadline_ ? bit_of(VmEvent::stop) : 0);
  if ((wanted & alarm_request) != 0) {
    requests_.fetch_and(~alarm_request, std::memory_order_acq_rel);
    board_->run_alarms();
  }
  if ((wanted & snapshot_request) != 0) take_snapshot();
  VmOrder order{};
  for (size_t i = 0; i < order.size(); ++i) order[i] = asked_at_[i].load(std::memory_order_relaxed);
  const std::optional<VmEvent> event = most_urgent(wanted, order);
  if (!event) return now >= start_again_at_ && state() != VmState::suspended ? start_again() : void();
  if (*event == VmEvent::stop && ask_guest()) return;
  const uint32_t gone = bit_of(*event) | made_void(requests_.load(std::memory_order_relaxed), order, *event);
  // Off the list first: the same may be asked for again from now on, by the guest as soon as it runs, and is then
  // another event.
  doing_.store(gone, std::memory_order_release);
  requests_.fetch_and(~gone, std::memory_order_acq_rel);
  // It may have been overtaken by another event since it was asked for.
  if (next_state(state(), *event)) carry_out(*event);
  settled();
}

// Tell those who wait for it.
void Vm::settled() {
  doing_.store(0, std::memory_order_release);
  changed_.wake_all();
  prompt_bell().ring();
}

// What the VM is like now, for somebody who may not look himself: only here nothing of it changes meanwhile.
void Vm::take_snapshot() {
  if (gate_is_open()) {
    snapshot_.reset();
  } else if (auto room = PostMortem::reserve(config_.vcpus)) {
    snapshot_.emplace(std::move(room).value());
    snapshot_->take(*this, vmm::name(state()));
  }
  requests_.fetch_and(~snapshot_request, std::memory_order_acq_rel);
  settled();
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
  if (asked() || !gate_is_open() || config_.stop_timeout_ns == 0) return false;
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
      set_state(VmState::running);
      // One that has yet to start again has nothing to go on with.
      if (!has_guest_) return;
      board_->resume(clock_.resume(hal::Timer::now()));
      set_clocks();
      return open_gate();
    case VmEvent::start:
    case VmEvent::restart: crashes_in_a_row_ = resets_in_a_row_ = 0; return begin_guest();
    case VmEvent::reset: return after_reset();
    case VmEvent::stop:
    case VmEvent::kill:
    case VmEvent::power_off:
      end_guest();
      set_state(VmState::stopped);
      hal::log::info("{}: {}", name(), event == VmEvent::power_off ? "powered itself off" : "stopped");
      return consoles_end();
    case VmEvent::crash:
      end_guest();
      record_crash();
      log_crash();
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

// It runs from now on: the time it takes to load is its own, and it can be stopped meanwhile.
void Vm::begin_guest() {
  end_guest();
  set_state(VmState::running);
  const auto started = start_guest();
  has_guest_ = started.ok();
  if (has_guest_) {
    board_->resume(0);
    return open_gate();
  }
  // Whoever ends it comes next.
  if (load_is_abandoned()) return;
  std::array<char, 160> buffer{};
  hal::BufferSink text(buffer);
  vmm::describe(text, started.error().error);
  remember(text.text());
  record_crash();
  hal::log::error("{}: {}: {}", name(), started.error().file, text.text());
  consoles_end();
}

// Comes before the log tells of it: whoever reads that may ask for the report at once.
void Vm::record_crash() {
  post_mortem_->take(*this, vmm::name(VmState::crashed));
  set_state(VmState::crashed);
}

void Vm::log_crash() const {
  const auto reason = last_words();
  const Vcpu* const vcpu = crashed_vcpu();
  if (vcpu == nullptr) return hal::log::error("{}: crashed: {}", name(), reason.view());
  hal::log::error("{}: vCPU {} crashed at {:#x}: {}", name(), vcpu->index(), vcpu->pc(), reason.view());
}

// Loading takes long. It is charged to the VM, and takes no more from others than the guest could.
void Vm::load_as_guest(bool as_guest) {
  loads_.store(as_guest, std::memory_order_seq_cst);
  if (as_guest) task::demote(*manager_);
  if (!as_guest || load_is_abandoned()) task::promote(*manager_);
  task::make_way();
}

// Clean memory, devices as after power-on, images from the bundle.
hal::Result<void, StartFailure> Vm::start_guest() {
  crashed_vcpu_.store(nullptr, std::memory_order_relaxed);
  for (unsigned i = 0; i < vcpus_.count; ++i) vcpus_.list[i]->reset_power();
  clock_.reset();
  set_clocks();
  board_->reset();
  load_as_guest(true);
  const auto entry = load_vm(*this);
  load_as_guest(false);
  if (!entry) return hal::fail(entry.error());
  board_->boot(*entry);
  starts_.fetch_add(1, std::memory_order_relaxed);
  started_at_.store(hal::Timer::now(), std::memory_order_relaxed);
  vcpus_.primary().attention.fetch_or(Vcpu::start, std::memory_order_acq_rel);
  return {};
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
  board_->pause();
  has_guest_ = false;
  stop_deadline_ = hal::never;
  start_again_at_ = hal::never;
  requests_.fetch_and(~guest_events, std::memory_order_acq_rel);
}

// In its time, unless somebody has asked for something else before.
void Vm::start_again() {
  doing_.store(bit_of(VmEvent::restart), std::memory_order_release);
  begin_guest();
  settled();
}

// The first time at once. A guest that does it again and again waits as one that crashes does.
void Vm::after_reset() {
  end_guest();
  resets_.fetch_add(1, std::memory_order_relaxed);
  if (since_start() > longest_pause()) resets_in_a_row_ = 0;
  const hal::Ticks pause = resets_in_a_row_ == 0 ? 0 : back_off(first_pause(), longest_pause(), resets_in_a_row_ - 1);
  ++resets_in_a_row_;
  set_state(VmState::running);
  if (pause == 0) {
    hal::log::info("{}: reset", name());
    return begin_guest();
  }
  hal::log::info("{}: reset, {} times in a row; starts again in {} ms", name(), resets_in_a_row_,
                 hal::nanoseconds(pause) / 1'000'000);
  start_again_at_ = hal::Timer::now() + pause;
}

void Vm::consoles_end() {
  vmm::console().ended(console_);
  if (second_console_) vmm::console().ended(*second_console_);
}

// Restart, a little later each time, until the limit says that it is hopeless.
void Vm::after_crash() {
  if (config_.on_crash != config::CrashAction::restart) return consoles_end();
  // A guest that ran for longer than the longest pause begins a new row.
  if (since_start() > longest_pause()) crashes_in_a_row_ = 0;
  if (crashes_in_a_row_ >= config_.restart_limit) {
    hal::log::error("{}: stays down after {} restarts in a row", name(), crashes_in_a_row_);
    crashes_in_a_row_ = 0;  // whoever starts it now has a reason
    return consoles_end();
  }
  start_again_at_ = hal::Timer::now() + back_off(first_pause(), longest_pause(), crashes_in_a_row_);
  ++crashes_in_a_row_;
}

hal::Ticks Vm::first_pause() const { return hal::ticks_from_microseconds(config_.restart_delay_ns / 1000); }
hal::Ticks Vm::longest_pause() { return 60 * hal::Timer::frequency(); }

}  // namespace vmm

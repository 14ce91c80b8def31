// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu.hpp"

#include "hal/cpu_local.hpp"
#include "task/cpu.hpp"
#include "vmm/trace_point.hpp"
#include "vmm/vm.hpp"

namespace vmm {

void Vcpu::run(void* self) {
  Vcpu& vcpu = *static_cast<Vcpu*>(self);
  StackPart part;
  vcpu.prepare_exits(part);
  // Whoever made the task may not have come to set_task() yet.
  vcpu.owns_cpu_ = task::current().scheduling().scheduling_class == task::SchedulingClass::dedicated;
  vcpu.follow_observation();
  vcpu.park();
  vcpu.attend();
  vcpu.enter_guest();
}

// The task leaves the CPU to another. If it may come back elsewhere, its guest must not stay behind in this CPU's
// registers. A vCPU with only one CPU leaves them to whoever needs the CPU.
void Vcpu::switched_out(void* self) {
  Vcpu& vcpu = *static_cast<Vcpu*>(self);
  if (vcpu.is_loaded() && (vcpu.task_->cpus() & task::online_cpus()).count() > 1) vcpu.unload();
}

void Vcpu::kick(uint32_t reasons) {
  attention.fetch_or(reasons, std::memory_order_seq_cst);
  // Its own CPU looks at `attention` on the way into the guest anyway.
  if (task_ == nullptr || task_ == &task::current()) return;
  // Pairs with wait_for_interrupt(): either it sees the reasons, or we see that it waits.
  if (waits_.load(std::memory_order_seq_cst)) [[unlikely]] return wake();
  task::interrupt(*task_);
}

[[gnu::noinline]] void Vcpu::wake() {
  if (!idle_.wake_one()) task::interrupt(*task_);
}

void Vcpu::notice_interrupts() {
  if (vm_.board().needs_flush(index_)) attention.fetch_or(interrupt, std::memory_order_relaxed);
}

void Vcpu::attend() {
  while (true) {
    if ((attention.load(std::memory_order_acquire) & (gate | leave | show | observe)) != 0) pause();
    if (task::resched_needed()) {
      task::reschedule();
      if (tells_stolen_time_) vm_.board().tell_stolen_time(*this);
    }
    if (!is_loaded()) load_here();
    attention.fetch_and(~interrupt, std::memory_order_acquire);
    if (vm_.board().needs_flush(index_)) vm_.board().flush(index_);
    // Parking and rescheduling take time: whatever came up meanwhile is for the next round.
    if ((attention.load(std::memory_order_acquire) & (gate | leave | show)) == 0) {
      if (!vm_.board().needs_flush(index_)) [[likely]] return;
      task::make_way();  // long work of the interrupt controller
    }
  }
}

// Apart, so that the way of an interrupt pays for none of it.
[[gnu::cold, gnu::noinline]] void Vcpu::pause() {
  const uint32_t reasons = attention.fetch_and(~(show | observe), std::memory_order_acq_rel);
  if ((reasons & show) != 0) show_progress();
  if ((attention.load(std::memory_order_acquire) & (gate | leave)) != 0) park();
  if ((reasons & observe) != 0) follow_observation();
}

[[clang::minsize]] void Vcpu::follow_observation() {
  observer.measure(exit_costs_are_measured());
  observe_exits(exits_are_observed());
  trap_idle(!owns_cpu_ || exits_are_observed());
  if (!exits_are_observed()) observer.forget();
}

// One that sleeps or is parked need not be woken to be asked, and one that waits for a CPU answers when it gets it.
void Vcpu::look() {
  if (task_->state() != task::TaskState::blocked && !task_->is_dozing()) kick(show);
}

[[clang::minsize]] void Vcpu::show_progress() {
  uint64_t deeds = 0;
  for (const hal::ExitClass own : {hal::ExitClass::idle, hal::ExitClass::call, hal::ExitClass::device,
                                   hal::ExitClass::memory, hal::ExitClass::registers, hal::ExitClass::fault}) {
    deeds += exits(own);
  }
  const bool stuck = interrupts_masked() && deeds == deeds_;
  deeds_ = deeds;
  // It may sleep in its guest: then its next WFI is a deed.
  if (stuck && owns_cpu_) trap_idle(true);
  looks_in_vain_ = stuck ? looks_in_vain_ + 1 : 0;
  if (looks_in_vain_ == looks_until_stuck) vm_.crash(*this, "no progress, with its interrupts masked");
}

[[clang::minsize]] void Vcpu::park() {
  if (is_loaded()) unload();
  leave_active();
  while (true) {
    vm_.vcpus().queue.wait([this] {
      const uint32_t reasons = attention.load(std::memory_order_acquire);
      if ((reasons & leave) != 0) return true;
      if (!vm_.gate_is_open() || !(on_ || (reasons & start) != 0)) return false;
      // Under the queue's lock, so that a gate that closes now finds this vCPU among the active ones.
      vm_.vcpus().active.fetch_add(1, std::memory_order_acq_rel);
      return true;
    });
    if ((attention.load(std::memory_order_acquire) & leave) != 0) {
      wake_up_.cancel();  // it would kick a task that is gone
      task::exit();
    }
    attention.fetch_and(~gate, std::memory_order_acq_rel);
    // A gate that closed since has set its bit again, or found this vCPU active and waits for it.
    if (vm_.gate_is_open() && (on_ || take_start())) return;
    leave_active();
  }
}

[[clang::minsize]] bool Vcpu::take_start() {
  attention.fetch_and(~start, std::memory_order_acq_rel);
  const auto wanted = vm_.board().take_start(index_);
  if (!wanted) return false;
  vm_.board().reset_vcpu(index_);
  reset(*wanted);
  on_ = true;
  return true;
}

void Vcpu::tell_stolen_time(bool wanted) {
  tells_stolen_time_ = wanted;
  if (wanted) vm_.board().tell_stolen_time(*this);
}

// The last one out tells the manager.
void Vcpu::leave_active() {
  VmVcpus& vcpus = vm_.vcpus();
  if (vcpus.active.fetch_sub(1, std::memory_order_acq_rel) == 1) vcpus.all_parked.wake_all();
}

// WFI may end early: what ends it here is whatever the interrupt controller has to look at, be it masked or not.
void Vcpu::wait_for_interrupt() {
  if (owns_cpu_) trap_idle(exits_are_observed());
  if (!is_loaded()) load_here();
  attention.fetch_and(~interrupt, std::memory_order_acquire);
  // Takes interrupts out of the list registers rather than putting some in: that is for the way into the guest.
  if (vm_.board().has_pending(index_)) {
    attention.fetch_or(interrupt, std::memory_order_relaxed);
    return;
  }
  trace(*this, TraceEvent::wait);
  if constexpr (!timer_wakes_cpu) {
    suspend_timer();
    arm_wake_up();
  }
  if (!task::doze(attention)) {
    waits_.store(true, std::memory_order_seq_cst);
    idle_.wait([this] { return attention.load(std::memory_order_seq_cst) != 0; });
    waits_.store(false, std::memory_order_relaxed);
    if (tells_stolen_time_) vm_.board().tell_stolen_time(*this);
  }
  if constexpr (!timer_wakes_cpu) {
    wake_up_.cancel();
    if (is_loaded()) resume_timer();  // if not, load() does
  }
  trace(*this, TraceEvent::wake);
}

void Vcpu::load_here() {
  wake_up_.cancel();
  hal::CpuLocal& cpu = task::this_cpu();
  if (cpu.loaded_guest != nullptr) static_cast<Vcpu*>(cpu.loaded_guest)->unload();
  cpu.loaded_guest = this;
  load();
  vm_.board().load(index_);
  trace(*this, TraceEvent::run);
}

void Vcpu::unload() {
  trace(*this, TraceEvent::leave);
  vm_.board().save(index_);
  save();
  task::this_cpu().loaded_guest = nullptr;
  // From now on no hardware watches the guest's timer.
  arm_wake_up();
}

void Vcpu::arm_wake_up() {
  if (owes_interrupt()) [[unlikely]] {
    if (on_) wake_up_.arm(hal::Timer::now());
    return;
  }
  const hal::Ticks deadline = timer_deadline();
  if (deadline != hal::never && on_ && vm_.board().timer_would_wake(index_)) wake_up_.arm(deadline);
}

void Vcpu::timer_expired(void* self) { static_cast<Vcpu*>(self)->kick(interrupt); }

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#include "task/cpu.hpp"

#include <utility>

#include "hal/irq.hpp"
#include "hal/upcall.hpp"
#include "mm/heap.hpp"
#include "task/machine.hpp"
#include "task/scheduler.hpp"

namespace task {
namespace {

constinit std::array<std::atomic<Cpu*>, hal::max_cpus> cpus{};
constinit std::atomic<bool> stopping{false};
constexpr uint64_t boot_stack_size = 16 * hal::kib;

}  // namespace

// Until it calls run(), the boot context is a service that cannot leave its CPU.
Cpu::Cpu(hal::CpuIndex number, mm::Stack boot_stack)
    : policies_{&service_, &dedicated_, &fixed_, &fair_},
      boot_task_(
          {},
          {.name = "boot", .scheduling = {.scheduling_class = SchedulingClass::service}, .cpus = CpuSet::only(number)},
          std::move(boot_stack)) {
  index = number;
  current_task = &boot_task_;
  boot_task_.state_.store(TaskState::running, std::memory_order_relaxed);
  boot_task_.on_cpu_.store(true, std::memory_order_relaxed);
  boot_task_.cpu_.store(number, std::memory_order_relaxed);
}

Cpu* cpu(hal::CpuIndex index) { return cpus[index].load(std::memory_order_acquire); }

CpuSet online_cpus() { return CpuSet(online_mask.load(std::memory_order_relaxed)); }

hal::Result<Cpu*, mm::MmError> prepare_cpu(hal::CpuIndex index, mm::Stack boot_stack) {
  if (index >= hal::max_cpus) return hal::fail(mm::MmError::out_of_range);
  // For good: a CPU that was found stays.
  Cpu* const fresh = TRY(mm::make<Cpu>(index, std::move(boot_stack))).release();
  cpus[index].store(fresh, std::memory_order_release);
  return fresh;
}

void enter_cpu(Cpu& cpu) {
  hal::Cpu::set_local(&cpu);
  Scheduler::enter(cpu);
}

void run() { Scheduler::run(); }

}  // namespace task

// --- what arch/ calls back -------------------------------------------------------------------------------------------

namespace hal::upcall {

void timer_expired() { task::this_cpu().timers().expire(hal::Timer::now()); }

// What there is to do was said in memory before the IPI was sent: hal::CpuLocal::resched, or a vCPU's attention.
void interrupted_by_cpu() {
  if (task::stopping.load(std::memory_order_acquire)) Cpu::halt();
}

void stop_other_cpus() {
  task::stopping.store(true, std::memory_order_release);
  for (const CpuIndex other : task::online_cpus() - task::CpuSet::only(task::this_cpu().number())) {
    Irqs::send_ipi(other);
  }
}

std::optional<CpuResources> prepare_cpu(CpuIndex index) {
  auto stack = mm::allocate_stack(task::boot_stack_size);
  if (!stack.ok()) return std::nullopt;
  const HostVirt top = stack->top();
  if (!task::prepare_cpu(index, std::move(stack).value()).ok()) return std::nullopt;
  return CpuResources{.stack_top = top};
}

void cpu_ready(CpuIndex index) {
  task::enter_cpu(*task::cpu(index));
  task::run();
}

}  // namespace hal::upcall

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "hal/vcpu.hpp"
#include "task/task.hpp"
#include "task/timer.hpp"
#include "task/wait_queue.hpp"
#include "vmm/mmio.hpp"
#include "vmm/observation.hpp"

namespace vmm {

class Vm;

// A virtual CPU: a task that is either parked on its VM's wait queue, or in its guest, or handles an exit of it.
//
//     spawn -> park() -> enter_guest() -> guest <-> exit handlers -> ... -> attend() -> park() -> ...
//
// Exit handlers run on the task's stack, below what the architecture keeps at its top, and return into the guest. So
// enter_guest() happens once, and everything after it is an exit: to stop, suspend or restart a guest is to park its
// vCPUs in attend(), and to let them go again with other registers.
class Vcpu final : public hal::Vcpu {
 public:
  // Reasons in `attention`.
  static constexpr uint32_t interrupt = 1;  // the virtual interrupt controller has something for this vCPU
  static constexpr uint32_t gate = 2;       // the VM's gate closed: park
  static constexpr uint32_t leave = 4;      // the VM is being destroyed: end the task
  static constexpr uint32_t start = 8;      // off, and there is a start to be taken from the board's firmware
  static constexpr uint32_t observe = 16;   // whether exits are to be observed may have changed
  static constexpr uint32_t show = 32;      // show whether the guest makes progress

  Vcpu(Vm& vm, VcpuIndex index) : vm_(vm), index_(index) {}
  Vcpu(const Vcpu&) = delete;
  Vcpu& operator=(const Vcpu&) = delete;

  [[nodiscard]] Vm& vm() const { return vm_; }
  [[nodiscard]] VcpuIndex index() const { return index_; }
  [[nodiscard]] task::Task* task() const { return task_; }

  // The entry of its task, and what the scheduler calls when the task loses the CPU.
  static void run(void* self);
  static void switched_out(void* self);
  void set_task(task::Task& task) { task_ = &task; }

  // --- any CPU ---

  // Make it look at `reasons` before it executes another guest instruction, and end its WFI.
  void kick(uint32_t reasons);
  // Look whether its guest makes progress. It makes none if `looks_until_stuck` times in a row it was found with its
  // interrupts masked, and had not come to the hypervisor by itself since the look before: then the VM crashes. A look
  // costs an exit. For the VM's manager.
  void look();
  static constexpr unsigned looks_until_stuck = 8;

  // --- on its own task, called by exits ---

  // What the guest just did may have given it interrupts: then they go into the list registers before it runs on.
  void notice_interrupts();
  // Before the guest goes on: everything that `attention` and the scheduler ask for.
  void attend();
  // WFI: block until an interrupt is pending or something else needs attention.
  void wait_for_interrupt();
  // It is off: when the exit that is being handled is over, it parks until somebody starts it. Not at once, because what is
  // left of the exit is not to meet the registers of a new start.
  void power_off() {
    on_ = false;
    attention.fetch_or(gate, std::memory_order_relaxed);
  }

  // The guest asks to be told what time others have had that this vCPU could have used, or no longer.
  void tell_stolen_time(bool wanted = true);

  // The device that this vCPU accessed last; saves the look-up. At first a window without a place.
  struct {
    hal::GuestPhysRange window{};
    MmioDevice* device = nullptr;
  } last_device;
  ExitObserver observer;

  // For the VM's manager, while the vCPU is parked: it is off.
  void reset_power() {
    on_ = false;
    tells_stolen_time_ = false;
    looks_in_vain_ = 0;
    attention.fetch_and(~(start | show), std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_on() const { return on_; }

 private:
  void wake();
  void park();
  void pause();
  void show_progress();
  [[nodiscard]] bool take_start();
  void leave_active();
  void follow_observation();
  void load_here();
  void arm_wake_up();
  void unload();
  static void timer_expired(void* self);

  Vm& vm_;
  const VcpuIndex index_;
  task::Task* task_ = nullptr;
  bool on_ = false;  // it has a start behind it; touched by its task, and by the manager while it is parked
  bool tells_stolen_time_ = false;  // touched as `on_` is
  bool owns_cpu_ = false;           // its guest's WFI need not come here: nobody else is to run
  uint64_t deeds_ = 0;              // exits of the guest's own making until the last look
  unsigned looks_in_vain_ = 0;      // in a row
  task::WaitQueue idle_;
  std::atomic<bool> waits_{false};  // in idle_, or about to be: whoever kicks need not look there otherwise
  // Ends WFI at the virtual timer's deadline while no CPU's timer does.
  task::Timer wake_up_{timer_expired, this};
};

}  // namespace vmm

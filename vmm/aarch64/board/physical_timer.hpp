// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/aarch64/regs/system.hpp"
#include "hal/base/lock.hpp"
#include "hal/timer.hpp"
#include "task/timer.hpp"
#include "vmm/guest_clock.hpp"
#include "vmm/irq/vgic/vgic.hpp"

namespace vmm {

// A guest's EL1 physical timer (CNTP_*_EL0; Arm ARM D12.2.4), which the hypervisor's CPUs have only once: emulated.
// Guests mostly use the virtual timer, which is the hardware's own.
class PhysicalTimer {
 public:
  PhysicalTimer(vgic::Vgic& gic, VcpuIndex vcpu, const GuestClock& clock) : gic_(gic), vcpu_(vcpu), clock_(clock) {}

  // On the vCPU's own task.
  [[nodiscard]] bool is_enabled() const { return arch::regs::timer_control::enable::is_set(control_); }
  [[nodiscard]] uint64_t control() const { return is_enabled() ? enabled_control() : control_; }
  void set_control(uint64_t value);
  // Whether that value differs from what the guest wrote before.
  [[nodiscard]] bool would_change(uint64_t control) const { return (control & writable) != control_; }
  [[nodiscard]] uint64_t compare_value() const { return compare_; }
  void set_compare_value(uint64_t value);
  [[nodiscard]] uint64_t timer_value() const;
  void set_timer_value(uint64_t value);
  void reset();
  // The guest's clock is about to stand still, or has gone on. No vCPU is loaded.
  void pause() { timer_.cancel(); }
  void resume() { update(); }

 private:
  [[nodiscard]] hal::Ticks now() const { return clock_.at(hal::Timer::now()); }
  [[nodiscard]] bool is_due() const { return now() >= compare_; }
  [[nodiscard]] uint64_t enabled_control() const;
  void update();
  static void expired(void* self);

  static constexpr uint64_t writable = arch::regs::timer_control::enable::mask | arch::regs::timer_control::imask::mask;

  vgic::Vgic& gic_;
  const VcpuIndex vcpu_;
  const GuestClock& clock_;
  uint64_t control_ = 0;  // ENABLE, IMASK
  uint64_t compare_ = 0;
  task::Timer timer_{expired, this};
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/lock.hpp"
#include "vmm/device/device_timer.hpp"
#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

// Who hears that a guest let its watchdog run out twice. Called with no lock held, from any CPU.
class WatchdogOwner {
 public:
  virtual void watchdog_expired() = 0;

 protected:
  ~WatchdogOwner() = default;
};

// The generic watchdog of Arm's Base System Architecture (DEN0094, appendix "Generic Watchdog", revision 1): two frames
// of registers around one counter comparison. The guest refreshes it; after one period without a refresh WS0 interrupts
// the guest, after another one WS1 goes to the VM's owner.
//
//     refresh --period--> WS0, interrupt --period--> WS1, owner
//
// The timer counts as the guest's own counter does (CNTVCT_EL0), because WCV is compared with it. Thread-safe; one lock
// of rank `device`, under which the timer and the interrupt controller are called.
class SbsaWatchdog final : public AlarmClient {
 public:
  SbsaWatchdog(hal::GuestPhysRange control, hal::GuestPhysRange refresh, IrqLine line, DeviceTimer& timer,
               WatchdogOwner& owner);

  // The two windows, for the VM's bus. Resetting the control frame resets the watchdog.
  [[nodiscard]] MmioDevice& control_frame() { return control_; }
  [[nodiscard]] MmioDevice& refresh_frame() { return refresh_; }

  // The guest stands still between these two, and what its counter moves meanwhile does not count against it: `passed`
  // ticks.
  void pause();
  void resume(uint64_t passed);

  void alarm() override;

 private:
  class ControlFrame final : public MmioDevice {
   public:
    ControlFrame(hal::GuestPhysRange window, SbsaWatchdog& watchdog)
        : MmioDevice("sbsa-watchdog", window), watchdog_(watchdog) {}
    uint64_t read(MmioAccess access) override;
    void write(MmioAccess access, uint64_t value) override;
    void reset() override { watchdog_.reset(); }

   private:
    SbsaWatchdog& watchdog_;
  };
  class RefreshFrame final : public MmioDevice {
   public:
    RefreshFrame(hal::GuestPhysRange window, SbsaWatchdog& watchdog)
        : MmioDevice("sbsa-watchdog-refresh", window), watchdog_(watchdog) {}
    uint64_t read(MmioAccess access) override;
    void write(MmioAccess access, uint64_t value) override;
    void reset() override {}

   private:
    SbsaWatchdog& watchdog_;
  };

  void reset();
  [[nodiscard]] uint32_t read_control(uint32_t offset) const PLINTH_REQUIRES(lock_);
  void write_control(uint32_t offset, uint32_t value) PLINTH_REQUIRES(lock_);
  void refresh() PLINTH_REQUIRES(lock_);
  void update() PLINTH_REQUIRES(lock_);

  ControlFrame control_;
  RefreshFrame refresh_;
  const IrqLine line_;
  DeviceTimer& timer_;
  WatchdogOwner& owner_;
  hal::SpinLock lock_{hal::LockRank::device};
  uint64_t offset_ PLINTH_GUARDED_BY(lock_) = 0;   // WOR: the period in ticks
  uint64_t compare_ PLINTH_GUARDED_BY(lock_) = 0;  // WCV: when the period ends
  bool paused_ PLINTH_GUARDED_BY(lock_) = false;
  bool enabled_ PLINTH_GUARDED_BY(lock_) = false;
  bool ws0_ PLINTH_GUARDED_BY(lock_) = false;
  bool ws1_ PLINTH_GUARDED_BY(lock_) = false;
  bool level_ PLINTH_GUARDED_BY(lock_) = false;  // the interrupt line as last driven
};

}  // namespace vmm

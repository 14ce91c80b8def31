// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/lock.hpp"
#include "vmm/device/device_timer.hpp"
#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

// Arm PrimeCell Real Time Clock PL031 (Arm DDI 0224): seconds since 1970, with a match interrupt. It always runs, as
// after a board's power-on long ago.
//
// Thread-safe; one lock of rank `device`, under which the timer and the interrupt controller are called.
class Pl031 final : public MmioDevice, public AlarmClient {
 public:
  static constexpr uint64_t window_size = 0x1000;

  // `epoch_at_zero` is the wall clock (seconds since 1970) at the moment the timer's counter was 0.
  Pl031(hal::GuestPhys base, IrqLine line, DeviceTimer& timer, uint64_t epoch_at_zero);

  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  // Forgets what the guest set: the clock shows the host's time again.
  void reset() override;
  void alarm() override;

 private:
  [[nodiscard]] uint32_t seconds() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] uint32_t read_register(uint32_t offset) const PLINTH_REQUIRES(lock_);
  void write_register(uint32_t offset, uint32_t value) PLINTH_REQUIRES(lock_);
  void schedule() PLINTH_REQUIRES(lock_);
  void update() PLINTH_REQUIRES(lock_);

  const IrqLine line_;
  DeviceTimer& timer_;
  hal::SpinLock lock_{hal::LockRank::device};
  uint32_t offset_ PLINTH_GUARDED_BY(lock_);  // clock value minus the seconds since zero_ticks_
  uint64_t zero_ticks_ PLINTH_GUARDED_BY(lock_) = 0;
  uint64_t deadline_ PLINTH_GUARDED_BY(lock_) = DeviceTimer::never;
  uint32_t match_ PLINTH_GUARDED_BY(lock_) = 0;
  uint32_t load_ PLINTH_GUARDED_BY(lock_) = 0;
  bool armed_ PLINTH_GUARDED_BY(lock_) = false;  // a match is to come
  bool mask_ PLINTH_GUARDED_BY(lock_) = false;   // true lets the interrupt through, as the register's bit
  bool raw_ PLINTH_GUARDED_BY(lock_) = false;
  bool level_ PLINTH_GUARDED_BY(lock_) = false;  // the interrupt line as last driven
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hal/base/lock.hpp"
#include "vmm/device/device_timer.hpp"
#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

// The real-time clock of Loongson's 7A bridge (7A1000 user manual, chapter 20): a calendar ("time of year", TOY) and a
// counter of 32768 Hz ("RTC"), each with three match registers that share one interrupt. Both counters run after a
// reset, as firmware leaves them: Linux trusts a clock only when it runs.
//
// The window begins one block lower, with the power-management registers that hold the alarm's wake-up bit: Linux's
// driver reaches there from the clock's address.
//
// Thread-safe; one lock of rank `device`, under which the timer and the interrupt controller are called.
class Ls7aRtc final : public MmioDevice, public AlarmClient {
 public:
  static constexpr uint64_t window_size = 0x200;
  static constexpr uint64_t registers = 0x100;  // where the clock's own begin

  // `epoch_at_zero` is the wall clock (seconds since 1970) at the moment the timer's counter was 0.
  Ls7aRtc(hal::GuestPhys base, IrqLine line, DeviceTimer& timer, uint64_t epoch_at_zero);

  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  // Forgets what the guest set: the clock shows the host's time again.
  void reset() override;
  void alarm() override;

 private:
  static constexpr size_t matches = 6;  // three of the calendar, then three of the counter

  [[nodiscard]] uint32_t read_register(uint64_t offset) const PLINTH_REQUIRES(lock_);
  void write_register(uint64_t offset, uint32_t value) PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool calendar_runs() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool counter_runs() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] int64_t seconds() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] uint64_t cycles() const;
  [[nodiscard]] uint64_t deadline(size_t match) const PLINTH_REQUIRES(lock_);
  void set_calendar(int64_t seconds) PLINTH_REQUIRES(lock_);
  void set_match(size_t match, uint32_t value) PLINTH_REQUIRES(lock_);
  void expire() PLINTH_REQUIRES(lock_);
  void reschedule() PLINTH_REQUIRES(lock_);
  void update() PLINTH_REQUIRES(lock_);

  const IrqLine line_;
  DeviceTimer& timer_;
  hal::SpinLock lock_{hal::LockRank::device};
  int64_t offset_ PLINTH_GUARDED_BY(lock_);             // calendar minus the timer's seconds
  uint32_t cycle_offset_ PLINTH_GUARDED_BY(lock_) = 0;  // counter minus the timer's cycles
  uint32_t control_ PLINTH_GUARDED_BY(lock_) = 0;
  uint32_t wake_enable_ PLINTH_GUARDED_BY(lock_) = 0;
  std::array<uint32_t, matches> match_ PLINTH_GUARDED_BY(lock_){};
  std::array<uint64_t, matches> deadline_ PLINTH_GUARDED_BY(lock_){};
  uint32_t armed_ PLINTH_GUARDED_BY(lock_) = 0;  // one bit per match: written, and not reached yet
  uint32_t fired_ PLINTH_GUARDED_BY(lock_) = 0;  // reached; gone when the match is written
  bool level_ PLINTH_GUARDED_BY(lock_) = false;
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/lock.hpp"
#include "vmm/device/device_timer.hpp"
#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

// Arm PrimeCell GPIO PL061 (Arm DDI 0190): eight pins, each an input or an output, each with an interrupt. One of them
// is wired: the power key, as on QEMU's `virt` board, where a driver for `gpio-keys` takes it for KEY_POWER.
//
// Thread-safe; one lock of rank `device`, under which the timer and the interrupt controller are called.
class Pl061 final : public MmioDevice, public AlarmClient {
 public:
  static constexpr uint64_t window_size = 0x1000;
  static constexpr unsigned power_key = 3;

  Pl061(hal::GuestPhys base, IrqLine line, DeviceTimer& timer);

  // Press the power key, and let it go a tenth of a second later. False when nobody would notice: the guest has not
  // enabled the interrupt of that pin.
  [[nodiscard]] bool press_power_key();

  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override;
  void alarm() override;

 private:
  // Registers, one bit per pin (3.2).
  struct Registers {
    uint8_t outputs = 0;      // GPIODATA of the pins that are outputs
    uint8_t direction = 0;    // GPIODIR: 1 is an output
    uint8_t level = 0;        // GPIOIS: 1 senses the level, 0 edges
    uint8_t both_edges = 0;   // GPIOIBE
    uint8_t rising_high = 0;  // GPIOIEV: rising edges or the high level
    uint8_t enabled = 0;      // GPIOIE
    uint8_t edges = 0;        // seen and not cleared: GPIORIS of the pins that sense edges
    uint8_t functions = 0;    // GPIOAFSEL: kept, and of no effect
  };

  [[nodiscard]] uint8_t pins() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] uint8_t raw_status() const PLINTH_REQUIRES(lock_);
  [[nodiscard]] uint8_t* setting(uint32_t offset) PLINTH_REQUIRES(lock_);
  [[nodiscard]] uint32_t read_register(uint32_t offset) PLINTH_REQUIRES(lock_);
  void write_register(uint32_t offset, uint8_t value) PLINTH_REQUIRES(lock_);
  void update(uint8_t pins_before) PLINTH_REQUIRES(lock_);

  const IrqLine line_;
  DeviceTimer& timer_;
  hal::SpinLock lock_{hal::LockRank::device};
  Registers registers_ PLINTH_GUARDED_BY(lock_);
  uint8_t inputs_ PLINTH_GUARDED_BY(lock_) = 0;  // from outside
  uint64_t release_at_ PLINTH_GUARDED_BY(lock_) = DeviceTimer::never;
  bool irq_level_ PLINTH_GUARDED_BY(lock_) = false;  // the interrupt line as last driven
};

}  // namespace vmm

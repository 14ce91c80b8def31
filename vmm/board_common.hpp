// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hal/base/lock.hpp"
#include "hal/base/result.hpp"
#include "mm/heap.hpp"
#include "task/timer.hpp"
#include "vmm/device/alarm_queue.hpp"
#include "vmm/device/device_set.hpp"
#include "vmm/loader/device_tree.hpp"
#include "vmm/loader/image.hpp"
#include "vmm/vm_disks.hpp"
#include "vmm/vm_worker.hpp"

namespace vmm {

class Vm;
enum class VmError : uint8_t;

// How an interrupt controller reaches the vCPUs of a VM.
class VmKicker final : public VcpuKicker {
 public:
  explicit VmKicker(Vm& vm) : vm_(vm) {}
  void kick(VcpuIndex vcpu) override;

 private:
  Vm& vm_;
};

// The time of a VM's devices: the machine's counter, and alarms that the VM's manager hands on.
class VmTimer final : public DeviceTimer {
 public:
  explicit VmTimer(Vm& vm) : vm_(vm) {}
  uint64_t now() override;
  uint64_t frequency() override;
  void set_alarm(uint64_t deadline, AlarmClient& client) override;
  // Call the devices whose alarm is due, in the manager's task.
  void run();

 private:
  void arm() PLINTH_REQUIRES(lock_);
  [[nodiscard]] AlarmClient* take_due();
  static void expired(void* self);

  Vm& vm_;
  hal::SpinLock lock_{hal::LockRank::device_alarms};
  AlarmQueue alarms_ PLINTH_GUARDED_BY(lock_);
  task::Timer timer_{expired, this};  // for the first of them
};

// The same as the guest's own counter has it, for devices whose registers are compared with that.
class VmCounter final : public DeviceTimer {
 public:
  VmCounter(Vm& vm, VmTimer& timer) : vm_(vm), timer_(timer) {}
  uint64_t now() override;
  uint64_t frequency() override { return timer_.frequency(); }
  void set_alarm(uint64_t deadline, AlarmClient& client) override;

 private:
  Vm& vm_;
  VmTimer& timer_;
};

// The RAM that is the VM's own: what it shares with others may be taken away while a device is at it.
class VmMemory final : public DeviceMemory {
 public:
  explicit VmMemory(Vm& vm) : vm_(vm) {}
  std::span<std::byte> window(hal::GuestPhys place, uint64_t size, Use use) override;

 private:
  Vm& vm_;
};

// What the boards of all architectures have in common: their devices, and what devices need of a VM. vmm::Board derives
// from it and adds the interrupt controller, firmware, and how it looks to the guest.
class BoardCommon {
 public:
  BoardCommon(const BoardCommon&) = delete;
  BoardCommon& operator=(const BoardCommon&) = delete;

  // The guest stands still between these two, its clock (Vm::clock()) already and again; `passed` is what its counter
  // has moved nevertheless.
  void pause();
  void resume(hal::Ticks passed);
  // Devices asked to be called at this time, in the manager's task.
  void run_alarms() { timer_.run(); }
  // As DeviceSet::report().
  [[nodiscard]] bool report_device(unsigned number, DeviceReport& report) {
    return devices_->report(number, report);
  }
  // Ask the guest to power itself off. False when it has made no arrangements to hear of it.
  [[nodiscard]] bool press_power_key() { return devices_->ask_to_power_off(); }

 protected:
  explicit BoardCommon(Vm& vm) : vm_(vm), kicker_(vm), timer_(vm), counter_(vm, timer_), memory_(vm), owner_(vm) {}
  ~BoardCommon() = default;

  // Nobody calls a device from outside any more: for the destructor of vmm::Board, whose members devices use.
  void unplug() {
    if (devices_) devices_->quiesce();
  }
  // Make the devices of `kinds` that the VM wants, and put them and `own`, windows of the board itself, on the VM's
  // bus. Once. The log says why not.
  hal::Result<void, VmError> plug_in(DeviceSet::Kinds kinds, IrqSink& irqs, pci::Bus& pci,
                                     std::span<MmioDevice* const> own);
  [[nodiscard]] DeviceSet& devices() { return *devices_; }
  [[nodiscard]] Vm& vm() const { return vm_; }
  [[nodiscard]] VmKicker& kicker() { return kicker_; }

  // Fresh bytes for the guest's random generators.
  using Seed = std::array<std::byte, 64>;
  [[nodiscard]] Seed fresh_seed();
  // `seed` stays as long as the result is used.
  [[nodiscard]] GuestFacts facts(const LoadPlan& plan, const Seed& seed) const;

 private:
  class Owner final : public DeviceOwner {
   public:
    explicit Owner(Vm& vm) : vm_(vm) {}
    void crash(std::string_view reason) override;
    void report(std::string_view device, std::string_view what) override;
    void power_off(VcpuIndex vcpu) override;
    void reset_machine(VcpuIndex vcpu) override;

   private:
    Vm& vm_;
  };

  Vm& vm_;
  VmKicker kicker_;
  VmTimer timer_;
  VmCounter counter_;
  VmMemory memory_;
  Owner owner_;
  VmDisks disks_;
  mm::OwnedArray<MmioDevice*> bus_table_;
  mm::OwnedArray<DeviceSet::Block> storage_;
  std::optional<DeviceSet> devices_;  // from plug_in() on
  VmWorker worker_;                   // ends before the devices that it works for
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "config/vm_config.hpp"
#include "hal/base/fdt_writer.hpp"
#include "hal/base/fixed.hpp"
#include "hal/base/list.hpp"
#include "hal/base/panic.hpp"
#include "vmm/device/console_port.hpp"
#include "vmm/device/device_memory.hpp"
#include "vmm/device/device_report.hpp"
#include "vmm/device/device_timer.hpp"
#include "vmm/device/device_worker.hpp"
#include "vmm/device/power_switch.hpp"
#include "vmm/device/random_source.hpp"
#include "vmm/disk/block_backend.hpp"
#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

namespace pci {
class Bus;
}
namespace net {
class Exchange;
}

// An interrupt as an entry of an interrupt-map ends: the controller's phandle, the address there, the interrupt.
using InterruptCells = hal::FixedVector<uint32_t, 6>;

// The guest's device tree while it is written, with what every node of a board has in common.
class DeviceTreeWriter {
 public:
  explicit DeviceTreeWriter(hal::FdtWriter& writer) : fdt(writer) {}
  // `interrupts` of the open node: one that is level-sensitive and active high, or one that senses rising edges, in the
  // cells of the board's controller.
  virtual void interrupt(VirtualIrq irq) = 0;
  virtual void edge_interrupt(VirtualIrq irq) = 0;
  // The same for an interrupt-map.
  [[nodiscard]] virtual InterruptCells mapped_interrupt(VirtualIrq irq) const = 0;
  // The phandle of what takes messages, if the board takes any.
  [[nodiscard]] virtual uint32_t message_controller() const = 0;

  hal::FdtWriter& fdt;

 protected:
  ~DeviceTreeWriter() = default;
};

// A device of a VM: one or more models behind windows, and what the VM has to do with it beside accesses. What a board
// plugs in is a table of DeviceKind; a new device is a file with one of them, a line in that table, and a key in
// config/vm_schema.cpp if it is optional.
//
// All calls but those of its models come from the VM's manager, one at a time, with no lock held. The destructor calls
// nobody.
class Device : public hal::ListNode<> {
 public:
  Device() = default;
  virtual ~Device() = default;

  // Its windows, for the VM's bus. The same ones at all times.
  [[nodiscard]] std::span<MmioDevice* const> windows() const { return {windows_.begin(), windows_.size()}; }
  // Its nodes, children of the root.
  virtual void describe(DeviceTreeWriter& tree) const = 0;
  // The path of the node, if this is where the guest's console is; else empty.
  [[nodiscard]] virtual std::string_view console_path() const { return {}; }

  // Back to the state after power-on; no vCPU runs.
  virtual void reset() {
    for (MmioDevice* const window : windows()) window->reset();
  }
  // The guest stands still between these two; `passed` is what its counter has moved nevertheless, in ticks.
  virtual void pause() {}
  virtual void resume(uint64_t /*passed*/) {}
  // The VM goes away: when this returns, nobody from outside calls the device, and it reaches no memory of the VM.
  virtual void quiesce() {}
  // What the shell shows of it; any task. False: nothing.
  [[nodiscard]] virtual bool report(DeviceReport& /*report*/) const { return false; }
  // Ask the guest to power itself off. False when it would not notice.
  [[nodiscard]] virtual bool ask_to_power_off() { return false; }

 protected:
  static constexpr size_t max_windows = 4;
  // For constructors.
  void has_windows(std::initializer_list<MmioDevice*> windows) {
    for (MmioDevice* const window : windows) {
      if (!windows_.push_back(window)) hal::panic("a device has more windows than there is room for");
    }
  }

 private:
  hal::FixedVector<MmioDevice*, max_windows> windows_;
};

// Who hears from a device about its VM as a whole. No lock is held but where it says so.
class DeviceOwner : public PowerSwitch {
 public:
  // The VM cannot go on; `reason` is copied. Any CPU.
  virtual void crash(std::string_view reason) = 0;
  // A line in the log: what the driver of `device` did that it must not. The device may hold its own lock.
  virtual void report(std::string_view device, std::string_view what) = 0;

 protected:
  ~DeviceOwner() = default;
};

// What a VM has for its devices. All of it lives longer than they do.
struct DeviceSite {
  const config::VmConfig& config;
  IrqSink& irqs;
  pci::Bus& pci;
  net::Exchange& networks;
  DeviceTimer& timer;
  DeviceTimer& counter;  // as the guest's own counter counts
  ConsoleSocket& console;
  ConsoleSocket* second_console;  // null unless its file has_two_consoles()
  DeviceOwner& owner;
  DeviceMemory& memory;
  DeviceWorker& worker;
  RandomSource& random;
  std::span<BlockBackend* const> disks;  // as many as its file has
  uint64_t epoch_at_zero;  // seconds since 1970 when the timer's counter was 0
};

struct DeviceKind {
  unsigned (*count)(const config::VmConfig& vm);  // how many of them the VM wants
  size_t size;
  Device& (*construct)(void* place, const DeviceSite& site, unsigned index);  // `index` below count()
  std::string_view absent{};  // not empty: what this build leaves out, in words
};

// Stands for a kind that the build leaves out: a VM that wants one is refused (DeviceSet::missing()).
constexpr DeviceKind absent_kind(std::string_view name, unsigned (*count)(const config::VmConfig& vm)) {
  return {.count = count, .size = 0, .construct = nullptr, .absent = name};
}

// D is made from a DeviceSite and has a static is_wanted(); or there may be several, and it is made from a DeviceSite
// and its index, and has a static count().
template <class D>
inline constexpr DeviceKind device_kind{
    .count = [](const config::VmConfig& vm) -> unsigned {
      if constexpr (requires { D::count(vm); }) {
        return D::count(vm);
      } else {
        return D::is_wanted(vm) ? 1 : 0;
      }
    },
    .size = sizeof(D),
    .construct = [](void* place, const DeviceSite& site, [[maybe_unused]] unsigned index) -> Device& {
      if constexpr (std::is_constructible_v<D, const DeviceSite&, unsigned>) {
        return *std::construct_at(static_cast<D*>(place), site, index);
      } else {
        return *std::construct_at(static_cast<D*>(place), site);
      }
    },
};

}  // namespace vmm

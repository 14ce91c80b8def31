// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/device_tree.hpp"
#include "vmm/aarch64/devices.hpp"
#include "vmm/aarch64/virt_board.hpp"
#include "vmm/device/sbsa_watchdog.hpp"

namespace vmm::aarch64 {

namespace {

class Watchdog final : public Device, public WatchdogOwner {
 public:
  static bool is_wanted(const config::VmConfig& vm) { return vm.watchdog; }

  explicit Watchdog(const DeviceSite& site)
      : owner_(site.owner),
        model_(virt_board::watchdog_control, virt_board::watchdog_refresh,
               IrqLine(site.irqs, spi(virt_board::watchdog_spi)), site.counter, *this) {
    has_windows({&model_.control_frame(), &model_.refresh_frame()});
  }

  // watchdog/arm,sbsa-gwdt.yaml.
  void describe(DeviceTreeWriter& tree) const override {
    const hal::GuestPhysRange control = virt_board::watchdog_control;
    const hal::GuestPhysRange refresh = virt_board::watchdog_refresh;
    tree.fdt.begin_node("watchdog", control.start.value());
    tree.fdt.string("compatible", "arm,sbsa-gwdt");
    tree.fdt.u64s("reg", {control.start.value(), control.size, refresh.start.value(), refresh.size});
    tree.interrupt(spi(virt_board::watchdog_spi));
    tree.fdt.end_node();
  }

  void pause() override { model_.pause(); }
  void resume(uint64_t passed) override { model_.resume(passed); }
  void watchdog_expired() override { owner_.crash("its watchdog expired twice"); }

 private:
  DeviceOwner& owner_;
  SbsaWatchdog model_;
};

}  // namespace

constinit const DeviceKind watchdog_device = device_kind<Watchdog>;

}  // namespace vmm::aarch64

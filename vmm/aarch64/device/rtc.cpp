// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/device_tree.hpp"
#include "vmm/aarch64/devices.hpp"
#include "vmm/aarch64/virt_board.hpp"
#include "vmm/device/pl031.hpp"

namespace vmm::aarch64 {

namespace {

class Rtc final : public Device {
 public:
  static bool is_wanted(const config::VmConfig& vm) { return vm.rtc; }

  explicit Rtc(const DeviceSite& site)
      : model_(virt_board::rtc.start, IrqLine(site.irqs, spi(virt_board::rtc_spi)), site.timer, site.epoch_at_zero) {
    has_windows({&model_});
  }

  void describe(DeviceTreeWriter& tree) const override {
    tree.fdt.begin_node("pl031", virt_board::rtc.start.value());
    tree.fdt.strings("compatible", {"arm,pl031", "arm,primecell"});
    write_reg(tree.fdt, virt_board::rtc);
    tree.interrupt(spi(virt_board::rtc_spi));
    tree.fdt.u32("clocks", clock_phandle);
    tree.fdt.string("clock-names", "apb_pclk");
    tree.fdt.end_node();
  }

 private:
  Pl031 model_;
};

}  // namespace

constinit const DeviceKind rtc_device = device_kind<Rtc>;

}  // namespace vmm::aarch64

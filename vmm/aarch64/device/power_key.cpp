// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/device_tree.hpp"
#include "vmm/aarch64/devices.hpp"
#include "vmm/aarch64/virt_board.hpp"
#include "vmm/device/pl061.hpp"

namespace vmm::aarch64 {

namespace {

class PowerKey final : public Device {
 public:
  static bool is_wanted(const config::VmConfig& vm) { return vm.power_key; }

  explicit PowerKey(const DeviceSite& site)
      : model_(virt_board::gpio.start, IrqLine(site.irqs, spi(virt_board::gpio_spi)), site.timer) {
    has_windows({&model_});
  }

  // gpio/pl061-gpio.yaml and input/gpio-keys.yaml. A gpio's second cell is its flags: active high.
  void describe(DeviceTreeWriter& tree) const override {
    constexpr uint32_t key_power = 116;  // input-event-codes.h
    hal::FdtWriter& fdt = tree.fdt;
    fdt.begin_node("pl061", virt_board::gpio.start.value());
    fdt.strings("compatible", {"arm,pl061", "arm,primecell"});
    write_reg(fdt, virt_board::gpio);
    tree.interrupt(spi(virt_board::gpio_spi));
    fdt.u32("clocks", clock_phandle);
    fdt.string("clock-names", "apb_pclk");
    fdt.flag("gpio-controller");
    fdt.u32("#gpio-cells", 2);
    fdt.u32("phandle", gpio_phandle);
    fdt.end_node();
    fdt.begin_node("gpio-keys");
    fdt.string("compatible", "gpio-keys");
    fdt.begin_node("poweroff");
    fdt.string("label", "GPIO Key Poweroff");
    fdt.u32("linux,code", key_power);
    fdt.cells("gpios", {gpio_phandle, Pl061::power_key, 0});
    fdt.end_node();
    fdt.end_node();
  }

  [[nodiscard]] bool ask_to_power_off() override { return model_.press_power_key(); }

 private:
  Pl061 model_;
};

}  // namespace

constinit const DeviceKind power_key_device = device_kind<PowerKey>;

}  // namespace vmm::aarch64

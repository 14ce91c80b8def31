// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/device_tree.hpp"
#include "vmm/aarch64/devices.hpp"
#include "vmm/aarch64/virt_board.hpp"
#include "vmm/device/pl011.hpp"

namespace vmm::aarch64 {

namespace {

class Uart final : public Device {
 public:
  static bool is_wanted(const config::VmConfig& vm) { return vm.console != config::ConsoleModel::none; }

  explicit Uart(const DeviceSite& site)
      : console_(site.console),
        model_(virt_board::uart.start, IrqLine(site.irqs, spi(virt_board::uart_spi)), site.console) {
    has_windows({&model_});
    console_.connect(model_);
  }

  void describe(DeviceTreeWriter& tree) const override {
    tree.fdt.begin_node("pl011", virt_board::uart.start.value());
    tree.fdt.strings("compatible", {"arm,pl011", "arm,primecell"});
    write_reg(tree.fdt, virt_board::uart);
    tree.interrupt(spi(virt_board::uart_spi));
    tree.fdt.cells("clocks", {clock_phandle, clock_phandle});
    tree.fdt.strings("clock-names", {"uartclk", "apb_pclk"});
    tree.fdt.end_node();
  }
  [[nodiscard]] std::string_view console_path() const override { return "/pl011@9000000"; }
  static_assert(virt_board::uart.start == hal::GuestPhys(0x900'0000), "console_path() names the node of the UART");

  void quiesce() override { console_.disconnect(); }

 private:
  ConsoleSocket& console_;
  Pl011 model_;
};

}  // namespace

constinit const DeviceKind uart_device = device_kind<Uart>;

}  // namespace vmm::aarch64

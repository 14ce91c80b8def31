// SPDX-License-Identifier: Apache-2.0
#include "config/loongarch64_virt.hpp"
#include "vmm/device/ns16550.hpp"
#include "vmm/loongarch64/device_tree.hpp"
#include "vmm/loongarch64/devices.hpp"

namespace vmm::loongarch64 {

namespace {

namespace virt = config::loongarch64_virt;

class Uart final : public Device {
 public:
  static bool is_wanted(const config::VmConfig& vm) { return vm.console != config::ConsoleModel::none; }

  explicit Uart(const DeviceSite& site)
      : console_(site.console),
        model_(virt::uart.start, IrqLine(site.irqs, VirtualIrq{virt::uart_input}), site.console) {
    has_windows({&model_});
    console_.connect(model_);
  }

  void describe(DeviceTreeWriter& tree) const override {
    tree.fdt.begin_node("serial", virt::uart.start.value());
    tree.fdt.string("compatible", "ns16550a");
    write_reg(tree.fdt, virt::uart);
    tree.fdt.u32("clock-frequency", virt::uart_clock_hz);
    tree.interrupt(VirtualIrq{virt::uart_input});
    tree.fdt.end_node();
  }
  [[nodiscard]] std::string_view console_path() const override { return "/serial@1fe001e0"; }
  static_assert(virt::uart.start == hal::GuestPhys(0x1fe0'01e0), "console_path() names the node of the UART");

  void quiesce() override { console_.disconnect(); }

 private:
  ConsoleSocket& console_;
  Ns16550 model_;
};

}  // namespace

constinit const DeviceKind uart_device = device_kind<Uart>;

}  // namespace vmm::loongarch64

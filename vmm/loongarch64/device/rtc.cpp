// SPDX-License-Identifier: Apache-2.0
#include "config/loongarch64_virt.hpp"
#include "vmm/device/ls7a_rtc.hpp"
#include "vmm/loongarch64/device_tree.hpp"
#include "vmm/loongarch64/devices.hpp"

namespace vmm::loongarch64 {

namespace {

namespace virt = config::loongarch64_virt;

class Rtc final : public Device {
 public:
  static bool is_wanted(const config::VmConfig& vm) { return vm.rtc; }

  explicit Rtc(const DeviceSite& site)
      : model_(virt::rtc.start, IrqLine(site.irqs, VirtualIrq{virt::rtc_input}), site.timer, site.epoch_at_zero) {
    has_windows({&model_});
  }

  // rtc/loongson,rtc.yaml. The node is about the clock's own registers.
  void describe(DeviceTreeWriter& tree) const override {
    constexpr hal::GuestPhysRange registers{virt::rtc.start + Ls7aRtc::registers, 0x100};
    tree.fdt.begin_node("rtc", registers.start.value());
    tree.fdt.string("compatible", "loongson,ls7a-rtc");
    write_reg(tree.fdt, registers);
    tree.interrupt(VirtualIrq{virt::rtc_input});
    tree.fdt.end_node();
  }

 private:
  Ls7aRtc model_;
  static_assert(virt::rtc.size == Ls7aRtc::window_size);
};

}  // namespace

constinit const DeviceKind rtc_device = device_kind<Rtc>;

}  // namespace vmm::loongarch64

// SPDX-License-Identifier: Apache-2.0
#include "config/loongarch64_virt.hpp"
#include "vmm/device/ged.hpp"
#include "vmm/loongarch64/device_tree.hpp"
#include "vmm/loongarch64/devices.hpp"

namespace vmm::loongarch64 {

namespace {

namespace virt = config::loongarch64_virt;

constexpr hal::GuestPhysRange syscon{virt::ged.start + Ged::registers, 0x3};

class Power final : public Device {
 public:
  static bool is_wanted(const config::VmConfig&) { return true; }

  explicit Power(const DeviceSite& site) : model_(virt::ged.start, site.owner) { has_windows({&model_}); }

  // power/reset/syscon-poweroff.yaml and syscon-reboot.yaml.
  void describe(DeviceTreeWriter& tree) const override {
    hal::FdtWriter& fdt = tree.fdt;
    fdt.begin_node("ged", syscon.start.value());
    fdt.string("compatible", "syscon");
    write_reg(fdt, syscon);
    fdt.u32("reg-shift", 0);
    fdt.u32("reg-io-width", 1);
    fdt.u32("phandle", syscon_phandle);
    fdt.end_node();
    write_action(fdt, "poweroff", "syscon-poweroff", Ged::sleep_control, Ged::enter_s5);
    write_action(fdt, "reboot", "syscon-reboot", Ged::reset_register, Ged::reset_value);
  }

 private:
  static void write_action(hal::FdtWriter& fdt, std::string_view name, std::string_view compatible, uint64_t offset,
                           uint8_t value) {
    fdt.begin_node(name);
    fdt.string("compatible", compatible);
    fdt.u32("regmap", syscon_phandle);
    fdt.u32("offset", static_cast<uint32_t>(offset));
    fdt.u32("value", value);
    fdt.end_node();
  }

  Ged model_;
};

}  // namespace

constinit const DeviceKind power_device = device_kind<Power>;

}  // namespace vmm::loongarch64

// SPDX-License-Identifier: Apache-2.0
#include "config/loongarch64_virt.hpp"
#include "vmm/device/isa_io.hpp"
#include "vmm/loongarch64/device_tree.hpp"
#include "vmm/loongarch64/devices.hpp"

namespace vmm::loongarch64 {

namespace {

namespace virt = config::loongarch64_virt;

class Isa final : public Device {
 public:
  static bool is_wanted(const config::VmConfig&) { return true; }

  explicit Isa(const DeviceSite&) { has_windows({&model_}); }

  // The second kind of range (1) is I/O space (Open Firmware's ISA binding).
  void describe(DeviceTreeWriter& tree) const override {
    constexpr uint32_t io_space = 1;
    tree.fdt.begin_node("isa", virt::isa_io.start.value());
    tree.fdt.string("device_type", "isa");
    tree.fdt.string("compatible", "isa");
    tree.fdt.u32("#address-cells", 2);
    tree.fdt.u32("#size-cells", 1);
    tree.fdt.cells("ranges", {io_space, 0, 0, static_cast<uint32_t>(virt::isa_io.start.value()),
                              static_cast<uint32_t>(virt::isa_io.size)});
    tree.fdt.end_node();
  }

 private:
  IsaIo model_{virt::isa_io};
};

}  // namespace

constinit const DeviceKind isa_device = device_kind<Isa>;

}  // namespace vmm::loongarch64

// SPDX-License-Identifier: Apache-2.0
#include "vmm/loongarch64/device_tree.hpp"

#include "config/loongarch64_virt.hpp"
#include "hal/base/fdt_writer.hpp"

namespace vmm::loongarch64 {
namespace {

using hal::FdtWriter;
using hal::GuestPhys;
namespace virt = config::loongarch64_virt;

// IOCSRs, as the binding names the EIOINTC, and the line of each CPU that it drives: HWI1.
constexpr hal::GuestPhysRange eiointc{GuestPhys(0x1400), 0x800};
constexpr uint32_t eiointc_line = 3;
constexpr uint32_t edge_rising = 1;
constexpr uint32_t level_high = 4;

void write_cpus(FdtWriter& fdt, VcpuIndex vcpus) {
  fdt.begin_node("cpus");
  fdt.u32("#address-cells", 1);
  fdt.u32("#size-cells", 0);
  for (VcpuIndex i = 0; i < vcpus; ++i) {
    fdt.begin_node("cpu", i);
    fdt.string("device_type", "cpu");
    fdt.string("compatible", "loongarch,Loongson-3A5000");
    fdt.u32("reg", i);
    fdt.u32("phandle", cpu_phandle + i);
    fdt.end_node();
  }
  fdt.end_node();
}

// interrupt-controller/loongson,cpu-interrupt-controller.yaml, loongson,eiointc.yaml, loongson,pch-pic.yaml,
// loongson,pch-msi.yaml.
void write_interrupt_controllers(FdtWriter& fdt) {
  fdt.begin_node("cpuic");
  fdt.string("compatible", "loongson,cpu-interrupt-controller");
  fdt.flag("interrupt-controller");
  fdt.u32("#interrupt-cells", 1);
  fdt.u32("phandle", cpu_controller_phandle);
  fdt.end_node();

  fdt.begin_node("eiointc", eiointc.start.value());
  fdt.string("compatible", "loongson,ls2k2000-eiointc");
  write_reg(fdt, eiointc);
  fdt.flag("interrupt-controller");
  fdt.u32("#interrupt-cells", 1);
  fdt.u32("interrupt-parent", cpu_controller_phandle);
  fdt.u32("interrupts", eiointc_line);
  fdt.u32("phandle", eiointc_phandle);
  fdt.end_node();

  fdt.begin_node("platic", virt::pch_pic.start.value());
  fdt.string("compatible", "loongson,pch-pic-1.0");
  write_reg(fdt, virt::pch_pic);
  fdt.flag("interrupt-controller");
  fdt.u32("#interrupt-cells", 2);
  fdt.u32("interrupt-parent", eiointc_phandle);
  fdt.u32("loongson,pic-base-vec", 0);
  fdt.u32("phandle", pch_pic_phandle);
  fdt.end_node();

  fdt.begin_node("msi", virt::pch_msi.start.value());
  fdt.string("compatible", "loongson,pch-msi-1.0");
  write_reg(fdt, virt::pch_msi);
  fdt.flag("interrupt-controller");
  fdt.flag("msi-controller");
  fdt.u32("interrupt-parent", eiointc_phandle);
  fdt.u32("loongson,msi-base-vec", virt::first_message_vector);
  fdt.u32("loongson,msi-num-vecs", virt::vectors - virt::first_message_vector);
  fdt.u32("phandle", msi_phandle);
  fdt.end_node();
}

class Tree final : public DeviceTreeWriter {
 public:
  using DeviceTreeWriter::DeviceTreeWriter;
  void interrupt(VirtualIrq irq) override { write(irq, level_high); }
  void edge_interrupt(VirtualIrq irq) override { write(irq, edge_rising); }

 private:
  void write(VirtualIrq irq, uint32_t flags) {
    fdt.u32("interrupt-parent", pch_pic_phandle);
    fdt.cells("interrupts", {static_cast<uint32_t>(irq), flags});
  }
  [[nodiscard]] InterruptCells mapped_interrupt(VirtualIrq irq) const override {
    return {{pch_pic_phandle, static_cast<uint32_t>(irq), level_high}};
  }
  [[nodiscard]] uint32_t message_controller() const override { return msi_phandle; }
};

}  // namespace

hal::Result<std::span<const std::byte>, hal::FdtError> build_device_tree(const GuestBoard& board, DeviceSet& devices,
                                                                         std::span<std::byte> buffer) {
  FdtWriter fdt(buffer);
  fdt.begin_node("");
  fdt.u32("#address-cells", 2);
  fdt.u32("#size-cells", 2);
  fdt.string("compatible", "linux,dummy-loongson3");
  fdt.string("model", "linux,dummy-loongson3");
  write_chosen(fdt, board.guest, devices.console_path());
  write_memory(fdt, board.guest);
  write_cpus(fdt, board.vcpus);
  write_interrupt_controllers(fdt);
  Tree tree(fdt);
  devices.describe(tree);
  fdt.end_node();
  return fdt.finish();
}

}  // namespace vmm::loongarch64

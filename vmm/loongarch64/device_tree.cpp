// SPDX-License-Identifier: Apache-2.0
#include "vmm/loongarch64/device_tree.hpp"

#include "config/loongarch64_virt.hpp"
#include "hal/base/fdt_writer.hpp"
#include "vmm/device/ged.hpp"

namespace vmm::loongarch64 {
namespace {

using hal::FdtWriter;
using hal::GuestPhys;
namespace virt = config::loongarch64_virt;

// IOCSRs, as the binding names the EIOINTC, and the line of each CPU that it drives: HWI1.
constexpr hal::GuestPhysRange eiointc{GuestPhys(0x1400), 0x800};
constexpr uint32_t eiointc_line = 3;
constexpr hal::GuestPhysRange syscon{virt::ged.start + Ged::registers, 0x3};

constexpr uint32_t cpu_controller_phandle = 1, eiointc_phandle = 2, pch_pic_phandle = 3, msi_phandle = 4,
                   syscon_phandle = 5, cpu_phandle = 0x100;
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

constexpr std::string_view uart_path = "/serial@1fe001e0";
static_assert(virt::uart.start == GuestPhys(0x1fe0'01e0), "uart_path names the node of the UART");

void write_uart(FdtWriter& fdt) {
  fdt.begin_node("serial", virt::uart.start.value());
  fdt.string("compatible", "ns16550a");
  write_reg(fdt, virt::uart);
  fdt.u32("clock-frequency", virt::uart_clock_hz);
  fdt.u32("interrupt-parent", pch_pic_phandle);
  fdt.cells("interrupts", {virt::uart_input, level_high});
  fdt.end_node();
}

// The second kind of range (1) is I/O space (Open Firmware's ISA binding).
void write_isa(FdtWriter& fdt) {
  constexpr uint32_t io_space = 1;
  fdt.begin_node("isa", virt::isa_io.start.value());
  fdt.string("device_type", "isa");
  fdt.string("compatible", "isa");
  fdt.u32("#address-cells", 2);
  fdt.u32("#size-cells", 1);
  fdt.cells("ranges", {io_space, 0, 0, static_cast<uint32_t>(virt::isa_io.start.value()),
                       static_cast<uint32_t>(virt::isa_io.size)});
  fdt.end_node();
}

// power/reset/syscon-poweroff.yaml and syscon-reboot.yaml.
void write_power(FdtWriter& fdt) {
  fdt.begin_node("ged", syscon.start.value());
  fdt.string("compatible", "syscon");
  write_reg(fdt, syscon);
  fdt.u32("reg-shift", 0);
  fdt.u32("reg-io-width", 1);
  fdt.u32("phandle", syscon_phandle);
  fdt.end_node();
  const auto write_action = [&](std::string_view name, std::string_view compatible, uint64_t offset, uint8_t value) {
    fdt.begin_node(name);
    fdt.string("compatible", compatible);
    fdt.u32("regmap", syscon_phandle);
    fdt.u32("offset", static_cast<uint32_t>(offset));
    fdt.u32("value", value);
    fdt.end_node();
  };
  write_action("poweroff", "syscon-poweroff", Ged::sleep_control, Ged::enter_s5);
  write_action("reboot", "syscon-reboot", Ged::reset_register, Ged::reset_value);
}

}  // namespace

hal::Result<std::span<const std::byte>, hal::FdtError> build_device_tree(const GuestBoard& board,
                                                                         std::span<std::byte> buffer) {
  FdtWriter fdt(buffer);
  fdt.begin_node("");
  fdt.u32("#address-cells", 2);
  fdt.u32("#size-cells", 2);
  fdt.string("compatible", "linux,dummy-loongson3");
  fdt.string("model", "linux,dummy-loongson3");
  write_chosen(fdt, board.guest, board.uart ? uart_path : "");
  write_memory(fdt, board.guest);
  write_cpus(fdt, board.vcpus);
  write_interrupt_controllers(fdt);
  if (board.uart) write_uart(fdt);
  write_isa(fdt);
  write_power(fdt);
  fdt.end_node();
  return fdt.finish();
}

}  // namespace vmm::loongarch64

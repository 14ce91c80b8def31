// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/device_tree.hpp"

#include "hal/base/fdt_writer.hpp"
#include "vmm/aarch64/virt_board.hpp"

namespace vmm::aarch64 {

namespace {

using hal::FdtWriter;

// Cells of an interrupt in the GIC's terms (Linux: interrupt-controller/arm,gic.yaml and arm,gic-v3.yaml).
constexpr uint32_t shared = 0;
constexpr uint32_t per_cpu = 1;
constexpr uint32_t edge_rising = 1;
constexpr uint32_t level_high = 4;

constexpr uint32_t uart_clock_hz = 24'000'000;

void write_psci(FdtWriter& fdt) {
  fdt.begin_node("psci");
  fdt.strings("compatible", {"arm,psci-1.0", "arm,psci-0.2"});
  fdt.string("method", "hvc");
  fdt.end_node();
}

// arm/cpus.yaml: unit address and reg are the affinity fields of MPIDR_EL1.
void write_cpus(FdtWriter& fdt, const AffinityMap& affinities) {
  fdt.begin_node("cpus");
  fdt.u32("#address-cells", 1);
  fdt.u32("#size-cells", 0);
  for (VcpuIndex i = 0; i < affinities.vcpus(); ++i) {
    const auto affinity = static_cast<uint32_t>(affinities.affinity(i));
    fdt.begin_node("cpu", affinity);
    fdt.string("device_type", "cpu");
    fdt.string("compatible", "arm,armv8");
    fdt.u32("reg", affinity);
    fdt.string("enable-method", "psci");
    fdt.u32("phandle", cpu_phandle + i);
    fdt.end_node();
  }
  fdt.end_node();
}

// The flags of a private interrupt. GICv2 keeps the set of CPUs that it goes to in bits 15..8.
uint32_t private_level(const GuestBoard& board) {
  const uint32_t cpus = board.gic_version == 2 ? ((1U << board.affinities.vcpus()) - 1) & 0xff : 0;
  return level_high | cpus << 8;
}

// arm,pmu.yaml. Where the machine has no interrupt for it, a guest counts all the same, but takes no samples.
void write_pmu(FdtWriter& fdt, const GuestBoard& board) {
  if (!board.pmu) return;
  fdt.begin_node("pmu");
  fdt.string("compatible", "arm,armv8-pmuv3");
  if (board.pmu_interrupts) fdt.cells("interrupts", {per_cpu, virt_board::pmu_ppi, private_level(board)});
  fdt.end_node();
}

// timer/arm,arch_timer.yaml.
void write_timer(FdtWriter& fdt, const GuestBoard& board) {
  const uint32_t flags = private_level(board);
  fdt.begin_node("timer");
  fdt.strings("compatible", {"arm,armv8-timer", "arm,armv7-timer"});
  fdt.flag("always-on");
  fdt.cells("interrupts",
            {per_cpu, virt_board::secure_timer_ppi, flags, per_cpu, virt_board::physical_timer_ppi, flags, per_cpu,
             virt_board::virtual_timer_ppi, flags, per_cpu, virt_board::hypervisor_timer_ppi, flags});
  fdt.end_node();
}

void write_its(FdtWriter& fdt) {
  fdt.begin_node("its", virt_board::gic_its.start.value());
  fdt.string("compatible", "arm,gic-v3-its");
  fdt.flag("msi-controller");
  fdt.u32("#msi-cells", 1);
  write_reg(fdt, virt_board::gic_its);
  fdt.u32("phandle", its_phandle);
  fdt.end_node();
}

void write_gicv2m(FdtWriter& fdt) {
  fdt.begin_node("v2m", virt_board::gicv2m.start.value());
  fdt.string("compatible", "arm,gic-v2m-frame");
  fdt.flag("msi-controller");
  write_reg(fdt, virt_board::gicv2m);
  fdt.u32("phandle", gicv2m_phandle);
  fdt.end_node();
}

void write_gic(FdtWriter& fdt, const GuestBoard& board) {
  const hal::GuestPhysRange distributor = virt_board::gic_distributor;
  const bool v2 = board.gic_version == 2;
  const hal::GuestPhysRange cpus = v2 ? virt_board::gicv2_cpu_interface : virt_board::gicv3_redistributors;
  fdt.begin_node("intc", distributor.start.value());
  fdt.string("compatible", v2 ? "arm,cortex-a15-gic" : "arm,gic-v3");
  fdt.flag("interrupt-controller");
  fdt.u32("#interrupt-cells", 3);
  fdt.u32("#address-cells", 2);
  fdt.u32("#size-cells", 2);
  fdt.flag("ranges");
  if (!v2) fdt.u32("#redistributor-regions", 1);
  fdt.u64s("reg", {distributor.start.value(), distributor.size, cpus.start.value(), cpus.size});
  fdt.u32("phandle", gic_phandle);
  if (v2) write_gicv2m(fdt);
  if (!v2 && board.its) write_its(fdt);
  fdt.end_node();
}

// arm/primecell.yaml: the bus clock is a formality that drivers insist on.
void write_clock(FdtWriter& fdt) {
  fdt.begin_node("apb-pclk");
  fdt.string("compatible", "fixed-clock");
  fdt.u32("#clock-cells", 0);
  fdt.u32("clock-frequency", uart_clock_hz);
  fdt.string("clock-output-names", "clk24mhz");
  fdt.u32("phandle", clock_phandle);
  fdt.end_node();
}

class Tree final : public DeviceTreeWriter {
 public:
  Tree(FdtWriter& writer, const GuestBoard& board) : DeviceTreeWriter(writer), board_(board) {}
  void interrupt(VirtualIrq irq) override { write(irq, level_high); }
  void edge_interrupt(VirtualIrq irq) override { write(irq, edge_rising); }
  // The GIC has addresses of two cells; interrupts are nowhere there.
  [[nodiscard]] InterruptCells mapped_interrupt(VirtualIrq irq) const override {
    return {{gic_phandle, 0, 0, shared, spi_number(irq), level_high}};
  }
  [[nodiscard]] uint32_t message_controller() const override {
    return board_.gic_version == 2 ? gicv2m_phandle : its_phandle;
  }

 private:
  static uint32_t spi_number(VirtualIrq irq) { return static_cast<uint32_t>(irq) - virt_board::spi_base; }
  void write(VirtualIrq irq, uint32_t flags) { fdt.cells("interrupts", {shared, spi_number(irq), flags}); }

  const GuestBoard& board_;
};

void write_aliases(FdtWriter& fdt, std::string_view console) {
  fdt.begin_node("aliases");
  fdt.string("serial0", console);
  fdt.end_node();
}

}  // namespace

hal::Result<std::span<const std::byte>, hal::FdtError> build_device_tree(const GuestBoard& board, DeviceSet& devices,
                                                                         std::span<std::byte> buffer) {
  const std::string_view console = devices.console_path();
  FdtWriter fdt(buffer);
  fdt.begin_node("");
  fdt.u32("#address-cells", 2);
  fdt.u32("#size-cells", 2);
  fdt.string("compatible", "linux,dummy-virt");
  fdt.string("model", "linux,dummy-virt");
  fdt.u32("interrupt-parent", gic_phandle);
  fdt.flag("dma-coherent");
  if (!console.empty()) write_aliases(fdt, console);
  write_chosen(fdt, board.guest, console);
  write_memory(fdt, board.guest);
  write_psci(fdt);
  write_cpus(fdt, board.affinities);
  write_timer(fdt, board);
  write_pmu(fdt, board);
  write_gic(fdt, board);
  write_clock(fdt);
  Tree tree(fdt, board);
  devices.describe(tree);
  fdt.end_node();
  return fdt.finish();
}

}  // namespace vmm::aarch64

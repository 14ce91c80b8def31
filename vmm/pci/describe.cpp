// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/describe.hpp"

#include <span>

#include "hal/base/fixed.hpp"
#include "vmm/loader/device_tree.hpp"

namespace vmm::pci {

namespace {

// The first cell of an address on the bus: its space, and the device it belongs to.
constexpr uint32_t io_space = 0x0100'0000;
constexpr uint32_t memory_32 = 0x0200'0000;
constexpr uint32_t memory_64 = 0x0300'0000;
constexpr uint32_t device_cell(unsigned slot) { return slot << 11; }
constexpr uint32_t pin_mask = 0x7;

class Cells {
 public:
  void add(uint32_t cell) {
    // There is room for all that is added here.
    [[maybe_unused]] const bool added = cells_.push_back(cell);
  }
  void add(uint64_t high_and_low, uint64_t other) {
    for (const uint64_t value : {high_and_low, other}) {
      add(static_cast<uint32_t>(value >> 32));
      add(static_cast<uint32_t>(value));
    }
  }
  void add(std::span<const uint32_t> more) {
    for (const uint32_t cell : more) add(cell);
  }
  [[nodiscard]] std::span<const uint32_t> view() const { return {cells_.begin(), cells_.size()}; }

 private:
  static constexpr size_t largest_entry = 4 + InterruptCells::capacity;
  hal::FixedVector<uint32_t, intx_lines * intx_lines * largest_entry> cells_;
};

// Space, address on the bus, address of the CPU, size.
void add_range(Cells& ranges, uint32_t space, uint64_t bus_address, hal::GuestPhysRange window) {
  ranges.add(space);
  ranges.add(bus_address, window.start.value());
  ranges.add(static_cast<uint32_t>(window.size >> 32));
  ranges.add(static_cast<uint32_t>(window.size));
}

// The lines repeat after four slots, so that is all the map has to tell apart.
void write_interrupt_map(DeviceTreeWriter& tree, const Bus& bus) {
  Cells map;
  for (unsigned slot = 0; slot < intx_lines; ++slot) {
    for (unsigned pin = 0; pin < intx_lines; ++pin) {
      const InterruptCells parent = tree.mapped_interrupt(bus.line(slot, pin));
      map.add(device_cell(slot));
      map.add(0);
      map.add(0);
      map.add(pin + 1);
      map.add({parent.begin(), parent.size()});
    }
  }
  tree.fdt.u32("#interrupt-cells", 1);
  tree.fdt.cells("interrupt-map-mask", {device_cell(intx_lines - 1), 0, 0, pin_mask});
  tree.fdt.cells("interrupt-map", map.view());
}

}  // namespace

void describe_bridge(DeviceTreeWriter& tree, const Bus& bus, const BridgeNode& node) {
  constexpr uint32_t every_requester = 0x1'0000;
  const BusMap& map = bus.map();
  hal::FdtWriter& fdt = tree.fdt;
  fdt.begin_node("pcie", node.configuration.start.value());
  fdt.string("compatible", node.compatible);
  fdt.string("device_type", "pci");
  fdt.u32("#address-cells", 3);
  fdt.u32("#size-cells", 2);
  fdt.u32("linux,pci-domain", 0);
  fdt.cells("bus-range", {0, node.last_bus});
  fdt.flag("dma-coherent");
  write_reg(fdt, node.configuration);
  Cells ranges;
  add_range(ranges, io_space, map.first_port, map.io);
  add_range(ranges, memory_32, map.memory.start.value(), map.memory);
  if (!map.high.empty()) add_range(ranges, memory_64, map.high.start.value(), map.high);
  fdt.cells("ranges", ranges.view());
  if (bus.takes_messages()) fdt.cells("msi-map", {0, tree.message_controller(), 0, every_requester});
  write_interrupt_map(tree, bus);
  fdt.end_node();
}

}  // namespace vmm::pci

// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/pci.hpp"

#include "hal/platform/interrupts.hpp"

namespace hal {
namespace {

constexpr size_t unit_cells = 3, size_cells = 2;  // of an address on the bus, and of a size there

// The first cell of an address on the bus: its space, and whether it may be prefetched.
constexpr uint32_t space_mask = 0x4300'0000, memory_32 = 0x0200'0000;

void find_window(const FdtNode& node, PciHostInfo& host) {
  const auto ranges = node.property("ranges");
  const auto parent = node.parent();
  if (!ranges || !parent) return;
  const size_t parent_cells = parent->address_cells();
  const FdtCells cells = ranges->cells();
  const size_t entry = unit_cells + parent_cells + size_cells;
  for (size_t at = 0; at + entry <= cells.size(); at += entry) {
    if ((cells[at] & space_mask) != memory_32) continue;
    const auto bus = cells.number(at + 1, unit_cells - 1), cpu = cells.number(at + unit_cells, parent_cells),
               size = cells.number(at + unit_cells + parent_cells, size_cells);
    if (!bus || !cpu || !size || !HostPhysRange::fits(HostPhys(*cpu), *size)) continue;
    host.memory = {HostPhys(*cpu), *size};
    host.bus_offset = *bus - *cpu;
    return;
  }
}

// Each entry: unit, pin, the controller, its unit (no cells where it says nothing), its specifier.
void find_routes(const FdtNode& node, PciHostInfo& host) {
  const auto map = node.property("interrupt-map"), mask = node.property("interrupt-map-mask");
  if (!map || !mask || mask->cells().size() != unit_cells + 1) return;
  host.unit_mask = mask->cells()[0];
  host.pin_mask = mask->cells()[unit_cells];
  const FdtCells cells = map->cells();
  for (size_t at = 0; at + unit_cells + 2 <= cells.size();) {
    const auto controller = node.fdt().find_phandle(cells[at + unit_cells + 1]);
    const auto width = controller ? controller->u32("#interrupt-cells") : std::nullopt;
    if (!width) return;
    const size_t specifier = at + unit_cells + 2 + controller->u32("#address-cells").value_or(0);
    const FdtInterrupt interrupt{*controller, cells.slice(specifier, *width)};
    const auto irq = irq_of(interrupt);
    if (irq && !host.routes.push_back({cells[at], cells[at + unit_cells], *irq})) return;
    at = specifier + *width;
  }
}

}  // namespace

std::optional<uint32_t> PciHostInfo::irq_of(uint32_t unit, uint32_t pin) const {
  for (const Route& route : routes) {
    if (((route.unit ^ unit) & unit_mask) == 0 && ((route.pin ^ pin) & pin_mask) == 0) return route.irq;
  }
  return std::nullopt;
}

std::optional<PciHostInfo> find_pci_host(const Fdt& fdt) {
  const auto node = fdt.find_enabled("pci-host-ecam-generic");
  const auto registers = node ? node->reg(0) : std::nullopt;
  const auto on_bus = node ? node->bus_reg(0) : std::nullopt;
  // Windows are given in the addresses of the bus above, which must be everybody's.
  if (!registers || !on_bus || on_bus->address != registers->start.value()) return std::nullopt;
  PciHostInfo host{.configuration = *registers, .coherent = node->has("dma-coherent")};
  if (const auto buses = node->property("bus-range"); buses && buses->cells().size() == 2) {
    host.first_bus = buses->cells()[0];
  }
  find_window(*node, host);
  find_routes(*node, host);
  return host;
}

}  // namespace hal

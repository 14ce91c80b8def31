// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "hal/base/address.hpp"
#include "hal/base/fdt.hpp"
#include "hal/base/fixed.hpp"

// A PCI host bridge as its device tree describes it (pci-host-generic in host-generic-pci.yaml; the bus itself is in
// IEEE Std 1275's PCI binding). Portable, as hal/platform/platform.hpp is.
namespace hal {

struct PciHostInfo {
  HostPhysRange configuration;  // ECAM: 1 MiB for each bus
  unsigned first_bus = 0;
  HostPhysRange memory{};       // where BARs of 32 bits may lie, as CPUs address it
  uint64_t bus_offset = 0;      // from there to the bus's own addresses
  bool coherent = false;        // devices see what is in CPUs' caches

  // Which interrupt a pin is, by interrupt-map. `unit` is the first cell of the address of the bus: bus, device and function
  // from bit 8 on.
  struct Route {
    uint32_t unit, pin, irq;
  };
  uint32_t unit_mask = 0, pin_mask = 0;
  FixedVector<Route, 32> routes{};
  // The number of hal::Irq. `pin`: 1 to 4, INTA to INTD.
  [[nodiscard]] std::optional<uint32_t> irq_of(uint32_t unit, uint32_t pin) const;
};

// The first one with an ECAM that is enabled. Nothing: there is none, or one behind a bus with addresses of its own.
[[nodiscard]] std::optional<PciHostInfo> find_pci_host(const Fdt& fdt);

}  // namespace hal

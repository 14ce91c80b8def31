// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/platform_use.hpp"

#include <algorithm>

namespace hal {
namespace {

template <size_t Capacity>
void add_ranges(const FdtNode& node, FixedVector<HostPhysRange, Capacity>& list, Platform& platform) {
  for (size_t i = 0;; ++i) {
    const std::optional<HostPhysRange> range = node.reg(i);
    if (!range) return;
    if (!range->empty() && !list.push_back(*range)) platform.lists_are_cut = true;
  }
}

// What a node says it does for others, by properties that have no value of interest.
struct Service {
  bool msi_controller = false, interrupt_controller = false, gpio_controller = false, iommu = false;

  // What passes the interrupts of others on to CPUs, or turns messages into interrupts. A GPIO block calls itself an
  // interrupt controller too (gpio.txt), but only of its own pins.
  [[nodiscard]] bool interrupts() const { return msi_controller || (interrupt_controller && !gpio_controller); }
};

Service service_of(const FdtNode& node) {
  static constexpr struct {
    std::string_view property;
    bool Service::* service;
  } known[] = {{"msi-controller", &Service::msi_controller},
               {"interrupt-controller", &Service::interrupt_controller},
               {"gpio-controller", &Service::gpio_controller},
               {"#iommu-cells", &Service::iommu}};
  Service service;
  for (const FdtProperty property : node.properties()) {
    const std::string_view name = property.name();
    for (const auto& each : known) service.*each.service |= name == each.property;
  }
  return service;
}

template <class Ranges>
bool overlaps_any(const Ranges& ranges, HostPhysRange range) {
  return std::ranges::any_of(ranges, [&](const HostPhysRange& other) { return other.overlaps(range); });
}

}  // namespace

std::string_view name(PlatformUse use) {
  switch (use) {
    case PlatformUse::ram: return "the machine's RAM";
    case PlatformUse::firmware_memory: return "memory that the firmware keeps";
    case PlatformUse::interrupt_controller: return "an interrupt controller";
    case PlatformUse::iommu: return "an IOMMU";
    case PlatformUse::power_switch: return "what switches the machine off";
    case PlatformUse::console: return "Plinth's console";
    case PlatformUse::unknown: return "more of the machine's own devices than Plinth can tell apart";
  }
  return "?";
}

std::optional<PlatformUse> use_of(const Platform& platform, HostPhysRange range) {
  if (overlaps_any(platform.memory, range)) return PlatformUse::ram;
  if (overlaps_any(platform.reserved, range)) return PlatformUse::firmware_memory;
  if (overlaps_any(platform.interrupt_controllers, range)) return PlatformUse::interrupt_controller;
  if (overlaps_any(platform.iommus, range)) return PlatformUse::iommu;
  if (overlaps_any(platform.power_switches, range)) return PlatformUse::power_switch;
  if (platform.console && platform.console->registers.overlaps(range)) return PlatformUse::console;
  if (platform.lists_are_cut) return PlatformUse::unknown;
  return std::nullopt;
}

void find_controllers(const Fdt& fdt, Platform& platform) {
  for (const FdtNode node : fdt.nodes()) {
    const Service service = service_of(node);
    if (service.interrupts()) add_ranges(node, platform.interrupt_controllers, platform);
    if (service.iommu) add_ranges(node, platform.iommus, platform);
    if (node.is_compatible("syscon-poweroff") || node.is_compatible("syscon-reboot")) {
      // The registers are another device's (syscon-poweroff.yaml, regmap), or the parent's.
      const auto regmap = node.u32("regmap");
      const auto device = regmap ? fdt.find_phandle(*regmap) : node.parent();
      if (device) add_ranges(*device, platform.power_switches, platform);
    }
  }
}

}  // namespace hal

// SPDX-License-Identifier: Apache-2.0
#include "config/boards.hpp"

#include <iterator>

#include "config/aarch64_virt.hpp"
#include "config/loongarch64_virt.hpp"
#include "config/vm_config.hpp"

namespace config {
namespace {

bool has_console(const VmConfig& vm) { return vm.console != ConsoleModel::none; }
bool has_rtc(const VmConfig& vm) { return vm.rtc; }
bool has_power_key(const VmConfig& vm) { return vm.power_key; }
bool is_paravirtual(const VmConfig& vm) { return vm.paravirtual; }
bool has_watchdog(const VmConfig& vm) { return vm.watchdog; }
// Without one, what the file puts there comes before the bridge.
bool has_network_cards(const VmConfig& vm) { return !vm.networks.empty(); }
bool has_cards_or_disks(const VmConfig& vm) { return !vm.networks.empty() || !vm.disks.empty(); }

constexpr DeviceWindow aarch64_devices[] = {
    {aarch64_virt::gic, "the interrupt controller"},
    {aarch64_virt::uart, "the UART", has_console},
    {aarch64_virt::rtc, "the real-time clock", has_rtc},
    {aarch64_virt::gpio, "the power key", has_power_key},
    {aarch64_virt::stolen_times, "the times stolen from it", is_paravirtual},
    {aarch64_virt::watchdog_control, "the watchdog", has_watchdog},
    {aarch64_virt::watchdog_refresh, "the watchdog", has_watchdog},
    {{aarch64_virt::virtio_mmio.start, aarch64_virt::virtio_mmio_count* aarch64_virt::virtio_mmio.size},
     "the virtio devices"},
    {aarch64_virt::pci_memory, "the PCI devices", has_network_cards},
    {aarch64_virt::pci_io, "the PCI devices", has_network_cards},
    {aarch64_virt::pci_low_config, "the PCI bridge", has_network_cards},
    {aarch64_virt::pci_config, "the PCI bridge", has_network_cards},
    {aarch64_virt::pci_high_memory, "the PCI devices", has_network_cards},
};

constexpr DeviceWindow loongarch64_devices[] = {
    {loongarch64_virt::pch_pic, "the interrupt controller"},
    {loongarch64_virt::rtc, "the real-time clock", has_rtc},
    {loongarch64_virt::ged, "the power controller"},
    {loongarch64_virt::isa_io, "the ISA bus"},
    {loongarch64_virt::pci_io, "the PCI devices", has_cards_or_disks},
    {loongarch64_virt::pci_loongson_config, "the PCI bridge", has_cards_or_disks},
    {loongarch64_virt::pci_config, "the PCI bridge", has_cards_or_disks},
    {loongarch64_virt::pci_memory, "the PCI devices", has_cards_or_disks},
    {loongarch64_virt::uart, "the UART", has_console},
    {loongarch64_virt::pch_msi, "the interrupt controller for messages"},
};

static_assert(std::size(aarch64_devices) <= max_device_windows && std::size(loongarch64_devices) <= max_device_windows);

}  // namespace

constinit const Board aarch64_board{.name = "aarch64",
                                    .ram_banks = aarch64_virt::ram_banks,
                                    .devices = aarch64_devices,
                                    .uart = "pl011",
                                    .has_gic = true,
                                    .has_sve = true,
                                    .has_watchdog = true,
                                    .has_pmu = true};
constinit const Board loongarch64_board{.name = "loongarch64",
                                        .ram_banks = loongarch64_virt::ram_banks,
                                        .devices = loongarch64_devices,
                                        .uart = "16550",
                                        .has_gic = false,
                                        .has_sve = false,
                                        .has_watchdog = false,
                                        .has_pmu = false};

}  // namespace config

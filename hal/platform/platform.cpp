// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/platform.hpp"

#include <algorithm>
#include <utility>

#include "hal/base/range_list.hpp"

namespace hal {
namespace {

// Lists are bounded; a machine with more entries than we have room for loses the last ones, which for `reserved` must
// not happen silently: the caller then drops the memory that could not be checked.
void add(FixedVector<HostPhysRange, 32>& list, HostPhysRange range) {
  if (!range.empty()) (void)list.push_back(range);
}
bool add_reserved(Platform& platform, HostPhysRange range) {
  return range.empty() || platform.reserved.push_back(range);
}

void find_memory(const Fdt& fdt, Platform& platform) {
  for (const FdtNode node : fdt.root().children()) {
    if (node.string("device_type") != "memory" || !node.is_enabled()) continue;
    for (size_t i = 0;; ++i) {
      const std::optional<HostPhysRange> range = node.reg(i);
      if (!range) break;
      add(platform.memory, *range);
    }
  }
}

void find_reservations(const Fdt& fdt, HostPhysRange fdt_place, Platform& platform) {
  bool complete = add_reserved(platform, fdt_place);
  for (size_t i = 0; i < fdt.reservation_count(); ++i) complete &= add_reserved(platform, fdt.reservation(i));
  if (const auto list = fdt.find("/reserved-memory")) {
    for (const FdtNode node : list->children()) {
      for (size_t i = 0; node.is_enabled(); ++i) {
        const std::optional<HostPhysRange> range = node.reg(i);
        if (!range) break;
        complete &= add_reserved(platform, *range);
        // A mapping with other attributes, or what a CPU fetches ahead through it, does harm there
        // (reserved-memory.yaml). A piece of memory for which there is no room is lost, which does none.
        if (node.has("no-map")) (void)cut_out(platform.memory, whole_pages_around(*range));
      }
    }
  }
  // Reservations that found no room would be overwritten one day: better to own no memory at all.
  if (!complete) platform.memory = {};
}

void find_cpus(const Fdt& fdt, Platform& platform) {
  const auto cpus = fdt.find("/cpus");
  if (!cpus) return;
  for (const FdtNode node : cpus->children()) {
    if (node.string("device_type") != "cpu" || !node.is_enabled()) continue;
    const auto reg = node.bus_reg(0);
    if (reg && !platform.cpus.push_back({.hardware_id = reg->address})) return;
  }
}

// GIC specifiers (arm,gic.yaml): type 0 SPI, 1 PPI; number in that range; flags.
std::optional<uint32_t> gic_intid(const FdtNode& node, size_t index) {
  const std::optional<FdtInterrupt> interrupt = node.interrupt(index);
  if (!interrupt || interrupt->specifier.size() < 3) return std::nullopt;
  const uint32_t type = interrupt->specifier[0];
  const uint32_t number = interrupt->specifier[1];
  if (type == 0 && number < 988) return 32 + number;
  if (type == 1 && number < 16) return 16 + number;
  return std::nullopt;
}

// LoongArch's PCH-PIC: input number and flags in two cells.
std::optional<uint32_t> irq_number(const FdtNode& node) {
  if (const auto intid = gic_intid(node, 0)) return intid;
  const std::optional<FdtInterrupt> interrupt = node.interrupt(0);
  if (!interrupt || interrupt->specifier.size() != 2) return std::nullopt;
  return interrupt->specifier[0];
}

void find_console(const Fdt& fdt, const FdtChosen& chosen, Platform& platform) {
  std::optional<FdtNode> node = chosen.console;
  if (!node) node = fdt.find_compatible("arm,pl011");
  if (!node) return;
  UartInfo uart;
  if (node->is_compatible("arm,pl011")) {
    uart.kind = UartKind::pl011;
  } else if (node->is_compatible("ns16550a") || node->is_compatible("ns16550")) {
    uart.kind = UartKind::ns16550;
    uart.register_shift = static_cast<uint8_t>(node->u32("reg-shift").value_or(0) & 7);
  } else {
    return;
  }
  const std::optional<HostPhysRange> registers = node->reg(0);
  if (!registers) return;
  uart.registers = *registers;
  uart.irq = irq_number(*node).value_or(0);
  platform.console = uart;
}

void find_gic(const Fdt& fdt, Platform& platform) {
  GicInfo& gic = platform.gic;
  const auto range = [](const FdtNode& node, size_t index) { return node.reg(index).value_or(HostPhysRange{}); };
  if (const auto v3 = fdt.find_compatible("arm,gic-v3")) {
    gic.version = 3;
    gic.distributor = range(*v3, 0);
    const uint32_t regions = v3->u32("#redistributor-regions").value_or(1);
    for (uint32_t i = 0; i < regions; ++i) {
      const HostPhysRange region = range(*v3, 1 + i);
      if (region.empty() || !gic.redistributors.push_back(region)) break;
    }
    if (const auto stride = v3->property("redistributor-stride")) {
      gic.redistributor_stride = stride->u32_or_u64().value_or(0);
    }
    gic.maintenance_irq = gic_intid(*v3, 0).value_or(0);
    return;
  }
  for (const std::string_view compatible : {"arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic"}) {
    const auto v2 = fdt.find_compatible(compatible);
    if (!v2) continue;
    gic.version = 2;
    gic.distributor = range(*v2, 0);
    gic.cpu_interface = range(*v2, 1);
    gic.hypervisor_interface = range(*v2, 2);
    gic.virtual_cpu_interface = range(*v2, 3);
    gic.maintenance_irq = gic_intid(*v2, 0).value_or(0);
    return;
  }
}

// arm,arch_timer.yaml: secure, non-secure, virtual, hypervisor.
void find_timer(const Fdt& fdt, Platform& platform) {
  auto node = fdt.find_compatible("arm,armv8-timer");
  if (!node) node = fdt.find_compatible("arm,armv7-timer");
  if (!node) return;
  platform.timer.virtual_irq = gic_intid(*node, 2).value_or(0);
  platform.timer.hypervisor_irq = gic_intid(*node, 3).value_or(0);
}

void find_firmware(const Fdt& fdt, Platform& platform) {
  for (const std::string_view compatible : {"arm,psci-1.0", "arm,psci-0.2"}) {
    const auto node = fdt.find_compatible(compatible);
    if (!node) continue;
    const auto method = node->string("method");
    if (method == "smc") platform.psci = FirmwareConduit::smc;
    if (method == "hvc") platform.psci = FirmwareConduit::hvc;
    return;
  }
}

}  // namespace

void number_boot_cpu_first(Platform& platform, uint64_t hardware_id) {
  auto& cpus = platform.cpus;
  CpuInfo* found = std::ranges::find(cpus, hardware_id, &CpuInfo::hardware_id);
  if (found == cpus.end()) {
    // A list that is full loses its last CPU, which is somebody else.
    if (!cpus.push_back({.hardware_id = hardware_id})) cpus[cpus.size() - 1] = {.hardware_id = hardware_id};
    found = cpus.end() - 1;
  }
  std::rotate(cpus.begin(), found, found + 1);
}

Platform discover_platform(const Fdt& fdt, HostPhysRange fdt_place) {
  Platform platform;
  const std::string_view model =
      fdt.root().string("model").value_or(fdt.root().string("compatible").value_or("unknown machine"));
  model.copy(platform.model_text.data(), platform.model_text.size() - 1);
  find_memory(fdt, platform);
  find_reservations(fdt, fdt_place, platform);
  find_cpus(fdt, platform);
  const FdtChosen chosen = read_chosen(fdt);
  platform.initrd = chosen.initrd;
  find_console(fdt, chosen, platform);
  find_gic(fdt, platform);
  find_timer(fdt, platform);
  find_firmware(fdt, platform);
  if (const auto rtc = fdt.find_compatible("arm,pl031")) platform.rtc = rtc->reg(0);
  if (chosen.node) {
    if (const auto seed = chosen.node->property("rng-seed"); seed && seed->bytes().size() >= 8) {
      platform.random_seed = seed->cells().number(0, 2);
    } else if (const auto kaslr = chosen.node->property("kaslr-seed")) {
      platform.random_seed = kaslr->u64();
    }
  }
  return platform;
}

}  // namespace hal

// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/platform.hpp"

#include "hal/platform/platform_use.hpp"

#include <algorithm>
#include <utility>

#include "hal/base/range_list.hpp"

namespace hal {
namespace {

// Lists are bounded; a machine with more entries than we have room for loses the last ones, which for `reserved` must
// not happen silently: the caller then drops the memory that could not be checked.
void add(decltype(Platform::memory)& list, HostPhysRange range) {
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

// The property is a CPU's, or that of all of them. Without one it is firmware's, if there is any: trees that have a
// PSCI node forget to say so.
void find_start_method(const FdtNode& cpus, const FdtNode& node, CpuInfo& cpu) {
  const auto of_all = cpus.string("enable-method");
  const auto method = node.string("enable-method").value_or(of_all.value_or("psci"));
  if (method == "psci") return;
  const auto release = node.property("cpu-release-addr");
  const auto place = release ? release->u32_or_u64() : std::nullopt;
  cpu.start = method == "spin-table" && place && *place % 8 == 0 ? StartMethod::spin_table : StartMethod::unknown;
  if (cpu.start == StartMethod::spin_table) cpu.release = HostPhys(*place);
}

void find_cpus(const Fdt& fdt, Platform& platform) {
  const auto cpus = fdt.find("/cpus");
  if (!cpus) return;
  for (const FdtNode node : cpus->children()) {
    if (node.string("device_type") != "cpu" || !node.is_enabled()) continue;
    const auto reg = node.bus_reg(0);
    if (!reg) continue;
    CpuInfo cpu{.hardware_id = reg->address};
    find_start_method(*cpus, node, cpu);
    if (!platform.cpus.push_back(cpu)) ++platform.cpus_left_out;
  }
}

void find_clock(const Fdt& fdt, Platform& platform) {
  static constexpr struct {
    std::string_view compatible;
    RtcKind kind;
  } clocks[] = {{"arm,pl031", RtcKind::pl031}, {"loongson,ls7a-rtc", RtcKind::ls7a}};
  for (const auto& clock : clocks) {
    const auto node = fdt.find_enabled(clock.compatible);
    const auto registers = node ? node->reg(0) : std::nullopt;
    if (!registers) continue;
    platform.rtc = {.kind = clock.kind, .registers = *registers};
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

Platform discover_platform(const Fdt& fdt, HostPhysRange fdt_place, std::span<const HostPhysRange> memory) {
  Platform platform;
  platform.tree = fdt_place;
  const std::string_view model =
      fdt.root().string("model").value_or(fdt.root().string("compatible").value_or("unknown machine"));
  model.copy(platform.model_text.data(), platform.model_text.size() - 1);
  for (const HostPhysRange& range : memory) add(platform.memory, range);
  if (memory.empty()) find_memory(fdt, platform);
  find_reservations(fdt, fdt_place, platform);
  find_cpus(fdt, platform);
  const FdtChosen chosen = read_chosen(fdt);
  platform.initrd = chosen.initrd;
  if (const auto console = find_console_node(fdt, chosen)) platform.console = uart_of(console->node);
  find_clock(fdt, platform);
  find_controllers(fdt, platform);
  if (chosen.node) {
    for (const std::string_view name : {"rng-seed", "kaslr-seed"}) {
      const auto seed = chosen.node->property(name);
      if (!seed) continue;
      for (const std::byte byte : seed->bytes()) {
        if (!platform.random_seed.push_back(byte)) break;
      }
    }
  }
  return platform;
}

}  // namespace hal

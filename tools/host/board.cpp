// SPDX-License-Identifier: Apache-2.0
#include "tools/host/board.hpp"

#include <algorithm>
#include <cstdio>

#include "hal/base/format.hpp"
#include "hal/platform/uart.hpp"
#include "tools/host/files.hpp"
#include "tools/host/quote.hpp"

namespace host {
namespace {

template <class... Arguments>
std::string text(hal::Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
  char buffer[512];
  hal::BufferSink sink(buffer);
  hal::format(sink, pattern, arguments...);
  return std::string(sink.text());
}

std::string path_of(const hal::FdtNode& node) {
  const auto parent = node.parent();
  if (!parent) return "";
  return path_of(*parent) + "/" + std::string(node.name());
}

void find_console(const hal::Fdt& fdt, Board& board) {
  const auto console = hal::find_console_node(fdt, hal::read_chosen(fdt));
  if (!console) return;
  board.console_compatible = console->node.string("compatible").value_or("?");
  board.console_path = path_of(console->node);
  board.console_choice = name(console->choice);
}

void find_iommus(const hal::Fdt& fdt, Board& board) {
  for (const hal::FdtNode node : fdt.nodes()) {
    if (!node.has("#iommu-cells") || !node.is_enabled()) continue;
    const std::string compatible(node.string("compatible").value_or("?"));
    if (std::ranges::find(board.iommus, compatible) == board.iommus.end()) board.iommus.push_back(compatible);
  }
}

std::string why_no_console(const Board& board) {
  if (board.console_compatible.empty()) return "the device tree has no UART that is enabled and known";
  return "no driver for " + board.console_compatible;
}

bool can_start(const Board& board, const hal::CpuInfo& cpu) {
  if (cpu.start == hal::StartMethod::firmware) return board.arm.psci.answers_at_el2();
  return cpu.start == hal::StartMethod::spin_table;
}

// The first in the list stands for the CPU that boots: which one that is, only the board knows.
std::string why_not_all_cpus(const Board& board) {
  const auto& cpus = board.platform.cpus;
  if (cpus.empty()) return "the device tree describes no CPUs";
  const auto lost =
      std::count_if(cpus.begin() + 1, cpus.end(), [&](const auto& cpu) { return !can_start(board, cpu); });
  if (lost != 0) return text("{} of {} CPUs cannot be started: {}", lost, cpus.size(), start_method(board));
  if (board.platform.cpus_left_out != 0) return text("{} CPUs are more than Plinth uses", board.platform.cpus_left_out);
  return "";
}

std::string describe_gic(const hal::GicInfo& gic) {
  if (gic.version == 0) return "none";
  std::string out = text("GICv{} at {}", gic.version, gic.distributor.start);
  if (gic.version == 3)
    out +=
        text(", {} redistributor {}", gic.redistributors.size(), gic.redistributors.size() == 1 ? "region" : "regions");
  if (gic.redistributor_stride != 0) out += text(", stride {:#x}", gic.redistributor_stride);
  out += text(", maintenance INTID {}", gic.maintenance_irq);
  if (gic.maintenance_is_assumed) out += " (assumed)";
  return out;
}

std::string describe_console(const Board& board) {
  if (board.console_compatible.empty()) return "none";
  std::string out = board.console_compatible + " " + board.console_path + " (" + board.console_choice + ")";
  if (!board.platform.console) return out + ", no driver";
  const hal::UartInfo& uart = *board.platform.console;
  out += text(", driver {} at {}", name(uart.kind), uart.registers.start);
  return out + (uart.irq != 0 ? text(", INTID {}", uart.irq) : std::string(", polled"));
}

std::string describe_timer(const hal::ArmTimerInfo& timer) {
  if (!is_usable(timer)) return "none";
  std::string out = text("virtual INTID {}, hypervisor INTID {}", timer.virtual_irq, timer.hypervisor_irq);
  if (timer.frequency != 0) out += text(", {} Hz", timer.frequency);
  return out;
}

std::string describe_iommus(const Board& board) {
  std::string out;
  for (const std::string& iommu : board.iommus) out += (out.empty() ? "" : ", ") + iommu;
  return out.empty() ? "none" : out;
}

std::string row(std::string_view what, const std::string& value) {
  std::string out = "  " + std::string(what);
  out.resize(16, ' ');
  return out + value + "\n";
}

}  // namespace

Board Board::of(const hal::Fdt& fdt) {
  Board board;
  board.platform = hal::discover_platform(fdt, {});
  board.arm = hal::discover_arm(fdt);
  for (const hal::HostPhysRange& range : board.platform.memory) board.memory += range.size;
  find_console(fdt, board);
  find_iommus(fdt, board);
  return board;
}

std::optional<Board> Board::read(const std::filesystem::path& dtb) {
  const auto content = read_file(dtb);
  if (!content) return {};
  const auto fdt = hal::Fdt::open(bytes_of(*content));
  if (fdt.ok()) return of(*fdt);
  const std::string_view why = name(fdt.error());
  std::fprintf(stderr, "%s: %.*s\n", dtb.c_str(), static_cast<int>(why.size()), why.data());
  return {};
}

std::string_view name(Gap gap) {
  switch (gap) {
    case Gap::console: return "console";
    case Gap::gic: return "gic";
    case Gap::timer: return "timer";
    case Gap::cpus: break;
  }
  return "cpus";
}

std::string_view consequence(Gap gap) {
  switch (gap) {
    case Gap::console: return "nothing is seen, and there is no shell; VMs run";
    case Gap::gic:
    case Gap::timer: return "no VM runs; the shell does";
    case Gap::cpus: break;
  }
  return "VMs run on the other CPUs";
}

std::vector<Missing> missing(const Board& board) {
  std::vector<Missing> gaps;
  if (!board.platform.console) gaps.push_back({Gap::console, why_no_console(board)});
  if (const auto fault = hal::fault_of(board.arm.gic); fault != hal::GicFault::none) {
    gaps.push_back({Gap::gic, std::string(explain(fault))});
  }
  if (!is_usable(board.arm.timer)) gaps.push_back({Gap::timer, "the device tree describes no generic timer"});
  if (const std::string why = why_not_all_cpus(board); !why.empty()) gaps.push_back({Gap::cpus, why});
  return gaps;
}

std::string_view start_method(const Board& board) {
  const auto has = [&](hal::StartMethod method) {
    return std::ranges::any_of(board.platform.cpus, [&](const hal::CpuInfo& cpu) { return cpu.start == method; });
  };
  if (has(hal::StartMethod::unknown)) return "unknown enable-method";
  if (has(hal::StartMethod::spin_table)) return "spin table";
  switch (board.arm.psci.conduit) {
    case hal::FirmwareConduit::smc: return board.arm.psci.has_fixed_calls ? "PSCI by SMC" : "PSCI 0.1 by SMC";
    case hal::FirmwareConduit::hvc: return "PSCI by HVC, which from EL2 reaches nobody";
    case hal::FirmwareConduit::none: break;
  }
  return "no PSCI";
}

std::string table_of(const Board& board, const std::string& label) {
  const hal::Platform& platform = board.platform;
  std::string out = label + ": " + std::string(platform.model()) + "\n";
  out += row("console", describe_console(board));
  out += row("GIC", describe_gic(board.arm.gic));
  out += row("timer", describe_timer(board.arm.timer));
  out += row("CPUs", text("{}", platform.cpus.size()));
  out += row("start", std::string(start_method(board)));
  out += row("RAM", board.memory == 0 ? "filled in by firmware" : text("{}", hal::Size{board.memory}));
  out += row("reservations", text("{}", platform.reserved.size()));
  out += row("IOMMUs", describe_iommus(board));
  for (const Missing& gap : missing(board)) {
    out += row("missing", std::string(name(gap.gap)) + ": " + gap.why + ": " + std::string(consequence(gap.gap)));
  }
  return out;
}

std::string json_of(const Board& board, const std::string& label) {
  const hal::Platform& platform = board.platform;
  const auto& uart = platform.console;
  std::string out = "{\"board\":" + quote(label) + ",\"model\":" + quote(platform.model());
  out += ",\"console\":{\"compatible\":" + quote(board.console_compatible) + ",\"path\":" + quote(board.console_path);
  out += ",\"choice\":" + quote(board.console_choice) + ",\"driver\":" + (uart ? quote(name(uart->kind)) : "null");
  if (uart) out += text(",\"address\":{},\"interrupt\":{}", uart->registers.start.value(), uart->irq);
  const hal::GicInfo& gic = board.arm.gic;
  out += "},\"gic\":{\"version\":" + std::to_string(gic.version);
  out += ",\"maintenance\":" + std::to_string(gic.maintenance_irq) + ",\"fault\":";
  const auto fault = hal::fault_of(gic);
  out += fault == hal::GicFault::none ? "null" : quote(explain(fault));
  const hal::ArmTimerInfo& timer = board.arm.timer;
  out += "},\"timer\":{" +
         text("\"virtual\":{},\"hypervisor\":{},\"frequency\":{}", timer.virtual_irq, timer.hypervisor_irq,
              timer.frequency) +
         "}";
  out += text(",\"cpus\":{},\"start\":", platform.cpus.size()) + quote(start_method(board));
  out += text(",\"memory\":{},\"reservations\":{},\"iommus\":[", board.memory, platform.reserved.size());
  for (const std::string& iommu : board.iommus) out += (iommu == board.iommus.front() ? "" : ",") + quote(iommu);
  out += "],\"missing\":[";
  const auto gaps = missing(board);
  for (const Missing& gap : gaps) {
    out += (gap.gap == gaps.front().gap ? "" : ",");
    out += "{\"what\":" + quote(name(gap.gap)) + ",\"why\":" + quote(gap.why) + "}";
  }
  return out + "]}";
}

}  // namespace host

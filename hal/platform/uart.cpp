// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/uart.hpp"

#include <array>

#include "hal/platform/interrupts.hpp"

namespace hal {
namespace {

struct Binding {
  std::string_view compatible;
  UartKind kind;
  uint8_t register_shift = 0;  // without a property of the node: what its binding implies
  uint8_t access_width = 0;
};

// A node often names its ancestor too: what is more particular comes first.
constexpr Binding bindings[] = {
    {"arm,pl011", UartKind::pl011},
    {"arm,sbsa-uart", UartKind::sbsa},
    {"brcm,bcm2835-aux-uart", UartKind::bcm_mini, 2, 4},
    {"snps,dw-apb-uart", UartKind::dw_apb},
    {"marvell,armada-38x-uart", UartKind::dw_apb},
    {"mediatek,mt6577-uart", UartKind::ns16550, 2, 4},
    {"ti,am654-uart", UartKind::ns16550, 2},
    {"ti,am4372-uart", UartKind::ns16550, 2},
    {"ti,omap4-uart", UartKind::ns16550, 2},
    {"ti,omap3-uart", UartKind::ns16550, 2},
    {"ti,omap2-uart", UartKind::ns16550, 2},
    {"nvidia,tegra20-uart", UartKind::ns16550, 2, 4},
    {"nvidia,tegra20-hsuart", UartKind::ns16550, 2, 4},
    {"nvidia,tegra30-hsuart", UartKind::ns16550, 2, 4},
    {"nuvoton,npcm750-uart", UartKind::ns16550, 2, 4},
    {"mrvl,mmp-uart", UartKind::ns16550, 2, 4},
    {"intel,xscale-uart", UartKind::ns16550, 2, 4},
    {"xlnx,xps-uart16550-2.00.b", UartKind::ns16550},
    {"ns16850", UartKind::ns16550},
    {"ns16750", UartKind::ns16550},
    {"ns16550a", UartKind::ns16550},
    {"ns16550", UartKind::ns16550},
    {"ns16450", UartKind::ns16550},
    {"ns8250", UartKind::ns16550},
    {"fsl,imx6q-uart", UartKind::imx},
    {"fsl,imx53-uart", UartKind::imx},
    {"fsl,imx21-uart", UartKind::imx},
    {"fsl,ls1028a-lpuart", UartKind::lpuart_le},
    {"fsl,ls1021a-lpuart", UartKind::lpuart_be},
    {"fsl,imx7ulp-lpuart", UartKind::lpuart},
    {"fsl,imx8qxp-lpuart", UartKind::lpuart},
    {"fsl,imx8ulp-lpuart", UartKind::lpuart},
    {"fsl,imxrt1050-lpuart", UartKind::lpuart},
    {"fsl,vf610-lpuart", UartKind::lpuart8},
    {"amlogic,meson-ao-uart", UartKind::meson},
    {"amlogic,meson-uart", UartKind::meson},
    {"amlogic,meson-gx-uart", UartKind::meson},
    {"amlogic,meson-g12a-uart", UartKind::meson},
    {"amlogic,meson-a1-uart", UartKind::meson},
    {"amlogic,meson-s4-uart", UartKind::meson},
    {"cdns,uart-r1p12", UartKind::cadence},
    {"cdns,uart-r1p8", UartKind::cadence},
    {"xlnx,zynqmp-uart", UartKind::cadence},
    {"xlnx,xuartps", UartKind::cadence},
    {"samsung,exynos8895-uart", UartKind::samsung, 0, 4},
    {"google,gs101-uart", UartKind::samsung, 0, 4},
    {"samsung,exynos850-uart", UartKind::samsung},
    {"samsung,exynos5433-uart", UartKind::samsung},
    {"samsung,exynos4210-uart", UartKind::samsung},
    {"samsung,s5pv210-uart", UartKind::samsung},
    {"axis,artpec8-uart", UartKind::samsung},
    {"marvell,armada-3700-uart", UartKind::mvebu},
    {"renesas,scif-r9a07g044", UartKind::scif_close},
    {"renesas,scif-r9a09g057", UartKind::scif_close},
    {"renesas,hscif", UartKind::hscif},
    {"renesas,scif", UartKind::scif},
    {"qcom,msm-uartdm-v1.4", UartKind::msm_dm},
    {"qcom,geni-debug-uart", UartKind::geni},
    {"qcom,geni-uart", UartKind::geni},
};

constexpr std::array<std::string_view, uart_kinds> kind_names{
    "pl011", "sbsa",    "ns16550", "dw_apb", "bcm_mini", "imx",        "lpuart", "lpuart_le", "lpuart_be", "lpuart8",
    "meson", "cadence", "samsung", "mvebu",  "scif",     "scif_close", "hscif",  "msm_dm",    "geni"};

const Binding* binding_of(const FdtNode& node) {
  const auto compatible = node.property("compatible");
  if (!compatible) return nullptr;
  const FdtStrings strings = compatible->strings();
  for (const Binding& binding : bindings) {
    if (strings.contains(binding.compatible)) return &binding;
  }
  return nullptr;
}

// A UART that has an interrupt for each of its purposes is polled: we take one.
uint32_t interrupt_of(const FdtNode& node, UartKind kind) {
  if ((kind == UartKind::scif || kind == UartKind::scif_close) && node.interrupt(1)) return 0;
  const auto spi = gic_intid(node, 0);
  if (spi) return *spi >= first_gic_spi ? *spi : 0;
  return loongarch_irq(node, 0).value_or(0);
}

// The word of `text` that begins with `prefix`, without it.
std::optional<std::string_view> word_after(std::string_view text, std::string_view prefix) {
  for (size_t at = text.find(prefix); at != std::string_view::npos; at = text.find(prefix, at + 1)) {
    if (at != 0 && text[at - 1] != ' ') continue;
    const std::string_view word = text.substr(at + prefix.size());
    return word.substr(0, word.find(' '));
  }
  return {};
}

std::optional<uint64_t> hexadecimal(std::string_view text) {
  if (!text.starts_with("0x")) return {};
  text.remove_prefix(2);
  text = text.substr(0, text.find_first_not_of("0123456789abcdefABCDEF"));
  if (text.empty() || text.size() > 16) return {};
  uint64_t value = 0;
  for (const char digit : text)
    value = value << 4 | static_cast<uint64_t>(digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10);
  return value;
}

// earlycon=DRIVER[,mmio32],ADDRESS[,OPTIONS] (kernel-parameters.txt): the address says which.
std::optional<FdtNode> named_by_earlycon(const Fdt& fdt, std::string_view bootargs) {
  const auto word = word_after(bootargs, "earlycon=");
  const size_t number = word ? word->find("0x") : std::string_view::npos;
  if (number == std::string_view::npos) return {};
  const auto address = hexadecimal(word->substr(number));
  if (!address) return {};
  for (const FdtNode node : fdt.nodes()) {
    if (binding_of(node) == nullptr) continue;
    const auto registers = node.reg(0);
    if (registers && registers->start == HostPhys(*address)) return node;
  }
  return {};
}

std::optional<FdtNode> serial_alias(const Fdt& fdt, char digit) {
  const std::array<char, 7> path{'s', 'e', 'r', 'i', 'a', 'l', digit};
  const auto node = fdt.find({path.data(), path.size()});
  return node && node->is_enabled() ? node : std::nullopt;
}

// console=ttyS2,115200n8: what a driver calls its ports, and the alias' number. Video consoles are called tty0 and the
// like.
std::optional<FdtNode> named_by_argument(const Fdt& fdt, std::string_view bootargs) {
  const auto word = word_after(bootargs, "console=tty");
  if (!word) return {};
  const std::string_view port = word->substr(0, word->find(','));
  const size_t digit = port.find_first_of("0123456789");
  if (digit == 0 || digit == std::string_view::npos || digit + 1 != port.size()) return {};
  return serial_alias(fdt, port[digit]);
}

}  // namespace

std::string_view name(UartKind kind) { return kind_names[static_cast<unsigned>(kind)]; }

std::string_view name(ConsoleChoice choice) {
  switch (choice) {
    case ConsoleChoice::stdout_path: return "stdout-path";
    case ConsoleChoice::earlycon: return "earlycon";
    case ConsoleChoice::argument: return "console argument";
    case ConsoleChoice::alias: return "alias";
    case ConsoleChoice::only_known: break;
  }
  return "first that is enabled";
}

std::optional<ConsoleNode> find_console_node(const Fdt& fdt, const FdtChosen& chosen) {
  // Some name a frame buffer.
  if (chosen.console && (chosen.console->is_enabled() || binding_of(*chosen.console) != nullptr) &&
      !chosen.console->is_compatible("simple-framebuffer")) {
    return ConsoleNode{*chosen.console, ConsoleChoice::stdout_path};
  }
  if (const auto node = named_by_earlycon(fdt, chosen.bootargs)) return ConsoleNode{*node, ConsoleChoice::earlycon};
  if (const auto node = named_by_argument(fdt, chosen.bootargs)) return ConsoleNode{*node, ConsoleChoice::argument};
  for (char digit = '0'; digit <= '9'; ++digit) {
    if (const auto node = serial_alias(fdt, digit)) return ConsoleNode{*node, ConsoleChoice::alias};
  }
  for (const FdtNode node : fdt.nodes()) {
    if (binding_of(node) != nullptr && node.is_enabled() && node.reg(0)) {
      return ConsoleNode{node, ConsoleChoice::only_known};
    }
  }
  return {};
}

std::optional<UartInfo> uart_of(const FdtNode& node) {
  const Binding* const binding = binding_of(node);
  const auto registers = node.reg(0);
  if (binding == nullptr || !registers || registers->empty()) return {};
  UartInfo uart{.kind = binding->kind, .registers = *registers};
  uart.irq = interrupt_of(node, uart.kind);
  const uint32_t width = node.u32("reg-io-width").value_or(binding->access_width);
  uart.access_width = width == 1 || width == 2 || width == 4 ? static_cast<uint8_t>(width) : 0;
  uart.register_shift = static_cast<uint8_t>(node.u32("reg-shift").value_or(binding->register_shift) & 7);
  // What a driver adds to its first register has to stay inside (8250.yaml).
  const uint64_t offset = node.u32("reg-offset").value_or(0);
  if (offset >= registers->size) return {};
  uart.registers.start += offset;
  uart.registers.size -= offset;
  return uart;
}

}  // namespace hal

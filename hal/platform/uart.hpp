// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/fdt.hpp"

// Which UART is the console, and what drives it.
namespace hal {

// One per set of registers, not per product: hal/driver/uart_families.cpp has them.
enum class UartKind : uint8_t {
  pl011,
  sbsa,        // the part of a PL011 that the Arm SBSA asks for
  ns16550,     // 16550A and most of what descends from it
  dw_apb,      // Synopsys's, with a busy state of its own
  bcm_mini,    // Broadcom's mini UART: a 16550's registers, but not its FIFO
  imx,         // i.MX since the i.MX6Q
  lpuart,      // NXP's LPUART with registers of 32 bits
  lpuart_le,   // the same without VERID to PINCFG in front of them
  lpuart_be,   // the same, big-endian
  lpuart8,     // its ancestor, with registers of 8 bits
  meson,       // Amlogic
  cadence,     // Xilinx Zynq and its successors
  samsung,     // Exynos
  mvebu,       // Armada 3700
  scif,        // Renesas SCIF of R-Car and RZ/G
  scif_close,  // the same with registers 2 bytes apart: RZ/G2L, RZ/V2H
  hscif,       // Renesas HSCIF: a longer FIFO
  msm_dm,      // Qualcomm UARTDM since v1.4
  geni,        // Qualcomm GENI serial engine
};
inline constexpr unsigned uart_kinds = static_cast<unsigned>(UartKind::geni) + 1;
[[nodiscard]] std::string_view name(UartKind kind);

struct UartInfo {
  UartKind kind = UartKind::pl011;
  HostPhysRange registers;
  uint32_t irq = 0;            // as the interrupt controller numbers it; 0: none, the UART is polled
  uint8_t register_shift = 0;  // 16550 and descendants: log2 of the distance between registers
  uint8_t access_width = 0;    // bytes per access where families leave that open; 0: as the family is accessed
};

// How a UART was found to be the console, the strongest reason first.
enum class ConsoleChoice : uint8_t {
  stdout_path,  // /chosen's stdout-path or linux,stdout-path
  earlycon,     // an address in /chosen's bootargs
  argument,     // console= in /chosen's bootargs, by an alias serialN
  alias,        // the serialN of the lowest N that is enabled
  only_known,   // the first enabled UART for which there is a driver
};
[[nodiscard]] std::string_view name(ConsoleChoice choice);

struct ConsoleNode {
  FdtNode node;
  ConsoleChoice choice = ConsoleChoice::stdout_path;
};

// The node that is the console, whether it is driven or not. Where nothing in the tree says so it is what Linux would
// take: the first of its serial ports.
[[nodiscard]] std::optional<ConsoleNode> find_console_node(const Fdt& fdt, const FdtChosen& chosen);

// What drives this node; nothing where no driver does, or its registers are nowhere.
[[nodiscard]] std::optional<UartInfo> uart_of(const FdtNode& node);

}  // namespace hal

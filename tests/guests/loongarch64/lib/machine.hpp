// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/base/fdt.hpp"
#include "hal/base/format.hpp"

// QEMU's `virt` machine, and so a Plinth VM: its map, its UART, and the device tree it hands over.
namespace guest {

inline constexpr uint64_t uart_base = 0x1fe0'01e0;
inline constexpr uint64_t power_register = 0x100e'001c;
inline constexpr uint64_t reset_register = 0x100e'001e;
inline constexpr uint64_t hole_base = 0x1200'0000;  // nothing is there on `virt`

// The UART, written and read by polling (16550).
class Uart final : public hal::TextSink {
 public:
  void put(std::string_view text) override;
  void put(char c);
  [[nodiscard]] bool has_input() const;
  // Waits for a typed character.
  [[nodiscard]] char get();
};
extern Uart uart;

// Print one line. Only the boot CPU prints.
template <class... Arguments>
void print(hal::Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
  hal::format(uart, pattern, arguments...);
  uart.put("\n");
}

// What the device tree says. `tree` is null when there is none that can be read.
struct Machine {
  const hal::Fdt* tree = nullptr;
  hal::HostPhysRange ram{};    // the bank that this binary is in
  std::string_view arguments;  // /chosen/bootargs, or else the command line
};
extern Machine machine;

// What firmware handed over, as start.S stores it.
struct Handover {
  uint64_t command_line;  // 0 is an address, too: QEMU's -kernel puts it there
  uint64_t system_table;
};

// Fill in `machine`; called first by guest_main(), with what that was given: the address of a Handover.
void read_machine(uint64_t handover);

// RAM that neither this binary nor the device tree occupies: from one MiB boundary on. Empty without a device tree.
[[nodiscard]] hal::HostPhysRange unused_ram();

[[noreturn]] void power_off();

}  // namespace guest

// Each guest defines it. Entered in the cached window with interrupts masked; returning powers off.
extern "C" void guest_main(uint64_t handover);

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/base/fdt.hpp"
#include "hal/base/format.hpp"

// QEMU's `virt` machine, and so a Plinth VM: its map, its UART, and the device tree it hands over.
namespace guest {

inline constexpr uint64_t gicd_base = 0x0800'0000;
inline constexpr uint64_t gicc_base = 0x0801'0000;
inline constexpr uint64_t gicr_base = 0x080a'0000;
inline constexpr uint64_t gicr_stride = 0x2'0000;
inline constexpr uint64_t uart_base = 0x0900'0000;
inline constexpr uint64_t rtc_base = 0x0901'0000;
inline constexpr uint64_t hole_base = 0x0b00'0000;  // nothing is there on `virt`
inline constexpr uint64_t ram_base = 0x4000'0000;
inline constexpr uint32_t uart_interrupt = 32 + 1;
inline constexpr uint32_t rtc_interrupt = 32 + 2;
inline constexpr uint32_t physical_timer_interrupt = 30;
inline constexpr uint32_t virtual_timer_interrupt = 27;

// The UART, written and read by polling (PL011 manual, ARM DDI 0183, section 3.3).
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
  hal::HostPhysRange ram{};
  std::string_view arguments;  // /chosen/bootargs
  unsigned gic = 0;            // 2, 3 or 0 for neither
};
extern Machine machine;

// Fill in `machine`; called first by guest_main().
void read_machine(uint64_t device_tree);

// RAM that neither this binary nor the device tree occupies, as far as our own map goes: from one MiB boundary on.
// Empty without a device tree.
[[nodiscard]] hal::HostPhysRange unused_ram();

[[noreturn]] void power_off();

}  // namespace guest

// Each guest defines it. Entered with the MMU on (identity map) and interrupts masked; returning powers off.
extern "C" void guest_main(uint64_t device_tree);

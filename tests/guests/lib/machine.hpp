// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/base/fdt.hpp"
#include "hal/base/format.hpp"
#include "map.hpp"  // of this architecture

// QEMU's `virt` machine, and so a Plinth VM: its map, its UART, and the device tree it hands over.
namespace guest {

// The UART, written and read by polling.
class Uart final : public hal::TextSink {
 public:
  void put(std::string_view text) override;
  void put(char c);
  [[nodiscard]] bool has_input() const;
  // Waits for a typed character.
  [[nodiscard]] char get();

 private:
  [[nodiscard]] static char take();
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
  std::string_view arguments;  // /chosen/bootargs, or else the command line where that is handed over
};
extern Machine machine;

// Fill in `machine`; called first by guest_main(), with what that was given (map.hpp).
void read_machine(uint64_t handover);

// RAM of this binary's bank that neither it nor the device tree occupies, as far as our own map goes: from one MiB
// boundary on. Empty without a device tree.
[[nodiscard]] hal::HostPhysRange unused_ram();

[[noreturn]] void power_off();

}  // namespace guest

// Each guest defines it. Entered with RAM mapped and cached, and interrupts masked; returning powers off.
extern "C" void guest_main(uint64_t handover);

// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/console.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>

#include "hal/driver/geni.hpp"
#include "hal/driver/uart.hpp"

namespace hal::driver {
namespace {
alignas(std::max(alignof(Uart),
                 alignof(Geni))) constinit std::array<std::byte, std::max(sizeof(Uart), sizeof(Geni))> storage{};
}  // namespace

ConsoleDevice* open_console(const UartInfo& uart, HostVirt registers) {
#ifdef PLINTH_UART_GENI
  if (uart.kind == UartKind::geni) return new (storage.data()) Geni(registers);
#endif
  const UartFamily* const family = family_of(uart.kind);
  return family == nullptr ? nullptr : new (storage.data()) Uart(*family, uart, registers);
}

}  // namespace hal::driver

// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/console.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>

#include "hal/driver/ns16550.hpp"
#include "hal/driver/pl011.hpp"

namespace hal::driver {
namespace {
alignas(std::max(alignof(Pl011),
                 alignof(Ns16550))) constinit std::array<std::byte, std::max(sizeof(Pl011), sizeof(Ns16550))> storage{};
}  // namespace

ConsoleDevice& open_console(const UartInfo& uart, HostVirt registers) {
  switch (uart.kind) {
    case UartKind::ns16550: return *new (storage.data()) Ns16550(registers, uart.register_shift);
    case UartKind::pl011: break;
  }
  return *new (storage.data()) Pl011(registers);
}

}  // namespace hal::driver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hal {

// Why a guest came to the hypervisor; the same words on every architecture.
enum class ExitClass : uint8_t {
  interrupt,  // a physical one, for the host or with a virtual one behind it
  idle,       // WFI, idle
  call,       // HVC, SMC, hvcl
  device,     // an emulated register
  memory,     // stage 2 said no, and no device was there
  registers,  // a trapped system register, CSR, IOCSR or CPUCFG
  fault,      // what is given back to the guest as a fault, and errors of the machine
  attention,  // no exit of its own: something was due before the guest could go on after another one
};
inline constexpr size_t exit_classes = 8;

[[nodiscard]] constexpr std::string_view name(ExitClass exit_class) {
  constexpr std::array<std::string_view, exit_classes> names{"interrupt", "idle",      "call",  "device",
                                                             "memory",    "registers", "fault", "attention"};
  return names[static_cast<size_t>(exit_class)];
}

}  // namespace hal

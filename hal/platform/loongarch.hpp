// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "hal/base/address.hpp"
#include "hal/base/fdt.hpp"

// What only a LoongArch machine has. Discovery is as portable as that of hal/platform/platform.hpp. Timer and IPIs are
// the CPU's own and need no description.
namespace hal {

// The extended I/O interrupt controller (loongson,eiointc.yaml). Its registers are in IOCSR space, at their architected
// place.
struct EiointcInfo {
  uint32_t cpu_line = 0;  // of ESTAT.IS, where it interrupts the CPU
};

// loongson,pch-pic.yaml: the bridge chip's controller, which sends its inputs on as vectors of the EIOINTC.
struct PchPicInfo {
  HostPhysRange registers;
  uint32_t base_vector = 0;  // of input 0
};

// loongson,liointc.yaml: the controller of the package's own devices. Its input n is interrupt liointc_base + n.
struct LioIntcInfo {
  HostPhysRange registers;
  uint32_t cpu_line = 0;  // of ESTAT.IS: HWI0 to HWI3
};

// A register that switches the machine (syscon-poweroff.yaml, syscon-reboot.yaml): write `value` to the bits of `mask`.
struct SwitchInfo {
  HostPhys place;
  unsigned width = 4;  // bytes: 1 or 4
  uint32_t value = 0;
  uint32_t mask = 0;
};

struct LoongArchPlatform {
  std::optional<EiointcInfo> eiointc;
  std::optional<PchPicInfo> pch_pic;
  std::optional<LioIntcInfo> liointc;
  std::optional<SwitchInfo> power_off;
  std::optional<SwitchInfo> reset;
};

// As discover_platform().
[[nodiscard]] LoongArchPlatform discover_loongarch(const Fdt& fdt);

}  // namespace hal

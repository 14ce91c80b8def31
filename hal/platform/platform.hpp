// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/fdt.hpp"
#include "hal/base/fixed.hpp"
#include "hal/base/result.hpp"
#include "hal/cpu_index.hpp"

// The machine as its device tree describes it. Discovery is portable code: it only reads the FDT, so it is tested on
// the host with the trees of machines we never saw.
namespace hal {

enum class UartKind : uint8_t { pl011, ns16550 };

struct UartInfo {
  UartKind kind = UartKind::pl011;
  HostPhysRange registers;
  uint32_t irq = 0;            // as the interrupt controller numbers it; 0: none, the UART is polled
  uint8_t register_shift = 0;  // ns16550: log2 of the distance between registers
};

struct CpuInfo {
  uint64_t hardware_id = 0;  // MPIDR affinity, or the LoongArch physical id
};

// Where the wall clock can be read.
enum class RtcKind : uint8_t { pl031, ls7a };

struct RtcInfo {
  RtcKind kind = RtcKind::pl031;
  HostPhysRange registers;
};

// What every machine has. What only those of one architecture have is in hal/platform/arm.hpp and loongarch.hpp.
struct Platform {
  std::array<char, 64> model_text{};
  [[nodiscard]] std::string_view model() const { return model_text.data(); }
  FixedVector<HostPhysRange, 32> memory;  // without what is reserved as `no-map`: nobody may map that
  // Never to be touched: reservations, /reserved-memory, the FDT itself. The initrd is not among them.
  FixedVector<HostPhysRange, 64> reserved;
  FixedVector<CpuInfo, max_cpus> cpus;  // enabled ones, in FDT order; the boot CPU first where it is known
  std::optional<HostPhysRange> initrd;
  std::optional<UartInfo> console;
  std::optional<RtcInfo> rtc;
  // All of them, whoever drives them: nothing for a guest's hands (see platform_use.hpp).
  FixedVector<HostPhysRange, 32> interrupt_controllers;
  FixedVector<HostPhysRange, 16> iommus;
  FixedVector<HostPhysRange, 4> power_switches;  // that switch the machine off, or reset it
  bool lists_are_complete = true;
  FixedVector<std::byte, 64> random_seed;  // that the firmware left, all that fits; empty: none
};

// Read everything out of a validated tree; nothing in the result points into it. `fdt_place` is reserved too. What the
// tree does not say, or says wrongly, is left at its default: the user of a field decides whether the machine can run
// without it. `memory`, where it is not empty, is RAM as firmware counted it when it left: then what the tree says of it is
// not asked, but what must not be mapped still is taken out.
[[nodiscard]] Platform discover_platform(const Fdt& fdt, HostPhysRange fdt_place,
                                         std::span<const HostPhysRange> memory = {});

// CPU 0 is the one that booted, whatever its place in the tree, and though the tree may not know it or call it
// disabled: it runs. The others keep their order.
void number_boot_cpu_first(Platform& platform, uint64_t hardware_id);

}  // namespace hal

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
#include "hal/platform/uart.hpp"

// The machine as its device tree describes it. Discovery is portable code: it only reads the FDT, so it is tested on
// the host with the trees of machines we never saw.
namespace hal {

// How a CPU that firmware keeps is brought to us (the CPU nodes' `enable-method`).
enum class StartMethod : uint8_t {
  firmware,    // by a call: PSCI on Arm
  spin_table,  // it polls `release` for an address to jump to (Linux: Documentation/arch/arm64/booting)
  unknown,     // some other way, which we do not know
};

struct CpuInfo {
  uint64_t hardware_id = 0;  // MPIDR affinity, or the LoongArch physical id
  StartMethod start = StartMethod::firmware;
  HostPhys release{};  // spin_table
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
  FixedVector<HostPhysRange, 128> memory;  // without what is reserved as `no-map`: nobody may map that
  // Never to be touched: reservations, /reserved-memory, the FDT itself. The initrd is not among them.
  FixedVector<HostPhysRange, 128> reserved;
  FixedVector<CpuInfo, max_cpus> cpus;  // enabled ones, in FDT order; the boot CPU first where it is known
  unsigned cpus_left_out = 0;           // enabled, but more than `cpus` holds
  HostPhysRange tree;  // the device tree itself, for who looks for more; empty where firmware gave ACPI tables
  std::optional<HostPhysRange> initrd;
  std::optional<UartInfo> console;
  std::optional<RtcInfo> rtc;
  // All of them, whoever drives them: nothing for a guest's hands (see platform_use.hpp).
  FixedVector<HostPhysRange, 32> interrupt_controllers;
  FixedVector<HostPhysRange, 16> iommus;
  FixedVector<HostPhysRange, 4> power_switches;  // that switch the machine off, or reset it
  bool lists_are_cut = false;  // there is more that has no room in them, or that nobody tells
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

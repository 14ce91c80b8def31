// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/aarch64/regs/gic.hpp"
#include "hal/base/address.hpp"
#include "hal/cpu_index.hpp"
#include "hal/platform/arm.hpp"

// The physical interrupt controller, version 2 or 3. Interrupts end in two steps (EOImode = 1): the priority drop
// happens when we have taken one, deactivation by us, or by the guest that it was handed to.
namespace arch::gic {

enum class SetupError : uint8_t {
  none,
  no_memory,
  no_redistributor,
  no_system_registers,
};

// Map the registers and reset the distributor; boot CPU, once. `info` has no fault (hal::fault_of()).
[[nodiscard]] SetupError set_up(const hal::GicInfo& info);
// This CPU's part: redistributor, CPU interface, its private interrupts. `hardware_id` is the CPU's affinity.
[[nodiscard]] SetupError set_up_cpu(hal::CpuIndex cpu, uint64_t hardware_id);

// Leave it alone from now on: it cannot serve this machine.
void abandon();

// 0: not set up, or abandoned.
[[nodiscard]] unsigned version();
// Is it a product, by GICD_IIDR, and not an emulator's model?
[[nodiscard]] bool names_a_product();

// Ours are IPIs and the hypervisor's timer. What a guest can raise (its timer, its maintenance interrupt) never keeps
// them waiting, however it goes about it.
enum class Rank : uint8_t { ours = 0x80, guests = 0xa0 };
// Let a private interrupt of the executing CPU, number `cpu`, through.
void enable_private(hal::CpuIndex cpu, uint32_t intid, Rank rank);
// Active means: cannot be taken again until it is made inactive. Executing CPU's private interrupts only.
void set_private_active(uint32_t intid, bool active);

// One interrupt of this CPU, as GICC_IAR gives it (in version 2 with the source of an SGI); spurious if there is none.
[[nodiscard]] uint32_t acknowledge();
void drop_priority(uint32_t acknowledged);
void deactivate(uint32_t acknowledged);
[[nodiscard]] constexpr uint32_t intid_of(uint32_t acknowledged) { return acknowledged & 0xffffff; }

// Where the virtual CPU interface registers of version 2 are mapped.
[[nodiscard]] hal::HostVirt hypervisor_interface();
// The first page of GICV, followed by the second.
[[nodiscard]] hal::HostPhys virtual_cpu_interface();

}  // namespace arch::gic

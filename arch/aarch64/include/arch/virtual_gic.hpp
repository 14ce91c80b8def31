// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/address.hpp"

// The executing CPU's virtual CPU interface (IHI 0069 12.4; version 2: IHI 0048B 5.3). Both keep the contract
// ListRegisters of vmm/irq/vgic/list_registers.hpp, whose values all have the layouts of version 3.
namespace arch {

class Vcpu;
struct GuestFrame;

// Interrupts that belong to the guest whose registers this CPU holds. The board of a VM defines them; as for the
// functions of hal/upcall.hpp, interrupts are masked and no lock is held.
namespace upcall {
// The guest's virtual timer reached its deadline. Its interrupt stays active until the guest deactivates it; true: the
// callee is done with it.
[[nodiscard]] bool guest_timer_expired();
// The CPU interface wants service (list registers ran empty, or an end of interrupt).
void guest_interrupt_maintenance();
// The CPU's performance monitors ask for their interrupt; and what becomes of it: that of `vcpu`, a level.
void guest_counters_overflowed();
void guest_pmu_interrupt(Vcpu& vcpu, bool level);
// A trapped write of ICC_SGI1R_EL1, on a machine with GICv3.
void guest_sends_sgi(Vcpu& vcpu, uint64_t value);
// A trapped access of A64 code to CNTP_CTL_EL0, all of it: the exit of a guest that uses this timer is little else.
void guest_accesses_physical_timer_control(GuestFrame& frame, unsigned reg, bool read);
}  // namespace upcall

struct TimerInterrupt {
  // Is the line of the loaded guest's virtual timer high now?
  static bool timer_line();
  static void set_timer_active(bool active);
};

struct ListRegistersV3 : TimerInterrupt {
  static constexpr bool ends_timer() { return true; }
  static unsigned count();
  static unsigned preemption_bits();
  static bool traps_dir();
  static uint32_t implemented();
  static uint64_t read(unsigned n);
  static void write(unsigned n, uint64_t lr);
  static uint32_t empty();
  static uint32_t misr();
  static uint32_t hcr();
  static void set_hcr(uint32_t word);
  static uint32_t vmcr();
  static void set_vmcr(uint32_t word);
  template <class ActivePriorities>
  static void read_active_priorities(ActivePriorities& saved) {
    read_active(saved.group0, saved.group1);
  }
  template <class ActivePriorities>
  static void write_active_priorities(const ActivePriorities& loaded) {
    write_active(loaded.group0, loaded.group1);
  }

 private:
  using Words = std::array<uint32_t, 4>;
  static void read_active(Words& group0, Words& group1);
  static void write_active(const Words& group0, const Words& group1);
};

struct ListRegistersV2 : TimerInterrupt {
  static bool ends_timer();
  static unsigned count();
  static unsigned preemption_bits() { return 5; }
  static bool traps_dir() { return true; }
  static uint32_t implemented() { return 0; }
  static uint64_t read(unsigned n);
  static void write(unsigned n, uint64_t lr);
  static uint32_t empty();
  static uint32_t misr();
  static uint32_t hcr();
  static void set_hcr(uint32_t word);
  static uint32_t vmcr();
  static void set_vmcr(uint32_t word);
  template <class ActivePriorities>
  static void read_active_priorities(ActivePriorities& saved) {
    saved = {};
    saved.group0[0] = active_priorities();
  }
  template <class ActivePriorities>
  static void write_active_priorities(const ActivePriorities& loaded) {
    set_active_priorities(loaded.group0[0]);
  }

 private:
  static uint32_t active_priorities();
  static void set_active_priorities(uint32_t word);
};

// What the host has.
[[nodiscard]] unsigned gic_version();
// Version 2: the page that a guest sees as its CPU interface.
[[nodiscard]] hal::HostPhys gic_virtual_cpu_interface();
// INTID of the physical interrupt behind guests' virtual timers.
[[nodiscard]] uint32_t guest_timer_irq();
// Do all CPUs have a PMU that guests can have, and does it interrupt?
[[nodiscard]] bool guest_pmu_is_offered();
[[nodiscard]] bool guest_pmu_interrupts();

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstdint>

#include "arch/aarch64/regs/gic.hpp"

namespace vmm::vgic {

// ICH_AP0R<n>_EL2 and ICH_AP1R<n>_EL2; version 2 has only group0[0] (GICH_APR).
struct ActivePriorities {
  std::array<uint32_t, 4> group0{};
  std::array<uint32_t, 4> group1{};

  friend bool operator==(const ActivePriorities&, const ActivePriorities&) = default;
};

inline constexpr unsigned max_list_registers = 16;

// The executing CPU's virtual CPU interface: system registers ICH_*_EL2 of version 3, or the GICH frame of version 2.
// All values have the layouts of version 3 (arch::gic::ich_*); a version 2 implementation converts list registers with
// gich::encode_lr() and decode_lr(). All functions are static and act on the executing CPU.
template <class L>
concept ListRegisters = requires(unsigned n, uint64_t lr, uint32_t word, ActivePriorities& saved,
                                 const ActivePriorities& loaded, bool active) {
  // Number of list registers in use, 1 to max_list_registers; the same on every CPU.
  { L::count() } -> std::convertible_to<unsigned>;
  // Bits of preemption level, 5 to 7 (ICH_VTR_EL2.PREbits + 1).
  { L::preemption_bits() } -> std::convertible_to<unsigned>;
  // Does ICH_HCR_EL2.TDIR trap writes of ICC_DIR_EL1? If not, ICH_HCR_EL2.TC does, and with them ICC_CTLR_EL1,
  // ICC_PMR_EL1 and ICC_RPR_EL1. Version 2: true, the page that holds GICC_DIR is not mapped.
  { L::traps_dir() } -> std::convertible_to<bool>;
  // What a guest reads of ICC_CTLR_EL1 but for CBPR and EOImode. Version 2 has no such register.
  { L::implemented() } -> std::same_as<uint32_t>;
  { L::read(n) } -> std::same_as<uint64_t>;
  { L::write(n, lr) } -> std::same_as<void>;
  // ICH_ELRSR_EL2: list registers whose state is invalid and that owe no EOI maintenance interrupt.
  { L::empty() } -> std::same_as<uint32_t>;
  // ICH_MISR_EL2: why the maintenance interrupt is asserted; 0: it is not.
  { L::misr() } -> std::same_as<uint32_t>;
  { L::hcr() } -> std::same_as<uint32_t>;
  { L::set_hcr(word) } -> std::same_as<void>;
  { L::vmcr() } -> std::same_as<uint32_t>;
  { L::set_vmcr(word) } -> std::same_as<void>;
  { L::read_active_priorities(saved) } -> std::same_as<void>;
  { L::write_active_priorities(loaded) } -> std::same_as<void>;
  // Does the guest's end of an interrupt that is tied to a physical one (HW = 1) let that one fire again at once, if its
  // line is still high? So it must be (6.2.1; v2 5.2.3), and where it is not, the timer's interrupt is not tied.
  { L::ends_timer() } -> std::convertible_to<bool>;
  // The physical interrupt behind the guest's virtual timer, on this CPU: is its line high as the device drives it now
  // (CNTV_CTL_EL0: enabled, not masked, ISTATUS set)? The timer of the vCPU in question is loaded.
  { L::timer_line() } -> std::same_as<bool>;
  // Make that physical interrupt active (it cannot fire) or inactive in the physical distributor or redistributor.
  { L::set_timer_active(active) } -> std::same_as<void>;
};

}  // namespace vmm::vgic

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/lock.hpp"
#include "vmm/mmio.hpp"

namespace vmm::vgic {

using IntId = uint32_t;

// The state of 32 interrupts, in the shape of the distributor's registers: one bit each in a word, one byte each for a
// priority. Bank 0 exists once per vCPU (SGIs and PPIs), banks 1 and up once per VM (SPIs).
//
// While an interrupt sits in a list register ("held"), that register has the truth about pending and active; the model
// has it again once the holder folds the register back. Until then `active` and `held_pending` are what was last known.
//
// `lock` guards everything here. Locks of banks are never nested.
struct Bank {
  hal::SpinLock lock{hal::LockRank::vgic_distributor};

  uint32_t enabled = 0;
  uint32_t group1 = 0;  // else group 0
  uint32_t edge = 0;    // else level-sensitive
  uint32_t line = 0;   // inputs as the devices drive them; for the timer's PPI: the physical interrupt is active for us
  uint32_t latch = 0;  // pending by edge, by software or by SGI
  uint32_t active = 0;
  uint32_t held = 0;          // in a list register of some vCPU
  uint32_t held_pending = 0;  // of those: put there, or last seen, as pending

  // What another vCPU than the holder wrote about held interrupts; the holder obeys when it folds.
  uint32_t drop_pending = 0;
  uint32_t drop_active = 0;
  uint32_t make_active = 0;

  std::array<uint8_t, 32> priority{};

  // Pending as the registers show it.
  [[nodiscard]] uint32_t pending() const { return latch | (line & ~edge) | (held & held_pending & ~drop_pending); }
  [[nodiscard]] uint32_t shown_active() const { return (active & ~(held & drop_active)) | (held & make_active); }
  // Wants to be in a list register as pending. `groups` comes from enabled_groups().
  [[nodiscard]] uint32_t ready(uint32_t ctlr) const {
    return enabled & (latch | (line & ~edge)) & in_enabled_group(ctlr);
  }
  // Interrupts whose group GICD_CTLR forwards; bit 0 of `ctlr` is group 0, bit 1 is group 1.
  [[nodiscard]] uint32_t in_enabled_group(uint32_t ctlr) const {
    return ((ctlr & 1) != 0 ? ~group1 : 0) | ((ctlr & 2) != 0 ? group1 : 0);
  }
};

// A bank of shared interrupts adds who they are for.
struct SpiBank : Bank {
  // The vCPU that gets the interrupt now, `no_vcpu` when the guest names one that does not exist.
  std::array<uint8_t, 32> target{};
  // The vCPU that holds or has activated it; meaningful where `held` or `active` is set.
  std::array<uint8_t, 32> holder{};
  // Version 3: affinity 3.2.1.0 as written to GICD_IROUTER. Version 2: the byte of GICD_ITARGETSR.
  std::array<uint32_t, 32> route{};
  uint32_t any_vcpu = 0;  // GICD_IROUTER.IRM
};

inline constexpr uint8_t no_vcpu = 0xff;

}  // namespace vmm::vgic

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/lock.hpp"
#include "vmm/mmio.hpp"

namespace vmm::vgic {

using IntId = uint32_t;

inline constexpr uint8_t no_vcpu = 0xff;

// Five bits of priority, as every implementation has at least (section 4.8).
inline constexpr uint8_t priority_mask = 0xf8;

// The state of 32 interrupts, in the shape of the distributor's registers: one bit each in a word, one byte each for a
// priority. Bank 0 exists once per vCPU (SGIs and PPIs), banks 1 and up once per VM (SPIs).
//
// While an interrupt sits in a list register ("held"), that register has the truth about pending and active; the model
// has it again once the holder folds the register back. Until then `active` and `held_pending` are what was last known.
//
//     pending in the model --claim--> held --guest acknowledges, ends--> register found empty: forgotten
//                                      \---fold---> pending and active in the model again
//
// `lock` guards everything here. Locks of banks are never nested.
struct Bank {
  hal::SpinLock lock{hal::LockRank::vgic_distributor};
  uint8_t number = 0;       // INTIDs 32 * number and up; does not change
  uint8_t owner = no_vcpu;  // whose private bank it is; does not change

  uint32_t enabled = 0;
  uint32_t group1 = 0;  // else group 0
  uint32_t edge = 0;    // else level-sensitive
  // Inputs as the devices drive them; the virtual timer's is sampled when it matters.
  uint32_t line = 0;
  uint32_t latch = 0;  // pending by an edge, by software, or as an SGI
  uint32_t active = 0;
  uint32_t taken = 0;  // of the active ones: by the guest's acknowledge, so that its end is to come; else by software
  uint32_t held = 0;
  uint32_t held_pending = 0;

  // Held ones that the holder is to read back, because somebody changed them, and what else it is told to do then.
  uint32_t recalled = 0;
  uint32_t drop_pending = 0;
  uint32_t drop_active = 0;
  uint32_t make_active = 0;

  std::array<uint8_t, 32> priority{};

  [[nodiscard]] bool is_private() const { return number == 0; }
  [[nodiscard]] bool is_shared() const { return number != 0; }
  // INTIDs 1020 to 1023 are special.
  [[nodiscard]] uint32_t existing() const { return number == 31 ? 0x0fff'ffff : ~0u; }

  // As GICD_ISPENDR and GICD_ISACTIVER show them.
  [[nodiscard]] uint32_t shown_pending() const {
    return latch | (line & ~edge) | (held & held_pending & ~drop_pending);
  }
  [[nodiscard]] uint32_t shown_active() const { return (active & ~(held & drop_active)) | (held & make_active); }

  // Interrupts whose group is forwarded; `ctlr` is GICD_CTLR with its two group enables.
  [[nodiscard]] uint32_t in_enabled_group(uint32_t ctlr) const {
    return ((ctlr & 1) != 0 ? ~group1 : 0) | ((ctlr & 2) != 0 ? group1 : 0);
  }
  // Allowed to the CPU interface when pending.
  [[nodiscard]] uint32_t forwarded(uint32_t ctlr) const {
    return enabled & in_enabled_group(ctlr) & ~(active & ~taken);
  }
  // And pending in the model.
  [[nodiscard]] uint32_t ready(uint32_t ctlr) const { return forwarded(ctlr) & (latch | (line & ~edge)); }
  // The list register is known to be empty: the guest has dealt with what was in it.
  void forget(uint32_t bits) PLINTH_REQUIRES(lock) {
    latch &= ~(bits & held_pending & ~edge);
    active &= ~bits;
    taken &= ~bits;
    held &= ~bits;
    held_pending &= ~bits;
    if ((recalled & bits) == 0) return;
    active |= bits & make_active;
    recalled &= ~bits;
    drop_pending &= ~bits;
    drop_active &= ~bits;
    make_active &= ~bits;
  }
  void reset(uint32_t edge_triggered) PLINTH_REQUIRES(lock) {
    enabled = group1 = line = latch = active = taken = held = held_pending = recalled = drop_pending = drop_active =
        make_active = 0;
    edge = edge_triggered;
    priority.fill(0);
  }
};

// A bank of shared interrupts adds who they are for.
struct SpiBank : Bank {
  // The vCPU that gets the interrupt now; `no_vcpu` where the guest named one that does not exist.
  std::array<uint8_t, 32> target{};
  // The vCPU that holds or has taken it; meaningful where `held` or `taken` is set.
  std::array<uint8_t, 32> holder{};
  // Version 3: affinity 3.2.1.0 as written to GICD_IROUTER. Version 2: the byte of GICD_ITARGETSR.
  std::array<uint32_t, 32> route{};
  uint32_t any_vcpu = 0;  // GICD_IROUTER.IRM
};

[[nodiscard]] inline SpiBank& shared(Bank& bank) { return static_cast<SpiBank&>(bank); }

}  // namespace vmm::vgic

// SPDX-License-Identifier: Apache-2.0
// A CPU with a virtual CPU interface, as IHI 0069 describes it: list registers on the hypervisor's side, acknowledge
// and end on the guest's. Strict: it stops the test when the hypervisor breaks a rule that real hardware answers with
// UNPREDICTABLE.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "vmm/irq/vgic/list_registers.hpp"

namespace fakes {

struct VirtualCpu {
  unsigned lr_count = 4;
  std::array<uint64_t, vmm::vgic::max_list_registers> lr{};
  uint32_t hcr = 0;
  uint32_t vmcr = 0;
  vmm::vgic::ActivePriorities active_priorities{};
  bool timer_line = false;    // as the timer drives it
  bool timer_active = false;  // in the physical redistributor
  bool runs = false;          // a vCPU is loaded
  bool ends_timer = true;     // or a tied interrupt's end deactivates the physical one, and it stays silent all the same
  bool timer_deaf = false;    // that has happened
  bool traps_dir = true;      // without what is common to both groups
  bool stuck = false;         // broken: the maintenance interrupt stays, whatever is asked for
  bool given_up = false;      // the hypervisor said that it stays
  unsigned lr_writes = 0;
  unsigned lr_reads = 0;

  static constexpr unsigned preemption_bits = 5;
  static constexpr uint32_t implemented = 4 << 8 | 1 << 11 | 1 << 15;  // 5 priority bits, 24 of INTID, A3V

  // --- The guest's side ---

  // The list register that would be signalled, or none.
  [[nodiscard]] std::optional<unsigned> signalled() const {
    namespace v = arch::gic::ich_vmcr;
    namespace l = arch::gic::ich_lr;
    if (!arch::gic::ich_hcr::En::is_set(hcr)) return std::nullopt;
    std::optional<unsigned> best;
    for (unsigned n = 0; n < lr_count; ++n) {
      const bool group1 = l::Group::is_set(lr[n]);
      if (l::State::get(lr[n]) != 1 || !(group1 ? v::VENG1::is_set(vmcr) : v::VENG0::is_set(vmcr))) continue;
      if (!best || l::Priority::get(lr[n]) < l::Priority::get(lr[*best])) best = n;
    }
    if (!best) return std::nullopt;
    const auto priority = static_cast<unsigned>(l::Priority::get(lr[*best]));
    if (priority >= v::VPMR::get(vmcr) || group_priority(lr[*best]) >= running_priority()) return std::nullopt;
    return best;
  }
  [[nodiscard]] bool irq() const { return signalled().has_value(); }

  // ICC_IAR<n>_EL1 of whichever group is signalled; GICC_IAR adds the source of an SGI from bit 10 on.
  uint32_t acknowledge(bool v2 = false) {
    namespace l = arch::gic::ich_lr;
    const auto n = signalled();
    if (!n) return arch::gic::spurious;
    uint64_t& reg = lr[*n];
    const auto intid = static_cast<uint32_t>(l::VINTID::get(reg));
    const unsigned level = group_priority(reg) >> (8 - preemption_bits);
    auto& words = l::Group::is_set(reg) ? active_priorities.group1 : active_priorities.group0;
    words[level / 32] |= 1u << level % 32;
    reg = l::State::set(reg, intid >= arch::gic::first_lpi ? 0 : 2);
    const bool sgi = intid < arch::gic::sgi_count && v2;
    return intid | (sgi ? static_cast<uint32_t>(l::SourceCpu::get(reg)) << 10 : 0);
  }

  // ICC_EOIR<n>_EL1.
  void end(uint32_t intid) {
    for (unsigned word = 0; word < 4; ++word) {
      const uint32_t both = active_priorities.group0[word] | active_priorities.group1[word];
      if (both == 0) continue;
      const uint32_t bit = both & -both;
      uint32_t& owner =
          (active_priorities.group0[word] & bit) != 0 ? active_priorities.group0[word] : active_priorities.group1[word];
      owner &= ~bit;
      break;
    }
    if (!arch::gic::ich_vmcr::VEOIM::is_set(vmcr)) deactivate(intid & 0x3ff, intid >= arch::gic::first_lpi);
  }

  [[nodiscard]] unsigned running_priority() const {
    for (unsigned word = 0; word < 4; ++word) {
      const uint32_t both = active_priorities.group0[word] | active_priorities.group1[word];
      if (both != 0) return (word * 32 + static_cast<unsigned>(std::countr_zero(both))) << (8 - preemption_bits);
    }
    return 0x100;
  }

  // --- The hypervisor's maintenance interrupt, ICH_MISR_EL2 ---

  [[nodiscard]] bool maintenance() const {
    namespace h = arch::gic::ich_hcr;
    namespace v = arch::gic::ich_vmcr;
    if (!h::En::is_set(hcr)) return false;
    if (stuck) return true;
    bool any_pending = false;
    unsigned valid = 0;
    for (unsigned n = 0; n < lr_count; ++n) {
      if (owes_eoi(lr[n])) return true;
      any_pending |= arch::gic::ich_lr::State::get(lr[n]) == 1;
      valid += arch::gic::ich_lr::State::get(lr[n]) != 0 ? 1 : 0;
    }
    return (h::UIE::is_set(hcr) && valid <= 1) || (h::NPIE::is_set(hcr) && !any_pending) ||
           (h::LRENPIE::is_set(hcr) && h::EOIcount::get(hcr) != 0) ||
           (h::VGrp0EIE::is_set(hcr) && v::VENG0::is_set(vmcr)) ||
           (h::VGrp1EIE::is_set(hcr) && v::VENG1::is_set(vmcr)) ||
           (h::VGrp0DIE::is_set(hcr) && !v::VENG0::is_set(vmcr)) ||
           (h::VGrp1DIE::is_set(hcr) && !v::VENG1::is_set(vmcr));
  }

  // The physical timer interrupt: does it fire? Acknowledging it makes it active.
  [[nodiscard]] bool timer_fires() const { return timer_line && !timer_active && !timer_deaf; }

  [[nodiscard]] static bool owes_eoi(uint64_t reg) {
    namespace l = arch::gic::ich_lr;
    return l::State::get(reg) == 0 && !l::HW::is_set(reg) && l::EOI::is_set(reg);
  }

  void check() const {
    namespace l = arch::gic::ich_lr;
    for (unsigned a = 0; a < lr_count; ++a) {
      const auto state = l::State::get(lr[a]);
      if (state == 3 && l::HW::is_set(lr[a])) stop("a hardware interrupt is pending and active");
      for (unsigned b = a + 1; b < lr_count; ++b) {
        if (state != 0 && l::State::get(lr[b]) != 0 && l::VINTID::get(lr[a]) == l::VINTID::get(lr[b])) {
          stop("two list registers hold the same interrupt");
        }
      }
    }
  }

 private:
  [[noreturn]] static void stop(const char* why) {
    std::fprintf(stderr, "virtual CPU interface: %s\n", why);
    std::abort();
  }
  [[nodiscard]] unsigned group_priority(uint64_t reg) const {
    namespace v = arch::gic::ich_vmcr;
    namespace l = arch::gic::ich_lr;
    const bool own_point = l::Group::is_set(reg) && !v::VCBPR::is_set(vmcr);
    const auto bits = static_cast<unsigned>(own_point ? v::VBPR1::get(vmcr) : v::VBPR0::get(vmcr) + 1);
    return static_cast<unsigned>(l::Priority::get(reg) & ~hal::low_mask(bits));
  }
  void deactivate(uint32_t intid, bool lpi) {
    namespace l = arch::gic::ich_lr;
    if (lpi) return;
    for (unsigned n = 0; n < lr_count; ++n) {
      if (!l::Active::is_set(lr[n]) || l::VINTID::get(lr[n]) != intid) continue;
      lr[n] &= ~l::Active::mask;
      if (l::HW::is_set(lr[n])) timer_active = false, timer_deaf = !ends_timer && timer_line;
      return;
    }
    hcr = static_cast<uint32_t>(arch::gic::ich_hcr::EOIcount::set(hcr, arch::gic::ich_hcr::EOIcount::get(hcr) + 1));
  }
};

// The CPU that this thread is; the hypervisor's access to it.
struct ListRegisters {
  static inline thread_local VirtualCpu* cpu = nullptr;

  static unsigned count() { return cpu->lr_count; }
  static unsigned preemption_bits() { return VirtualCpu::preemption_bits; }
  static bool traps_dir() { return cpu->traps_dir; }
  static uint32_t implemented() { return VirtualCpu::implemented; }
  static uint64_t read(unsigned n) {
    ++cpu->lr_reads;
    return cpu->lr[n];
  }
  static void write(unsigned n, uint64_t value) {
    if (n >= cpu->lr_count) std::abort();
    ++cpu->lr_writes;
    cpu->lr[n] = value;
    cpu->check();
  }
  static uint32_t empty() {
    uint32_t result = 0;
    for (unsigned n = 0; n < cpu->lr_count; ++n) {
      if (arch::gic::ich_lr::State::get(cpu->lr[n]) == 0 && !VirtualCpu::owes_eoi(cpu->lr[n])) result |= 1u << n;
    }
    return result;
  }
  static uint32_t misr() { return cpu->maintenance() ? 1 : 0; }
  static uint32_t hcr() { return cpu->hcr; }
  static void set_hcr(uint32_t value) { cpu->hcr = value; }
  static uint32_t vmcr() { return cpu->vmcr; }
  static void set_vmcr(uint32_t value) { cpu->vmcr = value; }
  static void read_active_priorities(vmm::vgic::ActivePriorities& saved) { saved = cpu->active_priorities; }
  static void write_active_priorities(const vmm::vgic::ActivePriorities& loaded) { cpu->active_priorities = loaded; }
  static bool ends_timer() { return cpu->ends_timer; }
  static bool timer_line() { return cpu->timer_line; }
  static void set_timer_active(bool active) { cpu->timer_active = active, cpu->timer_deaf = false; }
};
static_assert(vmm::vgic::ListRegisters<ListRegisters>);

}  // namespace fakes

// SPDX-License-Identifier: Apache-2.0
// Between the model and the list registers of the CPU that runs a vCPU. A template over the kind of hardware; the
// result is one table of functions, cpu_interface<L>.
//
//     claim:   an interrupt that is ready in the model goes into a list register, and is "held"
//     forget:  a list register was found empty: the guest has ended that interrupt
//     fold:    a list register is read back; what was in it is the model's again
//     recall:  what others ask for when they change something held: fold that one, then claim it again if it is still
//     ready
//
// flush() does just what is new: it folds what was recalled and claims what is ready into free registers. Only if those
// do not suffice, everything is folded, and refill() claims the most urgent.
//
// More interrupts than list registers: pending ones go first, by priority, then active ones. Pending ones left out come
// in when no listed one is pending (ICH_HCR_EL2.NPIE). For active ones left out the CPU interface counts the guest's
// EOIs (EOIcount, LRENPIE); they are ended in the order of their priorities, the only one in which EOIs can come.
// Writes of ICC_DIR_EL1 always trap. Section 6.2 of IHI 0069.
#pragma once

#include <array>

#include "vmm/irq/vgic/listing.hpp"
#include "vmm/irq/vgic/model.hpp"

namespace vmm::vgic {

template <ListRegisters L>
class Sync {
  using One = Listing<L>;

 public:
  static void load(Model& m, CpuContext& cpu) {
    cpu.loaded = true;
    cpu.eligible.store(true, std::memory_order_relaxed);
    cpu.registers = L::count() < max_list_registers ? L::count() : max_list_registers;
    cpu.base_hcr = static_cast<uint32_t>(ich::ich_hcr::En::mask | (L::traps_dir() ? ich::ich_hcr::TDIR::mask : ich::ich_hcr::TC::mask));
    cpu.hcr = 0;
    L::set_vmcr(cpu.vmcr);
    L::write_active_priorities(cpu.active_priorities);
    {
      const hal::LockGuard guard(cpu.bank.lock);
      // Either the guest has yet to end what its timer began, or the timer ran out while it was away.
      One::sample_timer(m, cpu);
      const bool taken = cpu.timer_owned && (cpu.bank.taken & m.timer_bit()) != 0;
      cpu.timer_owned = taken || (cpu.bank.line & m.timer_bit()) != 0;
      if (cpu.timer_owned) L::set_timer_active(true);
    }
    cpu.work.exchange(0, std::memory_order_acquire);
    refill(m, cpu);
  }

  static void save(Model& m, CpuContext& cpu) {
    fold_all(m, cpu);
    cpu.vmcr = L::vmcr();
    L::read_active_priorities(cpu.active_priorities);
    L::set_hcr(0);
    cpu.loaded = false;
    const hal::LockGuard guard(cpu.bank.lock);
    // The physical interrupt belongs to whoever runs here next. `timer_owned` stays for load() to see.
    if (cpu.timer_owned) L::set_timer_active(false);
    cpu.bank.line &= ~m.timer_bit();
  }

  static void flush(Model& m, CpuContext& cpu) {
    const uint32_t work = cpu.work.exchange(0, std::memory_order_acquire);
    const bool simple = (work & CpuContext::recall) == 0 && !cpu.overflow && cpu.hcr == cpu.base_hcr;
    if (simple && !cpu.has_shared_work() && add_one(m, cpu)) return;
    flush_all(m, cpu, work);
  }

  // The guest's timer interrupt was taken and is active. A guest that ends it first and then masks its timer has made it
  // fire once more; if the line is low by now, that is all.
  static void timer_fired(Model& m, CpuContext& cpu) {
    const hal::LockGuard guard(cpu.bank.lock);
    const uint32_t bit = m.timer_bit();
    cpu.timer_owned = true;
    // It can fire only when it is not active: an older one in a list register has been ended.
    cpu.timer_linked = false;
    One::sample_timer(m, cpu);
    if ((cpu.bank.line & bit) == 0) return One::disown_timer(cpu);
    if ((cpu.bank.forwarded(m.groups()) & bit) == 0) return;
    if (One::put_again(cpu, m.config.timer_ppi, One::timer_tie(m))) {
      cpu.timer_linked = L::ends_timer();
      return;
    }
    cpu.bank.recalled |= bit & cpu.bank.held;
    cpu.work.fetch_or(CpuContext::add | CpuContext::recall, std::memory_order_relaxed);
  }

  // An SGI to itself, version 3.
  [[nodiscard]] static bool send_self(Model& m, CpuContext& cpu, unsigned sgi) {
    const hal::LockGuard guard(cpu.bank.lock);
    const uint32_t bit = 1u << sgi;
    const bool forwarded = (cpu.bank.forwarded(m.groups()) & bit) != 0;
    if (forwarded && One::put_again(cpu, sgi, 0)) return true;
    cpu.bank.latch |= bit;
    if (forwarded) cpu.work.fetch_or(CpuContext::add, std::memory_order_relaxed);
    return !forwarded;
  }

  [[nodiscard]] static bool is_quiet(const CpuContext& cpu) {
    if (cpu.has_work() || cpu.overflow || cpu.has_shared_work() || cpu.shared_used != 0) return false;
    return (cpu.used & ~L::empty()) == 0;
  }

  // At once, so that the condition is gone before the physical interrupt is ended. One that stays would be taken again
  // and again: false, with the CPU interface switched off.
  [[nodiscard]] static bool maintenance(Model& m, CpuContext& cpu) {
    const uint32_t work = cpu.work.exchange(0, std::memory_order_acquire);
    const uint32_t empty = L::empty();
    for (uint32_t left = cpu.used & ~empty; left != 0; left &= left - 1) {
      // Ended, and owing the interrupt that we are serving: not empty until it is written.
      const auto n = static_cast<unsigned>(std::countr_zero(left));
      if (ich::ich_lr::State::get(L::read(n)) == 0) L::write(n, 0);
    }
    flush_all(m, cpu, work);
    // With work left, what is listed is not what will be.
    if (L::misr() == 0 || cpu.has_work()) return true;
    set_hcr(cpu, 0);
    return false;
  }

  // For an access that needs the truth: read everything back, or what is recalled. It is claimed again on the way into
  // the guest.
  static void fold(Model& m, CpuContext& cpu) {
    cpu.work.fetch_or(CpuContext::relist, std::memory_order_relaxed);
    fold_all(m, cpu);
  }
  static void fold_recalled(Model& m, CpuContext& cpu) {
    cpu.work.fetch_or(CpuContext::relist, std::memory_order_relaxed);
    fold_some(m, cpu);
  }

 private:
  // --- Reading back ---

  static void fold_all(Model& m, CpuContext& cpu) {
    Kicks kicks(m.kicker, cpu.index, Kicks::Self::choosing);
    if (cpu.overflow) end_unlisted(m, cpu, ich::ich_hcr::EOIcount::get(L::hcr()), kicks);
    cpu.overflow = false;
    forget_ended(m, cpu);
    while (cpu.used != 0) One::fold(m, cpu, static_cast<unsigned>(std::countr_zero(cpu.used)), kicks);
    folded(m, cpu);
  }
  static void fold_some(Model& m, CpuContext& cpu) {
    Kicks kicks(m.kicker, cpu.index, Kicks::Self::choosing);
    for (uint32_t left = cpu.used; left != 0; left &= left - 1) {
      const auto n = static_cast<unsigned>(std::countr_zero(left));
      if (is_recalled(m, cpu, n)) One::fold(m, cpu, n, kicks);
    }
    folded(m, cpu);
  }
  static void folded(Model& m, CpuContext& cpu) {
    {
      const hal::LockGuard guard(cpu.bank.lock);
      One::settle_timer(m, cpu);
    }
    cpu.folds.fetch_add(1, std::memory_order_release);
  }
  // List register `n`.
  [[nodiscard]] static bool is_recalled(Model& m, CpuContext& cpu, unsigned n) {
    const IntId intid = cpu.held_intid[n];
    if (intid >= ich::first_lpi) {
      const hal::LockGuard guard(cpu.lpis.lock);
      const ListedLpi& lpi = cpu.lpis.listed[n];
      const bool wanted = m.forwards_lpis(cpu) && m.lpi_enabled(lpi.index);
      return !wanted || lpi.fate != lpi_stays || lpi.priority != m.lpi_priority(lpi.index);
    }
    Bank& bank = m.bank_of(cpu, intid);
    const hal::LockGuard guard(bank.lock);
    return (bank.recalled >> intid % 32 & 1) != 0;
  }

  // --- Adding what is new ---

  // Most of the time there is one new SGI and nothing else to look at. False, with nothing done, in all other cases.
  static bool add_one(Model& m, CpuContext& cpu) {
    const hal::LockGuard guard(cpu.bank.lock);
    Bank& bank = cpu.bank;
    const uint32_t again = ~bank.held | (bank.edge & bank.latch);
    const uint32_t bit = (bank.ready(m.groups()) & again) | (bank.taken & ~bank.held);
    if (bit == 0) return true;
    const auto sgi = static_cast<unsigned>(std::countr_zero(bit));
    const bool one_sgi = bit >> sgi == 1 && sgi < ich::sgi_count && m.is_v3();
    if (!one_sgi || !One::put_again(cpu, sgi, 0)) return false;
    bank.latch &= ~bit;
    return true;
  }

  static void flush_all(Model& m, CpuContext& cpu, uint32_t work) {
    if ((work & CpuContext::recall) != 0 && !cpu.overflow) fold_some(m, cpu);
    if (!cpu.overflow && add(m, cpu)) {
      if (cpu.hcr != cpu.base_hcr) set_hcr(cpu, cpu.base_hcr);
      return;
    }
    fold_all(m, cpu);
    refill(m, cpu);
  }

  // These are false if there are too few free registers.
  static bool add(Model& m, CpuContext& cpu) {
    const uint32_t ended = L::empty() & cpu.shared_used;
    if (ended != 0) One::forget_shared(m, cpu, ended);
    if (!add_private(m, cpu)) return false;
    if (cpu.spi_hint.load(std::memory_order_relaxed) != 0 && !add_spis(m, cpu)) return false;
    return !cpu.lpis.any() || add_lpis(m, cpu);
  }
  static void forget_ended(Model& m, CpuContext& cpu) {
    const uint32_t ended = L::empty() & cpu.used & ~cpu.shared_used;
    if (ended == 0) return;
    const hal::LockGuard guard(cpu.bank.lock);
    One::forget_private(m, cpu, ended);
  }
  static bool add_private(Model& m, CpuContext& cpu) {
    forget_ended(m, cpu);
    const hal::LockGuard guard(cpu.bank.lock);
    return claim_all(m, cpu, cpu.bank, cpu.bank.ready(m.groups()) | cpu.bank.taken);
  }
  static bool add_spis(Model& m, CpuContext& cpu) {
    uint32_t hint = cpu.spi_hint.exchange(0, std::memory_order_relaxed);
    for (; hint != 0; hint &= hint - 1) {
      SpiBank& bank = m.spi_bank(static_cast<unsigned>(std::countr_zero(hint)));
      const hal::LockGuard guard(bank.lock);
      if (!claim_all(m, cpu, bank, mine(cpu, bank, bank.ready(m.groups()) | bank.taken))) {
        cpu.spi_hint.fetch_or(hint, std::memory_order_relaxed);
        return false;
      }
    }
    return true;
  }
  static bool add_lpis(Model& m, CpuContext& cpu) {
    if (!m.forwards_lpis(cpu)) return true;
    const hal::LockGuard guard(cpu.lpis.lock);
    bool fits = true;
    cpu.lpis.for_each([&](uint32_t index) PLINTH_NO_THREAD_SAFETY {
      if (!m.lpi_enabled(index)) return true;
      const unsigned n = One::free_register(cpu);
      fits = n < cpu.registers && !holds(cpu, ich::first_lpi + index);
      if (!fits) return false;
      One::put(cpu, n, ich::first_lpi + index, One::claim_lpi(m, cpu, n, index));
      cpu.shared_used |= 1u << n;
      return true;
    });
    return fits;
  }

  // The bank's lock is held. `wanted`: ready, or taken by the guest before it was folded.
  static bool claim_all(Model& m, CpuContext& cpu, Bank& bank, uint32_t wanted) {
    // A listed interrupt that became pending again. Levels are recalled when that matters.
    if ((wanted & bank.held & bank.edge & bank.latch) != 0) return false;
    for (uint32_t bits = wanted & ~bank.held; bits != 0; bits &= bits - 1) {
      const unsigned n = One::free_register(cpu);
      if (n >= cpu.registers) return false;
      const auto at = static_cast<unsigned>(std::countr_zero(bits));
      const uint64_t lr = One::claim(m, cpu, bank, at);
      if (lr == 0) continue;
      One::put(cpu, n, bank.number * 32 + at, lr);
      if (bank.is_shared()) cpu.shared_used |= 1u << n;
    }
    return true;
  }
  [[nodiscard]] static bool holds(const CpuContext& cpu, IntId intid) {
    for (uint32_t left = cpu.used; left != 0; left &= left - 1) {
      if (cpu.held_intid[static_cast<unsigned>(std::countr_zero(left))] == intid) return true;
    }
    return false;
  }
  // Of `bits`, those that this vCPU may hold: it has taken them, or it is the target and nobody else has.
  [[nodiscard]] static uint32_t mine(const CpuContext& cpu, const SpiBank& bank, uint32_t bits) {
    uint32_t result = 0;
    for (; bits != 0; bits &= bits - 1) {
      const auto n = static_cast<unsigned>(std::countr_zero(bits));
      const bool bound = ((bank.held | bank.taken) >> n & 1) != 0;
      if ((bound ? bank.holder[n] : bank.target[n]) == cpu.index) result |= 1u << n;
    }
    return result;
  }

  // --- Choosing the most urgent, with nothing held ---

  struct Candidate {
    uint32_t key;  // lower is more urgent
    IntId intid;
    uint8_t group;  // 1 << group
  };
  static constexpr uint32_t disabled_group = 0x100;  // pending, but the CPU interface would not signal it
  static constexpr uint32_t only_active = 0x200;

  // The most urgent candidates that fit, sorted.
  struct Choice {
    explicit Choice(unsigned registers) : room(registers) {}

    const unsigned room;
    unsigned size = 0;
    uint8_t pending_left = 0;  // groups of pending ones that do not fit
    bool active_left = false;
    std::array<Candidate, max_list_registers> best;

    void offer(Candidate candidate) {
      if (size == room && candidate.key >= best[size - 1].key) return leave(candidate);
      if (size == room) leave(best[--size]);
      unsigned at = size++;
      for (; at != 0 && best[at - 1].key > candidate.key; --at) best[at] = best[at - 1];
      best[at] = candidate;
    }
    void leave(Candidate candidate) {
      if (candidate.key >= only_active) {
        active_left = true;
      } else {
        pending_left |= candidate.group;
      }
    }
    // Groups of pending ones that fit.
    [[nodiscard]] uint8_t pending() const {
      uint8_t groups = 0;
      for (unsigned i = 0; i < size && best[i].key < only_active; ++i) groups |= best[i].group;
      return groups;
    }
  };

  // The guest has ended `count` active interrupts that were in no list register.
  [[clang::minsize]] static void end_unlisted(Model& m, CpuContext& cpu, uint64_t count, Kicks& kicks) {
    for (; count != 0; --count) {
      Candidate first{~0u, 0, 0};
      for_each_active(m, cpu, [&](Candidate candidate) {
        if (candidate.key < first.key) first = candidate;
      });
      if (first.key == ~0u) return;
      Bank& bank = m.bank_of(cpu, first.intid);
      const hal::LockGuard guard(bank.lock);
      bank.active &= ~(1u << first.intid % 32);
      bank.taken &= ~(1u << first.intid % 32);
      m.announce(bank, 1u << first.intid % 32, kicks);
    }
  }
  // Active interrupts of this vCPU that it does not hold.
  template <class Visit>
  static void for_each_active(Model& m, CpuContext& cpu, Visit visit) {
    const auto visit_bank = [&](Bank& bank) {
      const hal::LockGuard guard(bank.lock);
      for (uint32_t bits = bank.taken & ~bank.held; bits != 0; bits &= bits - 1) {
        const auto n = static_cast<unsigned>(std::countr_zero(bits));
        if (bank.is_private() || shared(bank).holder[n] == cpu.index) visit({bank.priority[n], bank.number * 32 + n, 0});
      }
    };
    visit_bank(cpu.bank);
    for (uint32_t hint = cpu.spi_hint.load(std::memory_order_relaxed); hint != 0; hint &= hint - 1) {
      visit_bank(m.spi_bank(static_cast<unsigned>(std::countr_zero(hint))));
    }
  }

  static void refill(Model& m, CpuContext& cpu) {
    Choice choice(cpu.registers);
    const uint32_t vmcr = L::vmcr();
    offer_bank(m, cpu, cpu.bank, vmcr, choice);
    const uint32_t hint = cpu.spi_hint.exchange(0, std::memory_order_relaxed);
    for (uint32_t left = hint; left != 0; left &= left - 1) {
      offer_bank(m, cpu, m.spi_bank(static_cast<unsigned>(std::countr_zero(left))), vmcr, choice);
    }
    if (cpu.lpis.any()) offer_lpis(m, cpu, vmcr, choice);
    for (unsigned i = 0; i < choice.size; ++i) list(m, cpu, choice.best[i].intid);
    cpu.overflow = choice.pending_left != 0 || choice.active_left;
    if (cpu.overflow) cpu.spi_hint.fetch_or(hint, std::memory_order_relaxed);
    set_hcr(cpu, cpu.base_hcr | overflow_hcr(choice, vmcr));
  }

  static void offer_bank(Model& m, CpuContext& cpu, Bank& bank, uint32_t vmcr, Choice& choice) {
    const hal::LockGuard guard(bank.lock);
    const uint32_t ready = bank.ready(m.groups());
    const uint32_t wanted = (ready | bank.taken) & ~bank.held;
    for (uint32_t bits = bank.is_shared() ? mine(cpu, shared(bank), wanted) : wanted; bits != 0; bits &= bits - 1) {
      const auto n = static_cast<unsigned>(std::countr_zero(bits));
      // Active and pending cannot be signalled before it is ended.
      const bool active = (bank.taken >> n & 1) != 0;
      const unsigned group = bank.group1 >> n & 1;
      const uint32_t key = bank.priority[n] | (active ? only_active : group_key(vmcr, group));
      choice.offer({key, bank.number * 32 + n, group_bit(group)});
    }
  }
  static void offer_lpis(Model& m, CpuContext& cpu, uint32_t vmcr, Choice& choice) {
    if (!m.forwards_lpis(cpu)) return;
    const hal::LockGuard guard(cpu.lpis.lock);
    cpu.lpis.for_each([&](uint32_t index) {
      if (!m.lpi_enabled(index)) return true;
      choice.offer({m.lpi_priority(index) | group_key(vmcr, 1), ich::first_lpi + index, group_bit(1)});
      return true;
    });
  }
  [[nodiscard]] static constexpr uint8_t group_bit(unsigned group) { return static_cast<uint8_t>(1u << group); }
  [[nodiscard]] static uint32_t group_key(uint32_t vmcr, uint32_t group1) {
    const bool on = group1 != 0 ? ich::ich_vmcr::VENG1::is_set(vmcr) : ich::ich_vmcr::VENG0::is_set(vmcr);
    return on ? 0 : disabled_group;
  }
  // It may have changed since it was offered; then it has become work again, or nothing is left to do.
  static void list(Model& m, CpuContext& cpu, IntId intid) {
    const unsigned n = One::free_register(cpu);
    uint64_t lr = 0;
    if (intid >= ich::first_lpi) {
      const uint32_t index = intid - ich::first_lpi;
      const hal::LockGuard guard(cpu.lpis.lock);
      const bool ready = m.forwards_lpis(cpu) && cpu.lpis.test(index) && m.lpi_enabled(index);
      if (ready) lr = One::claim_lpi(m, cpu, n, index);
    } else {
      Bank& bank = m.bank_of(cpu, intid);
      const uint32_t bit = 1u << intid % 32;
      const hal::LockGuard guard(bank.lock);
      const uint32_t free = bit & ~bank.held;
      if (free != 0 && (bank.is_private() || mine(cpu, shared(bank), bit) != 0))
        lr = One::claim(m, cpu, bank, intid % 32);
    }
    if (lr == 0) return;
    One::put(cpu, n, intid, lr);
    if (intid >= ich::first_spi) cpu.shared_used |= 1u << n;
  }

  // The events on which the choice is made anew. Enabling a group matters if one that does not fit is in it. Disabling
  // one does if what is listed would keep out, unsignalled, what does not fit of the other group. Both groups are enabled
  // then, and so no emulator that takes one group's enable for the other's (as QEMU's ICH_MISR_EL2.VGrp0D does) sees an
  // event that has not come.
  [[nodiscard]] static uint32_t overflow_hcr(const Choice& choice, uint32_t vmcr) {
    uint64_t hcr = choice.active_left ? ich::ich_hcr::LRENPIE::mask : 0;
    const uint8_t left = choice.pending_left;
    if (left == 0) return static_cast<uint32_t>(hcr);
    hcr |= ich::ich_hcr::NPIE::mask;
    const bool on0 = ich::ich_vmcr::VENG0::is_set(vmcr);
    const bool on1 = ich::ich_vmcr::VENG1::is_set(vmcr);
    if (!on0 && (left & group_bit(0)) != 0) hcr |= ich::ich_hcr::VGrp0EIE::mask;
    if (!on1 && (left & group_bit(1)) != 0) hcr |= ich::ich_hcr::VGrp1EIE::mask;
    if (!on0 || !on1) return static_cast<uint32_t>(hcr);
    const uint8_t listed = choice.pending();
    if ((listed & group_bit(0)) != 0 && (left & group_bit(1)) != 0) hcr |= ich::ich_hcr::VGrp0DIE::mask;
    if ((listed & group_bit(1)) != 0 && (left & group_bit(0)) != 0) hcr |= ich::ich_hcr::VGrp1DIE::mask;
    return static_cast<uint32_t>(hcr);
  }
  // Writing also clears EOIcount.
  static void set_hcr(CpuContext& cpu, uint32_t hcr) {
    if (cpu.hcr == hcr && hcr == cpu.base_hcr) return;
    cpu.hcr = hcr;
    L::set_hcr(hcr);
  }
};

template <ListRegisters L>
inline constexpr CpuInterface cpu_interface{
    .load = &Sync<L>::load,
    .save = &Sync<L>::save,
    .flush = &Sync<L>::flush,
    .maintenance = &Sync<L>::maintenance,
    .timer_fired = &Sync<L>::timer_fired,
    .send_self = &Sync<L>::send_self,
    .is_quiet = &Sync<L>::is_quiet,
    .fold = &Sync<L>::fold,
    .fold_recalled = &Sync<L>::fold_recalled,
    .vmcr = &L::vmcr,
    .set_vmcr = &L::set_vmcr,
    .implemented = &L::implemented,
    .active_priorities = [](ActivePriorities& saved) { L::read_active_priorities(saved); },
    .preemption_bits = []() -> unsigned { return L::preemption_bits(); },
};

}  // namespace vmm::vgic

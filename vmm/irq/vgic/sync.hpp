// SPDX-License-Identifier: Apache-2.0
// Between the model and the list registers of the CPU that runs a vCPU. A template over the kind of hardware; the
// result is one table of functions, cpu_interface<L>.
//
//     claim:   an interrupt that is ready in the model goes into a list register, and is "held"
//     forget:  a list register was found empty: the guest has ended that interrupt
//     fold:    all list registers are read back, nothing is held any more
//     refill:  with nothing held, the most urgent interrupts are claimed
//
// flush() claims what is new into free registers. Only if that is not enough, or something held was changed from
// outside, it folds and refills.
//
// More interrupts than list registers: pending ones go first, by priority, then active ones. Pending ones left out come
// in when no listed one is pending (ICH_HCR_EL2.NPIE). For active ones left out the CPU interface counts the guest's
// EOIs (EOIcount, LRENPIE); they are ended in the order of their priorities, the only one in which EOIs can come.
// Writes of ICC_DIR_EL1 always trap. Section 6.2 of IHI 0069.
#pragma once

#include <array>

#include "vmm/irq/vgic/model.hpp"

namespace vmm::vgic {

namespace ich = arch::gic;

template <ListRegisters L>
class Sync {
 public:
  static void load(Model& m, CpuContext& cpu) {
    cpu.loaded = true;
    cpu.eligible.store(true, std::memory_order_relaxed);
    cpu.hcr = 0;
    L::set_vmcr(cpu.vmcr);
    L::write_active_priorities(cpu.active_priorities);
    {
      const hal::LockGuard guard(cpu.bank.lock);
      // Either the guest has yet to end what its timer began, or the timer ran out while it was away.
      sample_timer(m, cpu);
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
    if ((work & CpuContext::resync) != 0 || cpu.overflow || !add(m, cpu)) rebuild(m, cpu);
  }

  // At once, so that the condition is gone before the physical interrupt is ended.
  static void maintenance(Model& m, CpuContext& cpu) {
    cpu.work.exchange(0, std::memory_order_acquire);
    rebuild(m, cpu);
  }

  static void fold(Model& m, CpuContext& cpu) {
    cpu.work.fetch_or(CpuContext::resync, std::memory_order_relaxed);
    fold_all(m, cpu);
  }

 private:
  struct Candidate {
    uint32_t key;  // lower is more urgent
    IntId intid;
  };
  // The most urgent candidates that fit, sorted.
  struct Choice {
    std::array<Candidate, max_list_registers> best;
    unsigned size = 0;
    bool pending_left = false;
    bool active_left = false;

    void offer(Candidate candidate) {
      if (size == L::count() && candidate.key >= best[size - 1].key) return leave(candidate);
      if (size == L::count()) leave(best[--size]);
      unsigned at = size++;
      for (; at != 0 && best[at - 1].key > candidate.key; --at) best[at] = best[at - 1];
      best[at] = candidate;
    }
    void leave(Candidate candidate) { (candidate.key >= only_active ? active_left : pending_left) = true; }
  };
  static constexpr uint32_t disabled_group = 0x100;  // pending, but the CPU interface would not signal it
  static constexpr uint32_t only_active = 0x200;

  static void rebuild(Model& m, CpuContext& cpu) {
    fold_all(m, cpu);
    refill(m, cpu);
  }

  static void fold_all(Model& m, CpuContext& cpu) {
    Kicks kicks(m.kicker, cpu.index, Kicks::Self::choosing);
    if (cpu.overflow) end_unlisted(m, cpu, ich::ich_hcr::EOIcount::get(L::hcr()), kicks);
    cpu.overflow = false;
    for (; cpu.used != 0; cpu.used &= cpu.used - 1) {
      const auto n = static_cast<unsigned>(std::countr_zero(cpu.used));
      const uint64_t lr = L::read(n);
      L::write(n, 0);
      fold_one(m, cpu, cpu.held_intid[n], lr, kicks);
    }
    cpu.timer_linked = false;
    {
      const hal::LockGuard guard(cpu.bank.lock);
      settle_timer(m, cpu);
    }
    cpu.folds.fetch_add(1, std::memory_order_release);
  }

  // --- Adding what is new; false if that takes a rebuild ---

  static bool add(Model& m, CpuContext& cpu) {
    uint32_t shared_empty = 0;
    const bool fits = add_private(m, cpu, shared_empty);
    if (shared_empty != 0) forget_shared(m, cpu, shared_empty);
    if (!fits) return false;
    if (cpu.spi_hint.load(std::memory_order_relaxed) != 0 && !add_spis(m, cpu)) return false;
    if (cpu.lpis.any() && !add_lpis(m, cpu)) return false;
    return true;
  }

  static bool add_private(Model& m, CpuContext& cpu, uint32_t& shared_empty) {
    const hal::LockGuard guard(cpu.bank.lock);
    const uint32_t empty = L::empty() & cpu.used;
    cpu.used &= ~empty;
    for (uint32_t left = empty; left != 0; left &= left - 1) {
      const auto n = static_cast<unsigned>(std::countr_zero(left));
      if (cpu.held_intid[n] < ich::first_spi) {
        forget_private(m, cpu, 1u << cpu.held_intid[n]);
      } else {
        shared_empty |= 1u << n;
      }
    }
    return claim_all(m, cpu, cpu.bank, cpu.bank.ready(m.groups()), shared_empty);
  }

  static bool add_spis(Model& m, CpuContext& cpu) {
    uint32_t hint = cpu.spi_hint.exchange(0, std::memory_order_relaxed);
    for (; hint != 0; hint &= hint - 1) {
      Bank& bank = m.spi_bank(static_cast<unsigned>(std::countr_zero(hint)));
      const hal::LockGuard guard(bank.lock);
      const uint32_t ready = mine(cpu, shared(bank), bank.ready(m.groups()));
      if (!claim_all(m, cpu, bank, ready, 0)) {
        cpu.spi_hint.fetch_or(hint, std::memory_order_relaxed);
        return false;
      }
    }
    return true;
  }

  static bool add_lpis(Model& m, CpuContext& cpu) {
    if (!cpu.lpis.enabled.load(std::memory_order_relaxed)) return true;
    const hal::LockGuard guard(cpu.lpis.lock);
    for (;;) {
      uint32_t next = lpi_count;
      cpu.lpis.for_each([&](uint32_t index) {
        if (lpi_enabled(m, index)) next = index;
        return next == lpi_count;
      });
      if (next == lpi_count) return true;
      const unsigned n = free_register(cpu, 0);
      if (n >= L::count() || holds(cpu, ich::first_lpi + next)) return false;
      put(cpu, n, ich::first_lpi + next, take_lpi(m, cpu, next));
    }
  }

  // The bank's lock is held. `reserved`: registers that are empty, but whose interrupts are not forgotten yet.
  static bool claim_all(Model& m, CpuContext& cpu, Bank& bank, uint32_t ready, uint32_t reserved) {
    // A listed interrupt that became pending again. Levels ask for a resync themselves when that matters.
    if ((ready & bank.held & bank.edge) != 0) return false;
    for (uint32_t bits = ready & ~bank.held; bits != 0; bits &= bits - 1) {
      const unsigned n = free_register(cpu, reserved);
      if (n >= L::count()) return false;
      const auto at = static_cast<unsigned>(std::countr_zero(bits));
      const uint64_t lr = claim(m, cpu, bank, at);
      if (lr != 0) put(cpu, n, bank.number * 32 + at, lr);
    }
    return true;
  }

  [[nodiscard]] static unsigned free_register(const CpuContext& cpu, uint32_t reserved) {
    return static_cast<unsigned>(std::countr_one(cpu.used | reserved));
  }
  static void put(CpuContext& cpu, unsigned n, IntId intid, uint64_t lr) {
    L::write(n, lr);
    cpu.used |= 1u << n;
    cpu.held_intid[n] = intid;
  }
  [[nodiscard]] static bool holds(const CpuContext& cpu, IntId intid) {
    for (uint32_t left = cpu.used; left != 0; left &= left - 1) {
      if (cpu.held_intid[static_cast<unsigned>(std::countr_zero(left))] == intid) return true;
    }
    return false;
  }

  // Of `bits`, those that may be pending on this vCPU: it is the target, and no other one holds or has activated them.
  [[nodiscard]] static uint32_t mine(const CpuContext& cpu, const SpiBank& spi, uint32_t bits) {
    uint32_t result = 0;
    for (; bits != 0; bits &= bits - 1) {
      const auto n = static_cast<unsigned>(std::countr_zero(bits));
      const bool elsewhere = ((spi.held | spi.taken) >> n & 1) != 0 && spi.holder[n] != cpu.index;
      if (spi.target[n] == cpu.index && !elsewhere) result |= 1u << n;
    }
    return result;
  }

  // --- One interrupt ---

  // Make the list register of interrupt `n` of a bank, whose lock is held; 0 if there is nothing to list after all.
  static uint64_t claim(Model& m, CpuContext& cpu, Bank& bank, unsigned n) {
    const uint32_t bit = 1u << n;
    const bool timer = bank.is_private() && bit == m.timer_bit();
    if (timer) settle_timer(m, cpu);
    const bool active = (bank.taken & bit) != 0;
    const bool ready = (bank.ready(m.groups()) & bit) != 0;
    bool pending = ready && (bank.is_private() || shared(bank).target[n] == cpu.index);
    if (!active && !pending) return 0;

    uint64_t tie = 0;
    if (n < ich::sgi_count && bank.is_private() && !m.is_v3()) {
      tie = choose_source(cpu, n, active, pending);
    } else if (timer && own_timer(m, cpu, active)) {
      // Pending and active at once cannot be tied to a physical interrupt (12.4, ICH_LR<n>_EL2.HW): the end brings it
      // again.
      if (active) pending = false;
      tie = ich::ich_lr::HW::mask | ich::ich_lr::PINTID::of(m.config.physical_timer);
      cpu.timer_linked = true;
    } else if ((bank.line & ~bank.edge & bit) != 0 || (ready && !pending)) {
      tie = ich::ich_lr::EOI::mask;
    }
    if (pending && (bank.latch & bank.edge & bit) != 0 && !has_more_sources(m, cpu, bank, n)) bank.latch &= ~bit;
    bank.held |= bit;
    bank.held_pending = pending ? bank.held_pending | bit : bank.held_pending & ~bit;
    if (bank.is_shared()) shared(bank).holder[n] = static_cast<uint8_t>(cpu.index);
    const uint64_t state = (pending ? ich::ich_lr::Pending::mask : 0) | (active ? ich::ich_lr::Active::mask : 0);
    return state | tie | ich::ich_lr::VINTID::of(bank.number * 32 + n) | ich::ich_lr::Priority::of(bank.priority[n]) |
           ich::ich_lr::Group::of((bank.group1 & bit) != 0 ? 1 : 0);
  }

  static uint64_t take_lpi(Model& m, CpuContext& cpu, uint32_t index) PLINTH_REQUIRES(cpu.lpis.lock) {
    cpu.lpis.clear(index);
    return lpi_register(m, index);
  }
  [[nodiscard]] static uint64_t lpi_register(const Model& m, uint32_t index) {
    return ich::ich_lr::Pending::mask | ich::ich_lr::Group::mask | ich::ich_lr::VINTID::of(ich::first_lpi + index) |
           ich::ich_lr::Priority::of(lpi_priority(m, index));
  }
  [[nodiscard]] static bool lpi_enabled(const Model& m, uint32_t index) {
    return ich::lpi_config::Enable::is_set(m.lpi_config[index].load(std::memory_order_relaxed));
  }
  [[nodiscard]] static uint32_t lpi_priority(const Model& m, uint32_t index) {
    return m.lpi_config[index].load(std::memory_order_relaxed) & 0xf8;
  }

  // Version 2: an SGI is pending from several vCPUs one after the other. The active one can only become pending again
  // from the same source; the others wait for its end.
  static uint64_t choose_source(CpuContext& cpu, unsigned sgi, bool active, bool& pending) {
    uint8_t& sources = cpu.sgi_sources[sgi];
    unsigned source = active ? cpu.sgi_active_source[sgi] : static_cast<unsigned>(std::countr_zero(sources));
    if (pending && (sources >> source & 1) == 0) pending = false;
    if (pending) sources = static_cast<uint8_t>(sources & ~(1u << source));
    return ich::ich_lr::SourceCpu::of(source) | ich::ich_lr::EOI::of(sources != 0 ? 1 : 0);
  }
  [[nodiscard]] static bool has_more_sources(const Model& m, const CpuContext& cpu, Bank& bank, unsigned n) {
    return !m.is_v3() && bank.is_private() && n < ich::sgi_count && cpu.sgi_sources[n] != 0;
  }

  static void forget_private(Model& m, CpuContext& cpu, uint32_t bit) PLINTH_REQUIRES(cpu.bank.lock) {
    cpu.bank.forget(bit);
    if (bit == m.timer_bit() && cpu.timer_linked) {
      // The guest's end has deactivated the physical interrupt too. If the timer still asks, it fires again.
      cpu.timer_linked = cpu.timer_owned = false;
      cpu.bank.line &= ~bit;
    }
  }
  static void forget_shared(Model& m, CpuContext& cpu, uint32_t registers) {
    Kicks kicks(m.kicker, cpu.index, Kicks::Self::choosing);
    for (; registers != 0; registers &= registers - 1) {
      const IntId intid = cpu.held_intid[static_cast<unsigned>(std::countr_zero(registers))];
      if (intid >= ich::first_special) continue;  // LPIs have no state left
      Bank& bank = m.spi_bank(intid / 32);
      const hal::LockGuard guard(bank.lock);
      bank.forget(1u << intid % 32);
      m.announce(bank, 1u << intid % 32, kicks);
    }
  }

  static void fold_one(Model& m, CpuContext& cpu, IntId intid, uint64_t lr, Kicks& kicks) {
    if (intid >= ich::first_lpi) return fold_lpi(m, cpu, intid - ich::first_lpi, lr);
    Bank& bank = m.bank_of(cpu, intid);
    const uint32_t bit = 1u << intid % 32;
    const hal::LockGuard guard(bank.lock);
    const bool pending = ich::ich_lr::Pending::is_set(lr) && (bank.drop_pending & bit) == 0;
    const bool active = ich::ich_lr::Active::is_set(lr) && (bank.drop_active & bit) == 0;
    const bool ended = ich::ich_lr::State::get(lr) == 0;
    // The guest's end deactivated the physical interrupt too; unless it has fired again since, see timer_fired().
    if (ich::ich_lr::HW::is_set(lr) && ended && cpu.timer_linked) cpu.timer_owned = false;
    if (pending) bank.held_pending &= ~bit;  // a level's latch is not used up
    if (active) bank.make_active |= bit;
    bank.forget(bit);
    if (active) bank.taken |= bit;
    if (pending && (bank.edge & bit) != 0) bank.latch |= bit;
    if (intid < ich::sgi_count && !m.is_v3()) fold_source(cpu, intid, lr, pending, active);
    if (bank.is_shared() && active) cpu.spi_hint.fetch_or(1u << bank.number, std::memory_order_relaxed);
    if (bank.is_shared()) m.announce(bank, bit, kicks);
  }
  static void fold_source(CpuContext& cpu, IntId sgi, uint64_t lr, bool pending, bool active) {
    const auto source = static_cast<uint8_t>(ich::ich_lr::SourceCpu::get(lr));
    if (pending) cpu.sgi_sources[sgi] = static_cast<uint8_t>(cpu.sgi_sources[sgi] | 1u << source);
    if (active) cpu.sgi_active_source[sgi] = source;
  }
  static void fold_lpi(Model& m, CpuContext& cpu, uint32_t index, uint64_t lr) {
    const hal::LockGuard guard(cpu.lpis.lock);
    const auto keep = static_cast<uint8_t>(~lpi_dropped);
    const bool dropped = (m.lpi_config[index].fetch_and(keep, std::memory_order_relaxed) & lpi_dropped) != 0;
    if (ich::ich_lr::Pending::is_set(lr) && !dropped) cpu.lpis.set(index);
  }

  // --- The virtual timer's physical interrupt, `owned` while it is active on our behalf; the bank's lock is held ---

  static void sample_timer(const Model& m, CpuContext& cpu) {
    const uint32_t bit = m.timer_bit();
    cpu.bank.line = L::timer_line() ? cpu.bank.line | bit : cpu.bank.line & ~bit;
  }
  // One whose device no longer asks, and that the guest has not taken, is given back.
  static void settle_timer(const Model& m, CpuContext& cpu) {
    sample_timer(m, cpu);
    if (cpu.timer_owned && ((cpu.bank.line | cpu.bank.taken) & m.timer_bit()) == 0) disown_timer(cpu);
  }
  static void disown_timer(CpuContext& cpu) {
    cpu.timer_owned = false;
    L::set_timer_active(false);
  }
  // Shall its list register be tied to the physical interrupt? Not if software made it pending while it is active: that
  // state cannot be tied.
  static bool own_timer(const Model& m, CpuContext& cpu, bool active) {
    if (active && (cpu.bank.latch & m.timer_bit()) != 0) {
      if (cpu.timer_owned) disown_timer(cpu);
      return false;
    }
    if (!cpu.timer_owned && (cpu.bank.line & m.timer_bit()) != 0) {
      cpu.timer_owned = true;
      L::set_timer_active(true);
    }
    return cpu.timer_owned;
  }

  // --- Choosing anew ---

  // The guest has ended `count` active interrupts that were in no list register.
  static void end_unlisted(Model& m, CpuContext& cpu, uint64_t count, Kicks& kicks) {
    for (; count != 0; --count) {
      Candidate first{~0u, 0};
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
        if (bank.is_private() || shared(bank).holder[n] == cpu.index) visit({bank.priority[n], bank.number * 32 + n});
      }
    };
    visit_bank(cpu.bank);
    for (uint32_t hint = cpu.spi_hint.load(std::memory_order_relaxed); hint != 0; hint &= hint - 1) {
      visit_bank(m.spi_bank(static_cast<unsigned>(std::countr_zero(hint))));
    }
  }

  static void refill(Model& m, CpuContext& cpu) {
    Choice choice;
    const uint32_t vmcr = L::vmcr();
    offer_bank(m, cpu, cpu.bank, vmcr, choice);
    const uint32_t hint = cpu.spi_hint.exchange(0, std::memory_order_relaxed);
    for (uint32_t left = hint; left != 0; left &= left - 1) {
      offer_bank(m, cpu, m.spi_bank(static_cast<unsigned>(std::countr_zero(left))), vmcr, choice);
    }
    if (cpu.lpis.any()) offer_lpis(m, cpu, vmcr, choice);
    for (unsigned i = 0; i < choice.size; ++i) {
      const IntId intid = choice.best[i].intid;
      // It may have changed since it was offered; then it has become work again, or nothing is left to do.
      const uint64_t lr = intid >= ich::first_lpi ? list_lpi(m, cpu, intid - ich::first_lpi) : list_one(m, cpu, intid);
      if (lr != 0) put(cpu, free_register(cpu, 0), intid, lr);
    }
    cpu.overflow = choice.pending_left || choice.active_left;
    if (cpu.overflow) cpu.spi_hint.fetch_or(hint, std::memory_order_relaxed);
    set_hcr(cpu, base_hcr() | overflow_hcr(choice, vmcr));
  }

  static void offer_bank(Model& m, CpuContext& cpu, Bank& bank, uint32_t vmcr, Choice& choice) {
    const hal::LockGuard guard(bank.lock);
    const uint32_t all_ready = bank.ready(m.groups());
    const uint32_t ready = bank.is_shared() ? mine(cpu, shared(bank), all_ready) : all_ready;
    for (uint32_t bits = ready | bank.taken; bits != 0; bits &= bits - 1) {
      const auto n = static_cast<unsigned>(std::countr_zero(bits));
      const bool pending = (ready >> n & 1) != 0;
      const bool active = (bank.taken >> n & 1) != 0;
      if (((bank.held >> n) & 1) != 0 || (active && bank.is_shared() && shared(bank).holder[n] != cpu.index)) continue;
      // Active and pending cannot be signalled before it is ended.
      const bool only = active || !pending;
      choice.offer(
          {bank.priority[n] | (only ? only_active : group_key(vmcr, bank.group1 >> n & 1)), bank.number * 32 + n});
    }
  }
  static void offer_lpis(Model& m, CpuContext& cpu, uint32_t vmcr, Choice& choice) {
    if (!cpu.lpis.enabled.load(std::memory_order_relaxed)) return;
    const hal::LockGuard guard(cpu.lpis.lock);
    cpu.lpis.for_each([&](uint32_t index) {
      if (lpi_enabled(m, index)) choice.offer({lpi_priority(m, index) | group_key(vmcr, 1), ich::first_lpi + index});
      return true;
    });
  }
  [[nodiscard]] static uint32_t group_key(uint32_t vmcr, uint32_t group1) {
    const bool on = group1 != 0 ? ich::ich_vmcr::VENG1::is_set(vmcr) : ich::ich_vmcr::VENG0::is_set(vmcr);
    return on ? 0 : disabled_group;
  }
  static uint64_t list_one(Model& m, CpuContext& cpu, IntId intid) {
    Bank& bank = m.bank_of(cpu, intid);
    const unsigned n = intid % 32;
    const hal::LockGuard guard(bank.lock);
    const bool taken = (bank.held >> n & 1) != 0;
    const bool elsewhere = bank.is_shared() && (bank.taken >> n & 1) != 0 && shared(bank).holder[n] != cpu.index;
    return taken || elsewhere ? 0 : claim(m, cpu, bank, n);
  }
  static uint64_t list_lpi(Model& m, CpuContext& cpu, uint32_t index) {
    const hal::LockGuard guard(cpu.lpis.lock);
    return cpu.lpis.test(index) && lpi_enabled(m, index) ? take_lpi(m, cpu, index) : 0;
  }

  [[nodiscard]] static uint32_t base_hcr() {
    return static_cast<uint32_t>(ich::ich_hcr::En::mask | (L::traps_dir() ? ich::ich_hcr::TDIR::mask : 0));
  }
  // The events on which the choice is made anew.
  [[nodiscard]] static uint32_t overflow_hcr(const Choice& choice, uint32_t vmcr) {
    uint64_t hcr = 0;
    if (choice.active_left) hcr |= ich::ich_hcr::LRENPIE::mask;
    if (choice.pending_left) {
      hcr |= ich::ich_hcr::NPIE::mask;
      hcr |= ich::ich_vmcr::VENG0::is_set(vmcr) ? ich::ich_hcr::VGrp0DIE::mask : ich::ich_hcr::VGrp0EIE::mask;
      hcr |= ich::ich_vmcr::VENG1::is_set(vmcr) ? ich::ich_hcr::VGrp1DIE::mask : ich::ich_hcr::VGrp1EIE::mask;
    }
    return static_cast<uint32_t>(hcr);
  }
  // Writing also clears EOIcount.
  static void set_hcr(CpuContext& cpu, uint32_t hcr) {
    if (cpu.hcr == hcr && hcr == base_hcr()) return;
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
    .fold = &Sync<L>::fold,
    .vmcr = &L::vmcr,
    .active_priorities = [](ActivePriorities& saved) { L::read_active_priorities(saved); },
    .preemption_bits = []() -> unsigned { return L::preemption_bits(); },
};

}  // namespace vmm::vgic

// SPDX-License-Identifier: Apache-2.0
// One interrupt on its way between the model and a list register of the executing CPU. Which ones, and when, is decided
// in sync.hpp.
#pragma once

#include "vmm/irq/vgic/model.hpp"

namespace vmm::vgic {

namespace ich = arch::gic;

template <ListRegisters L>
struct Listing {
  // --- Into a list register ---

  [[nodiscard]] static unsigned free_register(const CpuContext& cpu) {
    return static_cast<unsigned>(std::countr_one(cpu.used));
  }
  static void put(CpuContext& cpu, unsigned n, IntId intid, uint64_t lr) {
    L::write(n, lr);
    cpu.injected.add(lr / ich::ich_lr::Pending::mask % 2);
    cpu.used |= 1u << n;
    cpu.held_intid[n] = intid;
    if (intid < ich::first_spi) cpu.private_register[intid] = static_cast<uint8_t>(n);
  }
  // The short way for a private interrupt that becomes pending: into the register where it was the last time, if the
  // guest has ended that, with nothing to forget and nothing to claim; or into a free one. False, with nothing done,
  // where it takes more. The bank's lock is held.
  [[gnu::always_inline]] static bool put_again(CpuContext& cpu, unsigned at, uint64_t tie) {
    Bank& bank = cpu.bank;
    const uint32_t bit = 1u << at;
    const unsigned n = (bank.held & bit) != 0 ? cpu.private_register[at] : free_register(cpu);
    const bool plain = ((bank.taken | bank.recalled) & bit) == 0 && !cpu.overflow;
    if (!plain || n >= cpu.registers || (L::empty() >> n & 1) == 0) return false;
    bank.held |= bit;
    bank.held_pending |= bit;
    put(cpu, n, at, ich::ich_lr::Pending::mask | base_register(bank, at) | tie);
    return true;
  }
  // What makes the end of the timer's interrupt end the physical one too; or, where that does not let it fire again,
  // what brings its end here.
  [[nodiscard]] static uint64_t timer_tie(const Model& m) {
    if (!L::ends_timer()) return ich::ich_lr::EOI::mask;
    return ich::ich_lr::HW::mask | ich::ich_lr::PINTID::of(m.config.physical_timer);
  }

  // Claim interrupt `n` of a bank, whose lock is held: make its list register. 0 if there is nothing to list after all.
  static uint64_t claim(Model& m, CpuContext& cpu, Bank& bank, unsigned n) {
    const uint32_t bit = 1u << n;
    const bool timer = bank.is_private() && n == m.config.timer_ppi;
    if (timer) settle_timer(m, cpu);
    const bool active = (bank.taken & bit) != 0;
    const bool ready = (bank.ready(m.groups()) & bit) != 0;
    bool pending = ready && (bank.is_private() || shared(bank).target[n] == cpu.index);
    if (!active && !pending) return 0;

    uint64_t lr = base_register(bank, n);
    if (n < ich::sgi_count && bank.is_private()) {
      if (!m.is_v3()) lr |= choose_source(cpu, n, active, pending);
    } else if (timer && own_timer(m, cpu, active)) {
      // Pending and active at once cannot be tied to a physical interrupt (12.4, ICH_LR<n>_EL2.HW): after the guest's
      // end it fires again.
      if (active) pending = false;
      lr |= timer_tie(m);
      cpu.timer_linked = L::ends_timer();
    } else if ((bank.line & ~bank.edge & bit) != 0 || (ready && !pending)) {
      // Its end must bring us here: the line is high, or somebody else waits for it.
      lr |= ich::ich_lr::EOI::mask;
    }
    if (pending) mark_pending(m, cpu, bank, n);
    bank.held |= bit;
    if (bank.is_shared()) shared(bank).holder[n] = static_cast<uint8_t>(cpu.index);
    return lr | (pending ? ich::ich_lr::Pending::mask : 0) | (active ? ich::ich_lr::Active::mask : 0);
  }

  // For list register `n`.
  static uint64_t claim_lpi(Model& m, CpuContext& cpu, unsigned n, uint32_t index) PLINTH_REQUIRES(cpu.lpis.lock) {
    const uint32_t priority = m.lpi_priority(index);
    cpu.lpis.clear(index);
    cpu.lpis.list(n, {.index = static_cast<uint16_t>(index), .priority = static_cast<uint8_t>(priority)});
    return ich::ich_lr::Pending::mask | ich::ich_lr::Group::mask | ich::ich_lr::VINTID::of(ich::first_lpi + index) |
           ich::ich_lr::Priority::of(priority);
  }

  // --- Out of a list register ---

  // Registers that were found empty: the guest has ended what was in them.
  static void forget_private(Model& m, CpuContext& cpu, uint32_t registers) PLINTH_REQUIRES(cpu.bank.lock) {
    cpu.used &= ~registers;
    uint32_t bits = 0;
    for (; registers != 0; registers &= registers - 1) {
      bits |= 1u << cpu.held_intid[static_cast<unsigned>(std::countr_zero(registers))];
    }
    cpu.bank.forget(bits);
    if ((bits & m.timer_bit()) == 0) return;
    if (!cpu.timer_linked) return settle_timer(m, cpu);
    // The end has deactivated the physical interrupt too. If the timer still asks, it fires again.
    cpu.timer_linked = cpu.timer_owned = false;
    cpu.bank.line &= ~m.timer_bit();
  }
  static void forget_shared(Model& m, CpuContext& cpu, uint32_t registers) {
    cpu.used &= ~registers;
    cpu.shared_used &= ~registers;
    Kicks kicks(m.kicker, cpu.index, Kicks::Self::choosing);
    for (; registers != 0; registers &= registers - 1) {
      const auto n = static_cast<unsigned>(std::countr_zero(registers));
      const IntId intid = cpu.held_intid[n];
      if (intid >= ich::first_lpi) {
        const hal::LockGuard guard(cpu.lpis.lock);
        static_cast<void>(cpu.lpis.unlist(n));  // nothing is left of it
        continue;
      }
      Bank& bank = m.spi_bank(intid / 32);
      const hal::LockGuard guard(bank.lock);
      bank.forget(1u << intid % 32);
      m.announce(bank, 1u << intid % 32, kicks);
    }
  }

  // Read one register back. What is still pending or active in it is so in the model again.
  static void fold(Model& m, CpuContext& cpu, unsigned n, Kicks& kicks) {
    const uint64_t lr = L::read(n);
    L::write(n, 0);
    cpu.used &= ~(1u << n);
    cpu.shared_used &= ~(1u << n);
    const IntId intid = cpu.held_intid[n];
    if (intid >= ich::first_lpi) return fold_lpi(m, cpu, n, lr, kicks);
    Bank& bank = m.bank_of(cpu, intid);
    const uint32_t bit = 1u << intid % 32;
    const hal::LockGuard guard(bank.lock);
    const bool pending = ich::ich_lr::Pending::is_set(lr) && (bank.drop_pending & bit) == 0;
    const bool active = ich::ich_lr::Active::is_set(lr) && (bank.drop_active & bit) == 0;
    if (pending) bank.held_pending &= ~bit;  // a level's latch is not used up
    bank.forget(bit);
    if (active) bank.active |= bit, bank.taken |= bit;
    if (pending) bank.latch |= bit & bank.edge;
    if (intid < ich::sgi_count && !m.is_v3()) fold_source(cpu, intid, lr, pending, active);
    if (bank.is_private() && bit == m.timer_bit()) fold_timer(cpu, lr);
    if (bank.is_private()) return;
    if (active) cpu.spi_hint.fetch_or(1u << bank.number, std::memory_order_relaxed);
    m.announce(bank, bit, kicks);
  }

  // --- The virtual timer. Its physical interrupt is "owned" while it is active on our behalf; the bank's lock is held
  // ---

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

 private:
  [[nodiscard]] static uint64_t base_register(const Bank& bank, unsigned n) {
    return ich::ich_lr::VINTID::of(bank.number * 32 + n) | ich::ich_lr::Priority::of(bank.priority[n]) |
           ich::ich_lr::Group::of(bank.group1 >> n & 1);
  }

  // Shall the timer's list register be tied to the physical interrupt? Not if software made it pending while it is
  // active: that state cannot be tied.
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
  static void fold_timer(CpuContext& cpu, uint64_t lr) {
    // The guest's end deactivated the physical interrupt too; unless it has fired again since, see Sync::timer_fired().
    if (cpu.timer_linked && ich::ich_lr::State::get(lr) == 0) cpu.timer_owned = false;
    cpu.timer_linked = false;
  }

  // A latch moves into the register with an edge; a level's is used up when the guest acknowledges it.
  static void mark_pending(const Model& m, const CpuContext& cpu, Bank& bank, unsigned n) {
    const uint32_t bit = 1u << n;
    bank.held_pending |= bit;
    const bool more_sources = !m.is_v3() && bank.is_private() && n < ich::sgi_count && cpu.sgi_sources[n] != 0;
    if (!more_sources) bank.latch &= ~(bit & bank.edge);
  }

  // Version 2: an SGI is pending from several vCPUs one after the other. The active one can only become pending again
  // from the same source; the others wait for its end.
  static uint64_t choose_source(CpuContext& cpu, unsigned sgi, bool active, bool& pending) {
    uint8_t& sources = cpu.sgi_sources[sgi];
    const unsigned source = active ? cpu.sgi_active_source[sgi] : static_cast<unsigned>(std::countr_zero(sources));
    if (pending && (sources >> source & 1) == 0) pending = false;
    if (pending) sources = static_cast<uint8_t>(sources & ~(1u << source));
    return ich::ich_lr::SourceCpu::of(source) | ich::ich_lr::EOI::of(sources != 0 ? 1 : 0);
  }
  static void fold_source(CpuContext& cpu, IntId sgi, uint64_t lr, bool pending, bool active) {
    const auto source = static_cast<uint8_t>(ich::ich_lr::SourceCpu::get(lr));
    if (pending) cpu.sgi_sources[sgi] = static_cast<uint8_t>(cpu.sgi_sources[sgi] | 1u << source);
    if (active) cpu.sgi_active_source[sgi] = source;
  }

  static void fold_lpi(Model& m, CpuContext& cpu, unsigned n, uint64_t lr, Kicks& kicks) {
    ListedLpi lpi;
    {
      const hal::LockGuard guard(cpu.lpis.lock);
      lpi = cpu.lpis.unlist(n);
    }
    if (!ich::ich_lr::Pending::is_set(lr) || lpi.fate == lpi_dropped) return;
    CpuContext& target = lpi.fate == lpi_stays ? cpu : m.cpus[lpi.fate];
    const hal::LockGuard guard(target.lpis.lock);
    target.lpis.set(lpi.index);
    kicks.add(target, CpuContext::add);
  }
};

}  // namespace vmm::vgic

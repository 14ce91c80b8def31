// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "arch/aarch64/regs/pmu.hpp"

namespace arch {

// What of the PMU guests find: on a machine whose CPUs differ, what each of them has.
struct PmuModel {
  uint64_t version = 0;  // ID_AA64DFR0_EL1.PMUVer; 0: there is none
  unsigned counters = 0;  // event counters, PMCR_EL0.N
  std::array<uint64_t, 2> common_events{};  // PMCEID0_EL0, PMCEID1_EL0
};

// A guest's performance monitors. Accesses to them always trap, so all but what counts at the moment is here; a counter
// is in the CPU as well while the guest that is loaded there has it count. docs/decisions/0023-pmu.md says why.
//
//     PMCR_EL0.E and an enabled counter:   counts(); save() and load() move what is enabled
//     else:                                nothing is in the CPU
//
// Counters never count at EL2: the filter bit that would let them, NSH, is never written (D13.5), with and without
// FEAT_PMUv3p1, whose MDCR_EL2.HPMD says the same again. `Cpu` is the executing CPU's PMU; portable, tested on the
// host.
template <class Cpu>
class GuestPmu {
 public:
  enum class Answer : uint8_t {
    done,
    undefined,
    refused,  // EL0 may not: the guest's EL1 traps it
  };

  // An access by register id, from EL0 if `user`. Loaded on this CPU.
  [[nodiscard]] Answer read(uint32_t id, bool user, uint64_t& value) const;
  [[nodiscard]] Answer write(uint32_t id, bool user, uint64_t value);

  // As after power-on; what of it was counting is saved.
  void reset() {
    const bool told = told_;
    *this = {};
    told_ = told;
  }

  [[nodiscard]] bool counts() const { return counts_; }
  // Only if counts().
  void load() const {
    for_each(enabled_, [&](unsigned n) { Cpu::set(n, types_[n], values_[n]); });
    // While the interrupt is asserted there is nothing new to tell.
    Cpu::start({.control = control_,
                .enabled = enabled_,
                .overflowed = overflowed_,
                .interrupts = line() ? 0 : interrupts_});
  }
  void save() {
    overflowed_ = Cpu::stop();
    for_each(enabled_, [&](unsigned n) { values_[n] = Cpu::value(n); });
  }
  // The CPU's PMU asked for an interrupt: from now on line() does instead.
  void take_overflow() {
    if (!counts_) return;
    save();
    load();
  }

  // The interrupt that it asks for (D13.3.1). The second says whether that is news, once.
  [[nodiscard]] bool line() const { return regs::pmcr_el0::e::is_set(control_) && (overflowed_ & interrupts_) != 0; }
  [[nodiscard]] bool line_has_changed() {
    if (line() == told_) return false;
    told_ = line();
    return true;
  }
  // Would it be news?
  [[nodiscard]] bool owes_interrupt() const { return line() && !told_; }

 private:
  static constexpr unsigned all = 32;

  struct Counter {
    unsigned number;
    bool type;      // or its value
    bool selected;  // by PMSELR_EL0
  };

  template <class Visit>
  static void for_each(uint32_t counters, Visit visit) {
    for (; counters != 0; counters &= counters - 1) visit(static_cast<unsigned>(__builtin_ctz(counters)));
  }
  static uint32_t event_counters() { return static_cast<uint32_t>(hal::low_mask(Cpu::model().counters)); }
  static uint32_t implemented() { return event_counters() | uint32_t{1} << regs::cycle_counter; }
  [[nodiscard]] bool is_enabled(unsigned n) const { return (enabled_ >> n & 1) != 0; }
  // Does an access go to a single counter, and to which?
  [[nodiscard]] bool find_counter(uint32_t id, Counter& counter) const;
  // False where there is none. PMXEVCNTR_EL0 never reaches the cycle counter (D24.5).
  [[nodiscard]] static bool exists(const Counter& counter, uint32_t id) {
    if (counter.number == regs::cycle_counter) return counter.type || id == regs::pmccntr_el0::id;
    return counter.number < Cpu::model().counters;
  }
  [[nodiscard]] bool lets_user(uint32_t id, bool read) const;
  [[nodiscard]] Answer change(uint32_t id, uint64_t value, bool user);
  void set_counter(const Counter& counter, uint64_t value);
  void set_control(uint64_t value);
  void increment(unsigned n, bool user);

  std::array<uint64_t, all> values_{};
  std::array<uint32_t, all> types_{};
  uint32_t enabled_ = 0;
  uint32_t overflowed_ = 0;
  uint32_t interrupts_ = 0;
  uint32_t control_ = 0;
  uint8_t selected_ = 0;
  uint8_t user_ = 0;
  bool counts_ = false;
  bool told_ = false;
};

template <class Cpu>
bool GuestPmu<Cpu>::find_counter(uint32_t id, Counter& counter) const {
  using namespace regs;
  if (is_numbered_pmu_register(id)) {
    counter = {.number = id & 31, .type = (id & register_id(0, 0, 0, 4, 0)) != 0, .selected = false};
    return true;
  }
  switch (id) {
    case pmccntr_el0::id: counter = {.number = cycle_counter, .type = false, .selected = false}; return true;
    case pmxevcntr_el0::id: counter = {.number = selected_, .type = false, .selected = true}; return true;
    case pmxevtyper_el0::id: counter = {.number = selected_, .type = true, .selected = true}; return true;
    default: return false;
  }
}

// PMUSERENR_EL0.
template <class Cpu>
bool GuestPmu<Cpu>::lets_user(uint32_t id, bool read) const {
  using namespace regs;
  using user = pmuserenr_el0;
  if (user::en::is_set(user_)) return true;
  switch (id) {
    case pmswinc_el0::id: return user::sw::is_set(user_);
    case pmccntr_el0::id: return read && user::cr::is_set(user_);
    case pmselr_el0::id: return user::er::is_set(user_);
    case pmxevcntr_el0::id: return read && user::er::is_set(user_);
    default: break;
  }
  const bool value = is_numbered_pmu_register(id) && (id & register_id(0, 0, 0, 4, 0)) == 0;
  return value && read && user::er::is_set(user_);
}

template <class Cpu>
auto GuestPmu<Cpu>::read(uint32_t id, bool user, uint64_t& value) const -> Answer {
  using namespace regs;
  if (user && !lets_user(id, true)) return Answer::refused;
  Counter counter;
  if (find_counter(id, counter)) {
    value = 0;
    if (!exists(counter, id)) return counter.selected ? Answer::done : Answer::undefined;
    const unsigned n = counter.number;
    value = counter.type ? types_[n] : counts_ && is_enabled(n) ? Cpu::value(n) : values_[n];
    return Answer::done;
  }
  switch (id) {
    case pmcr_el0::id: value = Cpu::identity() | pmcr_el0::n::of(Cpu::model().counters) | control_; break;
    case pmcntenset_el0::id:
    case pmcntenclr_el0::id: value = enabled_; break;
    case pmovsset_el0::id:
    case pmovsclr_el0::id: value = counts_ ? Cpu::overflowed() : overflowed_; break;
    case pmintenset_el1::id:
    case pmintenclr_el1::id: value = interrupts_; break;
    case pmselr_el0::id: value = selected_; break;
    case pmceid0_el0::id: value = Cpu::model().common_events[0]; break;
    case pmceid1_el0::id: value = Cpu::model().common_events[1]; break;
    case pmuserenr_el0::id: value = user_; break;
    case pmmir_el1::id:
      if (Cpu::model().version < pmu_version::v3p4) return Answer::undefined;
      value = Cpu::slots();
      break;
    default: return Answer::undefined;
  }
  return Answer::done;
}

template <class Cpu>
auto GuestPmu<Cpu>::write(uint32_t id, bool user, uint64_t value) -> Answer {
  if (user && !lets_user(id, false)) return Answer::refused;
  if (counts_) save();
  const Answer answer = change(id, value, user);
  counts_ = regs::pmcr_el0::e::is_set(control_) && enabled_ != 0;
  if (counts_) load();
  return answer;
}

template <class Cpu>
auto GuestPmu<Cpu>::change(uint32_t id, uint64_t value, bool user) -> Answer {
  using namespace regs;
  Counter counter;
  if (find_counter(id, counter)) {
    if (!exists(counter, id)) return counter.selected ? Answer::done : Answer::undefined;
    set_counter(counter, value);
    return Answer::done;
  }
  const uint32_t counters = static_cast<uint32_t>(value) & implemented();
  switch (id) {
    case pmcr_el0::id: set_control(value); break;
    case pmcntenset_el0::id: enabled_ |= counters; break;
    case pmcntenclr_el0::id: enabled_ &= ~counters; break;
    case pmovsset_el0::id: overflowed_ |= counters; break;
    case pmovsclr_el0::id: overflowed_ &= ~counters; break;
    case pmintenset_el1::id: interrupts_ |= counters; break;
    case pmintenclr_el1::id: interrupts_ &= ~counters; break;
    case pmselr_el0::id: selected_ = static_cast<uint8_t>(pmselr_el0::sel::get(value)); break;
    case pmuserenr_el0::id: user_ = static_cast<uint8_t>(value & pmuserenr_el0::all); break;
    // At EL2 the instruction itself would count nothing.
    case pmswinc_el0::id:
      for_each(counters & event_counters(), [&](unsigned n) {
        if (pmevtyper::event::get(types_[n]) == pmevtyper::software_increment) increment(n, user);
      });
      break;
    default: return Answer::undefined;
  }
  return Answer::done;
}

template <class Cpu>
void GuestPmu<Cpu>::set_counter(const Counter& counter, uint64_t value) {
  using namespace regs;
  const unsigned n = counter.number;
  const bool cycles = n == cycle_counter;
  if (!counter.type) {
    const bool wide = cycles || Cpu::model().version >= pmu_version::v3p5;
    values_[n] = wide ? value : value & hal::low_mask(32);
    return;
  }
  const uint64_t events = Cpu::model().version >= pmu_version::v3p1 ? pmevtyper::event::mask : hal::low_mask(10);
  types_[n] = static_cast<uint32_t>(value & (pmevtyper::filter | (cycles ? 0 : events)));
}

template <class Cpu>
void GuestPmu<Cpu>::set_control(uint64_t value) {
  using namespace regs;
  if (pmcr_el0::p::is_set(value)) for_each(event_counters(), [&](unsigned n) { values_[n] = 0; });
  if (pmcr_el0::c::is_set(value)) values_[cycle_counter] = 0;
  uint64_t kept = pmcr_el0::e::mask | pmcr_el0::d::mask | pmcr_el0::lc::mask;
  if (Cpu::model().version >= pmu_version::v3p5) kept |= pmcr_el0::lp::mask;
  if (Cpu::model().version >= pmu_version::v3p7) kept |= pmcr_el0::fzo::mask;
  control_ = static_cast<uint32_t>(value & kept);
}

// By one, in software: PMSWINC_EL0 and what is chained to it (D13.4.2).
template <class Cpu>
void GuestPmu<Cpu>::increment(unsigned n, bool user) {
  using namespace regs;
  const bool filtered = user ? pmevtyper::u::is_set(types_[n]) : pmevtyper::p::is_set(types_[n]);
  const bool frozen = pmcr_el0::fzo::is_set(control_) && (overflowed_ & event_counters()) != 0;
  if (!pmcr_el0::e::is_set(control_) || !is_enabled(n) || filtered || frozen) return;
  const bool wide = Cpu::model().version >= pmu_version::v3p5;
  const bool late = pmcr_el0::lp::is_set(control_);  // overflows at 64 bits
  const uint64_t value = (values_[n] + 1) & (wide ? ~uint64_t{0} : hal::low_mask(32));
  values_[n] = value;
  if ((late ? value : value & hal::low_mask(32)) != 0) return;
  const unsigned next = n + 1;
  const bool chained = n % 2 == 0 && !late && next < Cpu::model().counters &&
                       pmevtyper::event::get(types_[next]) == pmevtyper::chain;
  if (chained) increment(next, user);
  overflowed_ |= uint32_t{1} << n;
}

}  // namespace arch

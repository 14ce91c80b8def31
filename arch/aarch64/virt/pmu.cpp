// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/virt/pmu.hpp"

#include <algorithm>

#include "arch/aarch64/regs/id_filter.hpp"
#include "arch/aarch64/virt/id_registers.hpp"
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"
#include "arch/virtual_gic.hpp"

namespace arch {
namespace {

using namespace regs;

constexpr uint64_t every_counter = hal::low_mask(32);

constinit PmuModel shared{};
constinit bool known = false;

// Makes PMXEVTYPER_EL0 and PMXEVCNTR_EL0 those of one counter, which exists. Without the barrier they may still be
// those of another (D24.1.2).
void select(unsigned counter) {
  write<pmselr_el0>(counter);
  isb();
}

}  // namespace

// All of these are UNKNOWN after reset (D24.5). EL0 may do everything, so that what it does is trapped here and not by
// the guest, of whose PMUSERENR_EL0 the CPU knows nothing.
[[clang::minsize]] void HostPmu::join_cpu() {
  PmuModel mine{.version = id_aa64dfr0_el1::pmuver::get(id_registers::read(id_op(5, 0)))};
  if (pmu_version::is_pmuv3(id_aa64dfr0_el1::pmuver::get(read<id_aa64dfr0_el1>()))) {
    static_cast<void>(stop());
    write<pmuserenr_el0>(pmuserenr_el0::en::mask);
    mine.counters = static_cast<unsigned>(pmcr_el0::n::get(read<pmcr_el0>()));
    mine.common_events = {read<pmceid0_el0>(), read<pmceid1_el0>()};
  }
  if (known) {
    mine.counters = std::min(mine.counters, shared.counters);
    mine.common_events[0] &= shared.common_events[0];
    mine.common_events[1] &= shared.common_events[1];
  }
  shared = mine;
  known = true;
}

const PmuModel& HostPmu::model() { return shared; }

[[clang::minsize]] uint64_t HostPmu::value(unsigned counter) {
  if (counter == cycle_counter) return read<pmccntr_el0>();
  select(counter);
  return read<pmxevcntr_el0>();
}

[[clang::minsize]] void HostPmu::set(unsigned counter, uint64_t type, uint64_t value) {
  select(counter);
  write<pmxevtyper_el0>(type);
  if (counter == cycle_counter) {
    write<pmccntr_el0>(value);
  } else {
    write<pmxevcntr_el0>(value);
  }
}

uint32_t HostPmu::overflowed() { return static_cast<uint32_t>(read<pmovsset_el0>()); }

[[clang::minsize]] void HostPmu::start(const Setting& setting) {
  write<pmovsset_el0>(setting.overflowed);
  write<pmintenset_el1>(setting.interrupts);
  write<pmcntenset_el0>(setting.enabled);
  isb();  // values and events are there before anything counts
  write<pmcr_el0>(setting.control);
  isb();
}

// A write of PMCR_EL0 takes effect with a context synchronization event (D13.2): only then is what counters say final.
// The last barrier makes the interrupt's line low before it can be deactivated.
[[clang::minsize]] uint32_t HostPmu::stop() {
  write<pmcr_el0>(0);
  isb();
  const uint32_t overflowed = HostPmu::overflowed();
  write<pmcntenclr_el0>(every_counter);
  write<pmintenclr_el1>(every_counter);
  write<pmovsclr_el0>(every_counter);
  isb();
  return overflowed;
}

uint64_t HostPmu::identity() { return read<pmcr_el0>() & (pmcr_el0::imp::mask | pmcr_el0::idcode::mask); }

uint64_t HostPmu::slots() {
  return read<pmmir_el1>() & (pmmir_el1::slots::mask | pmmir_el1::bus_slots::mask | pmmir_el1::bus_width::mask);
}

bool guest_pmu_is_offered() { return HostPmu::model().version != 0; }

// --- a vCPU's ---

void Vcpu::tell_pmu_interrupt() {
  if (pmu_.line_has_changed()) upcall::guest_pmu_interrupt(*this, pmu_.line());
}

void Vcpu::load_pmu() {
  pmu_.load();
  tell_pmu_interrupt();
}

[[clang::minsize]] void Vcpu::take_counter_overflow() {
  pmu_.take_overflow();
  tell_pmu_interrupt();
}

// Apart, so that other registers pay for nothing of it.
[[gnu::noinline, clang::minsize]] void Vcpu::access_pmu(uint32_t id, unsigned rt, bool read) {
  using Answer = GuestPmu<HostPmu>::Answer;
  if (!identity_.features.pmu) return inject_undefined();
  const bool user = spsr::is_el0(frame_->pstate);
  uint64_t value = reg(rt);
  switch (read ? pmu_.read(id, user, value) : pmu_.write(id, user, value)) {
    case Answer::undefined: return inject_undefined();
    case Answer::refused: return inject_trap(arch::read<esr_el2>());
    case Answer::done: break;
  }
  if (read) set_reg(rt, value);
  skip_instruction();
  tell_pmu_interrupt();
}

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// Exceptions that we raise in a guest: the steps of D1.3.6 ("AArch64.TakeException"), done to its EL1 registers.
#include "arch/aarch64/regs/aarch32.hpp"
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"

namespace arch {
namespace {

using namespace regs;

constexpr uint64_t syndrome(ExceptionClass exception_class, uint64_t iss) {
  return esr_el2::ec::of(static_cast<uint64_t>(exception_class)) | esr_el2::il::mask | iss;
}

// D1.3.1.1: by where the exception comes from.
uint64_t vector_offset(uint64_t pstate) {
  if (spsr::nrw::is_set(pstate)) return 0x600;
  switch (spsr::mode::get(pstate)) {
    case spsr::el0t: return 0x400;
    case spsr::el1t: return 0x000;
    default: return 0x200;
  }
}

}  // namespace

[[clang::minsize]] void Vcpu::take_exception(uint64_t syndrome, uint64_t fault_address) {
  const uint64_t pstate = frame_->pstate;
  write<elr_el1>(frame_->pc);
  write<spsr_el1>(pstate);
  write<esr_el1>(syndrome);
  write<far_el1>(fault_address);
  const uint64_t control = read<sctlr_el1>();
  // D1.3.6: flags and DIT survive, PAN is set where SCTLR_EL1.SPAN asks for it, SSBS comes from DSSBS; the rest is
  // cleared.
  constexpr uint64_t span = hal::bit(23), dssbs = hal::bit(44), ssbs = hal::bit(12);
  uint64_t next = spsr::el1h | spsr::daif | (pstate & (spsr::nzcv | spsr::dit::mask | spsr::pan::mask));
  const bool has_pan = (read<id_aa64mmfr1_el1>() & 0xf0'0000) != 0;
  if (has_pan && (control & span) == 0) next |= spsr::pan::mask;
  const bool has_ssbs = (read<id_aa64pfr1_el1>() & 0xf0) != 0;
  if (has_ssbs && (control & dssbs) != 0) next |= ssbs;
  frame_->pc = read<vbar_el1>() + vector_offset(pstate);
  frame_->pstate = next;
}

void Vcpu::inject_trap(uint64_t syndrome) { take_exception(syndrome, read<far_el1>()); }

void Vcpu::inject_undefined() { take_exception(syndrome(ExceptionClass::unknown, 0), read<far_el1>()); }

[[clang::minsize]] void Vcpu::inject_external_abort(hal::GuestVirt place, hal::AccessKind kind) {
  const bool fetch = kind == hal::AccessKind::fetch;
  constexpr uint64_t external_abort = 0b010000;
  const bool lower = spsr::is_el0(frame_->pstate);
  const auto exception_class =
      fetch ? (lower ? ExceptionClass::instruction_abort_lower : ExceptionClass::instruction_abort_same)
            : (lower ? ExceptionClass::data_abort_lower : ExceptionClass::data_abort_same);
  const uint64_t iss = abort_iss::fsc::of(external_abort) | abort_iss::wnr::of(kind == hal::AccessKind::store);
  take_exception(syndrome(exception_class, iss), place.value());
}

// The syndrome is still that of the exit: what is stepped over is stepped over before another guest can run.
[[clang::minsize]] void Vcpu::skip_aarch32() {
  frame_->pc += esr_el2::il::is_set(read<esr_el2>()) ? 4 : 2;
  frame_->pstate = advance_it(frame_->pstate) & ~spsr::ss::mask;
}

hal::GuestVirt Vcpu::fault_address() const { return hal::GuestVirt(read<far_el2>()); }

std::optional<hal::GuestPhys> Vcpu::translate(hal::GuestVirt place) const {
  // The guest's own PAR_EL1 is not ours to change.
  const uint64_t par = read<par_el1>();
  if (spsr::is_el0(frame_->pstate)) {
    asm volatile("at s1e0r, %0\n isb" ::"r"(place.value()) : "memory");
  } else {
    asm volatile("at s1e1r, %0\n isb" ::"r"(place.value()) : "memory");
  }
  const uint64_t result = read<par_el1>();
  write<par_el1>(par);
  if (par_el1::failed::is_set(result)) return std::nullopt;
  return hal::GuestPhys(par_el1::page::get(result) << 12 | (place.value() & 0xfff));
}

bool Vcpu::is_big_endian_now() const {
  if (spsr::nrw::is_set(frame_->pstate)) return spsr32::e::is_set(frame_->pstate);
  const uint64_t control = read<sctlr_el1>();
  return spsr::is_el0(frame_->pstate) ? sctlr_el1::e0e::is_set(control) : sctlr_el1::ee::is_set(control);
}

uint64_t Vcpu::stack_pointer() const {
  const bool el1h = spsr::mode::get(frame_->pstate) == spsr::el1h;
  return el1h ? read<sp_el1>() : read<sp_el0>();
}

[[clang::minsize]] void Vcpu::set_stack_pointer(uint64_t value) {
  if (spsr::mode::get(frame_->pstate) == spsr::el1h) {
    write<sp_el1>(value);
  } else {
    write<sp_el0>(value);
  }
}

}  // namespace arch

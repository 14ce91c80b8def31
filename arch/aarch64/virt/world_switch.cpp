// SPDX-License-Identifier: Apache-2.0
// Moving a vCPU's state into and out of the CPU. None of this runs on an exit: only when a CPU goes from one vCPU to
// another.
#include <algorithm>
#include <cstring>
#include <utility>

#include "arch/aarch64/regs/system.hpp"
#include "arch/aarch64/virt/walks.hpp"
#include "arch/cpu.hpp"
#include "arch/psci.hpp"
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"
#include "hal/cpu_local.hpp"
#include "hal/upcall.hpp"

extern "C" [[noreturn]] void enter_guest_at(arch::GuestFrame* frame);
extern "C" uint64_t arch_take_system_error();  // trap/vectors.S

namespace arch {
namespace {

using namespace regs;

void save_vectors(GuestFloatingPoint& fp) {
  asm volatile(
      ".arch_extension fp\n"
      "stp q0, q1, [%0, #0]\n stp q2, q3, [%0, #32]\n stp q4, q5, [%0, #64]\n stp q6, q7, [%0, #96]\n"
      "stp q8, q9, [%0, #128]\n stp q10, q11, [%0, #160]\n stp q12, q13, [%0, #192]\n stp q14, q15, [%0, #224]\n"
      "stp q16, q17, [%0, #256]\n stp q18, q19, [%0, #288]\n stp q20, q21, [%0, #320]\n stp q22, q23, [%0, #352]\n"
      "stp q24, q25, [%0, #384]\n stp q26, q27, [%0, #416]\n stp q28, q29, [%0, #448]\n stp q30, q31, [%0, #480]\n"
      ".arch_extension nofp\n"
      :
      : "r"(fp.v.data())
      : "memory");
}

void load_vectors(const GuestFloatingPoint& fp) {
  asm volatile(
      ".arch_extension fp\n"
      "ldp q0, q1, [%0, #0]\n ldp q2, q3, [%0, #32]\n ldp q4, q5, [%0, #64]\n ldp q6, q7, [%0, #96]\n"
      "ldp q8, q9, [%0, #128]\n ldp q10, q11, [%0, #160]\n ldp q12, q13, [%0, #192]\n ldp q14, q15, [%0, #224]\n"
      "ldp q16, q17, [%0, #256]\n ldp q18, q19, [%0, #288]\n ldp q20, q21, [%0, #320]\n ldp q22, q23, [%0, #352]\n"
      "ldp q24, q25, [%0, #384]\n ldp q26, q27, [%0, #416]\n ldp q28, q29, [%0, #448]\n ldp q30, q31, [%0, #480]\n"
      ".arch_extension nofp\n"
      :
      : "r"(fp.v.data())
      : "memory");
}

// Pointer-authentication keys exist only where some form of FEAT_PAuth does.
bool has_pointer_authentication() {
  constexpr uint64_t isar1 = id_aa64isar1_el1::apa::mask | id_aa64isar1_el1::api::mask | id_aa64isar1_el1::gpa::mask |
                             id_aa64isar1_el1::gpi::mask;
  constexpr uint64_t isar2 = id_aa64isar2_el1::apa3::mask | id_aa64isar2_el1::gpa3::mask;
  return (read<id_aa64isar1_el1>() & isar1) != 0 || (read<id_aa64isar2_el1>() & isar2) != 0;
}

// What the others mean depends on these two: load() has an order for them.
template <class Move, class State>
void for_each_translation_control(State& s, Move move) {
  move.template operator()<sctlr_el1>(s.sctlr);
  move.template operator()<tcr_el1>(s.tcr);
}

// One list for both directions: `move` gets a register type and its place in memory.
template <class Move, class State>
void for_each_register(State& s, Move move) {
  move.template operator()<actlr_el1>(s.actlr);
  move.template operator()<cpacr_el1>(s.cpacr);
  move.template operator()<ttbr0_el1>(s.ttbr0);
  move.template operator()<ttbr1_el1>(s.ttbr1);
  move.template operator()<spsr_el1>(s.spsr);
  move.template operator()<elr_el1>(s.elr);
  move.template operator()<sp_el0>(s.sp_el0);
  move.template operator()<sp_el1>(s.sp_el1);
  move.template operator()<afsr0_el1>(s.afsr0);
  move.template operator()<afsr1_el1>(s.afsr1);
  move.template operator()<esr_el1>(s.esr);
  move.template operator()<far_el1>(s.far);
  move.template operator()<par_el1>(s.par);
  move.template operator()<mair_el1>(s.mair);
  move.template operator()<amair_el1>(s.amair);
  move.template operator()<vbar_el1>(s.vbar);
  move.template operator()<contextidr_el1>(s.contextidr);
  move.template operator()<tpidr_el1>(s.tpidr_el1);
  move.template operator()<tpidr_el0>(s.tpidr_el0);
  move.template operator()<tpidrro_el0>(s.tpidrro_el0);
  move.template operator()<csselr_el1>(s.csselr);
  move.template operator()<mdscr_el1>(s.mdscr);
  move.template operator()<cntkctl_el1>(s.cntkctl);
}

// Registers of features that guests are not told of. TPIDR2_EL0 is trapped only with FEAT_FGT.
template <class Move, class State>
void for_each_hidden_register(State& s, Move move) {
  if (id_aa64pfr0_el1::ras::get(read<id_aa64pfr0_el1>()) != 0) move.template operator()<vdisr_el2>(s.vdisr);
  if (id_aa64pfr1_el1::sme::get(read<id_aa64pfr1_el1>()) != 0) move.template operator()<tpidr2_el0>(s.tpidr2);
}

template <class Move, class Keys>
void for_each_key(Keys& keys, Move move) {
  move.template operator()<apiakeylo_el1>(keys[0]);
  move.template operator()<apiakeyhi_el1>(keys[1]);
  move.template operator()<apibkeylo_el1>(keys[2]);
  move.template operator()<apibkeyhi_el1>(keys[3]);
  move.template operator()<apdakeylo_el1>(keys[4]);
  move.template operator()<apdakeyhi_el1>(keys[5]);
  move.template operator()<apdbkeylo_el1>(keys[6]);
  move.template operator()<apdbkeyhi_el1>(keys[7]);
  move.template operator()<apgakeylo_el1>(keys[8]);
  move.template operator()<apgakeyhi_el1>(keys[9]);
}

constexpr auto to_memory = []<class Register>(uint64_t& place) { place = read<Register>(); };
constexpr auto to_cpu = []<class Register>(const uint64_t& place) { write<Register>(place); };

// What one guest taught the branch predictors must not lead the next one (Arm DEN0028 7.2 and 7.6). WORKAROUND_3 does
// what WORKAROUND_1 does as well.
void forget_branches() {
  const psci::Workarounds& needed = psci::workarounds();
  if (needed.branch_history == 0) {
    psci::clear_branch_history();
  } else if (needed.branch_prediction == 0) {
    psci::clear_branch_prediction();
  }
}

// The SError that is pending, as ESR_EL2 would have it, or 0; it is no longer pending. An ESB defers it into DISR_EL1
// (FEAT_RAS, D1.3.6.4). Without, a DSB completes the accesses that cause one, and it is taken for a moment.
uint64_t take_pending_error() {
  if (id_aa64pfr0_el1::ras::get(read<id_aa64pfr0_el1>()) != 0) {
    asm volatile("hint #16" ::: "memory");
    const uint64_t deferred = read<disr_el1>();
    if (!disr_el1::a::is_set(deferred)) [[likely]]
      return 0;
    write<disr_el1>(0);
    return esr_el2::ec::of(static_cast<uint64_t>(ExceptionClass::serror)) | disr_el1::iss::get(deferred);
  }
  dsb_sy();
  isb();
  return isr_el1::a::is_set(read<isr_el1>()) ? arch_take_system_error() : 0;
}

}  // namespace

void Vcpu::prepare_exits(StackPart& frame) {
  frame_ = &frame;
  frame_->vcpu = this;
  for (ExitPoint& point : frame.points) point.count.store(0, std::memory_order_relaxed);
  observe_exits(false);
  points_.store(frame.points.data(), std::memory_order_release);
}

void Vcpu::reset(const hal::StartState& start) {
  frame_->x = {};
  std::ranges::copy(start.arguments, frame_->x.begin());
  frame_->pc = start.pc.value();
  frame_->pstate = spsr::daif | spsr::el1h;
  system_ = {};
  system_.sctlr = sctlr_el1::res1;
  floating_point_ = {};
  sve_control_ = 0;
  uses_sve_ = false;
  debug_ = {};
  debug_locked_ = true;
  pmu_.reset();
  tell_pmu_interrupt();
  system_error_ = 0;
  last_cpu_ = nowhere;
  traps_set_way_ = false;
  loaded_ = false;
}

void Vcpu::save() {
  for_each_translation_control(system_, to_memory);
  for_each_register(system_, to_memory);
  system_.cntv_ctl = read<cntv_ctl_el0>();
  system_.cntv_cval = read<cntv_cval_el0>();
  write<cntv_ctl_el0>(0);
  if (has_pointer_authentication()) for_each_key(system_.pointer_keys, to_memory);
  for_each_hidden_register(system_, to_memory);
  if (!uses_sve_ || !save_sve()) [[likely]]
    save_vectors(floating_point_);
  floating_point_.fpsr = read<fpsr>();
  floating_point_.fpcr = read<fpcr>();
  if (pmu_.counts()) [[unlikely]] pmu_.save();
  // What is pending now this guest has caused, and no other is to take it. May destroy TPIDR_EL0.
  if (const uint64_t error = take_pending_error()) system_error_ = error;
  loaded_ = false;
}

void Vcpu::load() {
  const hal::CpuIndex cpu = static_cast<hal::CpuLocal*>(Cpu::local())->index;
  forget_branches();
  stop_walks();
  write<vttbr_el2>(Mmu::enter(*identity_.regime, cpu, identity_.index));
  write<vtcr_el2>(identity_.regime->vtcr);
  follow_set_way(cpu);
  configure_traps();
  write<vmpidr_el2>(identity_.mpidr | mpidr_el1::res1);
  write<vpidr_el2>(read<midr_el1>());
  for_each_register(system_, to_cpu);
  if (has_pointer_authentication()) for_each_key(system_.pointer_keys, to_cpu);
  for_each_hidden_register(system_, to_cpu);
  allow_walks(system_.sctlr, system_.tcr);
  if (!uses_sve_) [[likely]] {
    load_vectors(floating_point_);
  } else {
    load_sve();
  }
  write<fpsr>(floating_point_.fpsr);
  write<fpcr>(floating_point_.fpcr);
  write<oslar_el1>(debug_locked_);
  if (mdscr_el1::mde::is_set(system_.mdscr)) [[unlikely]] debug_.load();
  if (pmu_.counts()) [[unlikely]] load_pmu();
  write<cntvoff_el2>(counter_offset_);
  // FEAT_ECV could offset the physical counter, too, where firmware lets it (SCR_EL3.ECVEn): not known here. Only a guest
  // whose clock stood still before has its reads trapped. Its physical timer always is.
  write<cnthctl_el2>(cnthctl_el2::el1pcten::of(counter_offset_ == 0));
  write<cntv_cval_el0>(system_.cntv_cval);
  isb();  // offset and compare value before the timer can fire
  write<cntv_ctl_el0>(system_.cntv_ctl);
  loaded_ = true;
  if (system_error_ != 0) [[unlikely]]
    fail(std::exchange(system_error_, 0));
}

// Maintenance by set and way reaches the CPU that executes it. Once a vCPU has moved, lines of its guest may be in the
// CPU that it came from: then the next one exits.
void Vcpu::follow_set_way(hal::CpuIndex cpu) {
  if (last_cpu_ != cpu && last_cpu_ != nowhere) traps_set_way_ = true;
  last_cpu_ = static_cast<uint8_t>(cpu);
}

// The traps that are not every guest's at every time.
void Vcpu::configure_traps() const {
  const uint64_t hcr = read<hcr_el2>() & ~(hcr_el2::tsw::mask | hcr_el2::twi::mask);
  write<hcr_el2>(hcr | hcr_el2::tsw::of(traps_set_way_) | hcr_el2::twi::of(traps_idle_));
}

void Vcpu::maintain_by_set_way() {
  traps_set_way_ = false;
  configure_traps();
  // Where it moves again meanwhile, the instruction exits again.
  hal::upcall::guest_maintains_by_set_way(*this);
}

// All of each vector is loaded, because writing a V register clears what lies above only where SVE is not trapped, and only
// as far as vectors reach there: another guest's bits may have outlived load().
[[clang::minsize]] bool Vcpu::begin_sve() {
  const unsigned quads = identity_.features.sve_quads;
  if (quads == 0) return false;
  save_vectors(floating_point_);
  std::ranges::fill(identity_.sve, SveQuad{});
  for (unsigned n = 0; n < floating_point_.v.size(); ++n) {
    std::memcpy(&identity_.sve[n * quads], &floating_point_.v[n], sizeof(SveQuad));
  }
  load_sve();
  uses_sve_ = true;
  return true;
}

void Vcpu::enter_guest() { enter_guest_at(frame_); }

GuestSystemRegisters Vcpu::system_registers() const {
  GuestSystemRegisters now = system_;
  if (!loaded_) return now;
  for_each_translation_control(now, to_memory);
  for_each_register(now, to_memory);
  now.cntv_ctl = read<cntv_ctl_el0>();
  now.cntv_cval = read<cntv_cval_el0>();
  for_each_hidden_register(now, to_memory);
  return now;
}

uint64_t Vcpu::timer_deadline() const {
  const uint64_t control = loaded_ ? read<cntv_ctl_el0>() : system_.cntv_ctl;
  const uint64_t compare = loaded_ ? read<cntv_cval_el0>() : system_.cntv_cval;
  if (!timer_control::enable::is_set(control) || timer_control::imask::is_set(control)) return ~uint64_t{0};
  return compare > ~uint64_t{0} - counter_offset_ ? ~uint64_t{0} : compare + counter_offset_;
}

}  // namespace arch

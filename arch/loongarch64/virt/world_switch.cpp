// SPDX-License-Identifier: Apache-2.0
// Moving a vCPU's state into and out of the CPU. None of this runs on an exit: only when a CPU goes from one vCPU to
// another.
#include <algorithm>
#include <tuple>

#include "arch/cpu.hpp"
#include "arch/sysreg.hpp"
#include "arch/timer.hpp"
#include "arch/vcpu.hpp"
#include "hal/cpu_local.hpp"

extern "C" {
[[noreturn]] void enter_guest_at(arch::Vcpu* vcpu);
// virt/vectors.S
void save_lasx(arch::GuestVectors& to);
void load_lasx(const arch::GuestVectors& from);
void save_lsx(arch::GuestVectors& to);
void load_lsx(const arch::GuestVectors& from);
void save_fp(arch::GuestVectors& to);
void load_fp(const arch::GuestVectors& from);
}

namespace arch {
namespace {

using namespace regs;

// Whose bank a CPU's guest registers hold, loaded or not. Compared, not followed: that vCPU may be gone.
constinit std::array<const Vcpu*, hal::max_cpus> bank_owner{};

// Bits of ESTAT that are the guest's own and no line from outside: software interrupts, and the last exception.
constexpr uint64_t own_estat = 0b11 | estat::ecode::mask | estat::esubcode::mask;
constexpr uint64_t outside_lines = hal::bit(interrupt_line::ipi);

hal::CpuIndex this_cpu() { return static_cast<hal::CpuLocal*>(Cpu::local())->index; }

template <class Move>
void for_each_register(Move move) {
  [&]<size_t... N>(std::index_sequence<N...>) {
    (move.template operator()<std::tuple_element_t<N, GuestBank>>(N), ...);
  }
  (std::make_index_sequence<guest_bank_size>{});
}

void save_vectors(GuestVectors& to) {
  const uint64_t features = cpucfg(cpucfg2::word);
  if (cpucfg2::lasx::is_set(features)) return save_lasx(to);
  if (cpucfg2::lsx::is_set(features)) return save_lsx(to);
  if (cpucfg2::fp::is_set(features)) save_fp(to);
}

void load_vectors(const GuestVectors& from) {
  const uint64_t features = cpucfg(cpucfg2::word);
  if (cpucfg2::lasx::is_set(features)) return load_lasx(from);
  if (cpucfg2::lsx::is_set(features)) return load_lsx(from);
  if (cpucfg2::fp::is_set(features)) load_fp(from);
}

}  // namespace

void Vcpu::prepare_exits(StackPart& part) {
  // What enters the guest never returns, so that all of the stack below this variable is free for exits.
  frame.stack_top = hal::align_down(reinterpret_cast<uintptr_t>(&part), 16);
  for (ExitPoint& point : frame.points) point.count.store(0, std::memory_order_relaxed);
  observe_exits(false);
  started_.store(true, std::memory_order_release);
}

void Vcpu::reset(const hal::StartState& start) {
  constexpr unsigned a0 = 4;
  frame.r = {};
  std::ranges::copy(start.arguments, frame.r.begin() + a0);
  frame.pc = start.pc.value();
  bank_.reset(identity_.core);
  timer_ = {};
  estat_ = 0;
  virtual_lines_ = 0;
  vectors_ = {};
  bank_cpu_ = no_cpu;
  loaded_ = false;
}

void Vcpu::set_tag(uint64_t tag) {
  const uint64_t control = read<gtlbc>() & ~gtlbc::tgid::mask;
  frame.host_gstat = gstat::gid::of(tag);
  frame.guest_gstat = frame.host_gstat | gstat::pvm::mask;
  frame.host_gtlbc = control;
  frame.guest_gtlbc = control | gtlbc::tgid::of(tag);
}

// --- the timer
// -------------------------------------------------------------------------------------------------------

void Vcpu::suspend_timer() {
  const uint64_t config = read_guest<tcfg>();
  const uint64_t value = read_guest<tval>();
  const uint64_t before = read_guest<estat>();
  const uint64_t now = Timer::now();
  write_guest<tcfg>(0);
  timer_ = GuestTimer::taken({config, value, before, read_guest<estat>()}, now);
  timer_suspended_ = true;
}

// Stopped first, then its interrupt, then what it counts (4.4 of the LVZ reference).
void Vcpu::resume_timer() {
  const GuestTimer::Plan plan = timer_.put_back(Timer::now());
  write_guest<tcfg>(0);
  if (plan.pending) {
    exchange_guest<estat>(GuestTimer::line, GuestTimer::line);
  } else {
    write_guest<ticlr>(ticlr::clr::mask);
  }
  write_guest<tcfg>(plan.config);
  write_guest<tval>(plan.value);
  timer_suspended_ = false;
}

uint64_t Vcpu::timer_deadline() const {
  if (!loaded_ || timer_suspended_) return timer_.wake_up((bank<ecfg>() & GuestTimer::line) != 0);
  const uint64_t config = read_guest<tcfg>(), value = read_guest<tval>();
  const bool counts = tcfg::en::is_set(config) && value <= GuestTimer::initial(config);
  return counts ? Timer::now() + value : GuestTimer::never;
}

// --- all of it
// -------------------------------------------------------------------------------------------------------

void Vcpu::save() {
  const hal::CpuIndex cpu = this_cpu();
  if (!timer_suspended_) suspend_timer();
  estat_ = read_guest<estat>() & (own_estat | outside_lines);
  for_each_register([&]<class Register>(size_t n) { bank_.words[n] = read_guest<Register>(); });
  save_vectors(vectors_);
  Mmu::leave(*identity_.regime, cpu);
  loaded_ = false;
}

// A vCPU that comes back to a CPU where nobody else's registers were loaded meanwhile finds its own.
void Vcpu::load() {
  const hal::CpuIndex cpu = this_cpu();
  set_tag(Mmu::enter(*identity_.regime, tag_, cpu, *this));
  frame.guest_root = identity_.regime->root;
  frame.host_root = Mmu::host_root();
  write<regs::save<5>>(reinterpret_cast<uint64_t>(this));
  if (bank_owner[cpu] != this || bank_cpu_ != cpu) {
    write_guest<tcfg>(0);
    write_guest<estat>(estat_);
    for_each_register([&]<class Register>(size_t n) { write_guest<Register>(bank_.words[n]); });
    load_vectors(vectors_);
    bank_owner[cpu] = this;
    bank_cpu_ = cpu;
  }
  // An LL that ran before this must not meet an SC behind it: memory may have changed hands.
  write_guest<llbctl>(llbctl::wcllb::mask);
  resume_timer();
  write<gcntc>(0 - counter_offset_);
  write<gintc>(gintc::vip::of(virtual_lines_));
  ibar();
  loaded_ = true;
}

void Vcpu::enter_guest() { enter_guest_at(this); }

// --- its interrupts
// --------------------------------------------------------------------------------------------------

void Vcpu::set_lines(uint64_t is) {
  const uint64_t lines = is >> interrupt_line::hwi0 & gintc::vip::mask;
  if (lines != virtual_lines_) {
    virtual_lines_ = lines;
    // The whole register: not every implementation lets us read back what was there.
    write<gintc>(gintc::vip::of(lines));
  }
  exchange_guest<estat>(is, outside_lines);
}

bool Vcpu::has_pending() const {
  uint64_t is = virtual_lines_ << interrupt_line::hwi0;
  is |= loaded_ ? read_guest<estat>() : estat_;
  const bool expired = timer_.pending || (timer_.deadline != GuestTimer::never && Timer::now() >= timer_.deadline);
  if ((!loaded_ || timer_suspended_) && expired) is |= GuestTimer::line;
  return (is & bank<ecfg>() & ecfg::lie::mask) != 0;
}

}  // namespace arch

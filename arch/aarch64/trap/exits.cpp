// SPDX-License-Identifier: Apache-2.0
// Exits of a guest. trap/vectors.S jumps to the handler of its exit point with the guest's registers saved; returning
// means going back into the guest. docs/trapping.md says what is trapped, and why.
#include <algorithm>
#include <array>
#include <optional>

#include "arch/aarch64/irq/irqs.hpp"
#include "arch/aarch64/report/report.hpp"
#include "arch/aarch64/trap/system_registers.hpp"
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"
#include "hal/upcall.hpp"
#include "hal/vcpu.hpp"

namespace arch {
namespace {

using namespace regs;
using hal::GuestPhys;
using hal::GuestVirt;

// Not implemented for guests, or not known: what a CPU without it does.
void undefined(GuestFrame& frame, uint64_t) { frame.vcpu->inject_undefined(); }

void use_sve(GuestFrame& frame, uint64_t) {
  if (!frame.vcpu->begin_sve()) frame.vcpu->inject_undefined();
}

void wait_for_event(GuestFrame& frame, uint64_t) { hal::upcall::guest_idle(*frame.vcpu); }

// The calling convention reserves every immediate but 0 (DEN0028 2.9). One copy, with what it calls, for HVC and SMC.
[[gnu::noinline]] void hypervisor_call(GuestFrame& frame, uint64_t esr) {
  constexpr uint64_t not_supported = ~uint64_t{0};
  if (call_iss::immediate::get(esr) != 0) return frame.set(0, not_supported);
  Vcpu& vcpu = *frame.vcpu;
  // So that X0 is not looked for by way of the vCPU.
  if (&vcpu.frame() != &frame) __builtin_unreachable();
  hal::upcall::guest_call(vcpu);
}

// A trapped SMC has not been executed: its return address is itself (D1.3.5.4).
void secure_monitor_call(GuestFrame& frame, uint64_t esr) {
  frame.skip_instruction();
  hypervisor_call(frame, esr);
}

void system_register(GuestFrame& frame, uint64_t esr) { emulate_system_register(frame, esr_el2::iss::get(esr)); }

// Where HPFAR_EL2 is valid; `far` gives the place in the page.
GuestPhys ipa_of(uint64_t far) { return GuestPhys(hpfar_el2::fipa::get(read<hpfar_el2>()) << 12 | (far & 0xfff)); }

// HPFAR_EL2 has the page of the address for every fault but a permission fault outside a table walk (D24.2.59).
// There the stage 1 translation is asked again; the guest may have changed it meanwhile, and then there is nothing: the
// access is simply tried once more.
std::optional<GuestPhys> fault_address(const Vcpu& vcpu, uint64_t iss) {
  const uint64_t far = read<far_el2>();
  const bool permission = (abort_iss::fsc::get(iss) & ~abort_iss::level_mask) == abort_iss::permission;
  if (!permission || abort_iss::s1ptw::is_set(iss)) return ipa_of(far);
  return vcpu.translate(GuestVirt(far));
}

bool is_stage2_fault(uint64_t iss) {
  const uint64_t status = abort_iss::fsc::get(iss) & ~abort_iss::level_mask;
  const bool stage2 =
      status == abort_iss::translation || status == abort_iss::permission || status == 0b000000 /* address size */;
  return stage2 && !abort_iss::s1ptw::is_set(iss);
}

// A walk of stage 1 that stage 2 stopped while its entry was away for a moment (D8.16.1, break-before-make) is done
// again by the same instruction. A permission that lacks is the one to write (a walk that sets a flag).
bool may_walk_again(Vcpu& vcpu, uint64_t iss) {
  const uint64_t status = abort_iss::fsc::get(iss) & ~abort_iss::level_mask;
  if (!abort_iss::s1ptw::is_set(iss) || (status != abort_iss::translation && status != abort_iss::permission)) {
    return false;
  }
  return hal::upcall::guest_may_walk_again(vcpu, ipa_of(0), status == abort_iss::permission);
}

void refuse_access(Vcpu& vcpu, uint64_t iss) {
  const auto kind = abort_iss::wnr::is_set(iss) ? hal::AccessKind::store : hal::AccessKind::load;
  vcpu.inject_external_abort(GuestVirt(read<far_el2>()), kind);
}

// The address of a data abort, if stage 2 is its cause. If not, it is an error of the memory system, or stage 1 tables
// lie outside RAM: for the guest to see.
[[gnu::noinline, clang::minsize]] std::optional<GuestPhys> examine_data_abort(Vcpu& vcpu, uint64_t iss) {
  if (is_stage2_fault(iss)) return fault_address(vcpu, iss);
  if (may_walk_again(vcpu, iss)) return {};
  vcpu.met_no_device();
  refuse_access(vcpu, iss);
  return {};
}

[[gnu::noinline, clang::minsize]] void data_abort_without_syndrome(GuestFrame& frame, uint64_t iss) {
  Vcpu& vcpu = *frame.vcpu;
  const auto address = examine_data_abort(vcpu, iss);
  if (!address) return;
  // Cache maintenance by VA where there is no RAM has nothing to maintain.
  if (abort_iss::cm::is_set(iss)) return frame.skip_instruction();
  // These instructions are decoded in software, which knows A64.
  if (spsr::nrw::is_set(frame.pstate)) return refuse_access(vcpu, iss);
  hal::upcall::guest_undecoded_access(
      vcpu, {.address = *address, .virtual_address = GuestVirt(read<far_el2>()), .write = abort_iss::wnr::is_set(iss)});
}

// One that is described by the hardware, of any form and cause.
[[gnu::noinline]] void data_abort_of_any_form(GuestFrame& frame, uint64_t esr) {
  using iss = abort_iss;
  Vcpu& vcpu = *frame.vcpu;
  if (!iss::isv::is_set(esr)) return data_abort_without_syndrome(frame, esr_el2::iss::get(esr));
  const auto address = examine_data_abort(vcpu, esr_el2::iss::get(esr));
  if (!address) return;
  hal::upcall::guest_access(vcpu, {.address = *address,
                                   .size = static_cast<uint8_t>(1U << iss::sas::get(esr)),
                                   .reg = static_cast<uint8_t>(iss::srt::get(esr)),
                                   .write = iss::wnr::is_set(esr),
                                   .sign_extend = iss::sse::is_set(esr),
                                   .wide = iss::sf::is_set(esr)});
}

// A load or store of a word where stage 2 has nothing.
[[gnu::noinline]] void data_abort_of_a_word(GuestFrame& frame, uint64_t esr) {
  hal::upcall::guest_access(*frame.vcpu, {.address = ipa_of(read<far_el2>()),
                                          .size = 4,
                                          .reg = static_cast<uint8_t>(abort_iss::srt::get(esr)),
                                          .write = abort_iss::wnr::is_set(esr),
                                          .sign_extend = false,
                                          .wide = false});
}

// Of a little-endian guest's A64 code: no byte order to ask for, and nothing that AArch32 has beside PC.
bool is_plain_code(const GuestFrame& frame) {
  using sctlr = sctlr_el1;
  return (read<sctlr>() & (sctlr::ee::mask | sctlr::e0e::mask)) == 0 && !spsr::nrw::is_set(frame.pstate);
}

// Nearly always such an access, to the device that the vCPU accessed before. Everything else goes to others, so that this
// one need not keep what they want to know.
void data_abort(GuestFrame& frame, uint64_t esr) {
  using iss = abort_iss;
  constexpr uint64_t form = iss::isv::mask | iss::sas::mask | iss::sse::mask | (iss::fsc::mask & ~iss::level_mask);
  constexpr uint64_t word = iss::isv::mask | iss::sas::of(2) | iss::fsc::of(iss::translation);
  if ((esr & form) != word) [[unlikely]] return data_abort_of_any_form(frame, esr);
  if (!is_plain_code(frame)) [[unlikely]] return data_abort_of_a_word(frame, esr);
  const bool known = hal::upcall::guest_accesses_word(*frame.vcpu, ipa_of(read<far_el2>()), frame.x[iss::srt::get(esr)],
                                                      iss::wnr::is_set(esr));
  if (!known) [[unlikely]] return data_abort_of_a_word(frame, esr);
  frame.skip_instruction();
}

[[clang::minsize]] void instruction_abort(GuestFrame& frame, uint64_t esr) {
  const uint64_t iss = esr_el2::iss::get(esr);
  Vcpu& vcpu = *frame.vcpu;
  const GuestVirt place(read<far_el2>());
  if (!is_stage2_fault(iss)) {
    if (may_walk_again(vcpu, iss)) return;
    return vcpu.inject_external_abort(place, hal::AccessKind::fetch);
  }
  if (const auto address = fault_address(vcpu, iss)) {
    hal::upcall::guest_fetch_fault(vcpu, {.address = *address, .virtual_address = place, .write = false});
  }
}

// Before the guest goes on: what `attention` and the scheduler ask for.
void attention(GuestFrame& frame, uint64_t) { hal::upcall::guest_attention(*frame.vcpu); }

// An SError that a guest's access caused, or one of the machine that hit while it ran: the VM cannot be trusted to go
// on.
void system_error(GuestFrame& frame, uint64_t) { frame.vcpu->fail(read<esr_el2>()); }

struct Destination {
  size_t point;
  ExitHandler handler;
  hal::ExitClass exit_class;
};
constexpr size_t point_of(ExceptionClass c) { return exit_point::synchronous + static_cast<size_t>(c); }

constexpr auto destinations = std::to_array<Destination>({
    {exit_point::interrupt, guest_interrupted, hal::ExitClass::interrupt},
    {exit_point::system_error, system_error, hal::ExitClass::fault},
    {exit_point::attention, attention, hal::ExitClass::attention},
    {point_of(ExceptionClass::wfx), wait_for_event, hal::ExitClass::idle},
    {point_of(ExceptionClass::hvc64), hypervisor_call, hal::ExitClass::call},
    {point_of(ExceptionClass::smc64), secure_monitor_call, hal::ExitClass::call},
    {point_of(ExceptionClass::system_register), system_register, hal::ExitClass::registers},
    {point_of(ExceptionClass::sve), use_sve, hal::ExitClass::registers},
    {point_of(ExceptionClass::cp15_mcr_mrc), emulate_mcr_mrc, hal::ExitClass::registers},
    {point_of(ExceptionClass::cp15_mcrr_mrrc), emulate_mcrr_mrrc, hal::ExitClass::registers},
    {point_of(ExceptionClass::data_abort_lower), data_abort, hal::ExitClass::device},
    {point_of(ExceptionClass::instruction_abort_lower), instruction_abort, hal::ExitClass::memory},
});
constexpr Destination anything_else{0, undefined, hal::ExitClass::fault};

// Not on the way of an exit: exit points hold their handlers.
[[clang::minsize]] const Destination& destination(size_t point) {
  const auto* const found = std::ranges::find(destinations, point, &Destination::point);
  return found != destinations.end() ? *found : anything_else;
}

// --- observed exits --------------------------------------------------------------------------------------------------

// Stands in front of a point's handler while somebody wants to know more of an exit than that it happened.
[[clang::minsize]] void observe(GuestFrame& frame, uint64_t esr, size_t point) {
  Vcpu& vcpu = *frame.vcpu;
  const Destination& to = destination(point);
  hal::upcall::ExitReport report{.exit_class = to.exit_class, .syndrome = esr};
  const uint64_t iss = esr_el2::iss::get(esr);
  if ((to.handler == data_abort || to.handler == instruction_abort) && is_stage2_fault(iss)) {
    report.address = fault_address(vcpu, iss).value_or(GuestPhys(0));
    report.write = to.handler == data_abort && abort_iss::wnr::is_set(iss);
  }
  hal::upcall::exit_begins(vcpu, report);
  to.handler(frame, esr);
  hal::upcall::exit_ends(vcpu);
}

template <size_t Point>
void observe_point(GuestFrame& frame, uint64_t) {
  observe(frame, 0, Point);
}
void observe_synchronous(GuestFrame& frame, uint64_t esr) {
  observe(frame, esr, exit_point::synchronous + esr_el2::ec::get(esr));
}
constexpr std::array<ExitHandler, exit_point::synchronous> observe_others{observe_point<exit_point::interrupt>,
                                                                          observe_point<exit_point::system_error>,
                                                                          observe_point<exit_point::attention>};

}  // namespace

[[clang::minsize]] void Vcpu::fail(uint64_t syndrome) {
  std::array<char, 96> buffer;
  hal::BufferSink words(buffer);
  words.put("an SError was reported while the guest ran, syndrome ");
  describe_syndrome(words, syndrome);
  hal::upcall::guest_failed(*this, words.text());
}

[[clang::minsize]] void Vcpu::observe_exits(bool on) {
  for (size_t point = 0; point < exit_point::count; ++point) {
    const ExitHandler observer = point < observe_others.size() ? observe_others[point] : observe_synchronous;
    frame_->points[point].handler.store(on ? observer : destination(point).handler, std::memory_order_relaxed);
  }
}

[[clang::minsize]] uint64_t Vcpu::exits(hal::ExitClass exit_class) const {
  const ExitPoint* const points = points_.load(std::memory_order_acquire);
  if (points == nullptr) return 0;
  uint64_t sum = 0;
  for (size_t point = 0; point < exit_point::count; ++point) {
    if (destination(point).exit_class == exit_class) sum += points[point].count.load(std::memory_order_relaxed);
  }
  // Read one after another while the vCPU runs: what is subtracted may be ahead of what it is subtracted from.
  const uint64_t no_device = no_device_.load(std::memory_order_relaxed);
  if (exit_class == hal::ExitClass::memory) return sum + no_device;
  return exit_class == hal::ExitClass::device ? sum - std::min(sum, no_device) : sum;
}

}  // namespace arch

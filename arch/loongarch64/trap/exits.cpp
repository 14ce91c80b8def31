// SPDX-License-Identifier: Apache-2.0
// What made a guest exit, and what becomes of it. trap/guest_exit.S calls the vCPU's handler of an exit point; to
// return means going back into the guest. docs/trapping.md says what is trapped, and why.
#include <algorithm>
#include <array>

#include "arch/loongarch64/decode/memory.hpp"
#include "arch/loongarch64/irq/irqs.hpp"
#include "arch/loongarch64/trap/sensitive.hpp"
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"
#include "hal/upcall.hpp"
#include "hal/vcpu.hpp"

namespace arch {
namespace {

using namespace regs;
using hal::GuestPhys;
using hal::GuestVirt;

// BADV has a guest physical address. An implementation is known that leaves the guest's window in it.
GuestPhys fault_place() { return GuestPhys(read<badv>() & hal::low_mask(48)); }

Ecode code_of(uint64_t estat) { return static_cast<Ecode>(estat::ecode::get(estat)); }
bool is_store(uint64_t estat) { return code_of(estat) == Ecode::store_invalid || code_of(estat) == Ecode::store_clean; }

void interrupt(Vcpu&, uint64_t) { (void)irqs::dispatch(); }

// Not implemented for guests, or not known: what a CPU without it does.
void undefined(Vcpu& vcpu, uint64_t) { vcpu.inject_undefined(); }

void hypercall(Vcpu& vcpu, uint64_t) {
  if (crmd::plv::get(vcpu.bank<crmd>()) != 0) [[unlikely]]
    return vcpu.inject_privileged();
  vcpu.skip_instruction();
  hal::upcall::guest_call(vcpu);
}

// To be tried again: stage 2 allows it by now. The TLB may hold a pair of entries from before it did, and would go on
// with it.
void retry(Vcpu& vcpu, uint64_t pc, GuestPhys place) {
  if (vcpu.pc() == pc) [[unlikely]]
    Mmu::forget_guest_page(vcpu.tag(), place);
}

// Apart, because it is rare and would burden the accesses that are decoded.
[[gnu::noinline, clang::minsize]] void undecoded_access(Vcpu& vcpu, uint64_t estat, GuestPhys place) {
  hal::upcall::guest_undecoded_access(
      vcpu, {.address = place, .virtual_address = vcpu.fault_address(), .write = is_store(estat)});
}

void data_access(Vcpu& vcpu, uint64_t estat) {
  const GuestPhys place = fault_place();
  const uint64_t pc = vcpu.pc();
  if (const auto access = la64::decode(Vcpu::instruction())) [[likely]] {
    hal::upcall::guest_access(vcpu, {.address = place,
                                     .size = access->size,
                                     .reg = access->reg,
                                     .write = access->store,
                                     .sign_extend = access->sign_extend,
                                     .wide = true});
  } else {
    undecoded_access(vcpu, estat, place);
  }
  retry(vcpu, pc, place);
}

[[clang::minsize]] void fetch(Vcpu& vcpu, uint64_t) {
  const GuestPhys place = fault_place();
  const uint64_t pc = vcpu.pc();
  hal::upcall::guest_fetch_fault(vcpu, {.address = place, .virtual_address = GuestVirt(place.value()), .write = false});
  retry(vcpu, pc, place);
}

// Before the guest goes on: what `attention` and the scheduler ask for.
void attention(Vcpu& vcpu, uint64_t) { hal::upcall::guest_attention(vcpu); }

struct Destination {
  size_t point;
  ExitHandler handler;
  hal::ExitClass exit_class;
};
constexpr size_t point_of(Ecode code) { return static_cast<size_t>(code); }

constexpr auto destinations = std::to_array<Destination>({
    {point_of(Ecode::interrupt), interrupt, hal::ExitClass::interrupt},
    {point_of(Ecode::load_invalid), data_access, hal::ExitClass::device},
    {point_of(Ecode::store_invalid), data_access, hal::ExitClass::device},
    {point_of(Ecode::store_clean), data_access, hal::ExitClass::device},
    {point_of(Ecode::no_read), data_access, hal::ExitClass::device},
    {point_of(Ecode::privilege), data_access, hal::ExitClass::device},
    {point_of(Ecode::fetch_invalid), fetch, hal::ExitClass::memory},
    {point_of(Ecode::no_execute), fetch, hal::ExitClass::memory},
    {point_of(Ecode::sensitive), emulate_sensitive, hal::ExitClass::registers},
    {point_of(Ecode::hypercall), hypercall, hal::ExitClass::call},
    {exit_point::attention, attention, hal::ExitClass::attention},
});
constexpr Destination anything_else{0, undefined, hal::ExitClass::fault};

// Not on the way of an exit: exit points hold their handlers.
[[clang::minsize]] const Destination& destination(size_t point) {
  const auto* const found = std::ranges::find(destinations, point, &Destination::point);
  return found != destinations.end() ? *found : anything_else;
}

// --- observed exits --------------------------------------------------------------------------------------------------

// Stands in front of a point's handler while somebody wants to know more of an exit than that it happened.
[[clang::minsize]] void observe(Vcpu& vcpu, uint64_t estat, size_t point) {
  const Destination& to = destination(point);
  hal::upcall::ExitReport report{.exit_class = to.exit_class, .syndrome = estat};
  if (to.handler == data_access || to.handler == fetch) {
    report.address = fault_place();
    report.write = is_store(estat);
  }
  hal::upcall::exit_begins(vcpu, report);
  to.handler(vcpu, estat);
  hal::upcall::exit_ends(vcpu);
}

void observe_exception(Vcpu& vcpu, uint64_t estat) { observe(vcpu, estat, estat::ecode::get(estat)); }
void observe_attention(Vcpu& vcpu, uint64_t) { observe(vcpu, 0, exit_point::attention); }

}  // namespace

[[clang::minsize]] void Vcpu::observe_exits(bool on) {
  for (size_t point = 0; point < exit_point::count; ++point) {
    const ExitHandler observer = point == exit_point::attention ? observe_attention : observe_exception;
    frame.points[point].handler.store(on ? observer : destination(point).handler, std::memory_order_relaxed);
  }
}

[[clang::minsize]] uint64_t Vcpu::exits(hal::ExitClass exit_class) const {
  if (!started_.load(std::memory_order_acquire)) return 0;
  uint64_t sum = 0;
  for (size_t point = 0; point < exit_point::count; ++point) {
    if (destination(point).exit_class == exit_class) sum += frame.points[point].count.load(std::memory_order_relaxed);
  }
  // IDLE arrives as a sensitive instruction.
  const uint64_t idle = idle_exits_.load(std::memory_order_relaxed);
  if (exit_class == hal::ExitClass::idle) return idle;
  if (exit_class == hal::ExitClass::registers) return sum - std::min(sum, idle);
  // Read one after another while the vCPU runs: what is subtracted may be ahead of what it is subtracted from.
  const uint64_t no_device = no_device_.load(std::memory_order_relaxed);
  if (exit_class == hal::ExitClass::memory) return sum + no_device;
  return exit_class == hal::ExitClass::device ? sum - std::min(sum, no_device) : sum;
}

hal::Result<hal::MemoryAccess, hal::Undecoded> Vcpu::decode_access(hal::GuestReader&) const {
  // Whatever can be decoded was (data_access()).
  return hal::fail(hal::Undecoded::not_emulated);
}

// A store of a general register does nothing else. SC and AM* have results, which depend on what is stored.
hal::Result<void, hal::Undecoded> Vcpu::drop_store(hal::GuestReader&, hal::GuestReader&) {
  const auto access = la64::decode(instruction());
  if (!access || !access->store) return hal::fail(hal::Undecoded::not_emulated);
  skip_instruction();
  return {};
}

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/virt/debug.hpp"

#include <utility>

#include "arch/aarch64/regs/id_filter.hpp"
#include "arch/aarch64/regs/system.hpp"
#include "arch/aarch64/virt/id_registers.hpp"
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"

namespace arch {
namespace {

using namespace regs;
using Kind = GuestDebug::Kind;

// Registers are numbered by the instruction. Calls move<Register>() for the one of `kind` that `number` names.
template <class Move, unsigned... N>
void with_number(Kind kind, unsigned number, Move move, std::integer_sequence<unsigned, N...>) {
  const auto one = [&]<unsigned Number>() {
    switch (kind) {
      case Kind::breakpoint_value: return move.template operator()<dbgbvr_el1<Number>>();
      case Kind::breakpoint_control: return move.template operator()<dbgbcr_el1<Number>>();
      case Kind::watchpoint_value: return move.template operator()<dbgwvr_el1<Number>>();
      case Kind::watchpoint_control: return move.template operator()<dbgwcr_el1<Number>>();
    }
  };
  ((N == number ? one.template operator()<N>() : void()), ...);
}
template <class Move>
void with_register(Kind kind, unsigned number, Move move) {
  with_number(kind, number, move, std::make_integer_sequence<unsigned, GuestDebug::most>{});
}

unsigned count(Kind kind) {
  const uint64_t shown = id_registers::read(id_op(5, 0));
  const bool breakpoint = kind == Kind::breakpoint_value || kind == Kind::breakpoint_control;
  return 1 + static_cast<unsigned>(breakpoint ? id_aa64dfr0_el1::brps::get(shown) : id_aa64dfr0_el1::wrps::get(shown));
}

// A VM has no EL2: there the types of breakpoint that compare a VMID do not exist, and here it would be ours.
uint64_t effective(Kind kind, uint64_t value) {
  const bool foreign = kind == Kind::breakpoint_control && dbgbcr::bt::get(value) >= 8;
  return foreign ? dbgbcr::e::set(value, 0) : value;
}

void put(Kind kind, unsigned number, uint64_t value) {
  with_register(kind, number,
                [value = effective(kind, value)]<class Register>() { arch::write<Register>(value); });
}

}  // namespace

[[clang::minsize]] bool GuestDebug::exists(Kind kind, unsigned number) { return number < count(kind); }

[[clang::minsize]] void GuestDebug::write(Kind kind, unsigned number, uint64_t value) {
  uint64_t& kept = registers_[index(kind)][number];
  with_register(kind, number, [&]<class Register>() {
    arch::write<Register>(value);
    kept = arch::read<Register>();
  });
  put(kind, number, kept);
}

[[clang::minsize]] void GuestDebug::load() const {
  for (const Kind kind :
       {Kind::breakpoint_value, Kind::breakpoint_control, Kind::watchpoint_value, Kind::watchpoint_control}) {
    for (unsigned number = 0; number < count(kind); ++number) put(kind, number, read(kind, number));
  }
}

// What of MDSCR_EL1 is the guest's: the rest belongs to an external debugger, or is there to save its state.
constexpr uint64_t guest_control = mdscr_el1::ss::mask | mdscr_el1::tdcc::mask | mdscr_el1::kde::mask | mdscr_el1::mde::mask;

uint64_t Vcpu::debug_control() { return arch::read<mdscr_el1>() & guest_control; }

[[clang::minsize]] void Vcpu::set_debug_control(uint64_t value) {
  if (mdscr_el1::mde::is_set(value)) debug_.load();
  arch::write<mdscr_el1>(value & guest_control);
}

[[clang::minsize]] void Vcpu::lock_debug(bool on) {
  debug_locked_ = on;
  arch::write<oslar_el1>(on);
}

}  // namespace arch

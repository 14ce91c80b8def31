// SPDX-License-Identifier: Apache-2.0
// System registers as a guest's EL0 reaches them in AArch32 state: of those that trap, the physical timer and counter
// are the ones that a guest may allow it (CNTKCTL_EL1). EL1's own traps come first.
#include "arch/aarch64/regs/aarch32.hpp"
#include "arch/aarch64/trap/system_registers.hpp"
#include "arch/vcpu.hpp"
#include "hal/upcall.hpp"

namespace arch {
namespace {

using namespace regs;

// X0 to X14 are what AArch32 calls R0 to R14 in User mode (D1.8.2), 32 bits wide.
uint64_t half(const GuestFrame& frame, uint64_t reg) { return frame.get(static_cast<unsigned>(reg)) & 0xffff'ffff; }
void set_half(GuestFrame& frame, uint64_t reg, uint64_t value) {
  frame.set(static_cast<unsigned>(reg), value & 0xffff'ffff);
}

template <class Get, class Set>
void access_timer(GuestFrame& frame, uint64_t iss, uint32_t id, Get get, Set set) {
  Vcpu& vcpu = *frame.vcpu;
  if (!is_executed(iss, frame.pstate)) return vcpu.skip_instruction();
  bool known = false;
  if (id != 0 && coprocessor_iss::read::is_set(iss)) {
    uint64_t value = 0;
    known = hal::upcall::guest_register_read(vcpu, id, value);
    if (known) set(value);
  } else if (id != 0) {
    known = hal::upcall::guest_register_write(vcpu, id, get());
  }
  if (!known) return vcpu.inject_undefined();
  vcpu.skip_instruction();
}

}  // namespace

[[clang::minsize]] void emulate_mcr_mrc(GuestFrame& frame, uint64_t esr) {
  const uint64_t iss = esr_el2::iss::get(esr);
  const uint64_t rt = coprocessor_iss::rt::get(iss);
  access_timer(
      frame, iss, timer_of_32_bits(iss), [&] { return half(frame, rt); },
      [&](uint64_t value) { set_half(frame, rt, value); });
}

[[clang::minsize]] void emulate_mcrr_mrrc(GuestFrame& frame, uint64_t esr) {
  const uint64_t iss = esr_el2::iss::get(esr);
  const uint64_t low = coprocessor_iss::rt::get(iss), high = coprocessor_iss::rt2::get(iss);
  access_timer(
      frame, iss, timer_of_64_bits(iss), [&] { return half(frame, low) | half(frame, high) << 32; },
      [&](uint64_t value) {
        set_half(frame, low, value);
        set_half(frame, high, value >> 32);
      });
}

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
#include "trap.hpp"

#include "cpu.hpp"
#include "machine.hpp"

namespace guest {

namespace {
constexpr unsigned interrupt_code = 0;
constexpr uint64_t interrupt_mask = 0x7fff;
constexpr uint64_t prmd_pplv = 0b11;
constinit InterruptHandler interrupt_handler = nullptr;
constinit bool armed = false;
constinit Fault last{};

void interrupts(const Frame& frame) {
  const uint64_t pending = frame.estat & ecfg::read() & interrupt_mask;
  for (unsigned number = 0; number < 15; ++number) {
    if ((pending >> number & 1) != 0 && interrupt_handler != nullptr) interrupt_handler(number);
  }
}

bool is_of_fetch(const Fault& fault) {
  return fault.code() == code_fetch_invalid || fault.code() == code_no_execute ||
         (fault.code() == code_address && fault.subcode() == 0);
}

void exception(Frame& frame) {
  const Fault fault{true, frame.estat, frame.badv, frame.era};
  if (!armed) {
    print("guest: unexpected exception, estat {:#x} badv {:#x} era {:#x}", frame.estat, frame.badv, frame.era);
    power_off();
  }
  if (!last.taken) last = fault;  // the first one is what was asked about
  frame.era = is_of_fetch(fault) ? frame.r[1] : frame.era + 4;
  frame.prmd &= ~prmd_pplv;  // wherever it came from, what goes on is ours
}
}  // namespace

namespace detail {
void arm() {
  last = {};
  armed = true;
  barrier();
}
Fault disarm() {
  barrier();
  armed = false;
  return last;
}
}  // namespace detail

void on_interrupt(InterruptHandler handler) { interrupt_handler = handler; }

}  // namespace guest

extern "C" void guest_exception(guest::Frame& frame) {
  if (frame.code() == guest::interrupt_code) return guest::interrupts(frame);
  guest::exception(frame);
}

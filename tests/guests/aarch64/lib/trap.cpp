// SPDX-License-Identifier: Apache-2.0
#include "trap.hpp"

#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"

namespace guest {

namespace {
constinit bool armed = false;
constinit Fault last{};
constinit InterruptHandler interrupt_handler = nullptr;
constinit InterruptHandler ended_handler = nullptr;

enum class Kind : uint64_t { synchronous, irq, fiq, serror };

void synchronous(Frame& frame) {
  const Fault fault{true, frame.esr, frame.far, frame.elr, frame.spsr};
  if (!armed) {
    print("guest: unexpected exception, esr {:#x} far {:#x} elr {:#x}", frame.esr, frame.far, frame.elr);
    power_off();
  }
  constexpr uint64_t illegal_state = uint64_t{1} << 20;  // SPSR_EL1.IL would fault again
  frame.spsr &= ~illegal_state;
  if (fault.exception_class() == ec_svc32) {  // how EL0 in AArch32 state comes back, to where its link register says
    frame.elr = frame.x[14];
    frame.spsr = 0x3c5;  // EL1h, everything masked
    return;
  }
  if (!last.taken) last = fault;                  // the first one is what was asked about
  if (fault.exception_class() == ec_svc) return;  // its return address is behind the instruction already
  if (fault.exception_class() == ec_step) return mdscr_el1::write(0);  // so is this one's; one step is all
  frame.elr = fault.exception_class() == ec_instruction_abort ? frame.x[30] : frame.elr + 4;
}

void interrupt() {
  const uint32_t token = gic::acknowledge();
  const uint32_t number = gic::number(token);
  if (gic::is_special(number)) return;
  if (interrupt_handler != nullptr) interrupt_handler(number);
  gic::end(token);
  if (ended_handler != nullptr) ended_handler(number);
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
void on_interrupt_ended(InterruptHandler handler) { ended_handler = handler; }

}  // namespace guest

extern "C" void guest_exception(guest::Frame& frame, guest::Kind kind) {
  switch (kind) {
    case guest::Kind::synchronous: return guest::synchronous(frame);
    case guest::Kind::irq: return guest::interrupt();
    default:
      guest::print("guest: unexpected {}, esr {:#x} elr {:#x}", kind == guest::Kind::fiq ? "FIQ" : "SError", frame.esr,
                   frame.elr);
      guest::power_off();
  }
}

// SPDX-License-Identifier: Apache-2.0
#include "trap.hpp"

#include "cpu.hpp"
#include "machine.hpp"

namespace guest {

namespace {
constexpr unsigned interrupt_code = 0;
constexpr uint64_t interrupt_mask = 0x7fff;
constinit InterruptHandler interrupt_handler = nullptr;

void interrupts(const Frame& frame) {
  const uint64_t pending = frame.estat & ecfg::read() & interrupt_mask;
  for (unsigned number = 0; number < 15; ++number) {
    if ((pending >> number & 1) != 0 && interrupt_handler != nullptr) interrupt_handler(number);
  }
}
}  // namespace

void on_interrupt(InterruptHandler handler) { interrupt_handler = handler; }

}  // namespace guest

extern "C" void guest_exception(guest::Frame& frame) {
  if (frame.code() == guest::interrupt_code) return guest::interrupts(frame);
  guest::print("guest: unexpected exception, estat {:#x} badv {:#x} era {:#x}", frame.estat, frame.badv, frame.era);
  guest::power_off();
}

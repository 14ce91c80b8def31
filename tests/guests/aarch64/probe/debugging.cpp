// SPDX-License-Identifier: Apache-2.0
// Breakpoints and watchpoints (D2.8 to D2.10): there as the ID register says, and hit where they are set.
#include <utility>

#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "machine.hpp"

using namespace guest;

namespace probe {

namespace {
[[gnu::naked, gnu::noinline]] void stop_here() { asm volatile("nop\n ret"); }

void breakpoints() {
  const auto place = reinterpret_cast<uint64_t>(&stop_here);
  const auto jump = [] { return attempt([] { asm volatile("blr %0" : : "r"(&stop_here) : "x30", "memory"); }); };
  oslar_el1::write(0);
  dbgbvr_el1<1>::write(place);
  dbgbcr_el1<1>::write(breakpoint_at_el1);
  check_equal("a_breakpoint_keeps_its_address", dbgbvr_el1<1>::read(), place);
  check_equal("a_breakpoint_keeps_its_control", dbgbcr_el1<1>::read(), breakpoint_at_el1);
  unmask_debug();
  check("a_breakpoint_is_off_without_mde", !jump().taken);
  mdscr_el1::write(debug_events);
  const Fault hit = jump();
  check_class("a_breakpoint_is_hit", hit, ec_breakpoint);
  check_equal("a_breakpoint_is_hit_before_its_instruction", hit.elr, place);
  oslar_el1::write(1);
  // That it keeps breakpoints off (D2.5) QEMU does not emulate.
  check("the_os_lock_is_shown", (oslsr_el1::read() & 2) != 0);
  oslar_el1::write(0);
  check_class("a_breakpoint_is_hit_after_the_os_lock", jump(), ec_breakpoint);
  dbgbcr_el1<1>::write(0);
  check("a_breakpoint_can_be_switched_off", !jump().taken);
  mdscr_el1::write(0);
  mask_debug();
}

void watchpoints() {
  alignas(16) static constinit uint64_t watched[2]{};
  const auto place = reinterpret_cast<uint64_t>(watched);
  oslar_el1::write(0);
  dbgwvr_el1<0>::write(place);
  dbgwcr_el1<0>::write(watchpoint_at_el1);
  unmask_debug();
  mdscr_el1::write(debug_events);
  const Fault store = attempt([=] { write32(place + 4, 1); });
  check_class("a_watchpoint_sees_a_store", store, ec_watchpoint);
  check_equal("a_watchpoint_tells_the_address", store.far & ~uint64_t{7}, place);
  check_equal("a_watchpoint_tells_a_store", store.esr >> 6 & 1, 1);
  check_class("a_watchpoint_sees_a_load", attempt([=] { (void)read32(place); }), ec_watchpoint);
  check("a_watchpoint_does_not_see_what_is_beside_it", !attempt([=] { (void)read32(place + 8); }).taken);
  dbgwcr_el1<0>::write(0);
  check("a_watchpoint_can_be_switched_off", !attempt([=] { (void)read32(place); }).taken);
  mdscr_el1::write(0);
  mask_debug();
}

// As many as ID_AA64DFR0_EL1 says, and no more.
template <unsigned N>
void check_existence(unsigned breakpoints, unsigned watchpoints) {
  const bool b = !attempt([] { dbgbcr_el1<N>::write(0), (void)dbgbvr_el1<N>::read(); }).taken;
  const bool w = !attempt([] { dbgwcr_el1<N>::write(0), (void)dbgwvr_el1<N>::read(); }).taken;
  check("breakpoints_exist_as_the_id_register_says", b == (N < breakpoints));
  check("watchpoints_exist_as_the_id_register_says", w == (N < watchpoints));
}
void debug_registers() {
  const auto count = [](unsigned low) { return 1 + (static_cast<unsigned>(id_aa64dfr0_el1::read() >> low) & 0xf); };
  const unsigned breakpoints = count(12), watchpoints = count(20);
  [&]<unsigned... N>(std::integer_sequence<unsigned, N...>) {
    (check_existence<N>(breakpoints, watchpoints), ...);
  }(std::make_integer_sequence<unsigned, 16>{});
}

}  // namespace

void debugging() {
  breakpoints();
  watchpoints();
  debug_registers();
}

}  // namespace probe

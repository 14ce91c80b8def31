// SPDX-License-Identifier: GPL-2.0-or-later
//
// Interrupts of the machine while a guest runs (reference 2.6, 2.8, 5.5, 7.4, 7.5): they leave the guest when the
// host wants them, before anything injected, and reach the guest only where GINTC passes them through.
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

constexpr u64 ipi_enable = 0x1004, ipi_clear = 0x100C, ipi_send = 0x1040;
constexpr u64 eio_ipmap = 0x14C0, eio_enable = 0x1600, eio_coreisr = 0x1800, eio_route = 0x1C00;
constexpr Hpa msi_register{0x2FF00000};
/// An EIOINTC vector nobody else uses: bit 0 of group 2.
constexpr u32 vector = 64;
/// The byte-wide tables are written four entries at a time, as Linux does.
constexpr u64 in_each_byte = 0x01010101;

void raise_ipi() {
  iocsr_write32(ipi_enable, ~u64{0});
  iocsr_write32(ipi_send, 3);  // vector 3 of core 0
}

void clear_ipi() { iocsr_write32(ipi_clear, ~u64{0}); }

/// Wires the test vector to HWI `pin` of core 0 and raises it.
void raise_line(unsigned pin) {
  iocsr_write32(eio_ipmap, in_each_byte << pin);
  iocsr_write32(eio_route + vector, in_each_byte);
  iocsr_write32(eio_enable + vector / 32 * 4, 1);
  *reinterpret_cast<volatile u32*>(device(msi_register)) = vector;
}

void clear_line() {
  iocsr_write32(eio_coreisr + vector / 32 * 4, 1);
  iocsr_write32(eio_enable + vector / 32 * 4, 0);
}

/// A loop until the guest's rdtime reaches a0; needs no exit to end.
constexpr Word wait_program[] = {rdtime_d(t0, zero), bltu(t0, a0, -4)};

void check_timer() {
  guest().reset();
  guest().set_watchdog_ms(5);
  guest().load({b(0)});
  const Outcome outcome = guest().run();
  exits({outcome.stop == Outcome::Stop::watchdog ? Outcome::Stop::exit : outcome.stop, outcome.ecode, outcome.esub, 0,
         outcome.estat, outcome.era, 0, 0, 0, 0, 0, 0},
        ecode::interrupt, "the host's timer leaves a spinning guest");
  equal(outcome.era, guest().code_address(), "an interrupt exit leaves the next instruction in ERA");
  equal(outcome.estat & csr::is_timer, csr::is_timer, "an interrupt exit shows the timer in host ESTAT");
  equal(outcome.prmd & 7, csr::prmd_pie, "an interrupt exit saves the host's IE in PRMD");
  equal(outcome.crmd & csr::crmd_ie, 0, "an interrupt exit clears the host's IE");
  equal(gcsr::read<csr::estat>() & csr::is_mask, 0, "the host's timer does not show in the guest's ESTAT");
}

void check_not_preemptible() {
  guest().reset();
  guest().set_preemptible(false);
  guest().set_watchdog_ms(2);
  reg(a0) = now() + 10 * ticks_per_ms();
  const Outcome outcome = guest().run(wait_program);
  finishes(outcome, "with PRMD.PIE = 0 at entry no interrupt leaves the guest");
  equal(outcome.estat & csr::is_timer, csr::is_timer, "the timer that expired meanwhile is pending in the host");
}

void check_ipi() {
  guest().reset();
  raise_ipi();
  guest().load({b(0)});
  Outcome outcome = guest().run();
  exits(outcome, ecode::interrupt, "an IPI that is pending at entry leaves the guest");
  equal(outcome.estat & csr::is_mask, csr::is_ipi, "host ESTAT shows the IPI");
  equal(outcome.era, guest().code_address(), "no guest instruction was lost");

  guest().reset_bank();
  gcsr::write<csr::ecfg>(csr::is_swi0);
  gcsr::exchange<csr::crmd>(csr::crmd_ie, csr::crmd_ie);
  gcsr::exchange<csr::estat>(csr::is_swi0, csr::is_swi0);
  outcome = guest().run();
  exits(outcome, ecode::interrupt, "a physical interrupt comes before an injected one");
  clear_ipi();
  guest_takes(guest().run(outcome.era), ecode::interrupt, "the injected one is taken after the physical one is served");

  raise_ipi();
  guest().reset_bank();
  guest().set_host_lie(csr::is_timer);
  gcsr::write<csr::ecfg>(csr::is_swi0);
  gcsr::exchange<csr::crmd>(csr::crmd_ie, csr::crmd_ie);
  gcsr::exchange<csr::estat>(csr::is_swi0, csr::is_swi0);
  guest_takes(guest().run(), ecode::interrupt,
              "a physical interrupt the host masks does not hold back an injected one");
  guest().reset_bank();
  reg(a0) = now() + 2 * ticks_per_ms();
  finishes(guest().run(wait_program), "a physical interrupt the host masks does not leave the guest");
  clear_ipi();
  guest().reset();
}

void check_lines() {
  constexpr const char* pins[] = {"HWI0", "HWI1", "HWI2", "HWI3"};
  for (unsigned pin = 0; pin < 4; ++pin) {
    const u64 line = u64{1} << (csr::is_hwi0_bit + pin);
    guest().reset();
    guest().load({b(0)});
    raise_line(pin);
    Outcome outcome = guest().run();
    exits(outcome, ecode::interrupt, {"a physical", pins[pin], "leaves the guest"});
    equal(outcome.estat & csr::is_mask, line, {"a physical", pins[pin], "shows in host ESTAT"});

    guest().reset_bank();
    csr::write<csr::gintc>(u64{1} << pin << 8);
    gcsr::write<csr::ecfg>(line);
    gcsr::exchange<csr::crmd>(csr::crmd_ie, csr::crmd_ie);
    outcome = guest().run();
    guest_takes(outcome, ecode::interrupt, {"a physical", pins[pin], "passed through is taken by the guest"});
    const Word look[] = {csrrd(a1, csr::estat)};
    guest().reset_bank();
    csr::write<csr::gintc>(u64{1} << pin << 8);
    finishes(guest().run(look), {"a physical", pins[pin], "passed through does not leave the guest"});
    equal(reg(a1) & csr::is_mask, line, {"a physical", pins[pin], "passed through shows in the guest's ESTAT"});

    csr::write<csr::gintc>(u64{1} << (pin ^ 1) << 8);
    guest().load({b(0)});
    exits(guest().run(), ecode::interrupt, {"a physical", pins[pin], "leaves the guest while another line is passed"});
    clear_line();
    csr::write<csr::gintc>(0);
  }
  guest().reset();
}

}  // namespace

void test_physical_interrupts() {
  if (!group("physical-interrupts")) return;
  check_timer();
  check_not_preemptible();
  check_ipi();
  check_lines();
}

}  // namespace probe

// SPDX-License-Identifier: GPL-2.0-or-later
//
// The world switch (reference 5.2, 5.3): what entry and exit do to the host's registers and the guest's.
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

void check_exit_state() {
  guest().reset();
  const Word program[] = {nop, hvcl(0x123), nop};
  csr::write<csr::badv>(0x1234);
  guest().load(program);
  const Outcome outcome = guest().run();
  exits(outcome, ecode::hvc, "hvcl leaves the guest with HVC");
  equal(outcome.era, guest().code_address() + 4, "ERA is the address of the hvcl itself");
  equal(outcome.badi, hvcl(0x123), "BADI is the hvcl's word");
  equal(outcome.gstat & csr::gstat_vm, 0, "GSTAT.VM is 0 after an exit");
  equal(outcome.gstat & csr::gstat_pvm, csr::gstat_pvm, "GSTAT.PVM is 1 after an exit");
  equal(bits(outcome.gstat, 23, 16), guest().gid(), "GSTAT.GID survives an exit");
  equal(outcome.crmd & 7, 0, "CRMD.PLV and IE are 0 after an exit");
  equal(outcome.crmd & (csr::crmd_da | csr::crmd_pg), csr::crmd_pg, "CRMD.DA and PG are the host's after an exit");
  equal(outcome.prmd & 7, csr::prmd_pie, "PRMD has the host's PLV 0 and IE 1 after an exit");
  equal(outcome.estat & csr::is_mask, 0, "no interrupt is pending after a hypercall");
}

void check_guest_crmd_decides() {
  guest().reset(Mode::window);
  const Word program[] = {csrrd(a0, csr::crmd)};
  finishes(guest().run(program), "a guest starts in paged mode when its CRMD says so");
  equal(reg(a0) & (csr::crmd_da | csr::crmd_pg | 7), csr::crmd_pg, "the guest reads its own CRMD");
  gcsr::exchange<csr::crmd>(3, 3);
  const Word user[] = {syscall(9)};
  guest().load(user);
  guest_takes(guest().run(), ecode::sys, "a guest starts at PLV3 when its CRMD says so");
  equal(gcsr::read<csr::prmd>() & 7, 3, "the guest's PRMD has PLV3 and IE 0 from before");
}

void check_registers() {
  guest().reset();
  for (u32 number = 1; number < 32; ++number) reg(static_cast<Reg>(number)) = 0x1111'0000'0000'0000 + number;
  Word program[32];
  for (u32 number = 1; number < 32; ++number) {
    program[number - 1] = addi_d(static_cast<Reg>(number), static_cast<Reg>(number), 0x100);
  }
  program[31] = nop;
  finishes(guest().run(program), "a program that touches every register ends");
  u64 wrong = 0;
  for (u32 number = 1; number < 32; ++number) {
    if (reg(static_cast<Reg>(number)) != 0x1111'0000'0000'0100 + number) wrong |= u64{1} << number;
  }
  equal(wrong, 0, "all general registers cross entry and exit (mask of wrong ones)");
}

void check_resume() {
  guest().reset();
  const Word program[] = {addi_d(a0, a0, 1), hvcl(5), addi_d(a0, a0, 2), hvcl(call::done)};
  guest().load(program);
  const Outcome first = guest().run();
  exits(first, ecode::hvc, "a hypercall in mid-program exits");
  finishes(guest().run(first.era + 4), "entering at ERA + 4 goes on behind the hypercall");
  equal(reg(a0), 3, "each instruction ran once");
}

void check_vectored() {
  guest().reset();
  const Word call_program[] = {hvcl(9)};
  guest().load(call_program);
  guest().set_host_vs(2);
  Outcome outcome = guest().run();
  equal(outcome.slot, ecode::hvc, "with host ECFG.VS set an HVC arrives in slot 0x17");
  const Word sensitive[] = {insn::cpucfg(a0, a1)};
  guest().load(sensitive);
  outcome = guest().run();
  equal(outcome.slot, ecode::gspr, "with host ECFG.VS set a GSPR arrives in slot 0x16");
  const Word spin[] = {b(0)};
  guest().load(spin);
  guest().set_watchdog_ms(20);
  outcome = guest().run();
  equal(outcome.slot, 64 + 11, "with host ECFG.VS set a timer interrupt arrives in slot 64 + 11");
  guest().set_host_vs(0);
  guest().load(sensitive);
  equal(guest().run().slot, 0, "with host ECFG.VS = 0 every exit arrives at EENTRY");
}

/// The host's own ertn, try_host's way into the try buffer, must not enter a guest.
void check_host_ertn() {
  guest().reset();
  const Word program[] = {nop};
  finishes(guest().run(program), "a guest ran before");
  pass_if(try_host(nop).none, "with GSTAT.PVM = 0 ertn returns to the host", "no exception");
  const Trap user = try_host(syscall(7), 0, 0, 3);
  equal(csr::read<csr::prmd>() & 3, 3, "with GSTAT.PVM = 0 ertn reaches host PLV3");
  equal(user.ecode, ecode::sys, "the host's own system call is its own");
  equal(csr::read<csr::gstat>() & 3, 0, "a host exception with PVM = 0 leaves PVM = 0");
}

void check_hypercall_codes() {
  guest().reset();
  for (const u32 code : {1u, 0x2AAAu, 0x5555u, 0x7FFFu}) {
    const Word program[] = {hvcl(code)};
    guest().load(program);
    const Outcome outcome = guest().run();
    equal(outcome.badi, hvcl(code), {"the code of a hypercall is in BADI", code & 1 ? "(odd)" : "(even)"});
  }
  // A hypercall from PLV3: silicon's answer is not known, losing control would be wrong in any case.
  guest().load({hvcl(0x77)});
  gcsr::exchange<csr::crmd>(3, 3);
  const Outcome outcome = guest().run();
  pass_if((outcome.stop == Outcome::Stop::exit && outcome.ecode == ecode::hvc) ||
              (outcome.stop == Outcome::Stop::guest_exception && outcome.ecode == ecode::ipe),
          "hvcl at guest PLV3 exits with HVC or is refused with IPE", "HVC or guest IPE");
}

}  // namespace

void test_switch() {
  if (!group("switch")) return;
  check_exit_state();
  check_guest_crmd_decides();
  check_registers();
  check_resume();
  check_vectored();
  check_host_ertn();
  check_hypercall_codes();
}

}  // namespace probe

// SPDX-License-Identifier: GPL-2.0-or-later
//
// The guest's timer and its view of time (reference 2.7, 7.3). Waiting is done with the stable counter, so the
// same bounds hold under -icount.
#include "guest.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

constexpr u64 enable = 1, periodic = 2;
u64 ms(u64 count) { return count * ticks_per_ms() & ~u64{3}; }

/// Bounds that hold on a busy machine, where the emulator's thread may be off the CPU for a while at any point: what
/// must happen may take `unhurried`, and what must not happen meanwhile is `long_time` away.
u64 unhurried() { return ms(5000); }
u64 long_time() { return ms(60'000); }

u64 pending() { return gcsr::read<csr::estat>() & csr::is_timer; }

void start(u64 ticks, u64 flags = enable) { gcsr::write<csr::tcfg>(ticks | flags); }

void stop() {
  gcsr::write<csr::tcfg>(0);
  gcsr::write<csr::ticlr>(1);
}

/// Waits at most `limit` ticks for guest ESTAT.TI; the host keeps the CPU.
bool fires_within(u64 limit) {
  const u64 end = now() + limit;
  while (now() < end) {
    if (pending()) return true;
  }
  return pending();
}

void check_in_guest() {
  guest().reset();
  gcsr::write<csr::ecfg>(csr::is_timer);
  gcsr::exchange<csr::crmd>(csr::crmd_ie, csr::crmd_ie);
  reg(a0) = ms(2) | enable;
  guest().load({csrwr(a0, csr::tcfg), b(0)});
  const u64 before = now();
  const Outcome outcome = guest().run();
  guest_takes(outcome, ecode::interrupt, "a timer the guest starts interrupts the guest");
  between(now() - before, ms(2), unhurried(), "it does so after the time asked for");
  equal(pending(), csr::is_timer, "guest ESTAT shows TI");
  equal(outcome.estat & csr::is_timer, 0, "the host's ESTAT does not");
  reg(a0) = 1;
  const Word acknowledge[] = {csrwr(a0, csr::ticlr)};
  gcsr::exchange<csr::crmd>(0, csr::crmd_ie);
  finishes(guest().run(acknowledge), "the guest acknowledges without an exit");
  equal(pending(), 0, "TICLR in the guest clears TI");
  stop();
}

void check_in_host() {
  guest().reset();
  start(ms(1));
  pass_if(fires_within(unhurried()), "the guest's timer expires while the host runs", "TI");
  const u64 value = gcsr::read<csr::tval>();
  pass_if(value > ms(1), "an expired one-shot reads TVAL above its initial value", "-1");
  gcsr::write<csr::ticlr>(1);
  equal(pending(), 0, "gcsrwr of TICLR clears TI");
  wait_ticks(ms(4));
  equal(pending(), 0, "an expired one-shot does not fire again");
  stop();

  start(long_time());
  const u64 first = gcsr::read<csr::tval>();
  wait_ticks(ms(5));
  const u64 second = gcsr::read<csr::tval>();
  between(first - second, ms(5), unhurried(), "TVAL counts down while the host runs");
  const Word look[] = {csrrd(a0, csr::tval)};
  finishes(guest().run(look), "the guest reads TVAL without an exit");
  between(reg(a0), second - unhurried(), second, "the guest sees the same count");
  stop();
  wait_ticks(ms(1));
  equal(pending(), 0, "a stopped timer does not fire");

  // On a busy machine the CPU may be away for longer than the timer runs: then nothing was stopped, and it counts not.
  bool stopped_in_time = false;
  for (unsigned attempt = 0; attempt < 50 && !stopped_in_time; ++attempt) {
    gcsr::write<csr::ticlr>(1);
    const u64 begin = now();
    start(ms(2));
    gcsr::write<csr::tcfg>(0);
    stopped_in_time = now() - begin < ms(2);
  }
  wait_ticks(ms(5));
  if (stopped_in_time) equal(pending(), 0, "TCFG = 0 stops a running timer");
  stop();
}

void check_restore() {
  guest().reset();
  start(long_time());
  gcsr::write<csr::tval>(ms(1));
  pass_if(fires_within(unhurried()), "a TVAL restored is what the timer counts from", "TI before TCFG's time");
  stop();
  start(ms(1));
  gcsr::write<csr::tval>(long_time());
  gcsr::write<csr::ticlr>(1);  // should the first time have passed before the second was written
  wait_ticks(ms(5));
  equal(pending(), 0, "a longer TVAL restored holds the timer back");
  stop();
  start(long_time());
  gcsr::write<csr::tval>(0);
  pass_if(fires_within(unhurried()), "TVAL = 0 written to a one-shot fires at once", "TI");
  pass_if(gcsr::read<csr::tval>() > long_time(), "after that TVAL reads above TCFG's value", "-1");
  gcsr::write<csr::ticlr>(1);
  wait_ticks(ms(2));
  equal(pending(), 0, "after that TICLR ends it");
  stop();
}

/// KVM saves TVAL first and ESTAT after it, and takes an expired TVAL without TI for a timer already acknowledged
/// (reference 7.3): the two must never be seen apart, however late anything behind them runs.
void check_consistency() {
  guest().reset();
  u64 apart = 0, not_fired = 0;
  for (unsigned i = 0; i < 300; ++i) {
    const u64 initial = 4000 + 64 * i;
    start(initial);
    const u64 end = now() + unhurried();
    for (;;) {
      const u64 value = gcsr::read<csr::tval>();
      const u64 fired = pending();
      if (value > initial) {
        if (!fired) ++apart;
        break;
      }
      if (now() > end) {
        ++not_fired;
        break;
      }
    }
    stop();
  }
  equal(not_fired, 0, "300 short timers expire");
  equal(apart, 0, "an expired TVAL is never seen without TI");
  u64 lost = 0;
  for (unsigned i = 0; i < 300; ++i) {
    start(2000 + 16 * i);
    wait_ticks(3000);
    const u64 value = gcsr::read<csr::tval>();
    const u64 estat = gcsr::read<csr::estat>();
    gcsr::write<csr::tcfg>(0);
    const bool expired = value > 2000 + 16 * i;
    if (expired != ((estat & csr::is_timer) != 0) && expired) ++lost;
    gcsr::write<csr::estat>(0);
    gcsr::write<csr::tcfg>(0);
    wait_ticks(50);
    if (pending()) ++lost;
    gcsr::write<csr::ticlr>(1);
  }
  equal(lost, 0, "a timer stopped around its expiry is either pending or never fires");
}

/// Two timers, each with its own registers, whichever mode the CPU is in when one expires.
void check_two_timers() {
  guest().reset();
  gcsr::write<csr::tcfg>(long_time() | enable);
  guest().load({b(0)});
  guest().set_watchdog_ms(2);
  const Outcome outcome = guest().run();
  pass_if(outcome.stop == Outcome::Stop::watchdog, "the host's timer expires while a guest with a timer runs", "exit");
  equal(gcsr::read<csr::tcfg>(), long_time() | enable, "the host's expiry leaves the guest's TCFG alone");
  equal(pending(), 0, "the host's expiry does not set the guest's TI");
  const u64 first = gcsr::read<csr::tval>();
  wait_ticks(ms(1));
  between(first - gcsr::read<csr::tval>(), ms(1), unhurried(), "the guest's timer counts on after the host's expiry");
  stop();
  csr::write<csr::tcfg>(long_time() | enable);
  start(ms(1));
  pass_if(fires_within(unhurried()), "the guest's timer expires while the host has one too", "TI");
  equal(csr::read<csr::tcfg>(), long_time() | enable, "the guest's expiry leaves the host's TCFG alone");
  equal(csr::read<csr::estat>() & csr::is_timer, 0, "the guest's expiry does not set the host's TI");
  csr::write<csr::tcfg>(0);
  stop();
}

/// The timer's part of a vCPU, saved and restored as KVM does it (reference 7.3).
struct Saved {
  u64 tcfg, tval, estat, deadline;
};

Saved save() {
  Saved saved{};
  saved.tcfg = gcsr::read<csr::tcfg>();
  saved.tval = gcsr::read<csr::tval>();
  saved.deadline = now() + (saved.tval < saved.tcfg ? saved.tval : 0);
  saved.estat = gcsr::read<csr::estat>();
  return saved;
}

void restore(const Saved& saved) {
  gcsr::write<csr::tcfg>(0);
  gcsr::write<csr::estat>(saved.estat);
  gcsr::write<csr::tcfg>(saved.tcfg);
  if (!(saved.tcfg & enable)) {
    gcsr::write<csr::tval>(saved.tval);
    return;
  }
  if (saved.tval > saved.tcfg) {
    gcsr::write<csr::tval>(0);
    wait_ticks(2);
    if (!(saved.estat & csr::is_timer)) gcsr::write<csr::ticlr>(1);
    return;
  }
  const u64 time = now();
  gcsr::write<csr::tval>(saved.deadline > time ? saved.deadline - time : 0);
}

constexpr Gpa quick_vector{0xD000};

/// Counts its own steps until the timer's interrupt. Its system calls write the same ESTAT that the expiry writes;
/// their vector returns at once, and stops the guest only for TI.
void load_waiting_guest() {
  guest().load({csrwr(a0, csr::tcfg), addi_d(a2, a2, 1), syscall(0), b(-8)});
  const Word vector[] = {
      csrwr(t0, csr::save0),
      csrrd(t0, csr::estat),
      csrwr(t1, csr::save0 + 1),  //
      ori(t1, zero, 0x7FF),
      addi_d(t1, t1, 1),
      and_(t1, t0, t1),  // ESTAT.IS bit 11
      bnez(t1, 28),      //
      csrrd(t0, csr::era),
      addi_d(t0, t0, 4),
      csrwr(t0, csr::era),  //
      csrrd(t1, csr::save0 + 1),
      csrrd(t0, csr::save0),
      ertn,  //
      hvcl(call::exception),
  };
  guest().load(vector, quick_vector);
}

/// Runs it in slices of `slice` ticks with pauses of `pause`; true when the timer's interrupt arrived.
bool timer_arrives(u64 slice, u64 pause, u64& interruptions) {
  guest().reset_bank();
  gcsr::write<csr::eentry>(quick_vector.value);
  gcsr::write<csr::ecfg>(csr::is_timer);
  gcsr::exchange<csr::crmd>(csr::crmd_ie, csr::crmd_ie);
  reg(a0) = 5000 | enable;
  const u64 end = now() + unhurried();
  u64 pc = guest().code_address();
  do {
    guest().set_watchdog_ticks(slice);
    const u64 steps = reg(a2);
    const Outcome outcome = guest().run(pc);
    if (outcome.stop != Outcome::Stop::watchdog) return pending();
    if (reg(a2) == steps) slice += slice / 2;  // the slice was over before the guest was entered: slow emulation
    const Saved saved = save();
    ++interruptions;
    wait_ticks(pause);
    restore(saved);
    pc = outcome.era;
  } while (now() < end);
  return false;
}

/// A guest that waits for its timer while the host takes it off the CPU again and again, at times that sweep over
/// the expiry. Every timer must arrive.
void check_under_preemption() {
  guest().reset();
  load_waiting_guest();
  u64 lost = 0, interruptions = 0;
  for (unsigned i = 0; i < 1500 && lost < 3; ++i) {
    if (!timer_arrives(1500 + i % 64 * 64, i % 32 * 32, interruptions)) ++lost;
    stop();
  }
  between(interruptions, 300, ~u64{0}, "a guest that waits for its timer was taken off the CPU often");
  equal(lost, 0, "no timer is lost when saved and restored as KVM does");
}

void check_periodic() {
  guest().reset();
  start(ms(2), enable | periodic);
  u64 missed = 0;
  for (unsigned tick = 0; tick < 4; ++tick) {
    if (!fires_within(unhurried())) ++missed;
    gcsr::write<csr::ticlr>(1);
  }
  equal(missed, 0, "a periodic timer fires again after each acknowledge (missed ticks)");
  between(gcsr::read<csr::tval>(), 0, ms(2), "a periodic timer's TVAL stays within its period");
  equal(gcsr::read<csr::tcfg>() & 3, enable | periodic, "a periodic timer stays enabled");
  stop();
}

struct View {
  u64 counter, id, earliest, latest;
};

View look_at_clock(Word word) {
  const Word program[] = {word};
  View view{};
  view.earliest = now();
  finishes(guest().run(program), "the guest reads the counter without an exit");
  view.latest = now();
  view.counter = reg(a0);
  view.id = reg(a1);
  return view;
}

void check_clock() {
  guest().reset();
  gcsr::write<csr::tid>(0x1234);
  constexpr u64 far = u64{1} << 40;
  View view = look_at_clock(rdtime_d(a0, a1));
  between(view.counter, view.earliest, view.latest, "with GCNTC = 0 the guest's counter is the host's");
  equal(view.id, 0x1234, "rdtime.d returns the guest's TID");
  csr::write<csr::gcntc>(far);
  view = look_at_clock(rdtime_d(a0, a1));
  between(view.counter, view.earliest + far, view.latest + far, "a positive GCNTC moves the guest's counter");
  const u64 start_of_vm = now();
  csr::write<csr::gcntc>(-start_of_vm);
  view = look_at_clock(rdtime_d(a0, a1));
  between(view.counter, 0, view.latest - start_of_vm, "a negative GCNTC starts the guest's counter at 0");
  csr::write<csr::gcntc>(far * 5);
  view = look_at_clock(rdtimeh_w(a0, a1));
  between(view.counter, (view.earliest + far * 5) >> 32, (view.latest + far * 5) >> 32,
          "rdtimeh.w gives the upper half with GCNTC");
  equal(view.id, 0x1234, "rdtimeh.w returns the guest's TID");
  gcsr::write<csr::cntc>(far * 3);
  view = look_at_clock(rdtime_d(a0, a1));
  between(view.counter, view.earliest + far * 8, view.latest + far * 8, "the guest's CNTC adds to GCNTC");
  const u64 host_now = now();
  between(host_now, view.latest, view.latest + unhurried(), "the host's counter knows nothing of GCNTC");
  csr::write<csr::gcntc>(0);
  gcsr::write<csr::cntc>(0);
}

}  // namespace

void test_timer() {
  if (!group("timer")) return;
  check_in_guest();
  check_in_host();
  check_restore();
  check_consistency();
  check_two_timers();
  check_under_preemption();
  check_periodic();
  check_clock();
  guest().reset();
}

}  // namespace probe

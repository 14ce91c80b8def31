// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two CPUs with a guest each (reference 2.4, 5.5, 7.4, A.14): banks, TLBs and injection are per CPU, atomics of
// two guests meet in memory, an IPI takes a guest off another CPU.
#include "guest.hpp"
#include "host.hpp"
#include "tests.hpp"

extern "C" char secondary_start[];

namespace probe {
namespace {

using namespace insn;

constexpr u64 ipi_status = 0x1000, ipi_enable = 0x1004, ipi_clear = 0x100C, ipi_send = 0x1040, mail_send = 0x1048;
constexpr u64 blocking = u64{1} << 31;
constexpr Hpa second_memory{0x05000000};
constexpr Hpa shared_frame{0x05F00000};
constexpr Gpa shared = layout::outside;

using Job = void (*)();

/// What the boot CPU asks of the other one. Written on one side, read on the other, in this order.
struct Desk {
  volatile Job job = nullptr;
  volatile u64 done = 0;     // jobs finished
  volatile u64 started = 0;  // set by a job that has something to wait for
  volatile u64 result[4] = {};
};

constinit Desk desk;

void barrier() { asm volatile("dbar 0" ::: "memory"); }

bool wait_for(const volatile u64& value, u64 wanted) {
  const u64 end = now() + 60'000 * ticks_per_ms();
  while (value != wanted) {
    if (now() > end) return false;
  }
  barrier();
  return true;
}

Guest& second() {
  static Guest instance{1, second_memory};
  return instance;
}

u64 give(Job job) {
  const u64 ticket = desk.done + 1;
  desk.started = 0;
  barrier();
  desk.job = job;
  return ticket;
}

void mail(unsigned box_half, u64 value) {
  iocsr_write64(mail_send, value << 32 | blocking | u64{1} << 16 | u64{box_half} << 2);
}

bool start_secondary() {
  const u64 entry = physical(secondary_start).value;
  mail(1, entry >> 32);
  mail(0, entry & 0xFFFF'FFFF);
  iocsr_write32(ipi_send, blocking | u64{1} << 16);
  const u64 ticket = give([] { desk.result[0] = csr::read<csr::cpuid>() & 0x1FF; });
  return wait_for(desk.done, ticket);
}

constexpr unsigned runs = 300;
constexpr u64 additions = 20000;

/// Runs a guest many times; every result must be its own.
u64 hammer(Guest& which, u64 seed) {
  which.reset(Mode::window);
  which.enable_paging();
  u64 wrong = 0;
  for (unsigned i = 0; i < runs; ++i) {
    const u64 va = 0x10'0000'0000 + (i % 64) * 2 * page_size;
    which.map(va, layout::data + (i % 32) * page_size);
    which.word(layout::data + (i % 32) * page_size) = seed + i;
    asm volatile("invtlb 0x15, %0, $zero" ::"r"(u64{which.gid()} << 16) : "memory");
    reg(a0) = va;
    const Word program[] = {ld_d(a1, a0, 0), addi_d(a1, a1, 1), st_d(a1, a0, 0)};
    if (which.run(program).stop != Outcome::Stop::done || reg(a1) != seed + i + 1) ++wrong;
  }
  return wrong;
}

/// a0 = word, a1 = 1, a2 = count.
constexpr Word add_atomically[] = {amadd_db_d(zero, a1, a0), addi_d(a2, a2, -1), bnez(a2, -8), hvcl(call::done)};
constexpr Word add_linked[] = {ll_d(t0, a0, 0),    add_d(t0, t0, a1), sc_d(t0, a0, 0), beqz(t0, -12),
                               addi_d(a2, a2, -1), bnez(a2, -20),     hvcl(call::done)};

template <size_t Count>
u64 add_up(Guest& which, const Word (&program)[Count]) {
  which.reset();
  which.stage2().map(shared.value, shared_frame.value, leaf::read_write);
  which.set_watchdog_ms(20'000);
  reg(a0) = shared.value;
  reg(a1) = 1;
  reg(a2) = additions;
  which.load(program);
  return which.run().stop != Outcome::Stop::done;
}

void check_independence() {
  u64 ticket = give([] { desk.result[0] = hammer(second(), 0x9000); });
  const u64 own = hammer(guest(), 0x1000);
  pass_if(wait_for(desk.done, ticket), "the second CPU ran its guest", "done");
  equal(own, 0, "the first CPU's guest is undisturbed (wrong runs)");
  equal(desk.result[0], 0, "the second CPU's guest with the same id is undisturbed (wrong runs)");

  gcsr::write<csr::save0>(0x111);
  ticket = give([] {
    gcsr::write<csr::save0>(0x222);
    csr::write<csr::gintc>(0x3);
    desk.result[0] = gcsr::read<csr::save0>();
  });
  static_cast<void>(wait_for(desk.done, ticket));
  equal(gcsr::read<csr::save0>(), 0x111, "each CPU has its own guest bank");
  equal(csr::read<csr::gintc>(), 0, "each CPU has its own GINTC");

  guest().reset();
  ticket = give([] {
    second().reset();
    const Word program[] = {nop};
    static_cast<void>(second().run(program));
    desk.started = 1;
    while (desk.started != 2) {
    }
    desk.result[0] = second().run(program).refills;
  });
  static_cast<void>(wait_for(desk.started, 1));
  flush_all_tlbs();
  desk.started = 2;
  static_cast<void>(wait_for(desk.done, ticket));
  equal(desk.result[0], 0, "invtlb of one CPU leaves the other CPU's entries alone");
}

void check_atomics() {
  *cached(shared_frame) = 0;
  u64 ticket = give([] { desk.result[0] = add_up(second(), add_atomically); });
  equal(add_up(guest(), add_atomically), 0, "the first CPU's additions end");
  pass_if(wait_for(desk.done, ticket) && desk.result[0] == 0, "the second CPU's additions end", "done");
  equal(*cached(shared_frame), 2 * additions, "atomic additions of two guests add up");

  *cached(shared_frame) = 0;
  ticket = give([] { desk.result[0] = add_up(second(), add_linked); });
  equal(add_up(guest(), add_linked), 0, "the first CPU's LL/SC loop ends");
  pass_if(wait_for(desk.done, ticket) && desk.result[0] == 0, "the second CPU's LL/SC loop ends", "done");
  equal(*cached(shared_frame), 2 * additions, "LL/SC additions of two guests add up");
}

void check_kick() {
  const u64 ticket = give([] {
    second().reset();
    second().set_watchdog_ms(10'000);
    iocsr_write32(ipi_clear, ~u64{0});
    iocsr_write32(ipi_enable, ~u64{0});
    const Word spin[] = {b(0)};
    second().load(spin);
    desk.started = 1;
    const Outcome outcome = second().run();
    desk.result[0] = outcome.estat;
    desk.result[1] = static_cast<u64>(outcome.stop);
    desk.result[2] = iocsr_read32(ipi_status);
    iocsr_write32(ipi_clear, ~u64{0});
  });
  static_cast<void>(wait_for(desk.started, 1));
  wait_ticks(5 * ticks_per_ms());
  iocsr_write32(ipi_send, u64{1} << 16 | 4);
  pass_if(wait_for(desk.done, ticket), "an IPI ends a guest's spinning on another CPU", "done");
  equal(desk.result[0] & csr::is_mask, csr::is_ipi, "the other CPU's exit shows the IPI");
  equal(desk.result[1], static_cast<u64>(Outcome::Stop::exit), "the other CPU left its guest by an exit");
  equal(desk.result[2], 1 << 4, "the other CPU sees the vector sent");
}

}  // namespace

extern "C" [[noreturn]] void probe_secondary() {
  set_up_host();
  iocsr_write32(ipi_clear, ~u64{0});
  for (;;) {
    const Job job = desk.job;
    if (!job) continue;
    barrier();
    desk.job = nullptr;
    job();
    barrier();
    desk.done = desk.done + 1;
  }
}

void test_smp() {
  if (!group("smp")) return;
  const bool started = start_secondary();
  pass_if(started, "the second CPU starts", "started");
  if (!started) return;
  equal(desk.result[0], 1, "the second CPU is number 1");
  check_independence();
  check_atomics();
  check_kick();
}

}  // namespace probe

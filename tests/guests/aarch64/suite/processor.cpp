// SPDX-License-Identifier: Apache-2.0
// The CPU: code that changes itself, floating-point registers of several CPUs, and features that are not there.
#include <array>
#include <atomic>

#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
// --- caches ---

constinit std::array<std::atomic<uint32_t>, 2> code{};

// Make what was written visible to instruction fetches (DDI 0487, B2.4.4), as far as CTR_EL0 says that it is needed.
void publish(const void* address) {
  const uint64_t type = ctr_el0::read();
  if ((type >> 28 & 1) == 0) asm volatile("dc cvau, %0" : : "r"(address) : "memory");  // IDC
  asm volatile("dsb ish" ::: "memory");
  if ((type >> 29 & 1) == 0) asm volatile("ic ivau, %0" : : "r"(address) : "memory");  // DIC
  asm volatile("dsb ish\n isb" ::: "memory");
}
void write_code(uint32_t value) {
  code[0] = 0x5280'0000 | value << 5;  // mov w0, #value
  code[1] = 0xd65f'03c0;               // ret
  publish(code.data());
}
uint32_t run_code() { return reinterpret_cast<uint32_t (*)()>(code.data())(); }

constinit uint32_t ran_elsewhere = 0;

void changing_code(unsigned cpus) {
  bool good = true;
  for (uint32_t i = 0; i < 200 && good; ++i) {
    write_code(i);
    good = run_code() == i;
  }
  check("code_that_was_changed_runs_as_changed", good);
  if (cpus < 2) return;
  write_code(0x4321);
  check("another_cpu_runs_code", run_on(1, [](uint64_t) {
          asm volatile("isb" ::: "memory");
          ran_elsewhere = run_code();
        }));
  check_equal("as_it_was_written_here", ran_elsewhere, 0x4321);
}

// --- floating point ---

using Registers = std::array<uint64_t, 64>;
alignas(16) constinit std::array<Registers, smp::max_cpus> values{};
constinit std::atomic<unsigned> working{0};
constinit std::atomic<unsigned> spoiled{0};
constinit std::atomic<bool> stop{false};

// All 32 vector registers from `first`, some time passes, and back into `last`.
[[gnu::noinline]] void carry(const Registers& first, Registers& last) {
  const uint64_t* from = first.data();
  uint64_t* to = last.data();
  asm volatile(
      ".arch_extension simd\n"
      "ld1 {v0.2d-v3.2d}, [%0], #64\n ld1 {v4.2d-v7.2d}, [%0], #64\n"
      "ld1 {v8.2d-v11.2d}, [%0], #64\n ld1 {v12.2d-v15.2d}, [%0], #64\n"
      "ld1 {v16.2d-v19.2d}, [%0], #64\n ld1 {v20.2d-v23.2d}, [%0], #64\n"
      "ld1 {v24.2d-v27.2d}, [%0], #64\n ld1 {v28.2d-v31.2d}, [%0], #64\n"
      "mov x9, #2000\n1: yield\n subs x9, x9, #1\n b.ne 1b\n"
      "st1 {v0.2d-v3.2d}, [%1], #64\n st1 {v4.2d-v7.2d}, [%1], #64\n"
      "st1 {v8.2d-v11.2d}, [%1], #64\n st1 {v12.2d-v15.2d}, [%1], #64\n"
      "st1 {v16.2d-v19.2d}, [%1], #64\n st1 {v20.2d-v23.2d}, [%1], #64\n"
      "st1 {v24.2d-v27.2d}, [%1], #64\n st1 {v28.2d-v31.2d}, [%1], #64\n"
      : "+r"(from), "+r"(to)
      :
      : "x9", "cc", "memory");
}

using fpcr = SystemRegister<3, 3, 4, 4, 0>;
using fpsr = SystemRegister<3, 3, 4, 4, 1>;

// Registers and control keep a pattern of this CPU's own.
void keep_own(uint64_t) {
  const unsigned cpu = cpu_number();
  Registers& mine = values[cpu];
  Registers seen{};
  for (size_t i = 0; i < mine.size(); ++i) mine[i] = (i + 1) * 0x0101'0101'0101'0101 + cpu;
  fpcr::write(uint64_t{cpu % 4} << 22);  // the rounding mode
  fpsr::write(cpu % 8);
  ++working;
  for (unsigned round = 0; !stop && round < 100'000; ++round) {
    carry(mine, seen);
    if (seen != mine || fpcr::read() != uint64_t{cpu % 4} << 22 || fpsr::read() != cpu % 8) ++spoiled;
  }
}

void floating_point(unsigned cpus) {
  for (unsigned cpu = 1; cpu < cpus; ++cpu) (void)smp::start(cpu, keep_own, 0);
  (void)within(1000, [=] { return working == cpus - 1; });
  const uint64_t end = now() + ticks(100);
  gic::enable(virtual_timer_interrupt);  // it ends WFI, and is never taken
  Registers mine{};
  Registers seen{};
  mine.fill(0xabcd'ef01'2345'6789);
  do {
    carry(mine, seen);
    if (seen != mine) ++spoiled;
    cntv_tval_el0::write(ticks(1));
    cntv_ctl_el0::write(1);
    wait_for_interrupt();
  } while (now() < end);
  cntv_ctl_el0::write(0);
  gic::disable(virtual_timer_interrupt);
  stop = true;
  bool off = true;
  for (unsigned cpu = 1; cpu < cpus; ++cpu) off = off && within(2000, [=] { return smp::is_off(cpu); });
  check("every_cpu_has_worked_with_floating_point", off && working == cpus - 1);
  check_equal("floating_point_registers_are_each_cpus_own", spoiled.load(), 0);
}

// --- what a VM does not have ---

void absent() {
  if (is_bare()) return;
  const uint64_t debug = id_aa64dfr0_el1::read();
  // The VM's file says so; the probe looks at what there is otherwise.
  check_equal("there_are_no_performance_monitors", debug >> 8 & 0xf, 0);
  check_equal("nor_statistical_profiling_or_trace", (debug >> 32 & 0xff) | (debug >> 4 & 0xf), 0);
  check_class("pmcr_is_undefined", attempt([] { (void)pmcr_el0::read(); }), ec_unknown);
  check_class("pmccntr_is_undefined", attempt([] { (void)pmccntr_el0::read(); }), ec_unknown);
  check_class("pmevcntr0_is_undefined", attempt([] { (void)pmevcntr_el0<0>::read(); }), ec_unknown);
  check_class("pmuserenr_is_undefined", attempt([] { (void)pmuserenr_el0::read(); }), ec_unknown);
  // If the CPU has SVE all the same, it is not EL1's own trap that keeps us away.
  cpacr_el1::write(cpacr_el1::read() | 3u << 16);
  if ((id_aa64pfr0_el1::read() >> 32 & 0xf) != 0) return;
  check_class("zcr_is_undefined", attempt([] { (void)SystemRegister<3, 0, 1, 2, 0>::read(); }), ec_unknown);
  check_class("an_sve_instruction_is_undefined", attempt([] { asm volatile(".inst 0x04bf5020"); }), ec_unknown);
}
}  // namespace

void processor() {
  const unsigned cpus = smp::count();
  changing_code(cpus);
  floating_point(cpus);
  absent();
}

}  // namespace suite

// SPDX-License-Identifier: Apache-2.0
// The CPU: code that changes itself, cache operations, floating-point and vector registers of several CPUs, atomics,
// and what is not there.
#include <array>
#include <atomic>

#include "code.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
using euen = Csr<0x2>;

// --- caches ---

constinit std::array<std::atomic<uint32_t>, 2> code{};

// Volume 1, 2.2.8.2: caches are coherent, and IBAR has what follows fetched after what was stored.
void write_code(uint32_t value) {
  code[0] = 0x0280'0004 | value << 10;  // addi.w $a0, $zero, value
  code[1] = 0x4c00'0020;                // jirl $zero, $ra, 0
  asm volatile("dbar 0\n ibar 0" ::: "memory");
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
  write_code(0x321);
  check("another_cpu_runs_code", run_on(1, [](uint64_t) {
          asm volatile("ibar 0" ::: "memory");
          ran_elsewhere = run_code();
        }));
  check_equal("as_it_was_written_here", ran_elsewhere, 0x321);
}

// Index and hit operations on all levels (volume 1, 4.2.2.1), on lines of our own.
void caches() {
  constinit static std::array<uint64_t, 64> line{};
  line.fill(0x1234);
  Code instruction;
  bool quiet = true;
  for (uint32_t operation = 8; operation < 24; ++operation) {  // write back and invalidate, by index and by address
    uint64_t unused = 0;
    quiet =
        quiet &&
        !instruction.execute(0x0600'0000 | rj_a1 | operation, unused, reinterpret_cast<uint64_t>(line.data())).taken;
  }
  check("cache_operations_go_through", quiet);
  bool kept = true;
  for (const uint64_t word : line) kept = kept && word == 0x1234;
  check("and_lose_nothing", kept);
}

// --- floating point and vectors ---

using Registers = std::array<uint64_t, 32 * 4>;
alignas(32) constinit std::array<Registers, smp::max_cpus> values{};
alignas(32) constinit std::array<Registers, smp::max_cpus> copies{};
constinit std::atomic<unsigned> working{0}, spoiled{0};
constinit std::atomic<bool> stop{false};

#define SUITE_EACH_REGISTER "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

// All 32 vector registers from `first`, some time passes, and back into `last`.
void carry(const Registers& first, Registers& last, uint64_t control, uint64_t& control_after) {
  asm volatile(".irp n," SUITE_EACH_REGISTER
               "\n xvld $xr\\n, %1, \\n * 32\n .endr\n"
               "movgr2fcsr $fcsr0, %3\n"
               "li.w $t0, 2000\n 1: addi.w $t0, $t0, -1\n bnez $t0, 1b\n"
               "movfcsr2gr %0, $fcsr0\n"
               ".irp n," SUITE_EACH_REGISTER "\n xvst $xr\\n, %2, \\n * 32\n .endr\n"
               : "=&r"(control_after)
               : "r"(first.data()), "r"(last.data()), "r"(control)
               : "$t0", "memory");
}
#undef SUITE_EACH_REGISTER

void carry_own() {
  const unsigned cpu = cpu_number();
  const uint64_t rounding = uint64_t{cpu % 4} << 8;  // FCSR.RM
  uint64_t after = 0;
  carry(values[cpu], copies[cpu], rounding, after);
  if (copies[cpu] != values[cpu] || after != rounding) ++spoiled;
}

// Registers and control keep a pattern of this CPU's own.
void keep_own(uint64_t) {
  euen::write(0b111);
  ++working;
  for (unsigned round = 0; !stop && round < 100'000; ++round) carry_own();
  euen::write(0);
}

void floating_point(unsigned cpus) {
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    for (size_t i = 0; i < values[cpu].size(); ++i) values[cpu][i] = (i + 1) * 0x0101'0101'0101'0101 + cpu;
  }
  for (unsigned cpu = 1; cpu < cpus; ++cpu) (void)smp::start(cpu, keep_own, 0);
  check("all_work_with_vectors", within(10'000, [=] { return working == cpus - 1; }));
  euen::write(0b111);
  // The timer ends IDLE, in which other vCPUs may have the CPU, and is never taken.
  ecfg::write(timer_line);
  for (unsigned round = 0; round < 50; ++round) {
    carry_own();
    tcfg::write((ticks(1) & ~uint64_t{3}) | tcfg_enable);
    while (lines() == 0) wait_for_interrupt();
    ticlr::write(1);
  }
  ecfg::write(0);
  euen::write(0);
  stop = true;
  bool off = true;
  for (unsigned cpu = 1; cpu < cpus; ++cpu) off = off && within(20'000, [=] { return smp::is_off(cpu); });
  check("all_have_ended", off);
  check_equal("vector_registers_are_each_cpus_own", spoiled.load(), 0);
}

void disabled() {
  euen::write(0);
  check_class("floating_point_that_is_disabled_raises_fpd", attempt([] { asm volatile("movgr2fr.d $fa0, $zero"); }),
              0xf);
  check_class("vectors_of_128_bits_raise_sxd", attempt([] { asm volatile("vxor.v $vr0, $vr0, $vr0"); }), 0x10);
  check_class("vectors_of_256_bits_raise_asxd", attempt([] { asm volatile("xvxor.v $xr0, $xr0, $xr0"); }), 0x11);
  euen::write(0b001);
  check_quiet("floating_point_alone_can_be_enabled", attempt([] { asm volatile("movgr2fr.d $fa0, $zero"); }));
  check_class("which_leaves_vectors_disabled", attempt([] { asm volatile("vxor.v $vr0, $vr0, $vr0"); }), 0x10);
  euen::write(0);
}

// --- atomics ---

constexpr uint64_t additions = 5'000;
constinit uint64_t by_link = 0, by_add = 0;

void add(uint64_t) {
  for (uint64_t i = 0; i < additions; ++i) {
    asm volatile("1: ll.d $t0, %0, 0\n addi.d $t0, $t0, 1\n sc.d $t0, %0, 0\n beqz $t0, 1b\n"
                 :
                 : "r"(&by_link)
                 : "$t0", "memory");
    asm volatile("amadd_db.d $zero, %1, %0" : : "r"(&by_add), "r"(uint64_t{1}) : "memory");
  }
}

void atomics(unsigned cpus) {
  for (unsigned cpu = 1; cpu < cpus; ++cpu) (void)smp::start(cpu, add, 0);
  add(0);
  bool off = true;
  for (unsigned cpu = 1; cpu < cpus; ++cpu) off = off && within(20'000, [=] { return smp::is_off(cpu); });
  check("all_have_added", off);
  check_equal("no_addition_by_link_is_lost", by_link, cpus * additions);
  check_equal("nor_by_one_instruction", by_add, cpus * additions);
  alignas(16) std::array<uint8_t, 16> bytes{};
  check_quiet("an_unaligned_access_goes_through", attempt([&] {
                asm volatile("st.d %0, %1, 3" : : "r"(uint64_t{0x8877'6655'4433'2211}), "r"(bytes.data()) : "memory");
              }));
  check("as_it_should", bytes[3] == 0x11 && bytes[10] == 0x88 && bytes[2] == 0 && bytes[11] == 0);
}

// --- what a VM does not have ---

void absent() {
  if (is_bare()) return;
  check_equal("there_is_no_virtualization", cpucfg(2) >> 10 & 1, 0);
  check_equal("nor_binary_translation", cpucfg(2) >> 18 & 7, 0);
  check_equal("nor_performance_counters", cpucfg(6), 0);
  check_equal("the_registers_of_virtualization_read_as_0", Csr<0x50>::read() | Csr<0x51>::read() | Csr<0x15>::read(),
              0);
  check_class("its_instructions_are_undefined", attempt([] {
                asm volatile(".word 0x05001404" ::: "$a0");
              }),
              code_undefined);
  check_class("so_are_those_of_binary_translation", attempt([] {
                asm volatile(".word 0x00000804" ::: "$a0");
              }),
              code_undefined);
}

}  // namespace

void processor() {
  const unsigned cpus = smp::count();
  changing_code(cpus);
  caches();
  floating_point(cpus);
  disabled();
  atomics(cpus);
  absent();
}

}  // namespace suite

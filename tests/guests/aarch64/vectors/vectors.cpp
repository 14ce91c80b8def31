// SPDX-License-Identifier: Apache-2.0
// SVE: says what there is of it and what its registers hold at first. With a digit as its command line it goes on without
// end: patterns that are made from the digit stay in all registers while others have the CPU. Prints `vectors: N looks, M
// were wrong` after each so many looks.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "trap.hpp"

using namespace guest;

namespace {

constexpr unsigned looks_of_a_report = 200;
constexpr uint64_t longest = 15;  // ZCR_EL1.LEN: whatever there is
constexpr size_t registers = 32, predicates = 16, v_bytes = 16;

using zcr_el1 = SystemRegister<3, 0, 1, 2, 0>;
using id_aa64zfr0_el1 = SystemRegister<3, 0, 0, 4, 4>;

// As STR and LDR lay it out: behind Z0 to Z31 follow P0 to P15 and FFR, an eighth as long each.
struct alignas(16) State {
  std::array<uint8_t, 256 * registers> z{};
  std::array<uint8_t, 32 * (predicates + 1)> p{};
  friend bool operator==(const State&, const State&) = default;
};
constinit State mine{}, seen{};

[[gnu::noinline]] uint64_t vector_bytes() {
  uint64_t bytes = 0;
  asm volatile(".arch_extension sve\n rdvl %0, #1\n .arch_extension nosve" : "=r"(bytes));
  return bytes;
}

void store(State& to) {
  asm volatile(
      ".arch_extension sve\n"
      ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n str p\\n, [%1, #\\n, mul vl]\n .endr\n"
      "rdffr p0.b\n str p0, [%1, #16, mul vl]\n ldr p0, [%1]\n"
      ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
      "str z\\n, [%0, #\\n, mul vl]\n .endr\n"
      ".arch_extension nosve\n"
      :
      : "r"(to.z.data()), "r"(to.p.data())
      : "memory");
}

void load(const State& from) {
  asm volatile(
      ".arch_extension sve\n"
      "ldr p0, [%1, #16, mul vl]\n wrffr p0.b\n"
      ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n ldr p\\n, [%1, #\\n, mul vl]\n .endr\n"
      ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
      "ldr z\\n, [%0, #\\n, mul vl]\n .endr\n"
      ".arch_extension nosve\n"
      :
      : "r"(from.z.data()), "r"(from.p.data())
      : "memory");
}

// The V registers alone, from the first bytes of each vector of a state: what lies above becomes zero.
void load_v(const State& from, uint64_t stride) {
  const uint8_t* place = from.z.data();
  asm volatile(
      ".arch_extension simd\n"
      ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
      "ldr q\\n, [%0]\n add %0, %0, %1\n .endr\n"
      ".arch_extension nosimd\n"
      : "+r"(place)
      : "r"(stride)
      : "memory");
}

// Others get the CPU meanwhile.
void wait_a_while() {
  cntv_tval_el0::write(ticks(1));
  cntv_ctl_el0::write(1);
  wait_for_interrupt();
  cntv_ctl_el0::write(0);
}

// A different pattern for each digit. FFR holds ones up to some element and zeros from there on: others it cannot.
void make_pattern(State& state, unsigned digit, uint64_t vl, unsigned round) {
  state = {};
  for (size_t i = 0; i < vl * registers; ++i) state.z[i] = static_cast<uint8_t>(i * 7 + i / vl + round + digit * 85);
  for (size_t i = 0; i < vl / 8 * predicates; ++i) state.p[i] = static_cast<uint8_t>(i * 5 + round + digit * 85 + 1);
  const size_t ones = (digit * 11 + round) % (vl + 1);
  for (size_t i = 0; i < ones; ++i) state.p[vl / 8 * predicates + i / 8] |= static_cast<uint8_t>(1 << i % 8);
}

void keep_v_alone(State& state, uint64_t vl) {
  for (size_t i = 0; i < vl * registers; ++i) {
    if (i % vl >= v_bytes) state.z[i] = 0;
  }
  state.p = {};
}

void say_that_there_is_none() {
  const bool control = attempt([] { (void)zcr_el1::read(); }).exception_class() == ec_unknown;
  const bool instruction = attempt([] { (void)vector_bytes(); }).exception_class() == ec_unknown;
  print("vectors: ZCR_EL1 is {}, RDVL is {}", control ? "undefined" : "there", instruction ? "undefined" : "there");
}

// V registers that were written before the first use of SVE are kept by it, and nothing else is found.
void look_at_first_state() {
  for (size_t i = 0; i < v_bytes * registers; ++i) mine.z[i] = static_cast<uint8_t>(i + 1);
  load_v(mine, v_bytes);
  wait_a_while();
  zcr_el1::write(longest);
  store(seen);
  const uint64_t vl = vector_bytes();
  unsigned kept = 0, others = 0;
  for (size_t i = 0; i < vl * registers; ++i) {
    const bool is_v = i % vl < v_bytes;
    if (is_v) kept += seen.z[i] == mine.z[i / vl * v_bytes + i % vl];
    if (!is_v) others += seen.z[i] != 0;
  }
  for (const uint8_t byte : seen.p) others += byte != 0;
  print("vectors: at first {} bytes of V are kept, and {} others are not zero", kept, others);
}

void say_what_there_is() {
  unsigned lengths = 0;
  for (uint64_t length = 0; length <= longest; ++length) {
    zcr_el1::write(length);
    lengths |= 1U << (vector_bytes() / v_bytes - 1);
  }
  zcr_el1::write(longest);
  print("vectors: lengths {:#x}", lengths);
}

// Every fourth time nothing is left but the V registers, every seventh vectors are short.
[[noreturn]] void guard(unsigned digit) {
  unsigned wrong = 0;
  for (unsigned look = 1;; ++look) {
    const uint64_t control = look % 7 == 0 ? digit % 2 : longest;
    zcr_el1::write(control);
    const uint64_t vl = vector_bytes();
    make_pattern(mine, digit, vl, look);
    load(mine);
    if (look % 4 == 0) {
      keep_v_alone(mine, vl);
      asm volatile(
          ".arch_extension sve\n"
          ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n pfalse p\\n\\().b\n .endr\n wrffr p0.b\n"
          ".arch_extension nosve");
      load_v(mine, vl);
    }
    wait_a_while();
    if (zcr_el1::read() != control) ++wrong;
    seen = {};
    store(seen);
    if (seen != mine) ++wrong;
    if (look % looks_of_a_report == 0) print("vectors: {} looks, {} were wrong", look, wrong);
  }
}

}  // namespace

extern "C" void guest_main(uint64_t device_tree) {
  read_machine(device_tree);
  gic::enable_distributor();
  gic::enable_cpu();
  gic::enable(virtual_timer_interrupt);  // it ends WFI, and is never taken
  cpacr_el1::write(cpacr_el1::read() | 3 << 16);  // ZEN
  const uint64_t version = id_aa64pfr0_el1::read() >> 32 & 0xf;
  print("vectors: ID_AA64PFR0_EL1.SVE {}, ID_AA64ZFR0_EL1 {:#x}", version, id_aa64zfr0_el1::read());
  if (version == 0) {
    say_that_there_is_none();
  } else {
    look_at_first_state();
    say_what_there_is();
    if (!machine.arguments.empty()) guard(static_cast<unsigned>(machine.arguments[0] - '0'));
  }
  print("vectors: that is all");
}

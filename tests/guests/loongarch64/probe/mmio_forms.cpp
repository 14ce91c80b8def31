// SPDX-License-Identifier: Apache-2.0
// Every load and store of general-purpose registers, on a device and in memory: the same values. The device is the PCH-PIC,
// whose routes keep what is written to each byte (7A1000 user manual, 5.2).
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "machine.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint64_t routes = uncached | (pch_pic_base + 0x100);
constexpr uint64_t pattern = 0x8182'8384'0506'0788;

#define PROBE_LOAD(name, text, expected)                                                        \
  do {                                                                                          \
    uint64_t value = 0x5555;                                                                    \
    const Fault fault = attempt([&] {                                                           \
      asm volatile(text : "=&r"(value) : "r"(routes), "r"(uint64_t{0}) : "memory");             \
    });                                                                                         \
    fault.taken ? check_quiet(name, fault) : check_equal(name, value, expected);                \
  } while (false)

#define PROBE_STORE(name, text, expected)                                                       \
  do {                                                                                          \
    put(0);                                                                                     \
    const Fault fault = attempt([&] {                                                           \
      asm volatile(text : : "r"(routes), "r"(pattern), "r"(uint64_t{0}) : "memory");            \
    });                                                                                         \
    fault.taken ? check_quiet(name, fault) : check_equal(name, get(), expected);                \
  } while (false)

void put(uint64_t value) { asm volatile("st.d %0, %1, 0" : : "r"(value), "r"(routes) : "memory"); }
uint64_t get() {
  uint64_t value = 0;
  asm volatile("ld.d %0, %1, 0" : "=r"(value) : "r"(routes) : "memory");
  return value;
}

void loads() {
  put(pattern);
  PROBE_LOAD("ld_b_extends_the_sign", "ld.b %0, %1, 0", 0xffff'ffff'ffff'ff88);
  PROBE_LOAD("ld_b_at_an_offset", "ld.b %0, %1, 3", 0x05);
  PROBE_LOAD("ld_bu_does_not_extend", "ld.bu %0, %1, 0", 0x88);
  PROBE_LOAD("ld_bu_of_the_last_byte", "ld.bu %0, %1, 7", 0x81);
  PROBE_LOAD("ld_h_extends_the_sign", "ld.h %0, %1, 6", 0xffff'ffff'ffff'8182);
  PROBE_LOAD("ld_hu_does_not_extend", "ld.hu %0, %1, 6", 0x8182);
  PROBE_LOAD("ld_w_extends_the_sign", "ld.w %0, %1, 4", 0xffff'ffff'8182'8384);
  PROBE_LOAD("ld_wu_does_not_extend", "ld.wu %0, %1, 4", 0x8182'8384);
  PROBE_LOAD("ld_d_loads_all", "ld.d %0, %1, 0", pattern);
  PROBE_LOAD("ldx_b", "ldx.b %0, %1, %2", 0xffff'ffff'ffff'ff88);
  PROBE_LOAD("ldx_bu", "ldx.bu %0, %1, %2", 0x88);
  PROBE_LOAD("ldx_h", "ldx.h %0, %1, %2", 0x0788);
  PROBE_LOAD("ldx_hu", "ldx.hu %0, %1, %2", 0x0788);
  PROBE_LOAD("ldx_w", "ldx.w %0, %1, %2", 0x0506'0788);
  PROBE_LOAD("ldx_wu", "ldx.wu %0, %1, %2", 0x0506'0788);
  PROBE_LOAD("ldx_d", "ldx.d %0, %1, %2", pattern);
  PROBE_LOAD("ldptr_w", "ldptr.w %0, %1, 4", 0xffff'ffff'8182'8384);
  PROBE_LOAD("ldptr_d", "ldptr.d %0, %1, 0", pattern);
}

void stores() {
  PROBE_STORE("st_b_stores_a_byte", "st.b %1, %0, 2", 0x0000'0000'0088'0000);
  PROBE_STORE("st_h_stores_a_halfword", "st.h %1, %0, 6", 0x0788'0000'0000'0000);
  PROBE_STORE("st_w_stores_a_word", "st.w %1, %0, 4", 0x0506'0788'0000'0000);
  PROBE_STORE("st_d_stores_all", "st.d %1, %0, 0", pattern);
  PROBE_STORE("stx_b", "stx.b %1, %0, %2", 0x88);
  PROBE_STORE("stx_h", "stx.h %1, %0, %2", 0x0788);
  PROBE_STORE("stx_w", "stx.w %1, %0, %2", 0x0506'0788);
  PROBE_STORE("stx_d", "stx.d %1, %0, %2", pattern);
  PROBE_STORE("stptr_w", "stptr.w %1, %0, 4", 0x0506'0788'0000'0000);
  PROBE_STORE("stptr_d", "stptr.d %1, %0, 0", pattern);
  PROBE_STORE("the_zero_register_is_stored", "st.d %1, %0, 0\n st.w $zero, %0, 0", pattern & ~uint64_t{0xffff'ffff});
}

}  // namespace

void mmio_forms() {
  const uint64_t before = get();
  loads();
  stores();
  put(before);
}

}  // namespace probe

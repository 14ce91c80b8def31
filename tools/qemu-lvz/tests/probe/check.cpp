// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.hpp"

namespace probe {
namespace {

constexpr Hpa uart{0x1FE001E0};
constexpr Hpa power_register{0x100E001C};
constexpr u8 power_off_value = 0x34;
constexpr u8 lsr_transmitter_empty = 1 << 5;

constinit const char* only = nullptr;
constinit const char* current = "";
constinit unsigned passed = 0;
constinit unsigned failed = 0;

bool same(const char* a, const char* b) {
  while (*a && *a == *b) {
    ++a;
    ++b;
  }
  return *a == *b;
}

void put_character(char c) {
  volatile u8* registers = device(uart);
  while (!(registers[5] & lsr_transmitter_empty)) {
  }
  registers[0] = static_cast<u8>(c);
}

void put_name(const Name& name) {
  put(current);
  put(":");
  for (const char* part : name.parts) {
    if (part) {
      put(" ");
      put(part);
    }
  }
}

void report_bad(const Name& name) {
  ++failed;
  put("not ok ");
  put_name(name);
}

void report_good(const Name& name) {
  ++passed;
  put("ok ");
  put_name(name);
  put("\n");
}

}  // namespace

void put(const char* text) {
  for (; *text; ++text) put_character(*text);
}

void put_hex(u64 value) {
  put("0x");
  int shift = 60;
  while (shift && !(value >> shift)) shift -= 4;
  for (; shift >= 0; shift -= 4) put_character("0123456789abcdef"[value >> shift & 0xF]);
}

void put_decimal(u64 value) {
  char digits[21];
  int at = 20;
  digits[at] = 0;
  do digits[--at] = static_cast<char>('0' + value % 10);
  while (value /= 10);
  put(digits + at);
}

void power_off() {
  *device(power_register) = power_off_value;
  for (;;) asm volatile("idle 0");
}

bool group(const char* name) {
  current = name;
  return !only || same(only, name);
}

void pass_if(bool good, const Name& name, const char* expected) {
  if (good) return report_good(name);
  report_bad(name);
  put(": expected ");
  put(expected);
  put("\n");
}

void equal(u64 got, u64 expected, const Name& name) {
  if (got == expected) return report_good(name);
  report_bad(name);
  put(": expected ");
  put_hex(expected);
  put(" got ");
  put_hex(got);
  put("\n");
}

void between(u64 got, u64 low, u64 high, const Name& name) {
  if (low <= got && got <= high) return report_good(name);
  report_bad(name);
  put(": expected ");
  put_hex(low);
  put("..");
  put_hex(high);
  put(" got ");
  put_hex(got);
  put("\n");
}

void note(const char* text) {
  put("# ");
  put(current);
  put(": ");
  put(text);
  put("\n");
}

void set_only(const char* name) { only = name; }

void finish() {
  put_decimal(passed);
  put(" passed, ");
  put_decimal(failed);
  put(" failed\n");
  power_off();
}

}  // namespace probe

// SPDX-License-Identifier: GPL-2.0-or-later
//
// Named checks and the console they are reported on. Only the boot CPU reports.
#pragma once

#include "types.hpp"

namespace probe {

void put(const char* text);
void put_hex(u64 value);
void put_decimal(u64 value);
[[noreturn]] void power_off();

/// "group: part part part": a check's name, put together from a table row.
struct Name {
  const char* parts[4] = {};
  constexpr Name(const char* a, const char* b = nullptr, const char* c = nullptr, const char* d = nullptr)
      : parts{a, b, c, d} {}
};

/// Starts a group; false when the command line asked for another one (only=NAME).
[[nodiscard]] bool group(const char* name);

void pass_if(bool good, const Name& name, const char* expected);
void equal(u64 got, u64 expected, const Name& name);
/// `got` & `mask` is `expected`.
inline void equal_in(u64 got, u64 mask, u64 expected, const Name& name) { equal(got & mask, expected, name); }
void between(u64 got, u64 low, u64 high, const Name& name);

/// A condition of this machine under which checks cannot be made; said in the log, not counted.
void note(const char* text);

void set_only(const char* name);
[[noreturn]] void finish();

}  // namespace probe

// SPDX-License-Identifier: GPL-2.0-or-later
//
// Command line: "lvz=off" tells that LVZ must be absent, "cpus=2" that a second CPU exists, "only=GROUP" leaves the
// other groups out; "seed=N" and "fuzz=N" are for the group hostile-state.
#include "check.hpp"
#include "csr.hpp"
#include "host.hpp"
#include "tests.hpp"

extern "C" void* memset(void* to, int value, size_t size) {
  auto* bytes = static_cast<volatile unsigned char*>(to);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(value);
  return to;
}

extern "C" void* memcpy(void* to, const void* from, size_t size) {
  auto* bytes = static_cast<volatile unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
  for (size_t i = 0; i < size; ++i) bytes[i] = source[i];
  return to;
}

namespace probe {
namespace {

/// The text behind `word` in the command line, or null.
const char* find(const char* line, const char* word) {
  for (; *line; ++line) {
    const char* at = line;
    const char* want = word;
    while (*want && *at == *want) {
      ++at;
      ++want;
    }
    if (!*want) return at;
  }
  return nullptr;
}

/// The group's name in only=NAME, ended in a buffer of our own.
const char* copy_word(const char* from) {
  static char word[32];
  size_t size = 0;
  while (from[size] > ' ' && size + 1 < sizeof word) {
    word[size] = from[size];
    ++size;
  }
  word[size] = 0;
  return word;
}

u64 number_behind(const char* line, const char* word, u64 otherwise) {
  const char* digits = find(line, word);
  if (!digits || *digits < '0' || *digits > '9') return otherwise;
  u64 value = 0;
  for (; *digits >= '0' && *digits <= '9'; ++digits) value = value * 10 + static_cast<u64>(*digits - '0');
  return value;
}

void test_with_lvz(const char* line) {
  test_identity();
  test_host_csrs();
  test_guest_bank();
  test_host_bad_use();
  test_switch();
  test_sensitive();
  test_gcfg();
  test_guest_exceptions();
  test_guest_bad_use();
  test_stage2();
  test_two_stages();
  test_tags();
  test_invtlb();
  test_guest_tlb_instructions();
  test_injection();
  test_physical_interrupts();
  test_timer();
  test_euen();
  test_llbctl();
  test_ertn();
  test_hostile_state(number_behind(line, "seed=", 0), number_behind(line, "fuzz=", 1));
  if (find(line, "cpus=2")) test_smp();
}

}  // namespace

extern "C" [[noreturn]] void probe_main(u64 command_line) {
  const char* line = reinterpret_cast<const char*>(cached({command_line & physical_mask}));
  if (const char* name = find(line, "only=")) set_only(copy_word(name));
  const bool lvz_expected = !find(line, "lvz=off");
  set_up_host();
  test_encodings();
  if (group("detection"))
    pass_if(has_lvz() == lvz_expected, "CPUCFG word 2 bit 10 tells whether LVZ is there",
            lvz_expected ? "LVZ present" : "LVZ absent");
  if (has_lvz())
    test_with_lvz(line);
  else
    test_without_lvz();
  finish();
}

}  // namespace probe

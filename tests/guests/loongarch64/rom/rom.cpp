// SPDX-License-Identifier: Apache-2.0
// Stores of every kind to a ROM at 0x1c00'0000: one of a general register does nothing, one that does more is refused,
// and the ROM stays as it is.
#include "check.hpp"
#include "cpu.hpp"
#include "machine.hpp"

using namespace guest;

namespace {

constexpr uint64_t rom = cached | 0x1c00'0000, size = 8192;
constexpr uint64_t stored = 0x5a5a'5a5a'5a5a'5a5a;

// `text` stores $t0 by the base %0 with the index %1 in %2.
#define ROM_STORE(text)                                                                                        \
  attempt([] {                                                                                                 \
    asm volatile("move $t0, %1\n" text : : "r"(rom), "r"(stored), "r"(uint64_t{16}) : "$t0", "$t1", "memory"); \
  })

void general_registers() {
  check_quiet("st_b_goes_through", ROM_STORE("st.b $t0, %0, 1"));
  check_quiet("st_h_goes_through", ROM_STORE("st.h $t0, %0, 2"));
  check_quiet("st_w_goes_through", ROM_STORE("st.w $t0, %0, 4"));
  check_quiet("st_d_goes_through", ROM_STORE("st.d $t0, %0, 8"));
  check_quiet("st_d_of_the_zero_register_goes_through", ROM_STORE("st.d $zero, %0, 8"));
  check_quiet("stptr_w_goes_through", ROM_STORE("stptr.w $t0, %0, 4"));
  check_quiet("stptr_d_goes_through", ROM_STORE("stptr.d $t0, %0, 8"));
  check_quiet("stx_b_goes_through", ROM_STORE("stx.b $t0, %0, %2"));
  check_quiet("stx_h_goes_through", ROM_STORE("stx.h $t0, %0, %2"));
  check_quiet("stx_w_goes_through", ROM_STORE("stx.w $t0, %0, %2"));
  check_quiet("stx_d_goes_through", ROM_STORE("stx.d $t0, %0, %2"));
  check_quiet("a_store_to_the_last_byte_goes_through", attempt([] {
                asm volatile("st.b %0, %1, 0" : : "r"(stored), "r"(rom + size - 1) : "memory");
              }));
}

// Results that depend on what was stored, and registers that nobody decodes.
void refused() {
  check_class("sc_is_refused", ROM_STORE("ll.w $t1, %0, 0\n sc.w $t0, %0, 0"), code_address);
  check_class("amadd_is_refused", ROM_STORE("amadd.d $t1, $t0, %0"), code_address);
  check_class("amswap_is_refused", ROM_STORE("amswap_db.w $t1, $t0, %0"), code_address);
  Csr<0x2>::write(0b111);  // EUEN
  check_class("fst_is_refused", ROM_STORE("fst.d $fa0, %0, 0"), code_address);
  check_class("vst_is_refused", ROM_STORE("vst $vr0, %0, 0"), code_address);
  Csr<0x2>::write(0);
  const Fault fault = ROM_STORE("amadd.d $t1, $t0, %0");
  check_equal("the_refusal_names_the_place", fault.badv & 0xffff'ffff, 0x1c00'0000);
}

void loads() {
  uint64_t value = 0;
  check_quiet("ld_d_loads", attempt([&] { asm volatile("ld.d %0, %1, 0" : "=r"(value) : "r"(rom) : "memory"); }));
  check_equal("what_is_there", value, 0x0807'0605'0403'0201);
  check_class("behind_its_end_there_is_nothing", attempt([] {
                asm volatile("st.b %0, %1, 0" : : "r"(stored), "r"(rom + size) : "memory");
              }),
              code_address);
}
#undef ROM_STORE

}  // namespace

extern "C" void guest_main(uint64_t handover) {
  read_machine(handover);
  print("rom: EIOINTC");
  general_registers();
  refused();
  loads();
  bool kept = true;
  for (uint64_t i = 0; i < size; ++i) kept = kept && read8(rom + i) == static_cast<uint8_t>(i + 1);
  check("the_rom_is_as_it_was", kept);
  const Count result = count();
  print("rom: {} passed, {} failed", result.passed, result.failed);
}

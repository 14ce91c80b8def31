// SPDX-License-Identifier: Apache-2.0
// Stores of every kind to a ROM at 0x6000'0000: the ROM stays as it is, and the instruction does the rest of its work.
#include "check.hpp"
#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"

using namespace guest;

namespace {

constexpr uint64_t rom = 0x6000'0000, page = 4096;

// `text` stores by the base %0, which begins at `place`, and may set the status %1, which begins as 7.
#define ROM_STORE(name, place, text, moved, status_after)                                                     \
  do {                                                                                                        \
    uint64_t base = (place), status = 7;                                                                      \
    const Fault fault = attempt([&] {                                                                         \
      asm volatile(".arch_extension fp\n .arch_extension simd\n .arch_extension lse\n" text                   \
                   : "+&r"(base), "+&r"(status)                                                               \
                   :                                                                                          \
                   : "x9", "x10", "memory");                                                                  \
    });                                                                                                       \
    check_quiet(name "_goes_through", fault);                                                                 \
    check_equal(name "_moves_its_base", base - (place), moved);                                               \
    check_equal(name "_sets_its_register", status, status_after);                                             \
  } while (false)

void general_registers() {
  ROM_STORE("str", rom, "str x9, [%0]", 0, 7);
  ROM_STORE("str_post_index", rom, "str x9, [%0], #8", 8, 7);
  ROM_STORE("str_pre_index", rom, "str x9, [%0, #16]!", 16, 7);
  ROM_STORE("strb_post_index", rom, "strb w9, [%0], #1", 1, 7);
  ROM_STORE("stp", rom, "stp x9, x10, [%0]", 0, 7);
  ROM_STORE("stp_post_index", rom, "stp x9, x10, [%0], #16", 16, 7);
  ROM_STORE("str_across_pages", rom + page - 4, "str x9, [%0], #8", 8, 7);
  ROM_STORE("str_by_the_stack_pointer", rom,
            "mov x10, sp\n mov sp, %0\n str x9, [sp], #32\n mov %0, sp\n mov sp, x10", 32, 7);
}

void vector_registers() {
  ROM_STORE("str_q", rom, "str q0, [%0, #32]", 0, 7);
  ROM_STORE("str_q_post_index", rom, "str q0, [%0], #16", 16, 7);
  ROM_STORE("str_s_pre_index", rom, "str s0, [%0, #4]!", 4, 7);
  ROM_STORE("stp_q_post_index", rom, "stp q0, q1, [%0], #32", 32, 7);
  ROM_STORE("st1", rom, "st1 {v0.16b}, [%0]", 0, 7);
  ROM_STORE("st1_post_index", rom, "st1 {v0.16b, v1.16b, v2.16b, v3.16b}, [%0], #64", 64, 7);
  ROM_STORE("st4_post_index_by_a_register", rom,
            "mov x9, #24\n st4 {v0.8b, v1.8b, v2.8b, v3.8b}, [%0], x9", 24, 7);
  ROM_STORE("st3_of_elements_post_index", rom, "st3 {v0.h, v1.h, v2.h}[3], [%0], #6", 6, 7);
}

void special_stores() {
  ROM_STORE("stxr", rom, "ldxr x9, [%0]\n stxr %w1, x9, [%0]", 0, 0);
  ROM_STORE("stlxp", rom, "ldaxp x9, x10, [%0]\n stlxp %w1, x9, x10, [%0]", 0, 0);
  ROM_STORE("stlr", rom, "stlr w9, [%0]", 0, 7);
  ROM_STORE("dc_zva", rom, "dc zva, %0", 0, 7);
  ROM_STORE("ldadd", rom, "ldadd w9, %w1, [%0]", 0, 0x0403'0201);
  ROM_STORE("swp", rom, "swp x9, %1, [%0]", 0, 0x0807'0605'0403'0201);
  ROM_STORE("cas", rom, "cas %w1, w9, [%0]", 0, 0x0403'0201);
}

// Part of it would change what is behind the ROM: there is nothing.
void beyond() {
  const uint64_t end = rom + 2 * page;
  check_class("a_store_that_reaches_beyond_the_rom_is_a_data_abort", attempt([&] {
                asm volatile("str x9, [%0], #8" : : "r"(end - 4) : "memory");
              }),
              ec_data_abort);
}
#undef ROM_STORE

}  // namespace

extern "C" void guest_main(uint64_t device_tree) {
  read_machine(device_tree);
  print("rom: GICv{}", gic::version);
  general_registers();
  vector_registers();
  special_stores();
  beyond();
  bool kept = true;
  for (uint64_t i = 0; i < 2 * page; ++i) kept = kept && read8(rom + i) == static_cast<uint8_t>(i + 1);
  check("the_rom_is_as_it_was", kept);
  const Count result = count();
  print("rom: {} passed, {} failed", result.passed, result.failed);
}

// SPDX-License-Identifier: Apache-2.0
// Every shape of load and store that compilers use on devices, on registers whose value is known: the PL011's identity,
// bytes 0x11 0x10 .4 0x00 0x0d 0xf0 0x05 0xb1 in eight words from 0xfe0 (ARM DDI 0183, 3.3.15), and a line control
// register that keeps what is written. Forms without a syndrome (pairs, writeback) must be decoded from the
// instruction.
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "machine.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint64_t cell_id = uart_base + 0xff0;
constexpr uint64_t lcr = uart_base + 0x2c;   // 8 bits, read-write
constexpr uint64_t ibrd = uart_base + 0x24;  // 16 bits, read-write

// One asm statement that loads into %0 from address %1, both may change.
#define PROBE_LOAD(name, text, address, expected)                                                                   \
  do {                                                                                                              \
    uint64_t value = ~uint64_t{0};                                                                                  \
    uint64_t base = (address);                                                                                      \
    const Fault fault = attempt([&] { asm volatile(text : "=&r"(value), "+&r"(base) : : "x9", "x10", "memory"); }); \
    if (fault.taken) {                                                                                              \
      check_quiet(name, fault);                                                                                     \
    } else {                                                                                                        \
      check_equal(name, value, expected);                                                                           \
    }                                                                                                               \
  } while (false)

void loads() {
  PROBE_LOAD("ldr_w_loads_a_word", "ldr %w0, [%1]", cell_id, 0x0d);
  PROBE_LOAD("ldr_w_with_an_offset", "ldr %w0, [%1, #4]", cell_id, 0xf0);
  PROBE_LOAD("ldur_w_with_a_negative_offset", "ldur %w0, [%1, #-4]", cell_id + 8, 0xf0);
  PROBE_LOAD("ldr_w_with_a_register_offset", "mov x9, #8\n ldr %w0, [%1, x9]", cell_id, 0x05);
  PROBE_LOAD("ldr_w_with_a_shifted_register_offset", "mov x9, #3\n ldr %w0, [%1, x9, lsl #2]", cell_id, 0xb1);
  PROBE_LOAD("ldrh_loads_a_halfword", "ldrh %w0, [%1]", cell_id, 0x0d);
  PROBE_LOAD("ldrb_loads_a_byte", "ldrb %w0, [%1, #4]", cell_id, 0xf0);
  PROBE_LOAD("ldrsb_w_extends_the_sign_to_32_bits", "ldrsb %w0, [%1, #4]", cell_id, 0xffff'fff0);
  PROBE_LOAD("ldrsb_x_extends_the_sign_to_64_bits", "ldrsb %0, [%1, #4]", cell_id, 0xffff'ffff'ffff'fff0);
  PROBE_LOAD("ldrsh_x_of_a_positive_value", "ldrsh %0, [%1, #12]", cell_id, 0xb1);
  PROBE_LOAD("ldrsw_x_of_a_positive_value", "ldrsw %0, [%1, #4]", cell_id, 0xf0);
  PROBE_LOAD("ldr_w_clears_the_upper_half", "mov %0, #-1\n ldr %w0, [%1]", cell_id, 0x0d);
  PROBE_LOAD("ldar_w_loads_a_word", "ldar %w0, [%1]", cell_id, 0x0d);
  PROBE_LOAD("a_load_to_the_zero_register_is_harmless", "ldr wzr, [%1]\n mov %0, #7", cell_id, 7);
}

void writeback() {
  PROBE_LOAD("post_index_loads_from_the_old_address", "ldr %w0, [%1], #4", cell_id, 0x0d);
  PROBE_LOAD("post_index_advances_the_base", "mov x9, %1\n ldr w10, [%1], #4\n sub %0, %1, x9", cell_id, 4);
  PROBE_LOAD("pre_index_loads_from_the_new_address", "ldr %w0, [%1, #4]!", cell_id, 0xf0);
  PROBE_LOAD("pre_index_advances_the_base", "mov x9, %1\n ldr w10, [%1, #8]!\n sub %0, %1, x9", cell_id, 8);
  PROBE_LOAD("pre_index_goes_backward_too", "ldr %w0, [%1, #-4]!", cell_id + 4, 0x0d);
  PROBE_LOAD("ldrb_post_index", "ldrb %w0, [%1], #1", cell_id + 4, 0xf0);
  PROBE_LOAD("ldrsb_post_index_extends_the_sign", "ldrsb %0, [%1], #1", cell_id + 4, 0xffff'ffff'ffff'fff0);
}

void pairs() {
  PROBE_LOAD("ldp_w_loads_the_first_word", "ldp %w0, w9, [%1]", cell_id, 0x0d);
  PROBE_LOAD("ldp_w_loads_the_second_word", "ldp w9, %w0, [%1]", cell_id, 0xf0);
  PROBE_LOAD("ldp_w_post_index", "mov x10, %1\n ldp w9, %w0, [%1], #8\n sub x10, %1, x10\n add %0, %0, x10", cell_id,
             0xf8);
  PROBE_LOAD("ldp_w_pre_index", "ldp w9, %w0, [%1, #8]!", cell_id, 0xb1);
  PROBE_LOAD("ldpsw_loads_two_words", "ldpsw x9, %0, [%1]", cell_id, 0xf0);
  PROBE_LOAD("ldnp_w_loads_two_words", "ldnp w9, %w0, [%1]", cell_id, 0xf0);
}

void stores() {
  const uint32_t old_divisor = read32(ibrd);
  const uint32_t old_control = read32(lcr);
  PROBE_LOAD("str_w_stores_a_word", "mov w9, #0x1234\n str w9, [%1]\n ldr %w0, [%1]", ibrd, 0x1234);
  PROBE_LOAD("str_of_the_zero_register_stores_zero", "str wzr, [%1]\n ldr %w0, [%1]", ibrd, 0);
  PROBE_LOAD("strh_stores_a_halfword", "mov w9, #0x4321\n strh w9, [%1]\n ldr %w0, [%1]", ibrd, 0x4321);
  PROBE_LOAD("strb_stores_a_byte", "mov w9, #0x70\n strb w9, [%1]\n ldr %w0, [%1]", lcr, 0x70);
  PROBE_LOAD("stur_w_with_a_negative_offset", "mov w9, #0x0f0f\n stur w9, [%1, #-4]\n ldur %w0, [%1, #-4]", ibrd + 4,
             0x0f0f);
  PROBE_LOAD("stlr_w_stores_a_word", "mov w9, #0x2222\n stlr w9, [%1]\n ldr %w0, [%1]", ibrd, 0x2222);
  PROBE_LOAD("str_post_index_stores_at_the_old_address", "mov w9, #0x60\n str w9, [%1], #4\n ldur %w0, [%1, #-4]", lcr,
             0x60);
  PROBE_LOAD("str_pre_index_stores_at_the_new_address", "mov w9, #0x70\n str w9, [%1, #8]!\n ldr %w0, [%1]", lcr - 8,
             0x70);
  PROBE_LOAD("stp_w_stores_the_first_word", "mov w9, #0x11\n mov w10, #0x22\n stp w9, w10, [%1]\n ldr %w0, [%1]", ibrd,
             0x11);
  PROBE_LOAD("stp_w_stores_the_second_word", "mov w9, #0x11\n mov w10, #0x22\n stp w9, w10, [%1]\n ldr %w0, [%1, #4]",
             ibrd, 0x22);
  write32(ibrd, old_divisor);
  write32(ibrd + 4, 0);
  write32(lcr, old_control);
}

// Through the stack pointer as a base, which is register 31 in the instruction.
void stack_pointer_base() {
  PROBE_LOAD("the_stack_pointer_can_be_the_base", "mov x9, sp\n mov sp, %1\n ldr %w0, [sp]\n mov sp, x9", cell_id,
             0x0d);
  PROBE_LOAD("the_stack_pointer_can_be_written_back",
             "mov x9, sp\n mov sp, %1\n ldr w10, [sp], #16\n mov x10, sp\n mov sp, x9\n sub %0, x10, %1", cell_id, 16);
}
#undef PROBE_LOAD
}  // namespace

void mmio_forms() {
  loads();
  writeback();
  pairs();
  stores();
  mask_interrupts();
  stack_pointer_base();
}

}  // namespace probe

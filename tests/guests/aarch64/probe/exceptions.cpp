// SPDX-License-Identifier: Apache-2.0
// What a guest must not do arrives as an exception of its own, with the syndrome the architecture names.
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "machine.hpp"

using namespace guest;

namespace probe {

namespace {
void undefined() {
  check_class("udf_is_undefined", attempt([] { asm volatile("udf #0"); }), ec_unknown);
  check_class("hcr_el2_is_undefined", attempt([] { asm volatile("mrs x0, S3_4_C1_C1_0" ::: "x0"); }), ec_unknown);
  check_class("sctlr_el2_is_undefined", attempt([] { asm volatile("mrs x0, S3_4_C1_C0_0" ::: "x0"); }), ec_unknown);
  check_class("vttbr_el2_is_undefined", attempt([] { asm volatile("msr S3_4_C2_C1_0, xzr"); }), ec_unknown);
  check_class("vbar_el2_is_undefined", attempt([] { asm volatile("msr S3_4_C12_C0_0, xzr"); }), ec_unknown);
  check_class("cnthctl_el2_is_undefined", attempt([] { asm volatile("mrs x0, S3_4_C14_C1_0" ::: "x0"); }), ec_unknown);
  check_class("cntvoff_el2_is_undefined", attempt([] { asm volatile("msr S3_4_C14_C0_3, xzr"); }), ec_unknown);
  check_class("ich_hcr_el2_is_undefined", attempt([] { asm volatile("mrs x0, S3_4_C12_C11_0" ::: "x0"); }), ec_unknown);
  check_class("scr_el3_is_undefined", attempt([] { asm volatile("mrs x0, S3_6_C1_C1_0" ::: "x0"); }), ec_unknown);
  check_class("a_reserved_register_is_undefined", attempt([] {
                asm volatile("mrs x0, S3_0_C11_C13_7" ::: "x0");
              }),
              ec_unknown);
  check_class("tlbi_alle1_is_undefined", attempt([] { asm volatile("sys #4, c8, c7, #4, xzr"); }), ec_unknown);
  check_class("at_s12e1r_is_undefined", attempt([] { asm volatile("sys #4, c7, c8, #4, xzr"); }), ec_unknown);
}

void own_traps() {
  const Fault svc = attempt([] { asm volatile("svc #0x123" ::: "memory"); });
  check_class("svc_reaches_the_guest", svc, ec_svc);
  check_equal("svc_carries_its_immediate", svc.esr & 0xffff, 0x123);
  const Fault brk = attempt([] { asm volatile("brk #0x77" ::: "memory"); });
  check_class("brk_reaches_the_guest", brk, ec_brk);
  check_equal("brk_carries_its_immediate", brk.esr & 0xffff, 0x77);
}

void aborts() {
  const Fault load = attempt([] { (void)read32(hole_base); });
  check_class("a_load_from_nowhere_is_a_data_abort", load, ec_data_abort);
  check_equal("a_load_from_nowhere_is_an_external_abort", load.fault_status(), synchronous_external_abort);
  check_equal("a_load_from_nowhere_tells_the_address", load.far, hole_base);
  check_equal("a_load_is_not_reported_as_a_write", load.esr >> 6 & 1, 0);

  const Fault store = attempt([] { write32(hole_base + 0x124, 1); });
  check_class("a_store_to_nowhere_is_a_data_abort", store, ec_data_abort);
  check_equal("a_store_to_nowhere_tells_the_address", store.far, hole_base + 0x124);
  check_equal("a_store_is_reported_as_a_write", store.esr >> 6 & 1, 1);

  const uint64_t beyond = machine.ram.start.value() + machine.ram.size;
  if (beyond < ram_base + (uint64_t{1} << 30)) {  // as far as our own map goes
    const Fault past = attempt([&] { (void)read32(beyond); });
    check_class("a_load_behind_the_end_of_ram_is_a_data_abort", past, ec_data_abort);
    check_equal("a_load_behind_the_end_of_ram_tells_the_address", past.far, beyond);
    const Fault pair = attempt([&] { asm volatile("ldp x0, x1, [%0]" : : "r"(beyond) : "x0", "x1", "memory"); });
    check_class("a_pair_from_behind_the_end_of_ram_is_a_data_abort", pair, ec_data_abort);
    const Fault jump = attempt([&] { asm volatile("blr %0" : : "r"(beyond) : "x30", "memory"); });
    check_class("a_jump_behind_the_end_of_ram_is_an_instruction_abort", jump, ec_instruction_abort);
    check_equal("a_jump_behind_the_end_of_ram_tells_the_address", jump.far, beyond);
  }

  const Fault unmapped = attempt([] { (void)read32(uint64_t{3} << 30); });
  check_class("the_guests_own_translation_fault_is_a_data_abort", unmapped, ec_data_abort);
  check_equal("the_guests_own_translation_fault_keeps_its_level", unmapped.fault_status(), 0x05);
  const Fault device = attempt([] { asm volatile("blr %0" : : "r"(uart_base) : "x30", "memory"); });
  check_class("a_jump_to_a_device_is_an_instruction_abort", device, ec_instruction_abort);
}

// One step from `instruction` on (D2.12): the exception must come right behind it, whether it was executed or emulated.
#define PROBE_STEP(name, instruction)                                                                             \
  do {                                                                                                            \
    uint64_t behind = 0;                                                                                          \
    const Fault fault = attempt([&] {                                                                             \
      asm volatile(                                                                                               \
          "mov x9, #0x2001\n msr mdscr_el1, x9\n"                                                                 \
          "adr x9, 1f\n msr elr_el1, x9\n mov x9, #0x1c5\n movk x9, #0x20, lsl #16\n msr spsr_el1, x9\n"          \
          "adr %0, 2f\n mov x9, %1\n isb\n eret\n"                                                                \
          "1: " instruction "\n2: nop\n nop\n msr daifset, #8\n msr mdscr_el1, xzr\n isb"                          \
          : "=&r"(behind)                                                                                         \
          : "r"(uart_base)                                                                                        \
          : "x9", "x10", "memory");                                                                               \
    });                                                                                                           \
    check_class(name "_is_stepped", fault, ec_step);                                                              \
    check_equal(name "_is_one_step", fault.elr, behind);                                                          \
  } while (false)

void single_steps() {
  oslar_el1::write(0);  // debug exceptions are off while the OS lock is on (D2.5)
  PROBE_STEP("an_addition", "add x10, x9, #1");
  PROBE_STEP("a_load_from_a_device", "ldr w10, [x9, #0x18]");
  PROBE_STEP("a_load_with_writeback_from_a_device", "ldr w10, [x9], #4");
  PROBE_STEP("a_feature_register", "mrs x10, id_aa64mmfr0_el1");
  PROBE_STEP("a_debug_register", "mrs x10, oslsr_el1");
  PROBE_STEP("a_timer_register", "mrs x10, cntp_ctl_el0");
  if (has_pmu()) PROBE_STEP("a_performance_monitor", "mrs x10, pmcr_el0");
}
#undef PROBE_STEP

// PSTATE.BTYPE says which kind of branch led here, until an instruction was executed (D8.4.5).
void branch_type() {
  const Fault fault = attempt([] {
    asm volatile("adr x9, 1f\n br x9\n 1: mrs x10, id_aa64mmfr0_el1\n svc #0" : : : "x9", "x10", "memory");
  });
  check_equal("no_branch_type_survives_an_emulated_instruction", fault.spsr >> 10 & 3, 0);
}
}  // namespace

void exceptions() {
  undefined();
  own_traps();
  aborts();
  single_steps();
  branch_type();
}

}  // namespace probe

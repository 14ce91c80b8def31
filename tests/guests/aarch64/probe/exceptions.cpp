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
}  // namespace

void exceptions() {
  undefined();
  own_traps();
  aborts();
}

}  // namespace probe

// SPDX-License-Identifier: Apache-2.0
// What only version 3 has (Arm IHI 0069): affinity routing, redistributors, system registers.
#include "gic_registers.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constexpr uint32_t sgi = 4;

void distributor_registers() {
  const uint32_t control = read32(gicd_base + gic::gicd_ctlr);
  check("affinity_routing_cannot_be_turned_off",
        (write32(gicd_base + gic::gicd_ctlr, 2), (read32(gicd_base + gic::gicd_ctlr) & 0x10) != 0));
  check("there_is_one_security_state", (control & 0x40) != 0);
  check("no_register_write_is_pending", (read32(gicd_base + gic::gicd_ctlr) & 0x8000'0000) == 0);
  check("both_groups_can_be_enabled",
        (write32(gicd_base + gic::gicd_ctlr, 0x13), (read32(gicd_base + gic::gicd_ctlr) & 3) == 3));
  write32(gicd_base + gic::gicd_ctlr, control);
  check_equal("the_distributor_has_no_private_interrupts", read32(gicd_base + gic::gicd_isenabler), 0);
  write32(gicd_base + gic::gicd_ipriorityr, ~0u);
  check_equal("nor_their_priorities", read32(gicd_base + gic::gicd_ipriorityr), 0);
  check_equal("nor_targets", read32(gicd_base + gic::gicd_itargetsr + 32), 0);
  const uint64_t router = gicd_base + gic::gicd_irouter + 8 * uint64_t{spare};
  write64(router, uint64_t{1} << 31);
  check_equal("an_interrupt_can_be_for_any_cpu", read64(router) & uint64_t{1} << 31, uint64_t{1} << 31);
  gic::set_edge(spare, true);
  gic::enable(spare);
  gic::set_pending(spare);
  check("then_a_cpu_that_is_awake_gets_it", take_and_end(spare));
  write64(router, 0);
  check_equal("a_route_can_be_read_by_halves", read32(router) | read32(router + 4), 0);
  gic::disable(spare);
}

void redistributors(unsigned cpus) {
  bool numbers = true;
  bool affinities = true;
  bool last = true;
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    const uint64_t type = read64(gicr_base + gicr_stride * cpu + gic::gicr_typer);
    numbers = numbers && (type >> 8 & 0xffff) == cpu;
    affinities = affinities && type >> 32 == cpu;
    last = last && (type >> 4 & 1) == (cpu + 1 == cpus ? 1 : 0);
  }
  check("redistributors_have_the_numbers_of_their_cpus", numbers);
  check("redistributors_have_the_affinities_of_their_cpus", affinities);
  check("only_the_last_says_that_it_is", last);
  const uint64_t sgis = gic::redistributor() + gic::gicr_sgi_frame;
  check_equal("sgis_can_be_disabled", (gic::disable(sgi), read32(sgis + gic::gicd_isenabler) & 1u << sgi), 0);
  gic::send(sgi, 0);
  check("a_disabled_sgi_waits", is_quiet() && gic::is_pending(sgi));
  gic::enable(sgi);
  check("until_it_is_enabled", take_and_end(sgi));
  gic::set_pending(sgi);
  check("an_sgi_can_be_made_pending_by_its_bit", gic::is_pending(sgi) && take_and_end(sgi));
  write32(gic::redistributor() + gic::gicr_waker, 2);
  check("a_redistributor_goes_to_sleep",
        within(100, [] { return (read32(gic::redistributor() + gic::gicr_waker) & 6) == 6; }));
  gic::enable_cpu();
}

void system_registers() {
  const uint64_t control = gic::icc_ctlr_el1::read();
  check("the_cpu_interface_has_five_bits_of_priority_or_more", (control >> 8 & 7) >= 4);
  gic::icc_ctlr_el1::write(control | 3);
  check_equal("common_binary_point_and_eoi_mode_can_be_set", gic::icc_ctlr_el1::read() & 3, 3);
  gic::icc_ctlr_el1::write(control & ~uint64_t{3});
  check_equal("and_cleared", gic::icc_ctlr_el1::read() & 3, 0);
  gic::icc_bpr0_el1::write(0);
  gic::icc_bpr1_el1::write(0);
  check_equal("the_binary_point_of_group_1_is_one_more_at_least", gic::icc_bpr1_el1::read(),
              gic::icc_bpr0_el1::read() + 1);
  gic::icc_igrpen0_el1::write(1);
  check_equal("group_0_can_be_enabled", gic::icc_igrpen0_el1::read(), 1);
  gic::icc_igrpen0_el1::write(0);
  check_equal("and_disabled", gic::icc_igrpen0_el1::read(), 0);
  gic::icc_pmr_el1::write(0xff);
  const uint64_t mask = gic::icc_pmr_el1::read();
  check("the_priority_mask_has_four_bits_or_more", mask >= 0xf0 && mask <= 0xff);
}

// Interrupts of group 0 are FIQs and have registers of their own.
void group_0() {
  write32(gicd_base + gic::gicd_ctlr, 0x13);
  gic::icc_igrpen0_el1::write(1);
  const uint64_t group = gicd_base + gic::gicd_igroupr + spare / 32 * 4;
  gic::set_edge(spare, true);
  gic::route(spare, 0);
  gic::enable(spare);
  write32(group, read32(group) & ~(1u << spare % 32));
  gic::set_pending(spare);
  check("an_interrupt_of_group_0_is_an_fiq", within(100, [] { return (isr_el1::read() & 0xc0) == 0x40; }));
  check("group_1_does_not_acknowledge_it", gic::is_special(static_cast<uint32_t>(gic::icc_iar1_el1::read())));
  check_equal("group_0_shows_it", gic::icc_hppir0_el1::read(), spare);
  check_equal("group_0_acknowledges_it", gic::icc_iar0_el1::read(), spare);
  check("its_priority_is_active_in_group_0", gic::icc_ap0r0_el1::read() != 0 && gic::icc_ap1r0_el1::read() == 0);
  gic::icc_eoir0_el1::write(spare);
  check("its_end_is_group_0s", gic::icc_ap0r0_el1::read() == 0 && !gic::is_active(spare));
  write32(group, read32(group) | 1u << spare % 32);
  gic::disable(spare);

  const uint64_t sgis = gic::redistributor() + gic::gicr_sgi_frame + gic::gicd_igroupr;
  gic::icc_sgi0r_el1::write(uint64_t{sgi} << 24 | 1);
  check("an_sgi_for_group_0_does_not_reach_group_1", is_quiet() && !gic::is_pending(sgi));
  write32(sgis, read32(sgis) & ~(1u << sgi));
  gic::icc_sgi0r_el1::write(uint64_t{sgi} << 24 | 1);
  check("it_reaches_group_0",
        within(100, [] { return (isr_el1::read() & 0x40) != 0; }) && gic::icc_iar0_el1::read() == sgi);
  gic::icc_eoir0_el1::write(sgi);
  write32(sgis, read32(sgis) | 1u << sgi);
  gic::icc_igrpen0_el1::write(0);
  gic::enable_distributor();
}

void sgi_forms() {
  constexpr uint64_t number = uint64_t{sgi} << 24;
  gic::enable(sgi);
  gic::icc_sgi1r_el1::write(number | 0xff01);
  check("targets_that_do_not_exist_are_left_out", take_and_end(sgi) && is_quiet());
  gic::icc_sgi1r_el1::write(number | 5u << 16 | 1);
  gic::icc_sgi1r_el1::write(number | uint64_t{1} << 32 | 1);
  gic::icc_sgi1r_el1::write(number | uint64_t{1} << 48 | 1);
  check("an_affinity_of_nobody_reaches_nobody", is_quiet());
  gic::icc_sgi1r_el1::write(number);
  check("an_empty_target_list_reaches_nobody", is_quiet());
}
}  // namespace

void version_3() {
  if (gic::version != 3) return;
  distributor_registers();
  redistributors(smp::count());
  system_registers();
  group_0();
  sgi_forms();
}

}  // namespace suite

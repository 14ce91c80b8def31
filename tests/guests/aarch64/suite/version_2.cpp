// SPDX-License-Identifier: Apache-2.0
// What only version 2 has (Arm IHI 0048): targets by bytes, sources of software-generated interrupts, GICC.
#include "gic_registers.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constexpr uint32_t sgi = 4;

void targets(unsigned cpus) {
  const uint64_t shared = gicd_base + gic::gicd_itargetsr + 32;
  const uint32_t all = ((1u << cpus) - 1) * 0x0101'0101u;
  check_equal("the_type_register_counts_cpus", read32(gicd_base + gic::gicd_typer) >> 5 & 7, cpus - 1);
  if (cpus == 1) {
    write32(shared, ~0u);
    return check_equal("with_one_cpu_there_are_no_targets", read32(shared), 0);
  }
  write32(shared, ~0u);
  check_equal("targets_exist_for_each_cpu", read32(shared), all);
  write32(shared, 0x0103'020f);
  check_equal("targets_are_kept", read32(shared), 0x0103'020f & all);
  check_equal("a_target_can_be_read_by_itself", read8(shared + 1), 0x02 & all);
  write8(shared + 2, 0x1f);
  check_equal("a_target_can_be_written_by_itself", read32(shared), 0x011f'020f & all);
  write32(shared, 0);
  const uint64_t own = gicd_base + gic::gicd_itargetsr;
  write32(own, 0);
  check_equal("private_interrupts_are_for_this_cpu_alone", read32(own), 0x0101'0101);
  static constinit uint32_t seen = 0;
  check("another_cpu_looks", run_on(1, [](uint64_t) { seen = read32(gicd_base + gic::gicd_itargetsr); }));
  check_equal("which_sees_itself", seen, 0x0202'0202);

  // No target, no interrupt.
  gic::set_edge(spare, true);
  write8(gicd_base + gic::gicd_itargetsr + spare, 0);
  gic::enable(spare);
  gic::set_pending(spare);
  check("an_interrupt_without_a_target_waits", is_quiet());
  gic::clear_pending(spare);
  gic::disable(spare);
}

void sources() {
  gic::enable(sgi);
  write8(gicd_base + gic::gicd_spendsgir + sgi, 1);
  check_equal("an_sgi_can_be_made_pending_by_its_source", read8(gicd_base + gic::gicd_cpendsgir + sgi), 1);
  check("it_shows_in_ispendr", gic::is_pending(sgi));
  check("it_is_signalled", (isr_el1::read() & 0x80) != 0);
  write8(gicd_base + gic::gicd_cpendsgir + sgi, 1);
  check("and_be_taken_back_by_its_source", !gic::is_pending(sgi) && is_quiet());
  gic::set_pending(sgi);
  check("ispendr_does_nothing_for_sgis", !gic::is_pending(sgi));
}

void two_senders() {
  const auto send = [](uint64_t) { gic::send(sgi, 0); };
  check("two_cpus_send_the_same_sgi", run_on(1, send) && run_on(2, send));
  check_equal("both_sources_are_pending", read8(gicd_base + gic::gicd_spendsgir + sgi), 0b110);
  const uint32_t first = take();
  gic::end(first);
  const uint32_t second = take();
  gic::end(second);
  check_equal("it_comes_once_from_each", 1u << (first >> 10 & 7) | 1u << (second >> 10 & 7), 0b110);
  check("and_no_third_time", is_quiet());
}

void interface_registers() {
  check_equal("gicc_iidr_names_the_architecture", read32(gic::gicc_iidr) >> 16 & 0xf, 2);
  write32(gic::gicc_bpr, 0);
  check("the_binary_point_has_a_least_value", read32(gic::gicc_bpr) <= 3);
  write32(gic::gicc_bpr, 6);
  check_equal("the_binary_point_is_kept", read32(gic::gicc_bpr), 6);
  write32(gic::gicc_bpr, 0);
  write32(gic::gicc_ctlr, 0);
  gic::set_edge(spare, true);
  gic::route(spare, 0);
  gic::enable(spare);
  gic::set_pending(spare);
  check("a_disabled_cpu_interface_signals_nothing", is_quiet());
  write32(gic::gicc_ctlr, 1);
  const uint32_t token = take();
  check_equal("an_enabled_one_does", token, spare);
  check("the_active_priority_shows_in_gicc_apr", read32(gic::gicc_apr) != 0);
  gic::end(token);
  check_equal("and_goes_with_the_end", read32(gic::gicc_apr), 0);
  gic::disable(spare);
}
}  // namespace

void version_2() {
  if (gic::version != 2) return;
  const unsigned cpus = smp::count();
  targets(cpus);
  sources();
  if (cpus > 2) two_senders();
  interface_registers();
}

}  // namespace suite

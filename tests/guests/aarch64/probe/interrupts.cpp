// SPDX-License-Identifier: Apache-2.0
// The interrupt controller as one CPU sees it (Arm IHI 0048 for version 2, IHI 0069 for version 3).
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "wait.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint32_t spare = 32 + 90;  // a shared interrupt of no device
constexpr uint32_t other_spare = 32 + 91;
constexpr uint32_t sgi = 3;
constinit volatile uint32_t order[4]{};
constinit volatile unsigned taken = 0;

void remember(uint32_t number) {
  if (taken < 4) order[taken] = number;
  taken = taken + 1;
}
bool came(unsigned how_many) {
  return within(500, [=] { return taken >= how_many; });
}
bool stays_away() {
  return !within(20, [] { return taken > 0; });
}

void distributor_registers() {
  const uint32_t type = read32(gicd_base + 0x004);
  check("the_distributor_has_at_least_128_interrupts", (type & 0x1f) >= 3);
  check("the_distributor_is_enabled_after_the_write", (read32(gicd_base) & (gic::version == 3 ? 2u : 1u)) != 0);
  const uint32_t peripheral = read32(gicd_base + (gic::version == 3 ? 0xffe8 : 0xfe8));
  check_equal("the_peripheral_id_tells_the_version", peripheral >> 4 & 0xf, gic::version);
  write32(gicd_base + 0x004, 0);
  check_equal("the_type_register_ignores_writes", read32(gicd_base + 0x004), type);
  check_equal("sgis_are_always_enabled_or_can_be", (gic::enable(sgi), gic::is_enabled(sgi)), true);
}

void set_and_clear() {
  gic::disable(spare);
  check("a_disabled_interrupt_reads_disabled", !gic::is_enabled(spare));
  gic::enable(spare);
  check("an_enabled_interrupt_reads_enabled", gic::is_enabled(spare));
  check("its_neighbour_is_untouched", !gic::is_enabled(other_spare));
  gic::disable(spare);
  check("disabling_works_again", !gic::is_enabled(spare));
  gic::route(spare, 0);  // without a target, version 2 has nobody to keep it pending for
  gic::set_pending(spare);
  check("a_pending_interrupt_reads_pending", gic::is_pending(spare));
  gic::clear_pending(spare);
  check("clearing_pending_works", !gic::is_pending(spare));
  gic::set_priority(spare, 0x80);
  gic::set_priority(spare + 1, 0x40);
  check_equal("priorities_are_single_bytes", gic::priority(spare), 0x80);
  check_equal("a_neighbours_priority_is_its_own", gic::priority(spare + 1), 0x40);
  gic::set_priority(other_spare, 0x80);
}

void delivery() {
  taken = 0;
  gic::set_edge(spare, true);
  gic::route(spare, 0);
  gic::enable(spare);
  gic::set_pending(spare);
  unmask_interrupts();
  check("a_pending_shared_interrupt_is_delivered", came(1) && order[0] == spare);
  check("it_is_delivered_once", !within(20, [] { return taken > 1; }));
  check("it_is_no_longer_pending", !gic::is_pending(spare));
  check("it_is_no_longer_active", !gic::is_active(spare));

  gic::disable(spare);
  taken = 0;
  gic::set_pending(spare);
  check("a_disabled_interrupt_is_held_back", stays_away());
  gic::enable(spare);
  check("and_delivered_once_it_is_enabled", came(1));
  mask_interrupts();
}

void priorities() {
  taken = 0;
  gic::set_priority(spare, 0xa0);
  gic::set_priority(other_spare, 0x40);
  gic::set_edge(other_spare, true);
  gic::route(other_spare, 0);
  gic::enable(other_spare);
  gic::set_pending(spare);
  gic::set_pending(other_spare);
  unmask_interrupts();
  check("the_more_urgent_interrupt_comes_first", came(2) && order[0] == other_spare && order[1] == spare);
  mask_interrupts();

  taken = 0;
  gic::set_priority_mask(0x60);
  gic::set_pending(spare);
  unmask_interrupts();
  check("the_priority_mask_holds_back", stays_away());
  gic::set_priority_mask(0xff);
  check("raising_the_mask_lets_through", came(1));
  mask_interrupts();
  gic::disable(other_spare);
}

void active_state() {
  check_equal("the_idle_priority_is_0xff", gic::running_priority(), 0xff);
  gic::set_pending(spare);
  check("the_highest_pending_interrupt_is_visible", within(100, [] { return gic::highest_pending() == spare; }));
  const uint32_t token = gic::acknowledge();
  check_equal("acknowledge_returns_the_interrupt", gic::number(token), spare);
  check("an_acknowledged_interrupt_is_active", gic::is_active(spare));
  check("the_running_priority_is_its_priority", gic::running_priority() != 0xff);
  check("nothing_else_is_pending_meanwhile", gic::is_special(gic::highest_pending()));
  gic::set_pending(spare);
  check("it_can_be_pending_again_while_active", gic::is_pending(spare) && gic::is_active(spare));
  gic::end(token);
  const uint32_t again = gic::acknowledge();
  check_equal("it_comes_again_after_its_end", gic::number(again), spare);
  gic::end(again);
  check("then_it_is_inactive", !gic::is_active(spare));
  check("acknowledging_nothing_is_spurious", gic::number(gic::acknowledge()) == 1023);
}

void software_generated() {
  on_interrupt(remember);
  taken = 0;
  gic::set_priority(sgi, 0x80);
  gic::enable(sgi);
  unmask_interrupts();
  gic::send(sgi, 0);
  check("an_sgi_to_myself_is_delivered", came(1) && order[0] == sgi);
  taken = 0;
  gic::send_to_others(sgi);
  check("an_sgi_to_the_others_is_not_for_me", stays_away());
  mask_interrupts();
  taken = 0;
  gic::send(sgi, 0);
  check("a_pending_interrupt_shows_in_isr", within(100, [] { return (isr_el1::read() & 1 << 7) != 0; }));
  const uint64_t start = now();
  wait_for_interrupt();
  check("wfi_returns_at_once_when_one_is_pending", now() - start < ticks(10'000));
  unmask_interrupts();
  check("and_it_is_delivered_when_unmasked", came(1));
  mask_interrupts();
}

void version_3_registers() {
  check_equal("sre_is_set_for_good",
              (SystemRegister<3, 0, 12, 12, 5>::write(0), SystemRegister<3, 0, 12, 12, 5>::read() & 1), 1);
  check_equal("group_1_is_enabled", SystemRegister<3, 0, 12, 12, 7>::read(), 1);
  check_quiet("icc_ctlr_is_readable", attempt([] { (void)SystemRegister<3, 0, 12, 12, 4>::read(); }));
  check_quiet("icc_bpr1_is_accessible",
              attempt([] { SystemRegister<3, 0, 12, 12, 3>::write(SystemRegister<3, 0, 12, 12, 3>::read()); }));
  check_quiet("icc_ap1r0_is_accessible", attempt([] { SystemRegister<3, 0, 12, 9, 0>::write(0); }));
  const uint64_t type = read64(gicr_base + 0x8);
  check_equal("the_first_redistributor_is_cpu_0", type >> 32, 0);
  check_equal("a_redistributor_tells_its_version", read32(gicr_base + 0xffe8) >> 4 & 0xf, 3);
  check_equal("an_awake_redistributor_says_so", read32(gicr_base + 0x14) & 6, 0);
  check("affinity_routing_is_on", (read32(gicd_base) & 0x10) != 0);
  gic::route(spare, 0);
  check_equal("a_route_reads_back", read64(gicd_base + 0x6000 + 8 * spare), 0);
}

void version_2_registers() {
  check_equal("the_cpu_interface_is_enabled", read32(gicc_base) & 1, 1);
  // Of one CPU alone the targets read as zero (IHI 0048, 4.3.12).
  const uint32_t target = smp::count() > 1 ? 1 : 0;
  check_equal("private_targets_are_this_cpu", read32(gicd_base + 0x800) & 0xff, target);
  gic::route(spare, 0);
  check_equal("a_route_reads_back", read32(gicd_base + 0x800 + (spare & ~3u)) >> 8 * (spare & 3) & 0xff, target);
  check("the_cpu_interface_names_its_implementer", read32(gicc_base + 0xfc) != 0);
}
}  // namespace

void interrupts() {
  on_interrupt(remember);
  distributor_registers();
  set_and_clear();
  delivery();
  priorities();
  active_state();
  software_generated();
  gic::version == 3 ? version_3_registers() : version_2_registers();
  gic::disable(spare);
}

}  // namespace probe

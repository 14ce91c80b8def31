// SPDX-License-Identifier: Apache-2.0
// The distributor's registers that both versions have, their access sizes, and what ends where the interrupts end.
#include <initializer_list>

#include "gic_registers.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constexpr uint64_t base = gicd_base;

// Interrupts, as GICD_TYPER has them.
uint32_t interrupts() { return ((read32(base + gic::gicd_typer) & 0x1f) + 1) * 32; }

bool ignores_writes(uint64_t address) {
  const uint32_t before = read32(address);
  write32(address, ~before);
  const bool kept = read32(address) == before;
  write32(address, before);
  return kept;
}
bool reads_zero_and_ignores_writes(uint64_t address) { return read32(address) == 0 && ignores_writes(address); }

void identification() {
  check("gicd_typer_is_read_only", ignores_writes(base + gic::gicd_typer));
  check("gicd_iidr_is_read_only", ignores_writes(base + gic::gicd_iidr));
  const uint64_t ids = base + (gic::version == 3 ? 0xffd0 : 0xfd0);
  check("the_peripheral_ids_are_read_only", ignores_writes(ids + 0x18));
  check_equal("the_component_id_is_a_peripherals", read32(ids + 0x20), 0x0d);
  bool quiet = true;
  for (const uint64_t reserved : {0x030, 0x070}) quiet = quiet && reads_zero_and_ignores_writes(base + reserved);
  check("reserved_registers_read_zero_and_ignore_writes", quiet);
}

void beyond_the_last_interrupt() {
  const uint32_t count = interrupts();
  if (count >= 1020) return;
  bool quiet = true;
  for (const uint64_t bank : {gic::gicd_isenabler, gic::gicd_ispendr, gic::gicd_isactiver}) {
    quiet = quiet && reads_zero_and_ignores_writes(base + bank + count / 8);
  }
  check("no_state_is_kept_for_interrupts_beyond_the_last", quiet);
  check("no_priority_is_kept_beyond_the_last", reads_zero_and_ignores_writes(base + gic::gicd_ipriorityr + count));
}

void priorities() {
  const uint64_t first = base + gic::gicd_ipriorityr + 32;
  write32(first, ~0u);
  const uint32_t mask = read32(first);
  const uint32_t byte = mask & 0xff;
  check("every_priority_has_the_same_bits", mask == byte * 0x0101'0101u);
  check("a_priority_has_four_bits_or_more", byte >= 0xf0 && (byte & -byte & 0xf0) <= 0x10);
  write32(first, 0);
  check_equal("priorities_can_be_zero", read32(first), 0);
  write32(first, 0xff7f'bf3f);
  check_equal("priorities_keep_their_implemented_bits", read32(first), 0xff7f'bf3f & mask);
  check_equal("a_priority_can_be_read_by_itself", read8(first + 1), 0xbf & byte);
  write8(first + 2, 0x1f);
  check_equal("a_priority_can_be_written_by_itself", read32(first), 0xff1f'bf3f & mask);
  write32(first, 0);
  const uint64_t last = base + gic::gicd_ipriorityr + interrupts() - 4;
  write32(last, 0xf0a0'5010);
  check_equal("the_last_interrupts_have_priorities", read32(last), 0xf0a0'5010 & mask);
  write32(last, 0);
}

void configuration() {
  const uint64_t sgis = gic::frame_of(0) + gic::gicd_icfgr;
  check_equal("sgis_are_edges", read32(sgis), 0xaaaa'aaaa);
  check("and_cannot_be_levels", ignores_writes(sgis));
  const uint64_t spis = base + gic::gicd_icfgr + spare / 16 * 4;
  const uint32_t before = read32(spis);
  write32(spis, ~0u);
  check_equal("of_the_configuration_only_the_upper_bits_exist", read32(spis), 0xaaaa'aaaa);
  write32(spis, 0);
  check_equal("a_shared_interrupt_can_be_a_level", read32(spis), 0);
  write32(spis, before);
}

void set_and_clear() {
  gic::enable(spare);
  gic::enable(other_spare);
  write32(base + gic::gicd_isenabler + spare / 32 * 4, 0);
  write32(base + gic::gicd_icenabler + spare / 32 * 4, 0);
  check("writing_zeros_changes_nothing", gic::is_enabled(spare) && gic::is_enabled(other_spare));
  check_equal("both_enable_registers_read_the_same", read32(base + gic::gicd_isenabler + spare / 32 * 4),
              read32(base + gic::gicd_icenabler + spare / 32 * 4));
  gic::disable(spare);
  gic::disable(other_spare);

  gic::route(spare, 0);
  gic::set_edge(spare, true);
  gic::set_active(spare);
  check("software_can_make_an_interrupt_active", gic::is_active(spare));
  gic::enable(spare);
  gic::set_pending(spare);
  check("an_active_interrupt_is_not_signalled", is_quiet());
  gic::clear_active(spare);
  check("an_inactive_one_is", take_and_end(spare));
  check("and_is_inactive_after_its_end", !gic::is_active(spare) && !gic::is_pending(spare));

  gic::set_edge(spare, false);
  gic::set_pending(spare);
  check("a_level_can_be_made_pending_by_software", gic::is_pending(spare) && take_and_end(spare));
  check("once", is_quiet() && !gic::is_pending(spare));
  gic::set_pending(spare);
  gic::clear_pending(spare);
  check("and_be_taken_back", !gic::is_pending(spare) && is_quiet());
  gic::set_edge(spare, true);

  gic::set_pending(spare);
  const uint32_t token = take();
  gic::set_pending(spare);
  gic::clear_pending(spare);
  check("what_is_cleared_while_active_stays_active", gic::is_active(spare) && !gic::is_pending(spare));
  gic::end(token);
  check("and_does_not_come_again", is_quiet());

  gic::set_pending(spare);
  write32(base + gic::gicd_ctlr, gic::version == 3 ? 0x10 : 0);
  check("a_disabled_distributor_signals_nothing", is_quiet() && gic::is_pending(spare));
  gic::enable_distributor();
  check("it_keeps_what_is_pending", take_and_end(spare));
  gic::disable(spare);
}
}  // namespace

void distributor() {
  identification();
  beyond_the_last_interrupt();
  priorities();
  configuration();
  set_and_clear();
}

}  // namespace suite

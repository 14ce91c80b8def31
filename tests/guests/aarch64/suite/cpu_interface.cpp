// SPDX-License-Identifier: Apache-2.0
// Priorities and preemption, and the two ways to end an interrupt, the same in both versions.
#include "gic_registers.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
void prepare(uint32_t interrupt, uint8_t priority) {
  gic::set_edge(interrupt, true);
  gic::route(interrupt, 0);
  gic::set_priority(interrupt, priority);
  gic::enable(interrupt);
}

// Group priority is bit 7 alone, or everything.
void set_coarse(bool coarse) {
  if (gic::version == 3) return gic::icc_bpr1_el1::write(coarse ? 7 : 0);
  write32(gic::gicc_bpr, coarse ? 6 : 0);
}

void preemption() {
  prepare(spare, 0xa0);
  prepare(other_spare, 0x40);
  gic::set_pending(spare);
  const uint32_t first = take();
  check_equal("the_running_priority_is_that_of_the_active_one", gic::running_priority(), 0xa0);
  gic::set_pending(other_spare);
  const uint32_t second = take();
  check_equal("a_more_urgent_interrupt_preempts", gic::number(second), other_spare);
  check_equal("then_its_priority_runs", gic::running_priority(), 0x40);
  check("both_are_active", gic::is_active(spare) && gic::is_active(other_spare));
  gic::end(second);
  check_equal("its_end_brings_the_first_priority_back", gic::running_priority(), 0xa0);

  gic::set_priority(other_spare, 0xc0);
  gic::set_pending(other_spare);
  check("a_less_urgent_one_waits", is_quiet());
  check_equal("but_is_the_highest_pending", gic::highest_pending(), other_spare);
  gic::set_priority(other_spare, 0xa0);
  check("an_equally_urgent_one_waits_too", is_quiet());
  gic::end(first);
  check("until_the_end_of_the_active_one", take_and_end(other_spare));
  check_equal("nothing_runs_after_the_last_end", gic::running_priority(), 0xff);
}

void binary_point() {
  set_coarse(true);
  prepare(spare, 0xf0);
  prepare(other_spare, 0x90);
  gic::set_pending(spare);
  const uint32_t token = take();
  gic::set_pending(other_spare);
  check("within_a_group_priority_nothing_preempts", is_quiet());
  gic::set_priority(other_spare, 0x70);
  check("another_group_priority_does", take_and_end(other_spare));
  gic::end(token);
  set_coarse(false);
}

void mask() {
  prepare(spare, 0x80);
  gic::set_pending(spare);
  gic::set_priority_mask(0x80);
  check("the_mask_itself_is_masked", is_quiet());
  gic::set_priority_mask(0x88);
  check("what_is_more_urgent_than_the_mask_is_not", take_and_end(spare));
  gic::set_priority_mask(0xff);
}

void set_two_ends(bool two) {
  if (gic::version == 3) return gic::icc_ctlr_el1::write(two ? 2 : 0);
  write32(gic::gicc_ctlr, two ? 0x201 : 1);
}
void deactivate(uint32_t token) {
  if (gic::version == 3) return gic::icc_dir_el1::write(token);
  write32(gic::gicc_dir, token);
}

// EOImode = 1: the end drops the priority, and deactivation is a second step.
void two_ends() {
  set_two_ends(true);
  prepare(spare, 0x80);
  prepare(other_spare, 0xa0);
  gic::set_pending(spare);
  gic::set_pending(other_spare);
  const uint32_t first = take();
  gic::end(first);
  check("priority_drop_leaves_an_interrupt_active", gic::is_active(spare) && gic::running_priority() == 0xff);
  const uint32_t second = take();
  check_equal("the_next_comes_before_the_first_is_deactivated", gic::number(second), other_spare);
  gic::set_pending(spare);
  gic::end(second);
  check("an_active_one_does_not_come_again", is_quiet());
  deactivate(first);
  check("deactivated_it_comes_again", gic::number(take()) == spare);
  gic::end(spare);
  deactivate(spare);
  deactivate(second);
  check("in_any_order", !gic::is_active(spare) && !gic::is_active(other_spare));
  set_two_ends(false);
}

// Active is active, however it ends: by clearing its bit.
void cleared_active() {
  prepare(spare, 0x80);
  gic::set_pending(spare);
  const uint32_t token = take();
  gic::clear_active(spare);
  check("the_active_bit_can_be_cleared", !gic::is_active(spare));
  gic::end(token);
  gic::set_pending(spare);
  check("and_the_interrupt_comes_again", take_and_end(spare));
}

// Many more than any hardware has list registers.
void many() {
  constexpr uint32_t first = 32 + 96;
  constexpr uint32_t count = 32;
  for (uint32_t i = 0; i < count; ++i) {
    prepare(first + i, static_cast<uint8_t>(0xf0 - i % 16 * 8));
    gic::set_pending(first + i);
  }
  bool sorted = true;
  uint32_t seen = 0;
  uint8_t last = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t token = take();
    const uint32_t number = gic::number(token);
    if (number < first || number >= first + count) break;
    sorted = sorted && gic::priority(number) >= last;
    last = gic::priority(number);
    seen |= 1u << (number - first);
    gic::end(token);
  }
  check_equal("thirty_two_pending_interrupts_all_come", seen, ~0u);
  check("the_most_urgent_first", sorted);
  for (uint32_t i = 0; i < count; ++i) gic::set_pending(first + i);
  for (uint32_t i = 0; i < count; i += 2) gic::disable(first + i);
  seen = 0;
  for (uint32_t token = take(); !gic::is_special(gic::number(token)) && seen != 0xaaaa'aaaa; token = take()) {
    seen |= 1u << (gic::number(token) - first);
    gic::end(token);
    if (seen == 0xaaaa'aaaa) break;
  }
  check("disabling_half_of_them_leaves_the_others", seen == 0xaaaa'aaaa && is_quiet());
  for (uint32_t i = 0; i < count; ++i) {
    gic::clear_pending(first + i);
    gic::disable(first + i);
  }
}
}  // namespace

void cpu_interface() {
  set_coarse(false);
  preemption();
  binary_point();
  mask();
  two_ends();
  cleared_active();
  gic::disable(spare);
  gic::disable(other_spare);
  many();
}

}  // namespace suite

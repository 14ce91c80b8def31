// SPDX-License-Identifier: Apache-2.0
// The EIOINTC (3A5000 user manual, 11.2): 256 vectors, their routes to CPUs and, by groups of 32, to lines.
#include <array>

#include "eiointc.hpp"
#include "ipi.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constinit uint64_t lines_there = 0, service_there = 0;

void look(uint64_t vector) {
  (void)within(10'000, [=] { return eiointc::is_set(eiointc::in_service, static_cast<unsigned>(vector)); });
  lines_there = lines();
  service_there = iocsr_read32(eiointc::word_of(eiointc::in_service, static_cast<unsigned>(vector)));
  eiointc::clear(static_cast<unsigned>(vector));
}

void storage() {
  struct Bank {
    std::string_view name;
    uint32_t first, last;
  };
  constexpr std::array banks{Bank{"the_node_map_is_kept", eiointc::node_map, eiointc::node_map + 0x1c},
                             Bank{"the_bounce_bits_are_kept", eiointc::bounce, eiointc::bounce + 0x1c},
                             Bank{"the_enable_bits_are_kept", eiointc::enable, eiointc::enable + 0x1c},
                             Bank{"the_lines_of_groups_are_kept", eiointc::pin_map, eiointc::pin_map + 4},
                             Bank{"the_routes_are_kept", eiointc::route, eiointc::route + 0xfc}};
  for (const Bank& bank : banks) {
    const uint32_t first = iocsr_read32(bank.first), last = iocsr_read32(bank.last);
    iocsr_write32(bank.first, 0x0102'0401);
    iocsr_write32(bank.last, 0x0801'0204);
    check(bank.name, iocsr_read32(bank.first) == 0x0102'0401 && iocsr_read32(bank.last) == 0x0801'0204);
    iocsr_write32(bank.first, first);
    iocsr_write32(bank.last, last);
  }
  iocsr_write64(eiointc::enable, 0x8000'0001'4000'0002);
  check("a_doubleword_is_two_words", iocsr_read32(eiointc::enable) == 0x4000'0002 &&
                                         iocsr_read32(eiointc::enable + 4) == 0x8000'0001 &&
                                         iocsr_read64(eiointc::enable) == 0x8000'0001'4000'0002);
  iocsr_write64(eiointc::enable, 0);
  asm volatile("iocsrwr.b %0, %1" : : "r"(uint64_t{4}), "r"(uint64_t{eiointc::route + 5}) : "memory");
  check_equal("a_byte_of_the_routes_can_be_written_by_itself", iocsr_read32(eiointc::route + 4), 0x0400);
  iocsr_write32(eiointc::route + 4, 0);
}

void messages() {
  send_message(spare);
  check("a_message_to_a_vector_that_is_disabled_is_pending", eiointc::is_set(eiointc::pending, spare));
  check("but_not_in_service", !eiointc::is_set(eiointc::in_service, spare) && lines() == 0);
  eiointc::set_enabled(spare, true);
  check("enabling_it_puts_it_in_service", eiointc::is_set(eiointc::in_service, spare));
  check_equal("and_raises_the_line", lines(), hwi(0));
  eiointc::clear(other_spare);
  check_equal("clearing_another_leaves_it", lines(), hwi(0));
  eiointc::clear(spare);
  check_equal("clearing_it_lowers_the_line", lines(), 0);
  send_message(spare);
  send_message(spare);
  eiointc::clear(spare);
  check_equal("two_messages_are_one_while_it_is_in_service", lines(), 0);
  send_message(spare);
  check_equal("the_next_message_raises_it_again", lines(), hwi(0));
  eiointc::clear(spare);
}

void groups() {
  eiointc::set_enabled(other_spare, true);
  for (unsigned line = 0; line < 4; ++line) {
    eiointc::give_line(spare, line);
    send_message(spare);
    constexpr std::array names{"a_group_can_raise_hwi0", "a_group_can_raise_hwi1", "a_group_can_raise_hwi2",
                               "a_group_can_raise_hwi3"};
    check_equal(names[line], lines(), hwi(line));
    eiointc::clear(spare);
  }
  eiointc::give_line(spare, 1);
  eiointc::give_line(other_spare, 2);
  send_message(spare);
  send_message(other_spare);
  check_equal("two_groups_raise_two_lines", lines(), hwi(1) | hwi(2));
  eiointc::clear(spare);
  check_equal("each_line_falls_with_its_own", lines(), hwi(2));
  eiointc::clear(other_spare);
  eiointc::give_line(other_spare, 1);
  send_message(spare);
  send_message(other_spare);
  eiointc::clear(other_spare);
  check_equal("a_line_of_two_groups_stays_for_the_other", lines(), hwi(1));
  eiointc::clear(spare);
  check_equal("until_both_are_served", lines(), 0);
  iocsr_write64(eiointc::in_service, ~uint64_t{0});
  check_equal("clearing_what_is_not_in_service_does_nothing", lines(), 0);
}

void disabling() {
  send_message(spare);
  eiointc::set_enabled(spare, false);
  check("disabling_a_vector_takes_it_out_of_service", !eiointc::is_set(eiointc::in_service, spare) && lines() == 0);
  eiointc::set_enabled(spare, true);
  eiointc::clear(spare);
}

void other_cpus(unsigned cpu) {
  eiointc::route_to(spare, cpu);
  send_message(spare);
  check("a_vector_of_another_cpu_raises_nothing_here", lines() == 0 && !eiointc::is_set(eiointc::in_service, spare));
  check("the_other_cpu_has_it", run_on(cpu, look, spare));
  check_equal("on_its_line", lines_there, hwi(1));
  check_equal("in_its_own_register", service_there, eiointc::bit_of(spare));
  send_message(spare);
  eiointc::route_to(spare, 0);
  send_message(spare);
  check("routed_back_it_comes_here", eiointc::is_set(eiointc::in_service, spare) && lines() == hwi(1));
  eiointc::clear(spare);
  check_equal("and_is_served_here", lines(), 0);
  // What may have stayed there.
  check("the_other_cpu_is_left_clean", run_on(cpu, look, spare));
  ipi::send_any(0, eiointc::word_of(eiointc::bounce, spare), 0x1234'5678);
  check_equal("any_send_writes_a_register", iocsr_read32(eiointc::word_of(eiointc::bounce, spare)), 0x1234'5678);
  ipi::send_any(0, eiointc::word_of(eiointc::bounce, spare), 0xffff'ffff, 0b1101);
  check_equal("but_bytes_that_are_to_stay", iocsr_read32(eiointc::word_of(eiointc::bounce, spare)), 0x1234'ff78);
  iocsr_write32(eiointc::word_of(eiointc::bounce, spare), 0);
  ipi::send_any(cpu, eiointc::route + spare / 4 * 4, uint32_t{1} << cpu << 8 * (spare % 4),
                0b1111 & ~(1U << spare % 4));
  send_message(spare);
  check("a_route_written_by_any_send_holds", lines() == 0 && run_on(cpu, look, spare) && lines_there == hwi(1));
  eiointc::route_to(spare, 0);
}

}  // namespace

void router() {
  storage();
  messages();
  groups();
  disabling();
  if (smp::count() > 1) other_cpus(1);
  eiointc::set_enabled(spare, false);
  eiointc::set_enabled(other_spare, false);
}

}  // namespace suite

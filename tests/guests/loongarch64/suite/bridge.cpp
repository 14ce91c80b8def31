// SPDX-License-Identifier: Apache-2.0
// The PCH-PIC (7A1000 user manual, 5) with an input that can be driven, the UART's transmitter, and the PCH-MSI.
#include "eiointc.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constexpr uint64_t pic = pch_pic_base;
constexpr uint64_t mask = 0x20, message_enable = 0x40, edge = 0x60, clear_edges = 0x80, route = 0x100, vectors = 0x200,
                   request = 0x380, in_service = 0x3a0, polarity = 0x3e0;
constexpr uint32_t uart_bit = 1U << uart_input;
constexpr unsigned vector = 9, other_vector = 11;

void drive(bool high) { write8(uart_base + 1, high ? 0x02 : 0); }
// Reading why ends the transmitter's interrupt.
void acknowledge() { (void)read8(uart_base + 2); }
bool is_requested() { return (read32(pic + request) & uart_bit) != 0; }
bool is_in_service() { return (read32(pic + in_service) & uart_bit) != 0; }

void storage() {
  check_equal("the_pch_pic_says_what_it_is", read32(pic), 0x0700'0000);
  check_equal("it_has_32_inputs", read32(pic + 4) >> 16 & 0xff, 31);
  struct Kept {
    std::string_view name;
    uint64_t offset;
  };
  for (const Kept& kept : {Kept{"masks_are_kept", mask}, Kept{"message_enables_are_kept", message_enable},
                           Kept{"edges_are_kept", edge}, Kept{"polarities_are_kept", polarity}}) {
    const uint32_t low = read32(pic + kept.offset), high = read32(pic + kept.offset + 4);
    // With the mask of an input that nobody drives.
    write32(pic + kept.offset, low ^ 0x4000'0000);
    write32(pic + kept.offset + 4, high ^ 0x1);
    check(kept.name, read32(pic + kept.offset) == (low ^ 0x4000'0000) && read32(pic + kept.offset + 4) == (high ^ 0x1));
    write32(pic + kept.offset, low);
    write32(pic + kept.offset + 4, high);
  }
  write8(pic + vectors + 31, 0xa5);
  check_equal("vectors_are_kept_to_the_last_input", read8(pic + vectors + 31), 0xa5);
  write8(pic + vectors + 31, 0);
  write8(pic + route + 30, 0x01);
  check_equal("routes_are_kept", read8(pic + route + 30), 0x01);
  write32(pic + in_service, ~0U);
  check_equal("what_is_in_service_cannot_be_written", read32(pic + in_service), 0);
}

void unmask(bool on) {
  const uint32_t others = read32(pic + mask) | uart_bit;
  write32(pic + mask, on ? others & ~uart_bit : others);
}

// What is printed makes the transmitter busy, and empty again: what is seen is told when its interrupt is off.
void levels() {
  drive(true);
  const bool requested = is_requested(), held_back = !is_in_service() && lines() == 0;
  unmask(true);
  const bool served = is_in_service(), pending = eiointc::is_set(eiointc::pending, vector);
  const uint64_t line = lines();
  acknowledge();
  const bool request_gone = !is_requested(), service_gone = !is_in_service();
  const bool vector_gone = !eiointc::is_set(eiointc::pending, vector) && !eiointc::is_set(eiointc::in_service, vector);
  const uint64_t line_after = lines();
  drive(false);
  check("an_input_that_is_masked_is_requested", requested);
  check("but_not_in_service_there", held_back);
  check("unmasking_it_puts_it_in_service_there", served);
  check("its_vector_is_pending", pending);
  check_equal("and_raises_its_line", line, hwi(1));
  check("when_the_level_is_gone_so_is_the_request", request_gone);
  check("and_the_service", service_gone);
  check("and_the_vector", vector_gone);
  check_equal("and_the_line", line_after, 0);
}

void levels_again() {
  drive(true);
  const uint64_t risen = lines();
  eiointc::clear(vector);
  const uint64_t cleared = lines();
  acknowledge();
  drive(false);
  drive(true);
  const uint64_t again = lines();
  acknowledge();
  const uint64_t fallen = lines();
  drive(false);
  check_equal("a_level_comes_again", risen, hwi(1));
  check_equal("clearing_the_vector_lowers_the_line_of_a_level", cleared, 0);
  check_equal("its_next_rise_raises_it_again", again, hwi(1));
  check_equal("and_it_falls", fallen, 0);
  drive(true);
  unmask(false);
  const bool held_back = !is_in_service() && lines() == 0;
  unmask(true);
  const uint64_t released = lines();
  acknowledge();
  drive(false);
  check("masking_an_input_takes_it_out_of_service", held_back);
  check_equal("unmasking_it_brings_it_back", released, hwi(1));
}

void other_vectors() {
  write8(pic + vectors + uart_input, other_vector);
  eiointc::set_enabled(other_vector, true);
  drive(true);
  const bool chosen = eiointc::is_set(eiointc::in_service, other_vector);
  const bool old = eiointc::is_set(eiointc::in_service, vector);
  acknowledge();
  const uint64_t after = lines();
  drive(false);
  check("another_vector_can_be_chosen", chosen);
  check("the_old_one_is_not_raised", !old);
  check_equal("the_line_falls_with_the_level", after, 0);
  eiointc::set_enabled(other_vector, false);
  write8(pic + vectors + uart_input, vector);
}

void edges() {
  write32(pic + edge, uart_bit);
  drive(true);
  const uint64_t risen = lines();
  acknowledge();
  drive(false);
  const bool stays = is_in_service();
  write32(pic + clear_edges, 1U << 20);
  const bool still = is_in_service();
  write32(pic + clear_edges, uart_bit);
  check_equal("an_edge_raises_the_line", risen, hwi(1));
  check("an_edge_stays_in_service", stays);
  check("clearing_another_input_leaves_it", still);
  check("clearing_it_ends_its_service", !is_in_service());
  check_equal("and_lowers_the_line_of_an_edge", lines(), 0);
  write32(pic + edge, 0);
  check_equal("clearing_does_not_read_back", read32(pic + clear_edges), 0);
}

void messages() {
  eiointc::set_enabled(vector, true);
  check_equal("the_message_register_reads_as_0", read32(pch_msi_base), 0);
  eiointc::set_enabled(0xff, true);
  eiointc::route_to(0xff, 0);
  eiointc::give_line(0xff, 1);
  send_message(0xff);
  check("the_last_vector_can_be_sent_a_message", eiointc::is_set(eiointc::in_service, 0xff) && lines() == hwi(1));
  eiointc::clear(0xff);
  eiointc::set_enabled(0xff, false);
}

}  // namespace

void bridge() {
  write8(pic + vectors + uart_input, vector);
  eiointc::give_line(vector, 1);
  eiointc::route_to(vector, 0);
  eiointc::route_to(other_vector, 0);
  eiointc::set_enabled(vector, true);
  storage();
  levels();
  levels_again();
  other_vectors();
  edges();
  messages();
  unmask(false);
  eiointc::set_enabled(vector, false);
}

}  // namespace suite

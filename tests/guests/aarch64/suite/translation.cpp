// SPDX-License-Identifier: Apache-2.0
// The interrupt translation service and LPIs (Arm IHI 0069, chapters 5 and 6).
#include <atomic>

#include "gic_registers.hpp"
#include "suite.hpp"

using namespace guest;

namespace suite {

namespace {
constexpr uint64_t its_base = 0x0808'0000;
constexpr uint64_t gits_ctlr = its_base + 0x0000;
constexpr uint64_t gits_iidr = its_base + 0x0004;
constexpr uint64_t gits_typer = its_base + 0x0008;
constexpr uint64_t gits_cbaser = its_base + 0x0080;
constexpr uint64_t gits_cwriter = its_base + 0x0088;
constexpr uint64_t gits_creadr = its_base + 0x0090;
constexpr uint64_t gits_baser = its_base + 0x0100;
constexpr uint64_t gits_translater = its_base + 0x1'0040;
constexpr uint64_t valid = uint64_t{1} << 63;
constexpr uint64_t shareable_write_back = uint64_t{1} << 10 | uint64_t{5} << 7;  // of GICR_PROPBASER, PENDBASER

constexpr uint32_t device = 2;
constexpr uint32_t other_device = 7;
constexpr uint32_t lpi = 8195;
constexpr uint32_t other_lpi = 8196;
constexpr uint8_t configured = 0xa0 | 3;  // priority, bit 1 is one, enabled

// Tables in RAM of ours: 64 KiB for each purpose.
constexpr uint64_t piece = 0x1'0000;
uint64_t table(unsigned number) { return unused_ram().start.value() + number * piece; }
uint64_t queue() { return table(0); }
uint64_t device_table() { return table(1); }
uint64_t collection_table() { return table(2); }
uint64_t configuration() { return table(3); }
uint64_t pending_of(unsigned cpu) { return table(8 + cpu); }
uint64_t translations_of(uint32_t number) { return table(4) + number * 0x1000; }

void clean(uint64_t address) { asm volatile("dc civac, %0\n dsb sy" : : "r"(address) : "memory"); }
void zero(uint64_t from, uint64_t size) {
  for (uint64_t at = from; at < from + size; at += 8) write64(at, 0);
  for (uint64_t at = from; at < from + size; at += 64) asm volatile("dc civac, %0" : : "r"(at) : "memory");
  barrier();
}
void configure(uint32_t number, uint8_t value) {
  const uint64_t at = configuration() + number - gic::first_lpi;
  write8(at, value);
  clean(at);
}

// --- commands ---

// Queue one and wait until it is done.
bool command(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3 = 0) {
  const uint64_t at = read64(gits_cwriter);
  const uint64_t place = queue() + at;
  write64(place, w0), write64(place + 8, w1), write64(place + 16, w2), write64(place + 24, w3);
  clean(place);
  write64(gits_cwriter, (at + 32) % piece);
  return within(500, [] { return read64(gits_creadr) == read64(gits_cwriter); });
}
constexpr uint64_t of(uint32_t number, uint8_t what) { return uint64_t{number} << 32 | what; }

// What a collection's target is written as: the number of a redistributor, or its address.
uint64_t target(unsigned cpu) {
  const bool by_address = (read64(gits_typer) >> 19 & 1) != 0;
  return by_address ? gicr_base + gicr_stride * cpu : uint64_t{cpu} << 16;
}
bool map_device(uint32_t number, bool on = true) {
  return command(of(number, 0x08), 7, translations_of(number) | (on ? valid : 0));  // 8 bits of events
}
bool map_collection(uint32_t collection, unsigned cpu, bool on = true) {
  return command(0x09, 0, collection | target(cpu) | (on ? valid : 0));
}
bool map_event(uint32_t number, uint32_t event, uint32_t interrupt, uint32_t collection) {
  return command(of(number, 0x0a), event | uint64_t{interrupt} << 32, collection);
}
bool map_identity(uint32_t number, uint32_t event, uint32_t collection) {
  return command(of(number, 0x0b), event, collection);
}
bool raise(uint32_t number, uint32_t event) { return command(of(number, 0x03), event, 0); }
bool clear(uint32_t number, uint32_t event) { return command(of(number, 0x04), event, 0); }
bool invalidate(uint32_t number, uint32_t event) { return command(of(number, 0x0c), event, 0); }
bool invalidate_all(uint32_t collection) { return command(0x0d, 0, collection); }
bool move(uint32_t number, uint32_t event, uint32_t collection) { return command(of(number, 0x01), event, collection); }
bool move_all(unsigned from, unsigned to) { return command(0x0e, 0, target(from), target(to)); }
bool discard(uint32_t number, uint32_t event) { return command(of(number, 0x0f), event, 0); }
bool synchronize(unsigned cpu) { return command(0x05, 0, target(cpu)); }

// --- set-up ---

void introspection() {
  const uint64_t type = read64(gits_typer);
  check("the_its_has_physical_lpis", (type & 1) != 0);
  check("it_has_bits_for_events_and_devices", (type >> 8 & 0x1f) >= 7 && (type >> 13 & 0x1f) >= 3);
  write64(gits_typer, ~type);
  check_equal("gits_typer_is_read_only", read64(gits_typer), type);
  const uint32_t identity = read32(gits_iidr);
  write32(gits_iidr, ~identity);
  check_equal("gits_iidr_is_read_only", read32(gits_iidr), identity);
  check_equal("the_its_is_of_version_3", read32(its_base + 0xffe8) >> 4 & 0xf, 3);
  check("a_disabled_its_is_quiescent", (read32(gits_ctlr) & 0x8000'0001) == 0x8000'0000);
  check("the_distributor_has_lpis", (read32(gicd_base + gic::gicd_typer) >> 17 & 1) != 0);
  check("interrupt_numbers_have_14_bits_or_more", (read32(gicd_base + gic::gicd_typer) >> 19 & 0x1f) >= 13);
  check("redistributors_have_lpis", (read64(gicr_base + gic::gicr_typer) & 1) != 0);
}

// GITS_BASER<n> of this type, one page of 64 KiB. False where there is none.
bool give_table(unsigned type, uint64_t address) {
  for (uint64_t n = 0; n < 8; ++n) {
    const uint64_t reg = gits_baser + 8 * n;
    if ((read64(reg) >> 56 & 7) != type) continue;
    const uint64_t size_of_entry = read64(reg) & uint64_t{0x1f} << 48;
    write64(reg, valid | address | uint64_t{2} << 8 | uint64_t{1} << 10);
    return (read64(reg) >> 56 & 7) == type && (read64(reg) & uint64_t{0x1f} << 48) == size_of_entry;
  }
  return false;
}

void enable_lpis(unsigned cpu, bool first) {
  const uint64_t frame = gicr_base + gicr_stride * cpu;
  write64(frame + gic::gicr_propbaser, configuration() | shareable_write_back | 13);
  const uint64_t zeroed = first ? uint64_t{1} << 62 : 0;
  write64(frame + gic::gicr_pendbaser, pending_of(cpu) | shareable_write_back | zeroed);
  barrier();
  write32(frame + gic::gicr_ctlr, 1);
}

void set_up(unsigned cpus) {
  zero(table(0), 16 * piece);
  check("there_is_a_device_table", give_table(1, device_table()));
  check("there_is_a_collection_table", give_table(4, collection_table()));
  write64(gits_cbaser, valid | queue() | 15 | uint64_t{1} << 10);
  check_equal("a_new_queue_is_read_from_its_beginning", read64(gits_creadr), 0);
  for (unsigned cpu = 0; cpu < cpus; ++cpu) enable_lpis(cpu, true);
  check_equal("lpis_are_enabled", read32(gicr_base + gic::gicr_ctlr) & 1, 1);
  write32(gits_ctlr, 1);
  check_equal("the_its_is_enabled", read32(gits_ctlr) & 1, 1);
}

// --- on one CPU ---

void trigger() {
  configure(lpi, configured);
  configure(other_lpi, configured);
  check("commands_are_carried_out", map_device(device) && map_device(other_device) && map_collection(3, 0));
  check("events_can_be_mapped", map_event(device, 20, lpi, 3) && map_event(other_device, 255, other_lpi, 3));
  check("an_event_is_an_lpi", raise(device, 20) && take_and_end(lpi) && is_quiet());
  check("the_last_event_of_another_device_too", raise(other_device, 255) && take_and_end(other_lpi));
  check("an_event_that_is_not_mapped_is_none", raise(device, 21) && is_quiet());
  check("a_device_that_is_not_mapped_has_none", raise(5, 20) && is_quiet());
  check("an_lpi_has_no_active_state",
        raise(device, 20) && take() == lpi && raise(device, 20) && (gic::end(lpi), take_and_end(lpi)) && is_quiet());
  check("an_event_can_be_its_own_number", map_identity(device, 5, 3) && raise(device, 5) && is_quiet());
  write32(gits_translater, 20);
  check("a_message_from_a_cpu_is_none_of_a_device", is_quiet());
}

void configuration_cache() {
  configure(lpi, configured & ~1);
  check("a_disabled_lpi_is_not_signalled", invalidate(device, 20) && raise(device, 20) && is_quiet());
  configure(lpi, configured);
  check("invalidating_all_of_its_collection_enables_it", invalidate_all(3) && take_and_end(lpi));
  configure(lpi, 0xf0 | 3);
  configure(other_lpi, 0x40 | 3);
  check("priorities_are_read_too", invalidate(device, 20) && invalidate(other_device, 255));
  check("both_are_pending", raise(device, 20) && raise(other_device, 255) && synchronize(0));
  check("the_more_urgent_lpi_comes_first", take_and_end(other_lpi) && take_and_end(lpi));
  gic::set_priority_mask(0x80);
  check("the_priority_mask_holds_lpis_back", raise(device, 20) && is_quiet());
  check("a_pending_lpi_can_be_cleared", clear(device, 20) && (gic::set_priority_mask(0xff), is_quiet()));
}

void unmapping() {
  check("a_discarded_event_is_none", discard(device, 20) && raise(device, 20) && is_quiet());
  check("it_can_be_mapped_again", map_event(device, 20, lpi, 3) && raise(device, 20) && take_and_end(lpi));
  check("an_unmapped_device_has_no_events", map_device(device, false) && raise(device, 20) && is_quiet());
  check("an_unmapped_collection_has_no_target", map_collection(3, 0, false) && raise(other_device, 255) && is_quiet());
  zero(translations_of(device), 0x1000);
  check("both_can_be_mapped_again", map_device(device) && map_collection(3, 0) && map_event(device, 20, lpi, 3) &&
                                        raise(device, 20) && take_and_end(lpi));
}

void pending_table() {
  const uint64_t byte = pending_of(0) + lpi / 8;
  write32(gicr_base + gic::gicr_ctlr, 0);
  if ((read32(gicr_base + gic::gicr_ctlr) & 1) != 0) return;  // some cannot be disabled again
  write32(byte & ~uint64_t{3}, 1u << lpi % 32);
  clean(byte);
  enable_lpis(0, false);
  check("what_the_pending_table_holds_is_pending", take_and_end(lpi));
  check("and_nothing_else", is_quiet());
}

void long_queue() {
  bool done = true;
  for (int i = 0; i < 3000 && done; ++i) done = synchronize(0);
  check("the_queue_wraps_around", done && raise(device, 20) && take_and_end(lpi));
  // More than a hundred at once.
  const uint64_t at = read64(gits_cwriter);
  for (uint64_t i = 0; i < 200; ++i) {
    const uint64_t place = queue() + (at + i * 32) % piece;
    write64(place, 0x05), write64(place + 8, 0), write64(place + 16, target(0)), write64(place + 24, 0);
    clean(place);
  }
  write64(gits_cwriter, (at + 200 * 32) % piece);
  check("two_hundred_commands_at_once_are_done",
        within(500, [] { return read64(gits_creadr) == read64(gits_cwriter); }));
  check("a_command_that_does_not_exist_does_no_harm",
        command(0x77, ~0ull, ~0ull, ~0ull) && raise(device, 20) && take_and_end(lpi));
}

// --- between CPUs ---

constexpr uint64_t patience = 3000;  // there may be fewer real CPUs

constinit std::atomic<unsigned> listening{0};
constinit std::atomic<bool> stop{false};
constinit std::atomic<uint32_t> last_taken{0};
constinit std::atomic<unsigned> taken_by{0};

// Takes LPIs.
void listen(uint64_t) {
  gic::enable_cpu();
  ++listening;
  while (!stop) {
    const uint32_t token = gic::acknowledge();
    if (gic::is_special(gic::number(token))) continue;
    gic::end(token);
    taken_by = cpu_number();
    last_taken = gic::number(token);
  }
}
bool taken(unsigned cpu, uint32_t number) {
  const bool came = within(patience, [=] { return last_taken == number && taken_by == cpu; });
  last_taken = 0;
  return came;
}

void between_cpus() {
  check("other_cpus_listen", smp::start(1, listen, 0) == 0 && smp::start(2, listen, 0) == 0 &&
                                 within(patience, [] { return listening == 2; }));
  check("collections_of_other_cpus_can_be_mapped", map_collection(1, 1) && map_collection(2, 2));
  check("an_event_goes_to_its_collections_cpu",
        map_event(device, 30, other_lpi, 1) && raise(device, 30) && taken(1, other_lpi));
  check("a_moved_event_to_the_new_one", move(device, 30, 2) && raise(device, 30) && taken(2, other_lpi));
  check("so_does_one_whose_collection_moved", map_collection(2, 1) && raise(device, 30) && taken(1, other_lpi));
  check("and_back_again", map_collection(2, 2) && raise(device, 30) && taken(2, other_lpi));
}

void waiting_lpis_move() {
  // Pending on this CPU, which does not take it.
  check("collection_0_is_this_cpus", map_collection(0, 0) && move(device, 30, 0));
  check("a_waiting_lpi_is_this_cpus_first",
        raise(device, 30) && within(100, [] { return (isr_el1::read() & 0x80) != 0; }));
  check("moved_it_comes_on_the_other_cpu", move(device, 30, 1) && taken(1, other_lpi));
  check("and_not_here", is_quiet());
  check("all_waiting_lpis_move_at_once",
        move(device, 30, 0) && raise(device, 20) && raise(device, 30) && map_collection(3, 2) && move_all(0, 2));
  check("and_none_stays", is_quiet());
  check("they_come_on_the_other_cpu", within(patience, [] { return last_taken != 0 && taken_by == 2; }));
  last_taken = 0;
  check("collections_go_back", map_collection(3, 0) && discard(device, 30));
  stop = true;
  check("listeners_go_off", within(patience, [] { return smp::is_off(1) && smp::is_off(2); }));
}
}  // namespace

void translation() {
  if (gic::version != 3 || machine.tree == nullptr || !machine.tree->find_compatible("arm,gic-v3-its")) return;
  introspection();
  const unsigned cpus = smp::count();
  set_up(cpus);
  trigger();
  configuration_cache();
  unmapping();
  long_queue();
  if (cpus > 2) {
    between_cpus();
    waiting_lpis_move();
  }
  pending_table();
  write32(gits_ctlr, 0);
  check("the_its_can_be_disabled", within(100, [] { return (read32(gits_ctlr) & 0x8000'0001) == 0x8000'0000; }));
}

}  // namespace suite

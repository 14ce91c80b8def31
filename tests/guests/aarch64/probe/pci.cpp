// SPDX-License-Identifier: Apache-2.0
// The host bridge of `virt` and its windows, with nothing plugged in (PCI Express Base 5.0, 7.5.1).
#include <array>

#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint64_t ecam = 0x40'1000'0000, ecam_end = 0x40'2000'0000;
constexpr uint64_t memory = 0x1000'0000, memory_end = 0x3eff'0000, ports = 0x3eff'0000;
constexpr uint64_t config(unsigned bus, unsigned device, unsigned function, unsigned offset) {
  return ecam + (uint64_t{bus} << 20 | device << 15 | function << 12 | offset);
}
constexpr uint64_t bridge(unsigned offset) { return config(0, 0, 0, offset); }
constexpr uint32_t ones = 0xffff'ffff;

void header() {
  // All that is not 0 in the header after power-on.
  struct Word {
    unsigned offset;
    uint32_t value;
  };
  constexpr std::array words{Word{0x00, 0x0008'1b36}, Word{0x08, 0x0600'0000}, Word{0x2c, 0x1100'1af4}};
  for (unsigned offset = 0; offset < 0x40; offset += 4) {
    uint32_t expected = 0;
    for (const Word& word : words) expected = word.offset == offset ? word.value : expected;
    check_equal("the_bridge_has_the_header_that_guests_know", read32(bridge(offset)), expected);
  }
  check_equal("a_halfword_of_configuration_space", read16(bridge(0x02)), 0x0008);
  check_equal("a_byte_of_configuration_space", read8(bridge(0x0b)), 0x06);
}

void writable_bits() {
  write16(bridge(0x04), 0xffff);
  check_equal("the_command_register_keeps_what_it_has", read32(bridge(0x04)), 0x0507);
  write16(bridge(0x04), 0);
  write8(bridge(0x0c), 0x10);
  check_equal("the_cache_line_size_is_kept", read32(bridge(0x0c)), 0x10);
  write8(bridge(0x0c), 0);
  write32(bridge(0x00), 0);
  check_equal("the_identity_cannot_be_written", read32(bridge(0x00)), 0x0008'1b36);
  for (unsigned bar = 0x10; bar < 0x28; bar += 4) {
    write32(bridge(bar), ones);
    check_equal("the_bridge_has_no_bars", read32(bridge(bar)), 0);
  }
}

void nothing() {
  check_equal("an_absent_device_reads_as_ones", read32(config(0, 1, 0, 0)), ones);
  check_equal("the_last_device_is_absent", read32(config(0, 31, 7, 0)), ones);
  check_equal("an_absent_function_reads_as_ones", read32(config(0, 0, 1, 0)), ones);
  check_equal("an_absent_bus_reads_as_ones", read32(config(1, 0, 0, 0)), ones);
  check_equal("the_last_bus_is_absent", read32(ecam_end - 4), ones);
  check_equal("a_halfword_of_an_absent_device", read16(config(0, 3, 0, 2)), 0xffff);
  write32(config(0, 1, 0, 4), 7);
  check_equal("no_device_comes_of_a_write", read32(config(0, 1, 0, 4)), ones);
  check_equal("there_is_no_extended_configuration_space", read32(bridge(0x100)), ones);
  for (const uint64_t place : {memory, memory + 0x1234'5678, memory_end - 4, ports, ports + 0xfffc}) {
    check_equal("nothing_decodes_in_the_bridges_windows", read32(place), ones);
    check_quiet("a_write_there_is_lost", attempt([=] { write32(place, 1); }));
  }
}
}  // namespace

void pci() {
  header();
  writable_bits();
  nothing();
}

}  // namespace probe

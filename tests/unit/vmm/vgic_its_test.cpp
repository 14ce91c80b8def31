// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "vgic_its_guest.hpp"

namespace {

namespace gits = arch::gic::gits;
namespace gicr = arch::gic::gicr;
using vgic_test::Config;
using vgic_test::first_lpi;
using vgic_test::Machine;
using vgic_test::Memory;
using vgic_test::Version;

constexpr Config config{.version = Version::v3, .vcpus = 3, .spis = 32, .its = true};

class Guest : public vgic_test::ItsGuest {
 public:
  explicit Guest(Machine& machine) : ItsGuest(machine, config.vcpus) {}
};

TEST(VgicIts, turns_a_message_into_an_lpi_of_the_collections_vcpu) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.vgic().send_msi(2, 20);
  EXPECT_FALSE(machine.irq(0));
  EXPECT_EQ(machine.acknowledge(1), 8200u);
  machine.end(1, 8200);
  EXPECT_FALSE(machine.irq(1));
  guest.command(gits::Command::INT, 2, 20, 0);
  EXPECT_EQ(machine.acknowledge(1), 8200u);
  machine.end(1, 8200);
}

TEST(VgicIts, caches_the_configuration_until_it_is_invalidated) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_device(2, 5);
  guest.map(2, 20, 8200, 1);
  guest.configure(8200, 0x80, true);
  machine.vgic().send_msi(2, 20);
  EXPECT_FALSE(machine.irq(1)) << "not invalidated: still disabled";
  guest.invalidate(2, 20);
  EXPECT_TRUE(machine.irq(1));
  guest.configure(8200, 0x80, false);
  guest.command(gits::Command::INVALL, 0, 0, 1);
  EXPECT_FALSE(machine.irq(1)) << "taken back from the list register";
  guest.configure(8200, 0x40, true);
  guest.command(gits::Command::INVALL, 0, 0, 1);
  EXPECT_EQ(machine.acknowledge(1), 8200u) << "and still pending";
}

TEST(VgicIts, lists_the_most_urgent_of_more_lpis_than_registers) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_device(1, 6);
  for (uint32_t event = 0; event < 40; ++event) {
    guest.configure(first_lpi + event, static_cast<uint8_t>(0xf8 - event % 20 * 8), true);
    guest.map(1, event, first_lpi + event, 0);
    machine.vgic().send_msi(1, event);
  }
  unsigned last = 0;
  for (unsigned i = 0; i < 40; ++i) {
    const uint32_t lpi = machine.acknowledge(0);
    ASSERT_GE(lpi, first_lpi);
    const unsigned priority = 0xf8 - (lpi - first_lpi) % 20 * 8;
    EXPECT_GE(priority, last);
    last = priority;
    machine.end(0, lpi);
  }
  EXPECT_EQ(machine.acknowledge(0), 1023u);
}

TEST(VgicIts, moves_clears_and_discards) {
  Machine machine(config);
  Guest guest(machine);
  guest.configure(8300, 0x80, true);
  guest.configure(8301, 0x80, true);
  guest.map_device(3, 4);
  guest.map(3, 1, 8300, 0);
  guest.map(3, 2, 8301, 0);
  machine.save(0);  // nothing gets into a list register
  machine.vgic().send_msi(3, 1);
  machine.vgic().send_msi(3, 2);
  guest.command(gits::Command::MOVI, 3, 1, 2);
  EXPECT_EQ(machine.acknowledge(2), 8300u);
  machine.end(2, 8300);
  guest.command(gits::Command::CLEAR, 3, 2, 0);
  EXPECT_FALSE(machine.has_pending(0));
  machine.vgic().send_msi(3, 2);
  EXPECT_TRUE(machine.has_pending(0));
  guest.command(gits::Command::MOVALL, 0, 0, uint64_t{0} << 16, uint64_t{1} << 16);
  EXPECT_FALSE(machine.has_pending(0));
  EXPECT_EQ(machine.acknowledge(1), 8301u);
  machine.end(1, 8301);
  guest.command(gits::Command::DISCARD, 3, 2, 0);
  machine.vgic().send_msi(3, 2);
  EXPECT_FALSE(machine.has_pending(0));
  EXPECT_FALSE(machine.irq(1));
}

TEST(VgicIts, clears_an_lpi_that_is_in_a_list_register) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(1));
  guest.command(gits::Command::CLEAR, 2, 20, 0);
  EXPECT_FALSE(machine.irq(1));
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(1));
}

TEST(VgicIts, moves_an_lpi_that_waits_in_a_list_register) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(1));
  guest.command(gits::Command::MOVI, 2, 20, 2);
  EXPECT_FALSE(machine.irq(1));
  EXPECT_EQ(machine.acknowledge(2), 8200u);
  machine.end(2, 8200);
  // From then on messages go there by themselves, and coming back is no special case.
  machine.vgic().send_msi(2, 20);
  EXPECT_EQ(machine.acknowledge(2), 8200u);
  machine.end(2, 8200);
  guest.command(gits::Command::MOVI, 2, 20, 1);
  machine.vgic().send_msi(2, 20);
  machine.save(1);
  machine.load(1);
  EXPECT_EQ(machine.acknowledge(1), 8200u);
  machine.end(1, 8200);
  for (unsigned vcpu = 0; vcpu < 3; ++vcpu) EXPECT_FALSE(machine.irq(vcpu));
}

// Pending twice: once in the list register, once since.
TEST(VgicIts, moves_an_lpi_that_is_listed_and_pending_again) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(1));
  machine.kick_promptly(false);
  machine.vgic().send_msi(2, 20);
  guest.command(gits::Command::MOVI, 2, 20, 2);
  EXPECT_FALSE(machine.irq(1));
  EXPECT_EQ(machine.acknowledge(2), 8200u);
  machine.end(2, 8200);
  EXPECT_FALSE(machine.irq(2)) << "it was pending, however often it was raised";
}

// What becomes of the listed one is its holder's: the next vCPU lists the same LPI before the first has looked.
TEST(VgicIts, moves_an_lpi_that_comes_again_before_its_first_vcpu_has_read_it_back) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(1));
  machine.kick_promptly(false);
  guest.command(gits::Command::MOVI, 2, 20, 2);
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(2));
  EXPECT_FALSE(machine.irq(1));
  EXPECT_EQ(machine.acknowledge(2), 8200u);
  machine.end(2, 8200);
  for (unsigned vcpu = 0; vcpu < 3; ++vcpu) EXPECT_FALSE(machine.irq(vcpu)) << vcpu;
}

TEST(VgicIts, clears_an_lpi_wherever_it_is_listed) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(1));
  machine.kick_promptly(false);
  guest.command(gits::Command::MOVI, 2, 20, 2);
  guest.command(gits::Command::CLEAR, 2, 20, 0);
  for (unsigned vcpu = 0; vcpu < 3; ++vcpu) EXPECT_FALSE(machine.irq(vcpu)) << vcpu;
}

TEST(VgicIts, lists_an_lpi_again_when_its_priority_is_read_anew) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(1));
  machine.set_vmcr(1, static_cast<uint32_t>(arch::gic::ich_vmcr::VPMR::set(Machine::open_vmcr, 0x60)));
  EXPECT_FALSE(machine.irq(1)) << "0x80 is masked";
  guest.configure(8200, 0x40, true);
  guest.invalidate(2, 20);
  EXPECT_TRUE(machine.irq(1));
  guest.configure(8200, 0x80, true);
  guest.command(gits::Command::INVALL, 0, 0, 1);
  EXPECT_FALSE(machine.irq(1));
}

TEST(VgicIts, lpis_wait_while_group_1_is_not_forwarded) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(1));
  machine.set_gicd(arch::gic::gicd::CTLR, 1);
  EXPECT_FALSE(machine.irq(1)) << "taken back from the list register";
  EXPECT_FALSE(machine.has_pending(1));
  machine.save(1);
  EXPECT_FALSE(machine.has_pending(1));
  machine.load(1);
  EXPECT_FALSE(machine.irq(1));
  machine.set_gicd(arch::gic::gicd::CTLR, 2);
  EXPECT_EQ(machine.acknowledge(1), 8200u);
}

TEST(VgicIts, lpis_wait_while_the_cpu_interface_or_the_redistributor_does_not_let_them_through) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.set_vmcr(1, static_cast<uint32_t>(Machine::open_vmcr & ~arch::gic::ich_vmcr::VENG1::mask));
  machine.vgic().send_msi(2, 20);
  EXPECT_FALSE(machine.irq(1));
  EXPECT_FALSE(machine.has_pending(1));
  machine.open(1);
  EXPECT_TRUE(machine.irq(1));
  machine.set_gicr(1, gicr::CTLR, 0, 0);
  EXPECT_FALSE(machine.irq(1));
  EXPECT_FALSE(machine.has_pending(1));
  machine.set_gicr(1, gicr::CTLR, 1, 0);
  EXPECT_TRUE(machine.irq(1));
}

TEST(VgicIts, its_table_registers_come_with_pages_of_64_kib) {
  Machine machine(config);
  for (const uint64_t offset : {uint64_t{gits::BASER}, gits::BASER + 8}) {
    const uint64_t reg = machine.read(0, *machine.mmio().its, offset, 8);
    EXPECT_EQ(gits::baser::Page_Size::get(reg), 2u);
    EXPECT_FALSE(gits::baser::Valid::is_set(reg));
  }
}

TEST(VgicIts, moves_all_lpis_of_a_vcpu_listed_or_not) {
  Machine machine(config, 2);
  Guest guest(machine);
  guest.map_device(2, 5);
  for (uint32_t event = 0; event < 10; ++event) {
    guest.configure(8192 + event * 100, 0x80, true);
    guest.map(2, event, 8192 + event * 100, 1);
    machine.vgic().send_msi(2, event);
  }
  EXPECT_TRUE(machine.irq(1)) << "two are listed, eight are not";
  guest.command(gits::Command::MOVALL, 0, 0, uint64_t{1} << 16, uint64_t{2} << 16);
  EXPECT_FALSE(machine.irq(1));
  for (int i = 0; i < 10; ++i) machine.end(2, machine.acknowledge(2));
  EXPECT_FALSE(machine.irq(2));
}

TEST(VgicIts, moving_all_from_a_vcpu_that_is_away_does_not_concern_what_comes_later) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.save(1);
  guest.command(gits::Command::MOVALL, 0, 0, uint64_t{1} << 16, uint64_t{2} << 16);
  machine.load(1);
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(1)) << "it is in a list register";
  machine.save(1);
  machine.load(1);
  EXPECT_FALSE(machine.irq(2));
  EXPECT_EQ(machine.acknowledge(1), 8200u);
  machine.end(1, 8200);
}

TEST(VgicIts, a_cleared_lpi_that_comes_again_comes_once) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.vgic().send_msi(2, 20);
  EXPECT_TRUE(machine.irq(1));
  machine.kick_promptly(false);
  guest.command(gits::Command::CLEAR, 2, 20, 0);
  machine.vgic().send_msi(2, 20);
  EXPECT_EQ(machine.acknowledge(1), 8200u);
  machine.end(1, 8200);
  EXPECT_FALSE(machine.irq(1));
}

TEST(VgicIts, says_how_many_lpis_there_are) {
  Machine machine(config);
  Guest guest(machine);
  const uint64_t type = machine.gicd(arch::gic::gicd::TYPER);
  EXPECT_TRUE(arch::gic::gicd::typer::LPIS::is_set(type));
  EXPECT_EQ(arch::gic::gicd::typer::IDbits::get(type), 13u);
  const uint64_t count = uint64_t{2} << arch::gic::gicd::typer::num_LPIs::get(type);
  guest.map_device(2, 5);
  for (const uint64_t lpi : {8192 + count - 1, 8192 + count}) {
    guest.configure(static_cast<uint32_t>(lpi), 0x80, true);
    guest.map(2, 20, lpi, 1);
    machine.vgic().send_msi(2, 20);
    EXPECT_EQ(machine.irq(1), lpi == 8192 + count - 1);
    guest.command(gits::Command::DISCARD, 2, 20, 0);
  }
}

TEST(VgicIts, hands_pending_lpis_to_the_table_when_they_are_disabled_and_takes_them_back) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  machine.save(1);
  machine.vgic().send_msi(2, 20);
  machine.set_gicr(1, gicr::CTLR, 0, 0);
  const uint64_t byte = Guest::pending + 0x10000 + 8200 / 8;
  EXPECT_EQ(std::to_integer<int>(*machine.memory().at(byte)), 1 << 8200 % 8);
  EXPECT_FALSE(machine.has_pending(1));
  machine.set_gicr(1, gicr::CTLR, 1, 0);
  EXPECT_TRUE(machine.has_pending(1));
}

TEST(VgicIts, walks_a_two_level_device_table) {
  Machine machine(config);
  Guest guest(machine);
  machine.write(0, guest.its(), gits::CTLR, 0);
  guest.set(gits::BASER, Guest::devices | gits::baser::Valid::mask | gits::baser::Indirect::mask);
  machine.write(0, guest.its(), gits::CTLR, 1);
  // Device 0x600 is in the fourth page of 512 entries.
  constexpr uint64_t page = Memory::base + 0xa0000;
  machine.memory().put64(Guest::devices + 3 * 8, page | hal::bit(63));
  guest.configure(8200, 0x80, true);
  guest.command(gits::Command::MAPD, 0x600, 4, Guest::translations | hal::bit(63));
  guest.map(0x600, 3, 8200, 0);
  machine.vgic().send_msi(0x600, 3);
  EXPECT_EQ(machine.acknowledge(0), 8200u);
  EXPECT_NE(std::to_integer<int>(*machine.memory().at(page + 0x7)), 0) << "the entry is in that page";
}

TEST(VgicIts, refuses_what_does_not_exist) {
  Machine machine(config);
  Guest guest(machine);
  guest.configure(8200, 0x80, true);
  guest.map_device(2, 5);
  guest.map(2, 32, 8200, 1);        // event beyond the device's
  guest.map(2, 1, 100, 1);          // not an LPI
  guest.map(2, 2, 8192 + 8192, 1);  // beyond our LPIs
  guest.map(9, 1, 8200, 1);         // no such device
  guest.map_collection(7, 50);      // no such vCPU
  guest.map(2, 3, 8200, 7);
  for (uint32_t event = 0; event < 64; ++event) machine.vgic().send_msi(2, event);
  machine.vgic().send_msi(~0u, ~0u);
  machine.vgic().send_msi(9, 1);
  for (unsigned vcpu = 0; vcpu < 3; ++vcpu) EXPECT_FALSE(machine.irq(vcpu));
}

TEST(VgicIts, does_a_bounded_number_of_commands_per_access) {
  Machine machine(config);
  Guest guest(machine);
  const uint64_t before = guest.at;
  for (int i = 0; i < 100; ++i) guest.queue_command(static_cast<uint64_t>(gits::Command::SYNC), 0, 0);
  guest.set(gits::CWRITER, guest.at);
  machine.on(0);
  const uint64_t first = guest.get(gits::CREADR);
  EXPECT_EQ(first, guest.at) << "the second half is done while the guest looks";
  EXPECT_LT((guest.at - before) / 32, 2 * vmm::vgic::Its::budget_per_access);
}

TEST(VgicIts, is_through_with_its_queue_before_the_guest_that_wrote_goes_on) {
  Machine machine(config);
  Guest guest(machine);
  guest.map_one_lpi();
  for (int i = 0; i < 100; ++i) guest.queue_command(static_cast<uint64_t>(gits::Command::SYNC), 0, 0);
  guest.queue_command(uint64_t{2} << 32 | static_cast<uint64_t>(gits::Command::INT), 20, 0);
  machine.enter(1);
  guest.set(gits::CWRITER, guest.at);
  EXPECT_FALSE(machine.vgic().needs_flush(1)) << "its message is not sent yet";
  machine.enter(0);
  EXPECT_TRUE(machine.irq(1));
  EXPECT_FALSE(machine.has_pending(0));
}

TEST(VgicIts, does_one_command_about_all_lpis_per_access_and_is_not_quiescent_meanwhile) {
  Machine machine(config);
  Guest guest(machine);
  for (int i = 0; i < 3; ++i) guest.queue_command(static_cast<uint64_t>(gits::Command::INVALL), 0, 0);
  guest.set(gits::CWRITER, guest.at);
  EXPECT_FALSE(gits::ctlr::Quiescent::is_set(guest.get(gits::CTLR)));
  EXPECT_EQ(guest.at - guest.get(gits::CREADR), 32u);
  EXPECT_EQ(guest.at - guest.get(gits::CREADR), 0u);
  EXPECT_TRUE(gits::ctlr::Quiescent::is_set(guest.get(gits::CTLR)));
}

TEST(VgicIts, wraps_around_its_queue) {
  Machine machine(config);
  Guest guest(machine);
  for (int i = 0; i < 1000; ++i) guest.command(gits::Command::SYNC, 0, 0, 0);
}

TEST(VgicIts, survives_random_commands_tables_and_registers) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 30; ++round) {
    Machine machine(config);
    Guest guest(machine);
    for (int i = 0; i < 300; ++i) {
      switch (random() % 6) {
        case 0: guest.set((random() % 0x140) & ~7ull, random()); break;
        case 1: machine.memory().put64(Memory::base + (random() % 0xffff8 & ~7ull), random() | hal::bit(63)); break;
        case 2:
          guest.set(gits::BASER + random() % 2 * 8, (Memory::base + random() % 0x200000) | hal::bit(63) | hal::bit(62));
          break;
        case 3:
          machine.write(0, guest.its(), gits::CTLR, random() % 2);
          guest.set(gits::CBASER, (Memory::base + (random() % 0x200000 & ~0xfffull)) | hal::bit(63) | (random() % 4));
          break;
        case 4:
          machine.vgic().send_msi(static_cast<uint32_t>(random() % 64), static_cast<uint32_t>(random() % 64));
          break;
        default:
          guest.queue_command(random() % 16 | (random() % 8) << 32, random() % 32 | (8192 + random() % 64) << 32,
                              random() % 4 | (random() % 4) << 16 | Guest::translations | random() << 63, random());
          guest.set(gits::CWRITER, guest.at);
          break;
      }
      machine.enter_all();
    }
  }
}

}  // namespace

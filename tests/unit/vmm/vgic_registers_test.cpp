// SPDX-License-Identifier: Apache-2.0
// Registers as a guest sees them: sizes, reserved ranges, identification, and the less used forms of sending.
#include <gtest/gtest.h>

#include <random>

#include "vgic_machine.hpp"

namespace {

namespace gicd = arch::gic::gicd;
namespace gicr = arch::gic::gicr;
using vgic_test::Config;
using vgic_test::Machine;
using vgic_test::Version;
using SgiRegister = vmm::vgic::Vgic::SgiRegister;

constexpr Config v2{.version = Version::v2, .vcpus = 3, .spis = 64};
constexpr Config v3{.version = Version::v3, .vcpus = 20, .spis = 64};

void start(Machine& machine, Config config) {
  machine.kick_promptly(true);
  machine.load_all();
  machine.set_gicd(gicd::CTLR, 3);
  for (unsigned vcpu = 0; vcpu < config.vcpus; ++vcpu) machine.open(vcpu);
}

TEST(VgicRegisters, v2_identifies_itself) {
  Machine machine(v2);
  EXPECT_EQ(machine.gicd(gicd::TYPER), 2u | 2u << 5);
  EXPECT_EQ(machine.gicd(gicd::IIDR) & 0xfff, 0x43bu);
  EXPECT_EQ(machine.gicd(0xfe8) >> 4 & 0xf, 2u);
  EXPECT_EQ(machine.gicd(0xff0), 0x0du);
  machine.set_gicd(gicd::IIDR, 0);
  machine.set_gicd(gicd::TYPER, 0);
  EXPECT_EQ(machine.gicd(gicd::TYPER), 2u | 2u << 5);
}

TEST(VgicRegisters, v3_identifies_itself) {
  Machine machine(v3);
  EXPECT_EQ(machine.gicd(gicd::TYPER) & 0x1f, 2u);
  EXPECT_EQ(gicd::typer::IDbits::get(machine.gicd(gicd::TYPER)), 9u);
  EXPECT_FALSE(gicd::typer::LPIS::is_set(machine.gicd(gicd::TYPER)));
  EXPECT_EQ(machine.gicd(0xffe8) >> 4 & 0xf, 3u);
  EXPECT_EQ(machine.gicr(5, 0xffe8, 0) >> 4 & 0xf, 3u);
  EXPECT_EQ(machine.gicd(gicd::CTLR), 0x50u) << "affinity routing and DS are fixed";
  machine.set_gicd(gicd::CTLR, ~0u);
  EXPECT_EQ(machine.gicd(gicd::CTLR), 0x53u);
}

TEST(VgicRegisters, v3_redistributors_say_whose_they_are) {
  Machine machine(v3);
  for (unsigned vcpu = 0; vcpu < v3.vcpus; ++vcpu) {
    const uint64_t typer = machine.gicr(vcpu, gicr::TYPER, 0, 8);
    EXPECT_EQ(gicr::typer::Affinity_Value::get(typer), vcpu / 16 << 8 | vcpu % 16);
    EXPECT_EQ(gicr::typer::Processor_Number::get(typer), vcpu);
    EXPECT_EQ(gicr::typer::Last::is_set(typer), vcpu == v3.vcpus - 1);
    EXPECT_EQ(machine.gicr(vcpu, gicr::TYPER + 4, 0), typer >> 32);
    EXPECT_EQ(machine.gicr(vcpu, gicr::WAKER, 0), 6u) << "asleep out of reset";
    machine.set_gicr(vcpu, gicr::WAKER, 0, 0);
    EXPECT_EQ(machine.gicr(vcpu, gicr::WAKER, 0), 0u);
  }
}

TEST(VgicRegisters, take_the_sizes_they_have) {
  Machine machine(v3);
  machine.set_gicd(gicd::IPRIORITYR + 40, 0x1234'5678);
  EXPECT_EQ(machine.gicd(gicd::IPRIORITYR + 40), 0x1030'5078u) << "five bits of priority";
  EXPECT_EQ(machine.gicd(gicd::IPRIORITYR + 41, 0, 1), 0x50u);
  machine.set_gicd(gicd::IPRIORITYR + 41, 0xff, 0, 1);
  EXPECT_EQ(machine.gicd(gicd::IPRIORITYR + 40), 0x1030'f878u);
  EXPECT_EQ(machine.gicd(gicd::IPRIORITYR + 40, 0, 2), 0u);
  EXPECT_EQ(machine.gicd(gicd::IPRIORITYR + 40, 0, 8), 0u);
  machine.set_gicd(gicd::ISENABLER + 4, 0xff, 0, 1);
  EXPECT_EQ(machine.gicd(gicd::ISENABLER + 4), 0u) << "words only";
  machine.set_gicd(gicd::ISENABLER + 4, 0xff00);
  EXPECT_EQ(machine.gicd(gicd::ICENABLER + 4), 0xff00u);
  EXPECT_EQ(machine.gicd(gicd::ICENABLER + 5, 0, 1), 0u);
  machine.set_gicd(gicd::IROUTER + 40 * 8, 0x12'8000'0103, 0, 8);
  EXPECT_EQ(machine.gicd(gicd::IROUTER + 40 * 8, 0, 8), 0x12'8000'0103u);
  EXPECT_EQ(machine.gicd(gicd::IROUTER + 40 * 8 + 4), 0x12u);
  machine.set_gicd(gicd::IROUTER + 40 * 8 + 4, 0);
  EXPECT_EQ(machine.gicd(gicd::IROUTER + 40 * 8, 0, 8), 0x8000'0103u);
}

TEST(VgicRegisters, beyond_the_implemented_interrupts_read_as_zero) {
  Machine machine(v3);
  for (const uint64_t offset : {gicd::ISENABLER + 12, gicd::ISPENDR + 12, gicd::IGROUPR + 12, gicd::IPRIORITYR + 96,
                                gicd::ICFGR + 24, gicd::ITARGETSR + 40}) {
    machine.set_gicd(offset, ~0u);
    EXPECT_EQ(machine.gicd(offset), 0u) << std::hex << offset;
  }
  machine.set_gicd(gicd::IROUTER + 31 * 8, 1, 0, 8);
  machine.set_gicd(gicd::IROUTER + 96 * 8, 1, 0, 8);
  EXPECT_EQ(machine.gicd(gicd::IROUTER + 31 * 8, 0, 8), 0u);
  EXPECT_EQ(machine.gicd(gicd::IROUTER + 96 * 8, 0, 8), 0u);
  machine.set_gicd(gicd::ISENABLER, ~0u);
  EXPECT_EQ(machine.gicd(gicd::ISENABLER), 0u) << "private interrupts are the redistributors'";
}

TEST(VgicRegisters, no_interrupt_has_a_special_intid) {
  Machine machine({.version = Version::v2, .vcpus = 2, .spis = 988});
  machine.set_gicd(gicd::ISENABLER + 31 * 4, ~0u);
  EXPECT_EQ(machine.gicd(gicd::ISENABLER + 31 * 4), 0x0fff'ffffu);
  machine.set_gicd(gicd::IPRIORITYR + 1020, ~0u);
  EXPECT_EQ(machine.gicd(gicd::IPRIORITYR + 1020), 0u);
  machine.set_gicd(gicd::ITARGETSR + 1020, ~0u);
  EXPECT_EQ(machine.gicd(gicd::ITARGETSR + 1020), 0u);
  EXPECT_EQ(machine.gicd(gicd::TYPER) & 0x1f, 31u);
}

TEST(VgicRegisters, v2_targets_are_masked_and_private_ones_name_the_reader) {
  Machine machine(v2);
  machine.set_gicd(gicd::ITARGETSR + 32, ~0u);
  EXPECT_EQ(machine.gicd(gicd::ITARGETSR + 32), 0x0707'0707u);
  machine.set_gicd(gicd::ITARGETSR + 33, 2, 0, 1);
  EXPECT_EQ(machine.gicd(gicd::ITARGETSR + 32), 0x0707'0207u);
  EXPECT_EQ(machine.gicd(gicd::ITARGETSR + 4, 2), 0x0404'0404u);
  machine.set_gicd(gicd::ITARGETSR, 0, 2);
  EXPECT_EQ(machine.gicd(gicd::ITARGETSR, 2), 0x0404'0404u);
}

TEST(VgicRegisters, v2_shows_and_changes_the_sources_of_an_sgi) {
  Machine machine(v2);
  start(machine, v2);
  machine.set_gicd(gicd::SGIR, 2u << 24 | 7, 1);
  machine.set_gicd(gicd::SGIR, 1u << 24 | 7, 2);
  EXPECT_EQ(machine.gicd(gicd::SPENDSGIR + 7, 1, 1), 0x6u);
  machine.set_gicd(gicd::CPENDSGIR + 7, 0x2, 1, 1);
  EXPECT_EQ(machine.gicd(gicd::CPENDSGIR + 7, 1, 1), 0x4u);
  EXPECT_EQ(machine.acknowledge(1), 2u << 10 | 7);
  machine.set_gicd(gicd::SPENDSGIR + 7, 0xff, 1, 1);
  EXPECT_EQ(machine.gicd(gicd::SPENDSGIR + 7, 1, 1), 0x7u);
  machine.end(1, 2u << 10 | 7);
  unsigned sources = 0;
  for (int i = 0; i < 3; ++i) {
    const uint32_t iar = machine.acknowledge(1);
    EXPECT_EQ(iar & 0x3ff, 7u);
    sources |= 1u << (iar >> 10);
    machine.end(1, iar);
  }
  EXPECT_EQ(sources, 7u);
  EXPECT_FALSE(machine.irq(1));
}

TEST(VgicRegisters, v3_sends_to_lists_clusters_and_all_others) {
  Machine machine(v3);
  start(machine, v3);
  for (unsigned vcpu = 0; vcpu < v3.vcpus; ++vcpu) machine.set_bit(gicd::ISENABLER, 4, vcpu);
  const auto receivers = [&] {
    std::vector<unsigned> result;
    for (unsigned vcpu = 0; vcpu < v3.vcpus; ++vcpu) {
      if (machine.acknowledge(vcpu) != 4) continue;
      result.push_back(vcpu);
      machine.end(vcpu, 4);
    }
    return result;
  };
  machine.on(0);
  machine.vgic().send_sgi(0, SgiRegister::sgi1r, 4u << 24 | 0x8003);
  EXPECT_EQ(receivers(), (std::vector<unsigned>{0, 1, 15}));
  machine.vgic().send_sgi(0, SgiRegister::sgi1r, 4u << 24 | 1u << 16 | 0xffff);
  EXPECT_EQ(receivers(), (std::vector<unsigned>{16, 17, 18, 19}));
  machine.vgic().send_sgi(2, SgiRegister::sgi1r, 4u << 24 | uint64_t{1} << 40);
  EXPECT_EQ(receivers().size(), v3.vcpus - 1);
  machine.vgic().send_sgi(0, SgiRegister::sgi1r, 4u << 24 | uint64_t{1} << 44 | 1);  // RS = 1
  machine.vgic().send_sgi(0, SgiRegister::sgi1r, 4u << 24 | uint64_t{1} << 32 | 1);  // Aff2 = 1
  machine.vgic().send_sgi(0, SgiRegister::sgi1r, 4u << 24 | 2u << 16 | 1);           // Aff1 = 2
  EXPECT_TRUE(receivers().empty());
}

TEST(VgicRegisters, v3_group_0_register_reaches_group_0_only) {
  Machine machine(v3);
  start(machine, v3);
  machine.set_bit(gicd::ISENABLER, 4, 1);
  machine.set_bits(gicd::IGROUPR, 0, 0x10, 1);
  machine.on(0);
  machine.vgic().send_sgi(0, SgiRegister::sgi0r, 4u << 24 | 2);
  EXPECT_FALSE(machine.irq(1));
  machine.vgic().send_sgi(0, SgiRegister::sgi1r, 4u << 24 | 2);
  EXPECT_TRUE(machine.irq(1));
}

TEST(VgicRegisters, v3_gives_1_of_n_interrupts_to_one_that_is_awake) {
  Machine machine(v3);
  machine.load(3);
  machine.load(5);
  machine.set_gicd(gicd::CTLR, 3, 3);
  for (const unsigned vcpu : {3u, 5u}) machine.open(vcpu);
  machine.set_gicr(5, gicr::WAKER, 0, 5);
  machine.set_gicd(gicd::IROUTER + 40 * 8, hal::bit(31), 3, 8);
  machine.set_bit(gicd::ISENABLER, 40, 3);
  machine.vgic().set_level(vmm::VirtualIrq{40}, true);
  EXPECT_FALSE(machine.irq(3)) << "asleep";
  EXPECT_TRUE(machine.irq(5));
  // Off, it hands on what it did not take.
  machine.set_gicr(3, gicr::WAKER, 0, 3);
  machine.save(5);
  machine.vgic().reset_cpu_interface(5);
  EXPECT_EQ(machine.acknowledge(3), 40u);
}

TEST(VgicRegisters, another_vcpus_redistributor_is_the_same_redistributor) {
  Machine machine(v3);
  start(machine, v3);
  machine.set_gicr(7, 0x10000 + gicd::ISENABLER, 0x10, 2);
  machine.set_gicr(7, 0x10000 + gicd::ISPENDR, 0x10, 2);
  EXPECT_EQ(machine.acknowledge(7), 4u);
  EXPECT_EQ(machine.gicr(7, 0x10000 + gicd::ISACTIVER, 2), 0x10u) << "asked from its list register";
  machine.set_gicr(7, 0x10000 + gicd::ICACTIVER, 0x10, 2);
  EXPECT_EQ(machine.gicr(7, 0x10000 + gicd::ISACTIVER, 7), 0u);
}

TEST(VgicRegisters, reset_leaves_nothing) {
  Machine machine(v3);
  start(machine, v3);
  machine.set_bit(gicd::ISENABLER, 40);
  machine.set_bit(gicd::ISENABLER, 27, 1);
  machine.cpu(1).timer_line = true;
  machine.vgic().set_level(vmm::VirtualIrq{40}, true);
  EXPECT_EQ(machine.acknowledge(0), 40u);
  EXPECT_EQ(machine.acknowledge(1), 27u);
  for (unsigned vcpu = 0; vcpu < v3.vcpus; ++vcpu) machine.save(vcpu);
  EXPECT_FALSE(machine.cpu(1).timer_active) << "the physical interrupt is free";
  machine.vgic().reset();
  machine.cpu(1).timer_line = false;
  start(machine, v3);
  EXPECT_EQ(machine.gicd(gicd::ISENABLER + 4), 0u);
  EXPECT_EQ(machine.gicd(gicd::ISACTIVER + 4), 0u);
  EXPECT_EQ(machine.gicd(gicd::ISPENDR + 4), 0u);
  for (unsigned vcpu = 0; vcpu < v3.vcpus; ++vcpu) EXPECT_FALSE(machine.irq(vcpu));
}

TEST(VgicRegisters, a_timer_that_ran_out_while_its_vcpu_was_away_is_pending_at_once) {
  Machine machine(v3);
  start(machine, v3);
  machine.set_bit(gicd::ISENABLER, 27, 1);
  EXPECT_TRUE(machine.vgic().timer_would_wake(1));
  machine.save(1);
  EXPECT_TRUE(machine.vgic().timer_would_wake(1));
  machine.cpu(1).timer_line = true;
  machine.load(1);
  EXPECT_TRUE(machine.cpu(1).timer_active) << "without an interrupt being taken";
  EXPECT_EQ(machine.acknowledge(1), 27u);
  EXPECT_FALSE(machine.vgic().timer_would_wake(1)) << "active";
}

TEST(VgicRegisters, survive_any_access) {
  std::mt19937_64 random(7);
  for (const Config& config : {v2, v3}) {
    Machine machine(config);
    start(machine, config);
    for (int i = 0; i < 200000; ++i) {
      const auto size = static_cast<uint8_t>(1u << random() % 4);
      const auto vcpu = static_cast<unsigned>(random() % config.vcpus);
      const bool redistributor = config.version == Version::v3 && random() % 2 == 0;
      const uint64_t window = redistributor ? config.vcpus * gicr::stride : 0x10000;
      const uint64_t limit = random() % 4 != 0 && !redistributor ? 0x1000 : window;
      const uint64_t offset = random() % limit & ~uint64_t{size - 1u};
      vmm::MmioDevice& device = redistributor ? *machine.mmio().redistributors : *machine.mmio().distributor;
      if (random() % 2 == 0) {
        (void)machine.read(vcpu, device, offset, size);
      } else {
        machine.write(vcpu, device, offset, random(), size);
      }
      if (random() % 8 == 0) {
        const uint32_t intid = machine.acknowledge(vcpu);
        if (intid != 1023 && random() % 2 == 0) machine.end(vcpu, intid);
      }
    }
  }
}

}  // namespace

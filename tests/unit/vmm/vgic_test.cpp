// SPDX-License-Identifier: Apache-2.0
#include "vgic_machine.hpp"

#include <gtest/gtest.h>

namespace {

namespace gicd = arch::gic::gicd;
using vgic_test::Config;
using vgic_test::Machine;
using vgic_test::Version;
using vgic_test::Vgic;

// What a guest does first: distributor on, everything in group 1 where that is the custom, CPU interfaces open.
void start(Machine& machine, Config config) {
  machine.load_all();
  machine.set_gicd(gicd::CTLR, 3);
  for (unsigned vcpu = 0; vcpu < config.vcpus; ++vcpu) machine.open(vcpu);
}

class VgicTest : public testing::TestWithParam<Version> {
 protected:
  Config config() const { return {.version = GetParam(), .vcpus = 4, .spis = 96}; }
  void route(Machine& machine, uint32_t spi, unsigned vcpu) {
    if (GetParam() == Version::v2) {
      machine.set_gicd(gicd::ITARGETSR + spi, 1u << vcpu, 0, 1);
    } else {
      machine.set_gicd(gicd::IROUTER + spi * 8, vcpu, 0, 8);
    }
  }
  void send_sgi(Machine& machine, unsigned from, unsigned to, unsigned sgi) {
    machine.on(from);
    if (GetParam() == Version::v2) {
      machine.set_gicd(gicd::SGIR, 1u << (16 + to) | sgi, from);
    } else {
      machine.vgic().send_sgi(from, vmm::vgic::Vgic::SgiRegister::sgi1r, uint64_t{sgi} << 24 | 1u << to);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, VgicTest, testing::Values(Version::v2, Version::v3),
                         [](const auto& info) { return info.param == Version::v2 ? "v2" : "v3"; });

TEST_P(VgicTest, delivers_a_level_until_its_device_is_served) {
  Machine machine(config());
  start(machine, config());
  route(machine, 33, 0);
  machine.set_bit(gicd::ISENABLER, 33);
  machine.vgic().set_level(vmm::VirtualIrq{33}, true);
  EXPECT_EQ(machine.acknowledge(0), 33u);
  EXPECT_TRUE(machine.bit(gicd::ISACTIVER, 33));
  machine.end(0, 33);
  EXPECT_EQ(machine.acknowledge(0), 33u) << "the line is still high";
  machine.vgic().set_level(vmm::VirtualIrq{33}, false);
  machine.end(0, 33);
  EXPECT_EQ(machine.acknowledge(0), 1023u);
  EXPECT_FALSE(machine.bit(gicd::ISACTIVER, 33));
}

TEST_P(VgicTest, takes_back_a_level_that_was_not_acknowledged) {
  Machine machine(config());
  start(machine, config());
  route(machine, 40, 2);
  machine.set_bit(gicd::ISENABLER, 40);
  machine.vgic().set_level(vmm::VirtualIrq{40}, true);
  EXPECT_TRUE(machine.irq(2));
  EXPECT_FALSE(machine.irq(0));
  machine.vgic().set_level(vmm::VirtualIrq{40}, false);
  EXPECT_FALSE(machine.irq(2));
  EXPECT_FALSE(machine.bit(gicd::ISPENDR, 40));
}

TEST_P(VgicTest, delivers_each_edge_once) {
  Machine machine(config());
  start(machine, config());
  route(machine, 50, 1);
  machine.set_gicd(gicd::ICFGR + 50 / 16 * 4, 2u << (50 % 16 * 2));
  machine.set_bit(gicd::ISENABLER, 50);
  machine.vgic().set_level(vmm::VirtualIrq{50}, true);
  EXPECT_EQ(machine.acknowledge(1), 50u);
  machine.vgic().set_level(vmm::VirtualIrq{50}, false);
  machine.vgic().set_level(vmm::VirtualIrq{50}, true);
  machine.end(1, 50);
  EXPECT_EQ(machine.acknowledge(1), 50u) << "an edge while it was active";
  machine.end(1, 50);
  EXPECT_EQ(machine.acknowledge(1), 1023u);
}

TEST_P(VgicTest, sends_an_sgi_to_another_vcpu_and_kicks_it) {
  Machine machine(config());
  start(machine, config());
  machine.set_bit(gicd::ISENABLER, 5, 3);
  const unsigned before = machine.kicks(3);
  send_sgi(machine, 1, 3, 5);
  EXPECT_GT(machine.kicks(3), before);
  const uint32_t iar = machine.acknowledge(3);
  EXPECT_EQ(iar & 0x3ff, 5u);
  if (GetParam() == Version::v2) EXPECT_EQ(iar >> 10, 1u) << "the source";
  machine.end(3, iar);
  EXPECT_FALSE(machine.irq(3));
}

TEST_P(VgicTest, lets_the_more_urgent_interrupt_preempt_also_with_all_list_registers_full) {
  Machine machine(config(), 2);
  start(machine, config());
  for (uint32_t spi = 32; spi < 42; ++spi) {
    route(machine, spi, 0);
    machine.set_priority(spi, static_cast<uint8_t>(0xf0 - (spi - 32) * 8));
    machine.set_bit(gicd::ISENABLER, spi);
    machine.vgic().set_level(vmm::VirtualIrq{spi}, true);
  }
  EXPECT_EQ(machine.acknowledge(0), 41u);
  machine.vgic().set_level(vmm::VirtualIrq{41}, false);
  machine.end(0, 41);
  // Nested: each preempts the one before; all become active, more than there are list registers.
  for (uint32_t spi = 32; spi < 41; ++spi) machine.vgic().set_level(vmm::VirtualIrq{spi}, false);
  for (uint32_t spi = 32; spi < 41; ++spi) {
    machine.vgic().set_level(vmm::VirtualIrq{spi}, true);
    EXPECT_EQ(machine.acknowledge(0), spi);
    machine.vgic().set_level(vmm::VirtualIrq{spi}, false);
  }
  for (uint32_t spi = 40; spi >= 32; --spi) {
    EXPECT_TRUE(machine.bit(gicd::ISACTIVER, spi)) << spi;
    machine.end(0, spi);
    EXPECT_FALSE(machine.bit(gicd::ISACTIVER, spi)) << spi;
  }
  EXPECT_EQ(machine.acknowledge(0), 1023u);
}

TEST_P(VgicTest, ties_the_virtual_timer_to_its_physical_interrupt) {
  Machine machine(config());
  start(machine, config());
  machine.set_bit(gicd::ISENABLER, 27);
  machine.cpu(0).timer_line = true;
  EXPECT_EQ(machine.acknowledge(0), 27u);
  EXPECT_TRUE(machine.cpu(0).timer_active);
  machine.cpu(0).timer_line = false;
  machine.end(0, 27);
  EXPECT_FALSE(machine.cpu(0).timer_active) << "the guest's end deactivates the physical interrupt";
  EXPECT_FALSE(machine.irq(0));
  machine.cpu(0).timer_line = true;
  EXPECT_EQ(machine.acknowledge(0), 27u) << "and it can fire again";
}

// An emulator's GICv2 does not look at the line when a guest's end deactivates the physical interrupt.
TEST_P(VgicTest, the_timer_that_asks_again_fires_again_also_where_a_tied_end_is_not_noticed) {
  Machine machine(config());
  machine.cpu(0).ends_timer = false;
  start(machine, config());
  machine.set_bit(gicd::ISENABLER, 27);
  machine.cpu(0).timer_line = true;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(machine.acknowledge(0), 27u) << i;
    machine.end(0, 27);
  }
  EXPECT_EQ(machine.acknowledge(0), 27u);
  machine.cpu(0).timer_line = false;
  machine.end(0, 27);
  EXPECT_FALSE(machine.irq(0));
  EXPECT_FALSE(machine.cpu(0).timer_active);
  machine.cpu(0).timer_line = true;
  machine.save(0);
  EXPECT_FALSE(machine.cpu(0).timer_active);
  machine.load(0);
  EXPECT_EQ(machine.acknowledge(0), 27u);
}

// The guest ended the interrupt, and masked the timer before the second one that this made was looked at.
TEST_P(VgicTest, lists_no_timer_interrupt_whose_line_is_low_again) {
  Machine machine(config());
  start(machine, config());
  machine.set_bit(gicd::ISENABLER, 27);
  machine.cpu(0).timer_line = true;
  EXPECT_EQ(machine.acknowledge(0), 27u);
  machine.cpu(0).end(27);
  ASSERT_TRUE(machine.cpu(0).timer_fires());
  machine.cpu(0).timer_active = true;
  machine.cpu(0).timer_line = false;
  machine.on(0);
  machine.vgic().timer_fired(0);
  EXPECT_FALSE(machine.irq(0));
  EXPECT_FALSE(machine.cpu(0).timer_active);
  machine.cpu(0).timer_line = true;
  EXPECT_EQ(machine.acknowledge(0), 27u);
}

TEST_P(VgicTest, gives_the_physical_timer_back_when_its_interrupt_is_deactivated_apart) {
  Machine machine(config());
  start(machine, config());
  machine.set_vmcr(0, static_cast<uint32_t>(Machine::open_vmcr | arch::gic::ich_vmcr::VEOIM::mask));
  machine.set_bit(gicd::ISENABLER, 27);
  for (int i = 0; i < 3; ++i) {
    machine.cpu(0).timer_line = true;
    EXPECT_EQ(machine.acknowledge(0), 27u) << i;
    machine.end(0, 27);
    machine.cpu(0).timer_line = false;
    machine.on(0);
    if (GetParam() == Version::v2) {
      machine.write(0, *machine.mmio().cpu_interface, 0, 27);
    } else {
      machine.vgic().deactivate(0, 27);
    }
    machine.enter(0);
    EXPECT_FALSE(machine.cpu(0).timer_active) << i;
  }
}

TEST_P(VgicTest, gives_the_physical_timer_back_when_the_vcpu_leaves) {
  Machine machine(config());
  start(machine, config());
  machine.set_bit(gicd::ISENABLER, 27);
  machine.cpu(0).timer_line = true;
  EXPECT_EQ(machine.acknowledge(0), 27u);
  machine.save(0);
  EXPECT_FALSE(machine.cpu(0).timer_active);
  machine.load(0);
  EXPECT_TRUE(machine.cpu(0).timer_active) << "the guest has not ended it yet";
  machine.cpu(0).timer_line = false;
  machine.end(0, 27);
  EXPECT_FALSE(machine.cpu(0).timer_active);
}

TEST_P(VgicTest, keeps_state_across_a_switch) {
  Machine machine(config());
  start(machine, config());
  for (const uint32_t spi : {33u, 34u, 35u}) {
    route(machine, spi, 0);
    machine.set_priority(spi, static_cast<uint8_t>(0x80 - (spi - 33) * 0x20));
    machine.set_bit(gicd::ISENABLER, spi);
  }
  machine.vgic().set_level(vmm::VirtualIrq{33}, true);
  EXPECT_EQ(machine.acknowledge(0), 33u);
  machine.vgic().set_level(vmm::VirtualIrq{34}, true);
  EXPECT_TRUE(machine.irq(0));
  machine.save(0);
  EXPECT_TRUE(machine.vgic().has_pending(0));
  machine.vgic().set_level(vmm::VirtualIrq{35}, true);
  machine.load(0);
  EXPECT_EQ(machine.acknowledge(0), 35u);
}

// Group 1 is pending, in more interrupts than there are list registers, and not enabled at the CPU interface. Only that it
// is enabled matters then. An emulator that takes one group's enable for the other's must see no event either.
TEST_P(VgicTest, asks_for_no_event_of_a_group_that_holds_nobody_up) {
  namespace hcr = arch::gic::ich_hcr;
  namespace vmcr = arch::gic::ich_vmcr;
  Machine machine(config());
  start(machine, config());
  machine.set_bits(gicd::IGROUPR, 0, ~0u, 0);
  machine.set_bits(gicd::ISENABLER, 0, 0xffff, 0);
  machine.set_vmcr(0, static_cast<uint32_t>(Machine::open_vmcr & ~vmcr::VENG1::mask));
  for (unsigned sgi = 0; sgi < 16; ++sgi) send_sgi(machine, 0, 0, sgi);
  machine.enter(0);
  const uint32_t asked = machine.cpu(0).hcr;
  EXPECT_FALSE(hcr::VGrp0DIE::is_set(asked) || hcr::VGrp0EIE::is_set(asked) || hcr::VGrp1DIE::is_set(asked)) << asked;
  EXPECT_TRUE(hcr::VGrp1EIE::is_set(asked));
  machine.set_vmcr(0, Machine::open_vmcr);
  for (unsigned sgi = 0; sgi < 16; ++sgi) {
    EXPECT_EQ(machine.acknowledge(0) & 0x3ff, sgi);
    machine.end(0, sgi);
  }
}

// What is listed keeps the others out: when its group is switched off, they must come in.
TEST_P(VgicTest, lets_the_other_group_in_when_the_one_that_fills_the_list_registers_is_disabled) {
  namespace vmcr = arch::gic::ich_vmcr;
  Machine machine(config(), 2);
  start(machine, config());
  machine.set_bits(gicd::IGROUPR, 0, 0x0100, 0);
  machine.set_priority(8, 0xf0);
  machine.set_bits(gicd::ISENABLER, 0, 0xffff, 0);
  for (const unsigned sgi : {1u, 2u, 3u, 8u}) send_sgi(machine, 0, 0, sgi);
  machine.enter(0);
  machine.set_vmcr(0, static_cast<uint32_t>(Machine::open_vmcr & ~vmcr::VENG0::mask));
  EXPECT_EQ(machine.acknowledge(0) & 0x3ff, 8u);
}

TEST_P(VgicTest, gives_up_a_cpu_interface_whose_maintenance_interrupt_stays) {
  Machine machine(config());
  start(machine, config());
  machine.cpu(0).stuck = true;
  machine.enter(0);  // ends: it is not taken again and again
  EXPECT_TRUE(machine.cpu(0).given_up);
  EXPECT_FALSE(machine.cpu(0).maintenance()) << "nor by whoever runs here next";
  machine.save(0);
  machine.cpu(0).stuck = false;
  EXPECT_FALSE(machine.cpu(1).given_up);
}

// What it takes out of list registers has to be listed again, and after a read nobody looks whether there is work.
TEST_P(VgicTest, a_read_that_takes_back_list_registers_kicks_its_own_vcpu) {
  Machine machine(config());
  start(machine, config());
  route(machine, 33, 0);
  machine.set_bit(gicd::ISENABLER, 33);
  machine.vgic().set_level(vmm::VirtualIrq{33}, true);
  EXPECT_TRUE(machine.irq(0));
  for (const uint64_t reg : {gicd::ISPENDR, gicd::ISACTIVER}) {
    const unsigned before = machine.kicks(0);
    static_cast<void>(machine.bits(reg, 33, 0));
    EXPECT_EQ(machine.kicks(0), before + 1);
    EXPECT_TRUE(machine.irq(0));
  }
}

// ICH_VTR_EL2.TDS = 0, as of many a Cortex-A: the registers that are common to both groups all trap.
TEST(VgicWithoutTdir, traps_what_is_common_to_both_groups_and_answers_as_the_hardware_does) {
  using vmm::vgic::CommonRegister;
  const Config config{.version = Version::v3, .vcpus = 1, .spis = 96};
  Machine machine(config);
  machine.cpu(0).traps_dir = false;
  start(machine, config);
  EXPECT_TRUE(arch::gic::ich_hcr::TC::is_set(machine.cpu(0).hcr));
  EXPECT_FALSE(arch::gic::ich_hcr::TDIR::is_set(machine.cpu(0).hcr));
  Vgic& vgic = machine.vgic();
  vgic.write_common(CommonRegister::pmr, 0xf7);
  EXPECT_EQ(vgic.read_common(CommonRegister::pmr), 0xf0u) << "five bits of priority";
  EXPECT_EQ(vgic.read_common(CommonRegister::rpr), 0xffu) << "idle";
  machine.set_bit(gicd::ISENABLER, 33);
  machine.set_gicd(gicd::IPRIORITYR + 33, 0x40, 0, 1);
  machine.set_gicd(gicd::IROUTER + 33 * 8, 0, 0, 8);
  vgic.set_level(vmm::VirtualIrq{33}, true);
  EXPECT_EQ(machine.acknowledge(0), 33u);
  EXPECT_EQ(vgic.read_common(CommonRegister::rpr), 0x40u);
  const uint64_t before = vgic.read_common(CommonRegister::ctlr);
  vgic.write_common(CommonRegister::ctlr, 0b11);
  EXPECT_EQ(vgic.read_common(CommonRegister::ctlr), before | 0b11);
  EXPECT_EQ(before, fakes::VirtualCpu::implemented);
  EXPECT_TRUE(arch::gic::ich_vmcr::VEOIM::is_set(machine.cpu(0).vmcr));
}

}  // namespace

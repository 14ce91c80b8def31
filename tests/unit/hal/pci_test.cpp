// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/pci.hpp"

#include <gtest/gtest.h>

#include "hal/upcall.hpp"
#include "tests/unit/base/dtc.hpp"
#include "tests/unit/hal/fake_pci.hpp"

namespace hal::upcall {
std::optional<HostVirt> map_device(HostPhysRange registers) {
  return HostVirt(registers.start.value() + fake::mapped_at);
}
}  // namespace hal::upcall

namespace {

using hal::HostPhys;
using hal::PciHostInfo;
using hal::driver::PciFunction;
using hal::driver::PciHost;

constexpr PciHostInfo board{.configuration = {HostPhys(fake::PciBus::ecam), 0x1000'0000},
                            .memory = {HostPhys(0x1000'0000), 0x2eff'0000},
                            .coherent = true,
                            .unit_mask = 0x1800,
                            .pin_mask = 7,
                            .routes = {{0x0000, 1, 35}, {0x0800, 1, 36}, {0x1000, 1, 37}, {0x1800, 1, 38}}};

// --- what a device tree says -----------------------------------------------------------------------------------------

// As QEMU's boards say it.
constexpr std::string_view aarch64_virt = R"(
  intc: intc@8000000 { compatible = "arm,gic-v3"; #interrupt-cells = <3>; #address-cells = <2>; #size-cells = <2>;
    interrupt-controller; reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>; };
  pcie@10000000 { compatible = "pci-host-ecam-generic"; device_type = "pci"; #address-cells = <3>; #size-cells = <2>;
    bus-range = <0 0xff>; dma-coherent; reg = <0x40 0x10000000 0 0x10000000>;
    ranges = <0x1000000 0 0 0 0x3eff0000 0 0x10000>, <0x2000000 0 0x10000000 0 0x10000000 0 0x2eff0000>,
             <0x3000000 0x80 0 0x80 0 0x80 0>;
    #interrupt-cells = <1>; interrupt-map-mask = <0x1800 0 0 7>;
    interrupt-map = <0 0 0 1 &intc 0 0 0 3 4>, <0 0 0 2 &intc 0 0 0 4 4>, <0x800 0 0 1 &intc 0 0 0 4 4>,
                    <0x800 0 0 2 &intc 0 0 0 5 4>; };
)";
constexpr std::string_view loongarch_virt = R"(
  pic: platic@10000000 { compatible = "loongson,pch-pic-1.0"; reg = <0 0x10000000 0 0x400>; interrupt-controller;
    #interrupt-cells = <2>; loongson,pic-base-vec = <0>; };
  pcie@20000000 { compatible = "pci-host-ecam-generic"; device_type = "pci"; #address-cells = <3>; #size-cells = <2>;
    bus-range = <0 0x7f>; dma-coherent; reg = <0 0x20000000 0 0x8000000>;
    ranges = <0x1000000 0 0x4000 0 0x18004000 0 0xc000>, <0x2000000 0 0x40000000 0 0x40000000 0 0x40000000>;
    #interrupt-cells = <1>; interrupt-map-mask = <0x1800 0 0 7>;
    interrupt-map = <0 0 0 1 &pic 0x10 4>, <0 0 0 2 &pic 0x11 4>, <0x800 0 0 1 &pic 0x11 4>; };
)";

std::optional<PciHostInfo> find(std::string_view nodes) {
  const dtc::Blob blob =
      dtc::compile("/dts-v1/; / { #address-cells = <2>; #size-cells = <2>; " + std::string(nodes) + " };");
  auto fdt = hal::Fdt::open(blob);
  EXPECT_TRUE(fdt.ok());
  return hal::find_pci_host(*fdt);
}

class PciTree : public testing::Test {
 protected:
  void SetUp() override {
    if (!dtc::is_installed()) GTEST_SKIP() << "dtc is not installed";
  }
};

TEST_F(PciTree, of_a_board_with_a_gic_gives_the_bridge_its_window_and_interrupts) {
  const auto host = find(aarch64_virt);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->configuration, board.configuration);
  EXPECT_EQ(host->memory, board.memory);
  EXPECT_EQ(host->bus_offset, 0U);
  EXPECT_TRUE(host->coherent);
  EXPECT_EQ(host->irq_of(0x0000, 1), 35U);
  EXPECT_EQ(host->irq_of(0x0800, 2), 37U);
  EXPECT_EQ(host->irq_of(0x2800, 1), 36U) << "slot 5 is as slot 1";
  EXPECT_EQ(host->irq_of(0x0000, 3), std::nullopt);
}

TEST_F(PciTree, of_a_loongarch_board_gives_vectors_behind_the_bridge_chip) {
  const auto host = find(loongarch_virt);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->configuration, (hal::HostPhysRange{HostPhys(0x2000'0000), 0x800'0000}));
  EXPECT_EQ(host->memory, (hal::HostPhysRange{HostPhys(0x4000'0000), 0x4000'0000}));
  EXPECT_EQ(host->irq_of(0x0800, 1), 0x11U);
}

TEST_F(PciTree, says_where_the_bus_has_other_addresses_than_the_cpus) {
  const auto host = find(R"(pcie@30000000 { compatible = "pci-host-ecam-generic"; #address-cells = <3>; #size-cells = <2>;
    bus-range = <2 3>; reg = <0 0x30000000 0 0x200000>;
    ranges = <0x42000000 0 0x80000000 9 0 0 0x1000000>, <0x2000000 0 0xe0000000 8 0x10000000 0 0x1000000>; };)");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->memory, (hal::HostPhysRange{HostPhys(0x8'1000'0000), 0x100'0000})) << "not the one to prefetch from";
  EXPECT_EQ(host->bus_offset + 0x8'1000'0000, 0xe000'0000U);
  EXPECT_EQ(host->first_bus, 2U);
  EXPECT_FALSE(host->coherent);
}

TEST_F(PciTree, without_a_bridge_that_is_enabled_has_none) {
  EXPECT_FALSE(find(""));
  EXPECT_FALSE(find(R"(pcie@1000 { compatible = "pci-host-ecam-generic"; #address-cells = <3>; #size-cells = <2>;
    reg = <0 0x1000 0 0x1000>; status = "disabled"; };)"));
}

// --- the bus ---------------------------------------------------------------------------------------------------------

class Pci : public testing::Test {
 protected:
  std::vector<PciFunction> all(PciHost& host) {
    std::vector<PciFunction> found;
    EXPECT_TRUE(host.for_each_function([&](const PciFunction& function) { found.push_back(function); }));
    return found;
  }
  fake::PciBus bus;
};

TEST_F(Pci, finds_every_function_and_no_more_where_a_device_has_one) {
  std::array<fake::PciDevice, 4> devices;
  for (auto& device : devices) device.make(0x1234, 0x5678, {});
  devices[1].config[0x0e] = 0x80;
  bus.plug(0, devices[0]);
  bus.plug(3 << 3, devices[1]);
  bus.plug(3 << 3 | 5, devices[2]);
  bus.plug(7 << 3, devices[3]);
  fake::PciDevice hidden;
  hidden.make(0x1234, 1, {});
  bus.plug(7 << 3 | 2, hidden);
  PciHost host(board);
  const auto found = all(host);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[2].device(), 3U);
  EXPECT_EQ(found[2].function(), 5U);
  EXPECT_EQ(found[3].device(), 7U);
}

TEST_F(Pci, gives_each_bar_a_place_of_its_own_where_nobody_has) {
  std::array<fake::PciDevice, 2> devices;
  for (auto& device : devices) {
    device.make(0x1234, 0x5678, {{{1, 0x20}, {0, 0x1000}, {}, {}, {0xc, 0x4000}, {}}});
  }
  bus.plug(1 << 3, devices[0]);
  bus.plug(2 << 3, devices[1]);
  PciHost host(board);
  std::vector<hal::HostPhysRange> places;
  for (const PciFunction& function : all(host)) ASSERT_TRUE(host.enable(function));
  for (const auto& device : devices) {
    EXPECT_TRUE(device.decodes() && device.is_master());
    EXPECT_EQ(device.get<uint32_t>(0x10), 1U) << "I/O ports get none";
    for (const unsigned n : {1U, 4U}) {
      const hal::HostPhysRange place{HostPhys(device.bar_place(n)), device.bars[n].size};
      EXPECT_TRUE(board.memory.contains(place)) << std::hex << place.start.value();
      EXPECT_TRUE(place.start.is_aligned(place.size));
      for (const auto& other : places) EXPECT_FALSE(place.overlaps(other));
      places.push_back(place);
    }
  }
}

TEST_F(Pci, leaves_what_firmware_assigned_and_gives_nothing_then) {
  std::array<fake::PciDevice, 2> devices;
  for (auto& device : devices) device.make(0x1234, 0x5678, {{{0, 0x1000}}});
  devices[0].set<uint32_t>(0x10, 0x2000'0000);
  bus.plug(1 << 3, devices[0]);
  bus.plug(2 << 3, devices[1]);
  PciHost host(board);
  const auto found = all(host);
  ASSERT_TRUE(host.enable(found[0]));
  EXPECT_EQ(devices[0].bar_place(0), 0x2000'0000U);
  EXPECT_EQ(host.map(found[0], 0, 0x10, 4), hal::HostVirt(0x2000'0010 + fake::mapped_at));
  EXPECT_TRUE(host.enable(found[1]));
  EXPECT_EQ(host.map(found[1], 0, 0, 4), std::nullopt);
}

TEST_F(Pci, refuses_a_bar_for_which_the_window_has_no_room) {
  fake::PciDevice device;
  device.make(0x1234, 0x5678, {{{0, 0x4000'0000}}});
  bus.plug(0, device);
  PciHost host(board);
  EXPECT_FALSE(host.enable(all(host)[0]));
  EXPECT_FALSE(device.decodes());
}

TEST_F(Pci, walks_capabilities_that_go_in_circles_to_an_end) {
  fake::PciDevice device;
  device.make(0x1234, 0x5678, {});
  device.set<uint16_t>(0x06, 0x10);
  device.config[0x34] = 0x40;
  device.config[0x40] = 0x09, device.config[0x41] = 0x50;
  device.config[0x50] = 0x01, device.config[0x51] = 0x40;
  bus.plug(0, device);
  PciHost host(board);
  const PciFunction function = all(host)[0];
  EXPECT_EQ(function.find_capability(0x09), 0x40U);
  EXPECT_EQ(function.find_capability(0x11), 0U);
  EXPECT_EQ(function.find_capability(0x01, 0x40), 0x50U);
}

TEST_F(Pci, finds_the_interrupt_of_a_functions_pin) {
  std::array<fake::PciDevice, 2> devices;
  for (auto& device : devices) device.make(0x1234, 0x5678, {});
  devices[1].config[0x3d] = 1;
  bus.plug(1 << 3, devices[0]);
  bus.plug(6 << 3, devices[1]);
  PciHost host(board);
  const auto found = all(host);
  EXPECT_EQ(host.irq_of(found[0]), std::nullopt) << "it has no pin";
  EXPECT_EQ(host.irq_of(found[1]), 37U);
}

}  // namespace

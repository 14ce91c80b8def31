// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/platform.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "hal/platform/arm.hpp"
#include "hal/platform/loongarch.hpp"
#include "tests/unit/base/dtc.hpp"

namespace {

using hal::FirmwareConduit;
using hal::HostPhys;
using hal::HostPhysRange;
using hal::Platform;
using hal::UartKind;

constexpr HostPhysRange range(uint64_t start, uint64_t size) { return {HostPhys(start), size}; }
constexpr HostPhysRange fdt_place = range(0x4800'0000, 0x10'0000);

constexpr std::string_view root = "#address-cells = <2>; #size-cells = <2>;";
constexpr std::string_view memory =
    R"(memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x10000000>; };)";
constexpr std::string_view gicv3 = R"(intc: intc@8000000 {
  compatible = "arm,gic-v3"; #interrupt-cells = <3>; interrupt-controller; interrupts = <1 9 4>;
  reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>;
};)";
constexpr std::string_view gicv2 = R"(intc: intc@8000000 {
  compatible = "arm,cortex-a15-gic"; #interrupt-cells = <3>; interrupt-controller; interrupts = <1 9 0xf04>;
  reg = <0 0x8000000 0 0x10000>, <0 0x8010000 0 0x10000>, <0 0x8030000 0 0x10000>, <0 0x8040000 0 0x10000>;
};)";
// What QEMU's `virt` board says, but for what Plinth never looks at.
constexpr std::string_view rest_of_virt = R"(
  model = "linux,dummy-virt"; compatible = "linux,dummy-virt"; interrupt-parent = <&intc>;
  chosen { stdout-path = "/pl011@9000000"; rng-seed = <0x01234567 0x89abcdef 0x1 0x2>; kaslr-seed = <7 8>;
           linux,initrd-start = <0x44000000>; linux,initrd-end = <0x44123456>; };
  psci { compatible = "arm,psci-1.0", "arm,psci-0.2", "arm,psci"; method = "smc"; };
  timer { compatible = "arm,armv8-timer", "arm,armv7-timer"; interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; };
  pmu { compatible = "arm,armv8-pmuv3"; interrupts = <1 7 4>; };
  cpus { #address-cells = <1>; #size-cells = <0>;
    cpu-map { socket0 { }; };
    cpu@0 { device_type = "cpu"; reg = <0>; };
    cpu@1 { device_type = "cpu"; reg = <1>; };
    cpu@100 { device_type = "cpu"; reg = <0x100>; status = "disabled"; };
    cpu@101 { device_type = "cpu"; reg = <0x101>; };
  };
  pl011@9000000 { compatible = "arm,pl011", "arm,primecell"; reg = <0 0x9000000 0 0x1000>; interrupts = <0 1 4>; };
  pl031@9010000 { compatible = "arm,pl031", "arm,primecell"; reg = <0 0x9010000 0 0x1000>; interrupts = <0 2 4>; };
)";

// QEMU's LoongArch `virt` board, but for what Plinth never looks at.
constexpr std::string_view loongarch_virt = R"(
  compatible = "linux,dummy-loongson3";
  poweroff { compatible = "syscon-poweroff"; regmap = <&ged>; offset = <0>; value = <0x34>; };
  reboot { compatible = "syscon-reboot"; regmap = <&ged>; offset = <2>; value = <0x42>; };
  ged: ged@100e001c { compatible = "syscon"; reg = <0 0x100e001c 0 3>; reg-shift = <0>; reg-io-width = <1>; };
  rtc@100d0100 { compatible = "loongson,ls7a-rtc"; reg = <0 0x100d0100 0 0x100>; interrupts = <6 4>;
    interrupt-parent = <&pic>; };
  serial@1fe001e0 { compatible = "ns16550a"; reg = <0 0x1fe001e0 0 0x100>; clock-frequency = <100000000>;
    interrupts = <2 4>; interrupt-parent = <&pic>; };
  pic: platic@10000000 { compatible = "loongson,pch-pic-1.0"; reg = <0 0x10000000 0 0x400>; interrupt-controller;
    #interrupt-cells = <2>; interrupt-parent = <&eiointc>; loongson,pic-base-vec = <0>; };
  eiointc: eiointc@1400 { compatible = "loongson,ls2k2000-eiointc"; reg = <0 0x1400 0 0x800>; interrupt-controller;
    #interrupt-cells = <1>; interrupt-parent = <&cpuic>; interrupts = <3>; };
  cpuic: cpuic { compatible = "loongson,cpu-interrupt-controller"; interrupt-controller; #interrupt-cells = <1>; };
  memory@80000000 { device_type = "memory"; reg = <0 0x80000000 0 0x30000000>; };
  memory@0 { device_type = "memory"; reg = <0 0 0 0x10000000>; };
  cpus { #address-cells = <1>; #size-cells = <0>;
    cpu@1 { device_type = "cpu"; compatible = "loongarch,Loongson-3A5000"; reg = <1>; };
    cpu@0 { device_type = "cpu"; compatible = "loongarch,Loongson-3A5000"; reg = <0>; };
  };
  chosen { stdout-path = "/serial@1fe001e0"; rng-seed = <1 2 3 4 5 6 7 8>; };
)";

struct Found : Platform {
  hal::ArmPlatform arm;
  hal::LoongArchPlatform loongarch;
};

class Discovery : public testing::Test {
 protected:
  void SetUp() override {
    if (!dtc::is_installed()) GTEST_SKIP() << "dtc is not installed";
  }

  // A board whose root node has all of these pieces; `before` comes ahead of it.
  static Found discover(std::initializer_list<std::string_view> pieces, std::string_view before = "") {
    std::string source = "/dts-v1/;\n" + std::string(before) + "\n/ { " + std::string(root);
    // Properties come before nodes.
    for (const std::string_view piece : pieces) (source += piece) += '\n';
    const dtc::Blob blob = dtc::compile(source + "};");
    const auto fdt = hal::Fdt::open(blob);
    EXPECT_TRUE(fdt.ok()) << source;
    if (!fdt.ok()) return {};
    return {hal::discover_platform(*fdt, fdt_place), hal::discover_arm(*fdt), hal::discover_loongarch(*fdt)};
  }
};

TEST_F(Discovery, finds_all_of_qemus_board_with_gicv3) {
  const Found found = discover({rest_of_virt, gicv3, memory});
  EXPECT_EQ(found.model(), "linux,dummy-virt");
  ASSERT_EQ(found.memory.size(), 1U);
  EXPECT_EQ(found.memory[0], range(0x4000'0000, 0x1000'0000));
  ASSERT_EQ(found.reserved.size(), 1U);
  EXPECT_EQ(found.reserved[0], fdt_place);
  EXPECT_EQ(found.initrd, range(0x4400'0000, 0x12'3456));
  EXPECT_EQ(found.arm.psci.conduit, FirmwareConduit::smc);
  EXPECT_EQ(found.arm.timer.virtual_irq, 27U);
  EXPECT_EQ(found.arm.timer.hypervisor_irq, 26U);
  EXPECT_EQ(found.arm.pmu_irq, 23U);
  ASSERT_TRUE(found.rtc.has_value());
  EXPECT_EQ(found.rtc->kind, hal::RtcKind::pl031);
  EXPECT_EQ(found.rtc->registers, range(0x901'0000, 0x1000));
  EXPECT_EQ(found.random_seed.size(), 24U) << "rng-seed and kaslr-seed";
  EXPECT_EQ(found.random_seed[1], std::byte{0x23});
  EXPECT_EQ(found.random_seed[23], std::byte{8});
  ASSERT_TRUE(found.console.has_value());
  EXPECT_EQ(found.console->kind, UartKind::pl011);
  EXPECT_EQ(found.console->registers, range(0x900'0000, 0x1000));
  EXPECT_EQ(found.console->irq, 33U);
  EXPECT_EQ(found.arm.gic.version, 3U);
  EXPECT_EQ(found.arm.gic.distributor, range(0x800'0000, 0x1'0000));
  ASSERT_EQ(found.arm.gic.redistributors.size(), 1U);
  EXPECT_EQ(found.arm.gic.redistributors[0], range(0x80a'0000, 0xf6'0000));
  EXPECT_EQ(found.arm.gic.redistributor_stride, 0U);
  EXPECT_EQ(found.arm.gic.maintenance_irq, 25U);
}

TEST_F(Discovery, finds_all_of_qemus_loongarch_board) {
  const Found found = discover({loongarch_virt});
  EXPECT_EQ(found.model(), "linux,dummy-loongson3");
  ASSERT_EQ(found.memory.size(), 2U);
  EXPECT_EQ(found.memory[0], range(0x8000'0000, 0x3000'0000));
  EXPECT_EQ(found.memory[1], range(0, 0x1000'0000));
  ASSERT_EQ(found.cpus.size(), 2U);
  EXPECT_EQ(found.cpus[0].hardware_id, 1U);
  ASSERT_TRUE(found.rtc.has_value());
  EXPECT_EQ(found.rtc->kind, hal::RtcKind::ls7a);
  EXPECT_EQ(found.rtc->registers, range(0x100d'0100, 0x100));
  ASSERT_TRUE(found.console.has_value());
  EXPECT_EQ(found.console->kind, UartKind::ns16550);
  EXPECT_EQ(found.console->registers, range(0x1fe0'01e0, 0x100));
  EXPECT_EQ(found.console->irq, 2U);
  ASSERT_TRUE(found.loongarch.eiointc.has_value());
  EXPECT_EQ(found.loongarch.eiointc->cpu_line, 3U);
  ASSERT_TRUE(found.loongarch.pch_pic.has_value());
  EXPECT_EQ(found.loongarch.pch_pic->registers, range(0x1000'0000, 0x400));
  EXPECT_EQ(found.loongarch.pch_pic->base_vector, 0U);
  ASSERT_TRUE(found.loongarch.power_off.has_value());
  EXPECT_EQ(found.loongarch.power_off->place, HostPhys(0x100e'001c));
  EXPECT_EQ(found.loongarch.power_off->width, 1U);
  EXPECT_EQ(found.loongarch.power_off->value, 0x34U);
  EXPECT_EQ(found.loongarch.power_off->mask, ~0U);
  ASSERT_TRUE(found.loongarch.reset.has_value());
  EXPECT_EQ(found.loongarch.reset->place, HostPhys(0x100e'001e));
  EXPECT_EQ(found.loongarch.reset->value, 0x42U);
}

TEST_F(Discovery, numbers_an_input_of_the_pch_pic_as_the_vector_it_raises) {
  std::string board(loongarch_virt);
  board.replace(board.find("pic-base-vec = <0>"), 18, "pic-base-vec = <64>");
  const Found found = discover({board});
  EXPECT_EQ(found.loongarch.pch_pic->base_vector, 64U);
  EXPECT_EQ(found.console->irq, 66U);
  board.replace(board.find("interrupts = <2 4>"), 18, "interrupts = <64 4>");  // it has 64
  EXPECT_EQ(discover({board}).console->irq, 0U);
  board.replace(board.find("pch-pic-1.0"), 11, "liointc-2.0");  // two cells as well, but other numbers
  const Found other = discover({board});
  EXPECT_EQ(other.console->irq, 0U);
  EXPECT_FALSE(other.loongarch.pch_pic.has_value());
}

TEST_F(Discovery, believes_no_line_of_the_eiointc_that_is_no_hardware_interrupt) {
  for (const std::string_view line : {"1", "10", "0xffffffff"}) {
    std::string board(loongarch_virt);
    board.replace(board.find("interrupts = <3>"), 16, "interrupts = <" + std::string(line) + ">");
    EXPECT_FALSE(discover({board}).loongarch.eiointc.has_value()) << line;
  }
}

TEST_F(Discovery, takes_a_switch_of_the_machine_only_where_its_register_is) {
  const auto reset = [](std::string_view properties, std::string_view device = "reg = <0 0x1000 0 8>;") {
    return discover({"r { compatible = \"syscon-reboot\"; regmap = <&d>; " + std::string(properties) +
                     " }; d: d@1000 { compatible = \"syscon\"; " + std::string(device) + " };"})
        .loongarch.reset;
  };
  ASSERT_TRUE(reset("offset = <4>; value = <1>; mask = <3>;").has_value());
  EXPECT_EQ(reset("offset = <4>; value = <1>; mask = <3>;")->width, 4U);
  EXPECT_EQ(reset("offset = <4>; value = <1>; mask = <3>;")->mask, 3U);
  EXPECT_EQ(reset("offset = <4>; mask = <3>;")->value, 3U);
  EXPECT_EQ(reset("offset = <4>; mask = <3>;")->mask, ~0U);
  EXPECT_FALSE(reset("offset = <5>; value = <1>;").has_value());
  EXPECT_FALSE(reset("offset = <0xffffffff>; value = <1>;").has_value());
  EXPECT_FALSE(reset("value = <1>;").has_value());
  EXPECT_FALSE(reset("offset = <0>;").has_value());
  EXPECT_FALSE(reset("offset = <0>; value = <1>; status = \"disabled\";").has_value());
  EXPECT_FALSE(reset("offset = <0>; value = <1>;", "reg-io-width = <2>; reg = <0 0x1000 0 8>;").has_value());
  EXPECT_FALSE(reset("offset = <0>; value = <1>;", "").has_value());
}

TEST_F(Discovery, counts_only_enabled_cpus_in_the_trees_order) {
  const Found found = discover({rest_of_virt, gicv3, memory});
  ASSERT_EQ(found.cpus.size(), 3U);
  EXPECT_EQ(found.cpus[0].hardware_id, 0U);
  EXPECT_EQ(found.cpus[1].hardware_id, 1U);
  EXPECT_EQ(found.cpus[2].hardware_id, 0x101U);
}

std::vector<uint64_t> hardware_ids(const Platform& platform) {
  std::vector<uint64_t> ids;
  for (const hal::CpuInfo& cpu : platform.cpus) ids.push_back(cpu.hardware_id);
  return ids;
}

TEST_F(Discovery, numbers_the_boot_cpu_first_wherever_the_tree_has_it) {
  Platform found = discover({rest_of_virt, gicv3, memory});
  hal::number_boot_cpu_first(found, 0x101);
  EXPECT_EQ(hardware_ids(found), (std::vector<uint64_t>{0x101, 0, 1}));
  hal::number_boot_cpu_first(found, 0x101);
  EXPECT_EQ(hardware_ids(found), (std::vector<uint64_t>{0x101, 0, 1}));
}

TEST_F(Discovery, has_the_boot_cpu_though_the_tree_calls_it_disabled) {
  Platform found = discover({rest_of_virt, gicv3, memory});
  hal::number_boot_cpu_first(found, 0x100);
  EXPECT_EQ(hardware_ids(found), (std::vector<uint64_t>{0x100, 0, 1, 0x101}));
}

TEST_F(Discovery, has_the_boot_cpu_though_the_list_is_full) {
  Platform found;
  for (uint64_t i = 0; i < hal::max_cpus; ++i) ASSERT_TRUE(found.cpus.push_back({.hardware_id = i}));
  hal::number_boot_cpu_first(found, 0x1000);
  ASSERT_EQ(found.cpus.size(), hal::max_cpus);
  EXPECT_EQ(found.cpus[0].hardware_id, 0x1000U);
  EXPECT_EQ(found.cpus[1].hardware_id, 0U);
  EXPECT_EQ(found.cpus[hal::max_cpus - 1].hardware_id, hal::max_cpus - 2);
}

TEST_F(Discovery, finds_the_four_frames_of_gicv2) {
  for (const std::string_view compatible : {"arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a7-gic"}) {
    std::string controller(gicv2);
    controller.replace(controller.find("arm,cortex-a15-gic"), 18, compatible);
    const Found found = discover({rest_of_virt, controller, memory});
    EXPECT_EQ(found.arm.gic.version, 2U) << compatible;
    EXPECT_EQ(found.arm.gic.distributor, range(0x800'0000, 0x1'0000));
    EXPECT_EQ(found.arm.gic.cpu_interface, range(0x801'0000, 0x1'0000));
    EXPECT_EQ(found.arm.gic.hypervisor_interface, range(0x803'0000, 0x1'0000));
    EXPECT_EQ(found.arm.gic.virtual_cpu_interface, range(0x804'0000, 0x1'0000));
    EXPECT_EQ(found.arm.gic.maintenance_irq, 25U);
  }
}

TEST_F(Discovery, leaves_frames_empty_that_a_gicv2_without_virtualization_lacks) {
  const Found found = discover({R"(intc: intc@8000000 { compatible = "arm,gic-400"; #interrupt-cells = <3>;
    interrupt-controller; reg = <0 0x8000000 0 0x1000>, <0 0x8010000 0 0x1000>; };)"});
  EXPECT_EQ(found.arm.gic.version, 2U);
  EXPECT_TRUE(found.arm.gic.hypervisor_interface.empty());
  EXPECT_TRUE(found.arm.gic.virtual_cpu_interface.empty());
  EXPECT_EQ(fault_of(found.arm.gic), hal::GicFault::no_virtualization);
}

TEST_F(Discovery, finds_each_region_of_redistributors_and_their_stride) {
  const Found found = discover({R"(intc: intc@8000000 { compatible = "arm,gic-v3"; #interrupt-cells = <3>;
    interrupt-controller; #redistributor-regions = <2>; redistributor-stride = <0 0x40000>;
    reg = <0 0x8000000 0 0x10000>, <0 0x10000000 0 0x100000>, <0 0x20000000 0 0x80000>, <0 0x30000000 0 0x10000>; };)"});
  ASSERT_EQ(found.arm.gic.redistributors.size(), 2U);  // the last frame is GICC
  EXPECT_EQ(found.arm.gic.redistributors[0], range(0x1000'0000, 0x10'0000));
  EXPECT_EQ(found.arm.gic.redistributors[1], range(0x2000'0000, 0x8'0000));
  EXPECT_EQ(found.arm.gic.redistributor_stride, 0x4'0000U);
}

TEST_F(Discovery, believes_no_count_of_redistributors_that_the_tree_does_not_fill) {
  const Found found = discover({R"(intc: intc@8000000 { compatible = "arm,gic-v3"; #interrupt-cells = <3>;
    interrupt-controller; #redistributor-regions = <0xffffffff>;
    reg = <0 0x8000000 0 0x10000>, <0 0x10000000 0 0x100000>; };)"});
  EXPECT_EQ(found.arm.gic.redistributors.size(), 1U);
}

TEST_F(Discovery, collects_memory_from_many_nodes_with_many_ranges) {
  const Found found = discover({
      R"(memory@80000000 { device_type = "memory"; reg = <0 0x80000000 0 0x40000000>, <8 0 1 0>; };)",
      memory,
      R"(memory@90000000 { device_type = "memory"; reg = <0 0x90000000 0 0>; };)",
      R"(memory@a0000000 { device_type = "memory"; status = "disabled"; reg = <0 0xa0000000 0 0x1000>; };)",
  });
  ASSERT_EQ(found.memory.size(), 3U);
  EXPECT_EQ(found.memory[0], range(0x8000'0000, 0x4000'0000));
  EXPECT_EQ(found.memory[1], range(0x8'0000'0000, 0x1'0000'0000));
  EXPECT_EQ(found.memory[2], range(0x4000'0000, 0x1000'0000));
}

TEST_F(Discovery, collects_reservations_of_all_three_kinds) {
  const Found found = discover({memory, R"(reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;
      firmware@41000000 { no-map; reg = <0 0x41000000 0 0x200000>, <0 0x42000000 0 0x1000>; };
      pool { size = <0 0x100000>; };
      off@43000000 { status = "disabled"; reg = <0 0x43000000 0 0x1000>; };
    };)"},
                                  "/memreserve/ 0x40000000 0x80000;");
  ASSERT_EQ(found.reserved.size(), 4U);
  EXPECT_EQ(found.reserved[0], fdt_place);
  EXPECT_EQ(found.reserved[1], range(0x4000'0000, 0x8'0000));
  EXPECT_EQ(found.reserved[2], range(0x4100'0000, 0x20'0000));
  EXPECT_EQ(found.reserved[3], range(0x4200'0000, 0x1000));
  // What is `no-map` is no memory to anybody.
  ASSERT_EQ(found.memory.size(), 3U);
  EXPECT_EQ(found.memory[0], range(0x4000'0000, 0x100'0000));
  EXPECT_EQ(found.memory[1], range(0x4120'0000, 0xe0'0000));
  EXPECT_EQ(found.memory[2], range(0x4200'1000, 0xdff'f000));
}

TEST_F(Discovery, finds_a_uart_of_the_package_and_its_controller) {
  constexpr std::string_view package = R"(
    serial@1fe001e0 { compatible = "ns16550a"; reg = <0 0x1fe001e0 0 0x10>; interrupts = <10 4>;
      interrupt-parent = <&liointc>; };
    liointc: interrupt-controller@1fe01400 { compatible = "loongson,liointc-1.0"; reg = <0 0x1fe01400 0 0x64>;
      interrupt-controller; #interrupt-cells = <2>; interrupt-parent = <&cpuic>; interrupts = <2>;
      interrupt-names = "int0"; loongson,parent_int_map = <0xffffffff 0 0 0>; };
    cpuic: cpuic { compatible = "loongson,cpu-interrupt-controller"; interrupt-controller; #interrupt-cells = <1>; };
    chosen { stdout-path = "/serial@1fe001e0"; };)";
  const Found found = discover({package, memory});
  ASSERT_TRUE(found.console.has_value());
  EXPECT_EQ(found.console->irq, 256U + 10);
  ASSERT_TRUE(found.loongarch.liointc.has_value());
  EXPECT_EQ(found.loongarch.liointc->registers, range(0x1fe0'1400, 0x64));
  EXPECT_EQ(found.loongarch.liointc->cpu_line, 2U);
}

TEST_F(Discovery, takes_memory_as_firmware_counted_it_but_for_what_must_not_be_mapped) {
  const dtc::Blob blob = dtc::compile("/dts-v1/; / { " + std::string(root) + std::string(memory) + R"(
    reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;
      secret@61000000 { no-map; reg = <0 0x61000000 0 0x1000>; };
    };
  };)");
  const auto fdt = hal::Fdt::open(blob);
  ASSERT_TRUE(fdt.ok());
  const std::vector<HostPhysRange> counted{range(0x6000'0000, 0x200'0000), range(0x8000'0000, 0x1000)};
  const Platform found = hal::discover_platform(*fdt, fdt_place, counted);
  ASSERT_EQ(found.memory.size(), 3U);
  EXPECT_EQ(found.memory[0], range(0x6000'0000, 0x100'0000));
  EXPECT_EQ(found.memory[1], range(0x6100'1000, 0xff'f000));
  EXPECT_EQ(found.memory[2], range(0x8000'0000, 0x1000));
}

TEST_F(Discovery, maps_reservations_that_are_not_called_no_map_and_no_page_of_those_that_are) {
  const Found found = discover({memory, R"(reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;
      buffer@41000000 { reg = <0 0x41000000 0 0x200000>; };
      part@42000800 { no-map; reg = <0 0x42000800 0 0x1000>; };
      beyond@4ff00000 { no-map; reg = <0 0x4ff00000 0 0x200000>; };
    };)"});
  ASSERT_EQ(found.memory.size(), 2U);
  EXPECT_EQ(found.memory[0], range(0x4000'0000, 0x200'0000));
  EXPECT_EQ(found.memory[1], range(0x4200'2000, 0xdef'e000));
}

TEST_F(Discovery, owns_no_memory_when_it_cannot_keep_every_reservation) {
  std::string reservations;
  for (unsigned i = 0; i < 128; ++i) {
    reservations += "/memreserve/ " + std::to_string(0x4000'0000 + i * 0x2000) + " 0x1000;\n";
  }
  EXPECT_TRUE(discover({memory}, reservations).memory.empty());
}

TEST_F(Discovery, keeps_the_first_entries_of_lists_that_are_too_long) {
  std::string cpus = "cpus { #address-cells = <1>; #size-cells = <0>;";
  for (unsigned i = 0; i < hal::max_cpus + 3; ++i) {
    cpus += "cpu@" + std::to_string(i) + " { device_type = \"cpu\"; reg = <" + std::to_string(i) + ">; };";
  }
  std::string ranges = "memory@0 { device_type = \"memory\"; reg = <0 0 0 0x1000>";
  for (unsigned i = 1; i < 140; ++i) ranges += ", <" + std::to_string(i) + " 0 0 0x1000>";
  const Found found = discover({cpus + "};", ranges + "; };"});
  EXPECT_EQ(found.cpus.size(), hal::max_cpus);
  EXPECT_EQ(found.cpus_left_out, 3U);
  EXPECT_EQ(found.memory.size(), 128U);
}

TEST_F(Discovery, translates_registers_through_the_buses_above_them) {
  const Found found = discover({R"(chosen { stdout-path = "serial0:115200n8"; };
    aliases { serial0 = "/soc/serial@9000"; };
    soc { compatible = "simple-bus"; #address-cells = <1>; #size-cells = <1>; ranges = <0 0 0xfe000000 0x100000>;
      serial@9000 { compatible = "ns16550a"; reg = <0x9000 0x100>; reg-shift = <2>; }; };)"});
  ASSERT_TRUE(found.console.has_value());
  EXPECT_EQ(found.console->kind, UartKind::ns16550);
  EXPECT_EQ(found.console->registers, range(0xfe00'9000, 0x100));
  EXPECT_EQ(found.console->register_shift, 2U);
  EXPECT_EQ(found.console->irq, 0U);
}

TEST_F(Discovery, takes_some_pl011_when_nobody_chose_a_console) {
  const Found found = discover({R"(uart@9000000 { compatible = "arm,pl011"; reg = <0 0x9000000 0 0x1000>; };)"});
  ASSERT_TRUE(found.console.has_value());
  EXPECT_EQ(found.console->registers, range(0x900'0000, 0x1000));
}

TEST_F(Discovery, has_no_console_where_it_knows_no_driver) {
  EXPECT_FALSE(discover({R"(chosen { stdout-path = "/uart@1"; };
    uart@1 { compatible = "acme,uart"; reg = <0 1 0 1>; };)"})
                   .console.has_value());
}

TEST_F(Discovery, knows_an_overflow_interrupt_that_each_cpu_has_for_itself) {
  const auto irq = [](std::string_view nodes) {
    return discover({R"(interrupt-parent = <&intc>;)", gicv3, nodes}).arm.pmu_irq;
  };
  EXPECT_EQ(irq(R"(pmu-a53 { compatible = "arm,cortex-a53-pmu"; interrupts = <1 6 8>; };)"), 22U);
  EXPECT_EQ(irq(R"(arm-pmu { compatible = "acme,core-pmu", "arm,armv8-pmuv3"; interrupts = <1 7 4>; };)"), 23U);
  // One for each CPU, shared; that of a cluster beside those of its cores; one that is switched off.
  EXPECT_EQ(irq(R"(pmu { compatible = "arm,cortex-a72-pmu"; interrupts = <0 16 4>, <0 17 4>; };)"), 0U);
  EXPECT_EQ(irq(R"(dsu-pmu { compatible = "arm,dsu-pmu"; interrupts = <0 9 4>; };
    pmu { compatible = "arm,cortex-a55-pmu"; interrupts = <1 7 4>; };)"), 23U);
  EXPECT_EQ(irq(R"(pmu { compatible = "arm,armv8-pmuv3"; interrupts = <1 7 4>; status = "disabled"; };)"), 0U);
  EXPECT_EQ(irq(""), 0U);
}

TEST_F(Discovery, ignores_interrupts_that_no_gic_has) {
  const Found found = discover({R"(interrupt-parent = <&intc>;)", gicv3,
                                   R"(timer { compatible = "arm,armv8-timer";
      interrupts = <1 13 4>, <1 14 4>, <1 16 4>, <2 10 4>; };
    uart@9000000 { compatible = "arm,pl011"; reg = <0 0x9000000 0 0x1000>; interrupts = <0 988 4>; };)"});
  EXPECT_EQ(found.arm.timer.virtual_irq, 0U);
  EXPECT_EQ(found.arm.timer.hypervisor_irq, 0U);
  ASSERT_TRUE(found.console.has_value());
  EXPECT_EQ(found.console->irq, 0U);
}

TEST_F(Discovery, knows_the_conduits_of_psci_and_no_others) {
  const auto conduit = [](std::string_view properties) {
    return discover({"psci { " + std::string(properties) + " };"}).arm.psci.conduit;
  };
  EXPECT_EQ(conduit(R"(compatible = "arm,psci-0.2"; method = "hvc";)"), FirmwareConduit::hvc);
  EXPECT_EQ(conduit(R"(compatible = "arm,psci-1.0"; method = "smc";)"), FirmwareConduit::smc);
  EXPECT_EQ(conduit(R"(compatible = "arm,psci-1.0"; method = "magic";)"), FirmwareConduit::none);
  EXPECT_EQ(conduit(R"(compatible = "arm,psci-1.0";)"), FirmwareConduit::none);
  EXPECT_EQ(conduit(R"(compatible = "arm,psci"; method = "smc";)"), FirmwareConduit::none);
}

TEST_F(Discovery, takes_all_of_the_firmwares_seeds_that_fits) {
  EXPECT_EQ(discover({"chosen { kaslr-seed = <0x11 0x22>; };"}).random_seed.size(), 8U);
  EXPECT_TRUE(discover({"chosen { };"}).random_seed.empty());
  std::string seed;
  for (int i = 1; i <= 100; ++i) seed += " " + std::to_string(i);
  const auto found = discover({"chosen { rng-seed = <" + seed + ">; };"});
  ASSERT_EQ(found.random_seed.size(), found.random_seed.capacity);
  EXPECT_EQ(found.random_seed[63], std::byte{16});
}

TEST_F(Discovery, leaves_everything_at_its_default_where_the_tree_is_empty) {
  const Found found = discover({});
  EXPECT_EQ(found.model(), "unknown machine");
  EXPECT_TRUE(found.memory.empty());
  EXPECT_TRUE(found.cpus.empty());
  EXPECT_FALSE(found.initrd.has_value());
  EXPECT_FALSE(found.console.has_value());
  EXPECT_FALSE(found.rtc.has_value());
  EXPECT_EQ(found.arm.gic.version, 0U);
  EXPECT_EQ(found.arm.timer.hypervisor_irq, 0U);
  EXPECT_EQ(found.arm.psci.conduit, FirmwareConduit::none);
  EXPECT_FALSE(found.loongarch.eiointc.has_value());
  EXPECT_FALSE(found.loongarch.pch_pic.has_value());
  EXPECT_FALSE(found.loongarch.power_off.has_value());
}

TEST_F(Discovery, cuts_a_model_name_that_is_too_long) {
  const Found found = discover({"model = \"" + std::string(200, 'x') + "\";"});
  EXPECT_EQ(found.model(), std::string(63, 'x'));
}

}  // namespace

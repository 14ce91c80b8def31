// SPDX-License-Identifier: Apache-2.0
// What boards' device trees have that nobody would think of, each as a tree of its own, and the one right answer.
#include <gtest/gtest.h>

#include <string>

#include "hal/platform/arm.hpp"
#include "hal/platform/platform.hpp"
#include "hal/platform/uart.hpp"
#include "tests/unit/base/dtc.hpp"

namespace {

using hal::GicFault;
using hal::HostPhys;
using hal::HostPhysRange;
using hal::StartMethod;
using hal::UartKind;

constexpr HostPhysRange range(uint64_t start, uint64_t size) { return {HostPhys(start), size}; }

struct Found : hal::Platform {
  hal::ArmPlatform arm;
};

class Oddity : public testing::Test {
 protected:
  void SetUp() override {
    if (!dtc::is_installed()) GTEST_SKIP() << "dtc is not installed";
  }
  // A board with two cells for addresses and sizes, and a GICv3 called `gic` that all interrupts go to.
  static Found discover(std::string_view nodes) {
    return without_gic(R"(interrupt-parent = <&gic>;
      gic: interrupt-controller@8000000 { compatible = "arm,gic-v3"; interrupt-controller; #interrupt-cells = <3>;
        interrupts = <1 9 4>; reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>; };)" +
                       std::string(nodes));
  }
  static Found without_gic(std::string_view nodes) {
    const std::string source = "/dts-v1/;\n/ { #address-cells = <2>; #size-cells = <2>; " + std::string(nodes) + " };";
    const dtc::Blob blob = dtc::compile(source);
    const auto fdt = hal::Fdt::open(blob);
    EXPECT_TRUE(fdt.ok()) << source;
    if (!fdt.ok()) return {};
    return {hal::discover_platform(*fdt, {}), hal::discover_arm(*fdt)};
  }
  static hal::GicInfo gicv2(std::string_view compatible, std::string_view registers, std::string_view more = "") {
    return without_gic("interrupt-parent = <&gic>; gic: gic@1 { compatible = \"" + std::string(compatible) +
                       "\"; interrupt-controller; #interrupt-cells = <3>; reg = " + std::string(registers) + "; " +
                       std::string(more) + " };")
        .arm.gic;
  }
};

// ------------------------------------------------------------------------------------------------ interrupt controller

TEST_F(Oddity, a_disabled_gic_before_the_real_one_does_not_hide_it) {
  const Found found = without_gic(R"(
    gic@1000 { compatible = "arm,gic-400"; interrupt-controller; #interrupt-cells = <3>; status = "disabled";
      reg = <0 0x1000 0 0x1000>; };
    gic@8000000 { compatible = "arm,gic-v3"; interrupt-controller; #interrupt-cells = <3>;
      reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>; };)");
  EXPECT_EQ(found.arm.gic.version, 3U);
  EXPECT_EQ(fault_of(found.arm.gic), GicFault::none);
}

TEST_F(Oddity, a_board_without_a_gic_is_told_as_such) {
  EXPECT_EQ(fault_of(without_gic("").arm.gic), GicFault::not_described);
  EXPECT_EQ(fault_of(gicv2("apple,aic", "<0 0x1000 0 0x1000>")), GicFault::not_described);
}

TEST_F(Oddity, gicc_described_by_its_first_page_has_the_second_where_nothing_else_is) {
  // GIC-400 as its manual lays it out.
  const hal::GicInfo gic =
      gicv2("arm,gic-400", "<0 0x1000 0 0x1000>, <0 0x2000 0 0x1000>, <0 0x4000 0 0x2000>, <0 0x6000 0 0x2000>");
  EXPECT_EQ(gic.cpu_interface, range(0x2000, 0x2000));
  EXPECT_EQ(fault_of(gic), GicFault::none);
  // Perhaps spread over pages of 64 KiB, perhaps not.
  EXPECT_EQ(fault_of(gicv2("arm,cortex-a15-gic",
                           "<0 0x10000 0 0x1000>, <0 0x20000 0 0x1000>, <0 0x40000 0 0x2000>, <0 0x60000 0 0x2000>")),
            GicFault::no_deactivation);
  // There is no room.
  EXPECT_EQ(fault_of(gicv2("arm,gic-400",
                           "<0 0x1000 0 0x1000>, <0 0x2000 0 0x1000>, <0 0x3000 0 0x1000>, <0 0x6000 0 0x2000>")),
            GicFault::no_deactivation);
}

TEST_F(Oddity, gicc_of_every_size_that_is_large_enough_stays_as_it_is) {
  for (const std::string_view size : {"0x2000", "0x10000", "0x20000"}) {
    const hal::GicInfo gic = gicv2("arm,gic-400", "<0 0x10000 0 0x1000>, <0 0x20000 0 " + std::string(size) +
                                                      ">, <0 0x40000 0 0x20000>, <0 0x60000 0 0x20000>");
    EXPECT_EQ(gic.cpu_interface.size, std::stoul(std::string(size), nullptr, 16));
    EXPECT_EQ(fault_of(gic), GicFault::none);
  }
}

TEST_F(Oddity, a_gicv2_without_gich_runs_no_vm) {
  EXPECT_EQ(fault_of(gicv2("qcom,msm-qgic2", "<0 0xb000000 0 0x1000>, <0 0xb002000 0 0x1000>")),
            GicFault::no_virtualization);
}

TEST_F(Oddity, a_maintenance_interrupt_that_nobody_mentions_is_that_of_arms_base_system) {
  const hal::GicInfo silent = gicv2("arm,gic-400", "<0 0x1000 0 0x1000>");
  EXPECT_EQ(silent.maintenance_irq, 25U);
  EXPECT_TRUE(silent.maintenance_is_assumed);
  const hal::GicInfo unusual = gicv2("arm,gic-400", "<0 0x1000 0 0x1000>", "interrupts = <1 0 4>;");
  EXPECT_EQ(unusual.maintenance_irq, 16U);
  EXPECT_FALSE(unusual.maintenance_is_assumed);
  // A shared one cannot be it.
  EXPECT_TRUE(gicv2("arm,gic-400", "<0 0x1000 0 0x1000>", "interrupts = <0 9 4>;").maintenance_is_assumed);
}

TEST_F(Oddity, redistributors_in_as_many_regions_as_servers_have) {
  std::string regions = "<0 0x8000000 0 0x10000>";
  for (unsigned i = 0; i < 32; ++i) regions += ", <" + std::to_string(i + 1) + " 0 0 0x100000>";
  const hal::GicInfo gic = gicv2("arm,gic-v3", regions, "#redistributor-regions = <32>;");
  EXPECT_EQ(gic.redistributors.size(), 32U);
  EXPECT_EQ(gic.redistributors[31], range(uint64_t{32} << 32, 0x10'0000));
}

TEST_F(Oddity, a_stride_no_redistributor_can_have_is_refused) {
  const auto with_stride = [](std::string_view stride) {
    return fault_of(gicv2("arm,gic-v3", "<0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>",
                          "redistributor-stride = <" + std::string(stride) + ">;"));
  };
  for (const std::string_view stride : {"0 0x20000", "0 0x30000", "0 0x40000", "0x40000"})
    EXPECT_EQ(with_stride(stride), GicFault::none);
  for (const std::string_view stride : {"0 1", "0 0x10000", "0 0x28000"})
    EXPECT_EQ(with_stride(stride), GicFault::bad_stride);
}

TEST_F(Oddity, firmware_of_one_board_keeps_the_redistributors_awake_itself) {
  EXPECT_TRUE(
      gicv2("qcom,msm8996-gic-v3\", \"arm,gic-v3", "<0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>").firmware_wakes);
  EXPECT_FALSE(gicv2("arm,gic-v3", "<0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>").firmware_wakes);
}

TEST_F(Oddity, interrupts_of_another_controller_are_none_of_the_gics) {
  const Found found = discover(R"(chosen { stdout-path = "/serial@1000"; };
    wake: wake@1 { compatible = "acme,wakeup-controller"; interrupt-controller; #interrupt-cells = <3>; reg = <0 1 0 1>; };
    serial@1000 { compatible = "arm,pl011"; reg = <0 0x1000 0 0x1000>; interrupt-parent = <&wake>; interrupts = <0 5 4>; };)");
  ASSERT_TRUE(found.console.has_value());
  EXPECT_EQ(found.console->irq, 0U);
}

// --------------------------------------------------------------------------------------------------------------- timer

TEST_F(Oddity, timers_name_their_interrupts_in_any_order) {
  const hal::ArmTimerInfo timer = discover(R"(timer { compatible = "arm,armv8-timer";
    interrupt-names = "phys", "virt", "hyp-phys", "hyp-virt";
    interrupts = <1 14 4>, <1 11 4>, <1 10 4>, <1 12 4>; };)")
                                      .arm.timer;
  EXPECT_EQ(timer.virtual_irq, 27U);
  EXPECT_EQ(timer.hypervisor_irq, 26U);
}

TEST_F(Oddity, of_two_timers_it_is_the_one_that_is_enabled_and_complete) {
  const hal::ArmTimerInfo timer = discover(R"(
    t1 { compatible = "arm,armv8-timer"; status = "disabled"; interrupts = <1 1 4>, <1 2 4>, <1 3 4>, <1 4 4>; };
    t2 { compatible = "arm,armv8-timer"; interrupts = <1 1 4>, <1 2 4>; };
    t3 { compatible = "arm,armv8-timer"; interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; };)")
                                      .arm.timer;
  EXPECT_EQ(timer.virtual_irq, 27U);
  EXPECT_EQ(timer.hypervisor_irq, 26U);
}

TEST_F(Oddity, a_timer_whose_firmware_does_not_set_its_frequency_has_it_in_the_tree) {
  EXPECT_EQ(discover(R"(timer { compatible = "arm,armv8-timer"; clock-frequency = <24000000>;
    interrupts = <1 13 4>, <1 14 4>, <1 11 4>, <1 10 4>; };)")
                .arm.timer.frequency,
            24'000'000U);
}

TEST_F(Oddity, timers_use_any_private_interrupts_but_no_shared_ones) {
  const auto usable = [](std::string_view interrupts) {
    return is_usable(
        discover("timer { compatible = \"arm,armv8-timer\"; interrupts = " + std::string(interrupts) + "; };")
            .arm.timer);
  };
  EXPECT_TRUE(usable("<1 1 4>, <1 2 4>, <1 3 4>, <1 0 4>"));
  EXPECT_FALSE(usable("<1 13 4>, <1 14 4>, <0 11 4>, <1 10 4>"));
  EXPECT_FALSE(usable("<1 13 4>, <1 14 4>, <1 11 4>"));
}

// ---------------------------------------------------------------------------------------------------- CPUs and
// firmware

TEST_F(Oddity, cpus_that_poll_a_spin_table_have_a_release_address_each) {
  const Found found = discover(R"(cpus { #address-cells = <2>; #size-cells = <0>;
    cpu@0 { device_type = "cpu"; reg = <0 0>; enable-method = "spin-table"; cpu-release-addr = <0 0xd8>; };
    cpu@1 { device_type = "cpu"; reg = <0 1>; enable-method = "spin-table"; cpu-release-addr = <0xe0>; };
    cpu@2 { device_type = "cpu"; reg = <0 2>; enable-method = "spin-table"; };
    cpu@3 { device_type = "cpu"; reg = <0 3>; enable-method = "spin-table"; cpu-release-addr = <0 0xe1>; };
    cpu@4 { device_type = "cpu"; reg = <0 4>; enable-method = "acme,mailbox"; };
    cpu@5 { device_type = "cpu"; reg = <0 5>; enable-method = "psci"; };
    cpu@6 { device_type = "cpu"; reg = <0 6>; };
  };)");
  ASSERT_EQ(found.cpus.size(), 7U);
  EXPECT_EQ(found.cpus[0].start, StartMethod::spin_table);
  EXPECT_EQ(found.cpus[0].release, HostPhys(0xd8));
  EXPECT_EQ(found.cpus[1].release, HostPhys(0xe0));
  for (const size_t cpu : {2U, 3U, 4U}) EXPECT_EQ(found.cpus[cpu].start, StartMethod::unknown) << cpu;
  for (const size_t cpu : {5U, 6U}) EXPECT_EQ(found.cpus[cpu].start, StartMethod::firmware) << cpu;
}

TEST_F(Oddity, an_enable_method_may_be_that_of_all_cpus) {
  const Found found = discover(R"(cpus { #address-cells = <1>; #size-cells = <0>; enable-method = "acme,mailbox";
    cpu@0 { device_type = "cpu"; reg = <0>; }; };)");
  EXPECT_EQ(found.cpus[0].start, StartMethod::unknown);
}

TEST_F(Oddity, psci_0_1_has_the_numbers_of_its_calls_in_the_tree) {
  const hal::FirmwareInfo psci = discover(R"(psci { compatible = "arm,psci"; method = "smc";
    cpu_on = <0x95c10002>; cpu_off = <0x95c10001>; cpu_suspend = <0x95c10000>; };)")
                                     .arm.psci;
  EXPECT_TRUE(psci.answers_at_el2());
  EXPECT_FALSE(psci.has_fixed_calls);
  EXPECT_EQ(psci.cpu_on, 0x95c1'0002U);
  EXPECT_EQ(psci.cpu_off, 0x95c1'0001U);
  EXPECT_FALSE(discover(R"(psci { compatible = "arm,psci"; method = "smc"; };)").arm.psci.answers_at_el2());
}

TEST_F(Oddity, psci_by_hvc_does_not_reach_firmware_from_el2) {
  const hal::FirmwareInfo psci = discover(R"(psci { compatible = "arm,psci-1.0"; method = "hvc"; };)").arm.psci;
  EXPECT_EQ(psci.conduit, hal::FirmwareConduit::hvc);
  EXPECT_FALSE(psci.answers_at_el2());
}

TEST_F(Oddity, a_disabled_psci_node_is_none) {
  const Found found = discover(R"(psci { compatible = "arm,psci-1.0"; method = "smc"; status = "disabled"; };)");
  EXPECT_EQ(found.arm.psci.conduit, hal::FirmwareConduit::none);
}

// ------------------------------------------------------------------------------------------------------------- console

constexpr std::string_view two_uarts = R"(
  s0: serial@1000 { compatible = "snps,dw-apb-uart"; reg = <0 0x1000 0 0x100>; reg-shift = <2>; reg-io-width = <4>; };
  s1: serial@2000 { compatible = "arm,pl011"; reg = <0 0x2000 0 0x1000>; };)";

hal::UartInfo console_of(const Found& found) { return found.console.value_or(hal::UartInfo{}); }

TEST_F(Oddity, registers_of_16550s_are_as_far_apart_and_as_wide_as_the_tree_or_the_binding_says) {
  const hal::UartInfo dw = console_of(discover(two_uarts));
  EXPECT_EQ(dw.kind, UartKind::dw_apb);
  EXPECT_EQ(dw.register_shift, 2U);
  EXPECT_EQ(dw.access_width, 4U);
  const auto implied = [](std::string_view compatible) {
    return console_of(
        discover("serial@1000 { compatible = \"" + std::string(compatible) + "\"; reg = <0 0x1000 0 0x100>; };"));
  };
  EXPECT_EQ(implied("mediatek,mt7622-uart\", \"mediatek,mt6577-uart").register_shift, 2U);
  EXPECT_EQ(implied("mediatek,mt6577-uart").access_width, 4U);
  EXPECT_EQ(implied("ti,am654-uart").register_shift, 2U);
  EXPECT_EQ(implied("brcm,bcm2835-aux-uart").kind, UartKind::bcm_mini);
  EXPECT_EQ(implied("ns16550a").register_shift, 0U);
}

TEST_F(Oddity, registers_may_begin_further_on_than_the_node_says) {
  const auto with_offset = [](std::string_view offset) {
    return discover("serial@1000 { compatible = \"ns16550a\"; reg = <0 0x1000 0 0x100>; reg-offset = <" +
                    std::string(offset) + ">; };")
        .console;
  };
  EXPECT_EQ(with_offset("0x10")->registers, range(0x1010, 0xf0));
  EXPECT_FALSE(with_offset("0x100").has_value());
}

TEST_F(Oddity, stdout_path_goes_before_everything_else) {
  const std::string more = std::string(two_uarts) + "aliases { serial0 = &s0; serial1 = &s1; };";
  EXPECT_EQ(
      console_of(discover(more + "chosen { stdout-path = \"serial1:115200n8\"; bootargs = \"console=ttyS0\"; };")).kind,
      UartKind::pl011);
  EXPECT_EQ(console_of(discover(more + "chosen { linux,stdout-path = \"/serial@2000\"; };")).kind, UartKind::pl011);
}

TEST_F(Oddity, a_stdout_path_that_leads_nowhere_or_to_a_screen_is_no_answer) {
  const std::string more = std::string(two_uarts) + R"(aliases { serial0 = &s1; };
    framebuffer { compatible = "simple-framebuffer"; reg = <0 0x9000 0 0x1000>; };)";
  for (const std::string_view path : {"serial7:115200n8", "/framebuffer", "framebuffer0"}) {
    EXPECT_EQ(console_of(discover(more + "chosen { stdout-path = \"" + std::string(path) + "\"; };")).kind,
              UartKind::pl011)
        << path;
  }
}

TEST_F(Oddity, bootargs_name_the_console_by_address_or_by_number) {
  const std::string more = std::string(two_uarts) + "aliases { serial0 = &s0; serial1 = &s1; };";
  const auto with_arguments = [&](std::string_view arguments) {
    return console_of(discover(more + "chosen { bootargs = \"" + std::string(arguments) + "\"; };")).kind;
  };
  EXPECT_EQ(with_arguments("quiet earlycon=pl011,0x2000"), UartKind::pl011);
  EXPECT_EQ(with_arguments("earlycon=pl011,mmio32,0x2000,115200n8 quiet"), UartKind::pl011);
  EXPECT_EQ(with_arguments("earlycon console=ttyAMA1,115200n8"), UartKind::pl011);
  EXPECT_EQ(with_arguments("console=tty0 quiet"), UartKind::dw_apb);
  EXPECT_EQ(with_arguments("earlycon=efifb console=ttyS9"), UartKind::dw_apb);
  EXPECT_EQ(with_arguments("myconsole=ttyAMA1"), UartKind::dw_apb);
}

TEST_F(Oddity, without_a_word_about_it_the_console_is_the_first_serial_port_that_is_enabled) {
  EXPECT_EQ(console_of(discover(std::string(two_uarts) + "aliases { serial3 = &s1; serial5 = &s0; };")).kind,
            UartKind::pl011);
  const Found found = discover(R"(aliases { serial0 = "/serial@1000"; };
    serial@1000 { compatible = "arm,pl011"; reg = <0 0x1000 0 0x1000>; status = "disabled"; };
    serial@2000 { compatible = "acme,uart"; reg = <0 0x2000 0 0x1000>; };
    serial@3000 { compatible = "cdns,uart-r1p12"; reg = <0 0x3000 0 0x1000>; };)");
  EXPECT_EQ(console_of(found).kind, UartKind::cadence);
}

TEST_F(Oddity, a_uart_with_an_interrupt_for_each_purpose_is_polled) {
  const std::string_view scif = R"(serial@1000 { compatible = "renesas,scif-r9a07g044"; reg = <0 0x1000 0 0x400>;
    interrupts = <0 380 4>, <0 382 4>, <0 383 4>; interrupt-names = "eri", "rxi", "txi"; };)";
  EXPECT_EQ(console_of(discover(scif)).irq, 0U);
  EXPECT_EQ(
      console_of(
          discover(R"(serial@1000 { compatible = "renesas,scif"; reg = <0 0x1000 0 64>; interrupts = <0 164 4>; };)"))
          .irq,
      196U);
}

TEST_F(Oddity, a_disabled_clock_before_the_real_one_does_not_hide_it) {
  const Found found =
      discover(R"(rtc@1000 { compatible = "arm,pl031"; reg = <0 0x1000 0 0x1000>; status = "disabled"; };
    rtc@2000 { compatible = "arm,pl031"; reg = <0 0x2000 0 0x1000>; };)");
  ASSERT_TRUE(found.rtc.has_value());
  EXPECT_EQ(found.rtc->registers, range(0x2000, 0x1000));
}

// -------------------------------------------------------------------------------------------------------------- memory

TEST_F(Oddity, seventy_reservations_leave_the_memory_between_them) {
  std::string source = R"(memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; };
    reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;)";
  for (unsigned i = 0; i < 70; ++i) {
    const std::string place = std::to_string(0x4000'0000 + i * 0x10'0000);
    source += "r" + std::to_string(i) + " { no-map; reg = <0 " + place + " 0 0x1000>; };";
  }
  const Found found = discover(source + "};");
  EXPECT_EQ(found.reserved.size(), 70U);
  EXPECT_EQ(found.memory.size(), 70U);
}

TEST_F(Oddity, memory_that_firmware_fills_in_is_not_there_yet) {
  EXPECT_TRUE(discover(R"(memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0>; };)").memory.empty());
  EXPECT_TRUE(discover(R"(memory { device_type = "memory"; };)").memory.empty());
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "hal/platform/acpi.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

namespace {

using hal::AcpiTables;
using hal::FirmwareConduit;
using hal::HostPhys;
using hal::HostPhysRange;
using hal::UartKind;

using Bytes = std::vector<std::byte>;

constexpr HostPhysRange range(uint64_t start, uint64_t size) { return {HostPhys(start), size}; }

template <class Number>
void put(Bytes& bytes, size_t offset, Number value) {
  if (bytes.size() < offset + sizeof(value)) bytes.resize(offset + sizeof(value));
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

// The checksum makes a table add up to 0.
void add_up(Bytes& table) {
  table[9] = std::byte{0};
  unsigned sum = 0;
  for (const std::byte byte : table) sum += std::to_integer<unsigned>(byte);
  table[9] = static_cast<std::byte>(256 - sum % 256);
}

// A table with its header.
Bytes table(std::string_view signature, Bytes content, std::string_view oem = "BOCHS BXPC    ") {
  Bytes bytes(36);
  std::memcpy(bytes.data(), signature.data(), 4);
  std::memcpy(bytes.data() + 10, oem.data(), 14);
  bytes.insert(bytes.end(), content.begin(), content.end());
  put(bytes, 4, static_cast<uint32_t>(bytes.size()));
  add_up(bytes);
  return bytes;
}

Bytes together(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes structure(uint8_t kind, uint8_t size) {
  Bytes bytes(size);
  put(bytes, 0, kind);
  put(bytes, 1, size);
  return bytes;
}

struct Cpu {
  uint64_t mpidr;
  uint32_t flags = 1;
  uint64_t redistributor = 0;
  uint32_t performance = 23;
};

// ACPI 6.5, tables 5.37, 5.39 and 5.41. GICv2 frames as QEMU's board has them.
Bytes gicc(const Cpu& cpu) {
  Bytes bytes = structure(0xb, 82);
  put(bytes, 12, cpu.flags);
  put(bytes, 20, cpu.performance);
  put(bytes, 32, uint64_t{0x0801'0000});
  put(bytes, 40, uint64_t{0x0804'0000});
  put(bytes, 48, uint64_t{0x0803'0000});
  put(bytes, 56, uint32_t{25});
  put(bytes, 60, cpu.redistributor);
  put(bytes, 68, cpu.mpidr);
  return bytes;
}
Bytes gicd(uint8_t version) {
  Bytes bytes = structure(0xc, 24);
  put(bytes, 8, uint64_t{0x0800'0000});
  put(bytes, 20, version);
  return bytes;
}
Bytes gicr(uint64_t base, uint32_t size) {
  Bytes bytes = structure(0xe, 16);
  put(bytes, 4, base);
  put(bytes, 12, size);
  return bytes;
}
Bytes madt(std::initializer_list<Bytes> structures) {
  return table("APIC", together({Bytes(8), together(structures)}));
}

Bytes spcr(uint8_t interface, uint8_t access = 3, uint8_t space = 0) {
  Bytes content(44);
  put(content, 0, interface);
  put(content, 4, space);
  put(content, 5, uint8_t{32});
  put(content, 7, access);
  put(content, 8, uint64_t{0x0900'0000});
  put(content, 16, uint8_t{8});
  put(content, 18, uint32_t{33});
  return table("SPCR", content);
}
Bytes gtdt() {
  Bytes content(68);
  put(content, 28, uint32_t{27});
  put(content, 36, uint32_t{26});
  return table("GTDT", content);
}
Bytes fadt(uint16_t arm_flags) {
  Bytes content(240);
  put(content, 129 - 36, arm_flags);
  return table("FACP", content);
}

constexpr HostPhysRange place = range(0x7000'0000, 0x1000);
constexpr HostPhysRange ram[] = {range(0x4000'0000, 0x4000'0000)};

hal::Platform platform_of(const Bytes& bytes) { return hal::discover_platform(AcpiTables(bytes), place, ram); }
hal::ArmPlatform arm_of(const Bytes& bytes) { return hal::discover_arm(AcpiTables(bytes)); }

TEST(Acpi, finds_all_of_a_machine_with_gicv3) {
  const Bytes bytes =
      together({fadt(1), madt({gicd(3), gicc({.mpidr = 0}), gicc({.mpidr = 0x100}), gicr(0x080a'0000, 0xf6'0000)}),
                gtdt(), spcr(3)});
  const hal::Platform found = platform_of(bytes);
  EXPECT_EQ(found.model(), "BOCHS/BXPC");
  ASSERT_EQ(found.memory.size(), 1U);
  EXPECT_EQ(found.memory[0], ram[0]);
  ASSERT_EQ(found.reserved.size(), 1U);
  EXPECT_EQ(found.reserved[0], place);
  ASSERT_EQ(found.cpus.size(), 2U);
  EXPECT_EQ(found.cpus[1].hardware_id, 0x100U);
  ASSERT_TRUE(found.console.has_value());
  EXPECT_EQ(found.console->kind, UartKind::pl011);
  EXPECT_EQ(found.console->registers.start, HostPhys(0x0900'0000));
  EXPECT_EQ(found.console->irq, 33U);
  const hal::ArmPlatform arm = arm_of(bytes);
  EXPECT_EQ(arm.gic.version, 3U);
  EXPECT_EQ(arm.gic.distributor, range(0x0800'0000, 0x1'0000));
  ASSERT_EQ(arm.gic.redistributors.size(), 1U);
  EXPECT_EQ(arm.gic.redistributors[0], range(0x080a'0000, 0xf6'0000));
  EXPECT_EQ(arm.gic.maintenance_irq, 25U);
  EXPECT_EQ(arm.timer.virtual_irq, 27U);
  EXPECT_EQ(arm.timer.hypervisor_irq, 26U);
  EXPECT_EQ(arm.psci.conduit, FirmwareConduit::smc);
  EXPECT_EQ(arm.pmu_irq, 23U);
}

TEST(Acpi, knows_no_overflow_interrupt_that_cpus_do_not_have_for_themselves) {
  for (const uint32_t shared : {0U, 48U}) {
    EXPECT_EQ(arm_of(madt({gicd(3), gicc({.mpidr = 0, .performance = shared})})).pmu_irq, 0U);
  }
}

TEST(Acpi, knows_that_there_may_be_devices_it_does_not_know) {
  EXPECT_TRUE(platform_of(together({fadt(1), gtdt(), spcr(3)})).lists_are_cut);
}

TEST(Acpi, finds_the_frames_of_a_gicv2) {
  const hal::ArmPlatform arm = arm_of(madt({gicd(2), gicc({.mpidr = 0}), gicc({.mpidr = 1})}));
  EXPECT_EQ(arm.gic.version, 2U);
  EXPECT_EQ(arm.gic.distributor, range(0x0800'0000, 0x1000));
  EXPECT_EQ(arm.gic.cpu_interface, range(0x0801'0000, 0x2000));
  EXPECT_EQ(arm.gic.hypervisor_interface, range(0x0803'0000, 0x2000));
  EXPECT_EQ(arm.gic.virtual_cpu_interface, range(0x0804'0000, 0x2000));
}

TEST(Acpi, joins_redistributors_that_each_cpu_names) {
  const hal::ArmPlatform arm = arm_of(
      madt({gicd(3), gicc({.mpidr = 0, .redistributor = 0x1000'0000}), gicc({.mpidr = 1, .redistributor = 0x1002'0000}),
            gicc({.mpidr = 2, .redistributor = 0x2000'0000})}));
  ASSERT_EQ(arm.gic.redistributors.size(), 2U);
  EXPECT_EQ(arm.gic.redistributors[0], range(0x1000'0000, 0x4'0000));
  EXPECT_EQ(arm.gic.redistributors[1], range(0x2000'0000, 0x2'0000));
}

TEST(Acpi, takes_an_unnamed_gic_for_what_its_redistributors_make_it) {
  EXPECT_EQ(arm_of(madt({gicd(0), gicc({.mpidr = 0}), gicr(0x080a'0000, 0x2'0000)})).gic.version, 3U);
  EXPECT_EQ(arm_of(madt({gicd(0), gicc({.mpidr = 0})})).gic.version, 2U);
}

TEST(Acpi, counts_cpus_that_are_enabled_or_can_be) {
  const hal::Platform found =
      platform_of(madt({gicc({.mpidr = 5, .flags = 0}), gicc({.mpidr = 6, .flags = 8}), gicc({.mpidr = 7})}));
  ASSERT_EQ(found.cpus.size(), 2U);
  EXPECT_EQ(found.cpus[0].hardware_id, 6U);
  EXPECT_EQ(found.cpus[1].hardware_id, 7U);
}

TEST(Acpi, knows_how_far_apart_the_registers_of_a_16550_are) {
  for (const auto interface : std::to_array<uint8_t>({0, 1, 0x12})) {
    const hal::Platform wide = platform_of(spcr(interface, 3));
    ASSERT_TRUE(wide.console.has_value());
    EXPECT_EQ(wide.console->kind, UartKind::ns16550);
    EXPECT_EQ(wide.console->register_shift, 2U);
    EXPECT_EQ(platform_of(spcr(interface, 1)).console->register_shift, 0U);
  }
}

TEST(Acpi, has_no_console_of_an_unknown_kind_or_in_io_space) {
  EXPECT_FALSE(platform_of(spcr(0x42)).console.has_value());
  EXPECT_FALSE(platform_of(spcr(0, 1, 1)).console.has_value());
}

TEST(Acpi, knows_how_firmware_is_called) {
  EXPECT_EQ(arm_of(fadt(0)).psci.conduit, FirmwareConduit::none);
  EXPECT_EQ(arm_of(fadt(1)).psci.conduit, FirmwareConduit::smc);
  EXPECT_EQ(arm_of(fadt(3)).psci.conduit, FirmwareConduit::hvc);
  EXPECT_EQ(arm_of(fadt(2)).psci.conduit, FirmwareConduit::none);
}

// What QEMU's LoongArch board says; structures of the MADT are tables 5.46 to 5.51.
Bytes core_pic(uint32_t core, uint32_t flags) {
  Bytes bytes = structure(0x11, 15);
  put(bytes, 7, core);
  put(bytes, 11, flags);
  return bytes;
}
Bytes eio_pic(uint8_t cascade) {
  Bytes bytes = structure(0x14, 13);
  put(bytes, 3, cascade);
  return bytes;
}
Bytes bio_pic(uint64_t base, uint16_t size) {
  Bytes bytes = structure(0x16, 17);
  put(bytes, 3, base);
  put(bytes, 11, size);
  put(bytes, 15, uint16_t{64});
  return bytes;
}
Bytes lio_pic(uint64_t base, uint8_t cascade) {
  Bytes bytes = structure(0x12, 23);
  put(bytes, 3, base);
  put(bytes, 11, uint16_t{0x80});
  put(bytes, 13, cascade);
  return bytes;
}
Bytes reduced_fadt(uint32_t flags) {
  Bytes content(240);
  put(content, 112 - 36, flags);
  put(content, 120 - 36, uint64_t{0x100e'001e});
  put(content, 128 - 36, uint8_t{0x42});
  put(content, 248 - 36, uint64_t{0x100e'001c});
  return table("FACP", content);
}
Bytes dsdt(std::initializer_list<uint8_t> code) {
  Bytes content;
  for (const uint8_t byte : code) content.push_back(std::byte{byte});
  return table("DSDT", content);
}

TEST(Acpi, finds_a_loongarch_machine) {
  const Bytes bytes = together({madt({core_pic(0, 1), core_pic(1, 0), core_pic(2, 1), eio_pic(3),
                                      bio_pic(0x1000'0000, 0x1000), lio_pic(0x1fe0'1400, 2)}),
                                spcr(0, 1)});
  const hal::Platform found = platform_of(bytes);
  ASSERT_EQ(found.cpus.size(), 2U);
  EXPECT_EQ(found.cpus[1].hardware_id, 2U);
  const hal::LoongArchPlatform machine = hal::discover_loongarch(AcpiTables(bytes));
  ASSERT_TRUE(machine.eiointc && machine.pch_pic && machine.liointc);
  EXPECT_EQ(machine.eiointc->cpu_line, 3U);
  EXPECT_EQ(machine.pch_pic->registers, range(0x1000'0000, 0x1000));
  EXPECT_EQ(machine.pch_pic->base_vector, 0U);
  EXPECT_EQ(machine.liointc->registers, range(0x1fe0'1400, 0x80));
  EXPECT_EQ(machine.liointc->cpu_line, 2U);
  EXPECT_FALSE(machine.power_off.has_value());
  EXPECT_FALSE(machine.reset.has_value());
}

TEST(Acpi, believes_in_no_line_that_a_loongarch_cpu_has_not) {
  for (const auto line : std::to_array<uint8_t>({0, 1, 10, 255})) {
    EXPECT_FALSE(hal::discover_loongarch(AcpiTables(madt({eio_pic(line)}))).eiointc.has_value());
  }
  EXPECT_FALSE(hal::discover_loongarch(AcpiTables(madt({lio_pic(0x1fe0'1400, 6)}))).liointc.has_value());
}

TEST(Acpi, switches_a_machine_off_by_the_sleep_type_of_its_dsdt) {
  struct Row {
    Bytes code;
    uint32_t value;
  };
  const Row rows[] = {
      {dsdt({0x08, '_', 'S', '5', '_', 0x12, 0x07, 0x04, 0x0a, 0x05, 0x00, 0x00, 0x00}), 5 << 2 | 0x20},
      {dsdt({0x55, 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x00, 0x00, 0x00, 0x00}), 0x20},
      {dsdt({0x08, '_', 'S', '5', '_', 0x12, 0x41, 0x01, 0x02, 0x01, 0x00, 0x00}),
       1 << 2 | 0x20},  // PkgLength of two bytes
  };
  for (const Row& row : rows) {
    const hal::LoongArchPlatform machine =
        hal::discover_loongarch(AcpiTables(together({row.code, reduced_fadt(1 << 10)})));
    ASSERT_TRUE(machine.power_off.has_value());
    EXPECT_EQ(machine.power_off->place, HostPhys(0x100e'001c));
    EXPECT_EQ(machine.power_off->width, 1U);
    EXPECT_EQ(machine.power_off->value, row.value);
    ASSERT_TRUE(machine.reset.has_value());
    EXPECT_EQ(machine.reset->place, HostPhys(0x100e'001e));
    EXPECT_EQ(machine.reset->value, 0x42U);
  }
}

TEST(Acpi, switches_nothing_where_the_tables_do_not_say_how) {
  const hal::LoongArchPlatform silent =
      hal::discover_loongarch(AcpiTables(together({dsdt({0x08, '_', 'S', '5', '_'}), reduced_fadt(0)})));
  EXPECT_FALSE(silent.power_off.has_value());
  EXPECT_FALSE(silent.reset.has_value());
  const Bytes computed = dsdt({0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 'A', 'B', 'C', 'D'});
  EXPECT_FALSE(hal::discover_loongarch(AcpiTables(together({computed, reduced_fadt(0)}))).power_off.has_value());
}

TEST(Acpi, looks_at_no_table_that_does_not_add_up) {
  Bytes bytes = fadt(1);
  bytes[129 + 1] ^= std::byte{1};
  EXPECT_EQ(arm_of(bytes).psci.conduit, FirmwareConduit::none);
}

TEST(Acpi, is_left_with_defaults_by_nothing) {
  EXPECT_EQ(platform_of({}).model(), "unknown machine");
  EXPECT_EQ(arm_of({}).gic.version, 0U);
}

// Lengths are the first thing that firmware gets wrong. The sanitizers watch.
TEST(Acpi, stays_inside_of_tables_that_are_cut_or_damaged) {
  const std::array<Bytes, 5> good{
      madt({gicd(3), gicc({.mpidr = 0}), gicr(0x080a'0000, 0xf6'0000), eio_pic(3), bio_pic(0x1000'0000, 0x1000)}),
      gtdt(), spcr(3), fadt(1), dsdt({0x08, '_', 'S', '5', '_', 0x12, 0x07, 0x04, 0x0a, 0x05, 0x00, 0x00, 0x00})};
  const Bytes whole = together({good[0], good[1], good[2], good[3], good[4]});
  for (size_t size = 0; size <= whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    (void)platform_of(cut);
    (void)arm_of(cut);
    (void)hal::discover_loongarch(AcpiTables(cut));
  }
  std::mt19937 random(1);
  for (int n = 0; n < 20'000; ++n) {
    std::array<Bytes, 5> tables = good;
    Bytes& damaged = tables[random() % tables.size()];
    damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    add_up(damaged);
    const Bytes bytes = together({tables[0], tables[1], tables[2], tables[3], tables[4]});
    (void)platform_of(bytes);
    (void)arm_of(bytes);
    (void)hal::discover_loongarch(AcpiTables(bytes));
  }
}

}  // namespace

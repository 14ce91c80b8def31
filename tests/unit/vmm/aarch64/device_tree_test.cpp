// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/device_tree.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "../device_fakes.hpp"
#include "config/boards.hpp"
#include "hal/base/fdt.hpp"
#include "vmm/aarch64/devices.hpp"

namespace {

using hal::GuestPhys;
using hal::GuestPhysRange;
using hal::mib;

config::MemoryRegion region(uint64_t start, uint64_t size, config::RegionKind kind = config::RegionKind::ram) {
  config::MemoryRegion region;
  region.range = {GuestPhys(start), size};
  region.kind = kind;
  return region;
}

std::vector<uint32_t> cells(const hal::FdtNode& node, std::string_view property) {
  std::vector<uint32_t> values;
  const auto found = node.property(property);
  if (!found) return values;
  for (size_t i = 0; i < found->cells().size(); ++i) values.push_back(found->cells()[i]);
  return values;
}

class Aarch64DeviceTree : public testing::Test {
 protected:
  Aarch64DeviceTree() {
    board.guest.regions = regions;
    board.guest.cmdline = "console=ttyAMA0";
  }
  // Nodes of the tree built before are no longer valid.
  const hal::Fdt& build() {
    vmm::test::DeviceFixture devices(vmm::aarch64::device_kinds, config);
    auto blob = vmm::aarch64::build_device_tree(board, devices.set, buffer);
    EXPECT_TRUE(blob.ok());
    bytes = *blob;
    auto fdt = hal::Fdt::open(bytes);
    EXPECT_TRUE(fdt.ok());
    return tree.emplace(*fdt);
  }

  std::optional<hal::Fdt> tree;
  std::vector<config::MemoryRegion> regions{region(0x4000'0000, 256 * mib)};
  vmm::aarch64::GuestBoard board;
  config::VmConfig config;
  std::vector<std::byte> buffer = std::vector<std::byte>(64 * hal::kib);
  std::span<const std::byte> bytes;
};

TEST_F(Aarch64DeviceTree, describes_qemus_board) {
  const hal::Fdt& fdt = build();
  EXPECT_TRUE(fdt.root().is_compatible("linux,dummy-virt"));
  const auto uart = fdt.find("/pl011@9000000");
  ASSERT_TRUE(uart);
  EXPECT_TRUE(uart->is_compatible("arm,pl011"));
  EXPECT_EQ(cells(*uart, "reg"), (std::vector<uint32_t>{0, 0x900'0000, 0, 0x1000}));
  EXPECT_EQ(cells(*uart, "interrupts"), (std::vector<uint32_t>{0, 1, 4}));
  const auto rtc = fdt.find("/pl031@9010000");
  ASSERT_TRUE(rtc);
  EXPECT_EQ(cells(*rtc, "interrupts"), (std::vector<uint32_t>{0, 2, 4}));
  const auto timer = fdt.find("/timer");
  ASSERT_TRUE(timer);
  EXPECT_EQ(cells(*timer, "interrupts"), (std::vector<uint32_t>{1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4}));
  const auto memory = fdt.find("/memory@40000000");
  ASSERT_TRUE(memory);
  EXPECT_EQ(cells(*memory, "reg"), (std::vector<uint32_t>{0, 0x4000'0000, 0, 0x1000'0000}));
  EXPECT_EQ(fdt.find("/psci")->string("method"), "hvc");
  EXPECT_EQ(fdt.find("/chosen")->string("bootargs"), "console=ttyAMA0");
  EXPECT_EQ(fdt.find("/chosen")->string("stdout-path"), "/pl011@9000000");
}

TEST_F(Aarch64DeviceTree, describes_every_virtio_window_as_qemu_does) {
  const hal::Fdt& fdt = build();
  for (unsigned slot = 0; slot < 32; ++slot) {
    char path[40];
    (void)std::snprintf(path, sizeof path, "/virtio_mmio@%x", 0xa00'0000 + slot * 0x200);
    const auto window = fdt.find(path);
    ASSERT_TRUE(window) << path;
    EXPECT_TRUE(window->is_compatible("virtio,mmio"));
    EXPECT_EQ(cells(*window, "reg"), (std::vector<uint32_t>{0, 0xa00'0000 + slot * 0x200, 0, 0x200}));
    EXPECT_EQ(cells(*window, "interrupts"), (std::vector<uint32_t>{0, 16 + slot, 1}));
    EXPECT_TRUE(window->has("dma-coherent"));
  }
}

TEST_F(Aarch64DeviceTree, resolves_every_reference) {
  const hal::Fdt& fdt = build();
  const auto gic = fdt.find("/intc@8000000");
  ASSERT_TRUE(gic);
  EXPECT_EQ(fdt.root().u32("interrupt-parent"), gic->phandle());
  const auto clock = fdt.find("/apb-pclk");
  ASSERT_TRUE(clock);
  EXPECT_EQ(fdt.find("/pl031@9010000")->u32("clocks"), clock->phandle());
  const auto interrupt = fdt.find("/pl011@9000000")->interrupt(0);
  EXPECT_TRUE(interrupt);
}

TEST_F(Aarch64DeviceTree, describes_either_gic) {
  const auto v3 = build().find("/intc@8000000");
  EXPECT_TRUE(v3->is_compatible("arm,gic-v3"));
  EXPECT_EQ(cells(*v3, "reg"), (std::vector<uint32_t>{0, 0x800'0000, 0, 0x1'0000, 0, 0x80a'0000, 0, 0xf6'0000}));
  EXPECT_FALSE(v3->child("its@8080000"));
  board.its = true;
  EXPECT_TRUE(build().find("/intc@8000000/its@8080000")->has("msi-controller"));
  board.gic_version = 2;
  board.affinities = vmm::aarch64::AffinityMap(4, vmm::aarch64::AffinityMap::gicv2_cluster);
  const hal::Fdt& fdt = build();
  const auto v2 = fdt.find("/intc@8000000");
  EXPECT_TRUE(v2->is_compatible("arm,cortex-a15-gic"));
  EXPECT_EQ(cells(*v2, "reg"), (std::vector<uint32_t>{0, 0x800'0000, 0, 0x1'0000, 0, 0x801'0000, 0, 0x1'0000}));
  EXPECT_EQ(cells(*fdt.find("/timer"), "interrupts")[2], 0xf04U);
  EXPECT_FALSE(v2->child("its@8080000"));
}

// As QEMU's board says it (hw/arm/virt.c): PPI 7.
TEST_F(Aarch64DeviceTree, describes_performance_monitors_where_the_vm_has_them) {
  EXPECT_FALSE(build().find("/pmu"));
  board.pmu = true;
  EXPECT_FALSE(build().find("/pmu")->has("interrupts")) << "the machine has none for them";
  board.pmu_interrupts = true;
  EXPECT_TRUE(build().find("/pmu")->is_compatible("arm,armv8-pmuv3"));
  EXPECT_EQ(cells(*build().find("/pmu"), "interrupts"), (std::vector<uint32_t>{1, 7, 4}));
  board.gic_version = 2;
  board.affinities = vmm::aarch64::AffinityMap(4, vmm::aarch64::AffinityMap::gicv2_cluster);
  EXPECT_EQ(cells(*build().find("/pmu"), "interrupts"), (std::vector<uint32_t>{1, 7, 0xf04}));
}

TEST_F(Aarch64DeviceTree, numbers_cpus_by_affinity) {
  board.affinities = vmm::aarch64::AffinityMap(64, vmm::aarch64::AffinityMap::gicv3_cluster);
  const hal::Fdt& fdt = build();
  unsigned count = 0;
  const auto cpus = fdt.find("/cpus");
  ASSERT_TRUE(cpus);
  for (const hal::FdtNode& cpu : cpus->children()) {
    EXPECT_EQ(cpu.u32("reg"), board.affinities.affinity(count++));
    EXPECT_EQ(cpu.string("enable-method"), "psci");
  }
  EXPECT_EQ(count, 64U);
  EXPECT_TRUE(fdt.find("/cpus/cpu@30f"));
}

TEST_F(Aarch64DeviceTree, tells_of_initrd_and_seeds_only_when_there_are_any) {
  const hal::FdtNode bare = *build().find("/chosen");
  EXPECT_FALSE(bare.has("linux,initrd-start"));
  EXPECT_FALSE(bare.has("kaslr-seed"));
  board.guest.initrd = {GuestPhys(0x4800'0000), 0x123};
  const std::vector<std::byte> seed(40, std::byte{7});
  board.guest.seed = seed;
  const hal::Fdt& fdt = build();
  const hal::FdtNode chosen = *fdt.find("/chosen");
  EXPECT_EQ(chosen.property("linux,initrd-start")->u32_or_u64(), 0x4800'0000U);
  EXPECT_EQ(chosen.property("linux,initrd-end")->u32_or_u64(), 0x4800'0123U);
  EXPECT_EQ(chosen.property("kaslr-seed")->bytes().size(), 8U);
  EXPECT_EQ(chosen.property("rng-seed")->bytes().size(), 32U);
}

TEST_F(Aarch64DeviceTree, leaves_out_devices_that_the_vm_does_not_have) {
  config.console = config::ConsoleModel::none;
  config.rtc = config.power_key = false;
  const hal::Fdt& fdt = build();
  EXPECT_FALSE(fdt.find("/pl011@9000000"));
  EXPECT_FALSE(fdt.find("/pl031@9010000"));
  EXPECT_FALSE(fdt.find("/pl061@9030000"));
  EXPECT_FALSE(fdt.find("/gpio-keys"));
  EXPECT_FALSE(fdt.find("/chosen")->has("stdout-path"));
  EXPECT_FALSE(fdt.find("/aliases"));
}

TEST_F(Aarch64DeviceTree, has_the_power_key_of_qemus_board) {
  const hal::Fdt& fdt = build();
  const auto gpio = fdt.find("/pl061@9030000");
  ASSERT_TRUE(gpio);
  EXPECT_TRUE(gpio->is_compatible("arm,pl061"));
  EXPECT_EQ(cells(*gpio, "reg"), (std::vector<uint32_t>{0, 0x903'0000, 0, 0x1000}));
  EXPECT_EQ(cells(*gpio, "interrupts"), (std::vector<uint32_t>{0, 7, 4}));
  const auto key = fdt.find("/gpio-keys/poweroff");
  ASSERT_TRUE(key);
  EXPECT_EQ(cells(*key, "linux,code"), std::vector<uint32_t>{116});
  EXPECT_EQ(cells(*key, "gpios"), (std::vector<uint32_t>{cells(*gpio, "phandle")[0], 3, 0}));
}

TEST_F(Aarch64DeviceTree, names_the_watchdogs_frames_when_there_is_one) {
  EXPECT_FALSE(build().find("/watchdog@9100000"));
  config.watchdog = true;
  const auto watchdog = build().find("/watchdog@9100000");
  ASSERT_TRUE(watchdog);
  EXPECT_EQ(cells(*watchdog, "reg"), (std::vector<uint32_t>{0, 0x910'0000, 0, 0x1000, 0, 0x911'0000, 0, 0x1000}));
}

// What `check` keeps free for the board is what the board takes.
TEST_F(Aarch64DeviceTree, names_only_places_that_vm_files_may_not_use) {
  board.its = config.watchdog = true;
  const auto is_reserved = [](const hal::GuestPhysRange& range) {
    return std::ranges::any_of(config::aarch64_board.devices,
                               [&](const config::DeviceWindow& window) { return window.range.contains(range); });
  };
  unsigned places = 0;
  for (const unsigned version : {2U, 3U}) {
    board.gic_version = version;
    for (const hal::FdtNode& node : build().root().children()) {
      if (node.string("device_type") == "memory") continue;
      for (size_t i = 0; const auto range = node.reg(i); ++i, ++places) {
        EXPECT_TRUE(is_reserved({GuestPhys(range->start.value()), range->size})) << node.name();
      }
    }
  }
  EXPECT_GE(places, 14U);
}

TEST_F(Aarch64DeviceTree, announces_ram_and_nothing_else_as_memory) {
  regions = {region(0, 2 * mib, config::RegionKind::rom), region(0x4000'0000, 64 * mib), region(0x8000'0000, 32 * mib)};
  board.guest.regions = regions;
  const hal::Fdt& fdt = build();
  EXPECT_FALSE(fdt.find("/memory@0"));
  unsigned nodes = 0;
  uint64_t bytes_announced = 0;
  for (const hal::FdtNode& node : fdt.root().children()) {
    if (node.string("device_type") != "memory") continue;
    ++nodes;
    for (size_t i = 0; const auto range = node.reg(i); ++i) bytes_announced += range->size;
  }
  EXPECT_GE(nodes, 1U);
  EXPECT_EQ(bytes_announced, 96 * mib);
}

TEST_F(Aarch64DeviceTree, reserves_ram_that_is_not_free) {
  regions = {region(0x4000'0000, 64 * mib), region(0x7000'0000, 1 * mib), region(0x8000'0000, 32 * mib)};
  regions[1].access.write = false;
  const GuestPhysRange images[] = {{GuestPhys(0x7000'0000), 0x1000}, {GuestPhys(0x8000'0000), 0x3000}};
  board.guest.regions = regions;
  board.guest.region_images = images;
  const auto check = [](const hal::Fdt& fdt) {
    EXPECT_TRUE(fdt.find("/memory@40000000"));
    EXPECT_FALSE(fdt.find("/memory@70000000")) << "the kernel would write to it";
    EXPECT_TRUE(fdt.find("/memory@80000000"));
    const auto parent = fdt.find("/reserved-memory");
    ASSERT_TRUE(parent);
    EXPECT_TRUE(parent->has("ranges"));
    const auto read_only = fdt.find("/reserved-memory/region@70000000");
    ASSERT_TRUE(read_only);
    EXPECT_EQ(cells(*read_only, "reg"), (std::vector<uint32_t>{0, 0x7000'0000, 0, 0x10'0000}));
    EXPECT_TRUE(read_only->has("no-map"));
    const auto image = fdt.find("/reserved-memory/region@80000000");
    ASSERT_TRUE(image);
    EXPECT_EQ(cells(*image, "reg"), (std::vector<uint32_t>{0, 0x8000'0000, 0, 0x3000}));
    EXPECT_FALSE(image->has("no-map"));
  };
  check(build());
  board.guest.regions = {};
  board.guest.region_images = {};
  EXPECT_FALSE(build().find("/reserved-memory"));
  const std::vector<std::byte> own(bytes.begin(), bytes.end());
  board.guest.regions = regions;
  board.guest.region_images = images;
  const auto patched = vmm::patch_device_tree(board.guest, own, buffer);
  ASSERT_TRUE(patched.ok());
  const auto fdt = hal::Fdt::open(*patched);
  ASSERT_TRUE(fdt.ok());
  check(*fdt);
}

TEST_F(Aarch64DeviceTree, says_when_the_buffer_is_too_small) {
  vmm::test::DeviceFixture devices(vmm::aarch64::device_kinds, config);
  for (size_t size = 0; size < 1500; size += 100) {
    std::vector<std::byte> small(size);
    const auto result = vmm::aarch64::build_device_tree(board, devices.set, small);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error(), hal::FdtError::no_space);
  }
}

TEST_F(Aarch64DeviceTree, patches_a_tree_of_the_guests_own) {
  build();
  const std::vector<std::byte> own(bytes.begin(), bytes.end());
  regions = {region(0x4000'0000, 64 * mib)};
  board.guest.cmdline = "quiet";
  board.guest.initrd = {GuestPhys(0x4200'0000), 0x1000};
  const auto patched = vmm::patch_device_tree(board.guest, own, buffer);
  ASSERT_TRUE(patched.ok());
  const auto fdt = hal::Fdt::open(*patched);
  ASSERT_TRUE(fdt.ok());
  EXPECT_EQ(cells(*fdt->find("/memory@40000000"), "reg"), (std::vector<uint32_t>{0, 0x4000'0000, 0, 0x400'0000}));
  EXPECT_EQ(fdt->find("/chosen")->string("bootargs"), "quiet");
  EXPECT_EQ(fdt->find("/chosen")->string("stdout-path"), "/pl011@9000000");
  EXPECT_TRUE(fdt->find("/chosen")->has("linux,initrd-start"));
  EXPECT_FALSE(fdt->find("/chosen")->has("rng-seed"));
  const std::vector<std::byte> seed(40, std::byte{7});
  board.guest.seed = seed;
  const auto seeded = vmm::patch_device_tree(board.guest, own, buffer);
  ASSERT_TRUE(seeded.ok());
  const auto with_seeds = hal::Fdt::open(*seeded);
  ASSERT_TRUE(with_seeds.ok());
  const auto chosen = with_seeds->find("/chosen");
  EXPECT_EQ(chosen->property("kaslr-seed")->bytes().size(), 8U);
  EXPECT_EQ(chosen->property("rng-seed")->bytes().size(), 32U);
  const std::vector<std::byte> garbage(100, std::byte{1});
  EXPECT_FALSE(vmm::patch_device_tree(board.guest, garbage, buffer).ok());
}

TEST(Aarch64Devices, plug_the_console_in_and_out) {
  config::VmConfig config;
  vmm::test::DeviceFixture devices(vmm::aarch64::device_kinds, config);
  EXPECT_TRUE(devices.port.connected);
  devices.set.quiesce();
  EXPECT_FALSE(devices.port.connected);
}

// The watchdog's period passes twice; not while the guest stands still.
TEST(Aarch64Devices, let_the_watchdog_end_a_vm_that_runs) {
  config::VmConfig config;
  config.watchdog = true;
  config.rtc = config.power_key = false;
  vmm::test::DeviceFixture devices(vmm::aarch64::device_kinds, config);
  std::vector<vmm::MmioDevice*> table(devices.set.windows());
  vmm::MmioBus bus(table);
  ASSERT_TRUE(devices.set.plug_into(bus));
  vmm::MmioDevice* const control = bus.find(GuestPhys(0x910'0000));
  ASSERT_NE(control, nullptr);
  control->write({0x8, 4, 0}, 100);  // WOR
  control->write({0x0, 4, 0}, 1);    // WCS: enable
  devices.set.pause();
  devices.timer.advance(1000);
  EXPECT_TRUE(devices.owner.reasons.empty());
  devices.set.resume(1000);
  devices.timer.advance(100);
  EXPECT_TRUE(devices.irqs.level(vmm::VirtualIrq{32 + 12}));
  devices.timer.advance(100);
  EXPECT_EQ(devices.owner.reasons, std::vector<std::string>{"its watchdog expired twice"});
}

// dtc knows the conventions of the standard bindings and warns where a tree breaks them.
TEST_F(Aarch64DeviceTree, gives_dtc_nothing_to_warn_about) {
  if (std::system("dtc --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "skipped: dtc is not installed";
  const auto directory = std::filesystem::temp_directory_path();
  regions = {region(0x4000'0000, 64 * mib), region(0x7000'0000, 1 * mib)};
  regions[1].access.write = false;
  board.guest.regions = regions;
  for (const unsigned version : {2U, 3U}) {
    board.gic_version = version;
    board.its = config.watchdog = true;
    build();
    const std::string dtb = directory / ("plinth-guest-" + std::to_string(getpid()) + ".dtb");
    std::ofstream(dtb, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    const std::string log = dtb + ".log";
    EXPECT_EQ(std::system(("dtc -I dtb -O dts -o /dev/null " + dtb + " 2>" + log).c_str()), 0);
    std::ifstream in(log);
    const std::string warnings((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(warnings, "");
    if (const char* keep = std::getenv("PLINTH_KEEP_DTB")) {
      std::filesystem::copy_file(dtb, std::string(keep) + std::to_string(version) + ".dtb",
                                 std::filesystem::copy_options::overwrite_existing);
    }
    std::filesystem::remove(dtb);
    std::filesystem::remove(log);
  }
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "vmm/loongarch64/device_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "../device_fakes.hpp"
#include "config/boards.hpp"
#include "vmm/loongarch64/devices.hpp"
#include "vmm/loongarch64/pci_map.hpp"

namespace {

using hal::GuestPhys;
using hal::mib;

config::MemoryRegion region(uint64_t start, uint64_t size) {
  config::MemoryRegion region;
  region.range = {GuestPhys(start), size};
  return region;
}

std::vector<uint32_t> cells(const hal::Fdt& fdt, std::string_view path, std::string_view property) {
  std::vector<uint32_t> values;
  const auto node = fdt.find(path);
  const auto found = node ? node->property(property) : std::nullopt;
  if (!found) return values;
  for (size_t i = 0; i < found->cells().size(); ++i) values.push_back(found->cells()[i]);
  return values;
}

class LoongArchDeviceTree : public testing::Test {
 protected:
  LoongArchDeviceTree() {
    board.guest.regions = regions;
    board.guest.cmdline = "quiet";
    board.vcpus = 4;
  }
  // Nodes of the tree built before are no longer valid.
  const hal::Fdt& build() {
    vmm::test::DeviceFixture devices(vmm::loongarch64::device_kinds, config);
    const auto blob = vmm::loongarch64::build_device_tree(board, devices.set, buffer);
    EXPECT_TRUE(blob.ok());
    auto fdt = hal::Fdt::open(*blob);
    EXPECT_TRUE(fdt.ok());
    return tree.emplace(*fdt);
  }

  std::vector<config::MemoryRegion> regions{region(0, 256 * mib), region(0x8000'0000, 512 * mib)};
  vmm::loongarch64::GuestBoard board;
  config::VmConfig config;
  std::vector<std::byte> buffer = std::vector<std::byte>(64 * hal::kib);
  std::optional<hal::Fdt> tree;
};

TEST_F(LoongArchDeviceTree, describes_qemus_board) {
  const hal::Fdt& fdt = build();
  EXPECT_TRUE(fdt.root().is_compatible("linux,dummy-loongson3"));
  EXPECT_EQ(cells(fdt, "/serial@1fe001e0", "reg"), (std::vector<uint32_t>{0, 0x1fe0'01e0, 0, 0x100}));
  EXPECT_EQ(cells(fdt, "/serial@1fe001e0", "interrupts"), (std::vector<uint32_t>{2, 4}));
  EXPECT_EQ(cells(fdt, "/rtc@100d0100", "reg"), (std::vector<uint32_t>{0, 0x100d'0100, 0, 0x100}));
  EXPECT_EQ(cells(fdt, "/rtc@100d0100", "interrupts"), (std::vector<uint32_t>{6, 4}));
  EXPECT_EQ(cells(fdt, "/eiointc@1400", "interrupts"), std::vector<uint32_t>{3});
  EXPECT_EQ(cells(fdt, "/eiointc@1400", "reg"), (std::vector<uint32_t>{0, 0x1400, 0, 0x800}));
  EXPECT_EQ(cells(fdt, "/platic@10000000", "loongson,pic-base-vec"), std::vector<uint32_t>{0});
  EXPECT_EQ(cells(fdt, "/msi@2ff00000", "loongson,msi-base-vec"), std::vector<uint32_t>{32});
  EXPECT_EQ(cells(fdt, "/msi@2ff00000", "loongson,msi-num-vecs"), std::vector<uint32_t>{224});
  EXPECT_EQ(cells(fdt, "/ged@100e001c", "reg"), (std::vector<uint32_t>{0, 0x100e'001c, 0, 3}));
  EXPECT_EQ(cells(fdt, "/poweroff", "value"), std::vector<uint32_t>{0x34});
  EXPECT_EQ(cells(fdt, "/reboot", "offset"), std::vector<uint32_t>{2});
  EXPECT_EQ(fdt.find("/chosen")->string("stdout-path"), "/serial@1fe001e0");
  EXPECT_EQ(fdt.find("/chosen")->string("bootargs"), "quiet");
}

TEST_F(LoongArchDeviceTree, reserves_ram_that_is_not_free) {
  regions[1].access = {.read = true, .write = false, .execute = false};
  const hal::Fdt& fdt = build();
  EXPECT_TRUE(fdt.find("/memory@0"));
  EXPECT_FALSE(fdt.find("/memory@80000000"));
  EXPECT_EQ(cells(fdt, "/reserved-memory/region@80000000", "reg"), (std::vector<uint32_t>{0, 0x8000'0000, 0, 0x2000'0000}));
}

TEST_F(LoongArchDeviceTree, lists_each_vcpu_under_its_number) {
  const hal::Fdt& fdt = build();
  for (uint32_t cpu = 0; cpu < 4; ++cpu) {
    EXPECT_EQ(cells(fdt, "/cpus/cpu@" + std::to_string(cpu), "reg"), std::vector<uint32_t>{cpu});
  }
  EXPECT_FALSE(fdt.find("/cpus/cpu@4"));
}

TEST_F(LoongArchDeviceTree, leads_each_interrupt_to_the_cpu) {
  const hal::Fdt& fdt = build();
  for (const auto& [child, parent] :
       {std::pair{"/serial@1fe001e0", "/platic@10000000"}, std::pair{"/platic@10000000", "/eiointc@1400"},
        std::pair{"/msi@2ff00000", "/eiointc@1400"}, std::pair{"/eiointc@1400", "/cpuic"}}) {
    EXPECT_EQ(cells(fdt, child, "interrupt-parent"), cells(fdt, parent, "phandle")) << child;
  }
}

// What `check` keeps free for the board is what the board takes.
TEST_F(LoongArchDeviceTree, plugs_devices_only_where_vm_files_may_not) {
  vmm::test::DeviceFixture devices(vmm::loongarch64::device_kinds, config, vmm::loongarch64::pci_map);
  std::vector<vmm::MmioDevice*> table(devices.set.windows());
  vmm::MmioBus bus(table);
  ASSERT_TRUE(devices.set.plug_into(bus));
  for (const vmm::MmioDevice* const device : bus) {
    EXPECT_TRUE(std::ranges::any_of(config::loongarch64_board.devices, [&](const config::DeviceWindow& window) {
      return window.range.contains(device->window());
    })) << device->name();
  }
}

TEST_F(LoongArchDeviceTree, leaves_out_devices_that_the_vm_does_not_have) {
  config.console = config::ConsoleModel::none;
  config.rtc = false;
  const hal::Fdt& fdt = build();
  EXPECT_FALSE(fdt.find("/serial@1fe001e0"));
  EXPECT_FALSE(fdt.find("/rtc@100d0100"));
  EXPECT_FALSE(fdt.find("/chosen")->string("stdout-path"));
}

TEST_F(LoongArchDeviceTree, says_so_when_there_is_no_room) {
  vmm::test::DeviceFixture devices(vmm::loongarch64::device_kinds, config);
  for (const size_t size : {0U, 64U, 1000U}) {
    const auto built = vmm::loongarch64::build_device_tree(board, devices.set, std::span(buffer).first(size));
    ASSERT_FALSE(built.ok());
    EXPECT_EQ(built.error(), hal::FdtError::no_space);
  }
}

}  // namespace

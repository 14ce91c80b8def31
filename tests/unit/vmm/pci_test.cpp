// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/bus.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "hal/base/fdt.hpp"
#include "pci_fakes.hpp"
#include "vmm/aarch64/device_tree.hpp"
#include "vmm/aarch64/devices.hpp"
#include "vmm/aarch64/pci_map.hpp"
#include "vmm/irq/vgic/gicv2m.hpp"
#include "vmm/loongarch64/device_tree.hpp"
#include "vmm/loongarch64/devices.hpp"
#include "vmm/loongarch64/pci_map.hpp"

namespace {

using namespace vmm::pci;
using vmm::MmioAccess;
using vmm::VirtualIrq;
using vmm::test::FakeIrqs;
using vmm::test::FakeMessages;
using vmm::test::pci_test_map;
using vmm::test::PciGuest;

constexpr uint32_t memory_space = 2, bus_master = 4, interrupt_disable = 0x400;
constexpr uint32_t msix_enable = 0x8000, msix_function_mask = 0x4000;

// Remembers accesses to its two BARs, 1 and 4, MSI-X in 0.
class TestFunction final : public Function {
 public:
  explicit TestFunction(Bus& bus, unsigned vectors = 3)
      : Function(bus, {.vendor = 0x1af4, .device = 0x1042, .subsystem_vendor = 0x1af4, .subsystem = 0x40, .class_code = 0x018000, .revision = 1}) {
    has_bar(1, 0x1000, BarKind::memory_32);
    has_bar(4, 0x4000, BarKind::memory_64_prefetchable);
    vendor_capability = config_space().add_capability(CapabilityId::vendor_specific, 16);
    has_msix(0, vectors);
  }
  using Function::is_bus_master;
  using Function::send_message;
  using Function::set_interrupt;
  using Function::uses_messages;

  struct Seen {
    unsigned bar;
    uint64_t offset;
    uint64_t value;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  std::vector<Seen> written;
  unsigned vendor_capability = 0;

 private:
  uint64_t read_memory(unsigned bar, MmioAccess access) override { return bar << 16 | access.offset; }
  void write_memory(unsigned bar, MmioAccess access, uint64_t value) override {
    written.push_back({bar, access.offset, value});
  }
};

class Pci : public testing::Test {
 protected:
  void enable(uint32_t more = 0) { guest.set_config(1, 4, memory_space | bus_master | more, 2); }
  static constexpr uint64_t bar1 = 0x1040'0000, bar4 = 0x80'0001'0000, table = 0x1050'0000;
  void place_bars() {
    guest.set_config(1, 0x10, table);
    guest.set_config(1, 0x14, bar1);
    guest.set_config(1, 0x20, bar4 & 0xffff'ffff);
    guest.set_config(1, 0x24, bar4 >> 32);
  }
  void set_vector(unsigned n, uint64_t address, uint32_t data, bool masked = false) {
    guest.write(table + n * 16, address, 8);
    guest.write(table + n * 16 + 8, data);
    guest.write(table + n * 16 + 12, masked ? 1 : 0);
  }
  void set_message_control(uint32_t bits) { guest.set_config(1, guest.capability(1, 0x11) + 2, bits, 2); }
  void use_messages() {
    place_bars();
    enable();
    set_message_control(msix_enable);
  }

  FakeIrqs irqs;
  FakeMessages messages;
  Bus bus{pci_test_map, irqs, &messages};
  TestFunction function{bus};
  PciGuest guest{bus};
  static constexpr uint64_t doorbell = pci_test_map.doorbell.value();
};

// --- configuration space ---------------------------------------------------------------------------------------------

TEST_F(Pci, has_the_bridge_of_qemus_boards_in_slot_0) {
  EXPECT_EQ(guest.config(0, 0x00), 0x0008'1b36U);
  EXPECT_EQ(guest.config(0, 0x08), 0x0600'0000U);
  EXPECT_EQ(guest.config(0, 0x2c), 0x1100'1af4U);
  EXPECT_EQ(guest.config(0, 0x0e, 1), 0U);
  EXPECT_EQ(guest.config(0, 0x3d, 1), 0U);
  EXPECT_EQ(guest.config(0, 0x34, 1), 0U);
}

TEST_F(Pci, answers_with_ones_where_no_function_is) {
  EcamWindow ecam(bus);
  EXPECT_EQ(guest.config(2, 0), 0xffff'ffffU);
  EXPECT_EQ(guest.config(31, 0, 2), 0xffffU);
  EXPECT_EQ(ecam.read({uint64_t{1} << 20, 4, 0}), absent) << "another bus";
  EXPECT_EQ(ecam.read({1 << 12, 4, 0}), absent) << "another function of the bridge";
  EXPECT_EQ(guest.config(1, 0x100), 0xffff'ffffU) << "extended configuration space";
  EXPECT_EQ(ecam.read({PciGuest::config_address(1, 0), 8, 0}), absent) << "eight bytes are no configuration request";
  guest.set_config(2, 4, 6, 2);
  ecam.write({PciGuest::config_address(1, 0), 8, 0}, 0);
  EXPECT_EQ(guest.config(1, 0), 0x1042'1af4U);
}

TEST_F(Pci, reads_bytes_words_and_doublewords) {
  EXPECT_EQ(guest.config(1, 0x00, 1), 0xf4U);
  EXPECT_EQ(guest.config(1, 0x02, 2), 0x1042U);
  EXPECT_EQ(guest.config(1, 0x08), 0x0180'0001U);
  EXPECT_EQ(guest.config(1, 0x0b, 1), 0x01U);
  EXPECT_EQ(guest.config(1, 0x3d, 1), 1U);
  EXPECT_EQ(guest.config(1, 0x06, 2), 0x10U);
}

TEST_F(Pci, keeps_what_software_may_write_and_nothing_else) {
  std::vector<uint32_t> before;
  for (unsigned offset = 0; offset < 0x100; offset += 4) before.push_back(guest.config(1, offset));
  for (unsigned offset = 0; offset < 0x100; offset += 4) guest.set_config(1, offset, 0xffff'ffff);
  EXPECT_EQ(guest.config(1, 0x04), 0x0010'0507U) << "I/O, memory, master, SERR#, interrupt disable";
  EXPECT_EQ(guest.config(1, 0x0c), 0xffU);
  EXPECT_EQ(guest.config(1, 0x3c), 0x01ffU);
  const unsigned msix = guest.capability(1, 0x11);
  EXPECT_EQ(guest.config(1, msix + 2, 2), 0xc002U);
  for (const unsigned offset : {0x00U, 0x08U, 0x18U, 0x1cU, 0x28U, 0x2cU, 0x30U, 0x34U, 0x38U, 0x40U, 0x44U, msix + 4, msix + 8, 0xfcU}) {
    EXPECT_EQ(guest.config(1, offset), before[offset / 4]) << std::hex << offset;
  }
  bus.reset();
  for (unsigned offset = 0; offset < 0x100; offset += 4) EXPECT_EQ(guest.config(1, offset), before[offset / 4]);
}

TEST_F(Pci, writes_only_the_bytes_of_an_access) {
  guest.set_config(1, 0x14, 0x1234'5000);
  guest.set_config(1, 0x16, 0xabcd, 2);
  EXPECT_EQ(guest.config(1, 0x14), 0xabcd'5000U);
  guest.set_config(1, 0x17, 0x99, 1);
  EXPECT_EQ(guest.config(1, 0x14), 0x99cd'5000U);
}

TEST_F(Pci, sizes_bars_as_the_specification_has_it) {
  for (const unsigned offset : {0x10U, 0x14U, 0x18U, 0x1cU, 0x20U, 0x24U}) guest.set_config(1, offset, 0xffff'ffff);
  EXPECT_EQ(guest.config(1, 0x10), 0xffff'f000U);
  EXPECT_EQ(guest.config(1, 0x14), 0xffff'f000U);
  EXPECT_EQ(guest.config(1, 0x18), 0U);
  EXPECT_EQ(guest.config(1, 0x20), 0xffff'c00cU) << "64 bits, prefetchable";
  EXPECT_EQ(guest.config(1, 0x24), 0xffff'ffffU);
}

TEST_F(Pci, lists_capabilities_last_one_first) {
  const unsigned first = guest.config(1, 0x34, 1);
  EXPECT_EQ(guest.config(1, first, 1), 0x11U);
  EXPECT_EQ(guest.config(1, first + 1, 1), function.vendor_capability);
  EXPECT_EQ(guest.config(1, function.vendor_capability + 1, 1), 0U);
}

// --- windows ---------------------------------------------------------------------------------------------------------

TEST_F(Pci, decodes_bars_while_memory_space_is_enabled) {
  place_bars();
  EXPECT_EQ(guest.read(bar1 + 8), 0xffff'ffffU);
  enable();
  EXPECT_EQ(guest.read(bar1 + 8), 0x1'0008U);
  EXPECT_EQ(guest.read(bar4 + 0x3ffc), 0x4'3ffcU);
  EXPECT_EQ(guest.read(bar4 + 0x4000), 0xffff'ffffU);
  guest.write(bar4 + 0x3000, 7, 2);
  EXPECT_EQ(function.written, (std::vector<TestFunction::Seen>{{4, 0x3000, 7}}));
  guest.set_config(1, 4, 0, 2);
  EXPECT_EQ(guest.read(bar1 + 8), 0xffff'ffffU);
}

TEST_F(Pci, follows_a_bar_that_moves) {
  place_bars();
  enable();
  guest.set_config(1, 0x14, 0x2000'0000);
  EXPECT_EQ(guest.read(bar1), 0xffff'ffffU);
  EXPECT_EQ(guest.read(0x2000'0010), 0x1'0010U);
  guest.set_config(1, 0x20, 0x3000'0000);
  guest.set_config(1, 0x24, 0);
  EXPECT_EQ(guest.read(0x3000'0010), 0x4'0010U) << "a 64-bit BAR below 4 GiB";
}

TEST_F(Pci, decodes_only_inside_the_bridges_windows) {
  place_bars();
  enable();
  for (const uint64_t place : {uint64_t{0}, uint64_t{0x0fff'f000}, uint64_t{0x3eff'0000}, uint64_t{0xffff'f000}}) {
    guest.set_config(1, 0x14, place);
    EXPECT_EQ(guest.read(bar1), 0xffff'ffffU);
  }
  guest.set_config(1, 0x20, 0xffff'c000);
  guest.set_config(1, 0x24, 0xffff'ffff);
  EXPECT_EQ(guest.read(0xff'ffff'c000), 0xffff'ffffU) << "its end is that of the address space";
  guest.set_config(1, 0x24, 0xff);
  EXPECT_EQ(guest.read(0xff'ffff'c000), 0x4'0000U) << "the last place in the high window";
}

TEST_F(Pci, survives_bars_that_overlap) {
  place_bars();
  enable();
  guest.set_config(1, 0x10, bar1);
  const uint64_t value = guest.read(bar1 + 0x10);
  EXPECT_TRUE(value == 0x1'0010U || value == 0U) << "either of them";
  place_bars();
  EXPECT_EQ(guest.read(bar1 + 0x10), 0x1'0010U);
}

// --- INTA ------------------------------------------------------------------------------------------------------------

TEST_F(Pci, spreads_inta_over_the_lines_by_slot) {
  function.set_interrupt(true);
  EXPECT_TRUE(irqs.level(VirtualIrq{36})) << "slot 1, pin A: the second line";
  function.set_interrupt(false);
  EXPECT_FALSE(irqs.level(VirtualIrq{36}));
  EXPECT_EQ(bus.line(3, 0), VirtualIrq{38});
  EXPECT_EQ(bus.line(3, 3), VirtualIrq{37});
}

TEST_F(Pci, keeps_a_shared_line_up_until_nobody_wants_it) {
  std::vector<std::unique_ptr<TestFunction>> more;
  for (unsigned slot = 2; slot <= 5; ++slot) more.push_back(std::make_unique<TestFunction>(bus));
  function.set_interrupt(true);
  more.back()->set_interrupt(true);
  function.set_interrupt(false);
  EXPECT_TRUE(irqs.level(VirtualIrq{36})) << "slot 5 has the same line";
  more.back()->set_interrupt(false);
  EXPECT_FALSE(irqs.level(VirtualIrq{36}));
}

TEST_F(Pci, silences_inta_when_software_disables_it_but_says_so_in_status) {
  function.set_interrupt(true);
  guest.set_config(1, 4, interrupt_disable, 2);
  EXPECT_FALSE(irqs.level(VirtualIrq{36}));
  EXPECT_EQ(guest.config(1, 6, 2), 0x18U);
  guest.set_config(1, 4, 0, 2);
  EXPECT_TRUE(irqs.level(VirtualIrq{36}));
  bus.reset();
  EXPECT_FALSE(irqs.level(VirtualIrq{36}));
  EXPECT_EQ(guest.config(1, 6, 2), 0x10U);
}

// --- MSI-X -----------------------------------------------------------------------------------------------------------

TEST_F(Pci, sends_what_the_guest_wrote_into_the_table) {
  use_messages();
  set_vector(1, doorbell, 0x55);
  function.send_message(1);
  EXPECT_EQ(messages.sent, (decltype(messages.sent){{8, 0x55}})) << "requester 00:01.0";
  EXPECT_TRUE(function.uses_messages());
}

TEST_F(Pci, sends_nothing_while_msix_is_off_and_forgets_it) {
  place_bars();
  enable();
  set_vector(0, doorbell, 1);
  function.send_message(0);
  set_message_control(msix_enable);
  EXPECT_TRUE(messages.sent.empty());
}

TEST_F(Pci, holds_a_masked_vector_until_it_is_unmasked_and_sends_it_once) {
  use_messages();
  set_vector(2, doorbell, 9, true);
  function.send_message(2);
  function.send_message(2);
  EXPECT_TRUE(messages.sent.empty());
  EXPECT_EQ(guest.read(table + 0x800), 4U);
  EXPECT_EQ(guest.read(table + 0x800, 8), 4U);
  guest.write(table + 2 * 16 + 12, 0);
  EXPECT_EQ(messages.sent.size(), 1U);
  EXPECT_EQ(guest.read(table + 0x800), 0U);
}

TEST_F(Pci, holds_all_vectors_while_the_function_is_masked) {
  use_messages();
  set_vector(0, doorbell, 1);
  set_vector(1, doorbell, 2);
  set_message_control(msix_enable | msix_function_mask);
  function.send_message(0);
  function.send_message(1);
  EXPECT_TRUE(messages.sent.empty());
  set_message_control(msix_enable);
  EXPECT_EQ(messages.sent, (decltype(messages.sent){{8, 1}, {8, 2}}));
}

TEST_F(Pci, begins_with_masked_vectors) {
  use_messages();
  for (unsigned n = 0; n < 3; ++n) EXPECT_EQ(guest.read(table + n * 16 + 12), 1U);
  EXPECT_EQ(guest.read(table + 3 * 16 + 12), 0U) << "behind the last";
}

TEST_F(Pci, loses_messages_that_go_elsewhere_or_come_from_no_bus_master) {
  use_messages();
  set_vector(0, doorbell + 4, 1);
  function.send_message(0);
  set_vector(0, 0x4000'0000, 1);
  function.send_message(0);
  function.send_message(3);
  set_vector(0, doorbell, 1);
  guest.set_config(1, 4, memory_space, 2);
  EXPECT_FALSE(function.is_bus_master());
  function.send_message(0);
  EXPECT_TRUE(messages.sent.empty());
}

TEST_F(Pci, is_silent_on_its_line_while_messages_are_on) {
  function.set_interrupt(true);
  use_messages();
  EXPECT_FALSE(irqs.level(VirtualIrq{36}));
  set_message_control(0);
  EXPECT_TRUE(irqs.level(VirtualIrq{36}));
}

TEST_F(Pci, ignores_narrow_writes_to_the_table) {
  use_messages();
  guest.write(table, 0x1234'5678'9abc'def1, 8);
  EXPECT_EQ(guest.read(table, 8), 0x1234'5678'9abc'def0U);
  guest.write(table, 0xff, 1);
  guest.write(table + 2, 0xffff, 2);
  EXPECT_EQ(guest.read(table, 8), 0x1234'5678'9abc'def0U);
  EXPECT_EQ(guest.read(table + 4, 1), 0x78U);
}

TEST(PciWithoutMessages, has_no_msix_capability) {
  FakeIrqs irqs;
  Bus bus(pci_test_map, irqs, nullptr);
  TestFunction function(bus);
  PciGuest guest(bus);
  EXPECT_EQ(guest.capability(1, 0x11), 0U);
  EXPECT_NE(guest.capability(1, 0x09), 0U);
  guest.set_config(1, 0x10, 0xffff'ffff);
  EXPECT_EQ(guest.config(1, 0x10), 0U);
}

TEST(PciLoongsonWindow, has_the_same_functions_at_other_places) {
  FakeIrqs irqs;
  Bus bus(pci_test_map, irqs, nullptr);
  TestFunction function(bus);
  LoongsonConfigWindow window(bus, hal::GuestPhys(0x1a00'0000));
  EXPECT_EQ(window.read({0, 4, 0}), 0x0008'1b36U);
  EXPECT_EQ(window.read({1 << 11, 4, 0}), 0x1042'1af4U);
  EXPECT_EQ(window.read({1 << 11 | 1 << 8, 4, 0}), absent);
  window.write({1 << 11 | 4, 2, 0}, memory_space);
  EXPECT_EQ(window.read({1 << 11 | 4, 2, 0}), memory_space);
}


// --- what guests are told --------------------------------------------------------------------------------------------

std::vector<uint32_t> cells(const hal::FdtNode& node, std::string_view property) {
  std::vector<uint32_t> values;
  const auto found = node.property(property);
  if (!found) return values;
  for (size_t i = 0; i < found->cells().size(); ++i) values.push_back(found->cells()[i]);
  return values;
}

// A board's tree, with a device behind the bridge or without.
class PciNode : public testing::Test {
 protected:
  const hal::Fdt& aarch64(const BusMap& map, unsigned gic_version, bool device = true) {
    vmm::test::DeviceFixture devices(vmm::aarch64::device_kinds, config, map);
    std::optional<TestFunction> function;
    if (device) function.emplace(devices.pci);
    vmm::aarch64::GuestBoard board;
    board.guest.regions = regions;
    board.gic_version = gic_version;
    board.its = gic_version == 3;
    return open(vmm::aarch64::build_device_tree(board, devices.set, buffer));
  }
  const hal::Fdt& loongarch64() {
    vmm::test::DeviceFixture devices(vmm::loongarch64::device_kinds, config, vmm::loongarch64::pci_map);
    TestFunction function(devices.pci);
    vmm::loongarch64::GuestBoard board;
    board.guest.regions = regions;
    return open(vmm::loongarch64::build_device_tree(board, devices.set, buffer));
  }

 private:
  const hal::Fdt& open(hal::Result<std::span<const std::byte>, hal::FdtError> blob) {
    EXPECT_TRUE(blob.ok());
    return tree.emplace(*hal::Fdt::open(*blob));
  }
  config::VmConfig config;
  std::vector<config::MemoryRegion> regions;
  std::vector<std::byte> buffer = std::vector<std::byte>(64 * hal::kib);
  std::optional<hal::Fdt> tree;
};

using Words = std::vector<uint32_t>;

TEST_F(PciNode, is_there_if_there_is_something_to_find) {
  EXPECT_TRUE(aarch64(vmm::aarch64::pci_map(false, 40), 3).find("/pcie@4010000000"));
  EXPECT_FALSE(aarch64(vmm::aarch64::pci_map(false, 40), 3, false).find("/pcie@4010000000"));
}

// The values are those that QEMU's board writes into its own tree, but for phandles.
TEST_F(PciNode, is_that_of_qemus_aarch64_board) {
  const hal::Fdt& fdt = aarch64(vmm::aarch64::pci_map(false, 40), 3);
  const auto node = fdt.find("/pcie@4010000000");
  ASSERT_TRUE(node);
  EXPECT_TRUE(node->is_compatible("pci-host-ecam-generic"));
  EXPECT_EQ(cells(*node, "reg"), (Words{0x40, 0x1000'0000, 0, 0x1000'0000}));
  EXPECT_EQ(cells(*node, "ranges"), (Words{0x100'0000, 0, 0, 0, 0x3eff'0000, 0, 0x1'0000,                  //
                                           0x200'0000, 0, 0x1000'0000, 0, 0x1000'0000, 0, 0x2eff'0000,  //
                                           0x300'0000, 0x80, 0, 0x80, 0, 0x80, 0}));
  EXPECT_EQ(cells(*node, "bus-range"), (Words{0, 0xff}));
  EXPECT_EQ(cells(*node, "interrupt-map-mask"), (Words{0x1800, 0, 0, 7}));
  EXPECT_EQ(cells(*node, "msi-map"), (Words{0, fdt.find("/intc@8000000/its@8080000")->phandle().value(), 0, 0x1'0000}));
  EXPECT_TRUE(node->has("dma-coherent"));
  const uint32_t gic = fdt.find("/intc@8000000")->phandle().value();
  const Words map = cells(*node, "interrupt-map");
  ASSERT_EQ(map.size(), 160U);
  const auto entry = [&](size_t n) { return Words(map.begin() + n * 10, map.begin() + n * 10 + 10); };
  EXPECT_EQ(entry(0), (Words{0, 0, 0, 1, gic, 0, 0, 0, 3, 4}));
  EXPECT_EQ(entry(5), (Words{0x800, 0, 0, 2, gic, 0, 0, 0, 5, 4}));
  EXPECT_EQ(entry(15), (Words{0x1800, 0, 0, 4, gic, 0, 0, 0, 5, 4}));
}

TEST_F(PciNode, sends_messages_to_the_frame_beside_a_gicv2) {
  const hal::Fdt& fdt = aarch64(vmm::aarch64::pci_map(true, 40), 2);
  const auto frame = fdt.find("/intc@8000000/v2m@8020000");
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->has("msi-controller"));
  EXPECT_EQ(cells(*fdt.find("/pcie@4010000000"), "msi-map"), (Words{0, frame->phandle().value(), 0, 0x1'0000}));
}

TEST_F(PciNode, lies_low_where_guests_have_few_address_bits) {
  const hal::Fdt& fdt = aarch64(vmm::aarch64::pci_map(false, 36), 3);
  const auto node = fdt.find("/pcie@3f000000");
  ASSERT_TRUE(node);
  EXPECT_EQ(cells(*node, "reg"), (Words{0, 0x3f00'0000, 0, 0x100'0000}));
  EXPECT_EQ(cells(*node, "bus-range"), (Words{0, 0xf}));
  EXPECT_EQ(cells(*node, "ranges").size(), 14U);
}

TEST_F(PciNode, is_that_of_qemus_loongarch64_board_and_one_for_loongsons_driver) {
  const hal::Fdt& fdt = loongarch64();
  const auto node = fdt.find("/pcie@20000000");
  ASSERT_TRUE(node);
  EXPECT_EQ(cells(*node, "reg"), (Words{0, 0x2000'0000, 0, 0x800'0000}));
  const Words ranges{0x100'0000, 0, 0x4000, 0, 0x1800'4000, 0, 0xc000, 0x200'0000, 0, 0x4000'0000, 0, 0x4000'0000, 0, 0x4000'0000};
  EXPECT_EQ(cells(*node, "ranges"), ranges);
  EXPECT_EQ(cells(*node, "bus-range"), (Words{0, 0x7f}));
  const uint32_t pic = fdt.find("/platic@10000000")->phandle().value();
  const Words map = cells(*node, "interrupt-map");
  ASSERT_EQ(map.size(), 112U);
  EXPECT_EQ(Words(map.begin(), map.begin() + 7), (Words{0, 0, 0, 1, pic, 16, 4}));
  EXPECT_EQ(Words(map.end() - 7, map.end()), (Words{0x1800, 0, 0, 4, pic, 18, 4}));
  const auto loongson = fdt.find("/pcie@1a000000");
  ASSERT_TRUE(loongson);
  EXPECT_TRUE(loongson->is_compatible("loongson,rs780e-pci"));
  EXPECT_EQ(cells(*loongson, "bus-range"), (Words{0, 0}));
  EXPECT_EQ(cells(*loongson, "ranges"), ranges);
}

// --- GICv2m ----------------------------------------------------------------------------------------------------------

TEST(Gicv2m, turns_messages_into_edges_of_its_interrupts) {
  FakeIrqs irqs;
  vmm::vgic::Gicv2m frame(hal::GuestPhys(0x802'0000), 80, 64, irqs);
  EXPECT_EQ(frame.read({0x008, 4, 0}), 80U << 16 | 64);
  frame.send_msi(0, 80);
  EXPECT_EQ(irqs.changes(VirtualIrq{80}), 2U);
  EXPECT_FALSE(irqs.level(VirtualIrq{80}));
  frame.write({0x040, 4, 0}, 143);
  EXPECT_EQ(irqs.changes(VirtualIrq{143}), 2U);
  for (const uint32_t other : {0U, 79U, 144U, ~0U}) frame.send_msi(0, other);
  frame.write({0x044, 4, 0}, 81);
  EXPECT_EQ(irqs.calls, 4U);
}

}  // namespace

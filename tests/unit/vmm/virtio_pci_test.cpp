// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/pci_transport.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "pci_fakes.hpp"

namespace {

using vmm::VirtualIrq;
using vmm::test::DeviceFixture;
using vmm::test::PciGuest;
using vmm::virtio::Budget;
using vmm::virtio::Chain;
using vmm::virtio::DeviceType;
using vmm::virtio::Queue;

// Gives back what it gets on either of its queues.
class Returner final : public vmm::virtio::VirtioDevice {
 public:
  explicit Returner(const vmm::DeviceSite& site) : VirtioDevice(DeviceType::block, "returner", site, 0, {16, 8}) {}
  void change_configuration() {
    const hal::LockGuard guard(lock);
    configuration_changed();
  }

 private:
  std::span<const std::byte> configuration() const override { return bytes_; }
  void configure(uint32_t offset, std::span<const std::byte> bytes) override { bytes_[offset] = bytes[0]; }
  Served serve(uint16_t index, Budget&) override PLINTH_REQUIRES(lock) {
    while (queue(index).take(memory(), chain_) == Queue::Taken::chain) queue(index).give_back(memory(), chain_.head, 0);
    return Served::all;
  }
  Chain chain_;
  std::array<std::byte, 4> bytes_{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
};

constexpr uint64_t ram = 0x4000'0000;

class VirtioPci : public testing::Test {
 protected:
  VirtioPci() { fixture.memory.add(ram, 0x1'0000); }

  static constexpr uint64_t registers = 0x80'0000'0000, table = 0x1000'0000;
  static constexpr uint64_t isr = registers + 0x1000, device_config = registers + 0x2000, notify = registers + 0x3000;
  static constexpr uint64_t doorbell = vmm::test::pci_test_map.doorbell.value();
  static constexpr VirtualIrq inta{36};
  void place(uint32_t command = 6) {
    guest.set_config(1, 0x14, table);
    guest.set_config(1, 0x20, registers & 0xffff'ffff);
    guest.set_config(1, 0x24, registers >> 32);
    guest.set_config(1, 4, command, 2);
  }
  void use_messages() {
    guest.set_config(1, 0x98 + 2, 0x8000, 2);
    for (unsigned n = 0; n < 3; ++n) {
      guest.write(table + n * 16, doorbell, 8);
      guest.write(table + n * 16 + 8, 0x40 + n);
      guest.write(table + n * 16 + 12, 0);
    }
    set(0x10, 0, 2);
    for (const unsigned queue : {0U, 1U}) {
      set(0x16, queue, 2);
      set(0x1a, queue + 1, 2);
    }
  }
  void set(uint64_t offset, uint64_t value, uint8_t size) { guest.write(registers + offset, value, size); }
  uint64_t get(uint64_t offset, uint8_t size) { return guest.read(registers + offset, size); }
  // A driver up to DRIVER_OK with queue 0, and one chain in it.
  void start() {
    for (const uint64_t status : {1, 3}) set(0x14, status, 1);
    set(0x08, 1, 4);
    set(0x0c, 1, 4);
    set(0x14, 0xb, 1);
    EXPECT_EQ(get(0x14, 1), 0xbU);
    set(0x16, 0, 2);
    set(0x18, 8, 2);
    set(0x20, ram, 8);
    set(0x28, (ram + 0x1000) & 0xffff'ffff, 4);
    set(0x2c, ram >> 32, 4);
    set(0x30, ram + 0x2000, 8);
    set(0x1c, 1, 2);
    set(0x14, 0xf, 1);
  }
  void make_available() {
    fixture.memory.put<uint64_t>(ram, ram + 0x8000);
    fixture.memory.put<uint32_t>(ram + 8, 16);
    fixture.memory.put<uint16_t>(ram + 0x1002, ++available);
  }
  uint16_t used() { return fixture.memory.get<uint16_t>(ram + 0x2002); }

  config::VmConfig config;
  DeviceFixture fixture{{}, config};
  Returner device{fixture.site(config)};
  vmm::virtio::PciTransport transport{fixture.pci, device};
  PciGuest guest{fixture.pci};
  uint16_t available = 0;
};

// Every word as QEMU's `virtio-blk-pci,disable-legacy=on` has it, but that this device has two queues.
TEST_F(VirtioPci, has_the_configuration_space_of_qemus_function) {
  const std::vector<std::pair<unsigned, uint32_t>> expected{
      {0x00, 0x1042'1af4}, {0x04, 0x0010'0000}, {0x08, 0x0100'0001}, {0x0c, 0},           {0x10, 0},
      {0x14, 0},           {0x18, 0},           {0x1c, 0},           {0x20, 0x0000'000c}, {0x24, 0},
      {0x2c, 0x1100'1af4}, {0x34, 0x98},        {0x3c, 0x0100},      {0x40, 0x0110'0009}, {0x44, 4},
      {0x48, 0},           {0x4c, 0x1000},      {0x50, 0x0310'4009}, {0x54, 4},           {0x58, 0x1000},
      {0x5c, 0x1000},      {0x60, 0x0410'5009}, {0x64, 4},           {0x68, 0x2000},      {0x6c, 0x1000},
      {0x70, 0x0214'6009}, {0x74, 4},           {0x78, 0x3000},      {0x7c, 0x1000},      {0x80, 4},
      {0x84, 0x0514'7009}, {0x98, 0x0002'8411}, {0x9c, 1},           {0xa0, 0x801}};
  for (const auto& [offset, value] : expected) EXPECT_EQ(guest.config(1, offset), value) << std::hex << offset;
}

TEST_F(VirtioPci, sizes_its_bars_as_qemus_function) {
  for (const unsigned bar : {0x10U, 0x14U, 0x18U, 0x1cU, 0x20U, 0x24U}) guest.set_config(1, bar, 0xffff'ffff);
  EXPECT_EQ(guest.config(1, 0x10), 0U);
  EXPECT_EQ(guest.config(1, 0x14), 0xffff'f000U);
  EXPECT_EQ(guest.config(1, 0x20), 0xffff'c00cU);
  EXPECT_EQ(guest.config(1, 0x24), 0xffff'ffffU);
}

TEST_F(VirtioPci, lets_registers_be_accessed_at_their_width_only) {
  place();
  EXPECT_EQ(get(0x12, 2), 2U);
  EXPECT_EQ(get(0x10, 4), 0U);
  EXPECT_EQ(get(0x12, 1), 0U);
  set(0x16, 1, 2);
  EXPECT_EQ(get(0x18, 2), 8U);
  set(0x16, 0, 4);
  EXPECT_EQ(get(0x16, 2), 1U);
  EXPECT_EQ(get(0x1e, 2), 1U) << "its notifications are at doubleword 1";
  set(0x16, 2, 2);
  EXPECT_EQ(get(0x18, 2), 0U) << "no such queue";
  EXPECT_EQ(get(0x16, 2), 2U);
  EXPECT_EQ(get(0x100, 4), 0U);
}

TEST_F(VirtioPci, has_the_devices_configuration_at_any_width) {
  place();
  EXPECT_EQ(guest.read(device_config, 4), 0x0403'0201U);
  EXPECT_EQ(guest.read(device_config + 2, 1), 3U);
  EXPECT_EQ(guest.read(device_config + 2, 8), 0x0403U);
  guest.write(device_config + 1, 9, 1);
  EXPECT_EQ(guest.read(device_config, 4), 0x0403'0901U);
}

TEST_F(VirtioPci, serves_a_queue_and_interrupts_by_inta_until_isr_is_read) {
  place();
  start();
  EXPECT_EQ(get(0x20, 8), ram);
  EXPECT_EQ(get(0x28, 4), (ram + 0x1000) & 0xffff'ffff);
  make_available();
  guest.write(notify, 0, 2);
  EXPECT_EQ(used(), 1U);
  EXPECT_TRUE(fixture.irqs.level(inta));
  EXPECT_EQ(guest.read(isr, 1), 1U);
  EXPECT_FALSE(fixture.irqs.level(inta));
  EXPECT_EQ(guest.read(isr, 1), 0U);
  device.change_configuration();
  EXPECT_EQ(guest.read(isr, 1), 2U);
}

TEST_F(VirtioPci, sends_the_message_of_the_queue) {
  place();
  use_messages();
  start();
  make_available();
  guest.write(notify, 0, 2);
  EXPECT_EQ(fixture.messages.sent, (decltype(fixture.messages.sent){{8, 0x41}}));
  EXPECT_FALSE(fixture.irqs.level(inta));
  device.change_configuration();
  EXPECT_EQ(fixture.messages.sent.back().second, 0x40U);
  set(0x16, 0, 2);
  set(0x1a, 0xffff, 2);
  make_available();
  guest.write(notify, 0, 2);
  EXPECT_EQ(used(), 2U);
  EXPECT_EQ(fixture.messages.sent.size(), 2U) << "a queue without a vector is silent";
}

TEST_F(VirtioPci, has_no_vectors_but_those_of_its_table) {
  place();
  set(0x10, 3, 2);
  EXPECT_EQ(get(0x10, 2), 0xffffU);
  set(0x10, 2, 2);
  EXPECT_EQ(get(0x10, 2), 2U);
  set(0x14, 0, 1);
  EXPECT_EQ(get(0x10, 2), 0xffffU) << "a reset takes it back";
}

TEST_F(VirtioPci, touches_no_memory_before_it_is_a_bus_master) {
  place(2);
  start();
  make_available();
  guest.write(notify, 0, 2);
  EXPECT_EQ(used(), 0U);
  guest.set_config(1, 4, 6, 2);
  EXPECT_EQ(used(), 1U) << "what was made available meanwhile";
}

TEST_F(VirtioPci, can_be_driven_through_configuration_space_alone) {
  constexpr unsigned window = 0x84;
  const auto aim = [&](uint32_t offset, uint32_t length, uint32_t bar = 4) {
    guest.set_config(1, window + 4, bar, 1);
    guest.set_config(1, window + 8, offset);
    guest.set_config(1, window + 12, length);
  };
  aim(0x12, 2);
  EXPECT_EQ(guest.config(1, window + 16, 2), 2U);
  aim(0x14, 1);
  guest.set_config(1, window + 16, 3, 1);
  EXPECT_EQ(guest.config(1, window + 16, 1), 3U);
  for (const auto [offset, length, bar] :
       {std::array{0x12U, 3U, 4U}, {0x13U, 2U, 4U}, {0x4000U, 4U, 4U}, {0xffff'fffcU, 4U, 4U}, {0U, 4U, 1U}, {0U, 0U, 4U}}) {
    aim(offset, length, bar);
    guest.set_config(1, window + 16, 0x1234'5678);
    EXPECT_EQ(guest.config(1, window + 16), 0x1234'5678U) << "reaches nothing";
  }
  place();
  EXPECT_EQ(get(0x14, 1), 3U) << "the same registers";
}

TEST_F(VirtioPci, resets_a_queue_and_all_of_the_device) {
  place();
  start();
  EXPECT_EQ(get(0x1c, 2), 1U);
  set(0x3a, 1, 2);
  EXPECT_EQ(get(0x3a, 2), 0U);
  EXPECT_EQ(get(0x1c, 2), 0U);
  EXPECT_EQ(get(0x20, 8), 0U);
  fixture.pci.reset();
  EXPECT_EQ(guest.config(1, 4, 2), 0U);
  place();
  EXPECT_EQ(get(0x14, 1), 0U);
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "vmm/mmio_bus.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <random>
#include <vector>

namespace {

using hal::GuestPhys;
using hal::GuestPhysRange;
using vmm::MmioBus;
using vmm::MmioDevice;

class Device final : public MmioDevice {
 public:
  Device(uint64_t start, uint64_t size) : MmioDevice("device", GuestPhysRange{GuestPhys(start), size}) {}
  uint64_t read(vmm::MmioAccess) override { return 0; }
  void write(vmm::MmioAccess, uint64_t) override {}
  void reset() override {}
};

constexpr size_t capacity = 40;

struct Table {
  std::array<MmioDevice*, capacity> places{};
};
struct Bus : private Table, MmioBus {
  Bus() : MmioBus(places) {}
};

TEST(MmioBus, finds_nothing_where_there_is_nothing) {
  const MmioBus bus;
  EXPECT_EQ(bus.find(GuestPhys(0)), nullptr);
  EXPECT_EQ(bus.find(GuestPhys(~uint64_t{0})), nullptr);
  EXPECT_EQ(bus.begin(), bus.end());
}

TEST(MmioBus, finds_a_device_at_each_place_of_its_window_and_nowhere_else) {
  Bus bus;
  Device device(0x900'0000, 0x1000);
  ASSERT_TRUE(bus.add(device));
  EXPECT_EQ(bus.find(GuestPhys(0x8ff'ffff)), nullptr);
  EXPECT_EQ(bus.find(GuestPhys(0x900'0000)), &device);
  EXPECT_EQ(bus.find(GuestPhys(0x900'0fff)), &device);
  EXPECT_EQ(bus.find(GuestPhys(0x900'1000)), nullptr);
}

TEST(MmioBus, keeps_its_devices_by_address_whatever_their_order) {
  Bus bus;
  Device high(0x3000, 0x1000), low(0x1000, 0x1000), middle(0x2000, 0x1000);
  for (Device* const device : {&high, &low, &middle}) ASSERT_TRUE(bus.add(*device));
  EXPECT_EQ(std::vector<MmioDevice*>(bus.begin(), bus.end()), (std::vector<MmioDevice*>{&low, &middle, &high}));
  EXPECT_EQ(bus.find(GuestPhys(0x2000)), &middle);
}

TEST(MmioBus, refuses_windows_that_overlap_and_stays_as_it_was) {
  Bus bus;
  Device device(0x2000, 0x2000);
  ASSERT_TRUE(bus.add(device));
  Device same(0x2000, 0x2000), inside(0x2800, 0x10), around(0x1000, 0x4000), below(0x1000, 0x1001), above(0x3fff, 2);
  for (Device* const other : {&same, &inside, &around, &below, &above}) EXPECT_FALSE(bus.add(*other));
  EXPECT_EQ(bus.end() - bus.begin(), 1);
  Device before(0x1000, 0x1000), after(0x4000, 1);
  EXPECT_TRUE(bus.add(before));
  EXPECT_TRUE(bus.add(after));
}

TEST(MmioBus, refuses_more_devices_than_it_has_room_for) {
  Bus bus;
  std::deque<Device> devices;
  for (size_t i = 0; i < capacity; ++i) ASSERT_TRUE(bus.add(devices.emplace_back(i * 0x1000, 0x1000)));
  EXPECT_FALSE(bus.add(devices.emplace_back(capacity * 0x1000, 0x1000)));
  for (size_t i = 0; i < capacity; ++i) EXPECT_EQ(bus.find(GuestPhys(i * 0x1000 + 0xfff)), &devices[i]);
}

TEST(MmioBus, agrees_with_a_search_through_all_windows) {
  std::mt19937_64 random(1);
  for (unsigned round = 0; round < 200; ++round) {
    Bus bus;
    std::deque<Device> devices;
    for (unsigned i = 0; i < capacity; ++i) {
      const uint64_t start = random() % 0x100, size = 1 + random() % 0x20;
      Device& device = devices.emplace_back(start, size);
      if (!bus.add(device)) devices.pop_back();
    }
    for (uint64_t place = 0; place < 0x140; ++place) {
      MmioDevice* expected = nullptr;
      for (Device& device : devices) {
        if (device.window().contains(GuestPhys(place))) expected = &device;
      }
      EXPECT_EQ(bus.find(GuestPhys(place)), expected) << place;
    }
  }
}

}  // namespace

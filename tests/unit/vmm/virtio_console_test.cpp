// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/console.hpp"

#include <gtest/gtest.h>

#include <string_view>

#include "virtio_driver.hpp"

namespace {

using vmm::test::VirtioDriver;
using vmm::virtio::ConsoleDevice;
namespace feature = vmm::virtio::feature;

constexpr uint32_t receive = 0, transmit = 1;

class VirtioConsole : public testing::Test {
 protected:
  static constexpr uint64_t place = VirtioDriver::buffers;

  // The driver's helper knows one queue: that of `queue`.
  void start(uint32_t queue) {
    fixture.memory.clear(VirtioDriver::table, VirtioDriver::buffers - VirtioDriver::table);
    EXPECT_EQ(driver.negotiate(feature::version_1), 0xbU);
    driver.set_up_queue(8, queue);
    driver.bus.write(VirtioDriver::status, 0xf);
  }
  void put(uint64_t at, std::string_view text) {
    for (const char c : text) fixture.memory.put(at++, c);
  }
  std::string got(uint64_t at, size_t size) {
    std::string text;
    while (text.size() < size) text += fixture.memory.get<char>(at + text.size());
    return text;
  }
  size_t type(std::string_view text) {
    return device.receive({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  void offer(uint16_t head, const std::vector<VirtioDriver::Part>& parts) {
    driver.chain(head, parts);
    driver.make_available(head);
  }

  config::VmConfig config;
  vmm::test::DeviceFixture fixture{{}, config};
  ConsoleDevice device{fixture.site(config), fixture.port};
  VirtioDriver driver{device, fixture.irqs, fixture.memory};
};

TEST_F(VirtioConsole, has_one_port_and_an_emergency_register) {
  EXPECT_EQ(driver.bus.read(VirtioDriver::device_id), 3U);
  EXPECT_EQ(driver.offered() & 0xff'ffff, 4U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::config), 0U) << "no size is offered";
  EXPECT_EQ(driver.bus.read(VirtioDriver::config + 4), 1U);
}

TEST_F(VirtioConsole, shows_emergency_writes_before_there_is_a_driver) {
  driver.bus.write(VirtioDriver::config + 8, 0xffff'ff00U + 'a');
  driver.bus.write(VirtioDriver::config + 8, 'b', 1);
  driver.bus.write(VirtioDriver::config, 'c');
  driver.bus.write(VirtioDriver::config + 4, 'd');
  EXPECT_EQ(fixture.port.sent, "ab");
  fixture.port.room = 0;
  driver.bus.write(VirtioDriver::config + 8, 'e');
  EXPECT_EQ(fixture.port.sent, "ab") << "one without room is lost";
}

TEST_F(VirtioConsole, sends_what_the_guest_made_available_and_nothing_of_what_it_may_write) {
  start(transmit);
  put(place, "hello");
  put(place + 0x100, ", world");
  offer(0, {{place, 5}, {place + 0x100, 7}, {place + 0x200, 3, true}});
  driver.notify(transmit);
  EXPECT_EQ(fixture.port.sent, "hello, world");
  const auto used = driver.take_used();
  ASSERT_EQ(used.size(), 1U);
  EXPECT_EQ(used[0].size, 0U);
}

TEST_F(VirtioConsole, holds_a_buffer_until_the_port_has_taken_all_of_it) {
  start(transmit);
  put(place, "0123456789");
  offer(0, {{place, 10}});
  offer(1, {{place, 2}});
  fixture.port.room = 4;
  driver.notify(transmit);
  EXPECT_EQ(fixture.port.sent, "0123");
  EXPECT_TRUE(driver.take_used().empty());
  fixture.port.room = 3;
  device.transmit_ready();
  EXPECT_EQ(fixture.port.sent, "0123456");
  EXPECT_TRUE(driver.take_used().empty());
  fixture.port.room = 100;
  device.transmit_ready();
  EXPECT_EQ(fixture.port.sent, "012345678901");
  EXPECT_EQ(driver.take_used().size(), 2U);
}

TEST_F(VirtioConsole, forgets_a_buffer_that_waits_when_it_is_reset) {
  start(transmit);
  put(place, "old");
  offer(0, {{place, 3}});
  fixture.port.room = 1;
  driver.notify(transmit);
  driver.bus.write(VirtioDriver::status, 0);
  fixture.port.room = 100;
  device.transmit_ready();
  EXPECT_EQ(fixture.port.sent, "o");
  start(transmit);
  put(place, "new");
  offer(0, {{place, 3}});
  driver.notify(transmit);
  EXPECT_EQ(fixture.port.sent, "onew");
}

TEST_F(VirtioConsole, leaves_much_output_to_the_worker) {
  start(transmit);
  offer(0, {{place, 0x4000}});
  driver.notify(transmit);
  const size_t at_once = fixture.port.sent.size();
  EXPECT_GT(at_once, 0U);
  EXPECT_LE(at_once, vmm::virtio::VirtioDevice::per_exit / ConsoleDevice::byte_cost);
  while (fixture.worker.has_work()) fixture.worker.step();
  EXPECT_EQ(fixture.port.sent.size(), 0x4000U);
  EXPECT_EQ(driver.take_used().size(), 1U);
}

TEST_F(VirtioConsole, puts_what_is_typed_into_the_guests_buffers) {
  start(receive);
  offer(0, {{place, 4, true}});
  offer(1, {{place + 0x100, 2, true}, {place + 0x200, 8, true}});
  driver.notify(receive);
  EXPECT_EQ(type("abcdefg"), 7U);
  const auto used = driver.take_used();
  ASSERT_EQ(used.size(), 2U);
  EXPECT_EQ(used[0].size, 4U);
  EXPECT_EQ(used[1].size, 3U);
  EXPECT_EQ(got(place, 4), "abcd");
  EXPECT_EQ(got(place + 0x100, 2), "ef");
  EXPECT_EQ(got(place + 0x200, 1), "g");
  EXPECT_TRUE(fixture.irqs.level(VirtioDriver::irq));
}

TEST_F(VirtioConsole, says_that_there_is_room_only_to_whom_it_refused_something) {
  start(receive);
  offer(0, {{place, 2, true}});
  driver.notify(receive);
  EXPECT_EQ(fixture.port.ready_calls, 0U);
  EXPECT_EQ(type("abcd"), 2U);
  offer(1, {{place, 8, true}});
  EXPECT_EQ(fixture.port.ready_calls, 0U);
  driver.notify(receive);
  EXPECT_EQ(fixture.port.ready_calls, 1U);
  EXPECT_EQ(type("cd"), 2U);
  driver.notify(receive);
  EXPECT_EQ(fixture.port.ready_calls, 1U);
}

TEST_F(VirtioConsole, keeps_what_was_typed_before_there_was_a_driver) {
  EXPECT_EQ(type("early"), 0U);
  start(receive);
  offer(0, {{place, 16, true}});
  driver.notify(receive);
  EXPECT_EQ(fixture.port.ready_calls, 1U);
  EXPECT_EQ(type("early"), 5U);
}

TEST_F(VirtioConsole, breaks_on_buffers_that_are_none) {
  start(transmit);
  offer(0, {{0x1000, 4}});
  driver.notify(transmit);
  EXPECT_TRUE(driver.needs_reset());
  for (const VirtioDriver::Part& part : {VirtioDriver::Part{0x1000, 4, true}, VirtioDriver::Part{place, 4}}) {
    start(receive);
    offer(0, {part});
    driver.notify(receive);
    EXPECT_EQ(type("x"), 0U);
    EXPECT_TRUE(driver.needs_reset());
  }
  start(receive);
  offer(0, {{place, 4, true}});
  driver.notify(receive);
  EXPECT_EQ(type("x"), 1U) << "a reset mends it";
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/device.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "virtio_driver.hpp"

namespace {

using vmm::test::DeviceFixture;
using vmm::test::VirtioDriver;
using vmm::virtio::Budget;
using vmm::virtio::Chain;
using vmm::virtio::Cursor;
using vmm::virtio::DeviceType;
using vmm::virtio::Queue;
namespace feature = vmm::virtio::feature;

constexpr uint64_t own_feature = 1, refused_feature = 2;

// Copies what it reads, byte plus one, into what it may write.
class Echo final : public vmm::virtio::VirtioDevice {
 public:
  explicit Echo(const vmm::DeviceSite& site)
      : VirtioDevice(DeviceType::entropy, "echo", site, own_feature | refused_feature, {16, 8}) {}

  void change_configuration() {
    const hal::LockGuard guard(lock);
    configuration_bytes[0] = std::byte{0x55};
    configuration_changed();
  }

  std::array<std::byte, 6> configuration_bytes{std::byte{1}, std::byte{2}, std::byte{3},
                                               std::byte{4}, std::byte{5}, std::byte{6}};
  unsigned starts = 0, stops = 0;
  std::vector<uint32_t> configured;
  uint64_t cost = 1;

 private:
  bool features_are_acceptable(uint64_t features) const override { return (features & refused_feature) == 0; }
  void start(uint64_t) override { ++starts; }
  void stop() override { ++stops; }
  std::span<const std::byte> configuration() const override { return configuration_bytes; }
  void configure(uint32_t offset, std::span<const std::byte> bytes) override {
    configured.push_back(offset);
    configured.push_back(static_cast<uint32_t>(bytes.size()));
  }
  Served serve(uint16_t index, Budget& budget) override PLINTH_REQUIRES(lock) {
    while (!budget.is_spent()) {
      const Queue::Taken taken = queue(index).take(memory(), chain_);
      if (taken != Queue::Taken::chain) return Served::all;
      budget.spend(cost);
      Cursor from(chain_.readable(), vmm::DeviceMemory::Use::read),
          to(chain_.writable(), vmm::DeviceMemory::Use::write);
      uint32_t written = 0;
      for (std::array<std::byte, 1> byte{}; from.read(memory(), byte); ++written) {
        byte[0] = static_cast<std::byte>(static_cast<unsigned>(byte[0]) + 1);
        if (!to.write(memory(), byte)) break;
      }
      queue(index).give_back(memory(), chain_.head, written);
    }
    return Served::more;
  }
  Chain chain_;
};

class Virtio : public testing::Test {
 protected:
  static constexpr uint64_t a = VirtioDriver::buffers, b = a + 0x1000, c = a + 0x2000;
  void fill(uint64_t place, std::initializer_list<int> bytes) {
    for (const int byte : bytes) fixture.memory.put(place++, static_cast<uint8_t>(byte));
  }
  std::vector<int> bytes(uint64_t place, size_t count) {
    std::vector<int> all;
    for (size_t i = 0; i < count; ++i) all.push_back(fixture.memory.get<uint8_t>(place + i));
    return all;
  }
  void echo_one(uint16_t head = 0) {
    driver.chain(head, {{a, 2}, {b, 2, true}});
    driver.make_available(head);
  }
  [[nodiscard]] bool interrupted() { return fixture.irqs.level(VirtioDriver::irq); }
  void broken_with(std::string why) {
    driver.notify();
    EXPECT_TRUE(driver.needs_reset());
    EXPECT_EQ(driver.bus.read(VirtioDriver::interrupt_status) & 2, 2U) << "a configuration change tells the driver";
    EXPECT_EQ(fixture.owner.reports, (std::vector<std::string>{"echo: " + why}));
    EXPECT_TRUE(driver.take_used().empty());
  }

  config::VmConfig config;
  DeviceFixture fixture{{}, config};
  Echo device{fixture.site(config)};
  VirtioDriver driver{device, fixture.irqs, fixture.memory};
};

// --- registers -------------------------------------------------------------------------------------------------------

TEST_F(Virtio, says_what_it_is) {
  EXPECT_EQ(driver.bus.read(VirtioDriver::magic), 0x7472'6976U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::version), 2U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::device_id), 4U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::shm_length), 0xffff'ffffU);
  EXPECT_EQ(driver.bus.read(VirtioDriver::magic, 2), 0U) << "registers are 32 bits wide";
  driver.bus.write(VirtioDriver::queue_sel, 1);
  EXPECT_EQ(driver.bus.read(VirtioDriver::queue_num_max), 8U);
  driver.bus.write(VirtioDriver::queue_sel, 2);
  EXPECT_EQ(driver.bus.read(VirtioDriver::queue_num_max), 0U);
  driver.bus.write(VirtioDriver::queue_sel, 0xffff'ffff);
  EXPECT_EQ(driver.bus.read(VirtioDriver::queue_num_max), 0U);
}

TEST_F(Virtio, offers_its_features_in_words) {
  EXPECT_EQ(driver.offered(), own_feature | refused_feature | feature::version_1 | feature::event_idx |
                                  feature::indirect_descriptors | feature::ring_reset);
  driver.bus.write(VirtioDriver::device_features_sel, 2);
  EXPECT_EQ(driver.bus.read(VirtioDriver::device_features), 0U);
}

TEST_F(Virtio, refuses_features_that_it_did_not_offer_or_that_do_not_fit) {
  EXPECT_EQ(driver.negotiate(feature::version_1 | own_feature), 0xbU);
  EXPECT_EQ(driver.negotiate(own_feature), 3U) << "without VERSION_1";
  EXPECT_EQ(driver.negotiate(feature::version_1 | 1 << 5), 3U) << "not offered";
  EXPECT_EQ(driver.negotiate(feature::version_1 | refused_feature), 3U) << "the device refuses it";
  driver.bus.write(VirtioDriver::status, 0);
  driver.accept(feature::version_1);
  driver.bus.write(VirtioDriver::driver_features_sel, 2);
  driver.bus.write(VirtioDriver::driver_features, 1);
  driver.bus.write(VirtioDriver::status, 0xb);
  EXPECT_EQ(driver.bus.read(VirtioDriver::status), 3U) << "beyond the words there are";
}

TEST_F(Virtio, keeps_what_was_agreed_on) {
  driver.negotiate(feature::version_1);
  driver.accept(feature::version_1 | refused_feature);
  driver.bus.write(VirtioDriver::status, 0xb);
  EXPECT_EQ(driver.bus.read(VirtioDriver::status), 0xbU);
  const hal::LockGuard guard(device.lock);
  EXPECT_EQ(device.accepted_features(0), 0U);
}

TEST_F(Virtio, is_not_ready_before_the_features_are_agreed_on) {
  driver.bus.write(VirtioDriver::status, 0x7);
  EXPECT_EQ(driver.bus.read(VirtioDriver::status), 3U);
  EXPECT_EQ(device.starts, 0U);
}

TEST_F(Virtio, only_sets_status_bits_until_it_is_reset) {
  driver.start();
  driver.bus.write(VirtioDriver::status, 0x1);
  EXPECT_EQ(driver.bus.read(VirtioDriver::status), 0xfU);
  driver.bus.write(VirtioDriver::status, 0x4f);
  EXPECT_EQ(driver.bus.read(VirtioDriver::status), 0xfU) << "DEVICE_NEEDS_RESET is the device's";
  driver.bus.write(VirtioDriver::status, 0x8f);
  EXPECT_EQ(driver.bus.read(VirtioDriver::status), 0x8fU);
  echo_one();
  driver.notify();
  EXPECT_TRUE(driver.take_used().empty()) << "the driver has given the device up";
}

TEST_F(Virtio, forgets_everything_at_a_reset) {
  driver.start();
  echo_one();
  driver.notify();
  EXPECT_TRUE(interrupted());
  driver.bus.write(VirtioDriver::status, 0);
  EXPECT_FALSE(interrupted());
  EXPECT_EQ(device.stops, 1U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::status), 0U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::queue_ready), 0U);
  driver.start();
  echo_one();
  driver.notify();
  EXPECT_EQ(driver.take_used().size(), 1U);
}

TEST_F(Virtio, shows_its_configuration_at_any_width) {
  EXPECT_EQ(driver.bus.read(VirtioDriver::config, 4), 0x0403'0201U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::config + 1, 1), 2U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::config + 4, 4), 0x0605U) << "what lies beyond it is 0";
  EXPECT_EQ(driver.bus.read(VirtioDriver::config + 0xf8, 8), 0U);
  driver.bus.write(VirtioDriver::config + 2, 9, 2);
  EXPECT_EQ(device.configured, (std::vector<uint32_t>{2, 2}));
}

TEST_F(Virtio, counts_changes_of_its_configuration) {
  driver.start();
  const uint64_t before = driver.bus.read(VirtioDriver::generation);
  device.change_configuration();
  EXPECT_NE(driver.bus.read(VirtioDriver::generation), before);
  EXPECT_EQ(driver.bus.read(VirtioDriver::interrupt_status), 2U);
  EXPECT_TRUE(interrupted());
  driver.bus.write(VirtioDriver::interrupt_ack, 2);
  EXPECT_FALSE(interrupted());
}

TEST(VirtioWindows, without_a_device_say_so_and_no_more) {
  vmm::virtio::EmptyMmioWindows windows(hal::GuestPhys(0x0a00'0000), 31);
  vmm::test::Bus bus(windows);
  EXPECT_EQ(windows.window().size, 31U * 0x200);
  for (const uint64_t window : {0U, 30U * 0x200}) {
    for (uint64_t offset = 0; offset < 0x200; offset += 4) {
      const uint64_t expected = offset == 0 ? 0x7472'6976 : offset == 4 ? 2 : offset == 12 ? 0x554d'4551 : 0;
      EXPECT_EQ(bus.read(window + offset), expected) << offset;
    }
  }
  EXPECT_EQ(bus.read(0, 1), 0U);
}

// --- queues ----------------------------------------------------------------------------------------------------------

TEST_F(Virtio, answers_a_chain) {
  driver.start();
  fill(a, {1, 2, 3, 4});
  driver.chain(3, {{a, 3}, {a + 3, 1}, {b, 2, true}, {c, 8, true}});
  driver.make_available(3);
  driver.notify();
  const auto used = driver.take_used();
  ASSERT_EQ(used.size(), 1U);
  EXPECT_EQ(used[0].id, 3U);
  EXPECT_EQ(used[0].size, 4U);
  EXPECT_EQ(bytes(b, 3), (std::vector<int>{2, 3, 0}));
  EXPECT_EQ(bytes(c, 3), (std::vector<int>{4, 5, 0}));
  EXPECT_TRUE(interrupted());
}

TEST_F(Virtio, answers_nothing_before_the_driver_is_ready) {
  driver.negotiate(feature::version_1);
  driver.set_up_queue(8);
  echo_one();
  driver.notify();
  EXPECT_TRUE(driver.take_used().empty());
  driver.bus.write(VirtioDriver::status, 0xf);
  driver.notify();
  EXPECT_EQ(driver.take_used().size(), 1U);
}

TEST_F(Virtio, goes_on_where_the_indices_wrap) {
  driver.start(feature::version_1 | feature::event_idx, 16);
  for (uint16_t head = 0; head < 16; head += 2) driver.chain(head, {{a, 2}, {b, 2, true}});
  for (unsigned done = 0; done < 0x1'0100; done += 8) {
    driver.wish_interrupt_after(driver.next_used);
    for (uint16_t head = 0; head < 16; head += 2) driver.make_available(head);
    driver.notify();
    const auto used = driver.take_used();
    ASSERT_EQ(used.size(), 8U) << done;
    ASSERT_EQ(used[7].id, 14U);
    ASSERT_EQ(driver.bus.read(VirtioDriver::interrupt_status), 1U) << done;
    ASSERT_EQ(driver.wished_notification(), driver.next_available);
    driver.bus.write(VirtioDriver::interrupt_ack, 1);
  }
}

TEST_F(Virtio, interrupts_only_where_the_driver_wants_it) {
  driver.start();
  driver.memory.put<uint16_t>(VirtioDriver::driver_ring, 1);
  echo_one();
  driver.notify();
  EXPECT_EQ(driver.take_used().size(), 1U);
  EXPECT_FALSE(interrupted()) << "by flag";

  driver.start(feature::version_1 | feature::event_idx);
  driver.memory.put<uint16_t>(VirtioDriver::driver_ring, 1);
  driver.wish_interrupt_after(2);
  for (unsigned i = 0; i < 4; ++i) {
    EXPECT_EQ(interrupted(), i > 2) << "after the third";
    echo_one(static_cast<uint16_t>(i * 2));
    driver.notify();
  }
}

TEST_F(Virtio, interrupts_once_for_a_batch) {
  driver.start(feature::version_1 | feature::event_idx);
  for (uint16_t i = 0; i < 4; ++i) echo_one(static_cast<uint16_t>(i * 2));
  driver.notify();
  EXPECT_EQ(driver.take_used().size(), 4U);
  EXPECT_EQ(device.counts().interrupts.load(), 1U);
  EXPECT_EQ(driver.wished_notification(), 4U);
}

TEST_F(Virtio, follows_an_indirect_table) {
  driver.start(feature::version_1 | feature::indirect_descriptors);
  fill(a, {7, 8});
  driver.chain(0, {{a, 2}, {b, 4, true}}, c);
  driver.descriptor(5, c, 32, VirtioDriver::indirect_flag);
  driver.make_available(5);
  // An ordinary descriptor before the table.
  driver.descriptor(6, a, 1, VirtioDriver::next_flag, 7);
  driver.descriptor(7, c, 32, VirtioDriver::indirect_flag);
  driver.make_available(6);
  driver.notify();
  const auto used = driver.take_used();
  ASSERT_EQ(used.size(), 2U);
  EXPECT_EQ(used[0].id, 5U);
  EXPECT_EQ(used[0].size, 2U);
  EXPECT_EQ(used[1].size, 3U);
  EXPECT_EQ(bytes(b, 4), (std::vector<int>{8, 8, 9, 0}));
}

TEST_F(Virtio, crosses_pieces_of_ram) {
  driver.memory.add(VirtioDriver::ram + VirtioDriver::ram_size, 0x1000);
  driver.memory.add(VirtioDriver::ram + VirtioDriver::ram_size + 0x1000, 0x1000);
  const uint64_t edge = VirtioDriver::ram + VirtioDriver::ram_size;
  driver.start();
  fill(edge - 1, {1});
  fill(edge, {2, 3});
  driver.chain(0, {{edge - 1, 3}, {edge + 0xffe, 4, true}});
  driver.make_available(0);
  driver.notify();
  EXPECT_EQ(driver.take_used().at(0).size, 3U);
  EXPECT_EQ(bytes(edge + 0xffe, 2), (std::vector<int>{2, 3}));
  EXPECT_EQ(bytes(edge + 0x1000, 1), (std::vector<int>{4}));
}

TEST_F(Virtio, resets_a_queue_alone) {
  driver.start(feature::version_1 | feature::ring_reset);
  echo_one();
  driver.notify();
  driver.bus.write(VirtioDriver::queue_reset, 1);
  EXPECT_EQ(driver.bus.read(VirtioDriver::queue_reset), 0U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::queue_ready), 0U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::status), 0xfU);
  for (uint64_t at = VirtioDriver::driver_ring; at < VirtioDriver::buffers; at += 8) driver.memory.put<uint64_t>(at, 0);
  driver.set_up_queue(4);
  echo_one();
  driver.notify();
  EXPECT_EQ(driver.take_used().size(), 1U);
}

// --- work that takes long --------------------------------------------------------------------------------------------

TEST_F(Virtio, leaves_what_is_too_much_for_an_exit_to_the_worker) {
  driver.start();
  device.cost = Echo::piece;
  for (uint16_t i = 0; i < 4; ++i) echo_one(static_cast<uint16_t>(i * 2));
  driver.notify();
  EXPECT_EQ(driver.take_used().size(), 4U);
  ASSERT_TRUE(fixture.worker.has_work());
  for (uint16_t i = 0; i < 2; ++i) echo_one(static_cast<uint16_t>(i * 2));
  driver.notify();
  EXPECT_TRUE(driver.take_used().empty()) << "the worker is at it";
  fixture.worker.step();
  EXPECT_EQ(driver.take_used().size(), 1U);
  fixture.worker.step();
  fixture.worker.step();
  EXPECT_EQ(driver.take_used().size(), 1U);
  EXPECT_FALSE(fixture.worker.has_work());
  echo_one();
  driver.notify();
  EXPECT_EQ(driver.take_used().size(), 1U);
}

TEST_F(Virtio, has_no_work_left_after_a_reset) {
  driver.start();
  device.cost = Echo::piece;
  for (uint16_t i = 0; i < 4; ++i) echo_one(static_cast<uint16_t>(i * 2));
  driver.notify();
  driver.take_used();
  driver.make_available(0);
  driver.bus.write(VirtioDriver::status, 0);
  fixture.worker.step();
  EXPECT_TRUE(driver.take_used().empty());
  EXPECT_FALSE(fixture.worker.has_work());
}

// --- a hostile driver ------------------------------------------------------------------------------------------------

TEST_F(Virtio, breaks_at_a_loop) {
  driver.start();
  driver.descriptor(0, a, 1, VirtioDriver::next_flag, 1);
  driver.descriptor(1, a, 1, VirtioDriver::next_flag, 0);
  driver.make_available(0);
  broken_with("a descriptor chain longer than its queue");
}

TEST_F(Virtio, breaks_at_a_head_beyond_the_table) {
  driver.start();
  driver.make_available(8);
  broken_with("a descriptor's number is beyond its table");
}

TEST_F(Virtio, breaks_at_a_next_beyond_the_table) {
  driver.start();
  driver.descriptor(0, a, 1, VirtioDriver::next_flag, 0xffff);
  driver.make_available(0);
  broken_with("a descriptor's number is beyond its table");
}

TEST_F(Virtio, breaks_at_a_buffer_to_read_behind_one_to_write) {
  driver.start();
  driver.chain(0, {{a, 1, true}, {b, 1}});
  driver.make_available(0);
  broken_with("a buffer to read behind one to write");
}

TEST_F(Virtio, breaks_at_an_empty_buffer) {
  driver.start();
  driver.chain(0, {{a, 0}});
  driver.make_available(0);
  broken_with("a buffer without a byte");
}

TEST_F(Virtio, breaks_at_a_buffer_that_wraps) {
  driver.start();
  driver.chain(0, {{~uint64_t{0}, 2}});
  driver.make_available(0);
  broken_with("a buffer at an impossible address");
}

TEST_F(Virtio, breaks_where_more_is_available_than_the_queue_has) {
  driver.start();
  driver.memory.put<uint16_t>(VirtioDriver::driver_ring + 2, 9);
  broken_with("more buffers available than its queue has");
}

TEST_F(Virtio, breaks_where_the_index_goes_back) {
  driver.start();
  echo_one();
  driver.notify();
  driver.take_used();
  driver.memory.put<uint16_t>(VirtioDriver::driver_ring + 2, 0);
  broken_with("more buffers available than its queue has");
}

TEST_F(Virtio, breaks_at_an_indirect_table_that_is_not_allowed) {
  const auto attempt = [&](uint64_t features, uint64_t place, uint32_t size, uint16_t flags, std::string why) {
    fixture.owner.reports.clear();
    driver.transport().reset();
    driver.start(features);
    driver.descriptor(0, place, size, flags, 1);
    driver.make_available(0);
    broken_with(why);
  };
  constexpr uint64_t features = feature::version_1 | feature::indirect_descriptors;
  constexpr uint16_t flag = VirtioDriver::indirect_flag;
  attempt(feature::version_1, c, 16, flag, "an indirect descriptor, which was not negotiated");
  attempt(features, c, 16, flag | VirtioDriver::next_flag, "an indirect descriptor with a next one");
  attempt(features, c, 0, flag, "an indirect table whose size is not that of descriptors");
  attempt(features, c, 24, flag, "an indirect table whose size is not that of descriptors");
  attempt(features, c + 1, 16, flag, "an indirect table at an impossible address");
  attempt(features, ~uint64_t{0} - 7, 16, flag, "an indirect table at an impossible address");
  attempt(features, 0x1000, 16, flag, "a descriptor table is not in RAM");
  driver.descriptor(0, c, 16, flag, 0, c);
  attempt(features, c, 16, flag, "an indirect descriptor in an indirect table");
  driver.descriptor(0, a, 1, VirtioDriver::next_flag, 1, c);
  attempt(features, c, 16, flag, "a descriptor's number is beyond its table");
  for (uint16_t i = 0; i < 9; ++i) driver.descriptor(i, a, 1, VirtioDriver::next_flag, static_cast<uint16_t>(i + 1), c);
  attempt(features, c, 160, flag, "a descriptor chain longer than its queue");
}

TEST_F(Virtio, breaks_at_a_queue_of_an_impossible_setup) {
  const auto attempt = [&](uint16_t size, uint64_t descriptors, uint64_t available, uint64_t used) {
    fixture.owner.reports.clear();
    driver.transport().reset();
    driver.negotiate(feature::version_1);
    driver.bus.write(VirtioDriver::queue_num, size);
    driver.write_address(VirtioDriver::queue_desc, descriptors);
    driver.write_address(VirtioDriver::queue_driver, available);
    driver.write_address(VirtioDriver::queue_device, used);
    driver.bus.write(VirtioDriver::queue_ready, 1);
    EXPECT_EQ(driver.bus.read(VirtioDriver::queue_ready), 0U);
    EXPECT_TRUE(driver.needs_reset());
    EXPECT_EQ(fixture.owner.reports.size(), 1U);
  };
  attempt(0, a, b, c);
  attempt(3, a, b, c);
  attempt(32, a, b, c);
  attempt(8, a + 8, b, c);
  attempt(8, a, b + 1, c);
  attempt(8, a, b, c + 2);
  attempt(8, ~uint64_t{0} - 15, b, c);
  attempt(8, a, ~uint64_t{0} - 7, c);
  attempt(8, a, b, ~uint64_t{0} - 7);
}

TEST_F(Virtio, breaks_where_its_rings_are_not_in_ram) {
  for (const uint64_t at : {VirtioDriver::queue_desc, VirtioDriver::queue_driver, VirtioDriver::queue_device}) {
    fixture.owner.reports.clear();
    driver.transport().reset();
    driver.negotiate(feature::version_1);
    driver.write_address(VirtioDriver::queue_desc, VirtioDriver::table);
    driver.write_address(VirtioDriver::queue_driver, VirtioDriver::driver_ring);
    driver.write_address(VirtioDriver::queue_device, VirtioDriver::device_ring);
    driver.write_address(at, 0x1'0000'0000);
    driver.bus.write(VirtioDriver::queue_num, 8);
    driver.bus.write(VirtioDriver::queue_ready, 1);
    driver.bus.write(VirtioDriver::status, 0xf);
    driver.next_available = 0;
    for (uint64_t slot = VirtioDriver::driver_ring; slot < VirtioDriver::buffers; slot += 8) {
      driver.memory.put<uint64_t>(slot, 0);
    }
    echo_one();
    driver.notify();
    EXPECT_TRUE(driver.needs_reset());
    EXPECT_EQ(fixture.owner.reports.size(), 1U);
  }
}

TEST_F(Virtio, does_not_write_where_the_guest_may_not) {
  driver.memory.add(0x8000'0000, 0x1000, false);
  driver.start();
  driver.chain(0, {{a, 2}, {0x8000'0000, 2, true}});
  driver.make_available(0);
  driver.notify();
  EXPECT_EQ(driver.take_used().at(0).size, 0U);
}

TEST_F(Virtio, is_repaired_by_a_reset_and_says_little_of_a_driver_that_breaks_it_again_and_again) {
  for (unsigned i = 0; i < 20; ++i) {
    driver.start();
    driver.make_available(8);
    driver.notify();
    EXPECT_TRUE(driver.needs_reset());
  }
  EXPECT_LE(fixture.owner.reports.size(), 4U);
  EXPECT_EQ(device.counts().errors.load(), 20U);
  driver.start();
  echo_one();
  driver.notify();
  EXPECT_EQ(driver.take_used().size(), 1U);
}

TEST_F(Virtio, survives_random_rings) {
  std::mt19937 random(1);
  const auto any = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
  unsigned answered = 0;
  for (unsigned round = 0; round < 1000; ++round) {
    if (round % 8 == 0 || driver.needs_reset()) {
      driver.start(feature::version_1 | (any(2) != 0 ? feature::event_idx : 0) |
                   (any(2) != 0 ? feature::indirect_descriptors : 0));
    }
    for (uint16_t i = 0; i < 8; ++i) {
      const uint64_t place = any(16) == 0 ? any(0xffff'ffff) : VirtioDriver::buffers + any(0x8000) * 8;
      const auto flags = static_cast<uint16_t>(any(8) == 0 ? any(16) : any(2) * VirtioDriver::write_flag);
      driver.descriptor(i, place, any(64) == 0 ? 0xffff'ffff : any(64) + 1, flags, static_cast<uint16_t>(any(9)));
    }
    for (unsigned n = any(4); n > 0; --n)
      driver.make_available(static_cast<uint16_t>(any(64) == 0 ? any(0x1'0000) : any(8)));
    driver.notify(any(3));
    while (fixture.worker.has_work()) fixture.worker.step();
    answered += static_cast<unsigned>(driver.take_used().size());
  }
  EXPECT_GT(answered, 50U);
}

}  // namespace

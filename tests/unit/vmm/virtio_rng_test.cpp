// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/rng.hpp"

#include <gtest/gtest.h>

#include "virtio_driver.hpp"

namespace {

using vmm::test::VirtioDriver;
using vmm::virtio::Rng;

class VirtioRng : public testing::Test {
 protected:
  static constexpr uint64_t place = VirtioDriver::buffers;
  void ask(uint16_t head, const std::vector<VirtioDriver::Part>& parts) {
    driver.chain(head, parts);
    driver.make_available(head);
  }

  config::VmConfig config;
  vmm::test::DeviceFixture fixture{{}, config};
  Rng device{fixture.site(config)};
  VirtioDriver driver{device, fixture.irqs, fixture.memory};
};

TEST_F(VirtioRng, is_an_entropy_device_without_features_or_a_configuration_of_its_own) {
  EXPECT_EQ(driver.bus.read(VirtioDriver::device_id), 4U);
  EXPECT_EQ(driver.offered() & 0xff'ffff, 0U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::config), 0U);
}

TEST_F(VirtioRng, fills_what_it_may_write_and_says_how_much) {
  driver.start();
  ask(0, {{place + 0x100, 8}, {place, 70, true}, {place + 0x200, 30, true}});
  driver.notify();
  const auto used = driver.take_used();
  ASSERT_EQ(used.size(), 1U);
  EXPECT_EQ(used[0].size, 100U);
  for (uint64_t n = 0; n < 70; ++n) EXPECT_EQ(fixture.memory.get<uint8_t>(place + n), n + 1);
  for (uint64_t n = 0; n < 30; ++n) EXPECT_EQ(fixture.memory.get<uint8_t>(place + 0x200 + n), n + 71);
  EXPECT_EQ(fixture.memory.get<uint8_t>(place + 70), 0U) << "behind the buffer";
  EXPECT_EQ(fixture.random.given, 100U) << "what was made is given to nobody else";
}

TEST_F(VirtioRng, gives_no_more_than_a_kilobyte_at_once) {
  driver.start();
  ask(0, {{place, 0x1'0000, true}});
  driver.notify();
  const auto used = driver.take_used();
  ASSERT_EQ(used.size(), 1U);
  EXPECT_EQ(used[0].size, Rng::max_request);
  EXPECT_EQ(fixture.random.given, Rng::max_request);
}

TEST_F(VirtioRng, makes_four_kilobytes_in_an_exit_and_leaves_the_rest_to_the_worker) {
  driver.start();
  for (uint16_t n = 0; n < 6; ++n) ask(n, {{place + n * 0x1000, 0x1000, true}});
  driver.notify();
  EXPECT_EQ(driver.take_used().size(), 4U);
  ASSERT_TRUE(fixture.worker.has_work());
  fixture.worker.step();
  EXPECT_EQ(driver.take_used().size(), 1U);
  while (fixture.worker.has_work()) fixture.worker.step();
  EXPECT_EQ(driver.take_used().size(), 1U);
}

TEST_F(VirtioRng, breaks_on_a_request_that_it_cannot_answer) {
  for (const VirtioDriver::Part& part : {VirtioDriver::Part{place, 16}, VirtioDriver::Part{0x1000, 16, true}}) {
    driver.start();
    ask(0, {part});
    driver.notify();
    EXPECT_TRUE(driver.needs_reset());
    EXPECT_TRUE(driver.take_used().empty());
  }
  driver.start();
  ask(0, {{place, 16, true}});
  driver.notify();
  EXPECT_EQ(driver.take_used().size(), 1U) << "a reset mends it";
}

}  // namespace

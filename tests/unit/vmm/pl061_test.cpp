// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/pl061.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "device_fakes.hpp"

namespace {

using vmm::test::Bus;
using vmm::test::FakeIrqs;
using vmm::test::FakeTimer;

constexpr vmm::VirtualIrq irq{39};
constexpr uint64_t data = 0x3fc, dir = 0x400, is = 0x404, ibe = 0x408, iev = 0x40c, ie = 0x410, ris = 0x414,
                   mis = 0x418, ic = 0x41c, afsel = 0x420;
constexpr uint64_t key = 8;

class Pl061 : public testing::Test {
 protected:
  FakeIrqs irqs;
  FakeTimer timer;
  vmm::Pl061 gpio{hal::GuestPhys(0x903'0000), {irqs, irq}, timer};
  Bus bus{gpio};
};

TEST_F(Pl061, identifies_itself) {
  const std::vector<uint64_t> expected{0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(bus.read(0xfe0 + 4 * i), expected[i]);
}

TEST_F(Pl061, begins_with_eight_inputs_that_are_low_and_silent) {
  for (uint64_t offset = 0; offset < 0xfe0; offset += 4) EXPECT_EQ(bus.read(offset), 0U) << std::hex << offset;
  EXPECT_EQ(irqs.calls, 0U);
}

TEST_F(Pl061, has_nobody_to_press_the_key_for_until_its_interrupt_is_enabled) {
  EXPECT_FALSE(gpio.press_power_key());
  bus.write(ie, 0xff & ~key);
  EXPECT_FALSE(gpio.press_power_key());
  bus.write(ie, key);
  bus.write(dir, key);
  EXPECT_FALSE(gpio.press_power_key()) << "an output";
  bus.write(dir, 0);
  EXPECT_TRUE(gpio.press_power_key());
}

TEST_F(Pl061, presses_the_key_for_a_tenth_of_a_second) {
  bus.write(ie, key);
  EXPECT_TRUE(gpio.press_power_key());
  EXPECT_EQ(bus.read(data), key);
  timer.advance(timer.hz / 10 - 1);
  EXPECT_EQ(bus.read(data), key);
  timer.advance(1);
  EXPECT_EQ(bus.read(data), 0U);
}

TEST_F(Pl061, senses_one_edge_or_both) {
  const auto edges_seen = [&](uint64_t both, uint64_t rising) {
    bus.write(ibe, both);
    bus.write(iev, rising);
    bus.write(ic, 0xff);
    EXPECT_TRUE(gpio.press_power_key());
    const uint64_t pressed = bus.read(mis);
    EXPECT_EQ(irqs.level(irq), pressed != 0);
    bus.write(ic, key);
    EXPECT_FALSE(irqs.level(irq));
    timer.advance(timer.hz);
    const uint64_t released = bus.read(mis);
    EXPECT_EQ(irqs.level(irq), released != 0);
    return pressed / key * 2 + released / key;
  };
  bus.write(ie, key);
  EXPECT_EQ(edges_seen(0, key), 2U);
  EXPECT_EQ(edges_seen(0, 0), 1U);
  EXPECT_EQ(edges_seen(key, 0), 3U);
  EXPECT_EQ(edges_seen(key, key), 3U);
}

TEST_F(Pl061, senses_a_level_for_as_long_as_it_lasts) {
  bus.write(is, key);
  bus.write(iev, key);
  bus.write(ie, key);
  EXPECT_FALSE(irqs.level(irq));
  EXPECT_TRUE(gpio.press_power_key());
  bus.write(ic, key);
  EXPECT_TRUE(irqs.level(irq)) << "a level is not cleared";
  EXPECT_EQ(bus.read(ris), key);
  timer.advance(timer.hz);
  EXPECT_FALSE(irqs.level(irq));
  bus.write(iev, 0);
  EXPECT_TRUE(irqs.level(irq)) << "the low level";
}

TEST_F(Pl061, writes_the_pins_that_the_address_names_and_reads_them_alike) {
  bus.write(dir, 0xf0);
  bus.write(data, 0xff);
  EXPECT_EQ(bus.read(data), 0xf0U) << "inputs are what is outside";
  bus.write(0x30 << 2, 0x10);
  EXPECT_EQ(bus.read(data), 0xd0U);
  EXPECT_EQ(bus.read(0x50 << 2), 0x50U);
  EXPECT_EQ(bus.read(0x20 << 2), 0U);
}

TEST_F(Pl061, keeps_what_is_written_to_its_settings) {
  for (const uint64_t offset : {dir, is, ibe, iev, ie, afsel}) {
    bus.write(offset, 0x1a5);
    EXPECT_EQ(bus.read(offset), 0xa5U);
    EXPECT_EQ(bus.read(offset + 1, 1), 0U);
  }
  bus.write(ris, 0xff);
  bus.write(0x424, 0xff);
  EXPECT_EQ(bus.read(0x424), 0U);
}

TEST_F(Pl061, forgets_everything_by_a_reset) {
  bus.write(ie, key);
  bus.write(iev, key);
  EXPECT_TRUE(gpio.press_power_key());
  EXPECT_TRUE(irqs.level(irq));
  gpio.reset();
  EXPECT_FALSE(irqs.level(irq));
  for (uint64_t offset = 0; offset < 0xfe0; offset += 4) EXPECT_EQ(bus.read(offset), 0U) << std::hex << offset;
  timer.advance(timer.hz);
  EXPECT_EQ(bus.read(data), 0U);
}

// The line is what MIS says, whatever the guest does.
TEST_F(Pl061, drives_its_line_as_the_masked_status_says) {
  std::mt19937 random(61);
  for (unsigned step = 0; step < 20'000; ++step) {
    const uint64_t offset = random() % 4 == 0 ? random() % 0x1000 & ~3ULL : dir + random() % 9 * 4;
    if (random() % 2 == 0) bus.write(offset, random(), random() % 2 == 0 ? 4 : 1);
    if (random() % 8 == 0) (void)gpio.press_power_key();
    if (random() % 8 == 0) timer.advance(random() % (timer.hz / 5));
    ASSERT_EQ(irqs.level(irq), bus.read(mis) != 0);
    ASSERT_EQ(bus.read(mis), bus.read(ris) & bus.read(ie));
  }
}

}  // namespace

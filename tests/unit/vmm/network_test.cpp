// SPDX-License-Identifier: Apache-2.0
#include "vmm/net/network.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "device_fakes.hpp"
#include "vmm/net/exchange.hpp"

namespace {

using namespace vmm::net;
using vmm::test::FakeTimer;

constexpr MacAddress mac(uint8_t last) { return {{0x52, 0x54, 0x00, 0, 0, last}}; }
constexpr MacAddress broadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

class FakePort final : public Port {
 public:
  using Port::Port;
  bool deliver(const Frame& frame) override {
    if (room == 0) return false;
    --room;
    sizes.push_back(frame.size);
    return true;
  }
  void announce() override { ++announced; }
  std::vector<size_t> sizes;
  unsigned room = 100;
  unsigned announced = 0;
};

class Networks : public testing::Test {
 protected:
  Networks() {
    for (FakePort* const port : {&a, &b, &c, &bridge}) EXPECT_EQ(network.plug(*port), "");
  }
  ~Networks() override {
    for (FakePort* const port : {&a, &b, &c, &bridge}) network.unplug(*port);
  }
  void send(FakePort& from, MacAddress to, size_t size = 60) { send_as(from, from.config().address, to, size); }
  void send_as(FakePort& from, MacAddress as, MacAddress to, size_t size = 60) {
    const std::vector<std::byte> bytes(size);
    const std::array<std::span<const std::byte>, 1> pieces{bytes};
    network.send(from, {.to = to, .from = as, .size = size, .pieces = pieces, .checksum = {}}, timer);
  }
  std::array<size_t, 4> received() {
    return {a.sizes.size(), b.sizes.size(), c.sizes.size(), bridge.sizes.size()};
  }
  using Counts = std::array<size_t, 4>;

  FakeTimer timer;
  Network network;
  FakePort a{{.address = mac(1)}}, b{{.address = mac(2)}}, c{{.address = mac(3)}};
  FakePort bridge{{.address = mac(4), .is_bridge = true}};
};

TEST_F(Networks, carry_a_frame_to_the_port_that_it_is_for_and_to_no_other) {
  send(a, mac(2));
  EXPECT_EQ(received(), (Counts{0, 1, 0, 0}));
  EXPECT_EQ(a.traffic().sent, 1U);
  EXPECT_EQ(a.traffic().sent_bytes, 60U);
  EXPECT_EQ(b.traffic().received_bytes, 60U);
}

TEST_F(Networks, carry_a_broadcast_to_everybody_but_the_sender) {
  send(b, broadcast);
  EXPECT_EQ(received(), (Counts{1, 0, 1, 1}));
}

TEST_F(Networks, have_nothing_to_do_with_each_other) {
  Network other;
  FakePort stranger{{.address = mac(2)}};
  ASSERT_EQ(other.plug(stranger), "");
  send(a, mac(2));
  send(a, broadcast);
  EXPECT_TRUE(stranger.sizes.empty());
  other.unplug(stranger);
}

TEST_F(Networks, take_no_frames_from_an_address_that_is_not_the_senders) {
  send_as(a, mac(2), mac(3));
  send_as(a, broadcast, mac(3));
  EXPECT_EQ(received(), (Counts{0, 0, 0, 0}));
  EXPECT_EQ(a.traffic().spoofed, 2U);
  EXPECT_EQ(a.traffic().sent, 0U);
  send(b, mac(3));
  EXPECT_EQ(c.sizes.size(), 1U) << "and have learned nothing of it";
}

TEST_F(Networks, send_what_is_for_nobody_they_know_to_bridges_alone) {
  send(a, mac(0x77));
  EXPECT_EQ(received(), (Counts{0, 0, 0, 1}));
}

TEST_F(Networks, learn_who_is_behind_a_bridge_and_forget_the_silent) {
  FakePort second{{.address = mac(5), .is_bridge = true}};
  ASSERT_EQ(network.plug(second), "");
  send_as(bridge, mac(0x77), mac(1));
  EXPECT_EQ(network.learned(), 1U);
  send(a, mac(0x77));
  EXPECT_EQ(bridge.sizes.size(), 1U);
  EXPECT_TRUE(second.sizes.empty());
  send_as(second, mac(0x77), mac(1));
  send(a, mac(0x77));
  EXPECT_EQ(second.sizes.size(), 1U) << "it has moved";
  timer.ticks += Network::forget_after * timer.hz;
  send(a, mac(0x77));
  EXPECT_EQ(second.sizes.size(), 2U);
  EXPECT_EQ(bridge.sizes.size(), 2U);
  network.unplug(second);
}

TEST_F(Networks, keep_what_they_learn_bounded_and_the_ports_own_addresses_safe) {
  for (unsigned n = 0; n < 3 * Network::max_learned; ++n) {
    timer.ticks += 1;
    send_as(bridge, {{0x02, 0, 0, 0, static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)}}, mac(1));
  }
  EXPECT_EQ(network.learned(), Network::max_learned);
  // A bridge that claims another port's address does not get its frames.
  send_as(bridge, mac(2), mac(1));
  b.sizes.clear();
  const size_t before = bridge.sizes.size();
  send(a, mac(2));
  EXPECT_EQ(b.sizes.size(), 1U);
  EXPECT_EQ(bridge.sizes.size(), before);
}

TEST_F(Networks, never_send_a_frame_back_to_where_it_came_from) {
  send_as(bridge, mac(0x77), mac(1));
  send_as(bridge, mac(0x78), mac(0x77));
  EXPECT_TRUE(bridge.sizes.empty());
}

TEST_F(Networks, lose_and_count_what_a_receiver_has_no_buffers_for) {
  b.room = 1;
  send(a, mac(2));
  send(a, mac(2));
  EXPECT_EQ(b.traffic().received, 1U);
  EXPECT_EQ(b.traffic().dropped, 1U);
  EXPECT_EQ(a.traffic().sent, 2U) << "the sender has nothing to do with it";
}

TEST_F(Networks, take_frames_of_the_sizes_that_there_are) {
  for (const size_t size : {size_t{0}, header_size - 1, max_frame + 1}) send(a, mac(2), size);
  EXPECT_EQ(a.traffic().malformed, 3U);
  send(a, mac(2), header_size);
  send(a, mac(2), max_frame);
  EXPECT_EQ(b.sizes, (std::vector<size_t>{header_size, max_frame}));
}

TEST_F(Networks, hold_a_port_to_its_rate) {
  FakePort slow{{.address = mac(9), .bytes_per_second = 100'000}};
  ASSERT_EQ(network.plug(slow), "");
  timer.ticks = 10 * timer.hz;
  const auto sent_in_a_row = [&] {
    const uint64_t before = slow.traffic().sent;
    for (unsigned n = 0; n < 100; ++n) send(slow, mac(2), 1000);
    return slow.traffic().sent - before;
  };
  b.room = 1'000'000;
  EXPECT_EQ(sent_in_a_row(), 10U) << "a tenth of a second's worth at once";
  EXPECT_EQ(slow.traffic().limited, 90U);
  timer.ticks += timer.hz / 20;
  EXPECT_EQ(sent_in_a_row(), 5U);
  timer.ticks += 1'000'000 * timer.hz;
  EXPECT_EQ(sent_in_a_row(), 10U) << "what was not used does not pile up";
  uint64_t total = 0;
  for (unsigned n = 0; n < 1000; ++n) {
    ++timer.ticks;
    total += sent_in_a_row();
  }
  EXPECT_NEAR(static_cast<double>(total), 100.0, 1.0) << "one second";
  network.unplug(slow);
}

TEST_F(Networks, tell_each_receiver_once_of_many_frames) {
  for (unsigned n = 0; n < 5; ++n) send(a, mac(2));
  EXPECT_EQ(b.announced, 0U);
  network.announce();
  network.announce();
  EXPECT_EQ(b.announced, 1U);
  EXPECT_EQ(c.announced, 0U);
}

TEST_F(Networks, forget_a_port_that_is_unplugged) {
  send(a, mac(2));
  network.unplug(b);
  network.announce();
  EXPECT_EQ(b.announced, 0U);
  send(a, mac(2));
  send(a, broadcast);
  EXPECT_EQ(b.sizes.size(), 1U);
  ASSERT_EQ(network.plug(b), "");
  send(a, mac(2));
  EXPECT_EQ(b.sizes.size(), 2U);
}

TEST_F(Networks, refuse_a_second_card_with_an_address) {
  FakePort twin{{.address = mac(2)}};
  EXPECT_NE(network.plug(twin), "");
  network.unplug(twin);
  send(a, mac(2));
  EXPECT_EQ(b.sizes.size(), 1U);
}

TEST(NetworkNames, bring_cards_together) {
  static constinit Exchange exchange;
  Network* const lan = exchange.find_or_make("lan");
  ASSERT_NE(lan, nullptr);
  EXPECT_EQ(lan->name(), "lan");
  EXPECT_NE(exchange.find_or_make("other"), lan);
  EXPECT_EQ(exchange.find_or_make("lan"), lan);
  for (size_t n = 2; n < Exchange::max_networks; ++n) EXPECT_NE(exchange.find_or_make(std::to_string(n)), nullptr);
  EXPECT_EQ(exchange.find_or_make("one more"), nullptr);
}

TEST(NetworkAddresses, follow_from_the_vms_name_and_never_change) {
  const MacAddress one = derived_address("web", 0);
  EXPECT_EQ(one, derived_address("web", 0));
  EXPECT_EQ(one.value() >> 24, 0x525400U);
  EXPECT_FALSE(one == derived_address("web", 1));
  EXPECT_FALSE(one == derived_address("web2", 0));
}

TEST(NetworkPlaces, are_32) {
  Network network;
  std::vector<std::unique_ptr<FakePort>> ports;
  for (unsigned n = 0; n < Network::max_ports; ++n) {
    ports.push_back(std::make_unique<FakePort>(PortConfig{.address = mac(static_cast<uint8_t>(n))}));
    EXPECT_EQ(network.plug(*ports.back()), "");
  }
  FakePort one_more{{.address = mac(0x55)}};
  EXPECT_NE(network.plug(one_more), "");
  for (const auto& port : ports) network.unplug(*port);
}

}  // namespace

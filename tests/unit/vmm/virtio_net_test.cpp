// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/net.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "device_fakes.hpp"
#include "vmm/net/checksum.hpp"
#include "vmm/virtio/mmio_transport.hpp"

namespace {

using vmm::VirtualIrq;
using vmm::net::MacAddress;
using vmm::net::Network;
using vmm::net::PortConfig;
using vmm::test::Bus;
using vmm::test::DeviceFixture;
using vmm::virtio::NetDevice;

using Bytes = std::vector<uint8_t>;

constexpr MacAddress mac(uint8_t last) { return {{0x52, 0x54, 0x00, 0, 0, last}}; }
constexpr uint64_t checksum = 1 << 0, guest_checksum = 1 << 1, mergeable = 1 << 15, control_queue = 1 << 17;
constexpr uint64_t version_1 = uint64_t{1} << 32;
constexpr size_t header_size = 12;

// A VM with a card, and its driver.
class Guest {
 public:
  Guest(Network& network, const PortConfig& port)
      : device(fixture.site(config), "net", port, &network),
        transport(hal::GuestPhys(0x0a00'0000), vmm::IrqLine(fixture.irqs, irq), device),
        bus(transport) {
    fixture.memory.add(ram, 0x10'0000);
  }
  ~Guest() { device.unplug(); }

  void start(uint64_t features = mergeable) {
    for (const uint64_t status : {0, 1, 3}) bus.write(0x70, status);
    bus.write(0x24, 0);
    bus.write(0x20, static_cast<uint32_t>(features));
    bus.write(0x24, 1);
    bus.write(0x20, version_1 >> 32);
    bus.write(0x70, 0xb);
    EXPECT_EQ(bus.read(0x70), 0xbU);
    for (const unsigned queue : {0U, 1U, 2U}) {
      bus.write(0x30, queue);
      bus.write(0x38, ring_size);
      for (const auto [at, offset] : {std::pair{0x80U, 0U}, {0x90U, 0x1000U}, {0xa0U, 0x2000U}}) {
        bus.write(at, ring(queue) + offset);
        bus.write(at + 4, 0);
      }
      bus.write(0x44, 1);
    }
    bus.write(0x70, 0xf);
  }
  struct Part {
    uint64_t place;
    uint32_t size;
    bool writable;
  };
  void put(unsigned queue, const std::vector<Part>& parts) {
    uint16_t& next = next_descriptor[queue];
    const uint16_t head = next;
    for (size_t n = 0; n < parts.size(); ++n) {
      const uint64_t at = ring(queue) + next % ring_size * 16;
      const bool more = n + 1 < parts.size();
      fixture.memory.put(at, parts[n].place);
      fixture.memory.put(at + 8, parts[n].size);
      fixture.memory.put(at + 12, static_cast<uint16_t>((parts[n].writable ? 2 : 0) | (more ? 1 : 0)));
      fixture.memory.put(at + 14, static_cast<uint16_t>((next + 1) % ring_size));
      ++next;
    }
    const uint64_t available = ring(queue) + 0x1000;
    const auto index = fixture.memory.get<uint16_t>(available + 2);
    fixture.memory.put<uint16_t>(available + 4 + index % ring_size * 2, head % ring_size);
    fixture.memory.put<uint16_t>(available + 2, static_cast<uint16_t>(index + 1));
  }
  void notify(unsigned queue) { bus.write(0x50, queue); }
  uint16_t used(unsigned queue) { return fixture.memory.get<uint16_t>(ring(queue) + 0x2002); }
  uint32_t used_size(unsigned queue, unsigned n) {
    return fixture.memory.get<uint32_t>(ring(queue) + 0x2004 + n % ring_size * 8 + 4);
  }

  // Buffers for frames, one after the other.
  void offer(unsigned count, uint32_t size = 2048) {
    for (unsigned n = 0; n < count; ++n) put(0, {{receive_buffer(offered++), size, true}});
    notify(0);
  }
  static uint64_t receive_buffer(unsigned n) { return ram + 0x4'0000 + n % 64 * 0x800; }
  void fill(uint64_t place, const Bytes& bytes) {
    for (const uint8_t byte : bytes) fixture.memory.put(place++, byte);
  }
  Bytes read(uint64_t place, size_t size) {
    Bytes bytes;
    for (size_t n = 0; n < size; ++n) bytes.push_back(fixture.memory.get<uint8_t>(place + n));
    return bytes;
  }
  void send(const Bytes& frame, const Bytes& header = Bytes(header_size), size_t first_part = 1000) {
    fill(ram + 0x2'0000, header);
    fill(ram + 0x2'1000, frame);
    const auto first = static_cast<uint32_t>(std::min(first_part, frame.size()));
    std::vector<Part> parts{{ram + 0x2'0000, static_cast<uint32_t>(header.size()), false}};
    if (first > 0) parts.push_back({ram + 0x2'1000, first, false});
    if (first < frame.size()) {
      parts.push_back({ram + 0x2'1000 + first, static_cast<uint32_t>(frame.size() - first), false});
    }
    put(1, parts);
    notify(1);
  }
  // Frame `n`, without its header.
  Bytes received(unsigned n) { return read(receive_buffer(n) + header_size, used_size(0, n) - header_size); }

  static constexpr uint64_t ram = 0x4000'0000;
  static constexpr uint16_t ring_size = 64;
  static constexpr VirtualIrq irq{48};
  static uint64_t ring(unsigned queue) { return ram + queue * 0x4000; }

  config::VmConfig config;
  DeviceFixture fixture{{}, config};
  NetDevice device;
  vmm::virtio::MmioTransport transport;
  Bus bus;
  std::array<uint16_t, 3> next_descriptor{};
  unsigned offered = 0;
};

Bytes frame(MacAddress to, MacAddress from, size_t size = 60) {
  Bytes bytes(to.bytes.begin(), to.bytes.end());
  bytes.insert(bytes.end(), from.bytes.begin(), from.bytes.end());
  while (bytes.size() < size) bytes.push_back(static_cast<uint8_t>(bytes.size() * 7));
  return bytes;
}

class VirtioNet : public testing::Test {
 protected:
  Network network;
  Guest a{network, {.address = mac(1)}}, b{network, {.address = mac(2)}};
};

TEST_F(VirtioNet, tells_its_address_that_the_link_is_up_and_how_large_frames_are) {
  EXPECT_EQ(a.bus.read(0x100), 0x0000'5452U);
  EXPECT_EQ(a.bus.read(0x104, 2), 0x0100U);
  EXPECT_EQ(a.bus.read(0x106, 2), 1U);
  EXPECT_EQ(a.bus.read(0x10a, 2), 1500U);
}

TEST_F(VirtioNet, carries_a_frame_into_the_receivers_buffer) {
  a.start();
  b.start();
  b.offer(2);
  const Bytes sent = frame(mac(2), mac(1), 1514);
  a.send(sent);
  EXPECT_EQ(a.used(1), 1U);
  ASSERT_EQ(b.used(0), 1U);
  EXPECT_EQ(b.received(0), sent);
  EXPECT_EQ(b.read(Guest::receive_buffer(0), 12), (Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}));
  EXPECT_TRUE(b.fixture.irqs.level(Guest::irq));
  EXPECT_EQ(a.used(0), 0U);
}

TEST_F(VirtioNet, keeps_the_order_of_many_frames) {
  a.start();
  b.start();
  b.offer(32);
  for (uint8_t n = 0; n < 32; ++n) {
    Bytes one = frame(mac(2), mac(1));
    one[20] = n;
    a.send(one);
  }
  ASSERT_EQ(b.used(0), 32U);
  for (uint8_t n = 0; n < 32; ++n) EXPECT_EQ(b.received(n)[20], n);
}

TEST_F(VirtioNet, loses_what_the_receiver_has_no_buffer_for_and_never_holds_up_the_sender) {
  a.start();
  b.start();
  for (unsigned n = 0; n < 3; ++n) a.send(frame(mac(2), mac(1)));
  EXPECT_EQ(a.used(1), 3U);
  EXPECT_EQ(b.device.port().traffic().dropped, 3U);
  b.offer(1);
  a.send(frame(mac(2), mac(1)));
  EXPECT_EQ(b.used(0), 1U);
}

TEST_F(VirtioNet, takes_new_buffers_whenever_it_gives_filled_ones_back) {
  a.start();
  b.start();
  b.offer(1);
  for (unsigned n = 0; n < 40; ++n) {
    b.put(0, {{Guest::receive_buffer(b.offered++), 2048, true}});
    a.send(frame(mac(2), mac(1)));
  }
  EXPECT_EQ(b.used(0), 40U);
}

TEST_F(VirtioNet, spreads_a_frame_over_buffers_that_may_be_merged) {
  a.start();
  b.start();
  b.offer(4, 600);
  const Bytes sent = frame(mac(2), mac(1), 1500);
  a.send(sent);
  ASSERT_EQ(b.used(0), 3U);
  Bytes all;
  for (unsigned n = 0; n < 3; ++n) {
    const Bytes part = b.read(Guest::receive_buffer(n), b.used_size(0, n));
    all.insert(all.end(), part.begin(), part.end());
  }
  EXPECT_EQ(all[10], 3U) << "num_buffers";
  EXPECT_EQ(Bytes(all.begin() + 12, all.end()), sent);
}

TEST_F(VirtioNet, fills_one_chain_of_several_parts_where_they_may_not) {
  a.start();
  b.start(0);
  const uint64_t place = Guest::receive_buffer(0);
  b.put(0, {{place, 12, true}, {place + 0x100, 100, true}, {place + 0x200, 1500, true}});
  b.notify(0);
  const Bytes sent = frame(mac(2), mac(1), 300);
  a.send(sent);
  ASSERT_EQ(b.used(0), 1U);
  EXPECT_EQ(b.used_size(0, 0), 312U);
  Bytes all = b.read(place + 0x100, 100);
  const Bytes rest = b.read(place + 0x200, 200);
  all.insert(all.end(), rest.begin(), rest.end());
  EXPECT_EQ(all, sent);
}

// A UDP-like frame: the checksum at 40 covers all from 34 on, and holds the sum of a pseudo header.
class VirtioNetChecksums : public VirtioNet {
 protected:
  static constexpr size_t start = 34, place = 40;
  static Bytes partial_header() { return {1, 0, 0, 0, 0, 0, start, 0, place - start, 0, 0, 0}; }
  static uint16_t sum(const Bytes& bytes, size_t from) {
    vmm::net::InternetChecksum checksum_of;
    checksum_of.add(std::as_bytes(std::span(bytes).subspan(from)));
    return checksum_of.value();
  }
};

TEST_F(VirtioNetChecksums, are_left_to_a_receiver_that_can_do_without) {
  a.start(mergeable | checksum);
  b.start(mergeable | guest_checksum);
  b.offer(1);
  const Bytes sent = frame(mac(2), mac(1), 101);
  a.send(sent, partial_header());
  ASSERT_EQ(b.used(0), 1U);
  EXPECT_EQ(b.received(0), sent);
  EXPECT_EQ(b.read(Guest::receive_buffer(0), 12), (Bytes{1, 0, 0, 0, 0, 0, start, 0, place - start, 0, 1, 0}));
}

TEST_F(VirtioNetChecksums, are_made_for_one_that_cannot_however_the_frame_is_cut) {
  a.start(mergeable | checksum);
  b.start();
  unsigned n = 0;
  for (const size_t first_part : {size_t{1}, size_t{20}, start, start + 1, place, place + 1, place + 2, size_t{90}}) {
    for (const size_t size : {size_t{100}, size_t{101}}) {
      b.offer(1);
      const Bytes sent = frame(mac(2), mac(1), size);
      a.send(sent, partial_header(), first_part);
      ASSERT_EQ(b.used(0), n + 1);
      Bytes got = b.received(n++);
      const uint16_t expected = sum(sent, start);
      EXPECT_EQ(got[place] << 8 | got[place + 1], expected);
      got[place] = sent[place];
      got[place + 1] = sent[place + 1];
      EXPECT_EQ(got, sent);
    }
  }
}

TEST_F(VirtioNetChecksums, outside_of_the_frame_are_refused) {
  a.start(mergeable | checksum);
  b.start();
  b.offer(1);
  for (const Bytes& header : {Bytes{1, 0, 0, 0, 0, 0, 99, 0, 0, 0, 0, 0}, Bytes{1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0}}) {
    a.send(frame(mac(2), mac(1), 100), header);
  }
  EXPECT_EQ(a.device.port().traffic().malformed, 2U);
  EXPECT_EQ(b.used(0), 0U);
}

// RFC 1071, section 3: the example's sum is ddf2.
TEST(InternetChecksums, are_those_of_the_rfc) {
  constexpr std::array<uint8_t, 8> example{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  vmm::net::InternetChecksum whole, pieces;
  whole.add(std::as_bytes(std::span(example)));
  EXPECT_EQ(whole.value(), 0x220d);
  for (const size_t at : {0U, 1U, 2U, 3U}) pieces.add(std::as_bytes(std::span(example).subspan(at == 0 ? 0 : at * 2 - 1, at == 0 ? 1 : at == 3 ? 3 : 2)));
  EXPECT_EQ(pieces.value(), 0x220d);
}

TEST_F(VirtioNet, refuses_what_is_no_frame) {
  a.start();
  b.start();
  b.offer(4);
  a.send(frame(mac(2), mac(1), 13));
  a.send({});
  a.send(frame(mac(2), mac(1), 1519));
  a.send(frame(mac(2), mac(1)), Bytes{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(a.device.port().traffic().malformed, 4U);
  EXPECT_EQ(a.used(1), 4U);
  EXPECT_EQ(b.used(0), 0U);
  a.send(frame(mac(2), mac(3)));
  EXPECT_EQ(a.device.port().traffic().spoofed, 1U);
}

TEST_F(VirtioNet, breaks_a_card_whose_buffer_is_not_memory_and_no_other) {
  a.start();
  b.start();
  b.put(0, {{0x9000'0000, 2048, true}});
  b.notify(0);
  a.send(frame(mac(2), mac(1)));
  EXPECT_EQ(b.bus.read(0x70) & 0x40, 0x40U) << "DEVICE_NEEDS_RESET";
  EXPECT_EQ(a.bus.read(0x70), 0xfU);
  a.send(frame(mac(2), mac(1)));
  EXPECT_EQ(a.used(1), 2U);
  b.start();
  b.next_descriptor = {};
}

TEST_F(VirtioNet, reports_what_it_did) {
  a.start();
  b.start();
  b.offer(1);
  for (unsigned n = 0; n < 2; ++n) a.send(frame(mac(2), mac(1), 100));
  a.send(frame(mac(2), mac(7)));
  vmm::DeviceReport sender, receiver;
  a.device.report(sender);
  b.device.report(receiver);
  EXPECT_EQ(sender.written_bytes, 200U);
  EXPECT_EQ(sender.errors, 1U);
  EXPECT_EQ(receiver.read_bytes, 100U);
  EXPECT_EQ(receiver.errors, 1U);
  EXPECT_EQ(receiver.interrupts, 1U);
}

TEST_F(VirtioNet, delivers_nothing_after_a_reset) {
  a.start();
  b.start();
  b.offer(4);
  b.bus.write(0x70, 0);
  a.send(frame(mac(2), mac(1)));
  EXPECT_EQ(b.device.port().traffic().dropped, 1U);
  EXPECT_EQ(b.used(0), 0U);
}

TEST_F(VirtioNet, obeys_what_a_switch_does_anyway_and_refuses_the_rest) {
  a.start(mergeable | control_queue);
  const auto command = [&](uint8_t group, uint8_t number) {
    a.fill(Guest::ram + 0x3'0000, {group, number, 1});
    a.put(2, {{Guest::ram + 0x3'0000, 2, false}, {Guest::ram + 0x3'0002, 1, false}, {Guest::ram + 0x3'0100, 1, true}});
    a.notify(2);
    return a.read(Guest::ram + 0x3'0100, 1)[0];
  };
  EXPECT_EQ(command(0, 0), 0U) << "promiscuous";
  EXPECT_EQ(command(0, 1), 0U) << "all multicast";
  EXPECT_EQ(command(1, 0), 0U) << "addresses to be let through";
  EXPECT_EQ(command(1, 1), 1U) << "another address";
  EXPECT_EQ(command(4, 0), 1U) << "several queues";
}

}  // namespace

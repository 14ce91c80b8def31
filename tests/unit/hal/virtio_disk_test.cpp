// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/virtio_disk.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/hal/fake_pci.hpp"

namespace {

using hal::HostPhys;
using hal::driver::DiskCompletion;
using hal::driver::DiskOperation;
using hal::driver::PciFunction;
using hal::driver::PciHost;
using hal::driver::VirtioDisk;

constexpr uint64_t shared_at = 0x10'0000, buffers_at = 0x20'0000;

class VirtioDisks : public testing::Test {
 protected:
  VirtioDisks() {
    arch::Mmu::back_memory();
    bus.plug(2 << 3, device);
    std::memset(&shared(), 0, sizeof(VirtioDisk::Shared));
  }
  static std::byte* memory(uint64_t phys) {
    return reinterpret_cast<std::byte*>(arch::Mmu::direct_map_base.value() + phys);
  }
  static VirtioDisk::Shared& shared() { return *reinterpret_cast<VirtioDisk::Shared*>(memory(shared_at)); }
  bool open() {
    PciFunction found;
    EXPECT_TRUE(host.for_each_function([&](const PciFunction& function) { found = function; }));
    EXPECT_TRUE(VirtioDisk::drives(found));
    return disk.open(host, found, shared());
  }
  // Buffers of these sizes, one after the other with a gap between them.
  std::span<const std::span<std::byte>> pieces(std::initializer_list<size_t> sizes) {
    pieces_.clear();
    uint64_t at = buffers_at;
    for (const size_t size : sizes) {
      pieces_.emplace_back(memory(at), size);
      at += size + 0x1000;
    }
    return pieces_;
  }
  std::optional<DiskCompletion> run(DiskOperation operation, uint64_t offset, uint64_t size,
                                    std::span<const std::span<std::byte>> memory = {}) {
    disk.start(3, {operation, offset, size, memory});
    return disk.next_completion();
  }
  static bool is_done(const std::optional<DiskCompletion>& completion, unsigned slot) {
    return completion && completion->done && completion->slot == slot;
  }

  fake::PciBus bus;
  fake::VirtioBlk device{hal::mib};
  PciHost host{{.configuration = {HostPhys(fake::PciBus::ecam), 0x1000'0000},
                .memory = {HostPhys(0x1000'0000), 0x2eff'0000},
                .coherent = true}};
  VirtioDisk disk;
  std::vector<std::span<std::byte>> pieces_;
};

TEST_F(VirtioDisks, say_what_they_are) {
  ASSERT_TRUE(open());
  EXPECT_EQ(disk.shape().size, hal::mib);
  EXPECT_EQ(disk.shape().block, 512U);
  EXPECT_EQ(disk.shape().serial.view(), "disk-0001");
  EXPECT_TRUE(disk.shape().flushes && disk.shape().discards && disk.shape().writes_zeroes);
  EXPECT_FALSE(disk.shape().read_only);
  EXPECT_EQ(disk.shape().slots, 256U / 18);
  EXPECT_EQ(device.status, 15) << "acknowledged, driven, agreed on, ready";
  EXPECT_EQ(device.accepted & (1 << 28 | 1 << 29), 0U) << "nothing that is not driven is accepted";
  EXPECT_EQ(device.get<uint16_t>(0x98 + 2) & 0x8000, 0) << "the interrupt is the pin's";
}

TEST_F(VirtioDisks, have_a_serial_number_of_all_its_characters) {
  device.serial = "12345678901234567890";
  ASSERT_TRUE(open());
  EXPECT_EQ(disk.shape().serial.view(), device.serial);
}

TEST_F(VirtioDisks, can_do_what_was_offered_and_no_more) {
  device.offered = 1ULL << 32 | 1 << 5 | 1 << 6;
  device.block = 4096;
  device.max_queue = 64;
  ASSERT_TRUE(open());
  EXPECT_TRUE(disk.shape().read_only);
  EXPECT_EQ(disk.shape().block, 4096U);
  EXPECT_FALSE(disk.shape().flushes || disk.shape().discards || disk.shape().writes_zeroes);
  EXPECT_EQ(disk.shape().slots, 3U);
}

TEST_F(VirtioDisks, that_clear_only_little_at_a_time_are_not_asked_to) {
  device.largest_clear = 127;
  ASSERT_TRUE(open());
  EXPECT_FALSE(disk.shape().discards || disk.shape().writes_zeroes);
}

TEST_F(VirtioDisks, older_than_version_1_are_refused_and_left_without_access_to_memory) {
  device.offered = 1 << 9;
  EXPECT_FALSE(open());
  EXPECT_FALSE(device.is_master());
}

TEST_F(VirtioDisks, with_a_queue_too_short_for_two_are_refused) {
  device.max_queue = 32;
  EXPECT_FALSE(open());
}

TEST_F(VirtioDisks, read_and_write_memory_in_pieces) {
  ASSERT_TRUE(open());
  std::mt19937 random(1);
  std::vector<std::byte> data(0x3000);
  for (std::byte& byte : data) byte = static_cast<std::byte>(random());
  const auto memory = pieces({0x200, 0x1000, 0x1e00});
  size_t at = 0;
  for (const auto piece : memory) {
    std::memcpy(piece.data(), &data[at], piece.size());
    at += piece.size();
  }
  EXPECT_TRUE(is_done(run(DiskOperation::write, 0x6200, data.size(), memory), 3));
  EXPECT_TRUE(std::equal(data.begin(), data.end(), device.medium.begin() + 0x6200));
  for (const auto piece : memory) std::memset(piece.data(), 0, piece.size());
  EXPECT_TRUE(is_done(run(DiskOperation::read, 0x6200, data.size(), memory), 3));
  EXPECT_EQ(std::memcmp(memory[2].data(), &data[0x1200], 0x1e00), 0);
  EXPECT_EQ(disk.next_completion(), std::nullopt);
}

TEST_F(VirtioDisks, flush_discard_and_write_zeroes) {
  ASSERT_TRUE(open());
  std::ranges::fill(device.medium, std::byte{0xff});
  EXPECT_TRUE(is_done(run(DiskOperation::flush, 0, 0), 3));
  EXPECT_EQ(device.flushes, 1U);
  EXPECT_TRUE(is_done(run(DiskOperation::discard, 0x10000, 0x10000), 3));
  EXPECT_TRUE(is_done(run(DiskOperation::write_zeroes, 0x30000, 0x200), 3));
  const std::vector<std::pair<uint32_t, uint64_t>> expected{{11, 0x10000}, {13, 0x30000}};
  EXPECT_EQ(device.cleared, expected);
  EXPECT_EQ(device.medium[0x1ffff], std::byte{0});
  EXPECT_EQ(device.medium[0x20000], std::byte{0xff});
  EXPECT_EQ(device.medium[0x30200], std::byte{0xff});
}

TEST_F(VirtioDisks, have_a_request_in_each_slot_and_end_them_in_their_own_order) {
  ASSERT_TRUE(open());
  device.holds = true;
  // Often enough for the rings to wrap.
  for (unsigned round = 0; round < 300; ++round) {
    const unsigned count = disk.shape().slots;
    for (unsigned slot = 0; slot < count; ++slot) disk.start(slot, {DiskOperation::flush, 0, 0, {}});
    EXPECT_EQ(disk.next_completion(), std::nullopt);
    device.serve();
    for (unsigned slot = count; slot-- > 0;) ASSERT_TRUE(is_done(disk.next_completion(), slot));
  }
  EXPECT_EQ(device.flushes, 300 * disk.shape().slots);
}

TEST_F(VirtioDisks, tell_of_a_medium_that_fails) {
  ASSERT_TRUE(open());
  device.fails = true;
  const auto completion = run(DiskOperation::read, 0, 512, pieces({512}));
  ASSERT_TRUE(completion);
  EXPECT_FALSE(completion->done);
  EXPECT_TRUE(disk.is_sane());
}

TEST_F(VirtioDisks, that_answer_what_nobody_asked_are_not_believed_again) {
  for (const uint32_t id : {1U, 18U, 256U, 0xffff'ffffU}) {
    SCOPED_TRACE(id);
    std::memset(&shared(), 0, sizeof(VirtioDisk::Shared));
    for (unsigned n = 0; n < 6; ++n) device.set(0x10 + 4 * n, device.bars[n].flags);
    device.set<uint16_t>(4, 0);
    disk = VirtioDisk();
    host = PciHost({.configuration = {HostPhys(fake::PciBus::ecam), 0x1000'0000},
                    .memory = {HostPhys(0x1000'0000), 0x2eff'0000}});
    device.holds = false;
    ASSERT_TRUE(open());
    device.holds = true;
    disk.start(0, {DiskOperation::flush, 0, 0, {}});
    device.answer(id, 1);
    EXPECT_EQ(disk.next_completion(), std::nullopt);
    EXPECT_FALSE(disk.is_sane());
    disk.stop();
    EXPECT_FALSE(device.is_master());
    EXPECT_EQ(device.status, 0);
  }
}

TEST_F(VirtioDisks, take_their_interrupt_back_and_notice_that_they_broke_down) {
  ASSERT_TRUE(open());
  device.isr = 1;
  disk.acknowledge();
  EXPECT_EQ(device.isr, 0);
  device.isr = 2;
  disk.acknowledge();
  EXPECT_TRUE(disk.is_sane()) << "a change of the configuration alone";
  device.isr = 2;
  device.status |= 64;
  disk.acknowledge();
  EXPECT_FALSE(disk.is_sane());
}

}  // namespace

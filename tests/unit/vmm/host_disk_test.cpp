// SPDX-License-Identifier: Apache-2.0
#include "vmm/disk/host_disk.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/support.hpp"
#include "virtio_driver.hpp"
#include "vmm/virtio/blk.hpp"

namespace {

using hal::driver::Disk;
using hal::driver::DiskCompletion;
using hal::driver::DiskOperation;
using hal::driver::DiskRequest;
using vmm::BlockJob;
using vmm::BlockOperation;
using vmm::BlockStatus;
using vmm::DiskRange;
using vmm::HostDisk;
using vmm::HostDiskPart;
using vmm::test::DeviceFixture;
using vmm::test::VirtioDriver;
using vmm::virtio::Blk;

using Bytes = std::vector<std::byte>;

// A disk that does what it is asked when the test says so; like a real one, it touches memory until then.
class FakeDisk final : public Disk {
 public:
  explicit FakeDisk(uint64_t size, unsigned slots = 4) : medium(size) {
    shape_ = {.size = size, .flushes = true, .discards = true, .writes_zeroes = true, .slots = slots, .serial = "1"};
  }
  hal::driver::DiskShape& change() { return shape_; }
  void start(unsigned slot, const DiskRequest& request) override {
    EXPECT_FALSE(stopped);
    EXPECT_LT(slot, shape_.slots);
    EXPECT_FALSE(requests.contains(slot)) << "the slot has one already";
    requests[slot] = request;
    pieces[slot].assign(request.memory.begin(), request.memory.end());
    started.push_back(request.operation);
  }
  std::optional<DiskCompletion> next_completion() override {
    if (over.empty()) return std::nullopt;
    const DiskCompletion completion = over.front();
    over.erase(over.begin());
    return completion;
  }
  void acknowledge() override { ++acknowledged; }
  void stop() override { stopped = true; }

  // Do it; the interrupt is the test's.
  void finish(unsigned slot, bool well = true) {
    const DiskRequest request = requests.at(slot);
    uint64_t at = request.offset;
    for (const std::span<std::byte> piece : pieces[slot]) {
      std::byte* const place = medium.data() + at;
      EXPECT_LE(at + piece.size(), medium.size());
      if (request.operation == DiskOperation::read) std::memcpy(piece.data(), place, piece.size());
      if (request.operation == DiskOperation::write) std::memcpy(place, piece.data(), piece.size());
      at += piece.size();
    }
    requests.erase(slot);
    over.push_back({slot, well});
  }
  void go_mad() { sane_ = false; }

  Bytes medium;
  std::map<unsigned, DiskRequest> requests;
  std::map<unsigned, std::vector<std::span<std::byte>>> pieces;
  std::vector<DiskOperation> started;
  std::vector<DiskCompletion> over;
  unsigned acknowledged = 0;
  bool stopped = false;
};

struct Client final : vmm::BlockClient {
  void finished(uint64_t number, BlockStatus status) override {
    numbers.push_back(number);
    last = status;
    if (then) then();
  }
  std::vector<uint64_t> numbers;
  BlockStatus last = BlockStatus::pending;
  std::function<void()> then;
};

constexpr uint64_t unit = 4 * hal::kib;

class HostDisks : public testing::Test {
 protected:
  ~HostDisks() override { fake::while_waiting = nullptr; }
  std::unique_ptr<HostDiskPart> part(DiskRange range, bool read_only = false, std::string_view vm = "a") {
    const auto slot = HostDiskPart::claim(disk, range, read_only, vm, owner);
    return slot ? std::make_unique<HostDiskPart>(disk, *slot, range, read_only) : nullptr;
  }
  BlockJob job(BlockOperation operation, uint64_t number, uint64_t offset = 0) {
    BlockJob made{.client = &client, .number = number, .operation = operation, .offset = offset, .size = 0, .memory = {}};
    if (operation == BlockOperation::flush) return made;
    made.size = buffer.size();
    if (operation == BlockOperation::read || operation == BlockOperation::write) made.memory = memory;
    return made;
  }

  FakeDisk device{16 * unit};
  HostDisk disk{device};
  config::VmName owner;
  Client client;
  Bytes buffer = Bytes(1024, std::byte{7});
  std::vector<std::span<std::byte>> memory{buffer};
};

// --- who has what ----------------------------------------------------------------------------------------------------

TEST_F(HostDisks, belong_to_whoever_writes_them_alone) {
  const auto first = part({4 * unit, 4 * unit}, false, "linux");
  ASSERT_TRUE(first);
  EXPECT_FALSE(part({0, 16 * unit}, true, "other"));
  EXPECT_EQ(owner, "linux");
  EXPECT_FALSE(part({7 * unit, 2 * unit}));
  EXPECT_TRUE(part({8 * unit, unit})) << "what lies beside it is free";
  EXPECT_TRUE(part({3 * unit, unit}));
  EXPECT_EQ(disk.users(), 1U);
}

TEST_F(HostDisks, are_shared_by_those_who_read_up_to_its_slots_and_free_again_after_them) {
  {
    const auto first = part({0, 16 * unit}, true, "a"), second = part({0, 16 * unit}, true, "b"),
               third = part({0, 16 * unit}, true, "c");
    EXPECT_TRUE(first && second && third);
    EXPECT_FALSE(part({0, 16 * unit}, true, "d"));
    EXPECT_TRUE(owner.empty()) << "nobody owns it: there is no room";
    EXPECT_FALSE(part({0, unit}, false, "e"));
    EXPECT_FALSE(owner.empty());
  }
  EXPECT_TRUE(part({0, unit}, false, "e"));
}

// --- jobs ------------------------------------------------------------------------------------------------------------

TEST_F(HostDisks, do_jobs_at_their_parts_place_and_tell_when_they_are_done) {
  const auto mine = part({4 * unit, unit});
  BlockJob write = job(BlockOperation::write, 5, 512);
  EXPECT_EQ(mine->start(write), BlockStatus::pending);
  disk.serve();
  EXPECT_TRUE(client.numbers.empty()) << "an interrupt of somebody else on the line";
  device.finish(1);
  disk.serve();
  EXPECT_EQ(client.numbers, std::vector<uint64_t>{5});
  EXPECT_EQ(client.last, BlockStatus::done);
  EXPECT_EQ(device.medium[4 * unit + 511], std::byte{0});
  EXPECT_EQ(device.medium[4 * unit + 512], std::byte{7});
  EXPECT_EQ(device.medium[4 * unit + 1536], std::byte{0});
  EXPECT_EQ(device.acknowledged, 2U);
  BlockJob read = job(BlockOperation::read, 6);
  EXPECT_EQ(mine->start(read), BlockStatus::pending);
  device.finish(1, false);
  disk.serve();
  EXPECT_EQ(client.last, BlockStatus::failed);
}

TEST_F(HostDisks, begin_a_job_out_of_the_end_of_another) {
  const auto mine = part({0, unit});
  BlockJob first = job(BlockOperation::write, 1), second = job(BlockOperation::flush, 2);
  client.then = [&] {
    client.then = nullptr;
    EXPECT_EQ(mine->start(second), BlockStatus::pending);
  };
  EXPECT_EQ(mine->start(first), BlockStatus::pending);
  device.finish(1);
  disk.serve();
  device.finish(1);
  disk.serve();
  EXPECT_EQ(client.numbers, (std::vector<uint64_t>{1, 2}));
}

TEST_F(HostDisks, say_at_once_what_the_medium_never_does) {
  device.change().flushes = device.change().discards = device.change().writes_zeroes = false;
  device.change().block = 4096;
  const auto mine = part({0, unit});
  EXPECT_EQ(mine->shape().block, 4096U);
  EXPECT_FALSE(mine->shape().discards || mine->shape().writes_zeroes);
  BlockJob flush = job(BlockOperation::flush, 1), discard = job(BlockOperation::discard, 2),
           zeroes = job(BlockOperation::write_zeroes, 3), small = job(BlockOperation::write, 4);
  EXPECT_EQ(mine->start(flush), BlockStatus::done) << "what is written is there";
  EXPECT_EQ(mine->start(discard), BlockStatus::unsupported);
  EXPECT_EQ(mine->start(zeroes), BlockStatus::unsupported);
  EXPECT_EQ(mine->start(small), BlockStatus::failed) << "it is no whole block";
  EXPECT_TRUE(device.started.empty());
}

TEST_F(HostDisks, have_let_go_of_memory_when_a_job_is_given_up) {
  const auto mine = part({0, unit});
  BlockJob read = job(BlockOperation::read, 1);
  EXPECT_EQ(mine->start(read), BlockStatus::pending);
  unsigned waited = 0;
  fake::while_waiting = [&] {
    if (++waited == 3) device.finish(1);
  };
  mine->cancel(read);
  EXPECT_EQ(waited, 3U);
  EXPECT_TRUE(device.requests.empty());
  disk.serve();
  EXPECT_TRUE(client.numbers.empty()) << "nobody hears of it";
  BlockJob next = job(BlockOperation::read, 2);
  EXPECT_EQ(mine->start(next), BlockStatus::pending);
  EXPECT_EQ(device.requests.size(), 1U);
}

TEST_F(HostDisks, let_the_next_job_wait_for_a_flush_that_was_given_up) {
  const auto mine = part({0, unit});
  BlockJob flush = job(BlockOperation::flush, 1), lost = job(BlockOperation::write, 2), kept = job(BlockOperation::write, 3);
  EXPECT_EQ(mine->start(flush), BlockStatus::pending);
  mine->cancel(flush);
  EXPECT_EQ(mine->start(lost), BlockStatus::pending);
  mine->cancel(lost);
  EXPECT_EQ(mine->start(kept), BlockStatus::pending);
  EXPECT_EQ(device.started, std::vector<DiskOperation>{DiskOperation::flush});
  device.finish(1);
  disk.serve();
  EXPECT_EQ(device.started, (std::vector<DiskOperation>{DiskOperation::flush, DiskOperation::write}));
  device.finish(1);
  disk.serve();
  EXPECT_EQ(client.numbers, std::vector<uint64_t>{3});
}

TEST_F(HostDisks, keep_a_slot_until_what_its_last_owner_left_is_over) {
  {
    const auto mine = part({0, unit});
    BlockJob flush = job(BlockOperation::flush, 1);
    EXPECT_EQ(mine->start(flush), BlockStatus::pending);
    mine->cancel(flush);
    mine->settle();
  }
  const auto next = part({0, unit});
  BlockJob write = job(BlockOperation::write, 2);
  EXPECT_EQ(next->start(write), BlockStatus::pending);
  EXPECT_EQ(device.requests.size(), 2U) << "in another slot";
}

TEST_F(HostDisks, that_go_mad_are_shut_off_and_fail_everything) {
  const auto mine = part({0, unit}), other = part({unit, unit});
  BlockJob flush = job(BlockOperation::flush, 1), waiting = job(BlockOperation::write, 2), write = job(BlockOperation::write, 3);
  EXPECT_EQ(mine->start(flush), BlockStatus::pending);
  mine->cancel(flush);
  EXPECT_EQ(mine->start(waiting), BlockStatus::pending);
  EXPECT_EQ(other->start(write), BlockStatus::pending);
  device.go_mad();
  disk.serve();
  EXPECT_TRUE(device.stopped && disk.is_lost());
  EXPECT_EQ(client.numbers, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(client.last, BlockStatus::failed);
  EXPECT_EQ(mine->start(write), BlockStatus::failed);
  Bytes sector(512);
  EXPECT_FALSE(disk.read(0, sector));
}

TEST_F(HostDisks, are_read_for_ourselves_beside_what_vms_do) {
  const auto mine = part({0, unit});
  BlockJob write = job(BlockOperation::write, 1);
  EXPECT_EQ(mine->start(write), BlockStatus::pending);
  device.medium[1024] = std::byte{9};
  fake::while_waiting = [&] {
    if (device.requests.contains(0)) device.finish(0);
  };
  Bytes sector(512);
  EXPECT_TRUE(disk.read(1024, sector));
  EXPECT_EQ(sector[0], std::byte{9});
  fake::while_waiting = [&] {
    if (device.requests.contains(0)) device.finish(0, false);
  };
  EXPECT_FALSE(disk.read(1024, sector));
}

// --- with a guest's driver in front ----------------------------------------------------------------------------------

class DiskOfAGuest : public HostDisks {
 protected:
  static constexpr uint64_t header = VirtioDriver::buffers, status = header + 0x100, data = header + 0x1000;
  static constexpr uint8_t untouched = 0xcc, ok = 0, io_error = 1;

  DiskOfAGuest()
      : mine(part({unit, unit})),
        blk(std::make_unique<Blk>(fixture.site(config), *mine, "")),
        driver(*blk, fixture.irqs, fixture.memory) {}
  void post(uint32_t type, std::vector<VirtioDriver::Part> parts) {
    fixture.memory.put<uint32_t>(header, type);
    fixture.memory.put<uint64_t>(header + 8, uint64_t{0});
    fixture.memory.put<uint8_t>(status, untouched);
    parts.insert(parts.begin(), {header, 16});
    parts.push_back({status, 1, true});
    driver.chain(0, parts);
    driver.make_available(0);
    driver.notify();
  }
  void finish(bool well = true) {
    device.finish(1, well);
    disk.serve();
  }
  uint8_t answer() { return fixture.memory.get<uint8_t>(status); }

  config::VmConfig config;
  DeviceFixture fixture{{}, config};
  std::unique_ptr<HostDiskPart> mine;
  std::unique_ptr<Blk> blk;
  VirtioDriver driver;
};

TEST_F(DiskOfAGuest, answers_a_write_of_a_driver_that_does_not_flush_when_it_is_there_for_good) {
  driver.start();
  post(1, {{data, 512}});
  EXPECT_EQ(answer(), untouched);
  finish();
  EXPECT_EQ(answer(), untouched) << "it may be in a cache of the disk's";
  finish();
  EXPECT_EQ(answer(), ok);
  EXPECT_EQ(device.started, (std::vector<DiskOperation>{DiskOperation::write, DiskOperation::flush}));
}

TEST_F(DiskOfAGuest, leaves_flushes_to_a_driver_that_does_them) {
  constexpr uint64_t can_flush = 1 << 9;
  driver.start(vmm::virtio::feature::version_1 | can_flush);
  post(1, {{data, 512}});
  finish();
  EXPECT_EQ(answer(), ok);
  post(4, {});
  EXPECT_EQ(answer(), untouched);
  finish();
  EXPECT_EQ(answer(), ok);
  EXPECT_EQ(blk->block_counts().flushes.load(), 1U);
}

TEST_F(DiskOfAGuest, tells_the_guest_of_a_medium_that_fails) {
  driver.start();
  post(0, {{data, 512, true}});
  finish(false);
  EXPECT_EQ(answer(), io_error);
  EXPECT_FALSE(driver.needs_reset());
  EXPECT_EQ(blk->counts().errors.load(), 1U);
  post(0, {{data, 512, true}});
  finish();
  EXPECT_EQ(answer(), ok);
}

TEST_F(DiskOfAGuest, can_be_reset_while_the_disk_is_at_it) {
  driver.start();
  post(0, {{data, 512, true}});
  fake::while_waiting = [&] {
    if (device.requests.contains(1)) device.finish(1);
  };
  driver.bus.write(VirtioDriver::status, 0);
  EXPECT_TRUE(device.requests.empty());
  EXPECT_EQ(answer(), untouched);
  fake::while_waiting = nullptr;
  disk.serve();
  EXPECT_EQ(answer(), untouched);
}

}  // namespace

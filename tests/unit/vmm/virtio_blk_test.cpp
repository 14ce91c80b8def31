// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/blk.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "virtio_driver.hpp"
#include "vmm/disk/memory_disks.hpp"

namespace {

using vmm::BlockBackend;
using vmm::BlockJob;
using vmm::BlockOperation;
using vmm::BlockShape;
using vmm::BlockStatus;
using vmm::ChunkedMemory;
using vmm::OverlayDisk;
using vmm::RamDisk;
using vmm::test::DeviceFixture;
using vmm::test::VirtioDriver;
using vmm::virtio::Blk;
namespace feature = vmm::virtio::feature;

using Bytes = std::vector<std::byte>;

Bytes pattern(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint32_t> words(size / 4 + 1);
  for (size_t i = 0; i < words.size(); ++i) words[i] = i % 64 == 0 ? static_cast<uint32_t>(random()) : words[i - 1] + 1;
  Bytes bytes(size);
  std::memcpy(bytes.data(), words.data(), size);
  return bytes;
}

// Chunks of zeroed memory.
struct Chunks {
  explicit Chunks(size_t count) : bytes(count * ChunkedMemory::chunk) {
    for (size_t i = 0; i < count; ++i) places.push_back(bytes.data() + i * ChunkedMemory::chunk);
    memory = {places};
  }
  Bytes bytes;
  std::vector<std::byte*> places;
  ChunkedMemory memory;
};

// --- the disks in memory ---------------------------------------------------------------------------------------------

BlockStatus run(BlockBackend& disk, BlockOperation operation, uint64_t offset, Bytes& bytes, size_t cut = 0) {
  const std::span all(bytes);
  const std::vector<std::span<std::byte>> pieces{all.first(cut), all.subspan(cut)};
  BlockJob job;
  job.operation = operation;
  job.offset = offset;
  job.size = bytes.size();
  if (operation == BlockOperation::read || operation == BlockOperation::write) job.memory = pieces;
  return disk.start(job);
}

Bytes read(BlockBackend& disk, uint64_t offset, size_t size) {
  Bytes bytes(size, std::byte{0xee});
  EXPECT_EQ(run(disk, BlockOperation::read, offset, bytes, size / 3), BlockStatus::done);
  return bytes;
}

TEST(MemoryDisks, of_an_image_end_with_a_whole_sector) {
  const Bytes image = pattern(1000, 1);
  vmm::ImageDisk disk(image);
  EXPECT_EQ(disk.shape().size, 1024U);
  EXPECT_TRUE(disk.shape().read_only);
  Bytes expected(image);
  expected.resize(1024);
  EXPECT_EQ(read(disk, 0, 1024), expected);
  EXPECT_EQ(run(disk, BlockOperation::write, 0, expected), BlockStatus::unsupported);
}

TEST(MemoryDisks, of_ram_keep_what_is_written_across_chunks) {
  Chunks chunks(2);
  RamDisk disk(chunks.memory, chunks.memory.size());
  Bytes bytes = pattern(0x4000, 2);
  const uint64_t edge = ChunkedMemory::chunk - 0x1200;
  EXPECT_EQ(run(disk, BlockOperation::write, edge, bytes, 0x200), BlockStatus::done);
  EXPECT_EQ(read(disk, edge, bytes.size()), bytes);
  Bytes zeroes(0x2000);
  EXPECT_EQ(run(disk, BlockOperation::write_zeroes, edge + 0x1000, zeroes), BlockStatus::done);
  std::memset(bytes.data() + 0x1000, 0, 0x2000);
  EXPECT_EQ(read(disk, edge, bytes.size()), bytes);
}

class Overlay : public testing::Test {
 protected:
  static constexpr uint64_t cluster = OverlayDisk::cluster;
  Bytes image = pattern(20 * cluster - 100, 3);
  Bytes expected = [this] {
    Bytes all(image);
    all.resize(hal::align_up(all.size(), 512));
    return all;
  }();
  std::vector<uint32_t> index = std::vector<uint32_t>(OverlayDisk::clusters(image.size()));
  Chunks chunks{1};
  OverlayDisk disk{image, index, chunks.memory};
};

TEST_F(Overlay, is_the_image_until_it_is_written) {
  EXPECT_EQ(read(disk, 0, expected.size()), expected);
  EXPECT_EQ(disk.free_clusters(), ChunkedMemory::chunk / cluster);
  EXPECT_FALSE(disk.shape().read_only);
}

TEST_F(Overlay, agrees_with_a_plain_copy_whatever_is_done_to_it) {
  const Bytes original = image;
  std::mt19937 random(4);
  for (unsigned round = 0; round < 300; ++round) {
    const uint64_t offset = random() % (expected.size() / 512) * 512;
    const uint64_t size = std::min<uint64_t>(expected.size() - offset, (random() % 100 + 1) * 512);
    Bytes bytes = pattern(size, round);
    switch (random() % 4) {
      case 0:
        ASSERT_EQ(run(disk, BlockOperation::write, offset, bytes, random() % size), BlockStatus::done);
        std::ranges::copy(bytes, expected.begin() + static_cast<ptrdiff_t>(offset));
        break;
      case 1:
        ASSERT_EQ(run(disk, random() % 2 != 0 ? BlockOperation::discard : BlockOperation::write_zeroes, offset, bytes),
                  BlockStatus::done);
        std::memset(expected.data() + offset, 0, size);
        break;
      default:
        ASSERT_EQ(read(disk, offset, size), Bytes(expected.begin() + static_cast<ptrdiff_t>(offset),
                                                  expected.begin() + static_cast<ptrdiff_t>(offset + size)));
    }
  }
  EXPECT_EQ(read(disk, 0, expected.size()), expected);
  EXPECT_EQ(image, original) << "nobody writes the image";
  Bytes all(expected.size());
  ASSERT_EQ(run(disk, BlockOperation::discard, 0, all), BlockStatus::done);
  EXPECT_GE(disk.free_clusters() + 1, ChunkedMemory::chunk / cluster) << "the last cluster is not whole";
}

TEST(OverlayRoom, ends_and_comes_back_with_a_discard) {
  const Bytes image = pattern(200 * OverlayDisk::cluster, 5);
  std::vector<uint32_t> index(OverlayDisk::clusters(image.size()));
  Chunks chunks(1);
  OverlayDisk disk(image, index, chunks.memory);
  const uint64_t room = disk.free_clusters();
  Bytes sector = pattern(512, 6);
  for (uint64_t i = 0; i < room; ++i) {
    ASSERT_EQ(run(disk, BlockOperation::write, i * OverlayDisk::cluster, sector), BlockStatus::done);
  }
  EXPECT_EQ(run(disk, BlockOperation::write, room * OverlayDisk::cluster, sector), BlockStatus::failed);
  EXPECT_EQ(run(disk, BlockOperation::write, 512, sector), BlockStatus::done) << "what is there can be written";
  Bytes cluster(OverlayDisk::cluster);
  EXPECT_EQ(run(disk, BlockOperation::discard, 0, cluster), BlockStatus::done);
  EXPECT_EQ(run(disk, BlockOperation::write, room * OverlayDisk::cluster, sector), BlockStatus::done);
  EXPECT_EQ(read(disk, 0, OverlayDisk::cluster), cluster) << "zeroes, not what was there";
}

// --- the device ------------------------------------------------------------------------------------------------------

// Answers when the test says so, with a RAM disk behind it.
class SlowDisk final : public BlockBackend {
 public:
  explicit SlowDisk(BlockBackend& fast) : fast_(fast) {}
  [[nodiscard]] BlockShape shape() const override { return fast_.shape(); }
  [[nodiscard]] BlockStatus start(BlockJob& job) override {
    job_ = &job;
    return BlockStatus::pending;
  }
  void cancel(BlockJob&) override { job_ = nullptr; }
  [[nodiscard]] bool is_busy() const { return job_ != nullptr; }
  [[nodiscard]] bool is_busy_with(BlockOperation operation) const { return job_ != nullptr && job_->operation == operation; }
  void finish() {
    BlockJob& job = *std::exchange(job_, nullptr);
    vmm::BlockClient* const client = job.client;
    const uint64_t number = job.number;
    client->finished(number, fast_.start(job));
    client->finished(number, BlockStatus::failed);  // once more than there was work: nobody minds
  }

 private:
  BlockBackend& fast_;
  BlockJob* job_ = nullptr;
};

class VirtioBlk : public testing::Test {
 protected:
  enum Type : uint32_t { in = 0, out = 1, flush = 4, get_id = 8, discard = 11, write_zeroes = 13 };
  static constexpr uint64_t header = VirtioDriver::buffers, status = header + 0x100, data = header + 0x1000;
  static constexpr uint8_t untouched = 0xcc, ok = 0, io_error = 1, unsupported = 2;

  explicit VirtioBlk(BlockBackend* other = nullptr)
      : device(std::make_unique<Blk>(fixture.site(config), other != nullptr ? *other : disk, "serial-17")),
        driver(*device, fixture.irqs, fixture.memory) {
    driver.start();
  }

  void post(uint32_t type, uint64_t sector, std::vector<VirtioDriver::Part> parts) {
    fixture.memory.put<uint32_t>(header, type);
    fixture.memory.put<uint64_t>(header + 8, sector);
    fixture.memory.put<uint8_t>(status, untouched);
    parts.insert(parts.begin(), {header, 16});
    parts.push_back({status, 1, true});
    driver.chain(0, parts);
    driver.make_available(0);
    driver.notify();
  }
  [[nodiscard]] uint8_t answer() { return fixture.memory.get<uint8_t>(status); }
  uint8_t request(uint32_t type, uint64_t sector, std::vector<VirtioDriver::Part> parts) {
    post(type, sector, std::move(parts));
    while (fixture.worker.has_work()) fixture.worker.step();
    used = driver.take_used();
    EXPECT_EQ(used.size(), 1U);
    return answer();
  }
  uint8_t clear(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags = 0) {
    fixture.memory.put(data, sector);
    fixture.memory.put(data + 8, sectors);
    fixture.memory.put(data + 12, flags);
    return request(type, 0, {{data, 16}});
  }
  void put(uint64_t place, const Bytes& bytes) {
    for (const std::byte byte : bytes) fixture.memory.at(place++) = byte;
  }
  Bytes get(uint64_t place, size_t size) {
    Bytes bytes;
    for (size_t i = 0; i < size; ++i) bytes.push_back(fixture.memory.at(place + i));
    return bytes;
  }

  Chunks chunks{1};
  RamDisk disk{chunks.memory, 512 * 1024};
  config::VmConfig config;
  DeviceFixture fixture{{}, config};
  std::unique_ptr<Blk> device;
  VirtioDriver driver;
  std::vector<VirtioDriver::Used> used;
};

TEST_F(VirtioBlk, tells_its_shape) {
  const auto config_word = [&](uint64_t offset) { return driver.bus.read(VirtioDriver::config + offset); };
  EXPECT_EQ(driver.bus.read(VirtioDriver::device_id), 2U);
  EXPECT_EQ(config_word(0), 1024U) << "capacity in sectors";
  EXPECT_EQ(config_word(8), Blk::size_max);
  EXPECT_EQ(config_word(12), 254U);
  EXPECT_EQ(config_word(20), 512U);
  EXPECT_EQ(driver.bus.read(VirtioDriver::config + 18, 1), 16U);
  EXPECT_EQ(driver.offered() & 0xffff, 0x4656U) << "no discard: a RAM disk gives nothing back";
}

TEST_F(VirtioBlk, keeps_what_it_is_given) {
  const Bytes bytes = pattern(1536, 7);
  put(data, bytes);
  EXPECT_EQ(request(out, 5, {{data, 100}, {data + 100, 1000}, {data + 1100, 436}}), ok);
  EXPECT_EQ(request(in, 5, {{data + 0x1000, 1000, true}, {data + 0x13e8, 536, true}}), ok);
  EXPECT_EQ(used[0].size, 1537U);
  EXPECT_EQ(get(data + 0x1000, 1536), bytes);
  EXPECT_EQ(device->counts().requests.load(), 2U);
  EXPECT_EQ(device->block_counts().read_bytes.load(), 1536U);
  EXPECT_EQ(device->block_counts().written_bytes.load(), 1536U);
  vmm::DeviceReport report;
  device->report(report);
  EXPECT_EQ(report.size, 512U * 1024);
  EXPECT_EQ(report.requests, 2U);
  EXPECT_EQ(report.read_bytes + report.written_bytes, 3072U);
  EXPECT_EQ(report.notifications, 2U);
  EXPECT_EQ(report.interrupts, 2U);
}

TEST_F(VirtioBlk, takes_its_header_and_status_in_any_pieces) {
  put(data, pattern(512, 8));
  fixture.memory.put<uint32_t>(header, out);
  fixture.memory.put<uint64_t>(header + 8, uint64_t{1});
  driver.chain(0, {{header, 3}, {header + 3, 13}, {data, 512}, {status, 1, true}});
  driver.make_available(0);
  driver.notify();
  EXPECT_EQ(answer(), ok);
  // The header and what is written in one buffer.
  put(data, Bytes(16));
  fixture.memory.put<uint32_t>(data, out);
  driver.chain(0, {{data, 16 + 512}, {status, 1, true}});
  driver.make_available(0);
  driver.notify();
  EXPECT_EQ(answer(), ok);
}

TEST_F(VirtioBlk, refuses_what_is_beyond_its_end) {
  EXPECT_EQ(request(in, 1024, {{data, 512, true}}), io_error);
  EXPECT_EQ(request(in, 1023, {{data, 1024, true}}), io_error);
  EXPECT_EQ(request(out, 1023, {{data, 1024}}), io_error);
  EXPECT_EQ(request(in, UINT64_MAX, {{data, 512, true}}), io_error);
  EXPECT_EQ(request(in, UINT64_MAX / 512 + 1, {{data, 512, true}}), io_error);
  EXPECT_EQ(request(in, 0, {{data, 511, true}}), io_error);
  EXPECT_EQ(request(in, 0, {}), io_error);
  EXPECT_EQ(request(in, 1023, {{data, 512, true}}), ok);
  EXPECT_FALSE(driver.needs_reset());
}

TEST_F(VirtioBlk, says_who_it_is) {
  EXPECT_EQ(request(get_id, 0, {{data, 20, true}}), ok);
  EXPECT_EQ(std::memcmp(get(data, 20).data(), "serial-17\0\0\0\0\0\0\0\0\0\0", 20), 0);
  EXPECT_EQ(request(get_id, 0, {{data, 4, true}}), ok);
  EXPECT_EQ(request(flush, 0, {}), ok);
  EXPECT_EQ(device->block_counts().flushes.load(), 1U);
  EXPECT_EQ(request(77, 0, {}), unsupported);
}

TEST_F(VirtioBlk, writes_zeroes) {
  put(data, pattern(1024, 9));
  EXPECT_EQ(request(out, 0, {{data, 1024}}), ok);
  EXPECT_EQ(clear(write_zeroes, 1, 1), ok);
  EXPECT_EQ(request(in, 1, {{data, 512, true}}), ok);
  EXPECT_EQ(get(data, 512), Bytes(512));
  EXPECT_EQ(clear(write_zeroes, 0, 1024, 1), ok);
  EXPECT_EQ(clear(write_zeroes, 0, 1024, 2), unsupported) << "a flag that is none";
  EXPECT_EQ(clear(write_zeroes, 1, 1024), io_error);
  EXPECT_EQ(clear(write_zeroes, 0, 0), io_error);
  EXPECT_EQ(clear(write_zeroes, 0, Blk::max_clear_sectors + 1), io_error);
  EXPECT_EQ(clear(write_zeroes, UINT64_MAX, 2), io_error);
  EXPECT_EQ(clear(discard, 0, 1), unsupported);
  EXPECT_EQ(request(write_zeroes, 0, {{data, 15}}), io_error);
}

TEST_F(VirtioBlk, serves_a_request_of_any_size_in_pieces) {
  Bytes bytes = pattern(300 * 1024, 10);
  put(data, bytes);
  // Of one descriptor, as firmware likes to make them.
  post(out, 8, {{data, 300 * 1024}});
  EXPECT_EQ(answer(), untouched);
  EXPECT_TRUE(fixture.worker.has_work()) << "an exit does no more than a part of it";
  while (fixture.worker.has_work()) fixture.worker.step();
  EXPECT_EQ(answer(), ok);
  EXPECT_EQ(driver.take_used().size(), 1U);
  put(data, Bytes(bytes.size()));
  EXPECT_EQ(request(in, 8, {{data, 300 * 1024, true}}), ok);
  EXPECT_EQ(get(data, bytes.size()), bytes);
}

TEST_F(VirtioBlk, serves_buffers_that_end_within_sectors) {
  driver.start(feature::version_1, 256);
  const Bytes bytes = pattern(200 * 512, 11);
  put(data, bytes);
  std::vector<VirtioDriver::Part> parts;
  for (uint64_t at = 0; at < bytes.size(); at += 600) {
    parts.push_back({data + at, static_cast<uint32_t>(std::min<uint64_t>(600, bytes.size() - at))});
  }
  EXPECT_EQ(request(out, 0, parts), ok);
  for (VirtioDriver::Part& part : parts) part.writable = true;
  put(data, Bytes(bytes.size()));
  EXPECT_EQ(request(in, 0, parts), ok);
  EXPECT_EQ(get(data, bytes.size()), bytes);
}

TEST_F(VirtioBlk, fails_a_sector_of_more_pieces_than_a_job_has) {
  driver.start(feature::version_1, 64);
  std::vector<VirtioDriver::Part> parts;
  for (uint32_t i = 0; i < 32; ++i) parts.push_back({data + i * 16, 16});
  EXPECT_EQ(request(out, 0, parts), io_error);
  EXPECT_FALSE(driver.needs_reset());
}

TEST_F(VirtioBlk, breaks_where_a_request_has_no_header_or_status) {
  for (const auto& parts : {std::vector<VirtioDriver::Part>{{header, 15}, {status, 1, true}}, {{header, 16}}}) {
    driver.start();
    driver.chain(0, parts);
    driver.make_available(0);
    driver.notify();
    EXPECT_TRUE(driver.needs_reset());
  }
}

TEST_F(VirtioBlk, breaks_where_a_buffer_is_not_in_ram) {
  constexpr uint64_t nowhere = 0x9000'0000;
  const std::vector<std::vector<VirtioDriver::Part>> chains{
      {{nowhere, 16}, {status, 1, true}},
      {{header, 16}, {nowhere, 512}, {status, 1, true}},
      {{header, 16}, {VirtioDriver::ram + VirtioDriver::ram_size - 512, 1024}, {status, 1, true}},
      {{header, 16}, {data, 512}, {nowhere, 1, true}},
  };
  for (const auto& parts : chains) {
    driver.start();
    fixture.memory.put<uint32_t>(header, out);
    fixture.memory.put<uint64_t>(header + 8, uint64_t{0});
    driver.chain(0, parts);
    driver.make_available(0);
    driver.notify();
    EXPECT_TRUE(driver.needs_reset());
    EXPECT_TRUE(driver.take_used().empty());
  }
  driver.start();
  EXPECT_EQ(request(in, 0, {{data, 512, true}}), ok);
}

class VirtioBlkOfAnImage : public VirtioBlk {
 protected:
  VirtioBlkOfAnImage() : VirtioBlk(&image) {}
  static inline const Bytes content = pattern(4096, 12);
  static inline vmm::ImageDisk image{content};
};

TEST_F(VirtioBlkOfAnImage, is_read_only) {
  EXPECT_EQ(driver.offered() & 0xffff, 0x0676U);
  EXPECT_EQ(request(in, 0, {{data, 4096, true}}), ok);
  EXPECT_EQ(get(data, 4096), content);
  EXPECT_EQ(request(out, 0, {{data, 512}}), io_error);
  EXPECT_EQ(clear(write_zeroes, 0, 1), io_error);
  EXPECT_EQ(clear(discard, 0, 1), io_error);
}

struct SlowMachine {
  Chunks chunks{1};
  RamDisk fast{chunks.memory, 512 * 1024};
  SlowDisk disk{fast};
  config::VmConfig config;
  DeviceFixture fixture{{}, config};
  Blk device{fixture.site(config), disk, ""};
  VirtioDriver driver{device, fixture.irqs, fixture.memory};
  static constexpr uint64_t header = VirtioDriver::buffers, status = header + 0x100, data = header + 0x1000;
  static constexpr uint64_t flushing = vmm::virtio::feature::version_1 | 1 << 9;

  void write(uint16_t head, uint32_t size = 512) {
    fixture.memory.put<uint32_t>(header, 1);
    fixture.memory.put<uint8_t>(status, 0xcc);
    driver.chain(head, {{header, 16}, {data, size}, {status, 1, true}});
    driver.make_available(head);
    driver.notify();
  }
};

TEST(SlowVirtioBlk, answers_when_its_disk_does) {
  SlowMachine m;
  m.driver.start(SlowMachine::flushing);
  m.write(0);
  m.write(3);
  EXPECT_TRUE(m.driver.take_used().empty());
  ASSERT_TRUE(m.disk.is_busy());
  m.disk.finish();
  EXPECT_EQ(m.driver.take_used().size(), 1U);
  ASSERT_TRUE(m.disk.is_busy()) << "the next one, without a notification";
  m.disk.finish();
  EXPECT_EQ(m.driver.take_used().size(), 1U);
  EXPECT_FALSE(m.disk.is_busy());
  EXPECT_TRUE(m.fixture.irqs.level(VirtioDriver::irq));
}

TEST(SlowVirtioBlk, gives_up_what_is_pending_when_it_is_reset) {
  SlowMachine m;
  m.driver.start(SlowMachine::flushing);
  m.write(0, 128 * 1024);
  ASSERT_TRUE(m.disk.is_busy());
  m.driver.bus.write(VirtioDriver::status, 0);
  EXPECT_FALSE(m.disk.is_busy());
  m.driver.start(SlowMachine::flushing);
  m.write(0, 128 * 1024);
  m.disk.finish();
  ASSERT_TRUE(m.disk.is_busy()) << "in jobs of 64 KiB";
  m.disk.finish();
  EXPECT_EQ(m.driver.take_used().size(), 1U);
  EXPECT_EQ(m.fixture.memory.get<uint8_t>(SlowMachine::status), 0U);
}

TEST(SlowVirtioBlk, flushes_what_was_written_by_a_driver_that_does_not) {
  SlowMachine m;
  m.driver.start(vmm::virtio::feature::version_1);
  m.write(0);
  ASSERT_TRUE(m.disk.is_busy_with(BlockOperation::write));
  m.disk.finish();
  ASSERT_TRUE(m.disk.is_busy_with(BlockOperation::flush));
  EXPECT_TRUE(m.driver.take_used().empty()) << "before it is there for good";
  m.disk.finish();
  EXPECT_EQ(m.driver.take_used().size(), 1U);
  EXPECT_FALSE(m.disk.is_busy());
}

}  // namespace

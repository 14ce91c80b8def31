// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/base/fixed.hpp"
#include "vmm/disk/block_backend.hpp"
#include "vmm/virtio/device.hpp"

namespace vmm::virtio {

// Counted since the VM was made; bytes and requests of all kinds are in DeviceCounts.
struct BlockCounts {
  std::atomic<uint64_t> read_bytes{0}, written_bytes{0}, flushes{0}, discards{0};
};

// A block device (5.2) in front of a backend. One queue; requests are served in their order, each in jobs of what the
// backend takes at a time, so that one of any size is bounded work between two looks at the budget.
class Blk final : public VirtioDevice, private BlockClient {
 public:
  static constexpr uint16_t queue_size = 256;
  static constexpr uint32_t seg_max = queue_size - 2;  // beside header and status
  static constexpr uint32_t size_max = 1024 * 1024;
  static constexpr uint32_t max_clear_sectors = 32 * 1024;  // of a discard or write zeroes
  using Serial = hal::FixedString<20>;

  // The backend stays as long as the device, and is this one's alone unless it is read-only.
  Blk(const DeviceSite& site, BlockBackend& backend, std::string_view serial);

  [[nodiscard]] const BlockCounts& block_counts() const { return block_counts_; }
  // Counts and size; any task.
  void report(DeviceReport& report) const;

 private:
  // 5.2.4.
  struct Configuration {
    uint64_t capacity;
    uint32_t size_max, seg_max;
    uint16_t cylinders;
    uint8_t heads, sectors;
    uint32_t blk_size;
    uint8_t physical_block_exp, alignment_offset;
    uint16_t min_io_size;
    uint32_t opt_io_size;
    uint8_t writeback, unused0;
    uint16_t num_queues;
    uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
    uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
    uint8_t write_zeroes_may_unmap, unused1[3];
  };
  static_assert(sizeof(Configuration) == 64 && offsetof(Configuration, write_zeroes_may_unmap) == 56);

  enum class State : uint8_t { idle, working, pending };
  enum class Outcome : uint8_t { ok = 0, io_error = 1, unsupported = 2 };  // 5.2.6

  [[nodiscard]] static uint64_t features_of(const BlockShape& shape);

  void stop() override PLINTH_REQUIRES(lock);
  void stop_queue(uint16_t queue) override PLINTH_REQUIRES(lock);
  [[nodiscard]] Served serve(uint16_t queue, Budget& budget) override PLINTH_REQUIRES(lock);
  [[nodiscard]] std::span<const std::byte> configuration() const override;
  void finished(uint64_t number, BlockStatus status) override;

  void set_job(BlockOperation operation, uint64_t sector, uint64_t size) PLINTH_REQUIRES(lock);
  [[nodiscard]] bool begin() PLINTH_REQUIRES(lock);
  void begin_request(uint32_t type, uint64_t sector) PLINTH_REQUIRES(lock);
  void begin_transfer(BlockOperation operation, uint64_t sector, uint64_t size) PLINTH_REQUIRES(lock);
  void begin_clear(BlockOperation operation) PLINTH_REQUIRES(lock);
  void give_serial() PLINTH_REQUIRES(lock);
  void step(Budget& budget) PLINTH_REQUIRES(lock);
  [[nodiscard]] bool gather(uint64_t limit) PLINTH_REQUIRES(lock);
  void account(BlockStatus status) PLINTH_REQUIRES(lock);
  void end(Outcome outcome) PLINTH_REQUIRES(lock);
  [[nodiscard]] bool is_inside(uint64_t sector, uint64_t bytes) const;

  BlockBackend& backend_;
  const BlockShape shape_;
  const Serial serial_;
  Configuration configuration_{};
  BlockCounts block_counts_;

  // The request that is being served, from State::working on.
  State state_ PLINTH_GUARDED_BY(lock) = State::idle;
  BlockJob job_ PLINTH_GUARDED_BY(lock);
  std::array<std::span<std::byte>, BlockBackend::max_pieces> pieces_ PLINTH_GUARDED_BY(lock);
  Cursor data_ PLINTH_GUARDED_BY(lock);            // what is left of its data
  uint64_t position_ PLINTH_GUARDED_BY(lock) = 0;  // on the disk
  uint64_t left_ PLINTH_GUARDED_BY(lock) = 0;      // bytes
  Chain chain_ PLINTH_GUARDED_BY(lock);
};

}  // namespace vmm::virtio

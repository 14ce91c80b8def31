// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vmm {

inline constexpr uint64_t sector_size = 512;

enum class BlockOperation : uint8_t { read, write, flush, discard, write_zeroes };

enum class BlockStatus : uint8_t {
  done,
  failed,       // the medium did not do it
  unsupported,  // it never does
  pending,      // it will say later
};

// Who waits for a job.
class BlockClient {
 public:
  // The job of this number that was pending is done or has failed. Any CPU, with no lock held. May come once more after
  // the job was cancelled: the client compares numbers.
  virtual void finished(uint64_t number, BlockStatus status) = 0;

 protected:
  ~BlockClient() = default;
};

// A piece of work on a disk. Whoever starts it keeps it, and what it points at, until it is finished.
struct BlockJob {
  BlockClient* client = nullptr;
  uint64_t number = 0;  // the client's
  BlockOperation operation = BlockOperation::read;
  uint64_t offset = 0;  // in bytes; a multiple of sector_size, as `size` is
  uint64_t size = 0;    // 0 for a flush
  // The memory, `size` bytes together: for read what is filled, for write what is taken; it may change meanwhile. Empty
  // for other operations.
  std::span<const std::span<std::byte>> memory;
};

struct BlockShape {
  uint64_t size = 0;  // in bytes, a multiple of sector_size
  bool read_only = false;
  bool discards = false;  // discard gives something back
  bool writes_zeroes = true;
  uint32_t block = sector_size;  // that its own requests are made of
};

// What is behind a VM's disk.
class BlockBackend {
 public:
  // Of a job that is started: no more than this.
  static constexpr uint64_t max_job = 64 * 1024;
  static constexpr size_t max_pieces = 16;

  [[nodiscard]] virtual BlockShape shape() const = 0;
  // Inside the disk, and not a change of one that is read-only: that is the caller's to see to. The caller may hold a
  // lock of rank `device`.
  [[nodiscard]] virtual BlockStatus start(BlockJob& job) = 0;
  // Give up a job that is pending: when this returns nobody touches it or its memory. The caller may hold its lock.
  virtual void cancel(BlockJob& /*job*/) {}
  // No job is pending. When this returns, nobody is in finished() on its behalf any more. No lock is held.
  virtual void settle() {}

 protected:
  ~BlockBackend() = default;
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "hal/base/address.hpp"
#include "hal/base/fixed.hpp"

namespace hal::driver {

enum class DiskOperation : uint8_t { read, write, flush, discard, write_zeroes };

struct DiskShape {
  uint64_t size = 0;        // in bytes, a multiple of `block`
  uint32_t block = 512;     // bytes; a power of two. Requests are whole blocks
  bool read_only = false;
  bool flushes = false;     // without it, what is written is on the medium when the request is over
  bool discards = false;
  bool writes_zeroes = false;
  unsigned slots = 0;       // requests that it has at a time
  FixedString<20> serial;
};

// Whoever starts it keeps the memory until it is over.
struct DiskRequest {
  DiskOperation operation = DiskOperation::read;
  uint64_t offset = 0, size = 0;                  // in bytes, within shape()
  std::span<const std::span<std::byte>> memory;  // `size` bytes together in the direct map, at most Disk::max_pieces
};

struct DiskCompletion {
  unsigned slot = 0;
  bool done = false;  // false: the medium failed
};

// One of the machine's disks. Requests are in slots, one in each, and over in any order. Its user has a lock around all
// calls, and sees to it that a request is what shape() allows.
class Disk {
 public:
  static constexpr size_t max_pieces = 16;
  static constexpr uint64_t max_request = 64 * kib;

  [[nodiscard]] const DiskShape& shape() const { return shape_; }
  // `slot` has none.
  virtual void start(unsigned slot, const DiskRequest& request) = 0;
  // A request that is over; its slot is free again, and its memory is no longer touched. Nothing: none is, now.
  [[nodiscard]] virtual std::optional<DiskCompletion> next_completion() = 0;
  // Take its interrupt back. What causes another comes after what next_completion() gives then.
  virtual void acknowledge() = 0;
  // False: it has said what makes no sense. Nobody knows what it does then but stop().
  [[nodiscard]] bool is_sane() const { return sane_; }
  // It touches no memory any more when this returns, and never will again.
  virtual void stop() = 0;

 protected:
  ~Disk() = default;

  DiskShape shape_;
  bool sane_ = true;
};

}  // namespace hal::driver

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/base/address.hpp"
#include "hal/base/lock.hpp"
#include "vmm/disk/block_backend.hpp"

// Disks that are in memory. They answer at once.
namespace vmm {

// Memory in chunks of one size.
struct ChunkedMemory {
  static constexpr uint64_t chunk = 2 * hal::mib;

  std::span<std::byte* const> chunks;

  [[nodiscard]] uint64_t size() const { return chunks.size() * chunk; }
  // At most `size` bytes from `offset` on, up to the end of the chunk. `offset` < size().
  [[nodiscard]] std::span<std::byte> at(uint64_t offset, uint64_t size) const;
};

// A file of the bundle, as it is. The last sector is filled up with zeroes.
class ImageDisk final : public BlockBackend {
 public:
  // `image` is not empty.
  explicit ImageDisk(std::span<const std::byte> image) : image_(image) {}
  [[nodiscard]] BlockShape shape() const override;
  [[nodiscard]] BlockStatus start(BlockJob& job) override;

 private:
  std::span<const std::byte> image_;
};

// RAM. What is in it stays for as long as the disk, whatever its VM does.
class RamDisk final : public BlockBackend {
 public:
  // Zeroed; `size` is a multiple of sector_size and at most what `memory` has.
  RamDisk(ChunkedMemory memory, uint64_t size) : memory_(memory), size_(size) {}
  [[nodiscard]] BlockShape shape() const override { return {.size = size_}; }
  [[nodiscard]] BlockStatus start(BlockJob& job) override;

 private:
  ChunkedMemory memory_;
  const uint64_t size_;
};

// A file of the bundle below a layer of RAM, which has what was changed, in clusters: a write copies its cluster first.
// When the layer is full, writes to further clusters fail; a discard gives clusters back.
//
//     index_[cluster] --> nothing: the image's   zeroes: nobody's   n: slot n of the layer
//
// Not thread-safe: one disk has one user, whose lock guards it.
class OverlayDisk final : public BlockBackend {
 public:
  static constexpr uint64_t cluster = 16 * hal::kib;
  [[nodiscard]] static uint64_t clusters(uint64_t size) { return (size + cluster - 1) / cluster; }

  // `index` has clusters(image.size()) places; `layer` is how many clusters may differ from the image.
  OverlayDisk(std::span<const std::byte> image, std::span<uint32_t> index, ChunkedMemory layer);
  [[nodiscard]] BlockShape shape() const override;
  [[nodiscard]] BlockStatus start(BlockJob& job) override;
  // Clusters of the layer that have no content.
  [[nodiscard]] uint64_t free_clusters() const { return free_; }

 private:
  static constexpr uint32_t from_image = UINT32_MAX, zeroes = UINT32_MAX - 1, no_slot = UINT32_MAX;

  [[nodiscard]] std::span<std::byte> slot(uint32_t number) const;
  [[nodiscard]] uint32_t take_slot();
  void release(uint32_t number);
  void read(uint64_t offset, std::span<std::byte> to) const;
  [[nodiscard]] std::span<std::byte> writable(uint64_t offset);
  [[nodiscard]] BlockStatus clear(uint64_t offset, uint64_t size);

  std::span<const std::byte> image_;
  std::span<uint32_t> index_;
  ChunkedMemory layer_;
  uint64_t free_;
  uint32_t untouched_ = 0;             // slots from here on were never taken
  uint32_t first_released_ = no_slot;  // each begins with the number of the next
};

}  // namespace vmm

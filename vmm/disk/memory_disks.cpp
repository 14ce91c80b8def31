// SPDX-License-Identifier: Apache-2.0
#include "vmm/disk/memory_disks.hpp"

#include <algorithm>
#include <cstring>

namespace vmm {

namespace {

// Calls visit(bytes of the job's memory, offset on the disk) for pieces of at most `limit(offset)` bytes, until it says
// no.
template <class Limit, class Visit>
BlockStatus for_each_piece(const BlockJob& job, Limit limit, Visit visit) {
  uint64_t offset = job.offset;
  for (std::span<std::byte> piece : job.memory) {
    while (!piece.empty()) {
      const size_t size = std::min<uint64_t>(piece.size(), limit(offset));
      if (!visit(piece.first(size), offset)) return BlockStatus::failed;
      piece = piece.subspan(size);
      offset += size;
    }
  }
  return BlockStatus::done;
}

// What a file has from `offset` on; zeroes behind its end.
void read_image(std::span<const std::byte> image, uint64_t offset, std::span<std::byte> to) {
  const size_t there = offset < image.size() ? std::min<uint64_t>(to.size(), image.size() - offset) : 0;
  if (there != 0) std::memcpy(to.data(), image.data() + offset, there);
  std::ranges::fill(to.subspan(there), std::byte{0});
}

uint64_t no_limit(uint64_t) { return UINT64_MAX; }

}  // namespace

std::span<std::byte> ChunkedMemory::at(uint64_t offset, uint64_t size) const {
  const uint64_t in_chunk = offset % chunk;
  return {chunks[offset / chunk] + in_chunk, std::min(size, chunk - in_chunk)};
}

// --- an image --------------------------------------------------------------------------------------------------------

BlockShape ImageDisk::shape() const { return {.size = hal::align_up(image_.size(), sector_size), .read_only = true}; }

BlockStatus ImageDisk::start(BlockJob& job) {
  if (job.operation == BlockOperation::flush) return BlockStatus::done;
  if (job.operation != BlockOperation::read) return BlockStatus::unsupported;
  return for_each_piece(job, no_limit, [&](std::span<std::byte> to, uint64_t offset) {
    read_image(image_, offset, to);
    return true;
  });
}

// --- RAM -------------------------------------------------------------------------------------------------------------

BlockStatus RamDisk::start(BlockJob& job) {
  const auto to_end_of_chunk = [](uint64_t offset) { return ChunkedMemory::chunk - offset % ChunkedMemory::chunk; };
  switch (job.operation) {
    case BlockOperation::read:
      return for_each_piece(job, to_end_of_chunk, [&](std::span<std::byte> to, uint64_t offset) {
        std::memcpy(to.data(), memory_.at(offset, to.size()).data(), to.size());
        return true;
      });
    case BlockOperation::write:
      return for_each_piece(job, to_end_of_chunk, [&](std::span<std::byte> from, uint64_t offset) {
        std::memcpy(memory_.at(offset, from.size()).data(), from.data(), from.size());
        return true;
      });
    case BlockOperation::flush: return BlockStatus::done;
    case BlockOperation::discard:  // what is discarded reads as anything: zeroes are as good
    case BlockOperation::write_zeroes:
      for (uint64_t done = 0; done < job.size;) {
        const std::span<std::byte> part = memory_.at(job.offset + done, job.size - done);
        std::ranges::fill(part, std::byte{0});
        done += part.size();
      }
      return BlockStatus::done;
  }
  return BlockStatus::unsupported;
}

// --- an image with a layer of RAM ------------------------------------------------------------------------------------

OverlayDisk::OverlayDisk(std::span<const std::byte> image, std::span<uint32_t> index, ChunkedMemory layer)
    : image_(image), index_(index), layer_(layer), free_(layer.size() / cluster) {
  static_assert(ChunkedMemory::chunk % cluster == 0, "a cluster is in one chunk");
  std::ranges::fill(index_, from_image);
}

BlockShape OverlayDisk::shape() const { return {.size = hal::align_up(image_.size(), sector_size), .discards = true}; }

std::span<std::byte> OverlayDisk::slot(uint32_t number) const { return layer_.at(number * cluster, cluster); }

uint32_t OverlayDisk::take_slot() {
  if (free_ == 0) return no_slot;
  --free_;
  if (first_released_ == no_slot) return untouched_++;
  const uint32_t taken = first_released_;
  std::memcpy(&first_released_, slot(taken).data(), sizeof first_released_);
  return taken;
}

void OverlayDisk::release(uint32_t number) {
  std::memcpy(slot(number).data(), &first_released_, sizeof first_released_);
  first_released_ = number;
  ++free_;
}

void OverlayDisk::read(uint64_t offset, std::span<std::byte> to) const {
  const uint32_t where = index_[offset / cluster];
  if (where == from_image) {
    read_image(image_, offset, to);
  } else if (where == zeroes) {
    std::ranges::fill(to, std::byte{0});
  } else {
    std::memcpy(to.data(), slot(where).data() + offset % cluster, to.size());
  }
}

// The rest of the cluster from `offset` on, in the layer. Empty: there is no room in it.
std::span<std::byte> OverlayDisk::writable(uint64_t offset) {
  uint32_t& where = index_[offset / cluster];
  if (where == from_image || where == zeroes) {
    const uint32_t taken = take_slot();
    if (taken == no_slot) return {};
    read(hal::align_down(offset, cluster), slot(taken));
    where = taken;
  }
  return slot(where).subspan(offset % cluster);
}

// Whole clusters need no place in the layer.
BlockStatus OverlayDisk::clear(uint64_t offset, uint64_t size) {
  while (size != 0) {
    const uint64_t part = std::min(size, cluster - offset % cluster);
    uint32_t& where = index_[offset / cluster];
    if (part == cluster) {
      if (where != from_image && where != zeroes) release(where);
      where = zeroes;
    } else if (where != zeroes) {
      const std::span<std::byte> bytes = writable(offset);
      if (bytes.empty()) return BlockStatus::failed;
      std::ranges::fill(bytes.first(part), std::byte{0});
    }
    offset += part;
    size -= part;
  }
  return BlockStatus::done;
}

BlockStatus OverlayDisk::start(BlockJob& job) {
  const auto to_end_of_cluster = [](uint64_t offset) { return cluster - offset % cluster; };
  switch (job.operation) {
    case BlockOperation::read:
      return for_each_piece(job, to_end_of_cluster, [&](std::span<std::byte> to, uint64_t offset) {
        read(offset, to);
        return true;
      });
    case BlockOperation::write:
      return for_each_piece(job, to_end_of_cluster, [&](std::span<std::byte> from, uint64_t offset) {
        const std::span<std::byte> to = writable(offset);
        if (!to.empty()) std::memcpy(to.data(), from.data(), from.size());
        return !to.empty();
      });
    case BlockOperation::flush: return BlockStatus::done;
    case BlockOperation::discard:
    case BlockOperation::write_zeroes: return clear(job.offset, job.size);
  }
  return BlockStatus::unsupported;
}

}  // namespace vmm

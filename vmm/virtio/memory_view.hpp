// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "vmm/device/device_memory.hpp"

namespace vmm::virtio {

// A VM's memory as one virtio device sees it: DeviceMemory behind a few pieces that were looked up before. Guarded by
// the device's lock.
class MemoryView {
 public:
  using Use = DeviceMemory::Use;

  explicit MemoryView(DeviceMemory& memory) : memory_(memory) {}

  // At most `size` bytes (not 0) from `place` on; never empty but where there is nothing.
  [[nodiscard]] std::span<std::byte> piece(hal::GuestPhys place, uint64_t size, Use use) {
    const Piece& known = slot(place, use);
    const uint64_t offset = place - known.start;
    if (offset >= known.bytes.size()) [[unlikely]]
      return look_up(place, size, use);
    return known.bytes.subspan(offset, std::min<uint64_t>(size, known.bytes.size() - offset));
  }
  // One field of a queue, aligned to its size: exactly one access each. Nothing, or false, where there is no memory.
  template <std::unsigned_integral T>
  [[nodiscard]] std::optional<T> load(hal::GuestPhys place) {
    const std::span<std::byte> bytes = piece(place, sizeof(T), Use::read);
    if (bytes.size() != sizeof(T)) [[unlikely]]
      return std::nullopt;
    return std::atomic_ref<T>(*reinterpret_cast<T*>(bytes.data())).load(std::memory_order_relaxed);
  }
  template <std::unsigned_integral T>
  [[nodiscard]] bool store(hal::GuestPhys place, T value) {
    const std::span<std::byte> bytes = piece(place, sizeof(T), Use::write);
    if (bytes.size() != sizeof(T)) [[unlikely]]
      return false;
    std::atomic_ref<T>(*reinterpret_cast<T*>(bytes.data())).store(value, std::memory_order_relaxed);
    return true;
  }
  // What was looked up is of no use any more.
  void forget() { pieces_ = {}; }

 private:
  static constexpr uint64_t reach = 2 * hal::mib;  // what is looked up at a time: a usual block of stage 2
  static constexpr unsigned slots = 4;             // per use

  struct Piece {
    hal::GuestPhys start;
    std::span<std::byte> bytes;
  };

  [[nodiscard]] Piece& slot(hal::GuestPhys place, Use use) {
    return pieces_[static_cast<unsigned>(use) * slots + place.value() / reach % slots];
  }
  [[nodiscard]] std::span<std::byte> look_up(hal::GuestPhys place, uint64_t size, Use use);

  DeviceMemory& memory_;
  std::array<Piece, DeviceMemory::uses * slots> pieces_{};
};

}  // namespace vmm::virtio

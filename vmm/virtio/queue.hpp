// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hal/base/address.hpp"
#include "vmm/virtio/memory_view.hpp"

// Section numbers are those of Virtual I/O Device (VIRTIO) Version 1.2.
namespace vmm::virtio {

// The largest Queue Size that any device here offers, and so the longest chain (2.7.5.3.1).
inline constexpr uint16_t max_queue_size = 256;

// One buffer of a chain, as the driver described it: the addresses are not checked yet.
struct Buffer {
  hal::GuestPhys place;
  uint32_t size = 0;
};

// A descriptor chain that was made available: copied out of the guest's memory once, so that the guest cannot change
// it any more. First what the device reads, then what it writes (2.7.4.2).
struct Chain {
  uint16_t head = 0;
  uint16_t readable_count = 0;
  uint16_t count = 0;
  uint64_t readable_bytes = 0;
  uint64_t writable_bytes = 0;
  std::array<Buffer, max_queue_size> buffers;

  [[nodiscard]] std::span<const Buffer> readable() const { return std::span(buffers).first(readable_count); }
  [[nodiscard]] std::span<const Buffer> writable() const {
    return std::span(buffers).subspan(readable_count, count - readable_count);
  }
};

// A place in the buffers of a chain, from the first byte on. What it reads or writes lies behind `Use`.
class Cursor {
 public:
  Cursor() = default;
  Cursor(std::span<const Buffer> buffers, MemoryView::Use use) : rest_(buffers), use_(use) {}

  // The next bytes, contiguous for us, at most `limit` (not 0); the cursor moves beyond them. Empty at the end, and
  // where an address is not RAM: at_end() tells which.
  [[nodiscard]] std::span<std::byte> take(MemoryView& memory, uint64_t limit);
  // Copy out of or into the buffers. False: they end before, or an address is not RAM.
  [[nodiscard]] bool read(MemoryView& memory, std::span<std::byte> to);
  [[nodiscard]] bool write(MemoryView& memory, std::span<const std::byte> from);
  // False: they end before.
  [[nodiscard]] bool skip(uint64_t bytes);
  [[nodiscard]] bool at_end();

 private:
  std::span<const Buffer> rest_;
  uint64_t offset_ = 0;  // into the first of them
  MemoryView::Use use_ = MemoryView::Use::read;
};

// The device's side of a split virtqueue (2.7). Everything in the guest's memory is hostile: it is read once and
// checked. After an error the queue is broken, does nothing, and says why; that is the device's to report. Guarded by
// the device's lock.
class Queue {
 public:
  enum class Taken : uint8_t { nothing, chain, broken };

  // --- the transport's registers -------------------------------------------------------------------------------------

  // What the driver sets up before it enables the queue. `size`: a power of two, at most what the device offers.
  struct Setup {
    uint16_t size = 0;
    hal::GuestPhys descriptors, driver, device;  // Descriptor Table, Available Ring, Used Ring
  };
  Setup setup;

  // False, and nothing has changed: the setup is not one (2.7: alignment, size).
  [[nodiscard]] bool enable(uint16_t max_size, bool event_idx, bool indirect);
  [[nodiscard]] bool is_enabled() const { return enabled_; }
  // Back to the state after power-on; the setup with it.
  void reset() { *this = Queue(); }

  // --- the device's work ---------------------------------------------------------------------------------------------

  // The next chain that the driver made available. It is the device's until it is given back.
  [[nodiscard]] Taken take(MemoryView& memory, Chain& chain);
  // Give a chain back, of which the device wrote the first `written` bytes. The driver sees it after publish().
  void give_back(MemoryView& memory, uint16_t head, uint32_t written);
  // Let the driver see what was given back. True: it wants to be interrupted for that (2.7.7).
  [[nodiscard]] bool publish(MemoryView& memory);
  // From now on the driver notifies of the next chain (2.7.10). True: one has come before it knew, and it may not
  // notify of it.
  [[nodiscard]] bool ask_for_notification(MemoryView& memory);

  // Empty, or why it is broken.
  [[nodiscard]] std::string_view fault() const { return fault_; }
  // Chains that are the device's.
  [[nodiscard]] unsigned in_flight() const { return in_flight_; }

 private:
  struct Descriptor;
  struct Table;

  [[nodiscard]] bool load_descriptor(MemoryView& memory, const Table& table, uint16_t index, Descriptor& to);
  [[nodiscard]] bool walk(MemoryView& memory, uint16_t head, Chain& chain);
  [[nodiscard]] bool add(const Descriptor& descriptor, Chain& chain);
  [[nodiscard]] bool enter_indirect(const Descriptor& descriptor, Table& table);
  [[nodiscard]] bool see_available(MemoryView& memory);
  [[nodiscard]] bool break_because(std::string_view why);

  std::string_view fault_;
  bool enabled_ = false;
  bool event_idx_ = false;
  bool indirect_ = false;
  // Free-running, as in the rings; a ring's slot is the index modulo the size.
  uint16_t seen_available_ = 0;  // the driver's avail.idx when it was last read
  uint16_t next_available_ = 0;  // the next to be taken
  uint16_t next_used_ = 0;       // the next to be given back
  uint16_t published_used_ = 0;  // used.idx as the driver has it
  uint16_t in_flight_ = 0;
};

}  // namespace vmm::virtio

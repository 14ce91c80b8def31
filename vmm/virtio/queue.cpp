// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/queue.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

namespace vmm::virtio {

namespace {

// 2.7.5: The Virtqueue Descriptor Table.
constexpr uint64_t descriptor_size = 16;
constexpr uint16_t flag_next = 1;
constexpr uint16_t flag_write = 2;
constexpr uint16_t flag_indirect = 4;

// 2.7.6 and 2.7.8: both rings begin with flags and idx; 2.7.10 and 2.7.7.2: an event index follows the last slot.
constexpr uint64_t ring_index = 2;
constexpr uint64_t ring_slots = 4;
constexpr uint64_t available_slot = 2;
constexpr uint64_t used_slot = 8;
constexpr uint16_t no_interrupt = 1;  // in the driver's flags, 2.7.6

// 2.7.7.2: did the index go past `event` on its way from `before` to `now`?
constexpr bool passes(uint16_t event, uint16_t now, uint16_t before) {
  return static_cast<uint16_t>(now - event - 1) < static_cast<uint16_t>(now - before);
}

bool wraps(hal::GuestPhys start, uint64_t size) { return !hal::GuestPhysRange::fits(start, size); }

}  // namespace

// --- cursors ---------------------------------------------------------------------------------------------------------

bool Cursor::at_end() {
  while (!rest_.empty() && offset_ == rest_.front().size) {
    rest_ = rest_.subspan(1);
    offset_ = 0;
  }
  return rest_.empty();
}

std::span<std::byte> Cursor::take(MemoryView& memory, uint64_t limit) {
  if (at_end()) return {};
  const Buffer& buffer = rest_.front();
  const std::span<std::byte> bytes =
      memory.piece(buffer.place + offset_, std::min<uint64_t>(limit, buffer.size - offset_), use_);
  offset_ += bytes.size();
  return bytes;
}

bool Cursor::read(MemoryView& memory, std::span<std::byte> to) {
  while (!to.empty()) {
    const std::span<const std::byte> bytes = take(memory, to.size());
    if (bytes.empty()) return false;
    std::memcpy(to.data(), bytes.data(), bytes.size());
    to = to.subspan(bytes.size());
  }
  return true;
}

bool Cursor::write(MemoryView& memory, std::span<const std::byte> from) {
  while (!from.empty()) {
    const std::span<std::byte> bytes = take(memory, from.size());
    if (bytes.empty()) return false;
    std::memcpy(bytes.data(), from.data(), bytes.size());
    from = from.subspan(bytes.size());
  }
  return true;
}

bool Cursor::skip(uint64_t bytes) {
  while (bytes != 0) {
    if (at_end()) return false;
    const uint64_t step = std::min<uint64_t>(bytes, rest_.front().size - offset_);
    offset_ += step;
    bytes -= step;
  }
  return true;
}

// --- chains ----------------------------------------------------------------------------------------------------------

struct Queue::Descriptor {
  hal::GuestPhys place;
  uint32_t size;
  uint16_t flags;
  uint16_t next;
};

// The descriptor table that a walk is in.
struct Queue::Table {
  hal::GuestPhys start;
  uint32_t entries;
  bool indirect = false;
};

bool Queue::break_because(std::string_view why) {
  fault_ = why;
  return false;
}

// As two words, each read once. It may change between them: what counts is that it does not change after it was
// checked.
bool Queue::load_descriptor(MemoryView& memory, const Table& table, uint16_t index, Descriptor& to) {
  if (index >= table.entries) return break_because("a descriptor's number is beyond its table");
  const hal::GuestPhys at = table.start + uint64_t{index} * descriptor_size;
  const auto place = memory.load<uint64_t>(at);
  const auto rest = memory.load<uint64_t>(at + 8);
  if (!place || !rest) return break_because("a descriptor table is not in RAM");
  to = {.place = hal::GuestPhys(*place),
        .size = static_cast<uint32_t>(*rest),
        .flags = static_cast<uint16_t>(*rest >> 32),
        .next = static_cast<uint16_t>(*rest >> 48)};
  return true;
}

// 2.7.5.3.1: the table's address has no alignment; the fields in it have that of their size here, because that is how
// every driver has them, and a table that is not aligned is refused.
bool Queue::enter_indirect(const Descriptor& descriptor, Table& table) {
  if (!indirect_) return break_because("an indirect descriptor, which was not negotiated");
  if (table.indirect) return break_because("an indirect descriptor in an indirect table");
  if ((descriptor.flags & flag_next) != 0) return break_because("an indirect descriptor with a next one");
  if (descriptor.size == 0 || descriptor.size % descriptor_size != 0) {
    return break_because("an indirect table whose size is not that of descriptors");
  }
  if (!descriptor.place.is_aligned(sizeof(uint64_t)) || wraps(descriptor.place, descriptor.size)) {
    return break_because("an indirect table at an impossible address");
  }
  table = {
      .start = descriptor.place, .entries = static_cast<uint32_t>(descriptor.size / descriptor_size), .indirect = true};
  return true;
}

bool Queue::add(const Descriptor& descriptor, Chain& chain) {
  if (chain.count == setup.size) return break_because("a descriptor chain longer than its queue");  // 2.7.5.2
  if (descriptor.size == 0) return break_because("a buffer without a byte");
  if (wraps(descriptor.place, descriptor.size)) return break_because("a buffer at an impossible address");
  const bool writable = (descriptor.flags & flag_write) != 0;
  if (!writable && chain.count != chain.readable_count) {
    return break_because("a buffer to read behind one to write");  // 2.7.4.2
  }
  chain.buffers[chain.count++] = {descriptor.place, descriptor.size};
  if (writable) {
    chain.writable_bytes += descriptor.size;
  } else {
    chain.readable_bytes += descriptor.size;
    chain.readable_count = chain.count;
  }
  return true;
}

// A loop ends where the chain is longer than its queue.
bool Queue::walk(MemoryView& memory, uint16_t head, Chain& chain) {
  Table table{.start = setup.descriptors, .entries = setup.size};
  Descriptor descriptor{};
  if (!load_descriptor(memory, table, head, descriptor)) return false;
  chain.head = head;
  chain.count = chain.readable_count = 0;
  chain.readable_bytes = chain.writable_bytes = 0;
  while (true) {
    if ((descriptor.flags & flag_indirect) != 0) {
      // A table may follow ordinary descriptors (2.7.5.3.1), and ends the chain.
      if (!enter_indirect(descriptor, table) || !load_descriptor(memory, table, 0, descriptor)) return false;
      continue;
    }
    if (!add(descriptor, chain)) return false;
    if ((descriptor.flags & flag_next) == 0) return true;
    if (!load_descriptor(memory, table, descriptor.next, descriptor)) return false;
  }
}

// --- rings -----------------------------------------------------------------------------------------------------------

bool Queue::enable(uint16_t max_size, bool event_idx, bool indirect) {
  const uint16_t size = setup.size;
  if (size == 0 || size > max_size || !std::has_single_bit(size)) return false;
  if (!setup.descriptors.is_aligned(16) || !setup.driver.is_aligned(2) || !setup.device.is_aligned(4)) return false;
  // With the event index behind the slots.
  if (wraps(setup.descriptors, descriptor_size * size) || wraps(setup.driver, ring_slots + available_slot * size + 2) ||
      wraps(setup.device, ring_slots + used_slot * size + 2)) {
    return false;
  }
  event_idx_ = event_idx;
  indirect_ = indirect;
  enabled_ = true;
  return true;
}

bool Queue::see_available(MemoryView& memory) {
  const auto index = memory.load<uint16_t>(setup.driver + ring_index);
  if (!index) return break_because("its available ring is not in RAM");
  if (static_cast<uint16_t>(*index - next_available_) > setup.size) {
    return break_because("more buffers available than its queue has");
  }
  // What the driver wrote before the index is there.
  std::atomic_thread_fence(std::memory_order_acquire);
  seen_available_ = *index;
  return true;
}

Queue::Taken Queue::take(MemoryView& memory, Chain& chain) {
  if (!enabled_) return Taken::nothing;
  if (!fault_.empty()) return Taken::broken;
  if (seen_available_ == next_available_) {
    if (!see_available(memory)) return Taken::broken;
    if (seen_available_ == next_available_) return Taken::nothing;
  }
  if (in_flight_ == setup.size) {
    (void)break_because("more buffers available than its queue has");
    return Taken::broken;
  }
  const uint64_t slot = next_available_ & (setup.size - 1U);
  const auto head = memory.load<uint16_t>(setup.driver + ring_slots + available_slot * slot);
  if (!head) (void)break_because("its available ring is not in RAM");
  if (!head || !walk(memory, *head, chain)) return Taken::broken;
  ++next_available_;
  ++in_flight_;
  return Taken::chain;
}

void Queue::give_back(MemoryView& memory, uint16_t head, uint32_t written) {
  if (!enabled_ || !fault_.empty()) return;
  const hal::GuestPhys slot = setup.device + ring_slots + used_slot * (next_used_ & (setup.size - 1U));
  if (!memory.store<uint32_t>(slot, head) || !memory.store<uint32_t>(slot + 4, written)) {
    (void)break_because("its used ring is not in RAM");
    return;
  }
  ++next_used_;
  --in_flight_;
}

bool Queue::publish(MemoryView& memory) {
  if (!enabled_ || !fault_.empty() || next_used_ == published_used_) return false;
  // What was written into the buffers and the ring comes before the index.
  std::atomic_thread_fence(std::memory_order_release);
  if (!memory.store<uint16_t>(setup.device + ring_index, next_used_))
    return break_because("its used ring is not in RAM");
  const uint16_t before = published_used_;
  published_used_ = next_used_;
  // Either we see what the driver wants by now, or it sees the index (2.7.7.1).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const hal::GuestPhys wish = event_idx_ ? setup.driver + ring_slots + available_slot * setup.size : setup.driver;
  const auto value = memory.load<uint16_t>(wish);
  if (!value) return break_because("its available ring is not in RAM");
  return event_idx_ ? passes(*value, next_used_, before) : (*value & no_interrupt) == 0;
}

bool Queue::ask_for_notification(MemoryView& memory) {
  if (!enabled_ || !fault_.empty()) return false;
  if (event_idx_ && !memory.store<uint16_t>(setup.device + ring_slots + used_slot * setup.size, next_available_)) {
    return break_because("its used ring is not in RAM");
  }
  // Either we see what is available by now, or the driver sees that we want to know (2.7.10).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return see_available(memory) && seen_available_ != next_available_;
}

}  // namespace vmm::virtio

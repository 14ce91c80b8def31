// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "device_fakes.hpp"
#include "vmm/virtio/mmio_transport.hpp"
#include "vmm/virtio/registers.hpp"

namespace vmm::test {

// A driver of the tests: rings in a FakeMemory, registers through virtio-mmio. It does what it is told, right or wrong.
class VirtioDriver {
 public:
  static constexpr uint64_t ram = 0x4000'0000;
  static constexpr uint64_t ram_size = 0x10'0000;
  static constexpr uint64_t table = ram, driver_ring = ram + 0x2000, device_ring = ram + 0x3000;
  static constexpr uint64_t buffers = ram + 0x1'0000;
  static constexpr VirtualIrq irq{48};

  // 4.2.2.
  enum Register : uint64_t {
    magic = 0x00,
    version = 0x04,
    device_id = 0x08,
    vendor = 0x0c,
    device_features = 0x10,
    device_features_sel = 0x14,
    driver_features = 0x20,
    driver_features_sel = 0x24,
    queue_sel = 0x30,
    queue_num_max = 0x34,
    queue_num = 0x38,
    queue_ready = 0x44,
    queue_notify = 0x50,
    interrupt_status = 0x60,
    interrupt_ack = 0x64,
    status = 0x70,
    queue_desc = 0x80,
    queue_driver = 0x90,
    queue_device = 0xa0,
    shm_length = 0xb0,
    queue_reset = 0xc0,
    generation = 0xfc,
    config = 0x100,
  };

  VirtioDriver(virtio::VirtioDevice& device, FakeIrqs& irqs, FakeMemory& of)
      : memory(of), transport_(hal::GuestPhys(0x0a00'0000), IrqLine(irqs, irq), device), bus(transport_) {
    memory.add(ram, ram_size);
  }

  // --- negotiation ---
  void accept(uint64_t features) {
    for (uint32_t word = 0; word < 2; ++word) {
      bus.write(driver_features_sel, word);
      bus.write(driver_features, static_cast<uint32_t>(features >> (word * 32)));
    }
  }
  [[nodiscard]] uint64_t offered() {
    bus.write(device_features_sel, 1);
    const uint64_t high = bus.read(device_features);
    bus.write(device_features_sel, 0);
    return high << 32 | bus.read(device_features);
  }
  // Up to FEATURES_OK; what the device says then.
  uint64_t negotiate(uint64_t features) {
    bus.write(status, 0);
    bus.write(status, 1);
    bus.write(status, 3);
    accept(features);
    bus.write(status, 0xb);
    return bus.read(status);
  }
  void set_up_queue(uint16_t size, uint32_t queue = 0, uint64_t shift = 0) {
    bus.write(queue_sel, queue);
    bus.write(queue_num, size);
    write_address(queue_desc, table + shift);
    write_address(queue_driver, driver_ring + shift);
    write_address(queue_device, device_ring + shift);
    bus.write(queue_ready, 1);
    queue_size = size;
    next_available = next_used = 0;
  }
  void write_address(uint64_t at, uint64_t place) {
    bus.write(at, place & 0xffff'ffff);
    bus.write(at + 4, place >> 32);
  }
  void start(uint64_t features = virtio::feature::version_1, uint16_t size = 8) {
    memory.clear(table, buffers - table);
    event_idx = (features & virtio::feature::event_idx) != 0;
    (void)negotiate(features);
    set_up_queue(size);
    bus.write(status, 0xf);
  }

  // --- the rings ---
  struct Part {
    uint64_t place;
    uint32_t size;
    bool writable = false;
  };
  static constexpr uint16_t next_flag = 1, write_flag = 2, indirect_flag = 4;
  void descriptor(uint16_t index, uint64_t place, uint32_t size, uint16_t flags = 0, uint16_t next = 0,
                  uint64_t in = table) {
    const uint64_t at = in + uint64_t{index} * 16;
    memory.put(at, place);
    memory.put(at + 8, size);
    memory.put(at + 12, flags);
    memory.put(at + 14, next);
  }
  // A chain from descriptor `head` on.
  void chain(uint16_t head, const std::vector<Part>& parts, uint64_t in = table) {
    for (size_t i = 0; i < parts.size(); ++i) {
      const bool last = i + 1 == parts.size();
      descriptor(static_cast<uint16_t>(head + i), parts[i].place, parts[i].size,
                 static_cast<uint16_t>((parts[i].writable ? write_flag : 0) | (last ? 0 : next_flag)),
                 last ? uint16_t{0} : static_cast<uint16_t>(head + i + 1), in);
    }
  }
  void make_available(uint16_t head) {
    memory.put<uint16_t>(driver_ring + 4 + next_available % queue_size * 2, head);
    memory.put<uint16_t>(driver_ring + 2, ++next_available);
  }
  void notify(uint32_t queue = 0) { bus.write(queue_notify, queue); }

  struct Used {
    uint32_t id, size;
  };
  std::vector<Used> take_used() {
    std::vector<Used> all;
    while (next_used != memory.get<uint16_t>(device_ring + 2)) {
      const uint64_t at = device_ring + 4 + next_used++ % queue_size * 8;
      all.push_back({memory.get<uint32_t>(at), memory.get<uint32_t>(at + 4)});
    }
    return all;
  }
  void wish_interrupt_after(uint16_t index) { memory.put<uint16_t>(driver_ring + 4 + queue_size * 2, index); }
  [[nodiscard]] uint16_t wished_notification() { return memory.get<uint16_t>(device_ring + 4 + queue_size * 8); }
  [[nodiscard]] bool needs_reset() { return (bus.read(status) & 0x40) != 0; }

  FakeMemory& memory;

 private:
  virtio::MmioTransport transport_;

 public:
  Bus bus;
  uint16_t queue_size = 8, next_available = 0, next_used = 0;
  bool event_idx = false;
  [[nodiscard]] virtio::MmioTransport& transport() { return transport_; }
};

}  // namespace vmm::test

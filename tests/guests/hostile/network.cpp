// SPDX-License-Identifier: Apache-2.0
// A network card on PCI that its driver misuses: queues that no driver would make, and a bus that moves under the card.
#include <array>
#include <cstddef>

#include "attack.hpp"
#include "cpu.hpp"
#include "machine.hpp"
#include "queue.hpp"

using namespace guest;

namespace hostile {

namespace {

// PCI Express Base 5.0, 7.5.1.
enum Config : uint64_t { identity = 0x00, command = 0x04, bar_1 = 0x14, bar_4 = 0x20 };
constexpr uint32_t memory_and_master = 6;
constexpr uint32_t network_card = 0x1041'1af4;
constexpr unsigned slots = 32;

// Virtio 1.2, 4.1.4.3; the places of the regions are those that Plinth and QEMU have them at.
enum Register : uint64_t {
  driver_feature_select = 0x08,
  driver_feature = 0x0c,
  device_status = 0x14,
  queue_select = 0x16,
  queue_size = 0x18,
  queue_enable = 0x1c,
  queue_desc = 0x20,
  queue_driver = 0x28,
  queue_device = 0x30,
};
constexpr uint64_t registers = pci_memory, device_config = pci_memory + 0x2000, notify = pci_memory + 0x3000;
constexpr uint64_t message_table = pci_memory + 0x1'0000;
constexpr uint32_t features_low = 1U << 28 | 1U << 29 | 1U << 15;  // indirect descriptors, event index, merged buffers
constexpr unsigned queues = 3;
constexpr unsigned transmit = 1;
constexpr uint16_t entries = 256;

struct Rings {
  alignas(16) std::array<Descriptor, entries> table;
  alignas(4) struct {
    uint16_t flags, index, slots[entries], event;
  } available;
  alignas(4) struct {
    uint16_t flags, index;
    struct {
      uint32_t id, size;
    } slots[entries];
    uint16_t event;
  } used;
};
constinit std::array<Rings, queues> rings{};
constexpr uint32_t header_size = 12, frame_size = 1514;
alignas(16) constinit std::array<uint8_t, header_size + frame_size> frame{};

uint64_t card = 0;  // its configuration space

// As the guest's physical memory has it.
uint64_t address_of(const volatile void* object) {
  return reinterpret_cast<uint64_t>(object) & ((uint64_t{1} << 48) - 1);
}

bool find_card() {
  for (unsigned slot = 1; slot < slots; ++slot) {
    card = pci_ecam + (uint64_t{slot} << 15);
    if (read32(card + identity) == network_card) return true;
  }
  return false;
}
void place_card() {
  write32(card + command, 0);
  write32(card + bar_1, static_cast<uint32_t>(message_table));
  write32(card + bar_4, static_cast<uint32_t>(registers));
  write32(card + bar_4 + 4, 0);
  write32(card + command, memory_and_master);
}

void write_place(uint64_t at, uint64_t place) {
  write32(registers + at, static_cast<uint32_t>(place));
  write32(registers + at + 4, static_cast<uint32_t>(place >> 32));
}
void negotiate(uint32_t features) {
  write8(registers + device_status, 0);
  write8(registers + device_status, 3);
  write32(registers + driver_feature_select, 1);
  write32(registers + driver_feature, 1);
  write32(registers + driver_feature_select, 0);
  write32(registers + driver_feature, features);
  write8(registers + device_status, 0xb);
}
void set_up(unsigned queue, uint16_t size, uint64_t table, uint64_t available, uint64_t used) {
  write16(registers + queue_select, static_cast<uint16_t>(queue));
  write16(registers + queue_size, size);
  write_place(queue_desc, table);
  write_place(queue_driver, available);
  write_place(queue_device, used);
  write16(registers + queue_enable, 1);
}
void ring_bell(unsigned queue) { write32(notify + queue * 4, queue); }

uint64_t any_place(Noise& noise) {
  switch (noise.below(8)) {
    case 0: return noise();
    case 1: return noise.below(uint64_t{1} << 32);
    case 2: return ~uint64_t{0} - noise.below(64);
    case 3: return registers;  // a device, not RAM
    default: return address_of(frame.data()) + noise.below(frame.size());
  }
}

// A few of each ring: the rest is from rounds before.
void scribble(Noise& noise) {
  Rings& some = rings[noise.below(queues)];
  for (unsigned i = 0; i < 8; ++i) {
    put(some.table[noise.below(entries)],
        Descriptor{any_place(noise), static_cast<uint32_t>(noise.below(4) == 0 ? noise() : noise.below(2048)),
                   static_cast<uint16_t>(noise.below(16) == 0 ? noise() : noise.below(8)),
                   static_cast<uint16_t>(noise.below(entries + 1))});
    put(some.available.slots[noise.below(entries)], static_cast<uint16_t>(noise.below(entries + (noise.below(8) == 0))));
  }
  put(some.available.index,
      static_cast<uint16_t>(noise.below(16) == 0 ? noise() : some.available.index + noise.below(16)));
  put(some.available.event, static_cast<uint16_t>(noise()));
}

void start_strangely(Noise& noise) {
  negotiate(features_low & static_cast<uint32_t>(noise()));
  for (unsigned queue = 0; queue < queues; ++queue) {
    put(rings[queue].available.index, uint16_t{0});
    const bool strange = noise.below(8) == 0;
    set_up(queue, strange ? static_cast<uint16_t>(noise()) : uint16_t{64},
           strange ? any_place(noise) : address_of(&rings[queue].table),
           strange ? any_place(noise) : address_of(&rings[queue].available),
           strange ? any_place(noise) : address_of(&rings[queue].used));
  }
  write8(registers + device_status, 0xf);
}

// As many frames as the queue has room for, by one notification: more than the card sends in an exit.
unsigned send_properly() {
  rings = {};
  place_card();
  negotiate(0);
  Rings& queue = rings[transmit];
  set_up(transmit, entries, address_of(&queue.table), address_of(&queue.available), address_of(&queue.used));
  write8(registers + device_status, 0xf);
  frame = {};
  for (unsigned byte = 0; byte < 6; ++byte) {
    frame[header_size + byte] = 0xff;
    frame[header_size + 6 + byte] = read8(device_config + byte);
  }
  for (uint16_t index = 0; index < entries; ++index) {
    put(queue.table[index], Descriptor{address_of(frame.data()), header_size + frame_size, 0, 0});
    put(queue.available.slots[index], index);
  }
  barrier();
  put(queue.available.index, entries);
  barrier();
  ring_bell(transmit);
  while (*const_cast<volatile uint16_t*>(&queue.used.index) != entries) {
  }
  return *const_cast<volatile uint16_t*>(&queue.used.index);
}

}  // namespace

void break_every_card() {
  if (!find_card()) return print("hostile: there is no network card");
  Noise noise{13};
  for (unsigned round = 0; round < 1000; ++round) {
    place_card();
    start_strangely(noise);
    for (unsigned i = 0; i < 8; ++i) {
      scribble(noise);
      ring_bell(static_cast<unsigned>(noise.below(queues + 1)));
    }
    ++deeds;
  }
  print("hostile: the card takes {} proper frames", send_properly());
}

// Configuration space, windows and messages of all functions, while one of them works.
void confuse_the_pci_bus() {
  if (!find_card()) return print("hostile: there is no network card");
  Noise noise{14};
  for (unsigned round = 0; round < 20'000; ++round) {
    if (round % 64 == 0) {
      place_card();
      start_strangely(noise);
    }
    const uint64_t function = noise.below(4) == 0 ? pci_ecam + (noise.below(slots) << 15) : card;
    const uint64_t offset = noise.below(noise.below(8) == 0 ? 0x1000 : 0x100);
    switch (noise.below(6)) {
      case 0: write8(function + offset, static_cast<uint8_t>(noise())); break;
      case 1: write16(function + (offset & ~uint64_t{1}), static_cast<uint16_t>(noise())); break;
      case 2: write32(function + (offset & ~uint64_t{3}), static_cast<uint32_t>(noise())); break;
      case 3:  // over each other
        write32(card + (noise.below(2) == 0 ? bar_1 : bar_4), static_cast<uint32_t>(pci_memory + noise.below(8) * 0x1000));
        break;
      case 4: write32(pci_memory + (noise.below(0x2'0000) & ~uint64_t{3}), static_cast<uint32_t>(noise())); break;
      default:
        scribble(noise);
        ring_bell(static_cast<unsigned>(noise.below(queues)));
        break;
    }
    ++deeds;
  }
  print("hostile: the card takes {} proper frames", send_properly());
}

}  // namespace hostile

// SPDX-License-Identifier: Apache-2.0
// Queues of a virtio disk that no driver would make.
#include <array>
#include <cstddef>

#include "attacks.hpp"
#include "cpu.hpp"
#include "machine.hpp"
#include "map.hpp"
#include "queue.hpp"
#include "smp.hpp"
#include "trap.hpp"

using namespace guest;

namespace hostile {

namespace {

// Virtio 1.2, 4.2.2 and 2.7.
constexpr uint64_t first_window = 0x0a00'0000, window_size = 0x200, windows = 32;
enum Register : uint64_t {
  device_id = 0x08,
  driver_features = 0x20,
  driver_features_sel = 0x24,
  queue_num = 0x38,
  queue_ready = 0x44,
  queue_notify = 0x50,
  interrupt_ack = 0x64,
  status = 0x70,
  queue_desc = 0x80,
  queue_driver = 0x90,
  queue_device = 0xa0,
};
constexpr uint16_t entries = 8;

struct Rings {
  alignas(16) std::array<Descriptor, entries> table;
  alignas(16) std::array<Descriptor, entries> indirect;
  alignas(4) struct { uint16_t flags, index, slots[entries], event; } available;
  alignas(4) struct {
    uint16_t flags, index;
    struct {
      uint32_t id, size;
    } slots[entries];
    uint16_t event;
  } used;
};
constinit Rings rings{};
// What a request is made of; the sector is what the disk has there after 2 MiB of zeroes.
struct Request {
  uint32_t type, reserved;
  uint64_t sector;
  std::array<uint8_t, 512> data;
  uint8_t status;
};
alignas(16) constinit Request request{};

uint64_t disk = 0;

uint64_t address_of(const volatile void* object) { return reinterpret_cast<uint64_t>(object); }
void write_address(uint64_t at, uint64_t place) {
  write32(disk + at, static_cast<uint32_t>(place));
  write32(disk + at + 4, static_cast<uint32_t>(place >> 32));
}

bool find_disk() {
  for (uint64_t window = 0; window < windows; ++window) {
    disk = first_window + window * window_size;
    if (read32(disk + device_id) == 2) return true;
  }
  return false;
}

// Features: VERSION_1, EVENT_IDX, INDIRECT_DESC.
void set_up(uint64_t table, uint64_t available, uint64_t used, uint32_t size) {
  write32(disk + status, 0);
  write32(disk + status, 3);
  write32(disk + driver_features_sel, 1);
  write32(disk + driver_features, 1);
  write32(disk + driver_features_sel, 0);
  write32(disk + driver_features, 3U << 28);
  write32(disk + status, 0xb);
  write32(disk + queue_num, size);
  write_address(queue_desc, table);
  write_address(queue_driver, available);
  write_address(queue_device, used);
  write32(disk + queue_ready, 1);
  write32(disk + status, 0xf);
}

uint64_t any_place(Noise& noise) {
  switch (noise.below(8)) {
    case 0: return noise();
    case 1: return noise.below(uint64_t{1} << 32);
    case 2: return ~uint64_t{0} - noise.below(64);
    case 3: return disk;  // a device, not RAM
    default: return address_of(&request) + noise.below(sizeof request);
  }
}

Descriptor any_descriptor(Noise& noise) {
  const uint64_t place = noise.below(8) == 0 ? address_of(rings.indirect.data()) : any_place(noise);
  return {place, static_cast<uint32_t>(noise.below(4) == 0 ? noise() : noise.below(64) * 16),
          static_cast<uint16_t>(noise.below(16) == 0 ? noise() : noise.below(8)),
          static_cast<uint16_t>(noise.below(entries + 1))};
}

void scribble(Noise& noise) {
  for (Descriptor& descriptor : rings.table) put(descriptor, any_descriptor(noise));
  for (Descriptor& descriptor : rings.indirect) put(descriptor, any_descriptor(noise));
  for (uint16_t& slot : rings.available.slots)
    put(slot, static_cast<uint16_t>(noise.below(entries + (noise.below(8) == 0))));
  put(request.type, static_cast<uint32_t>(noise.below(16)));
  put(request.sector, noise.below(4) == 0 ? noise() : noise.below(8192));
}

// While the device reads.
[[noreturn]] void change_everything(uint64_t seed) {
  Noise noise{seed};
  while (true) scribble(noise);
}

// A request as it should be: what the disk says then.
uint8_t ask_properly() {
  rings = {};
  request = {};
  put(request.status, uint8_t{0xcc});
  set_up(address_of(&rings.table), address_of(&rings.available), address_of(&rings.used), entries);
  put(rings.table[0], Descriptor{address_of(&request), 16, 1, 1});
  put(rings.table[1], Descriptor{address_of(&request.data), 512, 3, 2});
  put(rings.table[2], Descriptor{address_of(&request.status), 1, 2, 0});
  put(rings.available.slots[0], uint16_t{0});
  barrier();
  put(rings.available.index, uint16_t{1});
  barrier();
  write32(disk + queue_notify, 0);
  while (*const_cast<volatile uint16_t*>(&rings.used.index) == 0) {
  }
  return *const_cast<volatile uint8_t*>(&request.status);
}

}  // namespace

void break_every_queue() {
  if (!find_disk()) return print("hostile: there is no disk");
  Noise noise{11};
  const uint64_t table = address_of(&rings.table), available = address_of(&rings.available),
                 used = address_of(&rings.used);
  for (unsigned round = 0; round < 3000; ++round) {
    const bool strange = noise.below(8) == 0;
    set_up(strange ? any_place(noise) : table, strange ? any_place(noise) : available,
           strange ? any_place(noise) : used, strange ? static_cast<uint32_t>(noise()) : entries);
    put(rings.available.index, uint16_t{0});
    for (unsigned i = 0; i < 8; ++i) {
      scribble(noise);
      put(rings.available.index,
          static_cast<uint16_t>(noise.below(16) == 0 ? noise() : rings.available.index + noise.below(4)));
      put(rings.available.event, static_cast<uint16_t>(noise()));
      write32(disk + queue_notify, static_cast<uint32_t>(noise.below(3)));
    }
    write32(disk + interrupt_ack, 3);
    ++deeds;
  }
  const uint8_t answer = ask_properly();
  print("hostile: the disk answers {} to a proper request", answer);
}

void change_a_queue_that_is_served() {
  if (!find_disk()) return print("hostile: there is no disk");
  for (unsigned cpu = smp::count() - 1; cpu > 0; --cpu) (void)smp::start(cpu, change_everything, cpu);
  Noise noise{12};
  for (unsigned round = 0; round < 20'000; ++round) {
    if ((read32(disk + status) & 0x4f) != 0xf) {
      put(rings.available.index, uint16_t{0});
      put(rings.used.index, uint16_t{0});
      set_up(address_of(&rings.table), address_of(&rings.available), address_of(&rings.used), entries);
    }
    // As many as there can be: what is wrong is in them.
    const uint16_t answered = *const_cast<volatile uint16_t*>(&rings.used.index);
    put(rings.available.index, static_cast<uint16_t>(answered + noise.below(entries + 1)));
    write32(disk + queue_notify, 0);
    ++deeds;
  }
}

}  // namespace hostile

// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/vgic/its_tables.hpp"

#include <array>
#include <bit>

#include "arch/aarch64/regs/gic.hpp"
#include "vmm/irq/vgic/lpi.hpp"

namespace vmm::vgic {

namespace {

namespace baser = arch::gic::gits::baser;
using hal::Field;

// Our entries. Bit 63 is set where something is mapped.
using EntryValid = Field<63>;
using DeviceTable = Field<51, 8>;
using DeviceEventBits = Field<4, 0>;  // - 1
using EventLpi = Field<31, 0>;
using EventCollection = Field<47, 32>;
using CollectionVcpu = Field<15, 0>;

// The first level of an indirect table, 12.19 GITS_BASER<n>.Indirect.
using LevelAddress = Field<51, 12>;

uint64_t page_bytes(uint64_t reg) {
  switch (baser::Page_Size::get(reg)) {
    case 0: return 4 * hal::kib;
    case 1: return 16 * hal::kib;
    default: return 64 * hal::kib;
  }
}

hal::GuestPhys base_of(uint64_t reg) {
  const uint64_t address = reg & baser::Physical_Address::mask;
  if (page_bytes(reg) != 64 * hal::kib) return hal::GuestPhys(address);
  // With pages of 64 KiB, bits 15:12 are bits 51:48 of the address.
  return hal::GuestPhys((address & ~uint64_t{0xffff}) | (address >> 12 & 0xf) << 48);
}

}  // namespace

std::optional<uint64_t> ItsTables::load(std::optional<hal::GuestPhys> at) {
  std::array<std::byte, its_entry_size> bytes;
  if (!at || !memory_.read(*at, bytes)) return std::nullopt;
  const auto value = std::bit_cast<uint64_t>(bytes);
  if (!EntryValid::is_set(value)) return std::nullopt;
  return value;
}

void ItsTables::store(std::optional<hal::GuestPhys> at, uint64_t value) {
  const auto bytes = std::bit_cast<std::array<std::byte, its_entry_size>>(value);
  // Memory that is not there keeps nothing: the mapping does not exist then.
  if (at) static_cast<void>(memory_.write(*at, bytes));
}

std::optional<hal::GuestPhys> ItsTables::entry(uint64_t reg, uint32_t index) {
  if (!baser::Valid::is_set(reg)) return std::nullopt;
  const uint64_t page = page_bytes(reg);
  const uint64_t bytes = (baser::Size::get(reg) + 1) * page;
  if (!baser::Indirect::is_set(reg)) {
    const uint64_t offset = uint64_t{index} * its_entry_size;
    if (offset >= bytes) return std::nullopt;
    return base_of(reg) + offset;
  }
  const uint64_t per_page = page / its_entry_size;
  const uint64_t offset = index / per_page * sizeof(uint64_t);
  if (offset >= bytes) return std::nullopt;
  const auto level = load(base_of(reg) + offset);
  if (!level) return std::nullopt;
  return hal::GuestPhys(*level & LevelAddress::mask).align_down(page) + index % per_page * its_entry_size;
}

std::optional<ItsDevice> ItsTables::device(uint32_t device_id) {
  if (device_id >> device_id_bits != 0) return std::nullopt;
  const auto value = load(entry(devices, device_id));
  if (!value || DeviceEventBits::get(*value) >= event_id_bits) return std::nullopt;
  return ItsDevice{hal::GuestPhys(*value & DeviceTable::mask), static_cast<unsigned>(DeviceEventBits::get(*value)) + 1};
}

void ItsTables::set_device(uint32_t device_id, std::optional<ItsDevice> device) {
  if (device_id >> device_id_bits != 0) return;
  const uint64_t value = device ? EntryValid::mask | (device->table.value() & DeviceTable::mask) |
                                      DeviceEventBits::of(device->event_bits - 1)
                                : 0;
  store(entry(devices, device_id), value);
}

std::optional<ItsEvent> ItsTables::event(const ItsDevice& device, uint32_t event_id) {
  if (uint64_t{event_id} >> device.event_bits != 0) return std::nullopt;
  const auto value = load(device.table + uint64_t{event_id} * its_entry_size);
  if (!value) return std::nullopt;
  const auto lpi = static_cast<uint32_t>(EventLpi::get(*value));
  if (lpi < arch::gic::first_lpi || lpi - arch::gic::first_lpi >= lpi_count) return std::nullopt;
  return ItsEvent{lpi, static_cast<uint16_t>(EventCollection::get(*value))};
}

void ItsTables::set_event(const ItsDevice& device, uint32_t event_id, std::optional<ItsEvent> event) {
  if (uint64_t{event_id} >> device.event_bits != 0) return;
  const uint64_t value =
      event ? EntryValid::mask | EventLpi::of(event->lpi) | EventCollection::of(event->collection) : 0;
  store(device.table + uint64_t{event_id} * its_entry_size, value);
}

std::optional<uint32_t> ItsTables::collection(uint32_t icid) {
  const auto value = load(entry(collections, icid));
  if (!value) return std::nullopt;
  return static_cast<uint32_t>(CollectionVcpu::get(*value));
}

void ItsTables::set_collection(uint32_t icid, std::optional<uint32_t> vcpu) {
  store(entry(collections, icid), vcpu ? EntryValid::mask | CollectionVcpu::of(*vcpu) : 0);
}

}  // namespace vmm::vgic

// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/config_space.hpp"

#include "hal/base/panic.hpp"

namespace vmm::pci {

namespace {

constexpr uint32_t bar_flags(BarKind kind) {
  return kind == BarKind::memory_32 ? 0 : bar_bit::memory_64 | bar_bit::prefetchable;
}
constexpr unsigned bar_offset(unsigned index) { return Register::base_address + index * 4; }

}  // namespace

ConfigSpace::ConfigSpace(const Identity& identity) {
  put(Register::vendor_id, 2, identity.vendor);
  put(Register::device_id, 2, identity.device);
  put(Register::revision_id, 4, identity.class_code << 8 | identity.revision);
  put(Register::subsystem_vendor_id, 2, identity.subsystem_vendor);
  put(Register::subsystem_id, 2, identity.subsystem);
  put(Register::interrupt_pin, 1, identity.interrupts ? 1 : 0);
  // Bits for what the model never does (I/O space, SERR#) are kept all the same, as bridges and devices do.
  allow(Register::command, 2,
        command_bit::io_space | command_bit::memory_space | command_bit::bus_master | command_bit::serr |
            command_bit::interrupt_disable);
  allow(Register::cache_line_size, 1, 0xff);
  allow(Register::interrupt_line, 1, 0xff);
}

void ConfigSpace::add_bar(unsigned index, uint64_t size, BarKind kind) {
  const bool wide = kind == BarKind::memory_64_prefetchable;
  if (index + (wide ? 1 : 0) >= base_addresses || size < 16 || (size & (size - 1)) != 0) hal::panic("no such BAR");
  const uint64_t address_bits = ~(size - 1);
  put(bar_offset(index), 4, bar_flags(kind));
  allow(bar_offset(index), 4, static_cast<uint32_t>(address_bits));
  if (wide) allow(bar_offset(index + 1), 4, static_cast<uint32_t>(address_bits >> 32));
  sizes_[index] = size;
}

unsigned ConfigSpace::add_capability(CapabilityId id, unsigned length) {
  const unsigned offset = free_;
  if (length % 4 != 0 || offset + length > config_size) hal::panic("no room for a capability");
  free_ += length;
  put(offset, 1, static_cast<uint8_t>(id));
  put(offset + 1, 1, read(Register::capabilities_pointer, 1));
  put(Register::capabilities_pointer, 1, offset);
  put(Register::status, 2, read(Register::status, 2) | status_bit::capabilities);
  return offset;
}

void ConfigSpace::put(unsigned offset, unsigned size, uint32_t value) {
  for (unsigned n = 0; n < size; ++n) bytes_[offset + n] = static_cast<uint8_t>(value >> n * 8);
}

void ConfigSpace::allow(unsigned offset, unsigned size, uint32_t mask) {
  for (unsigned n = 0; n < size; ++n) writable_[offset + n] |= static_cast<uint8_t>(mask >> n * 8);
}

uint32_t ConfigSpace::read(unsigned offset, unsigned size) const {
  uint32_t value = 0;
  for (unsigned n = 0; n < size; ++n) value |= uint32_t{bytes_[offset + n]} << n * 8;
  return value;
}

void ConfigSpace::write(unsigned offset, unsigned size, uint32_t value) {
  for (unsigned n = 0; n < size; ++n) {
    const uint8_t mask = writable_[offset + n];
    uint8_t& byte = bytes_[offset + n];
    byte = static_cast<uint8_t>((byte & ~mask) | (value >> n * 8 & mask));
  }
}

void ConfigSpace::reset() {
  for (unsigned n = 0; n < config_size; ++n) bytes_[n] &= static_cast<uint8_t>(~writable_[n]);
}

uint64_t ConfigSpace::bar_address(unsigned index) const {
  const uint32_t low = read(bar_offset(index), 4);
  const bool wide = (low & bar_bit::memory_64) != 0;
  const uint64_t high = wide ? uint64_t{read(bar_offset(index + 1), 4)} << 32 : 0;
  return (high | low) & ~(sizes_[index] - 1);
}

}  // namespace vmm::pci

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"

namespace arch {

// A device that is coherent is in the outer shareable domain (Arm ARM B2.7.2), and a store to its registers is observed
// after what the barrier orders before it.
inline void dma_barrier() { asm volatile("dmb osh" ::: "memory"); }

// Device registers. Plain volatile accesses could become forms that have no syndrome under another hypervisor
// (writeback, pairs), so each is one load or store with a base register. Device memory keeps them in order among
// themselves; a barrier is the caller's where a device access must follow an access to normal memory.
inline uint8_t mmio_read8(hal::HostVirt place) {
  uint32_t value;
  asm volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(place.value()) : "memory");
  return static_cast<uint8_t>(value);
}
inline uint16_t mmio_read16(hal::HostVirt place) {
  uint32_t value;
  asm volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(place.value()) : "memory");
  return static_cast<uint16_t>(value);
}
inline uint32_t mmio_read32(hal::HostVirt place) {
  uint32_t value;
  asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(place.value()) : "memory");
  return value;
}
inline uint64_t mmio_read64(hal::HostVirt place) {
  uint64_t value;
  asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(place.value()) : "memory");
  return value;
}
inline void mmio_write8(hal::HostVirt place, uint8_t value) {
  asm volatile("strb %w0, [%1]" ::"r"(static_cast<uint32_t>(value)), "r"(place.value()) : "memory");
}
inline void mmio_write16(hal::HostVirt place, uint16_t value) {
  asm volatile("strh %w0, [%1]" ::"r"(static_cast<uint32_t>(value)), "r"(place.value()) : "memory");
}
inline void mmio_write32(hal::HostVirt place, uint32_t value) {
  asm volatile("str %w0, [%1]" ::"r"(value), "r"(place.value()) : "memory");
}
inline void mmio_write64(hal::HostVirt place, uint64_t value) {
  asm volatile("str %0, [%1]" ::"r"(value), "r"(place.value()) : "memory");
}

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"

namespace arch {

// Hint 0: everything before everything after (volume 1, 2.2.8.1).
inline void dma_barrier() { asm volatile("dbar 0" ::: "memory"); }

// Device registers, mapped strongly uncached: accesses stay in program order among themselves (vol. 1, 2.1.7). Each is one
// load or store with a base register, which any hypervisor below us can decode. A barrier is the caller's where a device
// access must follow an access to normal memory.
inline uint8_t mmio_read8(hal::HostVirt place) {
  uint64_t value;
  asm volatile("ld.bu %0, %1, 0" : "=r"(value) : "r"(place.value()) : "memory");
  return static_cast<uint8_t>(value);
}
inline uint16_t mmio_read16(hal::HostVirt place) {
  uint64_t value;
  asm volatile("ld.hu %0, %1, 0" : "=r"(value) : "r"(place.value()) : "memory");
  return static_cast<uint16_t>(value);
}
inline uint32_t mmio_read32(hal::HostVirt place) {
  uint64_t value;
  asm volatile("ld.wu %0, %1, 0" : "=r"(value) : "r"(place.value()) : "memory");
  return static_cast<uint32_t>(value);
}
inline void mmio_write8(hal::HostVirt place, uint8_t value) {
  asm volatile("st.b %0, %1, 0" ::"r"(uint64_t{value}), "r"(place.value()) : "memory");
}
inline void mmio_write16(hal::HostVirt place, uint16_t value) {
  asm volatile("st.h %0, %1, 0" ::"r"(uint64_t{value}), "r"(place.value()) : "memory");
}
inline void mmio_write32(hal::HostVirt place, uint32_t value) {
  asm volatile("st.w %0, %1, 0" ::"r"(uint64_t{value}), "r"(place.value()) : "memory");
}

}  // namespace arch

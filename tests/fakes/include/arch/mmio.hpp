// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "hal/base/address.hpp"

namespace arch {

// The registers of one device for host tests: whatever answers here gets every access, with its width in bytes.
class FakeRegisters {
 public:
  virtual uint32_t read(hal::HostVirt place, unsigned width) = 0;
  virtual void write(hal::HostVirt place, unsigned width, uint32_t value) = 0;

  static inline FakeRegisters* installed = nullptr;

 protected:
  ~FakeRegisters() = default;
};

// The fake device runs on the same thread, or is told of by a store to its registers.
inline void dma_barrier() { std::atomic_thread_fence(std::memory_order_seq_cst); }

inline uint8_t mmio_read8(hal::HostVirt place) {
  return static_cast<uint8_t>(FakeRegisters::installed->read(place, 1));
}
inline uint16_t mmio_read16(hal::HostVirt place) {
  return static_cast<uint16_t>(FakeRegisters::installed->read(place, 2));
}
inline uint32_t mmio_read32(hal::HostVirt place) { return FakeRegisters::installed->read(place, 4); }
inline void mmio_write8(hal::HostVirt place, uint8_t value) { FakeRegisters::installed->write(place, 1, value); }
inline void mmio_write16(hal::HostVirt place, uint16_t value) { FakeRegisters::installed->write(place, 2, value); }
inline void mmio_write32(hal::HostVirt place, uint32_t value) { FakeRegisters::installed->write(place, 4, value); }

}  // namespace arch

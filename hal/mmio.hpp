// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "hal/base/address.hpp"

// Device registers. arch/mmio.hpp defines one function per width; each is a single load or store of exactly that width,
// kept in program order with the others to the same device. A barrier towards normal memory is the caller's: dma_barrier()
// orders all loads and stores before it, of memory that a coherent device reads and writes by itself and of registers,
// before all that follow.
#include <arch/mmio.hpp>

namespace hal {

using arch::dma_barrier;
using arch::mmio_read16;
using arch::mmio_read32;
using arch::mmio_read8;
using arch::mmio_write16;
using arch::mmio_write32;
using arch::mmio_write8;

static_assert(
    requires(HostVirt place, uint8_t byte, uint16_t half, uint32_t word) {
      { mmio_read8(place) } -> std::same_as<uint8_t>;
      { mmio_read16(place) } -> std::same_as<uint16_t>;
      { mmio_read32(place) } -> std::same_as<uint32_t>;
      { mmio_write8(place, byte) } -> std::same_as<void>;
      { mmio_write16(place, half) } -> std::same_as<void>;
      { mmio_write32(place, word) } -> std::same_as<void>;
      { dma_barrier() } -> std::same_as<void>;
    }, "arch/mmio.hpp does not keep the contract of hal/mmio.hpp");

}  // namespace hal

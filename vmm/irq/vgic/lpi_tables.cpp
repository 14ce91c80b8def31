// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/vgic/lpi_tables.hpp"

#include <algorithm>
#include <array>

namespace vmm::vgic {

namespace {

namespace gicr = arch::gic::gicr;

constexpr uint32_t chunk = 256;
static_assert(lpi_count % chunk == 0 && chunk % 8 == 0);

// LPIs that the guest's tables have room for, at most as many as we have.
uint32_t lpis_in_table(const CpuContext& frame) {
  const auto bits = static_cast<unsigned>(gicr::propbaser::IDbits::get(frame.lpis.propbaser)) + 1;
  if (bits >= intid_bits) return lpi_count;
  return 0;  // fewer than 14 bits end below the first LPI
}

// The pending table has a bit for every INTID; those below the first LPI are ours to use, and unused.
hal::GuestPhys pending_bits(const CpuContext& frame) {
  const uint64_t base = frame.lpis.pendbaser & gicr::pendbaser::Physical_Address::mask;
  return hal::GuestPhys(base + arch::gic::first_lpi / 8);
}

void load_pending(Model& m, CpuContext& frame) {
  if (gicr::pendbaser::PTZ::is_set(frame.lpis.pendbaser)) return;
  std::array<std::byte, chunk> bytes;
  for (uint32_t at = 0; at < lpi_count / 8; at += chunk) {
    if (!m.memory.read(pending_bits(frame) + at, bytes)) return;
    const hal::LockGuard guard(frame.lpis.lock);
    for (uint32_t i = 0; i < chunk * 8; ++i) {
      if ((std::to_integer<unsigned>(bytes[i / 8]) >> i % 8 & 1) != 0) frame.lpis.set(at * 8 + i);
    }
  }
}

// What stays pending is the guest's again.
void store_pending(Model& m, CpuContext& frame) {
  std::array<std::byte, chunk> bytes;
  for (uint32_t at = 0; at < lpi_count / 8; at += chunk) {
    bytes.fill(std::byte{0});
    {
      const hal::LockGuard guard(frame.lpis.lock);
      for (uint32_t i = 0; i < chunk * 8; ++i) {
        if (!frame.lpis.test(at * 8 + i)) continue;
        frame.lpis.clear(at * 8 + i);
        bytes[i / 8] |= std::byte{1} << (i % 8);
      }
    }
    if (!m.memory.write(pending_bits(frame) + at, bytes)) return;
  }
}

}  // namespace

void load_lpi_config(Model& m, const CpuContext& frame, uint32_t first, uint32_t count) {
  const hal::GuestPhys table(frame.lpis.propbaser & gicr::propbaser::Physical_Address::mask);
  const uint32_t end = std::min(first + count, lpis_in_table(frame));
  std::array<std::byte, chunk> bytes;
  while (first < end) {
    const auto part = std::span(bytes).first(std::min(end - first, chunk));
    if (!m.memory.read(table + first, part)) std::ranges::fill(part, std::byte{0});
    for (const std::byte byte : part) {
      const auto config = static_cast<uint8_t>(std::to_integer<uint8_t>(byte) & ~lpi_dropped);
      const uint8_t old = m.lpi_config[first].load(std::memory_order_relaxed);
      m.lpi_config[first++].store(static_cast<uint8_t>(config | (old & lpi_dropped)), std::memory_order_relaxed);
    }
  }
}

void enable_lpis(Model& m, CpuContext& frame, CpuContext& self, bool on) {
  if (frame.lpis.enabled.load(std::memory_order_relaxed) == on) return;
  if (on && lpis_in_table(frame) == 0) return;
  Kicks kicks(m.kicker, self.index);
  if (on) {
    load_lpi_config(m, frame, 0, lpi_count);
    load_pending(m, frame);
    frame.lpis.enabled.store(true, std::memory_order_release);
    kicks.add(frame, CpuContext::add);
    return;
  }
  frame.lpis.enabled.store(false, std::memory_order_release);
  // Those in list registers come back first; another vCPU gives its own back when it next looks, to be kept here.
  if (&frame == &self && self.loaded) {
    m.hardware.fold(m, self);
  } else {
    kicks.add(frame, CpuContext::recall);
  }
  store_pending(m, frame);
}

}  // namespace vmm::vgic

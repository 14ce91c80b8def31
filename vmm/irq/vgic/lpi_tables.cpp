// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/vgic/lpi_tables.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace vmm::vgic {

namespace {

namespace gicr = arch::gic::gicr;

// A pending table, as far as it has LPIs. Bit n of the table is bit n of its little-endian words.
using PendingTable = std::array<uint64_t, LpiSet::word_count>;
static_assert(std::endian::native == std::endian::little);

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
  PendingTable table{};
  if (gicr::pendbaser::PTZ::is_set(frame.lpis.pendbaser)) return;
  if (!m.memory.read(pending_bits(frame), std::as_writable_bytes(std::span(table)))) return;
  const hal::LockGuard guard(frame.lpis.lock);
  for (unsigned word = 0; word < table.size(); ++word) frame.lpis.set_word(word, table[word]);
}

// What stays pending is the guest's again.
void store_pending(Model& m, CpuContext& frame) {
  PendingTable table;
  {
    const hal::LockGuard guard(frame.lpis.lock);
    for (unsigned word = 0; word < table.size(); ++word) table[word] = frame.lpis.take_word(word);
  }
  // A guest whose table is no memory has thrown them away.
  static_cast<void>(m.memory.write(pending_bits(frame), std::as_bytes(std::span(table))));
}

}  // namespace

void load_lpi_config(Model& m, const CpuContext& frame, uint32_t first, uint32_t count) {
  const hal::GuestPhys table(frame.lpis.propbaser & gicr::propbaser::Physical_Address::mask);
  const uint32_t end = std::min(first + count, lpis_in_table(frame));
  std::array<std::byte, 256> bytes;
  while (first < end) {
    const auto part = std::span(bytes).first(std::min<size_t>(end - first, bytes.size()));
    if (!m.memory.read(table + first, part)) std::ranges::fill(part, std::byte{0});
    for (const std::byte config : part) {
      m.lpis[first++].config.store(std::to_integer<uint8_t>(config), std::memory_order_relaxed);
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

// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/msix_table.hpp"

#include <bit>

#include "hal/base/bits.hpp"
#include "vmm/pci/registers.hpp"

namespace vmm::pci {

static_assert(MsixTable::max_vectors * msix::entry_size <= MsixTable::pending_offset, "the table ends before the PBA");

uint64_t MsixTable::read(MmioAccess access) const {
  const auto offset = static_cast<uint32_t>(access.offset);
  uint64_t value = read_word(offset & ~3U);
  if (access.size == 8) value |= uint64_t{read_word(offset + 4)} << 32;
  return value >> offset % 4 * 8;
}

void MsixTable::write(MmioAccess access, uint64_t value, MessagePort& port) {
  if (access.size < 4) return;
  const auto offset = static_cast<uint32_t>(access.offset);
  write_word(offset, static_cast<uint32_t>(value));
  if (access.size == 8) write_word(offset + 4, static_cast<uint32_t>(value >> 32));
  send_pending(port);
}

uint32_t MsixTable::read_word(uint32_t offset) const {
  if (offset == pending_offset) return pending_;
  if (offset >= vectors_ * msix::entry_size) return 0;
  const Entry& entry = entries_[offset / msix::entry_size];
  switch (offset % msix::entry_size) {
    case 0: return static_cast<uint32_t>(entry.address);
    case 4: return static_cast<uint32_t>(entry.address >> 32);
    case 8: return entry.data;
    default: return entry.control;
  }
}

// Message Address is a doubleword's (bits 1:0 read 0); of Vector Control only the mask is there.
void MsixTable::write_word(uint32_t offset, uint32_t value) {
  if (offset >= vectors_ * msix::entry_size) return;
  Entry& entry = entries_[offset / msix::entry_size];
  switch (offset % msix::entry_size) {
    case 0: entry.address = (entry.address & ~hal::low_mask(32)) | (value & ~3U); break;
    case 4: entry.address = (entry.address & hal::low_mask(32)) | uint64_t{value} << 32; break;
    case 8: entry.data = value; break;
    default: entry.control = value & msix::vector_masked; break;
  }
}

void MsixTable::control(bool enabled, bool function_masked, MessagePort& port) {
  enabled_ = enabled;
  function_masked_ = function_masked;
  if (!enabled) pending_ = 0;
  send_pending(port);
}

void MsixTable::reset() {
  entries_.fill({});
  pending_ = 0;
  enabled_ = function_masked_ = false;
}

bool MsixTable::is_masked(const Entry& entry) const {
  return function_masked_ || (entry.control & msix::vector_masked) != 0;
}

void MsixTable::raise(unsigned n, MessagePort& port) {
  if (!enabled_ || n >= vectors_) return;
  const Entry& entry = entries_[n];
  if (is_masked(entry)) {
    pending_ |= static_cast<uint32_t>(hal::bit(n));
  } else {
    port.send({hal::GuestPhys(entry.address), entry.data});
  }
}

void MsixTable::send_pending(MessagePort& port) {
  for (uint32_t left = pending_; left != 0; left &= left - 1) {
    const auto n = static_cast<unsigned>(std::countr_zero(left));
    if (is_masked(entries_[n])) continue;
    pending_ &= ~static_cast<uint32_t>(hal::bit(n));
    port.send({hal::GuestPhys(entries_[n].address), entries_[n].data});
  }
}

}  // namespace vmm::pci

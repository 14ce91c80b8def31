// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/virtio_disk.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

#include "hal/base/lock.hpp"
#include "hal/mmu.hpp"

namespace hal::driver {
namespace {

// 4.1.2: vendor, and 0x1040 plus the device type; 0x1001 is one that has the legacy interface too.
constexpr uint16_t vendor = 0x1af4, block_device = 0x1042, transitional_block_device = 0x1001;

// 4.1.4: a capability that says where a structure is.
constexpr uint8_t vendor_capability = 0x09;
enum Capability : unsigned { structure_type = 3, bar = 4, offset = 8, length = 12, notify_multiplier = 16 };
enum Structure : uint8_t { common = 1, notify = 2, isr = 3, device = 4 };

// 4.1.4.3: common configuration.
enum Common : uint64_t {
  device_feature_select = 0x00,
  device_feature = 0x04,
  driver_feature_select = 0x08,
  driver_feature = 0x0c,
  msix_config = 0x10,
  device_status = 0x14,
  queue_select = 0x16,
  queue_size = 0x18,
  queue_msix_vector = 0x1a,
  queue_enable = 0x1c,
  queue_notify_off = 0x1e,
  queue_desc = 0x20,
  queue_driver = 0x28,
  queue_device = 0x30,
};
constexpr uint64_t common_size = 0x38;

// 2.1.
constexpr uint8_t acknowledge_bit = 1, driver_bit = 2, driver_ok = 4, features_ok = 8, needs_reset = 64;

// 5.2.3 and 6.
constexpr uint64_t read_only = 1 << 5, has_block_size = 1 << 6, can_flush = 1 << 9, can_discard = 1 << 13,
                   can_write_zeroes = 1 << 14;
constexpr uint64_t version_1 = 1ULL << 32, access_platform = 1ULL << 33, order_platform = 1ULL << 36;
constexpr uint64_t known = read_only | has_block_size | can_flush | can_discard | can_write_zeroes | version_1 |
                           access_platform | order_platform;

// 5.2.4: configuration.
enum Configuration : uint64_t { capacity = 0, blk_size = 20, max_discard_sectors = 36, max_write_zeroes_sectors = 48 };
constexpr uint64_t configuration_size = 60;
constexpr uint64_t sector_size = 512;

// 5.2.6, by DiskOperation.
constexpr uint32_t types[] = {0, 1, 4, 11, 13};
constexpr uint32_t get_id = 8;

// 2.7.5.
constexpr uint16_t next_flag = 1, write_flag = 2;

uint64_t bus_address(const void* place) {
  return reinterpret_cast<uintptr_t>(place) - Mmu::direct_map_base.value();
}

void write64(HostVirt place, uint64_t value) {
  mmio_write32(place, static_cast<uint32_t>(value));
  mmio_write32(place + 4, static_cast<uint32_t>(value >> 32));
}

}  // namespace

bool VirtioDisk::drives(const PciFunction& function) {
  const uint16_t id = function.read16(PciFunction::device_id);
  return function.read16(PciFunction::vendor_id) == vendor && (id == block_device || id == transitional_block_device);
}

// The first capability of each kind that can be used is the one to use (4.1.4.1).
bool VirtioDisk::find_registers(PciHost& host) {
  HostVirt notify_registers;
  uint32_t multiplier = 0;
  for (unsigned at = function_.find_capability(vendor_capability); at != 0;
       at = function_.find_capability(vendor_capability, at)) {
    const auto map = [&](uint64_t least) {
      const uint64_t size = function_.read32(at + length);
      if (size < least) return HostVirt();
      return host.map(function_, function_.read8(at + bar), function_.read32(at + offset), size).value_or(HostVirt());
    };
    switch (function_.read8(at + structure_type)) {
      case common: common_ = common_ == HostVirt() ? map(common_size) : common_; break;
      case notify:
        if (notify_registers != HostVirt()) break;
        notify_registers = map(sizeof(uint16_t));
        multiplier = function_.read32(at + notify_multiplier);
        break;
      case isr: isr_ = isr_ == HostVirt() ? map(1) : isr_; break;
      case device: configuration_ = configuration_ == HostVirt() ? map(configuration_size) : configuration_; break;
      default: break;
    }
  }
  if (common_ == HostVirt() || notify_registers == HostVirt() || isr_ == HostVirt() || configuration_ == HostVirt()) {
    return false;
  }
  mmio_write16(common_ + queue_select, 0);
  doorbell_ = notify_registers + uint64_t{mmio_read16(common_ + queue_notify_off)} * multiplier;
  return true;
}

// 4.1.4.3.2: it is over when the status reads 0. One that is not there reads as ones for ever.
bool VirtioDisk::reset() {
  constexpr unsigned patience = 1'000'000;
  mmio_write8(common_ + device_status, 0);
  for (unsigned tries = 0; tries < patience; ++tries) {
    if (mmio_read8(common_ + device_status) == 0) return true;
    cpu_relax();
  }
  return false;
}

uint64_t VirtioDisk::features() {
  uint64_t offered = 0;
  for (const uint32_t word : {0U, 1U}) {
    mmio_write32(common_ + device_feature_select, word);
    offered |= uint64_t{mmio_read32(common_ + device_feature)} << (word * 32);
  }
  return offered;
}

// 3.1.1, up to the queue.
bool VirtioDisk::negotiate() {
  if (!reset()) return false;
  mmio_write8(common_ + device_status, acknowledge_bit);
  mmio_write8(common_ + device_status, acknowledge_bit | driver_bit);
  const uint64_t accepted = features() & known;
  if ((accepted & version_1) == 0) return false;
  for (const uint32_t word : {0U, 1U}) {
    mmio_write32(common_ + driver_feature_select, word);
    mmio_write32(common_ + driver_feature, static_cast<uint32_t>(accepted >> (word * 32)));
  }
  mmio_write8(common_ + device_status, acknowledge_bit | driver_bit | features_ok);
  if ((mmio_read8(common_ + device_status) & features_ok) == 0) return false;
  read_shape(accepted);
  return true;
}

void VirtioDisk::read_shape(uint64_t features) {
  const auto has = [&](uint64_t feature) { return (features & feature) != 0; };
  const auto word = [&](uint64_t place) { return mmio_read32(configuration_ + place); };
  const uint64_t sectors = uint64_t{word(capacity + 4)} << 32 | word(capacity);
  const uint32_t block = has(has_block_size) ? word(blk_size) : sector_size;
  shape_.block = std::has_single_bit(block) && block >= sector_size ? block : sector_size;
  shape_.size = align_down(std::min(sectors, UINT64_MAX / sector_size) * sector_size, shape_.block);
  shape_.read_only = has(read_only);
  shape_.flushes = has(can_flush);
  // One that takes less than a whole request of these at a time is not asked for them.
  constexpr uint32_t request = max_request / sector_size;
  shape_.discards = has(can_discard) && word(max_discard_sectors) >= request;
  shape_.writes_zeroes = has(can_write_zeroes) && word(max_write_zeroes_sectors) >= request;
}

bool VirtioDisk::set_up_queue() {
  mmio_write16(common_ + queue_select, 0);
  queue_size_ = std::bit_floor(std::min(mmio_read16(common_ + queue_size), max_queue));
  shape_.slots = queue_size_ / chain;
  if (shape_.slots < 2) return false;
  mmio_write16(common_ + queue_size, queue_size_);
  write64(common_ + queue_desc, bus_address(&shared_->descriptors));
  write64(common_ + queue_driver, bus_address(&shared_->available));
  write64(common_ + queue_device, bus_address(&shared_->used));
  mmio_write16(common_ + queue_enable, 1);
  return true;
}

bool VirtioDisk::open(PciHost& host, const PciFunction& function, Shared& shared) {
  function_ = function;
  shared_ = &shared;
  if (!host.enable(function)) return false;
  if (!find_registers(host) || !negotiate() || !set_up_queue()) {
    PciHost::disable(function);
    return false;
  }
  dma_barrier();
  mmio_write8(common_ + device_status, acknowledge_bit | driver_bit | features_ok | driver_ok);
  read_serial();
  if (!sane_) stop();
  return sane_;
}

// 5.2.6: 20 bytes, filled up with zeroes. Not every device has one.
void VirtioDisk::read_serial() {
  constexpr unsigned patience = 100'000'000;
  std::array<std::byte, decltype(shape_.serial)::capacity>& id = shared_->id;
  const std::span<std::byte> memory[] = {id};
  give(0, get_id, memory, true);
  for (unsigned tries = 0; tries < patience && sane_; ++tries) {
    const auto completion = next_completion();
    if (!completion) {
      cpu_relax();
      continue;
    }
    const std::string_view text(reinterpret_cast<const char*>(id.data()), id.size());
    if (completion->done) shape_.serial = text.substr(0, text.find('\0'));
    return;
  }
  sane_ = false;
}

void VirtioDisk::start(unsigned slot, const DiskRequest& request) {
  const auto type = types[static_cast<size_t>(request.operation)];
  Shared::Slot& header = shared_->slots[slot];
  header.sector = request.operation == DiskOperation::read || request.operation == DiskOperation::write
                      ? request.offset / sector_size
                      : 0;
  header.segment = {request.offset / sector_size, static_cast<uint32_t>(request.size / sector_size), 0};
  give(slot, type, request.memory, request.operation == DiskOperation::read);
}

// The memory of a request, between header and status. Discard and write zeroes have their segment right behind the header.
void VirtioDisk::give(unsigned slot, uint32_t type, std::span<const std::span<std::byte>> memory, bool device_writes) {
  Shared::Slot& header = shared_->slots[slot];
  const auto first = static_cast<uint16_t>(slot * chain);
  auto at = first;
  const auto add = [&](const void* place, size_t size, uint16_t flags) {
    const auto next = static_cast<uint16_t>(at + 1);
    shared_->descriptors[at] = {bus_address(place), static_cast<uint32_t>(size), flags, next};
    at = next;
  };
  constexpr size_t header_size = offsetof(Shared::Slot, segment);
  const bool has_segment = type == types[static_cast<size_t>(DiskOperation::discard)] ||
                           type == types[static_cast<size_t>(DiskOperation::write_zeroes)];
  header.type = type;
  header.status = 0xff;
  header.busy = true;
  add(&header, has_segment ? offsetof(Shared::Slot, status) : header_size, next_flag);
  const uint16_t flags = device_writes ? next_flag | write_flag : next_flag;
  for (const std::span<std::byte> piece : memory) add(piece.data(), piece.size(), flags);
  add(&header.status, sizeof header.status, write_flag);
  // 2.7.13: the chain, then its place in the ring, then the index, then the notification.
  shared_->available.ring[given_ % queue_size_] = first;
  dma_barrier();
  std::atomic_ref(shared_->available.index).store(++given_, std::memory_order_relaxed);
  dma_barrier();
  mmio_write16(doorbell_, 0);
}

std::optional<DiskCompletion> VirtioDisk::next_completion() {
  if (!sane_ || std::atomic_ref(shared_->used.index).load(std::memory_order_relaxed) == taken_) return std::nullopt;
  dma_barrier();
  const uint32_t id = std::atomic_ref(shared_->used.ring[taken_ % queue_size_].id).load(std::memory_order_relaxed);
  const unsigned slot = id / chain;
  if (id % chain != 0 || slot >= shape_.slots || !shared_->slots[slot].busy) {
    sane_ = false;
    return std::nullopt;
  }
  ++taken_;
  shared_->slots[slot].busy = false;
  return DiskCompletion{slot, shared_->slots[slot].status == 0};
}

// 4.1.4.5: reading it takes the interrupt back. The second bit is a change of the configuration, and of the status: one that
// needs a reset answers nothing any more (2.1.2), and neither does one that was unplugged, which reads as ones.
void VirtioDisk::acknowledge() {
  constexpr uint8_t configuration_changed = 2;
  const bool changed = (mmio_read8(isr_) & configuration_changed) != 0;
  if (changed && (mmio_read8(common_ + device_status) & needs_reset) != 0) sane_ = false;
  dma_barrier();
}

void VirtioDisk::stop() {
  sane_ = false;
  PciHost::disable(function_);
  (void)reset();
}

}  // namespace hal::driver

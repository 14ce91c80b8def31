// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/pci_transport.hpp"

#include <algorithm>
#include <bit>
#include <span>

#include "hal/base/bits.hpp"
#include "vmm/pci/bus.hpp"

namespace vmm::virtio {

namespace {

constexpr unsigned msix_bar = 1;
constexpr unsigned register_bar = 4;
constexpr uint64_t register_bar_size = 0x4000;
constexpr uint32_t region_size = 0x1000;
enum Region : uint32_t { common = 0, isr = 1, configuration = 2, notifications = 3 };
constexpr unsigned notify_multiplier = 4;

// 4.1.4, table of cfg_type; struct virtio_pci_cap.
enum CapabilityType : uint8_t { common_cfg = 1, notify_cfg = 2, isr_cfg = 3, device_cfg = 4, pci_cfg = 5 };
enum CapabilityField : uint8_t { cap_len = 2, cfg_type = 3, cap_bar = 4, cap_offset = 8, cap_length = 12, cap_end = 16 };

// 4.1.4.3, struct virtio_pci_common_cfg.
enum Register : uint32_t {
  device_feature_select = 0x00,
  device_feature = 0x04,
  driver_feature_select = 0x08,
  driver_feature = 0x0c,
  config_msix_vector = 0x10,
  num_queues = 0x12,
  device_status = 0x14,
  config_generation = 0x15,
  queue_select = 0x16,
  queue_size = 0x18,
  queue_msix_vector = 0x1a,
  queue_enable = 0x1c,
  queue_notify_off = 0x1e,
  queue_desc = 0x20,
  queue_driver = 0x28,
  queue_device = 0x30,
  queue_notify_data = 0x38,
  queue_reset = 0x3a,
};

// How wide the register at `offset` is; of one of 64 bits, the halves are registers as well. 0: there is none.
constexpr unsigned width_at(uint32_t offset) {
  switch (offset) {
    case device_status:
    case config_generation: return 1;
    case config_msix_vector:
    case num_queues:
    case queue_select:
    case queue_size:
    case queue_msix_vector:
    case queue_enable:
    case queue_notify_off:
    case queue_notify_data:
    case queue_reset: return 2;
    case device_feature_select:
    case device_feature:
    case driver_feature_select:
    case driver_feature: return 4;
    default: return offset >= queue_desc && offset < queue_notify_data && offset % 4 == 0 ? 4 : 0;
  }
}
constexpr bool is_place(uint32_t offset) { return offset >= queue_desc && offset < queue_notify_data; }
constexpr bool fits(uint32_t offset, unsigned size) {
  return width_at(offset) == size || (size == 8 && is_place(offset) && offset % 8 == 0);
}

// As on QEMU's boards; what a class code says nobody asks.
constexpr uint32_t class_of(DeviceType type) {
  switch (type) {
    case DeviceType::network: return 0x02'0000;
    case DeviceType::block: return 0x01'0000;
    case DeviceType::console: return 0x07'8000;
    default: return 0x00'ff00;
  }
}

// 4.1.2: device IDs of devices that know no legacy interface.
pci::Identity identity(DeviceType type) {
  constexpr uint16_t first_device = 0x1040;
  return {.vendor = 0x1af4,
          .device = static_cast<uint16_t>(first_device + static_cast<uint32_t>(type)),
          .subsystem_vendor = 0x1af4,
          .subsystem = 0x1100,
          .class_code = class_of(type),
          .revision = 1};
}

}  // namespace

PciTransport::PciTransport(pci::Bus& bus, VirtioDevice& device) : Function(bus, identity(device.type())), device_(device) {
  vectors_.fill(no_vector);
  has_bar(register_bar, register_bar_size, pci::BarKind::memory_64_prefetchable);
  add_capabilities();
  has_msix(msix_bar, device.queues() + 1);
  device.connect(*this);
}

// --- capabilities ----------------------------------------------------------------------------------------------------

unsigned PciTransport::add_capability(uint8_t type, uint32_t offset, uint32_t length, unsigned extra) {
  const unsigned size = cap_end + extra;
  const unsigned place = config_space().add_capability(pci::CapabilityId::vendor_specific, size);
  config_space().put(place + cap_len, 1, size);
  config_space().put(place + cfg_type, 1, type);
  config_space().put(place + cap_bar, 1, type == pci_cfg ? 0 : register_bar);
  config_space().put(place + cap_offset, 4, offset);
  config_space().put(place + cap_length, 4, length);
  return place;
}

void PciTransport::add_capabilities() {
  for (const auto [type, region] : {std::pair{common_cfg, common}, {isr_cfg, isr}, {device_cfg, configuration}}) {
    [[maybe_unused]] const unsigned place = add_capability(type, region * region_size, region_size, 0);
  }
  const unsigned notify = add_capability(notify_cfg, notifications * region_size, region_size, 4);
  config_space().put(notify + cap_end, 4, notify_multiplier);
  window_capability_ = add_capability(pci_cfg, 0, 0, 4);
  config_space().allow(window_capability_ + cap_bar, 1, 0xff);
  for (const unsigned field : {cap_offset, cap_length, cap_end}) {
    config_space().allow(window_capability_ + field, 4, 0xffff'ffff);
  }
}

bool PciTransport::is_window(unsigned offset, unsigned size) const {
  const unsigned data = window_capability_ + cap_end;
  return offset < data + 4 && offset + size > data;
}

MmioAccess PciTransport::window_access() {
  const uint32_t bar = peek_config(window_capability_ + cap_bar, 1);
  const uint32_t offset = peek_config(window_capability_ + cap_offset, 4);
  const uint32_t length = peek_config(window_capability_ + cap_length, 4);
  const bool valid = bar == register_bar && (length == 1 || length == 2 || length == 4) && offset % length == 0 &&
                     offset < register_bar_size;
  return {.offset = offset, .size = static_cast<uint8_t>(valid ? length : 0), .vcpu = 0};
}

void PciTransport::before_config_read(unsigned offset, unsigned size) {
  if (!is_window(offset, size)) return;
  const MmioAccess access = window_access();
  if (access.size == 0) return;
  poke_config(window_capability_ + cap_end, access.size, static_cast<uint32_t>(read_memory(register_bar, access)));
}

// Beside the window, the command register: a driver may have made buffers available before it let the device at memory.
void PciTransport::after_config_write(unsigned offset, unsigned size) {
  if (is_window(offset, size)) {
    const MmioAccess access = window_access();
    if (access.size != 0) write_memory(register_bar, access, peek_config(window_capability_ + cap_end, access.size));
  }
  if (offset > pci::Register::command) return;
  const bool is_master = is_bus_master();
  {
    const hal::LockGuard guard(device_.lock);
    if (std::exchange(was_master_, is_master) || !is_master) return;
  }
  for (unsigned queue = 0; queue < device_.queues(); ++queue) device_.notify(queue);
}

// --- BAR 4 -----------------------------------------------------------------------------------------------------------

uint64_t PciTransport::read_memory(unsigned, MmioAccess access) {
  const auto offset = static_cast<uint32_t>(access.offset % region_size);
  switch (access.offset / region_size) {
    case common: {
      const hal::LockGuard guard(device_.lock);
      return fits(offset, access.size) ? read_common(offset, access.size) : 0;
    }
    case isr: return offset == 0 ? take_isr() : 0;
    case configuration: {
      std::array<std::byte, 8> bytes{};
      const hal::LockGuard guard(device_.lock);
      device_.read_configuration(offset, std::span(bytes).first(access.size));
      return std::bit_cast<uint64_t>(bytes);
    }
    default: return 0;
  }
}

void PciTransport::write_memory(unsigned, MmioAccess access, uint64_t value) {
  const auto offset = static_cast<uint32_t>(access.offset % region_size);
  switch (access.offset / region_size) {
    case notifications:
      // Without leave to reach memory there is nothing that it could do.
      return is_bus_master() ? device_.notify(offset / notify_multiplier) : void();
    case common: {
      const hal::LockGuard guard(device_.lock);
      return fits(offset, access.size) ? write_common(offset, access.size, value) : void();
    }
    case configuration: {
      const auto bytes = std::bit_cast<std::array<std::byte, 8>>(value);
      const hal::LockGuard guard(device_.lock);
      return device_.write_configuration(offset, std::span(bytes).first(access.size));
    }
    default: return;
  }
}

uint64_t PciTransport::read_common(uint32_t offset, unsigned size) {
  switch (offset) {
    case device_feature_select: return device_features_word_;
    case device_feature: return device_.offered_features(device_features_word_);
    case driver_feature_select: return driver_features_word_;
    case driver_feature: return device_.accepted_features(driver_features_word_);
    case config_msix_vector: return configuration_vector_;
    case num_queues: return device_.queues();
    case device_status: return device_.status();
    case config_generation: return device_.configuration_generation() & 0xff;
    case queue_select: return queue_;
    default: break;
  }
  if (queue_ >= device_.queues()) return 0;
  if (size == 8) return read_queue(offset) | read_queue(offset + 4) << 32;
  return read_queue(offset);
}

uint64_t PciTransport::read_queue(uint32_t offset) {
  const Queue::Setup& setup = *device_.queue_registers(queue_);
  const auto half = [&](hal::GuestPhys place) { return place.value() >> offset % 8 * 8 & hal::low_mask(32); };
  switch (offset) {
    case queue_size: return setup.size;
    case queue_msix_vector: return vectors_[queue_];
    case queue_enable: return device_.queue_is_enabled(queue_) ? 1 : 0;
    case queue_notify_off:
    case queue_notify_data: return queue_;
    case queue_desc:
    case queue_desc + 4: return half(setup.descriptors);
    case queue_driver:
    case queue_driver + 4: return half(setup.driver);
    case queue_device:
    case queue_device + 4: return half(setup.device);
    default: return 0;
  }
}

void PciTransport::write_common(uint32_t offset, unsigned size, uint64_t value) {
  const auto word = static_cast<uint32_t>(value);
  switch (offset) {
    case device_feature_select: device_features_word_ = word; return;
    case driver_feature_select: driver_features_word_ = word; return;
    case driver_feature: return device_.accept_features(driver_features_word_, word);
    case config_msix_vector: configuration_vector_ = checked_vector(value); return;
    case device_status: return write_status(static_cast<uint8_t>(value));
    case queue_select: queue_ = static_cast<uint16_t>(value); return;
    default: break;
  }
  if (queue_ >= device_.queues()) return;
  return is_place(offset) ? write_place(offset, size, value) : write_queue(offset, value);
}

void PciTransport::write_queue(uint32_t offset, uint64_t value) {
  switch (offset) {
    case queue_msix_vector: vectors_[queue_] = checked_vector(value); return;
    case queue_enable: return value == 1 ? device_.enable_queue(queue_) : void();
    case queue_reset: return value == 1 ? device_.reset_queue(queue_) : void();
    case queue_size:
      if (Queue::Setup* const setup = device_.queue_setup(queue_)) setup->size = static_cast<uint16_t>(value);
      return;
    default: return;
  }
}

void PciTransport::write_place(uint32_t offset, unsigned size, uint64_t value) {
  Queue::Setup* const setup = device_.queue_setup(queue_);
  if (setup == nullptr) return;
  hal::GuestPhys& place = offset < queue_driver   ? setup->descriptors
                          : offset < queue_device ? setup->driver
                                                  : setup->device;
  const unsigned shift = offset % 8 * 8;
  const uint64_t mask = hal::low_mask(size * 8) << shift;
  place = hal::GuestPhys((place.value() & ~mask) | (value << shift & mask));
}

uint16_t PciTransport::checked_vector(uint64_t wanted) const {
  return wanted <= device_.queues() && has_messages() ? static_cast<uint16_t>(wanted) : no_vector;
}

// --- interrupts and reset --------------------------------------------------------------------------------------------

// The device holds its lock when it calls, as the contract of Signals has it.
void PciTransport::used_buffer(uint16_t queue) PLINTH_NO_THREAD_SAFETY {
  if (!uses_messages()) return set_isr(isr_ | interrupt_status::used_buffer);
  if (vectors_[queue] != no_vector) send_message(vectors_[queue]);
}
void PciTransport::configuration_changed() PLINTH_NO_THREAD_SAFETY {
  set_isr(isr_ | interrupt_status::configuration);
  if (configuration_vector_ != no_vector) send_message(configuration_vector_);
}

void PciTransport::set_isr(uint8_t value) {
  isr_ = value;
  set_interrupt(value != 0);
}

// 4.1.4.5.1: reading clears it, and the interrupt with it.
uint64_t PciTransport::take_isr() {
  const hal::LockGuard guard(device_.lock);
  const uint8_t value = isr_;
  set_isr(0);
  return value;
}

void PciTransport::write_status(uint8_t value) {
  device_.set_status(value);
  if (value == 0) forget_driver();
}

void PciTransport::forget_driver() {
  vectors_.fill(no_vector);
  configuration_vector_ = no_vector;
  set_isr(0);
}

void PciTransport::power_on() {
  device_.power_on();
  const hal::LockGuard guard(device_.lock);
  device_features_word_ = driver_features_word_ = 0;
  queue_ = 0;
  was_master_ = false;
  forget_driver();
}

}  // namespace vmm::virtio

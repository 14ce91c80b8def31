// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/mmio_transport.hpp"

#include <array>
#include <bit>

namespace vmm::virtio {

namespace {

// 4.2.2, table 4.1.
enum Register : uint32_t {
  MagicValue = 0x000,
  Version = 0x004,
  DeviceID = 0x008,
  VendorID = 0x00c,
  DeviceFeatures = 0x010,
  DeviceFeaturesSel = 0x014,
  DriverFeatures = 0x020,
  DriverFeaturesSel = 0x024,
  QueueSel = 0x030,
  QueueNumMax = 0x034,
  QueueNum = 0x038,
  QueueReady = 0x044,
  QueueNotify = 0x050,
  InterruptStatus = 0x060,
  InterruptACK = 0x064,
  Status = 0x070,
  QueueDescLow = 0x080,
  QueueDescHigh = 0x084,
  QueueDriverLow = 0x090,
  QueueDriverHigh = 0x094,
  QueueDeviceLow = 0x0a0,
  QueueDeviceHigh = 0x0a4,
  SHMLenLow = 0x0b0,
  SHMBaseHigh = 0x0bc,
  QueueReset = 0x0c0,
  ConfigGeneration = 0x0fc,
  Config = 0x100,
};

constexpr uint8_t register_size = 4;

uint32_t identity(uint32_t offset, DeviceType type) {
  switch (offset) {
    case MagicValue: return mmio::magic;
    case Version: return mmio::version;
    case DeviceID: return static_cast<uint32_t>(type);
    case VendorID: return mmio::vendor;
    default: return 0;
  }
}

void set_low(hal::GuestPhys& place, uint32_t value) {
  place = hal::GuestPhys((place.value() & ~uint64_t{0xffff'ffff}) | value);
}
void set_high(hal::GuestPhys& place, uint32_t value) {
  place = hal::GuestPhys((place.value() & 0xffff'ffff) | uint64_t{value} << 32);
}

}  // namespace

uint64_t EmptyMmioWindows::read(MmioAccess access) {
  if (access.size != register_size) return 0;
  return identity(static_cast<uint32_t>(access.offset % mmio::window_size), DeviceType::none);
}

MmioTransport::MmioTransport(hal::GuestPhys base, IrqLine line, VirtioDevice& device)
    : MmioDevice("virtio-mmio", {base, mmio::window_size}), device_(device), line_(line) {
  device.connect(*this);
}

uint64_t MmioTransport::read(MmioAccess access) {
  const auto offset = static_cast<uint32_t>(access.offset);
  if (offset < Config && access.size != register_size) return 0;
  const hal::LockGuard guard(device_.lock);
  if (offset < Config) return read_register(offset);
  std::array<std::byte, 8> bytes{};
  device_.read_configuration(offset - Config, std::span(bytes).first(access.size));
  return std::bit_cast<uint64_t>(bytes);
}

void MmioTransport::write(MmioAccess access, uint64_t value) {
  const auto offset = static_cast<uint32_t>(access.offset);
  if (offset < Config && access.size != register_size) return;
  // What takes time takes the lock in pieces.
  if (offset == QueueNotify) return device_.notify(static_cast<uint32_t>(value));
  const hal::LockGuard guard(device_.lock);
  if (offset < Config) return write_register(offset, static_cast<uint32_t>(value));
  const auto bytes = std::bit_cast<std::array<std::byte, 8>>(value);
  device_.write_configuration(offset - Config, std::span(bytes).first(access.size));
}

uint32_t MmioTransport::read_register(uint32_t offset) {
  switch (offset) {
    case DeviceFeatures: return device_.offered_features(device_features_word_);
    case QueueNumMax: return device_.queue_max_size(queue_);
    case QueueReady: return device_.queue_is_enabled(queue_) ? 1 : 0;
    case InterruptStatus: return interrupt_status_;
    case Status: return device_.status();
    case ConfigGeneration: return device_.configuration_generation();
    default: break;
  }
  // There is no shared memory region (4.2.2.1).
  if (offset >= SHMLenLow && offset <= SHMBaseHigh) return UINT32_MAX;
  return identity(offset, device_.type());
}

void MmioTransport::write_register(uint32_t offset, uint32_t value) {
  switch (offset) {
    case DeviceFeaturesSel: device_features_word_ = value; return;
    case DriverFeatures: return device_.accept_features(driver_features_word_, value);
    case DriverFeaturesSel: driver_features_word_ = value; return;
    case QueueSel: queue_ = value; return;
    case QueueReady: return (value & 1) != 0 ? device_.enable_queue(queue_) : device_.reset_queue(queue_);
    case QueueReset: return (value & 1) != 0 ? device_.reset_queue(queue_) : void();
    case InterruptACK: return set_interrupt_status(interrupt_status_ & ~value);
    case Status:
      device_.set_status(static_cast<uint8_t>(value));
      // 2.1.1: nothing is left of an interrupt either.
      if (value == 0) set_interrupt_status(0);
      return;
    default: return write_queue_register(offset, value);
  }
}

void MmioTransport::write_queue_register(uint32_t offset, uint32_t value) {
  Queue::Setup* const setup = device_.queue_setup(queue_);
  if (setup == nullptr) return;
  switch (offset) {
    // What does not fit is no valid size either.
    case QueueNum: setup->size = value <= UINT16_MAX ? static_cast<uint16_t>(value) : 0; return;
    case QueueDescLow: return set_low(setup->descriptors, value);
    case QueueDescHigh: return set_high(setup->descriptors, value);
    case QueueDriverLow: return set_low(setup->driver, value);
    case QueueDriverHigh: return set_high(setup->driver, value);
    case QueueDeviceLow: return set_low(setup->device, value);
    case QueueDeviceHigh: return set_high(setup->device, value);
    default: return;
  }
}

void MmioTransport::set_interrupt_status(uint32_t status) {
  const bool before = interrupt_status_ != 0;
  interrupt_status_ = status;
  if (before != (status != 0)) line_.set(status != 0);
}

// The device holds its lock when it calls, as the contract of Signals has it.
void MmioTransport::used_buffer(uint16_t) PLINTH_NO_THREAD_SAFETY {
  set_interrupt_status(interrupt_status_ | interrupt_status::used_buffer);
}
void MmioTransport::configuration_changed() PLINTH_NO_THREAD_SAFETY {
  set_interrupt_status(interrupt_status_ | interrupt_status::configuration);
}

void MmioTransport::reset() {
  device_.power_on();
  const hal::LockGuard guard(device_.lock);
  device_features_word_ = driver_features_word_ = queue_ = interrupt_status_ = 0;
  line_.set(false);
}

}  // namespace vmm::virtio

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/unit/vmm/virtio_driver.hpp"

// What a driver may do to any virtio device.
namespace fuzz {

using vmm::test::VirtioDriver;

// The fuzzer's bytes as numbers; zeroes at their end.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), end_(data + size) {}
  [[nodiscard]] bool empty() const { return data_ == end_; }
  template <class T>
  T take() {
    T value = 0;
    for (size_t i = 0; i < sizeof value && data_ != end_; ++i) value |= static_cast<T>(T{*data_++} << (8 * i));
    return value;
  }

 private:
  const uint8_t* data_;
  const uint8_t* end_;
};

// Mostly in the guest's buffers, sometimes anywhere.
inline uint64_t any_place(Bytes& bytes) {
  const auto choice = bytes.take<uint8_t>();
  if (choice == 0) return bytes.take<uint64_t>();
  if (choice == 1) return VirtioDriver::ram + VirtioDriver::ram_size - bytes.take<uint8_t>();
  if (choice == 2) return VirtioDriver::table + bytes.take<uint16_t>();
  return VirtioDriver::buffers + bytes.take<uint16_t>();
}

inline constexpr unsigned driver_actions = 9;

// One of them, a number below driver_actions.
inline void act(unsigned action, VirtioDriver& driver, vmm::test::FakeWorker& worker, Bytes& bytes) {
  namespace feature = vmm::virtio::feature;
  switch (action) {
    case 0: return driver.bus.write(bytes.take<uint16_t>() % 0x200 & ~3U, bytes.take<uint32_t>());
    case 1:
      return (void)driver.bus.read(bytes.take<uint16_t>() % 0x200 & ~7U,
                                   static_cast<uint8_t>(1U << bytes.take<uint8_t>() % 4));
    case 2:
      return driver.start(feature::version_1 | (bytes.take<uint8_t>() & 3U) << 28,
                          static_cast<uint16_t>(1U << bytes.take<uint8_t>() % 5));
    case 3:
    case 4:
      return driver.descriptor(bytes.take<uint8_t>() % 16, any_place(bytes), bytes.take<uint16_t>(),
                               bytes.take<uint8_t>() % 8, bytes.take<uint8_t>() % 17,
                               bytes.take<uint8_t>() % 4 == 0 ? VirtioDriver::buffers + 0x1000 : VirtioDriver::table);
    case 5: return driver.make_available(bytes.take<uint8_t>() % 17);
    case 6:
      return driver.memory.put<uint16_t>(VirtioDriver::driver_ring + bytes.take<uint8_t>() * 2U, bytes.take<uint16_t>());
    case 7: return worker.step();
    default: return driver.notify(bytes.take<uint8_t>() % 3);
  }
}

}  // namespace fuzz

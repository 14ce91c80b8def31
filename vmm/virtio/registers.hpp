// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Numbers of Virtual I/O Device (VIRTIO) Version 1.2 that no transport changes.
namespace vmm::virtio {

// 5: device types.
enum class DeviceType : uint32_t { none = 0, network = 1, block = 2, console = 3, entropy = 4, socket = 19 };

// 2.1: device status.
namespace status {
inline constexpr uint8_t acknowledge = 1;
inline constexpr uint8_t driver = 2;
inline constexpr uint8_t driver_ok = 4;
inline constexpr uint8_t features_ok = 8;
inline constexpr uint8_t needs_reset = 64;
inline constexpr uint8_t failed = 128;
}  // namespace status

// 6: features that no device type changes, as bits.
namespace feature {
inline constexpr uint64_t indirect_descriptors = uint64_t{1} << 28;
inline constexpr uint64_t event_idx = uint64_t{1} << 29;
inline constexpr uint64_t version_1 = uint64_t{1} << 32;
inline constexpr uint64_t ring_reset = uint64_t{1} << 40;
}  // namespace feature

// 4.1.4.5 and 4.2.2: the interrupt status of both transports.
namespace interrupt_status {
inline constexpr uint32_t used_buffer = 1;
inline constexpr uint32_t configuration = 2;
}  // namespace interrupt_status

}  // namespace vmm::virtio

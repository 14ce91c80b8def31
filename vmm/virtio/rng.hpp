// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/device/device_report.hpp"
#include "vmm/device/random_source.hpp"
#include "vmm/virtio/device.hpp"

namespace vmm::virtio {

// An entropy device (5.4): one queue of buffers that it fills. It fills no more of one than max_request, which 5.4.6.2
// allows, and a byte counts as `byte_cost` bytes moved: so a guest that asks for more is served by its VM's device task,
// and pays for it.
class Rng final : public VirtioDevice {
 public:
  static constexpr uint16_t queue_size = 64;
  static constexpr uint32_t max_request = 1024;
  static constexpr uint64_t byte_cost = 64;
  static_assert(max_request * byte_cost <= piece);

  explicit Rng(const DeviceSite& site) : VirtioDevice(DeviceType::entropy, "rng", site, 0, {queue_size}), random_(site.random) {}

  // Any task.
  void report(DeviceReport& report) const;

 private:
  [[nodiscard]] Served serve(uint16_t queue, Budget& budget) override PLINTH_REQUIRES(lock);
  [[nodiscard]] std::span<const std::byte> configuration() const override { return {}; }
  [[nodiscard]] uint32_t fill(const Chain& chain) PLINTH_REQUIRES(lock);

  RandomSource& random_;
  Chain chain_ PLINTH_GUARDED_BY(lock);
};

}  // namespace vmm::virtio

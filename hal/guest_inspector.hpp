// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "hal/base/address.hpp"

namespace hal {

// What arch/ needs of a VM to report on one of its vCPUs (hal::Vcpu::report()): its memory, and stage 2 in words.
class GuestInspector {
 public:
  // False, and `to` unspecified, where there is no RAM.
  [[nodiscard]] virtual bool read(GuestPhys from, std::span<std::byte> to) = 0;
  // Add to the report how stage 2 translates an address: one line or more.
  virtual void show_stage2(GuestPhys place) = 0;

 protected:
  ~GuestInspector() = default;
};

}  // namespace hal

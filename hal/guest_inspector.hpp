// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "hal/base/address.hpp"

namespace hal {

// A VM's memory, for what arch/ has to look up there.
class GuestReader {
 public:
  // False, and `to` unspecified, where there is no RAM.
  [[nodiscard]] virtual bool read(GuestPhys from, std::span<std::byte> to) = 0;

 protected:
  ~GuestReader() = default;
};

// What arch/ needs of a VM to report on one of its vCPUs (hal::Vcpu::report()): its memory, and stage 2 in words.
class GuestInspector : public GuestReader {
 public:
  // Add to the report how stage 2 translates an address: one line or more.
  virtual void show_stage2(GuestPhys place) = 0;

 protected:
  ~GuestInspector() = default;
};

}  // namespace hal

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"

namespace arch {

// The machine's PCH-PIC, or none of it: then no input exists. Callers take turns.
class PchPic {
 public:
  // All inputs masked; input n raises vector base_vector + n. `registers` is mapped as device memory.
  void set_up(hal::HostVirt registers, uint32_t base_vector);

  // The input behind a vector.
  [[nodiscard]] bool owns(uint32_t vector) const;

  void configure(uint32_t vector, bool level);
  void mask(uint32_t vector);
  // Forgets what was pending, and lets it through. A level that is still high counts again.
  void unmask(uint32_t vector);

 private:
  void set_bit(uint64_t bank, uint32_t vector, bool on) const;

  hal::HostVirt registers_;
  uint32_t base_vector_ = 0;
  bool present_ = false;
};

}  // namespace arch

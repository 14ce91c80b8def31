// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"

namespace arch {

// The machine's LIOINTC, where the package's own devices are wired to, a UART among them. Or none of it: then nothing
// is ever pending. Callers take turns.
class LioIntc {
 public:
  // All inputs off, all of them on HWI `line` (0 to 3). `registers` is mapped as device memory.
  void set_up(hal::HostVirt registers, unsigned line);

  // `core` beyond the first four of the package cannot be reached: core 0 serves it then.
  void route(uint32_t input, uint64_t core) const;
  void configure(uint32_t input, bool level) const;
  void enable(uint32_t input) const;
  void disable(uint32_t input) const;

  // A bit for each input that is on and raised, and goes to this core. Levels among them are off now: they stay raised
  // until their devices are served. Edges are forgotten, and one that comes from now on counts.
  [[nodiscard]] uint32_t take(uint64_t core) const;

 private:
  hal::HostVirt registers_;
  unsigned line_ = 0;
  bool present_ = false;
};

}  // namespace arch

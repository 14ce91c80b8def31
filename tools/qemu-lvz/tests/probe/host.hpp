// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tries one instruction in host mode and tells which exception it raised.
#pragma once

#include "types.hpp"

namespace probe {

struct Trap {
  /// The instruction completed (the end marker's system call trapped instead).
  bool none;
  unsigned ecode;
  u64 era, badv, badi;
  u64 a0, a1;  // after the instruction
};

/// Runs `word` with a0 and a1 at `plv` of the host. GSTAT.PVM must be 0.
Trap try_host(u32 word, u64 a0 = 0, u64 a1 = 0, unsigned plv = 0);

/// Points this CPU's trap and refill vectors and its page-table root at the probe's.
void set_up_host();

}  // namespace probe

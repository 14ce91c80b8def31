// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "hal/base/format.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/result.hpp"
#include "mm/frames.hpp"

namespace vmm {

class Vm;

// What is to be known of a VM whose vCPUs are parked: why it crashed, each vCPU's registers and what they mean, its
// last exits, stage 2 of the addresses in question, the interrupt controller, its last output. Reads the VM and its
// memory, and takes none. `state`: what it is, in words.
void write_report(hal::TextSink& sink, std::string_view state, Vm& vm);

// A report on a VM, in memory of its own. That of its last crash is written when it crashes, into memory that was set
// aside when the VM was made; it stays when the VM starts again, until the next crash or the end of the VM.
class PostMortem {
 public:
  // Room for a VM with so many vCPUs; what does not fit is cut off, and the report says so.
  static hal::Result<mm::OwnedFrames, mm::MmError> reserve(unsigned vcpus);

  explicit PostMortem(mm::OwnedFrames room) : room_(std::move(room)) {}

  // For the VM's manager, with the vCPUs parked.
  void take(Vm& vm, std::string_view state);

  // How far somebody has read. One that began before the VM crashed again reads no further.
  struct Cursor {
    uint32_t crash = 0;
    size_t position = 0;
  };
  // The next bytes; nothing at the end, or before the first crash. Any task.
  [[nodiscard]] size_t read(Cursor& cursor, std::span<char> bytes) const;

 private:
  mm::OwnedFrames room_;
  mutable hal::SpinLock lock_{hal::LockRank::none};
  uint32_t crashes_ PLINTH_GUARDED_BY(lock_) = 0;
  size_t length_ PLINTH_GUARDED_BY(lock_) = 0;
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/list.hpp"

namespace vmm {

// A vCPU's number inside its VM, 0 is the primary.
using VcpuIndex = unsigned;
inline constexpr VcpuIndex max_vcpus = 64;

// One access of a guest to a device register, after decoding. `size` is 1, 2, 4 or 8 bytes and the access is aligned to
// it: the bus splits nothing and joins nothing. Two registers wide, so it is passed by value.
struct MmioAccess {
  uint64_t offset;  // from the start of the device's window
  uint8_t size;
  VcpuIndex vcpu;  // who asks; GIC registers are banked by it
};

// A device model behind a window of guest physical addresses. Models are portable code that knows no hardware.
//
// Both calls come from the exit path of the accessing vCPU, possibly from several CPUs at once: a model guards its own
// state. They allocate nothing and do not block. Registers that do not exist read as zero and ignore writes (RAZ/WI),
// unless the device's manual says otherwise.
class MmioDevice : public hal::ListNode<> {
 public:
  constexpr MmioDevice(std::string_view name, hal::GuestPhysRange window) : name_(name), window_(window) {}

  // The value, zero-extended. Bits above `size` are ignored by the caller.
  virtual uint64_t read(MmioAccess access) = 0;
  virtual void write(MmioAccess access, uint64_t value) = 0;
  // Back to the state after power-on. The VM is stopped: nobody else calls in.
  virtual void reset() = 0;

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] hal::GuestPhysRange window() const { return window_; }

 protected:
  ~MmioDevice() = default;

 private:
  std::string_view name_;
  hal::GuestPhysRange window_;
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/mmio.hpp"

namespace vmm {

// Who ends a VM when its guest switches its machine off or resets it.
class PowerSwitch {
 public:
  // By vCPU `vcpu`, from its exit path.
  virtual void power_off(VcpuIndex vcpu) = 0;
  virtual void reset_machine(VcpuIndex vcpu) = 0;

 protected:
  ~PowerSwitch() = default;
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "hal/base/result.hpp"
#include "hal/start_state.hpp"
#include "vmm/loader/error.hpp"

namespace vmm {

class Vm;

// Which file stopped a start, and why.
struct StartFailure {
  std::string_view file;
  LoadError error;
};

// Fill a VM's memory for a start: zeroes, then the images that its file names, from the bundle, and its device tree.
// Takes long and yields. No vCPU of the VM runs. The result: how
// the primary vCPU begins.
hal::Result<hal::StartState, StartFailure> load_vm(Vm& vm);

}  // namespace vmm

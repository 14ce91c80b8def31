// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/result.hpp"
#include "vmm/loader/error.hpp"

namespace vmm {

class Vm;

// Where the primary vCPU begins.
struct GuestEntry {
  hal::GuestPhys pc;
  uint64_t argument;
};

// Which file stopped a start, and why.
struct StartFailure {
  std::string_view file;
  LoadError error;
};

// Fill a VM's memory for a start: zeroes, then the images that its file names, from the bundle, and its device tree.
// Takes long and yields. No vCPU of the VM runs.
hal::Result<GuestEntry, StartFailure> load_vm(Vm& vm);

}  // namespace vmm

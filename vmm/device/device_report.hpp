// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/base/fixed.hpp"

namespace vmm {

// What a device with another side (a disk, a network) is and has done since its VM was made: a copy of one moment.
struct DeviceReport {
  std::string_view name;          // "disk"
  hal::FixedString<159> backend;  // what is on the other side, in words
  uint64_t size = 0;              // of a disk, in bytes
  uint64_t requests = 0;
  uint64_t read_bytes = 0;
  uint64_t written_bytes = 0;
  uint64_t flushes = 0;
  uint64_t discards = 0;
  uint64_t notifications = 0;  // from the driver
  uint64_t interrupts = 0;     // to it
  uint64_t errors = 0;         // requests that failed, and times the device broke
};

// One of the machine's disks, likewise.
struct HostDiskReport {
  hal::FixedString<15> place;   // on the bus: "pci:00:02.0"
  hal::FixedString<20> serial;  // empty: it has none
  uint64_t size = 0;            // in bytes
  bool read_only = false;
  bool lost = false;   // it was shut off
  unsigned users = 0;  // disks of VMs
};

}  // namespace vmm

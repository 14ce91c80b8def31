// SPDX-License-Identifier: Apache-2.0
// For an image without drivers for disks.
#include "vmm/host_disks.hpp"

namespace vmm {

HostDisks& host_disks() {
  static constinit HostDisks disks;
  return disks;
}

HostDisk* HostDisks::find(std::string_view) { return nullptr; }
std::optional<HostDiskReport> HostDisks::report(size_t) { return std::nullopt; }

}  // namespace vmm

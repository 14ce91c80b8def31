// SPDX-License-Identifier: Apache-2.0
// For an image without drivers for disks.
#include "vmm/host_disks.hpp"

#include "hal/log.hpp"

namespace vmm {

HostDisks& host_disks() {
  static constinit HostDisks disks;
  return disks;
}

BlockBackend* HostDisks::claim(const config::DiskConfig& disk, std::string_view vm) {
  hal::log::error("{}: disk.host: \"{}\": this image has no drivers for the machine's disks", vm, disk.host.view());
  return nullptr;
}

void HostDisks::release(BlockBackend&) {}
std::optional<HostDiskReport> HostDisks::report(size_t) { return std::nullopt; }

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/disk/disk_device.hpp"

#include <array>
#include <string_view>

#include "hal/base/format.hpp"
#include "vmm/device/device_report.hpp"

namespace vmm {

// In the words of the VM's file: "copy-on-write disks/root.img", "read-write serial:WD-1234 partition 2".
bool DiskDevice::report(DeviceReport& report) const {
  std::string_view mode = "RAM";
  if (config_.mode == config::DiskMode::read_only) mode = "read-only";
  if (config_.mode == config::DiskMode::copy_on_write) mode = "copy-on-write";
  if (config_.mode == config::DiskMode::read_write) mode = "read-write";
  std::array<char, decltype(report.backend)::capacity> buffer{};
  hal::BufferSink text(buffer);
  const std::string_view what = config_.host.empty() ? config_.image.view() : config_.host.view();
  hal::format(text, "{}{}{}", mode, what.empty() ? "" : " ", what);
  if (config_.partition != 0) hal::format(text, " partition {}", config_.partition);
  report.name = "disk";
  report.backend = text.text();
  model_.report(report);
  return true;
}

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/disk/disk_device.hpp"

#include <array>
#include <string_view>

#include "hal/base/format.hpp"
#include "vmm/device/device_report.hpp"

namespace vmm {

// In the words of the VM's file: "copy-on-write disks/root.img".
bool DiskDevice::report(DeviceReport& report) const {
  std::string_view mode = "RAM";
  if (config_.mode == config::DiskMode::read_only) mode = "read-only";
  if (config_.mode == config::DiskMode::copy_on_write) mode = "copy-on-write";
  std::array<char, decltype(report.backend)::capacity> buffer{};
  hal::BufferSink text(buffer);
  hal::format(text, "{}{}{}", mode, config_.image.empty() ? "" : " ", config_.image.view());
  report.name = "disk";
  report.backend = text.text();
  model_.report(report);
  return true;
}

}  // namespace vmm

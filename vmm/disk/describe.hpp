// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "config/vm_config.hpp"
#include "hal/base/format.hpp"
#include "vmm/device/device_report.hpp"

namespace vmm {

// What a disk is, in the words of the VM's file: "copy-on-write disks/root.img".
inline void describe_disk(const config::DiskConfig& disk, DeviceReport& report) {
  std::string_view mode = "RAM";
  if (disk.mode == config::DiskMode::read_only) mode = "read-only";
  if (disk.mode == config::DiskMode::copy_on_write) mode = "copy-on-write";
  std::array<char, decltype(report.backend)::capacity> buffer{};
  hal::BufferSink text(buffer);
  hal::format(text, "{}{}{}", mode, disk.image.empty() ? "" : " ", disk.image.view());
  report.name = "disk";
  report.backend = text.text();
}

}  // namespace vmm

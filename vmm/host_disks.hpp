// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "vmm/device/device_report.hpp"
#include "vmm/disk/host_disk.hpp"

// The machine's disks. They are looked for when the first VM wants one, or somebody wants to know: a machine whose VMs have
// none does not pay for it, and nothing of it is touched.
namespace vmm {

// By whoever makes VMs or lists disks, one at a time.
class HostDisks {
 public:
  static constexpr size_t capacity = 16;

  // By "serial:NUMBER" or its place. The first, where several say the same. Null: there is none.
  [[nodiscard]] HostDisk* find(std::string_view name);
  // By number.
  [[nodiscard]] std::optional<HostDiskReport> report(size_t number);

 private:
  void open();
};

// The machine's.
[[nodiscard]] HostDisks& host_disks();

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "config/vm_config.hpp"
#include "vmm/device/device_report.hpp"
#include "vmm/disk/block_backend.hpp"

// The machine's disks. They are looked for when the first VM wants one, or somebody wants to know: a machine whose VMs have
// none does not pay for it, and nothing of it is touched.
namespace vmm {

// By whoever makes VMs or lists disks, one at a time.
class HostDisks {
 public:
  static constexpr size_t capacity = 16;

  // What `disk` of VM `vm`'s file asks for: the VM's until release(), which comes when nobody uses it any more. Null: it is not
  // there, or not to be had; the log says why. A disk of a serial number is the first that has it.
  [[nodiscard]] BlockBackend* claim(const config::DiskConfig& disk, std::string_view vm);
  void release(BlockBackend& claimed);
  // By number.
  [[nodiscard]] std::optional<HostDiskReport> report(size_t number);

 private:
  void open();
};

// The machine's.
[[nodiscard]] HostDisks& host_disks();

}  // namespace vmm

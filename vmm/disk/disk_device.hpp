// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/vm_config.hpp"
#include "vmm/device/device.hpp"
#include "vmm/virtio/blk.hpp"

namespace vmm {

// One of the disks in a VM's file. Each board derives from it, with the transport by which its guests reach a disk.
class DiskDevice : public Device {
 public:
  static unsigned count(const config::VmConfig& vm) { return static_cast<unsigned>(vm.disks.size()); }

  [[nodiscard]] bool report(DeviceReport& report) const final;
  void quiesce() final {
    model_.power_on();
    backend_.settle();
  }

 protected:
  DiskDevice(const DeviceSite& site, unsigned index)
      : config_(site.config.disks[index]),
        backend_(*site.disks[index]),
        model_(site, backend_, config_.serial.view()) {}

  [[nodiscard]] virtio::Blk& model() { return model_; }

 private:
  const config::DiskConfig& config_;
  BlockBackend& backend_;
  virtio::Blk model_;
};

}  // namespace vmm

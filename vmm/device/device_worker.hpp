// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hal/base/list.hpp"

namespace vmm {

// A device with work that is too much for an exit.
class WorkClient : public hal::ListNode<class WorkClient> {
 public:
  // Do a bounded piece. True: there is more. From the VM's device task, with no lock held.
  [[nodiscard]] virtual bool work() = 0;

 protected:
  WorkClient() = default;
  ~WorkClient() = default;
};

// The task of a VM that does such work, in the VM's own scheduling class. It stands still while the VM does.
class DeviceWorker {
 public:
  // A device that may post says so while it is made.
  virtual void employ() = 0;
  // Call client.work() until it says that there is no more. Any CPU; a device may hold its own lock (rank `device`).
  virtual void post(WorkClient& client) = 0;

 protected:
  ~DeviceWorker() = default;
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "hal/base/list.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/result.hpp"
#include "task/task.hpp"
#include "task/wait_queue.hpp"
#include "vmm/device/device_worker.hpp"

namespace vmm {

class Vm;
enum class VmError : uint8_t;

// The device task of one VM: what its devices could not do in an exit, a piece at a time, in the VM's scheduling class,
// so that it costs the VM and nobody else. Clients take turns. A VM without such devices has no such task.
class VmWorker final : public DeviceWorker {
 public:
  VmWorker() = default;
  VmWorker(const VmWorker&) = delete;
  VmWorker& operator=(const VmWorker&) = delete;
  // Ends the task. Nobody posts any more.
  ~VmWorker();

  void employ() override { is_employed_ = true; }
  // Once, after the devices are made and before anybody posts. Nothing is done where nobody may post.
  hal::Result<void, VmError> start(Vm& vm);
  void post(WorkClient& client) override;

  // Between these two no piece is done; one that was begun is over when hold() returns. By the VM's manager.
  void hold();
  void release();

 private:
  static void run(void* self);
  [[nodiscard]] WorkClient* next();
  void serve();

  static constexpr uint32_t leaving = 1, held = 2;

  bool is_employed_ = false;
  task::Task* task_ = nullptr;
  hal::SpinLock lock_{hal::LockRank::device_alarms};
  hal::List<WorkClient, WorkClient> clients_ PLINTH_GUARDED_BY(lock_);
  // Tested under the wait queues' locks, where lock_ must not be taken.
  std::atomic<bool> posted_{false};
  std::atomic<bool> busy_{false};
  std::atomic<uint32_t> orders_{0};
  task::WaitQueue work_;
  task::WaitQueue quiet_;  // hold() waits here
};

}  // namespace vmm

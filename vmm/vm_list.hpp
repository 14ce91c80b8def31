// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "config/host_config.hpp"
#include "hal/base/list.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/result.hpp"
#include "mm/heap.hpp"
#include "vmm/vm.hpp"

namespace vmm {

// All VMs, in the order they were made. A VM leaves the list only by destroy(), so a pointer found here is good as long
// as its holder is the only one who destroys: the shell's task, which is the only caller of create() and destroy()
// after start-up.
class VmList {
 public:
  // Make a VM from a file of the bundle. Problems are in the log. Errors: as Vm::create(); not_possible also when the
  // file is missing or wrong, the name is taken, or the machine cannot run guests (before init()).
  hal::Result<Vm*, VmError> create(std::string_view file);
  // Stop it, whatever it does, and return everything it had; its RAM is free when the scrubber has been there.
  void destroy(Vm& vm);

  // Can the machine run guests at all? The log says why not.
  [[nodiscard]] bool is_open() const { return is_open_; }
  void open() { is_open_ = true; }

  [[nodiscard]] Vm* find(std::string_view name);
  [[nodiscard]] Vm* find(unsigned id);
  [[nodiscard]] size_t size();
  // The next one after `vm`, or the first; null at the end.
  [[nodiscard]] Vm* next(const Vm* vm);

 private:
  bool is_open_ = false;  // constant after init()
  hal::SpinLock lock_{hal::LockRank::vm_list};
  hal::List<Vm> vms_ PLINTH_GUARDED_BY(lock_);
  unsigned next_id_ PLINTH_GUARDED_BY(lock_) = 1;
};

[[nodiscard]] VmList& vm_list();
// plinth.toml as it was read.
[[nodiscard]] const config::HostConfig& host_config();

// The start-up path (docs/architecture.md): find the bundle and read plinth.toml; make the VMs that the files describe;
// let the ones go that start by themselves.
void open_bundle();
void init();
void start();

}  // namespace vmm

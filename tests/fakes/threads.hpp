// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tests/fakes/machine.hpp"

namespace fake {

// CPUs that are threads, in real time: what the simulated machine cannot show is what happens at the same moment. Lives
// until the program ends, and so do its CPUs.
class ThreadedMachine final : public Machine {
 public:
  explicit ThreadedMachine(unsigned cpus);
  ~ThreadedMachine() override;

  // Let CPU `cpu` execute `body`, which does not return.
  void start(hal::CpuIndex cpu, std::function<void()> body);

  void* local() override;
  void set_local(void* local) override;
  void wait_for_interrupt() override;
  uint64_t now() override;
  void set_deadline(uint64_t deadline) override;
  void poll() override;
  void send_ipi(hal::CpuIndex cpu) override;
  uint64_t run_guest(uint64_t ticks) override;

 private:
  struct FakeCpu;
  static FakeCpu& here();
  static thread_local FakeCpu* here_;
  std::vector<std::unique_ptr<FakeCpu>> cpus_;
};

}  // namespace fake

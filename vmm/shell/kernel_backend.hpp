// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hal/timer.hpp"
#include "mm/frames.hpp"
#include "vmm/console/console.hpp"
#include "vmm/observation.hpp"
#include "vmm/shell/backend.hpp"
#include "vmm/vm.hpp"

namespace vmm::shell {

// The hypervisor as the shell sees it. Used by the shell's task only, which is why a VM that was found stays: nobody
// else destroys any.
class KernelBackend final : public Backend {
 public:
  KernelBackend();

  std::optional<VmInfo> next_vm(std::optional<VmId> previous) override;
  std::optional<VmInfo> vm(VmId id) override;
  std::optional<VcpuInfo> vcpu(VmId id, unsigned index) override;
  std::optional<DeviceReport> device(VmId id, unsigned number) override;
  std::optional<HostDiskReport> host_disk(unsigned number) override;
  bool put_crash(VmId id, hal::TextSink& sink) override;
  bool put_report(VmId id, hal::TextSink& sink) override;

  hal::Result<void, std::string_view> perform(VmId id, VmEvent event) override;
  hal::Result<void, std::string_view> request(VmId id, VmEvent event) override;
  bool can_run_guests() override;
  hal::Result<VmId, std::string_view> create(std::string_view file) override;
  std::optional<std::string_view> vm_file(size_t index) override;

  void attach_console(VmId id, Which which) override;
  void watch_consoles() override;
  void put_console(VmId id, Which which, hal::TextSink& sink) override;
  std::string_view console_escape() override { return {escape_name_.data(), escape_name_.size()}; }

  std::optional<CpuInfo> cpu(unsigned index) override;
  MemoryInfo memory() override;
  uint64_t uptime_ns() override;
  uint64_t log_time_ns(uint64_t ticks) override { return hal::nanoseconds(ticks); }

  void measure_exit_costs(bool on) override { vmm::measure_exit_costs(on); }
  bool measures_exit_costs() override { return exit_costs_are_measured(); }
  bool start_trace() override;
  void stop_trace() override;
  void dump_trace(hal::TextSink& sink) override;

  void power_off() override;
  void reboot() override;

 private:
  [[nodiscard]] static VmConsole* find_console(VmId id, Which which);

  const Console::KeyName escape_name_;
  const hal::Ticks started_;
  mm::OwnedFrames trace_storage_;  // from the first `trace on` on
};

}  // namespace vmm::shell

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "config/vm_config.hpp"
#include "hal/base/fixed.hpp"
#include "hal/base/format.hpp"
#include "hal/base/result.hpp"
#include "hal/exit_class.hpp"
#include "vmm/device/device_report.hpp"
#include "vmm/lifecycle.hpp"

// What the shell knows of the hypervisor and can ask of it. The kernel's implementation is kernel_backend.cpp, the
// tests' a pretended machine. Everything is a copy of one moment; only the shell's task calls.
namespace vmm::shell {

using VmId = unsigned;

struct VmInfo {
  VmId id = 0;
  config::VmName name;
  VmState state = VmState::created;
  bool changing = false;  // an event is asked for or being carried out
  unsigned vcpus = 0;
  uint64_t memory = 0;  // bytes of RAM
  std::string_view policy;
  unsigned starts = 0;
  unsigned resets = 0;         // of these, the guest's own wish
  uint64_t run_ns = 0;         // all vCPUs together, and what it took to load the guest
  uint64_t console_bytes = 0;  // that the guest sent
  bool autostart = false;
  bool has_two_consoles = false;
  config::BundlePath kernel;
  hal::FixedString<159> last_words;  // why it crashed or how it ended
};

// Exits of one class.
struct ExitInfo {
  uint64_t count = 0;
  uint64_t measured = 0;  // of the count; the rest is of these
  uint64_t total_ns = 0;
  uint64_t longest_ns = 0;
};

struct VcpuInfo {
  unsigned index = 0;
  bool on = false;            // as PSCI has it
  std::string_view activity;  // of its task: running, ready, blocked
  unsigned cpu = 0;           // where it runs or ran last
  uint64_t run_ns = 0;
  uint64_t wait_ns = 0;  // it wanted to run and did not
  uint64_t steals = 0;   // times the CPU was taken from it
  uint64_t switches = 0;
  uint64_t migrations = 0;
  uint64_t injected = 0;  // interrupts given to the guest
  std::array<ExitInfo, hal::exit_classes> exits{};
};

struct CpuInfo {
  unsigned index = 0;
  bool idle = false;
  uint32_t load = 0;  // weights of the tasks that want to run here
  uint64_t idle_ns = 0;
  config::VmName owner;  // the task it is dedicated to; empty: nobody's
};

struct MemoryInfo {
  uint64_t total = 0;
  uint64_t free = 0;
  uint64_t dirty = 0;       // given back by a guest, not scrubbed yet
  uint64_t hypervisor = 0;  // what Plinth itself uses, of total and beside it
  struct Use {
    std::string_view name;
    uint64_t bytes = 0;
  };
  hal::FixedVector<Use, 8> uses;
  uint64_t tasks = 0;
  uint64_t guest_tags = 0;  // TLB tags (VMIDs) that VMs have
  uint64_t heap_objects = 0;
  uint64_t heap_bytes = 0;
};

class Backend {
 public:
  // The first VM, or the one after `previous`, in the order they were made.
  virtual std::optional<VmInfo> next_vm(std::optional<VmId> previous) = 0;
  virtual std::optional<VmInfo> vm(VmId id) = 0;
  virtual std::optional<VcpuInfo> vcpu(VmId id, unsigned index) = 0;
  // Of the devices that have another side, by number.
  virtual std::optional<DeviceReport> device(VmId id, unsigned number) = 0;
  // The report on its last crash; false: it has not crashed yet.
  virtual bool put_crash(VmId id, hal::TextSink& sink) = 0;
  // The same kind of report on a VM as it is; false: its guest runs, or Ctrl-C came while it was about to change.
  virtual bool put_report(VmId id, hal::TextSink& sink) = 0;
  // The machine's disks, by number.
  virtual std::optional<HostDiskReport> host_disk(unsigned number) = 0;

  // Carry out an event, wait until that is done, and say how it went; the log has the details. `destroy` makes the VM
  // disappear. Ctrl-C ends the wait with the error `interrupted`, and the event is carried out all the same.
  virtual hal::Result<void, std::string_view> perform(VmId id, VmEvent event) = 0;
  static constexpr std::string_view interrupted = "not waited for";
  // Ask for an event and do not wait. Errors: the state does not allow it.
  virtual hal::Result<void, std::string_view> request(VmId id, VmEvent event) = 0;
  // Can VMs be made at all? The log says why not.
  virtual bool can_run_guests() = 0;
  // Make a VM from a file of the bundle.
  virtual hal::Result<VmId, std::string_view> create(std::string_view file) = 0;
  // The VM files of the bundle by number.
  virtual std::optional<std::string_view> vm_file(size_t index) = 0;

  // Its only or first console, or its second.
  enum class Which : uint8_t { first, second };
  virtual void attach_console(VmId id, Which which) = 0;
  virtual void watch_consoles() = 0;
  // Kept console output, as VmConsole::put_kept().
  virtual void put_console(VmId id, Which which, hal::TextSink& sink) = 0;
  virtual std::string_view console_escape() = 0;

  virtual std::optional<CpuInfo> cpu(unsigned index) = 0;
  virtual MemoryInfo memory() = 0;
  virtual uint64_t uptime_ns() = 0;
  virtual uint64_t log_time_ns(uint64_t ticks) = 0;

  // What exits cost, of all vCPUs; begins anew each time it is switched on.
  virtual void measure_exit_costs(bool on) = 0;
  virtual bool measures_exit_costs() = 0;

  // The trace ring. start_trace() is false when there is no memory for it.
  virtual bool start_trace() = 0;
  virtual void stop_trace() = 0;
  virtual void dump_trace(hal::TextSink& sink) = 0;

  // Do not return in the kernel.
  virtual void power_off() = 0;
  virtual void reboot() = 0;

 protected:
  ~Backend() = default;
};

// The terminal as the shell sees it; vmm::Console is behind it.
class Terminal {
 public:
  // The line under edit, at most 79 characters, as Console::show_input(); end_input() makes it stay.
  virtual void show_input(std::string_view line, size_t cursor) = 0;
  virtual void end_input() = 0;
  // Waits for room.
  virtual void write(std::string_view text) = 0;

 protected:
  ~Terminal() = default;
};

}  // namespace vmm::shell

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "config/vm_config.hpp"
#include "hal/base/list.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/result.hpp"
#include "mm/guest_space.hpp"
#include "mm/heap.hpp"
#include "task/task.hpp"
#include "task/wait_queue.hpp"
#include "vmm/board.hpp"
#include "vmm/console/vm_console.hpp"
#include "vmm/entropy.hpp"
#include "vmm/guest_clock.hpp"
#include "vmm/host_resources.hpp"
#include "vmm/lifecycle.hpp"
#include "vmm/loader/image.hpp"
#include "vmm/mmio_bus.hpp"
#include "vmm/post_mortem.hpp"
#include "vmm/vcpu.hpp"

namespace vmm {

struct StartFailure;

// The vCPUs of a VM.
struct VmVcpus {
  task::WaitQueue queue;                        // the parked ones wait here
  std::array<mm::Owned<Vcpu>, max_vcpus> list;  // the first `count`
  unsigned count = 0;
  std::atomic<unsigned> active{0};  // running or halting (WFI): not parked
  task::WaitQueue all_parked;       // the manager waits here until `active` is 0

  [[nodiscard]] Vcpu& primary() const { return *list[0]; }
};

// Why a VM cannot be made, or a request not be carried out. The log has the details.
enum class VmError : uint8_t {
  out_of_memory,
  not_possible,  // the configuration asks for what this machine does not have
  wrong_state,   // not in the VM's present state
};
[[nodiscard]] std::string_view name(VmError error);

// A virtual machine: memory, devices, vCPUs, and a task that manages its life.
//
// Requests (from the shell, from the guest, from the configuration) set a bit and wake the manager, which alone changes
// the state and carries them out one after another; so an edge of the life cycle never runs twice or halfway. vCPUs run
// while the gate is open.
//
//     request() --bits--> manager task --opens/closes--> gate --park/release--> vCPU tasks
class Vm final : public hal::ListNode<> {
 public:
  // Make a VM from its description: address space with RAM, devices, vCPU tasks parked. It does not run. Takes the
  // caller's task; reports to the log in terms of `file`. Errors leave nothing behind.
  static hal::Result<mm::Owned<Vm>, VmError> create(const config::VmConfig& config, unsigned id, std::string_view file);
  // For create().
  Vm(const config::VmConfig& config, unsigned id);
  ~Vm();
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  [[nodiscard]] std::string_view name() const { return config_.name.view(); }
  [[nodiscard]] unsigned id() const { return id_; }
  [[nodiscard]] const config::VmConfig& config() const { return config_; }

  [[nodiscard]] VmState state() const { return state_.load(std::memory_order_acquire); }
  // Times the guest was started since the VM was made.
  [[nodiscard]] unsigned starts() const { return starts_.load(std::memory_order_relaxed); }
  // Why it crashed, or how it ended; empty before.
  [[nodiscard]] hal::FixedString<159> last_words() const;

  // The vCPU that brought about the present guest's crash; null: none did.
  [[nodiscard]] const Vcpu* crashed_vcpu() const { return crashed_vcpu_.load(std::memory_order_acquire); }
  // Times the guest reset itself since the VM was made.
  [[nodiscard]] unsigned resets() const { return resets_.load(std::memory_order_relaxed); }
  // What the manager used, most of it to load the guest.
  [[nodiscard]] hal::Ticks manager_time() const { return manager_->times().run; }
  // Since the last start.
  [[nodiscard]] hal::Ticks since_start() const {
    return hal::Timer::now() - started_at_.load(std::memory_order_relaxed);
  }
  // Of the last crash.
  [[nodiscard]] const PostMortem& post_mortem() const { return *post_mortem_; }

  // Ask for an event; returns at once. Errors: wrong_state when the present state does not allow it. Any CPU.
  hal::Result<void, VmError> request(VmEvent event);
  // The same, and wait until it has been carried out. From a task that is not of this VM.
  hal::Result<void, VmError> perform(VmEvent event);
  // Was it asked for and is not over yet? The prompt's doorbell rings when that changes.
  [[nodiscard]] bool is_pending(VmEvent event) const { return is_pending(bit_of(event)); }
  // Is there any such event?
  [[nodiscard]] bool is_changing() const { return is_pending(alarm_request - 1); }
  // A report on the VM as it is (vmm/post_mortem.hpp); its gate is closed. Ask for it, and look at it when it is no
  // longer pending; null: the guest runs, or there is no memory. For one task.
  void request_snapshot();
  [[nodiscard]] bool is_snapshot_pending() const { return is_pending(snapshot_request); }
  [[nodiscard]] const PostMortem* snapshot() const { return snapshot_ ? &*snapshot_ : nullptr; }

  // --- for vCPUs and devices ---

  [[nodiscard]] mm::GuestSpace& space() { return *space_; }
  [[nodiscard]] const mm::GuestSpace& space() const { return *space_; }
  [[nodiscard]] const MmioBus& bus() const { return bus_; }
  [[nodiscard]] Board& board() { return *board_; }
  [[nodiscard]] VmVcpus& vcpus() { return vcpus_; }
  [[nodiscard]] const GuestClock& clock() const { return clock_; }
  [[nodiscard]] VmConsole& console() { return console_; }
  // Null: it has but one.
  [[nodiscard]] VmConsole* second_console() { return second_console_ ? &*second_console_ : nullptr; }
  // Forget what was typed: the guest is reset.
  void discard_input();
  [[nodiscard]] Entropy& entropy() { return entropy_; }
  // For the loader: somebody ends the VM, and waits for that.
  [[nodiscard]] bool load_is_abandoned() const;
  [[nodiscard]] bool gate_is_open() const { return gate_open_.load(std::memory_order_acquire); }
  [[nodiscard]] std::span<const config::MemoryRegion> regions() const { return {regions_.begin(), regions_.size()}; }
  // The board's bus, while the VM is made.
  void use(const MmioBus& bus) { bus_ = bus; }
  // Another vCPU started this one: let it look.
  void wake(VcpuIndex vcpu);
  // The guest cannot go on; `reason` is copied. On the vCPU's task, which parks when its exit is over.
  void crash(Vcpu& vcpu, std::string_view reason);
  // The same, found by somebody else. Any task.
  void crash(std::string_view reason);
  // The guest asked to be powered off or reset. The vCPU that asked parks when its exit is over.
  void guest_ends(Vcpu& vcpu, VmEvent event);
  // A device's alarm is due: the manager calls the board back.
  void alarm_due();

 private:
  friend class VmList;
  // Requests that are no events of the life cycle.
  static constexpr uint32_t alarm_request = 1U << vm_events;
  static constexpr uint32_t snapshot_request = alarm_request << 1;

  hal::Result<void, VmError> build(std::string_view file);
  hal::Result<void, VmError> build_consoles();
  hal::Result<void, VmError> build_memory();
  hal::Result<void, VmError> pass_devices();
  hal::Result<void, VmError> build_vcpus();
  hal::Result<void, VmError> spawn_manager(task::Scheduling scheduling);

  // The manager's task (vm_life.cpp).
  static void manage(void* self);
  [[nodiscard]] hal::Ticks next_call() const;
  void serve();
  void settled();
  void take_snapshot();
  void carry_out(VmEvent event);
  void look_for_progress(hal::Ticks now);
  void plan_look(hal::Ticks now);
  [[nodiscard]] bool ask_guest();
  [[nodiscard]] bool asked() const { return stop_deadline_ != hal::never; }
  void begin_guest();
  [[nodiscard]] hal::Result<void, StartFailure> start_guest();
  void load_as_guest(bool as_guest);
  void start_again();
  void open_gate();
  void close_gate();
  void end_guest();
  void set_clocks();
  void set_state(VmState state);
  void consoles_end();
  void after_reset();
  void after_crash();
  void record_crash();
  void log_crash() const;
  [[nodiscard]] hal::Ticks first_pause() const;
  [[nodiscard]] static hal::Ticks longest_pause();

  void remember(std::string_view reason);
  void post(uint32_t bits);
  [[nodiscard]] bool is_pending(uint32_t bits) const;

  const config::VmConfig config_;
  const unsigned id_;
  VmConsole console_;
  hal::FixedString<config::VmName::capacity + 5> second_name_;
  mm::Owned<VmConsole> second_console_;
  Entropy entropy_{machine_entropy().fork()};
  const config::MemoryMap regions_;
  std::array<HostClaim, config::max_passthrough> claims_;  // given back when nothing is mapped any more
  mm::Owned<mm::GuestSpace> space_;
  MmioBus bus_;
  GuestClock clock_;  // the manager moves it
  mm::Owned<Board> board_;
  VmVcpus vcpus_;

  std::atomic<VmState> state_{VmState::created};
  std::atomic<bool> gate_open_{false};
  std::atomic<unsigned> starts_{0};
  std::atomic<unsigned> resets_{0};
  std::atomic<uint32_t> requests_{0};                        // a bit per VmEvent, and more
  std::atomic<uint32_t> doing_{0};                           // the bits of what is being carried out
  std::array<std::atomic<uint32_t>, vm_events> asked_at_{};  // a VmOrder
  std::atomic<uint32_t> asked_count_{0};                     // the last number in it
  task::WaitQueue work_;                                     // the manager waits here
  task::WaitQueue changed_;                                  // perform() waits here
  task::Task* manager_ = nullptr;
  std::atomic<bool> loads_{false};  // the manager works as its guest

  // The manager's own.
  bool leaving_ = false;
  bool has_guest_ = false;  // loaded, whether or not it runs: from a start that worked to the guest's end
  unsigned crashes_in_a_row_ = 0;
  unsigned resets_in_a_row_ = 0;
  hal::Ticks start_again_at_ = hal::never;  // one that crashed or reset waits until then
  hal::Ticks stop_deadline_ = hal::never;   // until then one that was asked may power itself off; never: it was not
  hal::Ticks next_look_ = hal::never;       // at the vCPUs' progress

  std::atomic<hal::Ticks> started_at_{0};
  std::atomic<const Vcpu*> crashed_vcpu_{nullptr};
  std::optional<PostMortem> post_mortem_;  // from build() on
  std::optional<PostMortem> snapshot_;     // the manager's, until is_snapshot_pending() says otherwise
  mutable hal::SpinLock words_lock_{hal::LockRank::vm_lifecycle};
  hal::FixedString<159> last_words_ PLINTH_GUARDED_BY(words_lock_);
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "hal/access_kind.hpp"
#include "hal/base/address.hpp"
#include "hal/base/format.hpp"
#include "hal/base/result.hpp"
#include "hal/exit_class.hpp"
#include "hal/guest_inspector.hpp"
#include "hal/memory_access.hpp"
#include "hal/start_state.hpp"

namespace arch {

// A virtual processor for host tests: registers that tests read and write, and a count of what was injected.
class Vcpu {
 public:
  std::atomic<uint32_t> attention{0};

  struct StackPart {};
  void prepare_exits(StackPart&) {}
  void reset(const hal::StartState& start) {
    registers_ = {};
    for (unsigned n = 0; n < start.arguments.size(); ++n) registers_[n] = start.arguments[n];
    pc_ = start.pc.value();
    loaded_ = false;
  }
  void set_counter_offset(uint64_t value) { counter_offset = value; }
  void load() { loaded_ = true; }
  void save() { loaded_ = false; }
  [[nodiscard]] bool is_loaded() const { return loaded_; }
  void enter_guest() {}

  [[nodiscard]] uint64_t reg(unsigned n) const { return n < registers_.size() ? registers_[n] : 0; }
  void set_reg(unsigned n, uint64_t value) {
    if (n < registers_.size()) registers_[n] = value;
  }
  [[nodiscard]] uint64_t pc() const { return pc_; }
  void skip_instruction() { pc_ += 4; }
  [[nodiscard]] bool interrupts_masked() const { return masked; }
  [[nodiscard]] static constexpr bool is_big_endian() { return false; }
  [[nodiscard]] uint64_t timer_deadline() const { return deadline; }
  static constexpr bool owes_interrupt() { return false; }
  static constexpr bool timer_wakes_cpu = true;
  static void suspend_timer() {}
  static void resume_timer() {}
  [[nodiscard]] hal::GuestVirt fault_address() const { return fault; }
  [[nodiscard]] hal::Result<hal::MemoryAccess, hal::Undecoded> decode_access(hal::GuestReader&) const {
    return hal::fail(hal::Undecoded::not_emulated);
  }
  void complete(const hal::MemoryAccess&) { skip_instruction(); }
  hal::Result<void, hal::Undecoded> drop_store(hal::GuestReader&, hal::GuestReader&) {
    return hal::fail(hal::Undecoded::not_emulated);
  }

  void inject_undefined() { ++undefined_injected; }
  void inject_external_abort(hal::GuestVirt, hal::AccessKind) { ++aborts_injected; }

  [[nodiscard]] uint64_t exits(hal::ExitClass exit_class) const { return counts[static_cast<size_t>(exit_class)]; }
  void observe_exits(bool on) { observed = on; }
  void trap_idle(bool on) { idle_traps = on; }
  void met_no_device() {}

  void report(hal::TextSink& sink, hal::GuestInspector&) const { hal::format(sink, "pc {:#x}\n", pc_); }
  static void describe_syndrome(hal::TextSink& sink, uint64_t syndrome) { hal::format(sink, "{:#x}", syndrome); }

  // --- for tests ---
  std::array<uint64_t, hal::exit_classes> counts{};
  uint64_t counter_offset = 0;
  bool observed = false;
  bool idle_traps = true;
  bool masked = false;
  uint64_t deadline = ~uint64_t{0};
  hal::GuestVirt fault{};
  unsigned undefined_injected = 0;
  unsigned aborts_injected = 0;

 private:
  std::array<uint64_t, 31> registers_{};
  uint64_t pc_ = 0;
  bool loaded_ = false;
};

}  // namespace arch

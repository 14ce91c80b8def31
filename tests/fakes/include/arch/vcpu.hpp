// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "hal/access_kind.hpp"
#include "hal/base/address.hpp"
#include "hal/base/format.hpp"
#include "hal/exit_class.hpp"
#include "hal/guest_inspector.hpp"
#include "hal/start_state.hpp"

namespace arch {

// A virtual processor for host tests: registers that tests read and write, and a count of what was injected.
class Vcpu {
 public:
  std::atomic<uint32_t> attention{0};

  void place_frame(hal::HostVirt stack_top) { frame_ = stack_top; }
  void reset(const hal::StartState& start) {
    registers_ = {};
    registers_[0] = start.arguments[0];
    pc_ = start.pc.value();
    loaded_ = false;
  }
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

  void inject_undefined() { ++undefined_injected; }
  void inject_external_abort(hal::GuestVirt, hal::AccessKind) { ++aborts_injected; }

  [[nodiscard]] uint64_t exits(hal::ExitClass exit_class) const { return counts[static_cast<size_t>(exit_class)]; }
  void observe_exits(bool on) { observed = on; }
  void met_no_device() {}

  void report(hal::TextSink& sink, hal::GuestInspector&) const { hal::format(sink, "pc {:#x}\n", pc_); }
  static void describe_syndrome(hal::TextSink& sink, uint64_t syndrome) { hal::format(sink, "{:#x}", syndrome); }

  // --- for tests ---
  std::array<uint64_t, hal::exit_classes> counts{};
  bool observed = false;
  unsigned undefined_injected = 0;
  unsigned aborts_injected = 0;

 private:
  hal::HostVirt frame_;
  std::array<uint64_t, 31> registers_{};
  uint64_t pc_ = 0;
  bool loaded_ = false;
};

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace arch {

// A guest's breakpoints and watchpoints (D2.8 to D2.10). Accesses to them always trap, so this is the truth; they are in
// the CPU as well while MDSCR_EL1.MDE of the guest that is loaded there says that they are on. What other guests left in
// a CPU does nothing without, and nobody can read it. docs/decisions/0009-debug.md says why.
class GuestDebug {
 public:
  static constexpr unsigned most = 16;
  enum class Kind : uint8_t { breakpoint_value, breakpoint_control, watchpoint_value, watchpoint_control };

  // Are there registers with this number, in this machine's CPUs as the guest sees them?
  [[nodiscard]] static bool exists(Kind kind, unsigned number);

  [[nodiscard]] uint64_t read(Kind kind, unsigned number) const { return registers_[index(kind)][number]; }
  // Kept as the CPU keeps it: bits that it does not have read as zero. `number` exists.
  void write(Kind kind, unsigned number, uint64_t value);
  // All of them into the CPU.
  void load() const;

 private:
  static constexpr size_t index(Kind kind) { return static_cast<size_t>(kind); }

  std::array<std::array<uint64_t, most>, 4> registers_{};
};

}  // namespace arch

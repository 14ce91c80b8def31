// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/regs/system.hpp"
#include "arch/sysreg.hpp"
#include "hal/entropy.hpp"

namespace hal {

// RNDR (D24.2.147) sets Z where it has no number for us.
std::optional<uint64_t> hardware_random() {
  using namespace arch;
  if (regs::id_aa64isar0_el1::rndr::get(read<regs::id_aa64isar0_el1>()) == 0) return {};
  uint64_t number, failed;
  asm volatile(
      "mrs %0, S3_3_C2_C4_0\n"
      "cset %1, eq"
      : "=r"(number), "=r"(failed)
      :
      : "cc");
  if (failed != 0) return {};
  return number;
}

}  // namespace hal

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "vmm/irq/loongson/cpu_lines.hpp"
#include "vmm/mmio.hpp"

namespace vmm::loongarch64 {

// What Linux asks of a monitor that calls itself KVM (Linux, arch/loongarch/include/asm/kvm_para.h): words of CPUCFG
// that say what there is, and hypercalls. One is offered: interrupts to any set of vCPUs by one call, where the IPI
// block needs an access for each. They arrive as SWI0, and Linux finds what they are about in memory of its own.
//
// No lock. Calls come from the exit paths of the VM's vCPUs.
class KvmCalls {
 public:
  static constexpr uint32_t service = 0x100;  // HVCL's code: vendor 1, service 0
  // Results in A0.
  static constexpr uint64_t success = 0;
  static constexpr uint64_t invalid_code = ~uint64_t{0};

  KvmCalls(unsigned vcpus, bool offered, loongson::CpuLines& lines) : vcpus_(vcpus), offered_(offered), lines_(lines) {}

  // A word of CPUCFG from 0x40000000 on; nothing where a CPU's words are asked for.
  [[nodiscard]] std::optional<uint32_t> cpucfg(uint32_t word) const;
  // HVCL `code` with A0 to A3; the result. Everything unknown, or not offered, is refused as KVM refuses it.
  [[nodiscard]] uint64_t call(uint32_t code, const std::array<uint64_t, 4>& a) const;

 private:
  void send_ipis(uint64_t low, uint64_t high, uint64_t first) const;

  const unsigned vcpus_;
  const bool offered_;
  loongson::CpuLines& lines_;
};

}  // namespace vmm::loongarch64

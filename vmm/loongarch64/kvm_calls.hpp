// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "hal/base/address.hpp"
#include "vmm/irq/loongson/cpu_lines.hpp"
#include "vmm/mmio.hpp"

namespace vmm::loongarch64 {

// Into a guest's record of the time stolen from a vCPU (struct kvm_steal_time, 64 bytes at a multiple of 64). A reader
// that finds its version odd, or changed, reads again.
inline constexpr uint64_t stolen_time_record_size = 64;
void write_stolen_time(std::span<std::byte, stolen_time_record_size> record, uint64_t nanoseconds);

// What Linux asks of a monitor that calls itself KVM (Linux, arch/loongarch/include/asm/kvm_para.h): words of CPUCFG
// that say what there is, and hypercalls. Offered are interrupts to any set of vCPUs by one call, where the IPI block
// needs an access for each (they arrive as SWI0, and Linux finds what they are about in memory of its own), and the
// time stolen from a vCPU.
//
// No lock. Calls come from the exit paths of the VM's vCPUs.
class KvmCalls {
 public:
  static constexpr uint32_t service = 0x100;  // HVCL's code: vendor 1, service 0

  // What comes of a call: A0, and what is left to do for the vCPU that made it.
  struct Outcome {
    enum class StolenTime : uint8_t { as_before, tell, stop } stolen_time = StolenTime::as_before;
    uint64_t result = success;
    hal::GuestPhys record{};  // tell: the place, aligned; whether there is RAM is not known
    friend bool operator==(const Outcome&, const Outcome&) = default;
  };
  static constexpr uint64_t success = 0;
  static constexpr uint64_t invalid_code = ~uint64_t{0};
  static constexpr uint64_t invalid_parameter = ~uint64_t{1};

  KvmCalls(unsigned vcpus, bool offered, loongson::CpuLines& lines) : vcpus_(vcpus), offered_(offered), lines_(lines) {}

  // A word of CPUCFG from 0x40000000 on; nothing where a CPU's words are asked for.
  [[nodiscard]] std::optional<uint32_t> cpucfg(uint32_t word) const;
  // HVCL `code` with A0 to A3. Everything unknown, or not offered, is refused as KVM refuses it.
  [[nodiscard]] Outcome call(uint64_t code, const std::array<uint64_t, 4>& a) const;

 private:
  void send_ipis(uint64_t low, uint64_t high, uint64_t first) const;
  static Outcome notify(uint64_t feature, uint64_t data);

  const unsigned vcpus_;
  const bool offered_;
  loongson::CpuLines& lines_;
};

}  // namespace vmm::loongarch64

// SPDX-License-Identifier: Apache-2.0
#include "vmm/loongarch64/kvm_calls.hpp"

#include <bit>

namespace vmm::loongarch64 {
namespace {

constexpr uint32_t first_word = 0x4000'0000;
constexpr uint32_t last_word = 0x4000'00ff;
constexpr uint32_t signature_word = first_word;
constexpr uint32_t feature_word = first_word + 4;
constexpr uint32_t signature = 'K' | 'V' << 8 | 'M' << 16;
constexpr uint32_t feature_ipi = 1U << 1;

constexpr uint64_t function_ipi = 1;

}  // namespace

std::optional<uint32_t> KvmCalls::cpucfg(uint32_t word) const {
  if (word < first_word || word > last_word) return std::nullopt;
  if (!offered_) return 0;
  if (word == signature_word) return signature;
  return word == feature_word ? feature_ipi : 0;
}

uint64_t KvmCalls::call(uint32_t code, const std::array<uint64_t, 4>& a) const {
  if (!offered_ || code != service || a[0] != function_ipi) return invalid_code;
  send_ipis(a[1], a[2], a[3]);
  return success;
}

// Bit n of the 128 is vCPU `first` + n; there may be fewer.
void KvmCalls::send_ipis(uint64_t low, uint64_t high, uint64_t first) const {
  for (const uint64_t half : {low, high}) {
    for (uint64_t left = half; left != 0 && first < vcpus_; left &= left - 1) {
      const uint64_t target = first + static_cast<unsigned>(std::countr_zero(left));
      if (target >= vcpus_) break;
      lines_.drive(static_cast<VcpuIndex>(target), loongson::CpuLines::software0, loongson::CpuLines::software0);
    }
    if (first >= vcpus_) return;
    first += 64;
  }
}

}  // namespace vmm::loongarch64

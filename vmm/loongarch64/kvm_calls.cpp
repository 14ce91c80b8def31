// SPDX-License-Identifier: Apache-2.0
#include "vmm/loongarch64/kvm_calls.hpp"

#include <atomic>
#include <bit>

namespace vmm::loongarch64 {
namespace {

constexpr uint32_t first_word = 0x4000'0000;
constexpr uint32_t last_word = 0x4000'00ff;
constexpr uint32_t signature_word = first_word;
constexpr uint32_t feature_word = first_word + 4;
constexpr uint32_t signature = 'K' | 'V' << 8 | 'M' << 16;
constexpr uint32_t feature_ipi = 1U << 1;
constexpr uint32_t feature_stolen_time = 1U << 2;
constexpr uint32_t feature_virt_eiointc = 1U << 24;

constexpr uint64_t function_ipi = 1;
constexpr uint64_t function_notify = 2;

// The address in a notification of the record of stolen time.
constexpr uint64_t record_valid = 1;
constexpr uint64_t record_reserved = 0x3e;

// In the record.
constexpr size_t stolen_offset = 0, version_offset = 8;

}  // namespace

std::optional<uint32_t> KvmCalls::cpucfg(uint32_t word) const {
  if (word < first_word || word > last_word) return std::nullopt;
  if (!offered_) return 0;
  if (word == signature_word) return signature;
  return word == feature_word ? feature_ipi | feature_stolen_time | feature_virt_eiointc : 0;
}

KvmCalls::Outcome KvmCalls::call(uint64_t code, const std::array<uint64_t, 4>& a) const {
  if (offered_ && code == service) {
    if (a[0] == function_notify) return notify(a[1], a[2]);
    if (a[0] == function_ipi) {
      send_ipis(a[1], a[2], a[3]);
      return {};
    }
  }
  return {.result = invalid_code};
}

KvmCalls::Outcome KvmCalls::notify(uint64_t feature, uint64_t data) {
  using StolenTime = Outcome::StolenTime;
  if (feature != feature_stolen_time) return {.result = invalid_code};
  if ((data & record_reserved) != 0) return {.result = invalid_parameter};
  if ((data & record_valid) == 0) return {.stolen_time = StolenTime::stop};
  return {.stolen_time = StolenTime::tell, .record = hal::GuestPhys(data & ~record_valid)};
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

void write_stolen_time(std::span<std::byte, stolen_time_record_size> record, uint64_t nanoseconds) {
  const std::atomic_ref version(*reinterpret_cast<uint32_t*>(&record[version_offset]));
  const std::atomic_ref stolen(*reinterpret_cast<uint64_t*>(&record[stolen_offset]));
  // Whatever the guest has written there; only odd and even count.
  const uint32_t writing = version.load(std::memory_order_relaxed) | 1;
  version.store(writing, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  stolen.store(nanoseconds, std::memory_order_relaxed);
  version.store(writing + 1, std::memory_order_release);
}

}  // namespace vmm::loongarch64

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Firmware calls (Arm DEN0022 for PSCI, DEN0028 for the calling convention).
namespace guest::psci {

inline constexpr uint32_t version = 0x8400'0000;
inline constexpr uint32_t cpu_suspend = 0xc400'0001;
inline constexpr uint32_t cpu_off = 0x8400'0002;
inline constexpr uint32_t cpu_on_32 = 0x8400'0003;
inline constexpr uint32_t cpu_on = 0xc400'0003;
inline constexpr uint32_t affinity_info_32 = 0x8400'0004;
inline constexpr uint32_t affinity_info = 0xc400'0004;
inline constexpr uint32_t migrate_info_type = 0x8400'0006;
inline constexpr uint32_t system_off = 0x8400'0008;
inline constexpr uint32_t system_reset = 0x8400'0009;
inline constexpr uint32_t features = 0x8400'000a;
inline constexpr uint32_t smccc_version = 0x8000'0000;
inline constexpr uint32_t smccc_features = 0x8000'0001;

inline constexpr int64_t success = 0;
inline constexpr int64_t not_supported = -1;
inline constexpr int64_t invalid_parameters = -2;
inline constexpr int64_t already_on = -4;
inline constexpr int64_t invalid_address = -9;

struct Result {
  uint64_t x0, x1, x2, x3;
  // Functions return 32 or 64 bits, negative for an error; sign-extended here.
  [[nodiscard]] int64_t status() const { return static_cast<int32_t>(x0); }
};

enum class Conduit : uint8_t { hvc, smc };

inline Result call(uint32_t function, uint64_t a1 = 0, uint64_t a2 = 0, uint64_t a3 = 0,
                   Conduit conduit = Conduit::hvc) {
  register uint64_t x0 asm("x0") = function;
  register uint64_t x1 asm("x1") = a1;
  register uint64_t x2 asm("x2") = a2;
  register uint64_t x3 asm("x3") = a3;
  if (conduit == Conduit::hvc) {
    asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
  } else {
    asm volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
  }
  return {x0, x1, x2, x3};
}

}  // namespace guest::psci

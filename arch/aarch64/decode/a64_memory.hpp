// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "hal/memory_access.hpp"

namespace arch::a64 {

// X0..X30 and the stack pointer in use, when the guest executed the instruction.
struct Registers {
  std::array<uint64_t, 31> x;
  uint64_t sp;
};

inline constexpr uint8_t zero_register = 31;  // a transfer from it stores 0, one to it is dropped

// Decode an A64 load or store whose data abort came without a syndrome (ESR_EL2.ISV = 0; Arm ARM D17.2.37): pairs and
// writeback, in every size that compilers emit for device registers. Nothing for the rest (SIMD and FP, exclusives, LSE
// atomics, ordered forms with a syndrome of their own, CONSTRAINED UNPREDICTABLE register choices): the guest gets an
// abort.
[[nodiscard]] std::optional<hal::MemoryAccess> decode(uint32_t instruction, const Registers& registers);

// The index register of an instruction with a register offset, extended but not scaled (C6.2.186); nothing where the
// extension is unallocated.
[[nodiscard]] std::optional<uint64_t> index_of(uint32_t instruction, const Registers& registers);

}  // namespace arch::a64

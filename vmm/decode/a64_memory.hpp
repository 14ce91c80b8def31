// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace vmm::a64 {

// X0..X30 and the stack pointer in use, when the guest executed the instruction.
struct Registers {
  std::array<uint64_t, 31> x;
  uint64_t sp;
};

inline constexpr uint8_t zero_register = 31;  // a transfer from it stores 0, one to it is dropped

// One register's share of a load or store.
struct Transfer {
  uint8_t reg;       // 0..30 or zero_register
  uint8_t size;      // bytes in memory: 1, 2, 4 or 8
  bool sign_extend;  // loads: to the width below
  bool to_64_bits;   // loads: the register's upper half takes part; else it becomes 0
  uint64_t offset;   // bytes from MemoryAccess::address
};

// A load or store of general-purpose registers, ready to be carried out.
struct MemoryAccess {
  bool store = false;
  uint8_t count = 0;  // transfers, in ascending order of address
  std::array<Transfer, 2> transfers{};
  uint64_t address = 0;  // guest virtual address of the first byte
  bool writeback = false;
  uint8_t base = 0;         // the register to update; 31 is SP
  uint64_t base_value = 0;  // its new value
};

// Decode an A64 load or store whose data abort came without a syndrome (ESR_EL2.ISV = 0; Arm ARM D17.2.37): pairs and
// writeback, in every size that compilers emit for device registers. Nothing for the rest (SIMD and FP, exclusives, LSE
// atomics, ordered forms with a syndrome of their own, CONSTRAINED UNPREDICTABLE register choices): the guest gets an
// abort.
[[nodiscard]] std::optional<MemoryAccess> decode(uint32_t instruction, const Registers& registers);

// The value a register gets when `raw` (its low `size` bytes) was read from memory.
[[nodiscard]] uint64_t loaded_value(const Transfer& transfer, uint64_t raw);

}  // namespace vmm::a64

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "arch/aarch64/decode/a64_memory.hpp"

namespace arch::a64 {

// What a store does to registers when its value goes nowhere, as to a ROM.
struct DroppedStore {
  uint64_t address = 0;  // guest virtual address of the first byte
  uint64_t bytes = 0;
  // Registers to update; 31 is SP for the base and the zero register for the others.
  struct Writeback {
    uint8_t reg;
    uint64_t value;
  };
  std::optional<Writeback> base;
  std::optional<uint8_t> status;  // exclusives: gets 0, "stored", so that the loop around it ends
  std::optional<uint8_t> loaded;  // atomics: gets what memory has, `bytes` of it
};

// Decode an A64 store of any kind whose data abort came without a syndrome: general and SIMD registers, single, in pairs
// and as structures; exclusives, ordered stores, atomics of one register; DC ZVA. Nothing for loads and for what is left
// (pairs of CAS, CONSTRAINED UNPREDICTABLE register choices, features that guests do not have).
[[nodiscard]] std::optional<DroppedStore> decode_dropped_store(uint32_t instruction, const Registers& registers);

}  // namespace arch::a64

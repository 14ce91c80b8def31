// SPDX-License-Identifier: Apache-2.0
// Any instruction: an access is one register and a size that memory knows, or it is refused.
#include <bit>
#include <cstdlib>
#include <cstring>

#include "arch/loongarch64/decode/memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint32_t instruction = 0;
  std::memcpy(&instruction, data, size < sizeof instruction ? size : sizeof instruction);
  const auto access = arch::la64::decode(instruction);
  if (!access) return 0;
  if (access->reg > 31 || !std::has_single_bit(access->size) || access->size > 8) std::abort();
  if (access->sign_extend && (access->store || access->size == 8)) std::abort();
  return 0;
}

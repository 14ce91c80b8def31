// SPDX-License-Identifier: Apache-2.0
// Any instruction with any registers: an access is one or two transfers of whole registers, or it is refused.
#include <cstdlib>
#include <cstring>

#include "arch/aarch64/decode/a64_memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  struct Input {
    uint32_t instruction;
    arch::a64::Registers registers;
  } input{};
  std::memcpy(&input, data, size < sizeof input ? size : sizeof input);
  const auto access = arch::a64::decode(input.instruction, input.registers);
  if (!access) return 0;
  if (access->count < 1 || access->count > access->transfers.size()) std::abort();
  for (uint8_t i = 0; i < access->count; ++i) {
    const hal::Transfer& transfer = access->transfers[i];
    if (transfer.reg > arch::a64::zero_register || transfer.offset != uint64_t{i} * transfer.size) std::abort();
    if (hal::loaded_value(transfer, ~uint64_t{0}) == 0) std::abort();
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Any instruction with any registers: an access is one or two transfers of whole registers, or it is refused.
#include <cstdlib>
#include <cstring>

#include "vmm/decode/a64_memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  struct Input {
    uint32_t instruction;
    vmm::a64::Registers registers;
  } input{};
  std::memcpy(&input, data, size < sizeof input ? size : sizeof input);
  const auto access = vmm::a64::decode(input.instruction, input.registers);
  if (!access) return 0;
  if (access->count < 1 || access->count > access->transfers.size()) std::abort();
  for (uint8_t i = 0; i < access->count; ++i) {
    const vmm::a64::Transfer& transfer = access->transfers[i];
    if (transfer.reg > vmm::a64::zero_register || transfer.offset != uint64_t{i} * transfer.size) std::abort();
    if (vmm::a64::loaded_value(transfer, ~uint64_t{0}) == 0) std::abort();
  }
  return 0;
}

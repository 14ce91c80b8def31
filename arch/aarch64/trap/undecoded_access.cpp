// SPDX-License-Identifier: Apache-2.0
// Loads and stores whose data abort came without a syndrome (ESR_EL2.ISV = 0): the instruction says what they are.
#include <array>
#include <cstddef>
#include <cstring>

#include "arch/aarch64/decode/a64_memory.hpp"
#include "arch/vcpu.hpp"

namespace arch {

[[clang::minsize]] hal::Result<hal::MemoryAccess, hal::Undecoded> Vcpu::decode_access(hal::GuestReader& memory) const {
  const auto place = translate(hal::GuestVirt(frame_->pc));
  if (!place) return hal::fail(hal::Undecoded::moved);
  std::array<std::byte, 4> bytes;
  if (!memory.read(*place, bytes) || is_big_endian()) return hal::fail(hal::Undecoded::not_emulated);
  uint32_t instruction;
  std::memcpy(&instruction, bytes.data(), sizeof instruction);
  a64::Registers registers{.x = {}, .sp = stack_pointer()};
  for (unsigned n = 0; n < registers.x.size(); ++n) registers.x[n] = reg(n);
  const auto access = a64::decode(instruction, registers);
  if (!access) return hal::fail(hal::Undecoded::not_emulated);
  return *access;
}

[[clang::minsize]] void Vcpu::complete(const hal::MemoryAccess& access) {
  if (access.writeback && access.base < 31) set_reg(access.base, access.base_value);
  if (access.writeback && access.base == 31) set_stack_pointer(access.base_value);
  skip_instruction();
}

}  // namespace arch

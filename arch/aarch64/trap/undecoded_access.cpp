// SPDX-License-Identifier: Apache-2.0
// Loads and stores whose data abort came without a syndrome (ESR_EL2.ISV = 0): the instruction says what they are.
#include <array>
#include <bit>
#include <cstddef>
#include <span>

#include "arch/aarch64/decode/a64_dropped_store.hpp"
#include "arch/aarch64/decode/a64_fields.hpp"
#include "arch/aarch64/decode/a64_memory.hpp"
#include "arch/vcpu.hpp"

namespace arch {
namespace {

a64::Registers registers_of(const Vcpu& vcpu, uint64_t stack_pointer) {
  a64::Registers registers{.x = {}, .sp = stack_pointer};
  for (unsigned n = 0; n < registers.x.size(); ++n) registers.x[n] = vcpu.reg(n);
  return registers;
}

}  // namespace

// What the guest is about to execute. It translates to nothing where another vCPU changed the tables meanwhile.
[[clang::minsize]] hal::Result<uint32_t, hal::Undecoded> Vcpu::fetch(hal::GuestReader& memory) const {
  const auto place = translate(hal::GuestVirt(frame_->pc));
  if (!place) return hal::fail(hal::Undecoded::moved);
  std::array<std::byte, sizeof(uint32_t)> bytes;
  if (!memory.read(*place, bytes)) return hal::fail(hal::Undecoded::not_emulated);
  return std::bit_cast<uint32_t>(bytes);
}

[[clang::minsize]] void Vcpu::write_back(unsigned base, uint64_t value) {
  if (base == a64::stack_pointer) return set_stack_pointer(value);
  set_reg(base, value);
}

[[clang::minsize]] hal::Result<hal::MemoryAccess, hal::Undecoded> Vcpu::decode_access(hal::GuestReader& memory) const {
  const uint32_t instruction = TRY(fetch(memory));
  const auto access = a64::decode(instruction, registers_of(*this, stack_pointer()));
  if (!access || is_big_endian()) return hal::fail(hal::Undecoded::not_emulated);
  return *access;
}

[[clang::minsize]] void Vcpu::complete(const hal::MemoryAccess& access) {
  if (access.writeback) write_back(access.base, access.base_value);
  skip_instruction();
}

[[clang::minsize]] hal::Result<void, hal::Undecoded> Vcpu::drop_store(hal::GuestReader& memory, hal::GuestReader& rom) {
  const auto refused = hal::fail(hal::Undecoded::not_emulated);
  const auto store = a64::decode_dropped_store(TRY(fetch(memory)), registers_of(*this, stack_pointer()));
  if (!store) return refused;
  const auto first = translate(hal::GuestVirt(store->address));
  const auto last = translate(hal::GuestVirt(store->address + store->bytes - 1));
  std::array<std::byte, sizeof(uint64_t)> old{};
  if (!first || !last || !rom.read(*last, std::span(old).first(1))) return refused;
  if (!rom.read(*first, std::span(old).first(store->loaded ? store->bytes : 1))) return refused;
  if (store->loaded) {
    const auto value = std::bit_cast<uint64_t>(old);
    set_reg(*store->loaded, is_big_endian() ? std::byteswap(value) >> (64 - store->bytes * 8) : value);
  }
  if (store->status) set_reg(*store->status, 0);
  if (store->base) write_back(store->base->reg, store->base->value);
  skip_instruction();
  return {};
}

}  // namespace arch

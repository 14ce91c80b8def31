// SPDX-License-Identifier: Apache-2.0
// What a guest may not execute by itself (exception GSPR), by kind. The list is closed: what is not in it is undefined
// for the guest. docs/trapping.md says what each answers, and why.
#include "arch/loongarch64/trap/sensitive.hpp"

#include <array>
#include <bit>

#include "arch/loongarch64/regs/cpucfg_filter.hpp"
#include "arch/loongarch64/regs/sensitive.hpp"
#include "arch/sysreg.hpp"
#include "arch/timer.hpp"
#include "hal/base/bits.hpp"
#include "hal/upcall.hpp"

namespace arch {
namespace {

using namespace regs;

// Where monitors tell guests of themselves; the board knows whether this one does.
constexpr uint64_t first_monitor_word = 0x4000'0000, last_monitor_word = 0x4000'00ff;
constexpr uint64_t last_cpu_word = 20;

// Apart, because it is rare and would burden the words that are the CPU's.
[[gnu::noinline, clang::minsize]] uint64_t monitor_word(Vcpu& vcpu, uint64_t word) {
  uint64_t value = 0;
  if (word < first_monitor_word || word > last_monitor_word) return 0;
  return hal::upcall::guest_register_read(vcpu, static_cast<uint32_t>(word), value) ? value : 0;
}

void cpu_configuration(Vcpu& vcpu, Sensitive what) {
  const uint64_t word = vcpu.reg(what.rj);
  uint64_t value = 0;
  if (word <= last_cpu_word) [[likely]] {
    value = filter_cpucfg(word, static_cast<uint32_t>(cpucfg(word)));
  } else {
    value = monitor_word(vcpu, word);
  }
  vcpu.set_reg(what.rd, hal::sign_extend(value & 0xffff'ffff, 32));
  vcpu.skip_instruction();
}

// How an IOCSR access is told to the board: bit 31; bit 30 for the block at 0x4000'0000; log2 of the size in 29:28; the
// address in its block. Nothing for addresses of neither block.
uint32_t iocsr_id(uint64_t address, unsigned log2_size) {
  constexpr uint64_t block = 0x1'0000, monitor_block = 0x4000'0000;
  const bool monitor = address >= monitor_block;
  const uint64_t offset = monitor ? address - monitor_block : address;
  if (offset >= block) return 0;
  return 1U << 31 | uint32_t{monitor} << 30 | log2_size << 28 | static_cast<uint32_t>(offset);
}

// What is not there reads as 0 and ignores writes, as a bus that knows no such register.
void io_read(Vcpu& vcpu, Sensitive what) {
  uint64_t value = 0;
  const uint32_t id = iocsr_id(vcpu.reg(what.rj), what.log2_size);
  if (id == 0 || !hal::upcall::guest_register_read(vcpu, id, value)) value = 0;
  const unsigned bits = 8U << what.log2_size;
  vcpu.set_reg(what.rd, hal::sign_extend(value & hal::low_mask(bits), bits));
  vcpu.skip_instruction();
}

void io_write(Vcpu& vcpu, Sensitive what) {
  const uint32_t id = iocsr_id(vcpu.reg(what.rj), what.log2_size);
  const uint64_t value = vcpu.reg(what.rd) & hal::low_mask(8U << what.log2_size);
  if (id != 0) (void)hal::upcall::guest_register_write(vcpu, id, value);
  vcpu.skip_instruction();
}

// Registers outside the guest's bank: implementation control, machine errors, cache tags, debugging, watchpoints,
// counters, LVZ itself. A guest's CPU has none of them: they read as 0 and ignore writes (volume 1, 7.1).
void control_register(Vcpu& vcpu, Sensitive what) {
  vcpu.set_reg(what.rd, 0);
  vcpu.skip_instruction();
}

void wait(Vcpu& vcpu, Sensitive) {
  vcpu.met_idle();
  hal::upcall::guest_idle(vcpu);
}

// Caches are coherent, and a guest need not know that its operation was refused.
void cache_operation(Vcpu& vcpu, Sensitive) { vcpu.skip_instruction(); }

// Only where the hardware cannot do otherwise: GCFG does not ask for it.
void read_counter(Vcpu& vcpu, Sensitive what) {
  const uint64_t now = Timer::now() - vcpu.counter_offset() + vcpu.bank<cntc>();
  uint64_t value = now;
  if (what.kind == Sensitive::Kind::time_low) value = hal::sign_extend(now & 0xffff'ffff, 32);
  if (what.kind == Sensitive::Kind::time_high) value = hal::sign_extend(now >> 32, 32);
  if (what.rj != 0) vcpu.set_reg(what.rj, vcpu.bank<tid>());
  vcpu.set_reg(what.rd, value);
  vcpu.skip_instruction();
}

void undefined(Vcpu& vcpu, Sensitive) { vcpu.inject_undefined(); }

struct Emulation {
  // By value: in a register, and nothing on the stack that a canary would have to guard.
  void (*carry_out)(Vcpu&, Sensitive);
  bool privileged;
};

// By Sensitive::Kind.
constexpr auto emulations = std::to_array<Emulation>({
    {undefined, false},  // unknown
    {cpu_configuration, false},
    {control_register, true},  // read
    {control_register, true},  // write
    {control_register, true},  // exchange
    {io_read, true},
    {io_write, true},
    {cache_operation, true},
    {wait, true},
    {read_counter, false},  // low
    {read_counter, false},  // high
    {read_counter, false},
});
static_assert(emulations.size() == static_cast<size_t>(Sensitive::Kind::time) + 1);

}  // namespace

void emulate_sensitive(Vcpu& vcpu, uint64_t) {
  const Sensitive what = decode_sensitive(Vcpu::instruction());
  const Emulation& emulation = emulations[static_cast<size_t>(what.kind)];
  // Hardware refuses these to the guest's programs before it exits; not every implementation does (11.1, 19).
  if (emulation.privileged && crmd::plv::get(vcpu.bank<crmd>()) != 0) [[unlikely]]
    return vcpu.inject_privileged();
  emulation.carry_out(vcpu, what);
}

}  // namespace arch

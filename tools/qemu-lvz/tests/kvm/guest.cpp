// SPDX-License-Identifier: GPL-2.0-or-later
//
// The guest: rounds of everything a hypervisor has to get right, each checked here. It knows no KVM beyond the
// hypercall number; a failed check is reported by number (its line in this file) and stops the vCPU.
#include "protocol.hpp"

using u32 = uint32_t;
using u64 = uint64_t;
using u8 = uint8_t;

extern "C" {
void visit_user();
void idle_while_equal(const volatile u64* counter, u64 value);
extern const u8 idle_while_equal_idled[];
void load_vectors(const void* pattern);
void store_vectors(void* to);
u64 sum_in_floating_point(u64 last);
u64 sum_in_lsx(const u64* words, u64 pairs);
}

namespace {

constexpr u64 uncached = 0x8000'0000'0000'0000, cached = 0x9000'0000'0000'0000;

enum : unsigned {
  csr_crmd = 0x0,
  csr_prmd = 0x1,
  csr_euen = 0x2,
  csr_ecfg = 0x4,
  csr_estat = 0x5,
  csr_era = 0x6,
  csr_badv = 0x7,
  csr_asid = 0x18,
  csr_pgdl = 0x19,
  csr_pgdh = 0x1A,
  csr_pwcl = 0x1C,
  csr_pwch = 0x1D,
  csr_stlbps = 0x1E,
  csr_save0 = 0x30,
  csr_tid = 0x40,
  csr_tcfg = 0x41,
  csr_ticlr = 0x44,
  csr_tlbrehi = 0x8E,
  csr_impctl1 = 0x80,
};
constexpr u64 line_timer = 11;
constexpr unsigned ecode_interrupt = 0, ecode_syscall = 0xB, ecode_break = 0xC;

template <unsigned Number>
u64 read_csr() {
  u64 value;
  asm volatile("csrrd %0, %1" : "=r"(value) : "i"(Number) : "memory");
  return value;
}

template <unsigned Number>
void write_csr(u64 value) {
  asm volatile("csrwr %0, %1" : "+r"(value) : "i"(Number) : "memory");
}

template <typename Value>
Value load(u64 address) {
  return *reinterpret_cast<volatile Value*>(address);
}

template <typename Value>
void store(u64 address, Value value) {
  *reinterpret_cast<volatile Value*>(address) = value;
}

constexpr u64 device(protocol::Register which) { return uncached | (protocol::device_at + which); }

protocol::Params& params() { return *reinterpret_cast<protocol::Params*>(cached | protocol::params_at); }
u64 self() { return read_csr<csr_save0>(); }

[[noreturn]] void fail(u64 line, u64 seen) {
  store<u64>(device(protocol::detail), seen);
  store<u64>(device(protocol::failed), line);
  for (;;) asm volatile("idle 0");
}

void expect(u64 seen, u64 wanted, u64 line = __builtin_LINE()) {
  if (seen != wanted) fail(line, seen);
}

void mask_interrupts() {
  register u64 interrupt_enable asm("t0") = 4;  // csrxchg with $r0 or $r1 is another instruction
  u64 value = 0;
  asm volatile("csrxchg %0, %1, %2" : "+r"(value) : "r"(interrupt_enable), "i"(csr_crmd) : "memory");
}

u64 counter() {
  u64 value;
  asm volatile("rdtime.d %0, $zero" : "=r"(value)::"memory");
  return value;
}

class Share {  // this vCPU's part of the data, by stage 1
 public:
  Share() : size_{params().data_size / params().vcpus}, base_{protocol::data_va + size_ * self()} {}
  u64 begin() const { return base_; }
  u64 end() const { return base_ + size_; }

 private:
  u64 size_;
  u64 base_;
};

void hypercalls() {
  for (unsigned i = 0; i < 8; ++i) {
    register u64 a0 asm("a0") = 0x7654;  // a service nobody offers: -1
    asm volatile("hvcl 0x100" : "+r"(a0)::"memory");
    expect(a0, ~u64{0});
  }
}

void mmio(u64 seed) {
  const u64 echo = device(protocol::echo);
  store<u64>(echo, seed);
  expect(load<u64>(echo), seed);
  expect(load<u32>(echo), static_cast<u32>(seed));
  expect(static_cast<u64>(load<int32_t>(echo)), static_cast<u64>(static_cast<int32_t>(seed)));
  expect(load<uint16_t>(echo), static_cast<uint16_t>(seed));
  expect(static_cast<u64>(load<int16_t>(echo)), static_cast<u64>(static_cast<int16_t>(seed)));
  expect(load<u8>(echo), static_cast<u8>(seed));
  expect(static_cast<u64>(load<int8_t>(echo)), static_cast<u64>(static_cast<int8_t>(seed)));
  store<u8>(echo, 0x5A);
  expect(load<u64>(echo), 0x5A);
  store<uint16_t>(echo, 0xC35A);
  expect(load<u64>(echo), 0xC35A);
  store<u32>(echo, 0x8765'C35A);
  expect(load<u64>(echo), 0x8765'C35A);
  u64 value;
  asm volatile("ldx.d %0, %1, %2" : "=r"(value) : "r"(echo), "r"(0) : "memory");
  expect(value, 0x8765'C35A);
  asm volatile("ldptr.w %0, %1, 0" : "=r"(value) : "r"(echo) : "memory");
  expect(value, 0xFFFF'FFFF'8765'C35A);
}

void iocsr(u64 seed) {
  const u64 address = protocol::iocsr_echo;
  u64 value = seed;
  asm volatile("iocsrwr.d %0, %1" ::"r"(value), "r"(address) : "memory");
  asm volatile("iocsrrd.d %0, %1" : "=r"(value) : "r"(address) : "memory");
  expect(value, seed);
  asm volatile("iocsrrd.w %0, %1" : "=r"(value) : "r"(address) : "memory");
  expect(value, static_cast<u64>(static_cast<int32_t>(seed)));
}

void identity() {
  u64 value;
  asm volatile("cpucfg %0, %1" : "=r"(value) : "r"(0));
  expect(static_cast<u32>(value), static_cast<u32>(params().cpucfg0));
  asm volatile("cpucfg %0, %1" : "=r"(value) : "r"(2));
  expect(value >> 10 & 1, 0);  // no LVZ inside
  asm volatile("cpucfg %0, %1" : "=r"(value) : "r"(0x40000000));
  expect(static_cast<u32>(value), 0x004D564B);  // "KVM\0"
  expect(read_csr<0x20>() & 0x1FF, self());
  expect(read_csr<csr_impctl1>(), 0);  // not in the bank: KVM's own storage
  u64 id;
  asm volatile("rdtime.d %0, %1" : "=r"(value), "=r"(id));
  expect(id, read_csr<csr_tid>());
}

void timer_and_idle() {
  const u64 self_number = self();
  const u64 before = params().timer_ticks[self_number];
  const u64 start = counter();
  write_csr<csr_tcfg>(20000 | 1);  // 0.2 ms at 100 MHz
  idle_while_equal(&params().timer_ticks[self_number], before);
  const u64 took = counter() - start;
  if (took < 20000) fail(__LINE__, took);
}

/// The interrupt is pending, masked, when the wait begins: it always comes between the comparison and `idle`.
void race_to_idle() {
  const u64 self_number = self();
  const u64 before = params().timer_ticks[self_number];
  mask_interrupts();
  write_csr<csr_tcfg>(10000 | 1);
  while (!(read_csr<csr_estat>() >> line_timer & 1)) {
  }
  expect(params().timer_ticks[self_number], before);
  idle_while_equal(&params().timer_ticks[self_number], before);
}

void busy_timer() {
  const u64 self_number = self();
  const u64 before = params().timer_ticks[self_number];
  write_csr<csr_tcfg>(10000 | 1);
  while (params().timer_ticks[self_number] == before) {
  }
}

void interrupts() {
  const u64 self_number = self();
  const u64 before = params().own_interrupts[self_number];
  store<u64>(device(protocol::doorbell), 1);
  while (params().own_interrupts[self_number] == before) {
  }
  store<u64>(device(protocol::doorbell), 1);
  idle_while_equal(&params().own_interrupts[self_number], before + 1);
}

/// Fresh pages read 0, keep what is written, and are fresh again once the host took them.
void memory(u64 seed) {
  const Share share;
  store<u64>(device(protocol::discard), 1);
  for (u64 at = share.begin(); at < share.end(); at += protocol::page_size) {
    expect(load<u64>(at + 8), 0);
    store<u64>(at + 8, seed ^ at);
  }
  for (u64 at = share.begin(); at < share.end(); at += protocol::page_size) expect(load<u64>(at + 8), seed ^ at);
  // The same pages by their guest physical address.
  const u64 direct = cached + protocol::data_at - protocol::data_va;
  for (u64 at = share.begin(); at < share.end(); at += 16 * protocol::page_size) {
    expect(load<u64>(direct + at + 8), seed ^ at);
  }
}

void tlb_maintenance(u64 round) {
  write_csr<csr_asid>(round & 0x3FF);
  asm volatile("invtlb 0x0, $zero, $zero" ::: "memory");
  const Share share;
  store<u64>(share.begin(), round);
  expect(load<u64>(share.begin()), round);
  asm volatile("invtlb 0x5, %0, %1" ::"r"(round & 0x3FF), "r"(share.begin()) : "memory");
  expect(load<u64>(share.begin()), round);
}

alignas(32) u64 patterns[4][32 * 4];
alignas(32) u64 results[4][32 * 4];

void vectors(u64 seed) {
  u64* pattern = patterns[self()];
  u64* result = results[self()];
  for (unsigned i = 0; i < 32 * 4; ++i) pattern[i] = seed * 0x9E37'79B9'7F4A'7C15 + i;
  load_vectors(pattern);
  // Exits of every sort between loading and storing, some long enough for another vCPU or program to run.
  store<u64>(device(protocol::echo), seed);
  timer_and_idle();
  store_vectors(result);
  for (unsigned i = 0; i < 32 * 4; ++i) expect(result[i], pattern[i]);
  expect(sum_in_floating_point(1000), 500500);
  u64 sum = 0;
  for (unsigned i = 0; i < 32 * 4; ++i) sum += pattern[i];
  expect(sum_in_lsx(pattern, 32 * 2), sum);
}

void atomics() {
  protocol::Params& shared = params();
  volatile u64* word = &shared.atomic_sum;
  for (unsigned i = 0; i < 200; ++i) {
    asm volatile("amadd_db.d $zero, %0, %1" ::"r"(u64{1}), "r"(word) : "memory");
    u64 scratch;
    asm volatile(
        "0: ll.d %0, %1, 0\n\t"
        "addi.d %0, %0, 1\n\t"
        "sc.d %0, %1, 0\n\t"
        "beqz %0, 0b"
        : "=&r"(scratch)
        : "r"(word)
        : "memory");
  }
  shared.additions[self()] = shared.additions[self()] + 400;
}

void user_mode() {
  const u64 before = params().system_calls[self()];
  for (unsigned i = 0; i < 10; ++i) visit_user();
  expect(params().system_calls[self()], before + 10);
}

void set_up() {
  using namespace protocol;
  // Three levels as in Linux: the top one is directory 3, whose base field in PWCH is wide enough for 36.
  write_csr<csr_pwcl>(page_shift | table_bits << 5 | (page_shift + table_bits) << 10 | table_bits << 15);
  write_csr<csr_pwch>((page_shift + 2 * table_bits) | table_bits << 6);
  write_csr<csr_stlbps>(page_shift);
  write_csr<csr_tlbrehi>(page_shift);
  write_csr<csr_pgdl>(tables_at);
  write_csr<csr_pgdh>(tables_at);
  asm volatile("invtlb 0x0, $zero, $zero" ::: "memory");
  write_csr<csr_euen>(7);
  write_csr<csr_ecfg>(1 << own_line | 1 << foreign_line | 1 << line_timer);
  write_csr<csr_crmd>(0xB4);
}

/// The interrupt that is waited for may come after the comparison and before `idle`: then compare again.
void restart_interrupted_comparison() {
  const u64 era = read_csr<csr_era>(), begin = reinterpret_cast<u64>(&idle_while_equal);
  if (era > begin && era < reinterpret_cast<u64>(idle_while_equal_idled)) write_csr<csr_era>(begin);
}

}  // namespace

extern "C" void guest_exception() {
  protocol::Params& shared = params();
  const u64 number = self();
  const u64 estat = read_csr<csr_estat>();
  const unsigned code = estat >> 16 & 0x3F;
  if (code == ecode_syscall || code == ecode_break) {
    shared.system_calls[number] = shared.system_calls[number] + 1;
    write_csr<csr_era>(read_csr<csr_era>() + 4);
    write_csr<csr_prmd>(read_csr<csr_prmd>() & ~u64{3});
    return;
  }
  if (code != ecode_interrupt) {
    store<u64>(device(protocol::detail), read_csr<csr_era>());
    fail(1000 + code, read_csr<csr_badv>());
  }
  restart_interrupted_comparison();
  if (estat >> line_timer & 1) {
    write_csr<csr_ticlr>(1);
    shared.timer_ticks[number] = shared.timer_ticks[number] + 1;
  }
  if (estat >> protocol::own_line & 1) {
    shared.own_interrupts[number] = shared.own_interrupts[number] + 1;
    store<u64>(device(protocol::acknowledge), protocol::own_line);
  }
  if (estat >> protocol::foreign_line & 1) {
    shared.foreign_interrupts[number] = shared.foreign_interrupts[number] + 1;
    store<u64>(device(protocol::acknowledge), protocol::foreign_line);
  }
}

extern "C" [[noreturn]] void guest_main() {
  set_up();
  for (u64 round = 1;; ++round) {
    const u64 seed = (round << 20 | self() << 60 | 0x8421) * 0x0101'0101'0101'0101;
    hypercalls();
    mmio(seed);
    iocsr(seed);
    identity();
    timer_and_idle();
    race_to_idle();
    busy_timer();
    interrupts();
    if (round % 4 == 1) memory(seed);  // by far the longest part: every page twice through Linux' memory management
    tlb_maintenance(round);
    vectors(seed);
    atomics();
    user_mode();
    store<u64>(device(protocol::round), round);
    if (params().stop) break;
  }
  write_csr<csr_crmd>(0xB0);
  store<u64>(device(protocol::finished), 1);
  for (;;) asm volatile("idle 0");
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "host.hpp"

#include "check.hpp"
#include "cpu.hpp"
#include "csr.hpp"
#include "insn.hpp"
#include "tables.hpp"

extern "C" {
void try_enter();
extern char host_trap[];
extern char host_refill[];
}

namespace probe {
namespace {

constexpr Hpa host_tables{0x03000000};
constexpr u64 host_tables_size = 0x10000;
constexpr unsigned ecode_syscall = 0xB;

alignas(64) constinit u32 try_code[2][16] = {};

}  // namespace

Trap try_host(u32 word, u64 a0, u64 a1, unsigned plv) {
  Cpu& cpu = this_cpu();
  volatile u32* code = try_code[cpu_number()];
  code[0] = word;
  code[1] = insn::syscall(0);
  asm volatile("ibar 0" ::: "memory");
  cpu.try_a0 = a0;
  cpu.try_a1 = a1;
  cpu.try_pc = reinterpret_cast<u64>(code);
  cpu.try_plv = plv;

  try_enter();

  Trap trap{};
  trap.ecode = static_cast<unsigned>(bits(csr::read<csr::estat>(), 21, 16));
  trap.era = csr::read<csr::era>();
  trap.badv = csr::read<csr::badv>();
  trap.badi = csr::read<csr::badi>() & 0xFFFF'FFFF;
  trap.a0 = cpu.try_a0;
  trap.a1 = cpu.try_a1;
  trap.none = trap.ecode == ecode_syscall && trap.era == cpu.try_pc + 4;
  return trap;
}

void set_up_host() {
  const Tables nothing_mapped{host_tables, host_tables.value, host_tables_size};
  csr::write<csr::eentry>(reinterpret_cast<u64>(host_trap));
  csr::write<csr::tlbrentry>(physical(host_refill).value);
  csr::write<csr::pgdl>(nothing_mapped.root());
  csr::write<csr::pgdh>(nothing_mapped.root());
  csr::write<csr::pwcl>(geometry::pwcl);
  csr::write<csr::pwch>(geometry::pwch);
  csr::write<csr::stlbps>(geometry::page_shift);
  csr::write<csr::tlbrehi>(geometry::page_shift);
  csr::write<csr::tlbidx>(geometry::page_shift << 24);
  csr::write<csr::asid>(0);
}

extern "C" [[noreturn]] void unexpected_host_trap() {
  put("# host trap outside a try: ESTAT ");
  put_hex(csr::read<csr::estat>());
  put(" ERA ");
  put_hex(csr::read<csr::era>());
  put(" BADV ");
  put_hex(csr::read<csr::badv>());
  put("\n");
  power_off();
}

}  // namespace probe

// SPDX-License-Identifier: GPL-2.0-or-later
//
// Interrupts the host injects (reference 2.6, 7.1, 7.2): every source, at every moment the guest can become ready
// to take it.
#include "guest.hpp"
#include "tests.hpp"

namespace probe {
namespace {

using namespace insn;

struct Source {
  const char* name;
  unsigned bit;  // of ESTAT.IS
  bool by_gintc() const { return bit >= csr::is_hwi0_bit && bit < csr::is_hwi0_bit + 8; }
  u64 mask() const { return u64{1} << bit; }
};

constexpr Source sources[] = {
    {"SWI0", 0}, {"SWI1", 1}, {"HWI0", 2}, {"HWI1", 3}, {"HWI2", 4}, {"HWI3", 5},
    {"HWI4", 6}, {"HWI5", 7}, {"HWI6", 8}, {"HWI7", 9}, {"TI", 11},  {"IPI", 12},
};

void raise(const Source& source) {
  if (source.by_gintc())
    csr::exchange<csr::gintc>(source.mask() >> csr::is_hwi0_bit, 0xFF);
  else
    gcsr::exchange<csr::estat>(source.mask(), source.mask());
}

void lower(const Source& source) {
  if (source.by_gintc())
    csr::exchange<csr::gintc>(0, 0xFF);
  else
    gcsr::exchange<csr::estat>(0, source.mask());
}

void prepare(u64 lie, u64 crmd_ie) {
  guest().reset_bank();
  guest().set_watchdog_ms(5000);
  gcsr::write<csr::ecfg>(lie);
  gcsr::exchange<csr::crmd>(crmd_ie, csr::crmd_ie);
}

void taken_at(const Outcome& outcome, const Source& source, u64 era, const char* when) {
  guest_takes(outcome, ecode::interrupt, {source.name, when});
  equal(gcsr::read<csr::era>(), era, {source.name, when, "with the next instruction in guest ERA"});
}

void check_delivery(const Source& source) {
  const u64 code = guest().code_address();
  const Word spin[] = {b(0)};

  prepare(source.mask(), csr::crmd_ie);
  raise(source);
  guest().load(spin);
  taken_at(guest().run(), source, code, "is taken at entry");
  equal(gcsr::read<csr::crmd>() & csr::crmd_ie, 0, {source.name, "clears guest CRMD.IE when taken"});

  prepare(source.mask(), 0);
  raise(source);
  reg(a0) = csr::crmd_ie;
  guest().load({csrxchg(a0, a0, csr::crmd), b(0)});
  taken_at(guest().run(), source, code + 4, "is taken when the guest sets CRMD.IE");

  prepare(0, csr::crmd_ie);
  raise(source);
  reg(a0) = source.mask();
  guest().load({csrwr(a0, csr::ecfg), b(0)});
  taken_at(guest().run(), source, code + 4, "is taken when the guest sets its bit in ECFG");

  prepare(source.mask(), 0);
  raise(source);
  gcsr::write<csr::prmd>(csr::prmd_pie);
  gcsr::write<csr::era>(code + 8);
  guest().load({ertn, nop, b(0)});
  taken_at(guest().run(), source, code + 8, "is taken when the guest's ertn sets IE");
}

void check_masking(const Source& source) {
  const Word loop[] = {csrrd(a1, csr::estat), addi_d(a0, a0, -1), bnez(a0, -4)};

  prepare(source.mask(), 0);
  raise(source);
  reg(a0) = 1000;
  finishes(guest().run(loop), {source.name, "is not taken while CRMD.IE is 0"});
  equal(reg(a1) & csr::is_mask, source.mask(), {source.name, "is visible in the guest's ESTAT"});

  prepare(csr::is_mask & ~source.mask(), csr::crmd_ie);
  raise(source);
  reg(a0) = 1000;
  finishes(guest().run(loop), {source.name, "is not taken while its ECFG bit is 0"});

  prepare(source.mask(), csr::crmd_ie);
  raise(source);
  lower(source);
  reg(a0) = 10;
  finishes(guest().run(loop), {source.name, "lowered before entry is not taken"});
  equal(reg(a1) & csr::is_mask, 0, {source.name, "lowered before entry is not visible"});
}

void check_vector(const Source& source) {
  prepare(source.mask() | 1 << 16, csr::crmd_ie);
  gcsr::write<csr::eentry>(layout::vector_table.value);
  raise(source);
  guest().load({b(0)});
  equal(guest().run().slot, 64 + source.bit, {source.name, "arrives in its own slot with ECFG.VS set"});
}

void check_gintc() {
  prepare(0, 0);
  csr::write<csr::gintc>(0x24);
  gcsr::write<csr::estat>(csr::is_ipi);
  const Word look[] = {csrrd(a1, csr::estat)};
  static_cast<void>(guest().run(look));
  equal(reg(a1) & csr::is_mask, 0x24 << 2 | csr::is_ipi,
        "GINTC.VIP is ORed into guest ESTAT, host writes of ESTAT do not clear it");
  csr::write<csr::gintc>(0x04);
  static_cast<void>(guest().run(look));
  equal(reg(a1) & csr::is_mask, 0x04 << 2 | csr::is_ipi, "a VIP bit cleared retracts its line only");
  csr::write<csr::gintc>(csr::read<csr::gintc>() | 0x40);
  static_cast<void>(guest().run(look));
  equal(reg(a1) & csr::is_mask, 0x44 << 2 | csr::is_ipi, "a read-modify-write of GINTC adds a line");
  reg(a0) = 0;
  const Word clear[] = {csrwr(a0, csr::estat), csrrd(a1, csr::estat)};
  static_cast<void>(guest().run(clear));
  equal(reg(a1) & csr::is_mask, 0x44 << 2 | csr::is_ipi, "the guest cannot clear injected lines");
  csr::write<csr::gintc>(0);
}

void check_guest_side() {
  prepare(csr::is_swi0, csr::crmd_ie);
  reg(a0) = csr::is_swi0;
  guest().load({csrwr(a0, csr::estat), b(0)});
  guest_takes(guest().run(), ecode::interrupt, "a software interrupt the guest raises itself is taken at once");
  equal(gcsr::read<csr::era>(), guest().code_address() + 4, "a software interrupt is taken behind the write");
  prepare(0, 0);
  gcsr::exchange<csr::estat>(csr::is_timer, csr::is_timer);
  reg(a0) = 1;
  const Word acknowledge[] = {csrwr(a0, csr::ticlr), csrrd(a1, csr::estat)};
  finishes(guest().run(acknowledge), "the guest acknowledges an injected TI without an exit");
  equal(reg(a1) & csr::is_timer, 0, "TICLR clears an injected TI");
}

void check_priority() {
  prepare(csr::is_mask | 1 << 16, csr::crmd_ie);
  gcsr::write<csr::eentry>(layout::vector_table.value);
  csr::write<csr::gintc>(0x81);
  gcsr::exchange<csr::estat>(csr::is_timer, csr::is_timer);
  guest().load({b(0)});
  equal(guest().run().slot, 64 + 11, "of HWI0, HWI7 and TI the highest number is taken first");
  gcsr::exchange<csr::estat>(0, csr::is_timer);
  gcsr::exchange<csr::crmd>(csr::crmd_ie, csr::crmd_ie);
  equal(guest().run().slot, 64 + 9, "then HWI7");
  csr::write<csr::gintc>(0x01);
  gcsr::exchange<csr::crmd>(csr::crmd_ie, csr::crmd_ie);
  equal(guest().run().slot, 64 + 2, "then HWI0");
}

}  // namespace

void test_injection() {
  if (!group("injection")) return;
  guest().reset();
  for (const Source& source : sources) {
    check_delivery(source);
    check_masking(source);
    check_vector(source);
  }
  check_gintc();
  check_guest_side();
  check_priority();
  guest().reset();
}

}  // namespace probe

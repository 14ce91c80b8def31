// SPDX-License-Identifier: Apache-2.0
#include "gic.hpp"

#include "cpu.hpp"
#include "gic_registers.hpp"
#include "machine.hpp"

namespace guest::gic {

constinit unsigned version = 0;

namespace {
constexpr uint32_t first_shared = 32;

bool v3() { return version == 3; }
uint64_t word(uint64_t bank, uint32_t interrupt) { return frame_of(interrupt) + bank + interrupt / 32 * 4; }
uint32_t mask(uint32_t interrupt) { return 1u << interrupt % 32; }
}  // namespace

uint64_t redistributor() { return gicr_base + gicr_stride * cpu_number(); }

uint64_t frame_of(uint32_t interrupt) {
  return v3() && interrupt < first_shared ? redistributor() + gicr_sgi_frame : gicd_base;
}

void enable_distributor() {
  write32(gicd_base + gicd_ctlr, v3() ? 0x12 : 1);  // ARE, group 1; or the one group of version 2
}

void enable_cpu() {
  if (!v3()) {
    write32(gicc_pmr, 0xff);
    write32(gicc_ctlr, 1);
    return;
  }
  write32(redistributor() + gicr_waker, 0);
  while ((read32(redistributor() + gicr_waker) & 4) != 0) {  // ChildrenAsleep
  }
  write32(redistributor() + gicr_sgi_frame + gicd_igroupr, ~0u);
  icc_sre_el1::write(7);
  icc_pmr_el1::write(0xff);
  icc_igrpen1_el1::write(1);
}

void enable(uint32_t interrupt) {
  if (v3() && interrupt >= first_shared) {
    write32(word(gicd_igroupr, interrupt), read32(word(gicd_igroupr, interrupt)) | mask(interrupt));
  }
  write32(word(gicd_isenabler, interrupt), mask(interrupt));
}
void disable(uint32_t interrupt) {
  write32(word(gicd_icenabler, interrupt), mask(interrupt));
  barrier();
}
bool is_enabled(uint32_t interrupt) { return (read32(word(gicd_isenabler, interrupt)) & mask(interrupt)) != 0; }
void set_pending(uint32_t interrupt) { write32(word(gicd_ispendr, interrupt), mask(interrupt)); }
void clear_pending(uint32_t interrupt) { write32(word(gicd_icpendr, interrupt), mask(interrupt)); }
void set_active(uint32_t interrupt) { write32(word(gicd_isactiver, interrupt), mask(interrupt)); }
void clear_active(uint32_t interrupt) { write32(word(gicd_icactiver, interrupt), mask(interrupt)); }
bool is_pending(uint32_t interrupt) { return (read32(word(gicd_ispendr, interrupt)) & mask(interrupt)) != 0; }
bool is_active(uint32_t interrupt) { return (read32(word(gicd_isactiver, interrupt)) & mask(interrupt)) != 0; }

void set_priority(uint32_t interrupt, uint8_t priority) {
  write8(frame_of(interrupt) + gicd_ipriorityr + interrupt, priority);
}
uint8_t priority(uint32_t interrupt) { return read8(frame_of(interrupt) + gicd_ipriorityr + interrupt); }

void set_edge(uint32_t interrupt, bool edge) {
  const uint64_t address = frame_of(interrupt) + gicd_icfgr + interrupt / 16 * 4;
  const uint32_t field = 2u << interrupt % 16 * 2;
  write32(address, edge ? read32(address) | field : read32(address) & ~field);
}

void route(uint32_t interrupt, unsigned cpu) {
  if (v3()) return write64(gicd_base + gicd_irouter + 8 * uint64_t{interrupt}, cpu);
  write8(gicd_base + gicd_itargetsr + interrupt, static_cast<uint8_t>(1u << cpu));
}

void set_priority_mask(uint8_t value) { v3() ? icc_pmr_el1::write(value) : write32(gicc_pmr, value); }
uint8_t running_priority() { return static_cast<uint8_t>(v3() ? icc_rpr_el1::read() : read32(gicc_rpr)); }
uint32_t highest_pending() {
  return v3() ? static_cast<uint32_t>(icc_hppir1_el1::read()) & 0xff'ffff : read32(gicc_hppir) & 0x3ff;
}

uint32_t acknowledge() {
  const uint32_t token = v3() ? static_cast<uint32_t>(icc_iar1_el1::read()) : read32(gicc_iar);
  barrier();
  return token;
}
uint32_t number(uint32_t token) { return v3() ? token & 0xff'ffff : token & 0x3ff; }
void end(uint32_t token) { v3() ? icc_eoir1_el1::write(token) : write32(gicc_eoir, token); }

void send(uint32_t interrupt, unsigned cpu) {
  barrier();
  if (!v3()) return write32(gicd_base + gicd_sgir, 1u << (16 + cpu) | interrupt);
  icc_sgi1r_el1::write(uint64_t{interrupt} << 24 | 1u << cpu);
}
void send_to_others(uint32_t interrupt) {
  barrier();
  if (!v3()) return write32(gicd_base + gicd_sgir, 1u << 24 | interrupt);
  icc_sgi1r_el1::write(uint64_t{interrupt} << 24 | uint64_t{1} << 40);  // IRM: everyone but me
}

}  // namespace guest::gic

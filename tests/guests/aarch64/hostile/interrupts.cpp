// SPDX-License-Identifier: Apache-2.0
// Against the virtual interrupt controller and, through it, the physical one: conditions that a guest can hold.
#include "attacks.hpp"
#include "cpu.hpp"
#include "gic.hpp"
#include "gic_registers.hpp"
#include "machine.hpp"
#include "smp.hpp"

using namespace guest;
using namespace guest::gic;

namespace hostile {

namespace {
bool v3() { return gic::version == 3; }

// Where this CPU's private interrupts have their registers.
uint64_t private_frame() { return v3() ? gicr_base + gicr_stride * cpu_number() + gicr_sgi_frame : gicd_base; }

// GICC_CTLR.{EnableGrp0, EnableGrp1}, or ICC_IGRPEN<n>_EL1.
void enable_groups(bool group0, bool group1) {
  if (!v3()) return write32(gicc_ctlr, (group0 ? 1u : 0) | (group1 ? 2u : 0));
  icc_igrpen0_el1::write(group0 ? 1 : 0);
  icc_igrpen1_el1::write(group1 ? 1 : 0);
}

void pend_all_sgis() {
  if (v3()) return write32(private_frame() + gicd_ispendr, 0xffff);
  for (uint32_t sgi = 0; sgi < 16; ++sgi) write32(gicd_base + gicd_sgir, 2u << 24 | sgi);  // to ourselves
}

// More pending than there are list registers, all in group 1, of which the CPU interface is told to signal none.
[[noreturn]] void hold(uint64_t) {
  mask_interrupts();
  write32(gicd_base + gicd_ctlr, 3);
  v3() ? icc_pmr_el1::write(0xff) : write32(gicc_pmr, 0xff);
  enable_groups(true, false);
  write32(private_frame() + gicd_igroupr, ~0u);
  write32(private_frame() + gicd_isenabler, 0xffff);
  pend_all_sgis();
  while (true) asm volatile("");
}

void end(Noise& noise) {
  const auto intid = static_cast<uint32_t>(noise.below(64));
  if (!v3()) return write32(noise.below(2) == 0 ? gicc_eoir : gicc_dir, intid);
  switch (noise.below(3)) {
    case 0: return icc_eoir0_el1::write(intid);
    case 1: return icc_eoir1_el1::write(intid);
    default: return icc_dir_el1::write(intid);
  }
}

void acknowledge(Noise& noise) {
  if (!v3()) return static_cast<void>(read32(gicc_iar));
  static_cast<void>(noise.below(2) == 0 ? icc_iar0_el1::read() : icc_iar1_el1::read());
}

void set_cpu_interface(Noise& noise) {
  switch (noise.below(4)) {
    case 0: return enable_groups(noise.below(2) != 0, noise.below(2) != 0);
    case 1: return v3() ? icc_pmr_el1::write(noise.below(256)) : write32(gicc_pmr, static_cast<uint32_t>(noise.below(256)));
    case 2: return v3() ? icc_bpr0_el1::write(noise.below(8)) : write32(gicc_bpr, static_cast<uint32_t>(noise.below(8)));
    // EOImode and CBPR
    default:
      return v3() ? icc_ctlr_el1::write(noise.below(4)) : write32(gicc_ctlr, static_cast<uint32_t>(noise() & 0x21f));
  }
}

// A word of IGROUPR to ICACTIVER, or of IPRIORITYR, of the private interrupts and the first SPIs.
void set_interrupts(Noise& noise) {
  const bool shared = noise.below(2) != 0;
  const uint64_t frame = shared ? gicd_base : private_frame();
  const uint64_t bank = shared ? 1 : 0;
  if (noise.below(4) == 0) {
    return write32(frame + gicd_ipriorityr + bank * 32 + noise.below(8) * 4, static_cast<uint32_t>(noise()));
  }
  write32(frame + gicd_igroupr + noise.below(7) * 0x80 + bank * 4, static_cast<uint32_t>(noise()));
}

void arm_timer(Noise& noise) {
  cntv_cval_el0::write(noise.below(2) == 0 ? 0 : now() + noise.below(1000));
  cntv_ctl_el0::write(noise.below(4));
}

void confuse(uint64_t seed) {
  Noise noise{seed};
  mask_interrupts();
  for (unsigned i = 0; i < 20'000; ++i) {
    switch (noise.below(8)) {
      case 0: write32(gicd_base + gicd_ctlr, static_cast<uint32_t>(noise.below(4))); break;
      case 1: set_cpu_interface(noise); break;
      case 2: arm_timer(noise); break;
      case 3: acknowledge(noise); break;
      case 4: end(noise); break;
      case 5: pend_all_sgis(); break;
      default: set_interrupts(noise); break;
    }
    if (cpu_number() == 0) ++deeds;
  }
  cntv_ctl_el0::write(0);
}
}  // namespace

void hold_the_maintenance_interrupt() {
  for (unsigned cpu = smp::count() - 1; cpu > 0; --cpu) (void)smp::start(cpu, hold, 0);
  hold(0);
}

void confuse_the_interrupt_controller() {
  for (unsigned cpu = smp::count() - 1; cpu > 0; --cpu) (void)smp::start(cpu, confuse, 13 + cpu);
  confuse(13);
}

}  // namespace hostile

// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <utility>

#include "arch/aarch64/irq/gic.hpp"
#include "arch/aarch64/irq/irqs.hpp"
#include "arch/aarch64/regs/gic.hpp"
#include "arch/aarch64/regs/gic_physical.hpp"
#include "arch/boot.hpp"
#include "arch/mmio.hpp"
#include "arch/sysreg.hpp"
#include "arch/virtual_gic.hpp"

namespace arch {
namespace {

using namespace regs;

// List registers are numbered by the instruction: one function each, chosen by table.
constexpr size_t max_lrs = 16;
template <size_t... N>
constexpr auto make_readers(std::index_sequence<N...>) {
  return std::array<uint64_t (*)(), sizeof...(N)>{[] { return arch::read<ich_lr_el2<N>>(); }...};
}
template <size_t... N>
constexpr auto make_writers(std::index_sequence<N...>) {
  return std::array<void (*)(uint64_t), sizeof...(N)>{[](uint64_t value) { arch::write<ich_lr_el2<N>>(value); }...};
}
constexpr auto lr_readers = make_readers(std::make_index_sequence<max_lrs>{});
constexpr auto lr_writers = make_writers(std::make_index_sequence<max_lrs>{});

}  // namespace

bool TimerInterrupt::timer_line() {
  constexpr uint64_t care = timer_control::enable::mask | timer_control::imask::mask | timer_control::istatus::mask;
  return (arch::read<cntv_ctl_el0>() & care) == (timer_control::enable::mask | timer_control::istatus::mask);
}

void TimerInterrupt::set_timer_active(bool active) { gic::set_private_active(irqs::guest_timer(), active); }

// --- version 3
// --------------------------------------------------------------------------------------------------------

unsigned ListRegistersV3::count() {
  return static_cast<unsigned>(gic::ich_vtr::ListRegs::get(arch::read<ich_vtr_el2>())) + 1;
}
unsigned ListRegistersV3::preemption_bits() {
  return static_cast<unsigned>(gic::ich_vtr::PREbits::get(arch::read<ich_vtr_el2>())) + 1;
}
uint32_t ListRegistersV3::implemented() {
  using namespace gic;
  const uint64_t vtr = arch::read<ich_vtr_el2>();
  return static_cast<uint32_t>(icc_ctlr::PRIbits::of(ich_vtr::PRIbits::get(vtr)) |
                               icc_ctlr::IDbits::of(ich_vtr::IDbits::get(vtr)) |
                               icc_ctlr::SEIS::of(ich_vtr::SEIS::get(vtr)) | icc_ctlr::A3V::of(ich_vtr::A3V::get(vtr)));
}
bool ListRegistersV3::traps_dir() { return gic::ich_vtr::TDS::is_set(arch::read<ich_vtr_el2>()); }

// The most used ones without a detour.
uint64_t ListRegistersV3::read(unsigned n) {
  switch (n) {
    case 0: return arch::read<ich_lr_el2<0>>();
    case 1: return arch::read<ich_lr_el2<1>>();
    case 2: return arch::read<ich_lr_el2<2>>();
    case 3: return arch::read<ich_lr_el2<3>>();
    default: return lr_readers[n]();
  }
}
void ListRegistersV3::write(unsigned n, uint64_t lr) {
  switch (n) {
    case 0: return arch::write<ich_lr_el2<0>>(lr);
    case 1: return arch::write<ich_lr_el2<1>>(lr);
    case 2: return arch::write<ich_lr_el2<2>>(lr);
    case 3: return arch::write<ich_lr_el2<3>>(lr);
    default: return lr_writers[n](lr);
  }
}
// What an earlier write of a list register or of ICH_HCR_EL2 does to these two is an indirect write, and seen only after
// a context synchronization event (DDI 0487 D24.1.2; IHI 0069 12.1.6). Without it a core may report as empty what was
// listed in the same exit.
uint32_t ListRegistersV3::empty() {
  isb();
  return static_cast<uint32_t>(arch::read<ich_elrsr_el2>());
}
uint32_t ListRegistersV3::misr() {
  isb();
  return static_cast<uint32_t>(arch::read<ich_misr_el2>());
}
uint32_t ListRegistersV3::hcr() { return static_cast<uint32_t>(arch::read<ich_hcr_el2>()); }
void ListRegistersV3::set_hcr(uint32_t word) { arch::write<ich_hcr_el2>(word); }
uint32_t ListRegistersV3::vmcr() { return static_cast<uint32_t>(arch::read<ich_vmcr_el2>()); }
void ListRegistersV3::set_vmcr(uint32_t word) { arch::write<ich_vmcr_el2>(word); }

// AP1 to AP3 exist with 6 and 7 bits of preemption (12.4.2); elsewhere they are UNDEFINED.
void ListRegistersV3::read_active(Words& group0, Words& group1) {
  const unsigned bits = preemption_bits();
  group0 = {static_cast<uint32_t>(arch::read<ich_ap0r_el2<0>>())};
  group1 = {static_cast<uint32_t>(arch::read<ich_ap1r_el2<0>>())};
  if (bits >= 6) {
    group0[1] = static_cast<uint32_t>(arch::read<ich_ap0r_el2<1>>());
    group1[1] = static_cast<uint32_t>(arch::read<ich_ap1r_el2<1>>());
  }
  if (bits >= 7) {
    group0[2] = static_cast<uint32_t>(arch::read<ich_ap0r_el2<2>>());
    group0[3] = static_cast<uint32_t>(arch::read<ich_ap0r_el2<3>>());
    group1[2] = static_cast<uint32_t>(arch::read<ich_ap1r_el2<2>>());
    group1[3] = static_cast<uint32_t>(arch::read<ich_ap1r_el2<3>>());
  }
}
void ListRegistersV3::write_active(const Words& group0, const Words& group1) {
  const unsigned bits = preemption_bits();
  arch::write<ich_ap0r_el2<0>>(group0[0]);
  arch::write<ich_ap1r_el2<0>>(group1[0]);
  if (bits >= 6) {
    arch::write<ich_ap0r_el2<1>>(group0[1]);
    arch::write<ich_ap1r_el2<1>>(group1[1]);
  }
  if (bits >= 7) {
    arch::write<ich_ap0r_el2<2>>(group0[2]);
    arch::write<ich_ap0r_el2<3>>(group0[3]);
    arch::write<ich_ap1r_el2<2>>(group1[2]);
    arch::write<ich_ap1r_el2<3>>(group1[3]);
  }
}

// --- version 2
// --------------------------------------------------------------------------------------------------------

namespace {
hal::HostVirt gich(uint64_t offset) { return gic::hypervisor_interface() + offset; }
}  // namespace

unsigned ListRegistersV2::count() {
  return static_cast<unsigned>(gic::gich::vtr::ListRegs::get(mmio_read32(gich(gic::gich::VTR)))) + 1;
}
// QEMU's model takes no look at the physical interrupt when a virtual one deactivates it; a busy guest would lose its
// timer for as long as nothing else happens. It names no product in GICD_IIDR (v2 4.3.3), which no GICv2 beside an
// AArch64 core does: a GIC-400 is 2.
bool ListRegistersV2::ends_timer() { return gic::names_a_product(); }
uint64_t ListRegistersV2::read(unsigned n) { return gic::gich::decode_lr(mmio_read32(gich(gic::gich::LR + 4 * n))); }
void ListRegistersV2::write(unsigned n, uint64_t lr) {
  mmio_write32(gich(gic::gich::LR + 4 * n), gic::gich::encode_lr(lr));
}
uint32_t ListRegistersV2::empty() { return mmio_read32(gich(gic::gich::ELRSR0)); }
uint32_t ListRegistersV2::misr() { return mmio_read32(gich(gic::gich::MISR)); }
uint32_t ListRegistersV2::hcr() { return mmio_read32(gich(gic::gich::HCR)); }
void ListRegistersV2::set_hcr(uint32_t word) { mmio_write32(gich(gic::gich::HCR), word); }
uint32_t ListRegistersV2::vmcr() { return mmio_read32(gich(gic::gich::VMCR)); }
void ListRegistersV2::set_vmcr(uint32_t word) { mmio_write32(gich(gic::gich::VMCR), word); }
uint32_t ListRegistersV2::active_priorities() { return mmio_read32(gich(gic::gich::APR)); }
void ListRegistersV2::set_active_priorities(uint32_t word) { mmio_write32(gich(gic::gich::APR), word); }

unsigned gic_version() { return gic::version(); }
hal::HostPhys gic_virtual_cpu_interface() { return gic::virtual_cpu_interface(); }
uint32_t guest_timer_irq() { return irqs::guest_timer(); }
bool guest_pmu_interrupts() { return irqs::counters() != 0; }

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// Says what every register of the machine holds that software may read first: `reg WHERE OFFSET VALUE`, for those that are
// not zero. The test compares a VM with QEMU's board. Nothing is written before the last is read.
#include <array>
#include <cstddef>
#include <utility>

#include "cpu.hpp"
#include "dump.hpp"
#include "gic.hpp"
#include "gic_registers.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "trap.hpp"

using namespace guest;
using namespace guest::gic;

namespace {

constexpr uint64_t its_base = 0x0808'0000;
constexpr uint64_t gpio_base = 0x0903'0000;
constexpr uint64_t virtio_base = 0x0a00'0000;
constexpr uint64_t frame = 0x1'0000;
constexpr uint64_t page = 0x1000;

// The UART's own must be read before it says the first word.
constinit std::array<uint32_t, page / 4> uart_words{};
void read_uart() {
  for (uint64_t offset = 0; offset < page; offset += 4) uart_words[offset / 4] = read32(uart_base + offset);
}
void dump_uart() {
  for (uint64_t offset = 0; offset < page; offset += 4) say("pl011", offset, uart_words[offset / 4]);
}

// Op0 3, Op1 0, CRn 0: the identification space, CRm 0 to 7.
template <size_t Index>
void dump_id() {
  uint64_t value = 0;
  if (attempt([&] { value = SystemRegister<3, 0, 0, Index / 8, Index % 8>::read(); }).taken) {
    print("reg id {}.{} fault", Index / 8, Index % 8);
  } else if (value != 0) {
    print("reg id {}.{} {:#x}", Index / 8, Index % 8, value);
  }
}
template <size_t... Index>
void dump_ids(std::index_sequence<Index...>) {
  (dump_id<Index>(), ...);
}

template <class Register>
void dump_one(std::string_view name) {
  uint64_t value = 0;
  if (attempt([&] { value = Register::read(); }).taken) {
    print("reg cpu {} fault", name);
  } else {
    print("reg cpu {} {:#x}", name, value);
  }
}

// Those with a reset value, or that are read-only; the others are UNKNOWN (DDI 0487 D24.2).
void dump_cpu() {
  dump_ids(std::make_index_sequence<8 * 8>{});
  dump_one<aidr_el1>("aidr_el1");
  dump_one<clidr_el1>("clidr_el1");
  dump_one<ctr_el0>("ctr_el0");
  dump_one<dczid_el0>("dczid_el0");
  dump_one<cntfrq_el0>("cntfrq_el0");
  dump_one<cntp_ctl_el0>("cntp_ctl_el0");
  dump_one<cntv_ctl_el0>("cntv_ctl_el0");
  dump_one<pmcr_el0>("pmcr_el0");
  dump_one<pmceid0_el0>("pmceid0_el0");
  dump_one<pmceid1_el0>("pmceid1_el0");
  dump_one<pmmir_el1>("pmmir_el1");
  dump_one<pmuserenr_el0>("pmuserenr_el0");
  dump_one<pmcntenset_el0>("pmcntenset_el0");
  dump_one<pmintenset_el1>("pmintenset_el1");
}

void dump_version_3() {
  dump("gicd", gicd_base, frame);
  dump("gits", its_base, frame);
  for (unsigned cpu = 0; cpu < smp::count(); ++cpu) {
    const std::array names{"gicr0", "gicr1", "gicr2", "gicr3"};
    dump(names[cpu % names.size()], gicr_base + cpu * gicr_stride, gicr_stride);
  }
  dump_one<icc_sre_el1>("icc_sre_el1");
  dump_one<icc_pmr_el1>("icc_pmr_el1");
  dump_one<icc_bpr0_el1>("icc_bpr0_el1");
  dump_one<icc_bpr1_el1>("icc_bpr1_el1");
  dump_one<icc_ctlr_el1>("icc_ctlr_el1");
  dump_one<icc_igrpen0_el1>("icc_igrpen0_el1");
  dump_one<icc_igrpen1_el1>("icc_igrpen1_el1");
  dump_one<icc_rpr_el1>("icc_rpr_el1");
  dump_one<icc_hppir0_el1>("icc_hppir0_el1");
  dump_one<icc_hppir1_el1>("icc_hppir1_el1");
  dump_one<icc_ap0r0_el1>("icc_ap0r0_el1");
  dump_one<icc_ap1r0_el1>("icc_ap1r0_el1");
}

}  // namespace

extern "C" void guest_main(uint64_t device_tree) {
  read_uart();
  read_machine(device_tree);
  print("inventory: GICv{}", gic::version);
  dump_uart();
  dump_cpu();
  if (gic::version == 3) {
    dump_version_3();
  } else {
    dump("gicd", gicd_base, page);
    dump("gicc", gicc_base, 2 * page);
  }
  dump("virtio", virtio_base, 32 * 0x200);
  dump("pl031", rtc_base, page);
  dump("pl061", gpio_base, page);
  print("inventory: that is all");
}

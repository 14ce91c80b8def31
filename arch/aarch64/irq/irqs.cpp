// SPDX-License-Identifier: Apache-2.0
// Where physical interrupts go, once acknowledged.
#include "arch/aarch64/irq/irqs.hpp"

#include "arch/aarch64/irq/gic.hpp"
#include "arch/irq.hpp"
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"
#include "arch/virtual_gic.hpp"
#include "hal/upcall.hpp"

namespace arch {
namespace {

constinit irqs::Numbers numbers{};

// Hand one acknowledged interrupt on. False: there was none.
bool dispatch(uint32_t acknowledged) {
  const uint32_t intid = gic::intid_of(acknowledged) & 0x3ff;
  if (intid >= gic::first_special) return false;
  gic::drop_priority(acknowledged);
  if (intid == numbers.guest_timer) {
    // Stays active until the guest ends its virtual interrupt.
    if (upcall::guest_timer_expired()) gic::deactivate(acknowledged);
    return true;
  }
  if (intid >= gic::first_spi) {
    if (hal::upcall::device_interrupt(hal::Irq{intid})) gic::deactivate(acknowledged);
    return true;
  }
  if (intid == numbers.hypervisor_timer) {
    hal::upcall::timer_expired();
  } else if (intid == numbers.maintenance) {
    upcall::guest_interrupt_maintenance();
  } else if (intid < gic::sgi_count) {
    hal::upcall::interrupted_by_cpu();
  } else if (intid == numbers.counters) {
    upcall::guest_counters_overflowed();
  }
  gic::deactivate(acknowledged);
  return true;
}

}  // namespace

void irqs::set_numbers(const Numbers& machine) { numbers = machine; }

void irqs::enable_private(hal::CpuIndex cpu) {
  gic::enable_private(cpu, numbers.hypervisor_timer, gic::Rank::ours);
  gic::enable_private(cpu, numbers.guest_timer, gic::Rank::guests);
  gic::enable_private(cpu, numbers.maintenance, gic::Rank::guests);
  if (numbers.counters != 0) gic::enable_private(cpu, numbers.counters, gic::Rank::guests);
}

uint32_t irqs::guest_timer() { return numbers.guest_timer; }
uint32_t irqs::counters() { return numbers.counters; }

bool Irqs::are_up() { return gic::version() != 0; }

// As many as a CPU can have pending at once and more; a device that never falls silent is not waited for.
void Irqs::poll() {
  if (!are_up()) {
    if (regs::timer_control::istatus::is_set(read<regs::cnthp_ctl_el2>())) hal::upcall::timer_expired();
    return;
  }
  constexpr unsigned most = 16;
  for (unsigned taken = 0; taken < most && dispatch(gic::acknowledge()); ++taken) {
  }
}

// One is enough: if more are pending, the guest exits again at once. Another CPU's comes first, because it costs the
// least beside what brought it.
void guest_interrupted(GuestFrame&, uint64_t) {
  const uint32_t acknowledged = gic::acknowledge();
  if ((gic::intid_of(acknowledged) & 0x3ff) >= gic::sgi_count) return static_cast<void>(dispatch(acknowledged));
  gic::drop_priority(acknowledged);
  hal::upcall::interrupted_by_cpu();
  gic::deactivate(acknowledged);
}

}  // namespace arch

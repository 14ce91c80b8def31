// SPDX-License-Identifier: Apache-2.0
// Interrupts of the machine's GIC that are about the guest whose registers this CPU holds.
#include <arch/virtual_gic.hpp>

#include "task/cpu.hpp"
#include "vmm/aarch64/virt_board.hpp"
#include "vmm/vm.hpp"

namespace arch::upcall {

bool guest_timer_expired() {
  auto* const guest = static_cast<vmm::Vcpu*>(task::this_cpu().loaded_guest);
  if (guest == nullptr) return true;
  guest->vm().board().timer_fired(guest->index());
  // It was in its guest, or waits in WFI, dozing or with its stack lent to the idle CPU.
  if (guest->task() == &task::current() && !guest->task()->is_dozing()) {
    guest->notice_interrupts();
  } else {
    guest->kick(vmm::Vcpu::interrupt);
  }
  return false;
}

// The CPU's interrupt is silent when this returns: the guest's takes its place.
void guest_counters_overflowed() {
  auto* const guest = static_cast<vmm::Vcpu*>(task::this_cpu().loaded_guest);
  if (guest != nullptr) guest->take_counter_overflow();
}

void guest_pmu_interrupt(Vcpu& vcpu, bool level) {
  const auto& guest = static_cast<vmm::Vcpu&>(vcpu);
  guest.vm().board().gic().set_private_level(guest.index(), vmm::aarch64::virt_board::pmu_intid, level);
}

void guest_sends_sgi(Vcpu& vcpu, uint64_t value) {
  const auto& guest = static_cast<vmm::Vcpu&>(vcpu);
  guest.vm().board().gic().send_sgi(guest.index(), vmm::vgic::Vgic::SgiRegister::sgi1r, value);
}

namespace {

// What needs more than a look at the timer, apart, so that a look needs no stack.
[[gnu::noinline]] void read_running(GuestFrame& frame, unsigned reg, const vmm::PhysicalTimer& timer) {
  frame.set(reg, timer.control());
}
[[gnu::noinline]] void change(GuestFrame& frame, unsigned reg, vmm::PhysicalTimer& timer) {
  timer.set_control(frame.get(reg));
  static_cast<vmm::Vcpu&>(*frame.vcpu).notice_interrupts();
}

}  // namespace

void guest_accesses_physical_timer_control(GuestFrame& frame, unsigned reg, bool read) {
  const auto& guest = static_cast<const vmm::Vcpu&>(*frame.vcpu);
  vmm::PhysicalTimer& timer = guest.vm().board().physical_timer(guest.index());
  frame.skip_instruction();
  if (read) return timer.is_enabled() ? read_running(frame, reg, timer) : frame.set(reg, timer.control());
  if (timer.would_change(frame.get(reg))) change(frame, reg, timer);
}

void guest_interrupt_maintenance() {
  auto* const guest = static_cast<vmm::Vcpu*>(task::this_cpu().loaded_guest);
  if (guest == nullptr) return;
  if (!guest->vm().board().maintenance(guest->index())) {
    guest->vm().crash("its maintenance interrupt does not clear");
  }
  guest->notice_interrupts();
}

}  // namespace arch::upcall

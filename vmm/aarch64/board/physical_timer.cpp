// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/board/physical_timer.hpp"

#include "config/aarch64_virt.hpp"

namespace vmm {
namespace {

using arch::regs::timer_control;
constexpr vgic::IntId ppi = config::aarch64_virt::ppi_base + config::aarch64_virt::physical_timer_ppi;

}  // namespace

uint64_t PhysicalTimer::enabled_control() const { return control_ | timer_control::istatus::of(is_due()); }

void PhysicalTimer::set_control(uint64_t value) {
  if (!would_change(value)) return;
  control_ = value & writable;
  update();
}

void PhysicalTimer::set_compare_value(uint64_t value) {
  compare_ = value;
  update();
}

// D12.2.4: the downcounting view of the same timer, signed and 32 bits wide.
uint64_t PhysicalTimer::timer_value() const { return (compare_ - now()) & 0xffff'ffff; }

void PhysicalTimer::set_timer_value(uint64_t value) {
  set_compare_value(now() + static_cast<uint64_t>(int64_t{static_cast<int32_t>(value)}));
}

void PhysicalTimer::reset() {
  control_ = compare_ = 0;
  update();
}

void PhysicalTimer::update() {
  timer_.cancel();
  const bool wanted = timer_control::enable::is_set(control_) && !timer_control::imask::is_set(control_);
  const bool due = wanted && is_due();
  gic_.set_private_level(vcpu_, ppi, due);
  if (wanted && !due) timer_.arm(clock_.to_host(compare_));
}

// From an interrupt. The vCPU may reprogram the timer meanwhile; update() waits for us in cancel() and then decides
// anew.
void PhysicalTimer::expired(void* self) {
  auto& timer = *static_cast<PhysicalTimer*>(self);
  timer.gic_.set_private_level(timer.vcpu_, ppi, true);
}

}  // namespace vmm

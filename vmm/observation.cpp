// SPDX-License-Identifier: Apache-2.0
#include "vmm/observation.hpp"

#include <atomic>

#include "hal/upcall.hpp"
#include "vmm/trace_point.hpp"
#include "vmm/vm_list.hpp"

namespace vmm {
namespace {

constinit std::atomic<bool> measuring{false};

}  // namespace

bool exit_costs_are_measured() { return measuring.load(std::memory_order_relaxed); }

bool exits_are_observed() { return tracer.enabled() || exit_costs_are_measured(); }

void measure_exit_costs(bool on) {
  measuring.store(on, std::memory_order_relaxed);
  renew_observation();
}

void renew_observation() {
  for (Vm* vm = vm_list().next(nullptr); vm != nullptr; vm = vm_list().next(vm)) {
    for (unsigned i = 0; i < vm->vcpus().count; ++i) vm->vcpus().list[i]->kick(Vcpu::observe);
  }
}

}  // namespace vmm

namespace hal::upcall {

using namespace vmm;

void exit_begins(hal::Vcpu& vcpu, const ExitReport& report) {
  auto& guest = static_cast<vmm::Vcpu&>(vcpu);
  ExitClass exit_class = report.exit_class;
  if (exit_class == ExitClass::device && guest.vm().bus().find(report.address) == nullptr) {
    exit_class = ExitClass::memory;
  }
  guest.observer.begin({guest.pc(), report.syndrome, exit_class}, guest.task()->times().run);
  trace(guest, TraceEvent::exit, static_cast<uint32_t>(exit_class), guest.pc());
  switch (exit_class) {
    case ExitClass::call: return trace(guest, TraceEvent::call, static_cast<uint32_t>(guest.reg(0)), guest.reg(1));
    case ExitClass::device:
    case ExitClass::memory: return trace(guest, TraceEvent::device, report.write ? 1 : 0, report.address.value());
    default: return;
  }
}

void exit_ends(hal::Vcpu& vcpu) {
  auto& guest = static_cast<vmm::Vcpu&>(vcpu);
  guest.observer.end(guest.task()->times().run);
  trace(guest, TraceEvent::enter);
}

}  // namespace hal::upcall

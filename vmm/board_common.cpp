// SPDX-License-Identifier: Apache-2.0
#include "vmm/board_common.hpp"

#include <algorithm>

#include "hal/log.hpp"
#include "hal/timer.hpp"
#include "vmm/net/exchange.hpp"
#include "vmm/vm.hpp"
#include "vmm/wall_clock.hpp"

namespace vmm {

void VmKicker::kick(VcpuIndex vcpu) { vm_.vcpus().list[vcpu]->kick(Vcpu::interrupt); }

std::span<std::byte> VmMemory::window(hal::GuestPhys place, uint64_t size, Use use) {
  for (const config::MemoryRegion& region : vm_.regions()) {
    if (!region.range.contains(place)) continue;
    const uint64_t rest = region.range.end() - place;
    const hal::Rights needed = use == Use::read ? hal::read_only : hal::Rights{.write = true};
    const auto window = vm_.space().window(place, std::min(size, rest), needed);
    return window ? *window : std::span<std::byte>{};
  }
  return {};
}

void BoardCommon::Owner::crash(std::string_view reason) { vm_.crash(reason); }
void BoardCommon::Owner::report(std::string_view device, std::string_view what) {
  hal::log::warning("{}: {}: {}", vm_.name(), device, what);
}
void BoardCommon::Owner::power_off(VcpuIndex vcpu) {
  vm_.guest_ends(*vm_.vcpus().list[vcpu], VmEvent::power_off);
}
void BoardCommon::Owner::reset_machine(VcpuIndex vcpu) {
  vm_.guest_ends(*vm_.vcpus().list[vcpu], VmEvent::reset);
}

// --- time
// -------------------------------------------------------------------------------------------------------------

uint64_t VmTimer::now() { return hal::Timer::now(); }
uint64_t VmTimer::frequency() { return hal::Timer::frequency(); }

// The device holds its lock, so nothing here may wait for a callback that takes it: the manager's task makes the call.
void VmTimer::set_alarm(uint64_t deadline, AlarmClient& client) {
  const hal::LockGuard guard(lock_);
  alarms_.set(deadline, client);
  arm();
}

void VmTimer::arm() {
  if (const uint64_t first = alarms_.first(); first != never) timer_.arm(first);
}

void VmTimer::expired(void* self) { static_cast<VmTimer*>(self)->vm_.alarm_due(); }

AlarmClient* VmTimer::take_due() {
  const hal::LockGuard guard(lock_);
  return alarms_.take_due(now());
}

void VmTimer::run() {
  {
    const hal::LockGuard guard(lock_);
    alarms_.begin_round();
  }
  while (AlarmClient* const due = take_due()) due->alarm();
  const hal::LockGuard guard(lock_);
  arm();
}

uint64_t VmCounter::now() { return vm_.clock().at(hal::Timer::now()); }
void VmCounter::set_alarm(uint64_t deadline, AlarmClient& client) {
  timer_.set_alarm(vm_.clock().to_host(deadline), client);
}

// --- devices
// ----------------------------------------------------------------------------------------------------------

void BoardCommon::pause() {
  worker_.hold();
  devices_->pause();
}

void BoardCommon::resume(hal::Ticks passed) {
  devices_->resume(passed);
  worker_.release();
}

hal::Result<void, VmError> BoardCommon::plug_in(DeviceSet::Kinds kinds, IrqSink& irqs, pci::Bus& pci,
                                                std::span<MmioDevice* const> own) {
  const config::VmConfig& config = vm_.config();
  if (const std::string_view missing = DeviceSet::missing(kinds, config); !missing.empty()) {
    hal::log::error("{}: this image is built without {}", vm_.name(), missing);
    return hal::fail(VmError::not_possible);
  }
  TRY(disks_.create(vm_));
  const DeviceSite site{.config = config,
                        .irqs = irqs,
                        .pci = pci,
                        .networks = net::machine_networks,
                        .timer = timer_,
                        .counter = counter_,
                        .console = vm_.console(),
                        .second_console = vm_.second_console(),
                        .owner = owner_,
                        .memory = memory_,
                        .worker = worker_,
                        .random = vm_.entropy(),
                        .disks = disks_.backends(),
                        .epoch_at_zero = epoch_at_tick_zero()};
  auto storage = mm::make_array<DeviceSet::Block>(DeviceSet::blocks(kinds, config));
  if (!storage) return hal::fail(VmError::out_of_memory);
  storage_ = std::move(storage).value();
  devices_.emplace(kinds, site, storage_.span());
  TRY(worker_.start(vm_));
  auto table = mm::make_array<MmioDevice*>(own.size() + devices_->windows());
  if (!table) return hal::fail(VmError::out_of_memory);
  bus_table_ = std::move(table).value();
  MmioBus bus(bus_table_.span());
  bool fits = devices_->plug_into(bus);
  for (MmioDevice* const window : own) fits &= bus.add(*window);
  if (!fits) {
    hal::log::error("{}: the devices' windows overlap", vm_.name());
    return hal::fail(VmError::not_possible);
  }
  vm_.use(bus);
  return {};
}

BoardCommon::Seed BoardCommon::fresh_seed() {
  Seed seed;
  vm_.entropy().fill(seed);
  return seed;
}

GuestFacts BoardCommon::facts(const LoadPlan& plan, const Seed& seed) const {
  return {.regions = vm_.regions(),
          .region_images = {plan.region_images.begin(), plan.region_images.size()},
          .cmdline = vm_.config().kernel.cmdline.view(),
          .initrd = plan.initrd,
          .seed = seed};
}

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#include "vmm/wall_clock.hpp"

#include "hal/driver/rtc.hpp"
#include "hal/timer.hpp"
#include "hal/virtualization.hpp"
#include "mm/host_space.hpp"

namespace vmm {
namespace {

constinit uint64_t epoch = 0;

}  // namespace

void start_wall_clock() {
  const hal::Platform& machine = hal::platform();
  if (!machine.rtc) return;
  const auto registers = mm::map_device(machine.rtc->registers.start, machine.rtc->registers.size);
  if (!registers) return;
  epoch = hal::driver::read_clock(machine.rtc->kind, *registers) - hal::Timer::now() / hal::Timer::frequency();
}

uint64_t epoch_at_tick_zero() { return epoch; }

}  // namespace vmm

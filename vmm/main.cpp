// SPDX-License-Identifier: Apache-2.0
// The start-up path, from the moment the boot code knows the machine.
#include "hal/base/panic.hpp"
#include "hal/driver/console.hpp"
#include "hal/log.hpp"
#include "hal/power.hpp"
#include "hal/upcall.hpp"
#include "hal/virtualization.hpp"
#include "mm/host_space.hpp"
#include "task/cpu.hpp"
#include "vmm/console/console.hpp"
#include "vmm/console/tasks.hpp"
#include "vmm/entropy.hpp"
#include "vmm/scrubber.hpp"
#include "vmm/shell/shell_task.hpp"
#include "vmm/vm_list.hpp"
#include "vmm/wall_clock.hpp"

namespace vmm {
namespace {

// The UART moved with the map: find it again.
hal::ConsoleDevice* open_uart() {
  const auto& uart = hal::platform().console;
  if (!uart) return nullptr;
  const auto registers = mm::map_device(uart->registers.start, uart->registers.size);
  if (!registers) return nullptr;
  hal::ConsoleDevice* const device = hal::driver::open_console(*uart, *registers);
  if (device != nullptr) hal::log::attach(*device);
  return device;
}

}  // namespace
}  // namespace vmm

namespace hal::upcall {

[[noreturn]] void boot(const BootMemory& memory) {
  const auto mapped = mm::init(memory);
  if (!mapped) panic(mm::name(mapped.error()));
  ConsoleDevice* const uart = vmm::open_uart();
  const auto cpu = task::prepare_cpu(0);
  if (!cpu) panic("no memory for the boot CPU's data");
  task::enter_cpu(**cpu);
  vmm::start_wall_clock();
  vmm::start_entropy();
  const bool can_run_guests = enable_virtualization();
  vmm::open_bundle();
  vmm::make_console();  // VMs have theirs with it, also on a machine without a UART
  if (uart != nullptr) {
    const uint32_t irq = Irqs::are_up() ? platform().console->irq : 0;
    if (!vmm::start_console(*uart, irq, vmm::host_config().console_escape)) {
      panic("no memory for the console's task");
    }
  }
  if (can_run_guests) {
    if (!vmm::start_scrubber()) panic("no memory for the scrubber");
    vmm::init();
    vmm::start();
  }
  if (uart != nullptr && !vmm::start_shell()) panic("no memory for the shell");
  task::run();
}

}  // namespace hal::upcall

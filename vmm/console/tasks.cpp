// SPDX-License-Identifier: Apache-2.0
#include "vmm/console/tasks.hpp"

#include <atomic>

#include "hal/timer.hpp"
#include "task/cpu.hpp"
#include "task/wait_queue.hpp"
#include "vmm/console/bell.hpp"
#include "vmm/console/console.hpp"

namespace vmm {
namespace {

constinit TaskBell service_bell;
constinit std::atomic<uint32_t> uart_irq{0};

void serve(void*) {
  while (true) service_bell.wait_until(console().service(hal::Timer::now()));
}

}  // namespace

TaskBell& prompt_bell() {
  static constinit TaskBell bell;
  return bell;
}

hal::Result<void, task::TaskError> start_console(hal::ConsoleDevice& device, uint32_t irq, char escape) {
  console().start({.device = device,
                   .escape = escape,
                   .has_interrupt = irq != 0,
                   .service = service_bell,
                   .prompt = prompt_bell()});
  TRY(task::spawn(
      {.name = "console", .entry = serve, .scheduling = {.scheduling_class = task::SchedulingClass::service}}));
  if (irq != 0) {
    uart_irq.store(irq, std::memory_order_release);
    hal::Irqs::enable(hal::Irq{irq}, task::this_cpu().number(), true);
  }
  return {};
}

bool console_interrupt(hal::Irq irq) {
  const uint32_t ours = uart_irq.load(std::memory_order_acquire);
  if (ours == 0 || irq != hal::Irq{ours}) return false;
  console().interrupt();
  return true;
}

}  // namespace vmm

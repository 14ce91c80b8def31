// SPDX-License-Identifier: Apache-2.0
#include "vmm/console/tasks.hpp"

#include "hal/base/panic.hpp"
#include "hal/irq_table.hpp"
#include "hal/timer.hpp"
#include "task/cpu.hpp"
#include "task/wait_queue.hpp"
#include "vmm/console/bell.hpp"
#include "vmm/console/console.hpp"

namespace vmm {
namespace {

constinit TaskBell service_bell;

class UartInterrupt final : public hal::IrqHandler {
 public:
  constexpr UartInterrupt() : IrqHandler("the console's UART") {}
  [[nodiscard]] bool serve(hal::Irq) override {
    console().interrupt();
    return true;
  }
};
constinit UartInterrupt uart_interrupt;

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
    // The first to ask for any: nobody else can have it.
    if (!hal::device_interrupts().claim(hal::Irq{irq}, uart_interrupt)) hal::panic("the UART's interrupt is taken");
    hal::Irqs::enable(hal::Irq{irq}, task::this_cpu().number(), true);
  }
  return {};
}

}  // namespace vmm

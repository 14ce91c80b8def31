// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/base/format.hpp"
#include "trap.hpp"  // of this architecture

// What the guests that run on every architecture need beside cpu.hpp and machine.hpp; each architecture's lib has it.
namespace guest {

// The mode that it runs in and the CPU's identification, e.g. "EL1, CPU 411fd070".
void describe_cpu(hal::TextSink& sink);
// The interrupt controller, e.g. "GICv3".
void describe_interrupt_controller(hal::TextSink& sink);
// As far as firmware or the device tree know.
[[nodiscard]] unsigned cpu_count();

// `handler` runs in an interrupt every `milliseconds`, from now on, and `others` for each interrupt but the timer's.
void start_ticking(uint64_t milliseconds, void (*handler)(), InterruptHandler others = nullptr);

[[noreturn]] void reset();

}  // namespace guest

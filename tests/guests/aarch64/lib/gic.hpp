// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// The interrupt controller, version 2 or 3 (Arm IHI 0048 and IHI 0069).
namespace guest::gic {

// As the device tree says, 0 for neither: read_machine() fills it in.
extern unsigned version;

inline constexpr uint32_t spurious = 1023;
inline constexpr uint32_t first_lpi = 8192;
// 1020 to 1023 name no interrupt.
[[nodiscard]] constexpr bool is_special(uint32_t number) { return number - 1020 <= 3; }

// The distributor; once, by the boot CPU.
void enable_distributor();
// This CPU's interface (and redistributor): everything up to priority mask 0xff may be delivered.
void enable_cpu();

// Of this CPU, version 3.
[[nodiscard]] uint64_t redistributor();
// Registers of an interrupt that is private to this CPU are found in its own frame.
[[nodiscard]] uint64_t frame_of(uint32_t interrupt);
void enable(uint32_t interrupt);
void disable(uint32_t interrupt);
[[nodiscard]] bool is_enabled(uint32_t interrupt);
void set_pending(uint32_t interrupt);
void clear_pending(uint32_t interrupt);
void set_active(uint32_t interrupt);
void clear_active(uint32_t interrupt);
[[nodiscard]] bool is_pending(uint32_t interrupt);
[[nodiscard]] bool is_active(uint32_t interrupt);
void set_priority(uint32_t interrupt, uint8_t priority);
[[nodiscard]] uint8_t priority(uint32_t interrupt);
void set_edge(uint32_t interrupt, bool edge);
// A shared interrupt goes to the CPU with this number.
void route(uint32_t interrupt, unsigned cpu);

void set_priority_mask(uint8_t mask);
[[nodiscard]] uint8_t running_priority();
// The interrupt that acknowledge() would return, without taking it.
[[nodiscard]] uint32_t highest_pending();

// What end() wants back; number() is the interrupt in it.
[[nodiscard]] uint32_t acknowledge();
[[nodiscard]] uint32_t number(uint32_t token);
void end(uint32_t token);

void send(uint32_t interrupt, unsigned cpu);
void send_to_others(uint32_t interrupt);

}  // namespace guest::gic

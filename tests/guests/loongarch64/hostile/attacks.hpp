// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attack.hpp"

namespace hostile {

// cpu.cpp: keep the CPU, or upset it.
void spin_with_interrupts_off();
void spin_on_every_cpu();
void wait_forever();
void fault_forever();
void jump_anywhere();
void return_to_illegal_states();

// instructions.cpp: every number that an instruction of the hypervisor's concern can have.
void touch_every_system_register();
void touch_every_guest_register();
void touch_every_io_register();
void maintain_any_cache();
void maintain_any_translation();
void call_anything();

// memory.cpp: reach what is not ours.
void touch_any_address();
void map_everything();

// devices.cpp
void flood_registers();
void flood_console();
void poke_every_device();
void access_devices_strangely();
void storm_of_timers();
void storm_of_ipis();
void start_and_stop_forever();
void confuse_the_interrupt_controller();

}  // namespace hostile

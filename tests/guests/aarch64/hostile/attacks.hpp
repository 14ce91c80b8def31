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
void touch_every_system_register();

// memory.cpp: reach what is not ours.
void touch_any_address();
void translate_from_anywhere();
void map_everything();
void maintain_any_cache();

// firmware.cpp
void call_anything();
void start_and_stop_forever();

// devices.cpp
void flood_registers();
void flood_console();
void poke_every_device();
void access_devices_strangely();
void storm_of_timers();
void storm_of_sgis();

// interrupts.cpp
void hold_the_maintenance_interrupt();
void confuse_the_interrupt_controller();

// translation.cpp
void flood_the_its();
void confuse_the_its();

// virtio.cpp, on the first disk
void break_every_queue();
void change_a_queue_that_is_served();

}  // namespace hostile

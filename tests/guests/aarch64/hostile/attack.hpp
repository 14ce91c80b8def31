// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

// What a guest can do against whatever runs it. An attack that ends lets the guest report it and power off; the others
// hold on until the VM is stopped from outside.
namespace hostile {

struct Attack {
  std::string_view name;
  void (*run)();
};

// What an attack that ends has done so far: one that did nothing withstands anything.
inline constinit unsigned deeds = 0;

// Repeatable noise (xorshift64).
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed * 0x9e37'79b9'7f4a'7c15 + 1) {}
  uint64_t operator()() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // Below `limit`, which is not 0.
  uint64_t below(uint64_t limit) { return operator()() % limit; }

 private:
  uint64_t state_;
};

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

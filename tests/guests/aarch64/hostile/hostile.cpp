// SPDX-License-Identifier: Apache-2.0
// A guest that attacks its hypervisor in the way that its kernel command line names: attack=NAME.
#include <array>

#include "attack.hpp"
#include "gic.hpp"
#include "machine.hpp"

namespace hostile {
namespace {
constexpr std::array attacks{
    Attack{"spin_with_interrupts_off", spin_with_interrupts_off},
    Attack{"spin_on_every_cpu", spin_on_every_cpu},
    Attack{"wait_forever", wait_forever},
    Attack{"fault_forever", fault_forever},
    Attack{"jump_anywhere", jump_anywhere},
    Attack{"return_to_illegal_states", return_to_illegal_states},
    Attack{"touch_every_system_register", touch_every_system_register},
    Attack{"touch_any_address", touch_any_address},
    Attack{"translate_from_anywhere", translate_from_anywhere},
    Attack{"map_everything", map_everything},
    Attack{"maintain_any_cache", maintain_any_cache},
    Attack{"call_anything", call_anything},
    Attack{"start_and_stop_forever", start_and_stop_forever},
    Attack{"flood_registers", flood_registers},
    Attack{"flood_console", flood_console},
    Attack{"poke_every_device", poke_every_device},
    Attack{"access_devices_strangely", access_devices_strangely},
    Attack{"storm_of_timers", storm_of_timers},
    Attack{"storm_of_sgis", storm_of_sgis},
    Attack{"hold_the_maintenance_interrupt", hold_the_maintenance_interrupt},
    Attack{"confuse_the_interrupt_controller", confuse_the_interrupt_controller},
    Attack{"flood_the_its", flood_the_its},
    Attack{"confuse_the_its", confuse_the_its},
    Attack{"break_every_queue", break_every_queue},
    Attack{"change_a_queue_that_is_served", change_a_queue_that_is_served},
};

const Attack* chosen(std::string_view arguments) {
  constexpr std::string_view key = "attack=";
  const size_t at = arguments.find(key);
  if (at == std::string_view::npos) return nullptr;
  const std::string_view rest = arguments.substr(at + key.size());
  for (const Attack& attack : attacks) {
    if (rest.substr(0, rest.find(' ')) == attack.name) return &attack;
  }
  return nullptr;
}
}  // namespace
}  // namespace hostile

extern "C" void guest_main(uint64_t device_tree) {
  guest::read_machine(device_tree);
  const hostile::Attack* attack = hostile::chosen(guest::machine.arguments);
  if (attack == nullptr) {
    guest::print("hostile: say attack=NAME on the command line, one of:");
    for (const hostile::Attack& known : hostile::attacks) guest::print("  {}", known.name);
    return;
  }
  guest::gic::enable_distributor();
  guest::gic::enable_cpu();
  guest::print("hostile: {} begins", attack->name);
  attack->run();
  guest::print("hostile: {} has ended after {} deeds", attack->name, hostile::deeds);
}

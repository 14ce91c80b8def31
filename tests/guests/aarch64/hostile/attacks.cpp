// SPDX-License-Identifier: Apache-2.0
#include "attacks.hpp"

#include <array>

#include "gic.hpp"

namespace hostile {

namespace {
constexpr std::array table{
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
    Attack{"break_every_card", break_every_card},
    Attack{"confuse_the_pci_bus", confuse_the_pci_bus},
};
}  // namespace

std::span<const Attack> attacks() { return table; }

void prepare() {
  guest::gic::enable_distributor();
  guest::gic::enable_cpu();
}

}  // namespace hostile

// SPDX-License-Identifier: Apache-2.0
#include "attacks.hpp"

#include <array>

#include "cpu.hpp"
#include "ipi.hpp"

extern "C" void hostile_tlb_refill();

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
    Attack{"touch_every_guest_register", touch_every_guest_register},
    Attack{"touch_every_io_register", touch_every_io_register},
    Attack{"maintain_any_cache", maintain_any_cache},
    Attack{"maintain_any_translation", maintain_any_translation},
    Attack{"call_anything", call_anything},
    Attack{"touch_any_address", touch_any_address},
    Attack{"map_everything", map_everything},
    Attack{"flood_registers", flood_registers},
    Attack{"flood_console", flood_console},
    Attack{"poke_every_device", poke_every_device},
    Attack{"access_devices_strangely", access_devices_strangely},
    Attack{"storm_of_timers", storm_of_timers},
    Attack{"storm_of_ipis", storm_of_ipis},
    Attack{"start_and_stop_forever", start_and_stop_forever},
    Attack{"confuse_the_interrupt_controller", confuse_the_interrupt_controller},
    Attack{"break_every_card", break_every_card},
    Attack{"confuse_the_pci_bus", confuse_the_pci_bus},
};
}  // namespace

std::span<const Attack> attacks() { return table; }

void prepare() {
  constexpr uint64_t physical_mask = 0xffff'ffff'ffff;
  guest::tlbrentry::write(reinterpret_cast<uint64_t>(&hostile_tlb_refill) & physical_mask);
  guest::iocsr_write32(guest::ipi::enable, ~0U);
}

}  // namespace hostile

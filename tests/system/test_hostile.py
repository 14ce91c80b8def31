# SPDX-License-Identifier: Apache-2.0
"""Guests that attack: the hypervisor and its prompt live on, and another VM finds its memory as it left it."""

from harness import bare_metal, test

ATTACKS = {  # name -> does it end by itself?
    "spin_with_interrupts_off": False,
    "spin_on_every_cpu": False,
    "wait_forever": False,
    "fault_forever": False,
    "jump_anywhere": True,
    "return_to_illegal_states": True,
    "touch_every_system_register": True,
    "touch_any_address": True,
    "translate_from_anywhere": True,
    "map_everything": True,
    "maintain_any_cache": True,
    "call_anything": True,
    "start_and_stop_forever": False,
    "flood_registers": False,
    "flood_console": False,
    "poke_every_device": True,
    "access_devices_strangely": True,
    "storm_of_timers": False,
    "storm_of_sgis": False,
    "hold_the_maintenance_interrupt": False,
    "confuse_the_interrupt_controller": True,
    "flood_the_its": False,
    "confuse_the_its": True,
    "break_every_queue": True,
    "change_a_queue_that_is_served": True,
    "break_every_card": True,
    "confuse_the_pci_bus": True,
}
LOONGARCH64_ATTACKS = {
    "spin_with_interrupts_off": False,
    "spin_on_every_cpu": False,
    "wait_forever": False,
    "fault_forever": False,
    "jump_anywhere": True,
    "return_to_illegal_states": True,
    "touch_every_system_register": True,
    "touch_every_guest_register": True,
    "touch_every_io_register": True,
    "maintain_any_cache": True,
    "maintain_any_translation": True,
    "call_anything": True,
    "touch_any_address": True,
    "map_everything": True,
    "flood_registers": False,
    "flood_console": False,
    "poke_every_device": True,
    "access_devices_strangely": True,
    "storm_of_timers": False,
    "storm_of_ipis": False,
    "start_and_stop_forever": False,
    "confuse_the_interrupt_controller": True,
    "break_every_card": True,
    "confuse_the_pci_bus": True,
}
# Attacks that also run with the other interrupt controller in the short selection.
BOTH_CONTROLLERS = {"poke_every_device", "storm_of_sgis", "touch_every_system_register"}
# Attacks on what a VM with the other one does not have.
ONLY_GIC_3 = {"flood_the_its", "confuse_the_its"}


# What attacks are on, and what it says in the end to a driver that behaves.
DISK = '[[disk]]\nsize = "2MiB"'
CARD = '[[network]]\nnetwork = "lan"'
LAST_WORDS = {"break_every_queue": "the disk answers 0 to a proper request",
              "break_every_card": "the card takes 256 proper frames",
              "confuse_the_pci_bus": "the card takes 256 proper frames"}
TARGETS = {"break_every_queue": DISK, "change_a_queue_that_is_served": DISK,
           "break_every_card": CARD, "confuse_the_pci_bus": CARD}


def withstand(run, attack, ends, **machine):
    victim = bare_metal("actor", name="victim", cmdline="M", memory="4MiB")
    attacker = bare_metal("hostile", vcpus=2, cmdline=f"attack={attack}")
    attacker.text += TARGETS.get(attack, "")
    console = run.boot(attacker, victim, attach="hostile", **machine)
    console.expect(f"hostile: {attack} begins")
    if attack in LAST_WORDS:
        console.expect(f"hostile: {LAST_WORDS[attack]}")
    if ends:
        # It may also have been stopped by the hypervisor, with a report. One that did nothing proves nothing.
        console.expect(rf"hostile: {attack} has ended after [1-9]\d+ deeds|\[plinth\] hostile: vCPU \d+ crashed")
    else:
        console.drain(1)
    console.prompt()
    if not ends:
        console.order("vm list", r"hostile +(running|crashed)")
    # The attack may be over before the other one has begun.
    console.see("victim", "guards its memory")
    console.attach("victim")
    console.send("?")
    console.expect(r"guarded its memory in [1-9]\d* looks, 0 were wrong")


for _attack, _ends in ATTACKS.items():
    for _gic in (3,) if _attack in ONLY_GIC_3 else (3, 2):
        test(limit=90, only_full=_gic == 2 and _attack not in BOTH_CONTROLLERS, attack=_attack, ends=_ends, gic=_gic, cpu="max",
             name=f"plinth_withstands_{_attack}_with_gic_{_gic}")(withstand)

for _attack, _ends in LOONGARCH64_ATTACKS.items():
    test(limit=120, attack=_attack, ends=_ends, arch="loongarch64",
         name=f"plinth_withstands_{_attack}_on_loongarch64")(withstand)

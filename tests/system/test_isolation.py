# SPDX-License-Identifier: Apache-2.0
"""What one VM may not learn of another."""

import re

from harness import PROMPT, bare_metal, check, on_both, test


def registers(name, deed):
    return bare_metal("registers", name=name, cmdline=deed, extra="autostart = false\n")


def printed(console, name):
    """Starts `name` and returns the lines of all that it says, as lists of words."""
    console.order(f"vm start {name}", "started")
    console.attach(name)
    said = console.expect(r"(?s)(.*?)registers: done").group(1)
    console.prompt()
    return [line.split() for line in re.sub(r"\x1b\[[\d;]*m|\r", "", said).split("\n")]


def values(lines):
    """By register: what it says."""
    return {words[1]: int(words[2], 16) for words in lines if len(words) == 3 and words[0] == "has"}


@test(limit=120, name="no_system_register_tells_one_vm_of_another_with_gic_3", gic=3, cpu="max")
@test(limit=120, name="no_system_register_tells_one_vm_of_another_with_gic_2", gic=2, cpu="max")
@test(limit=120, name="no_system_register_tells_one_vm_of_another_on_a_cortex_a72", gic=3, cpu="cortex-a72")
@test(limit=240, name="no_system_register_tells_one_vm_of_another_on_loongarch64", arch="loongarch64")
def no_leak(run, **machine):
    console = run.boot(registers("writer", "write"), registers("before", "read"), registers("after", "read"), smp=1, **machine)
    console.expect(PROMPT)
    before = values(printed(console, "before"))
    written = {words[1]: (int(words[2], 16), int(words[3], 16)) for words in printed(console, "writer")
               if len(words) == 4 and words[0] == "wrote"}
    after = values(printed(console, "after"))
    check(len(written) >= 20 and len(after) >= 50, f"only {len(written)} written, {len(after)} read")
    told = [register for register, (old, new) in written.items() if register in before and register in after
            and (after[register] ^ new) & (old ^ new) == 0 and (before[register] ^ new) & (old ^ new) != 0]
    check(not told, f"registers that still say what another VM wrote: {' '.join(told)}")


GUARDS = ("one", "two", "three")


def guards(**more):
    """VMs that use the same addresses, and watch that nobody else does."""
    return [bare_metal("actor", name=name, cmdline="M", memory="4MiB", **more) for name in GUARDS]


def begin(console):
    console.expect("guards its memory")
    console.prompt()
    for name in GUARDS[1:]:
        console.see(name, "guards its memory")


def no_guard_saw_another(console):
    for name in GUARDS:
        console.attach(name)
        console.send("?")
        looks, wrong = map(int, console.expect(r"in (\d+) looks, (\d+) were wrong").groups())
        check(looks >= 2048 and wrong == 0, f"{name} looked {looks} times, and saw what is not its own {wrong} times")
        console.prompt()


@on_both(limit=60, name="vms_at_the_same_addresses_never_see_each_other_on_1_cpu", smp=1)
@on_both(limit=60, name="vms_at_the_same_addresses_never_see_each_other_on_2_cpus", smp=2)
def same_addresses(run, arch, smp):
    """Also when they move, stand still, begin anew in memory that was another's, and go away."""
    # Its resets are told in the middle of what the others say, and would cut that in two: it is not there meanwhile.
    dirty = bare_metal("actor", name="dirty", cmdline="DR", memory="4MiB", extra="autostart = false\n")
    console = run.boot(*guards(), dirty, attach="one", smp=smp, arch=arch)
    begin(console)
    for _ in range(3):
        console.order("vm suspend two", "suspended")
        console.order("vm restart three", "restarted")
        console.begin("vm start dirty")
        console.expect(r"dirty: reset\n")  # the prompt moves below it
        console.expect(PROMPT)
        console.order("vm resume two", "resumed")
        console.order("vm destroy dirty", "destroyed")
        console.order("vm create vms/dirty.toml", "created")
        console.see("three", "guards its memory")
    no_guard_saw_another(console)


@on_both(limit=120)
def more_tags_than_the_tlb_has_are_given_out(run, arch):
    """A VMID or GID has at least eight bits; each of these VMs takes one on the only CPU, and the guards keep theirs."""
    brief = bare_metal("actor", name="brief", cmdline="Q", memory="4MiB",
                       extra='autostart = false\n[scheduler]\npolicy = "fixed"\n')
    console = run.boot(*guards(), brief, attach="one", smp=1, arch=arch)
    begin(console)
    for _ in range(270):
        console.begin("vm start brief")
        console.expect("brief: powered itself off\n")  # the prompt moves below it
        console.expect(PROMPT)
        console.orders((("vm destroy brief", "brief: destroyed"), ("vm create vms/brief.toml", "brief: created")))
    no_guard_saw_another(console)

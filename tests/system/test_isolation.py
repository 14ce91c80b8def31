# SPDX-License-Identifier: Apache-2.0
"""What one VM may not learn of another."""

import re

from harness import bare_metal, check, test


def registers(name, deed):
    return bare_metal("registers", name=name, cmdline=deed, extra="autostart = false\n")


def printed(console, name):
    """Starts `name` and returns the lines of all that it says, as lists of words."""
    console.order(f"vm start {name}", "started")
    console.attach(name)
    said = console.expect(r"(?s)(.*?)registers: done", timeout=60).group(1)
    console.prompt()
    return [line.split() for line in re.sub(r"\x1b\[[\d;]*m|\r", "", said).split("\n")]


def values(lines):
    """By register: what it says."""
    return {words[1]: int(words[2], 16) for words in lines if len(words) == 3 and words[0] == "has"}


@test(limit=120, name="no_system_register_tells_one_vm_of_another_with_gic_3", gic=3, cpu="max")
@test(limit=120, name="no_system_register_tells_one_vm_of_another_with_gic_2", gic=2, cpu="max")
@test(limit=120, name="no_system_register_tells_one_vm_of_another_on_a_cortex_a72", gic=3, cpu="cortex-a72")
def no_leak(run, gic, cpu):
    console = run.boot(registers("writer", "write"), registers("before", "read"), registers("after", "read"), gic=gic,
                       cpu=cpu, smp=1)
    console.expect("plinth> ")
    before = values(printed(console, "before"))
    written = {words[1]: (int(words[2], 16), int(words[3], 16)) for words in printed(console, "writer")
               if len(words) == 4 and words[0] == "wrote"}
    after = values(printed(console, "after"))
    check(len(written) >= 20 and len(after) >= 50, f"only {len(written)} written, {len(after)} read")
    told = [register for register, (old, new) in written.items() if register in before and register in after
            and (after[register] ^ new) & (old ^ new) == 0 and (before[register] ^ new) & (old ^ new) != 0]
    check(not told, f"registers that still say what another VM wrote: {' '.join(told)}")

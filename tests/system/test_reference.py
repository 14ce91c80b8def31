# SPDX-License-Identifier: Apache-2.0
"""The reference: our guests on QEMU's `virt` itself. What holds there must hold in a VM."""

from harness import check, test


@test(limit=60, name="the_probe_passes_on_the_bare_machine_with_gic_2", gic=2, cpu="cortex-a53")
@test(limit=60, name="the_probe_passes_on_the_bare_machine_with_gic_3", gic=3, cpu="max")
def probe_on_the_bare_machine(run, gic, cpu):
    console = run.bare("probe", gic=gic, cpu=cpu)
    result = console.expect(r"^probe: (\d+) passed, (\d+) failed")
    check(int(result.group(1)) > 200 and result.group(2) == "0", f"the reference itself says: {result.group(0)}")


@test(limit=30)
def hello_runs_on_the_bare_machine(run):
    console = run.bare("hello", "some arguments")
    console.expect(r'2 CPU\(s\), GICv3, arguments "some arguments"')
    console.expect("tick 3\n")
    console.expect("is ready")
    console.send("abc")
    console.expect("abc")
    console.send("Q")
    console.expect("bye")
    check(console.wait() == 0, "QEMU did not end well")

# SPDX-License-Identifier: Apache-2.0
"""What only a LoongArch machine can show."""

from harness import PROMPT, test, vm


@test(limit=120, arch="loongarch64")
def a_cpu_without_lvz_says_so_and_gives_its_shell(run, arch):
    console = run.boot(vm("hello"), arch=arch, cpu="la464,lvz=off", smp=2)
    console.expect(r"error: no VM can run: this CPU has no virtualization extension \(LVZ\)")
    console.expect(PROMPT)
    console.order("vm list", r"no VMs: this machine cannot run guests")
    console.order("vm create vms/hello.toml", "error: this machine cannot run guests; 'log' says why")
    console.send("poweroff\n")
    console.expect(r"switching off")

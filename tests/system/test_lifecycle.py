# SPDX-License-Identifier: Apache-2.0
"""Every edge of a VM's life (docs/lifecycle.md), alone, in the middle of another, and beside VMs that run on."""

from harness import bare_metal, test, vm


@test(limit=60)
def a_vm_behind_a_spinning_one_of_a_better_class_can_be_stopped(run):
    spinner = bare_metal("hostile", name="spinner", cmdline="attack=spin_with_interrupts_off")
    spinner.text += '[scheduler]\npolicy = "fixed"\npriority = 31\n'
    console = run.boot(vm("hello", autostart="false"), spinner, attach="spinner", smp=1)
    console.expect("spin_with_interrupts_off begins")
    console.prompt()
    console.order("vm start hello", "hello: started")
    for command, answer in (("suspend", "suspended"), ("resume", "resumed"), ("restart", "restarted"), ("stop", "stopped"),
                            ("start", "started"), ("stop --force", "stopped"), ("restart", "restarted"),
                            ("destroy", "destroyed")):
        console.order(f"vm {command} hello", rf"^hello: {answer}\n")
    console.order("vm create vms/hello.toml", "hello: created")
    console.order("vm destroy hello", "hello: destroyed")
    console.order("vm list", r"spinner +running")

# SPDX-License-Identifier: Apache-2.0
"""What is told of VMs: statistics of their exits, post-mortems, and traces."""

import json
import re

from harness import PROMPT, bare_metal, check, on_both, test, vm
from plinth import trace


def statistics(console, name):
    """`vm stats NAME --json` of its first vCPU."""
    return json.loads(console.order(f"vm stats {name} --json", r"^(\[.*\])\n").group(1))[0]


REPORTS = {  # lines about the vCPU that crashed
    "aarch64": (r"pc 0x[0-9a-f]+, pstate 0x[0-9a-f]+: EL1h .* DAIF", r"x0 ( [0-9a-f]{16}){4}\n", r"sctlr +[0-9a-f]{16}",
                r"vbar +[0-9a-f]{16}", r"pc 0x[0-9a-f]+: level 1 at 0x[0-9a-f]+: 0x[0-9a-f]+, which is 0x[0-9a-f]+\n"),
    "loongarch64": (r"pc 0x9[0-9a-f]+, crmd 0xb0: PLV0", r"ra +[0-9a-f]{16}", r"eentry +9[0-9a-f]{15}",
                    r"dmw1 +9000000000000011\n", r"pc 0x9[0-9a-f]+: .*which is 0x[0-9a-f]+\n"),
}


@on_both(limit=60)
def a_crash_leaves_a_report_that_outlives_the_next_start(run, arch):
    console = run.boot(bare_metal("actor", vcpus=2, extra='progress_timeout = "1s"'), arch=arch)
    console.expect("actor: ready")
    console.send("S")
    console.expect("actor: vCPU 0 crashed")
    console.expect(PROMPT)  # the console comes here once the VM has ended
    console.begin("vm crash actor")
    for line in (r"actor crashed, \d+\.\d{3} s after its start number 1: no progress", r"vcpu 0: crashed", *REPORTS[arch],
                 r"stage 2 of 0x[0-9a-f]+: .*, rwx normal\n", r"code .*\([0-9a-f]{8}\)",
                 r"exits: interrupt \d+ idle \d+ call \d+ device [1-9]", r"last output:(.|\n)*actor: spins",
                 r"vcpu 1: off", r"GICv3: " if arch == "aarch64" else r"vCPU 0: lines 0x", PROMPT):
        console.expect(line)
    console.order("vm start actor", "actor: started")
    console.order("vm crash actor", "actor crashed, .* start number 1:")
    console.order("vm destroy actor", "actor: destroyed")
    console.order("vm crash actor", "error: there is no VM")


@on_both(limit=60)
def a_report_on_many_vcpus_says_where_it_was_cut_off(run, arch):
    console = run.boot(bare_metal("hostile", cmdline="attack=spin_on_every_cpu", vcpus=64, extra='progress_timeout = "1s"'),
                       arch=arch)
    console.expect("crashed at")
    console.expect(PROMPT)
    console.begin("vm crash hostile")
    crashed = int(console.expect(r"vcpu (\d+): crashed\n").group(1))
    console.expect(rf"vcpu {1 if crashed == 0 else 0}: on\n")
    console.expect(r"\(the rest did not fit\)\n")


@on_both(limit=60)
def a_vm_that_could_not_be_loaded_leaves_a_report(run, arch):
    guest = bare_metal("hello")
    guest.images["hello/hello.bin"] = b"\x1f\x8b no gzip at all"
    console = run.boot(guest, arch=arch)
    reason = console.expect(r"^\[plinth\] error: hello: hello/hello\.bin: (.+)\n").group(1)
    console.expect(PROMPT)
    console.order("vm crash hello", rf"^hello crashed, .*: {re.escape(reason)}\n")


@test(limit=60, controller="GICv2:", gic=2)
@test(limit=120, name="a_vm_that_is_frozen_shows_how_it_is_on_loongarch64", controller="vCPU 0: lines", arch="loongarch64")
def a_vm_that_is_frozen_shows_how_it_is(run, controller, **machine):
    console = run.boot(vm("hello"), **machine)
    console.expect("is ready")
    console.prompt()
    console.order("vm crash hello", "error: hello has not crashed")
    console.order("vm crash hello --now", "error: hello is running; 'vm suspend hello'")
    console.order("vm suspend hello", "hello: suspended")
    console.order("vm crash hello --now", r"hello suspended, (.|\n)*vcpu 0: on\n(.|\n)*stage 2 of(.|\n)*" + controller)
    console.order("vm resume hello", "hello: resumed")
    console.attach("hello")
    console.send("goes on")
    console.expect("goes on")


@on_both(limit=60)
def exits_are_counted_always_and_measured_on_demand(run, arch):
    console = run.boot(vm("hello"), arch=arch)
    console.expect("is ready")
    console.prompt()
    before = statistics(console, "hello")
    for kind in ("idle", "call" if arch == "aarch64" else "registers", "device"):
        check(before["exits"][kind]["count"] > 0, f"no exit of class {kind} was counted: {before}")
    if arch == "aarch64":  # on LoongArch the timer's interrupt comes without the hypervisor, and this guest has no other
        check(before["injected"] > 0, f"no interrupt was counted: {before}")
    check(before["exits"]["device"]["measured"] == 0, f"measured without being asked to: {before}")
    console.order("stats on")
    console.attach("hello")
    console.send("typed")
    console.expect("typed")
    console.prompt()
    after = statistics(console, "hello")["exits"]["device"]
    check(after["count"] > before["exits"]["device"]["count"], f"exits no longer counted: {after}")
    check(after["total_ns"] >= after["longest_ns"] > 0 and after["measured"] > 0, f"not measured: {after}")
    console.order("stats off")
    console.order("vm stats hello", "'stats on' begins to measure")


@on_both(limit=60)
def a_trace_has_every_event_on_its_track(run, arch):
    console = run.boot(vm("hello"), bare_metal("hostile", cmdline="attack=spin_with_interrupts_off"), attach="hello", smp=1,
                       arch=arch)
    console.expect("is ready")
    console.prompt()
    console.order("trace on")
    console.attach("hello")
    console.send("R")  # a call, and a change of state
    console.expect("RAM is clean")
    console.expect("tick 1")
    console.prompt()
    console.begin("trace dump")
    text = console.expect(r"(?s)trace begin .*?trace end [^\n]*\n").group(0)
    dump = trace.parse(text.splitlines())
    # A reset is a call on the one board, and an access to a device on the other, where the timer's interrupt comes without
    # the hypervisor.
    absent = {"call", "inject"} if arch == "loongarch64" else set()
    missing = trace.EVENTS - {record.event for record in dump.records} - absent
    check(not missing, f"not in the dump: {missing}")
    named = {event["args"]["name"] for event in trace.convert(dump)["traceEvents"] if event["name"] == "thread_name"}
    check({"CPU 0", "vCPU 0"} <= named, f"tracks: {named}")

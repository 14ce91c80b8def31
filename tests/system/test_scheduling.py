# SPDX-License-Identifier: Apache-2.0
"""The scheduling policies of docs/scheduling.md, as guests get them."""

import json

from harness import bare_metal, check, on_both, test


def computing(name, scheduler):
    """A guest that never waits."""
    return bare_metal("actor", name=name, cmdline="C", extra=f"[scheduler]\n{scheduler}\n")


def numbers(console, name):
    """Of the VM's first vCPU: nanoseconds that it ran and waited, times that it got a CPU, interrupts that made it exit."""
    vcpu = json.loads(console.order(f"vm stats {name} --json", r"^\[\{.*\]$").group(0))[0]
    return {"ran": vcpu["run_ns"], "waited": vcpu["wait_ns"], "switches": vcpu["switches"],
            "interrupts": vcpu["exits"]["interrupt"]["count"]}


def growth(console, names, is_enough):
    """What these numbers grow by until `is_enough` of the growth. That is the machine's own time, however slow it is."""
    before = {name: numbers(console, name) for name in names}
    while True:
        after = {name: numbers(console, name) for name in names}
        grown = {name: {key: after[name][key] - before[name][key] for key in after[name]} for name in names}
        if is_enough(grown):
            return grown
        console.drain(0.1)  # the shell takes its time from those that it counts


def ran(nanoseconds):
    """That all of them together ran for so long."""
    return lambda grown: sum(values["ran"] for values in grown.values()) >= nanoseconds


@on_both(limit=60)
def fair_vms_share_a_cpu_by_weight(run, arch):
    weights = {"light": 100, "double": 200, "heavy": 700}
    console = run.boot(*(computing(name, f"weight = {weight}") for name, weight in weights.items()), attach="light",
                       smp=1, arch=arch)
    console.expect("actor: computes")
    console.prompt()
    grown = growth(console, weights, ran(4_000_000_000))
    total = sum(values["ran"] for values in grown.values())
    for name, weight in weights.items():
        share = grown[name]["ran"] / total
        check(abs(share - weight / 1000) < 0.03, f"{name} of weight {weight} got {share:.1%}")


@on_both(limit=60)
def a_fixed_vm_runs_before_a_fair_one_and_a_lower_one(run, arch):
    console = run.boot(computing("high", 'policy = "fixed"\npriority = 20'), computing("low", 'policy = "fixed"\npriority = 10'),
                       computing("fair", "weight = 10000"), attach="high", smp=1, arch=arch)
    console.expect("actor: computes")
    console.prompt()
    grown = growth(console, ("high", "low", "fair"), ran(1_500_000_000))
    check(grown["low"]["ran"] == grown["fair"]["ran"] == 0, f"others ran beside it: {grown}")


@on_both(limit=60)
def a_dedicated_vm_takes_no_interrupt_at_all(run, arch):
    """The guest masks its own interrupts and computes, while others compete for the other CPU."""
    owner = bare_metal("actor", name="owner", cmdline="S", extra='[scheduler]\npolicy = "dedicated"\n')
    console = run.boot(owner, computing("one", "weight = 100"), computing("two", "weight = 100"), attach="owner",
                       smp=2, arch=arch)
    console.expect("actor: spins")
    console.prompt()
    growth(console, ("owner",), ran(500_000_000))  # its own timer fires once, and stays pending
    grown = growth(console, ("owner", "one", "two"),
                   lambda grown: min(grown[name]["interrupts"] for name in ("one", "two")) > 100)
    check(grown["owner"]["interrupts"] == 0 and grown["owner"]["switches"] == 0 and grown["owner"]["waited"] == 0,
          f"it was disturbed: {grown['owner']}")
    check(grown["owner"]["ran"] > 0, f"its CPU did not run it: {grown['owner']}")


def exits(console, name):
    """Of the VM's first vCPU, by class."""
    vcpu = json.loads(console.order(f"vm stats {name} --json", r"^\[\{.*\]$").group(0))[0]
    return {kind: numbers["count"] for kind, numbers in vcpu["exits"].items()}


@test(limit=60)
def a_dedicated_vm_sleeps_in_its_guest_and_can_be_stopped_there(run):
    """Its timer wakes it again and again, and it never asks to wait; a shared one does each time."""
    owner = bare_metal("actor", name="owner", cmdline="N", extra='[scheduler]\npolicy = "dedicated"\n')
    console = run.boot(owner, bare_metal("actor", name="shared", cmdline="N"), attach="owner", smp=2)
    console.expect("actor: sleeps")
    console.prompt()
    console.see("shared", "actor: sleeps")
    before = {name: exits(console, name) for name in ("owner", "shared")}
    after = before
    while any(after[name]["interrupt"] < before[name]["interrupt"] + 10 for name in before):
        after = {name: exits(console, name) for name in before}
    check(after["owner"]["idle"] == before["owner"]["idle"], f"it waited: {before['owner']}, {after['owner']}")
    check(after["shared"]["idle"] >= before["shared"]["idle"] + 9, f"it did not wait: {before['shared']}, {after['shared']}")
    console.order("vm suspend owner", "suspended")
    console.order("vm resume owner", "resumed")
    console.order("vm destroy owner", "destroyed")


@on_both(limit=120)
def a_guest_that_resets_in_a_loop_leaves_its_neighbour_its_share(run, arch):
    """Nothing holds it back, so that it is loaded nearly all the time."""
    resetting = bare_metal("actor", name="resetting", memory="128MiB", cmdline="R", extra='restart_delay = "0s"\n')
    console = run.boot(computing("neighbour", "weight = 100"), resetting, attach="neighbour", smp=1, arch=arch)
    console.expect("actor: computes")
    console.prompt()
    console.order("loglevel error")

    def resetting():
        return json.loads(console.order("vm show resetting --json", r"^(\{.*\})\n").group(1))

    while (first := resetting())["resets"] == 0:
        console.drain(0.1)
    grown = growth(console, ("neighbour",), lambda _: resetting()["resets"] >= first["resets"] + 3)
    ran, others = grown["neighbour"]["ran"], resetting()["run_ns"] - first["run_ns"]
    check(ran > 0.8 * others, f"its neighbour ran for {ran} ns, and it was loaded and ran for {others} ns")

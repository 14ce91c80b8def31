# SPDX-License-Identifier: Apache-2.0
"""Every edge of a VM's life (docs/lifecycle.md), alone, in the middle of another, and beside VMs that run on."""

import json
import random
import time

from harness import OWN_TIME, PROMPT, bare_metal, check, on_both, test, vm


def actor(deeds="", name="actor", settings="", **more):
    """The guest that does what is typed; `deeds` it does by itself."""
    return bare_metal("actor", name=name, cmdline=deeds, extra=settings, **more)


def things_used(console):
    """What the guest finds that is not as after power-on."""
    return int(console.expect(r"actor: (\d+) things are not as after power-on\n").group(1))


def all_vms(console):
    """`vm list --json` by name."""
    return {machine["name"]: machine for machine in json.loads(console.order("vm list --json", r"^\[\{.*\]$").group(0))}


def clean_memory(console):
    """`mem --json` when the scrubber has been everywhere."""
    while True:
        memory = json.loads(console.order("mem --json", r'^\{"total".*\}$').group(0))
        if memory["dirty"] == 0:
            return memory


# --- starting anew

@test(limit=60, name="a_restarted_guest_finds_a_new_machine_with_gic_2", gic=2, settings="[devices]\nwatchdog = true\n")
@test(limit=60, name="a_restarted_guest_finds_a_new_machine_with_gic_3", gic=3, settings="[devices]\nwatchdog = true\n")
@test(limit=120, name="a_restarted_guest_finds_a_new_machine_on_loongarch64", arch="loongarch64")
def a_new_machine(run, settings="", **machine):
    console = run.boot(actor(settings=settings), **machine)
    check(things_used(console) == 0, "the first start finds a used machine")
    for command in (None, "vm restart actor", "vm stop actor --force", "vm suspend actor"):
        console.expect("actor: ready")
        console.send("D")
        check(things_used(console) >= 20, "the guest cannot dirty its machine")
        if command is None:
            console.send("R")
        else:
            console.prompt()
            console.order(command)
            if command != "vm restart actor":
                console.order("vm restart actor", "actor: restarted")
            console.attach("actor")
        check(things_used(console) == 0, f"something is left after {command or 'a reset'}")


@on_both(limit=60)
def a_hundred_vms_come_and_go_and_leave_nothing(run, arch):
    console = run.boot(actor(settings="autostart = false\n", memory="4MiB", vcpus=2), smp=2, arch=arch)
    console.expect(PROMPT)
    console.order("vm destroy actor", "destroyed")
    # The first round brings what stays for good, such as the heap's first pages.
    def rounds(count):
        console.orders((("vm create vms/actor.toml", "^actor: created"), ("vm start actor", "^actor: started"),
                        ("vm destroy actor", "^actor: destroyed")) * count)
        return clean_memory(console)
    before = rounds(1)
    after = rounds(100)
    check(before == after, f"before: {before}\nafter:  {after}")


@on_both(limit=30)
def a_vm_that_cannot_be_made_gives_its_memory_back_clean(run, arch):
    console = run.boot(actor(vcpus=2, settings='cpus = [0]\n[scheduler]\npolicy = "fair"\n'),
                       actor(name="greedy", vcpus=3, settings='[scheduler]\npolicy = "dedicated"\n'), attach="actor", smp=2,
                       arch=arch)
    console.expect("actor: ready")
    console.prompt()
    before = clean_memory(console)
    console.order("vm create vms/greedy.toml", "^error: ")
    after = clean_memory(console)
    check(before == after, f"before: {before}\nafter:  {after}")


@on_both(limit=60)
def a_vm_gets_memory_that_is_not_clean_yet(run, arch):
    """More than half of what there is, again and again: each time it is scrubbed while the new VM waits for it."""
    console = run.boot(actor(settings="autostart = false\n", memory="320MiB"), smp=2, arch=arch)
    console.expect(PROMPT)
    for _ in range(3):
        console.order("vm destroy actor", "^actor: destroyed")
        console.order("vm create vms/actor.toml", "^actor: created")


# --- stopping

@test(limit=60)
def a_guest_that_hears_the_power_key_ends_by_itself(run):
    console = run.boot(actor("K"), actor("k", name="deaf", settings='stop_timeout = "2s"\n'), actor(name="mute"),
                       attach="deaf", smp=2)
    console.expect("will ignore the power key")
    console.prompt()
    console.see("actor", "will end by the power key")
    console.see("mute", "ready")
    console.order("vm stop actor", r"(?s)asked to power itself off.*actor: powered itself off.*actor: stopped")
    start = time.monotonic()
    console.order("vm stop deaf", r"(?s)asked to power itself off.*deaf: stopped.*deaf: stopped")
    check(time.monotonic() - start >= 2, "it was not given the time that its file says")
    console.order("vm log deaf", "^actor: the power key")
    for command in ("vm stop mute", "vm start deaf", "vm stop deaf --force"):
        check("asked" not in console.order(command, rf"(?s).*?(started|stopped)\n{PROMPT}").group(0), f"{command} asked the guest")


@test(limit=60)
def the_machine_asks_all_guests_before_it_ends(run):
    console = run.boot(actor("K", name="one"), actor("K", name="two"), actor("k", name="deaf", settings='stop_timeout = "1s"\n'),
                       attach="deaf", smp=2)
    console.expect("will ignore the power key")
    console.prompt()
    for name in ("one", "two"):
        console.see(name, "will end by the power key")
    console.begin("poweroff")
    seen = console.expect(r"(?s).*switching off").group(0)
    for name in ("one", "two"):
        check(f"{name}: powered itself off" in seen, f"{name} was not asked")
    check(seen.index("deaf: asked") < seen.index("deaf: stopped"), "one was stopped without being asked")
    check(console.wait() == 0, "the machine did not switch off")


@test(limit=30)
def a_vm_whose_cpus_are_all_off_has_stopped(run):
    console = run.boot(actor(vcpus=2))
    console.expect("actor: ready")
    console.send("O")
    console.expect("all its vCPUs are off")
    console.expect(PROMPT)
    console.order("vm list", "actor +stopped")


def interrupt(console, command, answer):
    """Gives a command that takes long, and Ctrl-C when the shell is at it."""
    console.begin(command)
    console.send("\x03")
    console.expect(answer)
    console.expect(PROMPT)


@on_both(limit=60)
def a_vm_behind_a_spinning_one_of_a_better_class_can_be_stopped(run, arch):
    """It cannot be loaded there: that is done in its own class."""
    spinner = actor("S", name="spinner", settings='autostart = false\n[scheduler]\npolicy = "fixed"\npriority = 31\n')
    console = run.boot(vm("hello"), spinner, attach="hello", smp=1, arch=arch)
    console.expect("is ready")
    console.prompt()
    console.order("vm start spinner", "spinner: started")
    console.see("spinner", "actor: spins")
    for command, answer in (("suspend", "suspended"), ("resume", "resumed"), ("stop", "stopped")):
        console.order(f"vm {command} hello", rf"^hello: {answer}\n")
    interrupt(console, "vm start hello", "hello: not waited for; it will be started all the same")
    check(all_vms(console)["hello"]["starts"] == 1, "it was loaded while a guest of a better class did not wait")
    console.order("vm stop hello", r"^hello: stopped\n")
    for end in ("stop --force hello", "destroy hello"):
        console.order("vm start hello &")
        console.order(f"vm {end}", r"^hello: (stopped|destroyed)\n")
    console.order("vm create vms/hello.toml", "hello: created")
    console.order("vm destroy hello", "hello: destroyed")
    console.order("vm list", r"spinner +running")


@test(limit=60)
def a_stop_that_takes_long_can_be_left_and_overruled(run):
    console = run.boot(actor("k", name="deaf", settings='stop_timeout = "60min"\n'), attach="deaf", smp=2)
    console.expect("will ignore the power key")
    console.prompt()
    interrupt(console, "vm stop deaf", "deaf: not waited for; it will be stopped all the same")
    console.order("vm show deaf", "state +running, about to change")
    console.order("vm stop deaf --force", "^deaf: stopped")
    console.order("vm start deaf", "^deaf: started")
    console.see("deaf", "will ignore the power key")
    console.order("vm stop deaf &")
    console.order("vm restart deaf", "^deaf: restarted")
    console.order("vm show deaf", "state +running\n")
    console.see("deaf", "will ignore the power key")
    interrupt(console, "poweroff", "interrupted: the machine stays on, and the VMs are stopped all the same")
    console.order("vm stop deaf --force", "^deaf: stopped")


@test(limit=60)
def a_vm_that_waits_to_be_restarted_can_be_stopped(run):
    crashing = actor("x", name="crashing", settings='on_crash = "restart"\nrestart_limit = 9\nrestart_delay = "1min"\n'
                                                    "[devices]\nwatchdog = true\n")
    resetting = actor("R", name="resetting", settings='restart_delay = "1min"\n')
    console = run.boot(crashing, resetting, attach="crashing", smp=2)
    console.expect("crashing: crashed: its watchdog expired twice")
    console.prompt()
    console.order("vm stop crashing", "^crashing: stopped")
    while all_vms(console)["resetting"]["resets"] < 2:
        pass
    for command, answer in (("suspend", "suspended"), ("resume", "resumed"), ("stop", "stopped"), ("start", "started")):
        console.order(f"vm {command} resetting", rf"^resetting: {answer}\n")
    console.order("vm list", r"crashing +stopped")


@on_both(limit=60)
def a_guest_that_resets_again_and_again_waits_longer_each_time(run, arch):
    console = run.boot(actor("R", settings='restart_delay = "20ms"\n'), arch=arch)
    console.expect("actor: reset\n")
    for count, pause in (2, 20), (3, 40), (4, 80), (5, 160):
        console.expect(rf"actor: reset, {count} times in a row; starts again in {pause} ms\n")


# --- watchdogs

@test(limit=60)
def a_guest_that_leaves_its_watchdog_alone_has_crashed(run):
    settings = 'on_crash = "restart"\nrestart_limit = 1\nrestart_delay = "100ms"\n[devices]\nwatchdog = true\n'
    console = run.boot(actor("W", settings=settings))
    for _ in range(2):
        console.expect("leaves its watchdog alone")
        console.expect("the watchdog barks")
        console.expect("actor: crashed: its watchdog expired twice")
    console.expect("stays down after 1 restarts")
    console.expect(PROMPT)
    console.order("vm crash actor", "watchdog expired twice")


TEN_SECONDS, A_MINUTE = ("z", "has slept ten seconds"), ("Z", "has slept a minute")


def let_time_pass(console, deed, answer):
    """From the prompt and back, by a guest `sleeper` that sleeps."""
    console.attach("sleeper")
    console.send(deed)
    console.expect(answer)
    console.prompt()


@test(limit=60)
def a_guest_that_feeds_its_watchdog_lives_on_even_when_it_was_suspended(run):
    console = run.boot(actor("w", name="fed", settings="[devices]\nwatchdog = true\n"), actor(name="sleeper"), attach="fed",
                       smp=2, extra=OWN_TIME)
    console.expect("feeds its watchdog")
    console.prompt()
    console.see("sleeper", "actor: ready")
    console.order("vm suspend fed", "suspended")
    let_time_pass(console, *A_MINUTE)
    check(all_vms(console)["fed"]["state"] == "suspended", "time that it did not have counts against it")
    console.order("vm resume fed", "resumed")
    let_time_pass(console, *A_MINUTE)
    check(all_vms(console)["fed"]["state"] == "running", "it bit although it was fed")


@on_both(limit=240, name="a_guests_counters_stand_still_while_it_is_suspended", settings="", counters=0)
@on_both(limit=300, name="a_guests_counters_run_on_where_its_file_says_so", settings='clock = "host"\n', counters=10)
def suspended_for_ten_seconds(run, arch, settings, counters):
    console = run.boot(actor("V", name="frozen", settings=settings), actor(name="sleeper"), attach="frozen", smp=2, arch=arch)
    console.expect("watches its clocks")
    console.prompt()
    console.see("sleeper", "actor: ready")
    console.order("vm suspend frozen", "suspended")
    let_time_pass(console, *TEN_SECONDS)
    console.order("vm resume frozen", "resumed")
    console.attach("frozen")
    console.send("?")
    moved = console.expect(r"at most (\d+) s of its counter, (\d+) s of the other one, (\d+) s of its clock")
    counter, other, clock = map(int, moved.groups())
    # Looks are apart by what the machine does between them, and never by much of ten seconds.
    near = range(counters, counters + 6)
    check(counter in near and other in near, f"the counters moved by {counter} s and {other} s at once")
    check(clock >= 10, f"the real-time clock moved by {clock} s at most")


@test(limit=60)
def a_guest_that_spins_with_its_interrupts_masked_has_crashed(run):
    """Guests that compute, poll a device or wait are left alone, however slow the machine under them is."""
    patient = 'progress_timeout = "4s"\n'
    busy, idle, polling = actor("C", name="busy", settings=patient), actor(name="idle", settings=patient), vm("uboot")
    polling.text = patient + polling.text
    stuck = actor("S", name="stuck", vcpus=2, settings='progress_timeout = "1s"\non_crash = "restart"\nrestart_limit = 1\n')
    # Nobody sees it sleep, and whenever somebody looks its interrupts are masked.
    alone = actor("N", name="alone", settings='progress_timeout = "1s"\n[scheduler]\npolicy = "dedicated"\n')
    console = run.boot(busy, polling, idle, stuck, alone, attach="busy", smp=3)
    console.expect("stuck: vCPU 0 crashed at .*: no progress, with its interrupts masked")
    console.expect("stuck: vCPU 0 crashed at .*: no progress, with its interrupts masked")
    console.expect("stuck: stays down")
    console.prompt()
    ran = all_vms(console)["busy"]["run_ns"]
    while all_vms(console)["busy"]["run_ns"] < ran + 6_000_000_000:
        pass
    for name in ("busy", "uboot", "idle", "alone"):
        console.order("vm list", rf"{name} +running")


# --- one edge in the middle of another

def crash_soon(name, delay):
    """A guest whose watchdog makes it crash again and again, each time soon after its start."""
    return actor("x", name=name, vcpus=2, settings=f'on_crash = "restart"\nrestart_limit = 1000\nrestart_delay = "{delay}"\n'
                                                   "[devices]\nwatchdog = true\n")


# docs/lifecycle.md, "Every edge": where what the user asks for leads.
EDGES = {"start": {"created": "running", "stopped": "running", "crashed": "running"},
         "stop": dict.fromkeys(("running", "suspended", "crashed"), "stopped"),
         "suspend": {"running": "suspended"},
         "resume": {"suspended": "running"},
         "restart": dict.fromkeys(("created", "running", "suspended", "stopped", "crashed"), "running")}


class Life:
    """The state that each VM must come to by what was asked of it."""

    def __init__(self, names):
        self.states = dict.fromkeys(names, "running")

    def take(self, line, answer):
        event, name = line.removesuffix(" &").replace(" --force", "").split()[1:]
        if event in ("destroy", "create"):
            name = name.removeprefix("vms/").removesuffix(".toml")
            check(answer == "ok", f"{line}: {answer}")
            self.states[name] = "created" if event == "create" else None
        elif answer == "ok":
            self.states[name] = EDGES[event].get(self.states[name], self.states[name])
        else:
            check(": cannot " in answer or ": not possible in this state" in answer, f"{line}: {answer}")

    def compare(self, console):
        while True:
            console.send("vm list --json\n")
            found = {vm["name"]: vm for vm in json.loads(console.expect(r"^(\[.*\])\nok\n").group(1))}
            if not any(found[name]["changing"] for name in self.states if name != "crashing"):
                break
        for name, state in self.states.items():
            # One that crashes by itself is restarted, and may do so before it is suspended.
            right = {"running", "crashed", state} if name == "crashing" and state in ("running", "suspended") else {state}
            check(found[name]["state"] in right, f"{name} is {found[name]['state']}, not {state}")


@test(limit=180, name="events_in_the_middle_of_others_leave_vms_in_order", seed=1)
@test(limit=180, only_full=True, name="events_in_the_middle_of_others_leave_vms_in_order_again", seed=2)
def events_overtake_each_other(run, seed):
    """Stop during start, destroy during restart, crash during suspend, CPU_ON racing CPU_OFF: nobody waits for anything."""
    names = ("crashing", "starting", "deaf", "tiny")
    console = run.boot(crash_soon("crashing", "1ms"), actor("t", name="starting", vcpus=4),
                       actor("k", name="deaf", settings='stop_timeout = "50ms"\n'), actor(name="tiny", memory="4MiB"),
                       vm("hello"), attach="hello", smp=2)
    console.expect("is ready")
    console.prompt()
    console.order("loglevel error")
    console.begin("batch on")
    life = Life(names)
    dice = random.Random(seed)
    events = ["start", "stop", "stop --force", "suspend", "resume", "restart", "restart"]
    for _ in range(15):
        lines = [f"vm {dice.choice(events)} {dice.choice(names)} &" for _ in range(20)]
        victim = dice.choice(names)
        lines += [f"vm restart {victim} &", f"vm destroy {victim}", f"vm create vms/{victim}.toml", f"vm start {victim} &"]
        for line in lines:
            console.send(line + "\n")
        for line in lines:
            life.take(line, console.expect(r"^(ok|error: .*)\n").group(1))
        life.compare(console)
    # Every VM still obeys, and what comes after is as if nothing had been.
    for name in names:
        for line in (f"vm restart {name}", f"vm suspend {name}", f"vm resume {name}", f"vm destroy {name}"):
            console.send(line + "\n")
            answer = console.expect(r"^(ok|error: .*)\n").group(1)
            check(answer == "ok" or name == "crashing", f"{line}: {answer}")
    console.send("batch off\n")
    console.expect(PROMPT)
    console.order("vm list", r"hello +running")
    clean_memory(console)
    console.order("mem", r"(?s)dirty +0B.*guest tags +1 ")


@on_both(limit=60, name="no_start_of_a_cpu_is_lost_on_4_cpus", smp=4)
@on_both(limit=60, name="no_start_of_a_cpu_is_lost_on_1_cpu", smp=1)
def starts_race_with_ends(run, arch, smp):
    console = run.boot(actor("T", vcpus=4), smp=smp, arch=arch)
    console.expect("3 CPUs started 200 times each, 0 starts went wrong")


# --- many at once

@test(limit=180)
def four_vms_live_their_lives_beside_each_other(run):
    second = run.file("second.toml", vm("linux", name="second").text)
    console = run.plinth("run", "linux", second, "uboot", "hello", "--smp", "2")
    console.expect(PROMPT)

    def keep_busy(name):
        console.attach(name)
        console.login()
        console.shell("yes > /dev/null & true")
        console.prompt()
    keep_busy("linux")
    keep_busy("second")
    console.see("hello", "is ready")
    for name in ("linux", "second", "uboot", "hello"):
        for command, answer in (("suspend", "suspended"), ("resume", "resumed"), ("restart", "restarted"),
                                ("stop", "stopped"), ("start", "started")):
            before = all_vms(console)
            console.order(f"vm {command} {name}", rf"^{name}: {answer}\n")
            for other in set(before) - {name}:
                while (after := all_vms(console))[other]["run_ns"] == before[other]["run_ns"]:
                    pass
                check(after[other]["state"] == "running", f"{other} does not run any more after {command} of {name}")
            if name == "hello" and command in ("restart", "start"):
                console.see("hello", "is ready")
        after = all_vms(console)
        check(after[name]["state"] == "running" and after[name]["starts"] == 3, f"{name}: {after[name]}")
    console.attach("hello")
    console.send("still here")
    console.expect("still here")


# --- the shell

@on_both(limit=30)
def the_shell_says_what_is_possible_instead(run, arch):
    console = run.boot(vm("hello"), actor(name="helper", settings="autostart = false\n"), attach="hello", arch=arch)
    console.expect("is ready")
    console.prompt()
    for line, answer in {
            "vm stop nobody": r"there is no VM 'nobody', but hello, helper",
            "vm show hel": r"'hel' could be hello, helper",
            "vm start hello": r"hello is running: cannot start it; possible: stop, suspend, restart, destroy",
            "vm stop helper": r"helper is created: cannot stop it; possible: start, restart, destroy",
            "vm resume 1": r"hello is running: cannot resume it; possible: .*",
            "vm create vms/none.toml": r"the bundle has no VM file 'vms/none\.toml'; there are .*hello\.toml.*helper\.toml.*",
            "vm create vms/hello.toml": r"vms/hello\.toml: .*",
            "vm": r"'vm' what\? There are list, .*",
            "vm stop": r"usage: vm stop VM \[--force\]",
            "vm stop hello --now": r"'vm stop' does not take --now; usage: .*"}.items():
        console.order(line, rf"^error: {answer}$")

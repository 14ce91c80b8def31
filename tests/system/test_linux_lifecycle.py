# SPDX-License-Identifier: Apache-2.0
"""What an unmodified Debian kernel makes of CPUs that come and go, of its power key and of its watchdog."""

import re

from harness import check, image, test, vm


def numbers(console, command):
    """Lines `name: a b c ...` of a command's output, as lists by name."""
    found = {}
    for line in console.shell(command).splitlines():
        match = re.match(r"\s*(\w+):?((?:\s+\d+)+)", line)
        if match:
            found[match.group(1)] = [int(word) for word in match.group(2).split()]
    return found


@test(limit=150, name="linux_uses_four_vcpus_on_4_cpus", smp=4)
@test(limit=150, name="linux_uses_four_vcpus_on_2_cpus", smp=2)
@test(limit=150, name="linux_uses_four_vcpus_on_1_cpu", smp=1)
@test(limit=240, name="linux_uses_four_vcpus_on_4_cpus_of_loongarch64", smp=4, arch="loongarch64")
@test(limit=240, name="linux_uses_four_vcpus_on_2_cpus_of_loongarch64", smp=2, arch="loongarch64")
@test(limit=240, name="linux_uses_four_vcpus_on_1_cpu_of_loongarch64", smp=1, arch="loongarch64")
def four_vcpus(run, smp, arch="aarch64"):
    console = run.boot(vm("linux", vcpus=4), smp=smp, arch=arch)
    console.login()
    check(console.shell("nproc").strip() == "4", "it does not have 4 CPUs")
    console.shell("dmesg -n 1; cd /sys/devices/system/cpu")
    console.shell("put() { for c in 1 2 3; do echo $1 > cpu$c/online; done; nproc; }")
    counts = console.shell("for i in $(seq 10); do put 0; put 1; done").split()
    check(counts == ["1", "4"] * 10, f"CPUs that went off and on: {counts}")
    before = numbers(console, "cat /proc/stat")
    console.shell("for c in 0 1 2 3; do taskset -c $c sh -c 'while :; do :; done' & done")
    console.shell("sleep 3; kill $(jobs -p)")
    after = numbers(console, "cat /proc/stat")
    busy = [sum(after[f"cpu{n}"][:3]) - sum(before[f"cpu{n}"][:3]) for n in range(4)]
    # This machine may have fewer CPUs, and other work: all that is known is that nobody may stand still.
    check(min(busy) >= 10, f"ticks that each CPU was busy in 3 s: {busy}")
    ipis = numbers(console, "grep IPI /proc/interrupts")
    for kind in ("IPI0", "IPI1"):
        check(sum(count > 0 for count in ipis[kind]) == 4, f"{kind} did not reach every CPU: {ipis[kind]}")
    faults = console.shell("dmesg | grep -iE 'BUG|WARNING|Oops|call trace|stall|failed to come' || echo none")
    check(faults.strip() == "none", f"the kernel complains:\n{faults}")


@test(limit=120)
def linux_hears_the_power_key(run):
    """The cloud kernel has no driver for gpio-keys, but one for the controller behind it."""
    console = run.boot(vm("linux"))
    console.login()
    console.shell("cd /sys/class/gpio; n=$(($(cat gpiochip*/base) + 3)); echo $n > export; cd gpio$n; echo rising > edge")
    check(console.shell("cat value").strip() == "0", "the key is pressed already")
    console.send("echo be''gun; while read v < value && [ $v = 0 ]; do :; done; poweroff\n")
    console.expect("begun\n")
    console.prompt()
    console.order("vm stop linux", r"(?s)linux: asked to power itself off.*linux: powered itself off.*linux: stopped")


@test(limit=120)
def linux_is_restarted_by_its_watchdog(run):
    guest = vm("linux", on_crash='"restart"', restart_delay='"0s"')
    guest.text += "\n[devices]\nwatchdog = true\n"
    guest.images["linux/initramfs.cpio.gz"] = image("linux/initramfs.cpio.gz") + image("linux/watchdog.cpio.gz")
    console = run.boot(guest)
    console.login()
    found = console.shell("insmod /modules/watchdog.ko; insmod /modules/sbsa_gwdt.ko; dmesg | grep sbsa-gwdt")
    check("Initialized" in found, f"the driver does not find its device:\n{found}")
    console.shell("watchdog -t 1 -T 4 /dev/watchdog0; sleep 6; cat /sys/class/watchdog/watchdog0/state")
    console.send("kill -9 $(pidof watchdog)\n")
    console.expect("linux: crashed: its watchdog expired twice")
    console.login()

# SPDX-License-Identifier: Apache-2.0
"""An unmodified Debian kernel as a guest, from its boot to five reboots."""

import gzip
import itertools
import re
import struct
import time

from harness import ESCAPE, GUEST_PROMPT, OWN_TIME, PROMPT, bare_metal, check, image, on_both, test, vm

GICS, CPUS, SMPS = (2, 3), ("cortex-a53", "cortex-a72", "max"), (1, 4)
# Every pair of values occurs; --full runs the whole product.
PAIRWISE = {(2, "cortex-a53", 1), (3, "cortex-a53", 4), (2, "cortex-a72", 4), (3, "cortex-a72", 1), (2, "max", 1),
            (3, "max", 4)}


def linux_boots(run, gic, cpu, smp):
    console = run.boot(vm("linux", vcpus=smp), gic=gic, cpu=cpu, smp=smp)
    console.login()
    check(console.shell("nproc").strip() == str(smp), f"the guest does not have {smp} CPUs")
    check(console.shell("uname -m").strip() == "aarch64", "typed input does not reach the guest")
    log = console.shell("dmesg | grep -iE 'PMU driver|BUG|WARNING|Oops|call trace'").splitlines()
    # All of QEMU's CPUs have six event counters; the seventh counts cycles.
    check(any(re.search(r"armv8_pmuv3.*, 7 .*counters available", line) for line in log),
          f"the guest finds no performance monitors: {log}")
    faults = [line for line in log if line.strip() and "PMU driver" not in line]
    check(not faults, "the guest's kernel complains:\n" + "\n".join(faults))
    features = console.shell("grep -m 1 Features /proc/cpuinfo").split()
    check(("sve" in features) == (cpu == "max"), f"SVE is there only where the CPU has it: {features}")


for _gic, _cpu, _smp in itertools.product(GICS, CPUS, SMPS):
    test(limit=120, only_full=(_gic, _cpu, _smp) not in PAIRWISE, gic=_gic, cpu=_cpu, smp=_smp,
         name=f"linux_boots_to_its_shell_with_gic_{_gic}_on_{_smp}_{_cpu.replace('-', '_')}")(linux_boots)


@test(limit=120)
def linux_finds_the_its_unless_the_vm_has_none(run):
    console = run.boot(vm("linux", vcpus=2), vm("linux", name="without", its="false"), attach="linux", mem="1G")
    console.login()
    log = console.shell("dmesg | grep -E 'ITS|LPI'")
    for line in ("ITS [mem 0x08080000-0x0809ffff]", "Using hypervisor restricted LPI range [2048]",
                 "CPU0: using allocated LPI pending table", "CPU1: using allocated LPI pending table"):
        check(line in log, f"no line {line!r} in the guest's log:\n{log}")
    check("failed" not in log and "rror" not in log, f"the guest's kernel complains:\n{log}")
    console.prompt()
    console.attach("without")
    console.login()
    check("LPI" not in console.shell("dmesg | grep LPI"), "there is an ITS that the VM's file forbids")


def interrupts(console):
    """Interrupt counts by device name, as /proc/interrupts has them."""
    text = console.shell("cat /proc/interrupts")
    found = {}
    for line in text.splitlines():
        match = re.match(r"\s*\w+:((?:\s+\d+)+)\s+(.*)", line)
        if match:
            found[match.group(2).split()[-1]] = sum(map(int, match.group(1).split()))
    return found


@test(limit=120, devices=("arch_timer", "uart-pl011"))
@test(limit=200, name="timer_and_uart_interrupts_count_in_proc_interrupts_on_loongarch64", devices=("timer", "ttyS0"),
      arch="loongarch64")
def timer_and_uart_interrupts_count_in_proc_interrupts(run, devices, arch="aarch64"):
    console = run.boot(vm("linux"), arch=arch)
    console.login()
    before = interrupts(console)
    console.shell("sleep 1; echo some typed characters")
    after = interrupts(console)
    for device in devices:
        check(after[device] > before[device], f"{device} does not count: {before[device]}, then {after[device]}")


@test(limit=120)
@test(limit=200, name="two_seconds_of_sleep_take_two_seconds_on_1_cpu_of_loongarch64", smp=1, arch="loongarch64")
def two_seconds_of_sleep_take_two_seconds(run, arch="aarch64", **machine):
    console = run.boot(vm("linux"), arch=arch, **machine)
    console.login()
    for clock in ("date +%s", "cut -d. -f1 /proc/uptime"):
        start = time.monotonic()
        first, last = map(int, console.shell(f"{clock}; sleep 2; {clock}").split())
        outside = time.monotonic() - start
        check(2 <= last - first <= outside + 1, f"sleep 2 took {last - first} s by {clock}, and {outside:.1f} s outside")
    now = int(console.shell("date +%s"))
    # Debian's kernel for LoongArch has no driver for the clock of its board.
    check(arch == "loongarch64" or now > 1_600_000_000, f"the guest's clock was never set: {now}")


def processor_times(console):
    """Hundredths of a second that the guest's kernel counted, by the columns of proc_stat(5)."""
    values = console.shell("head -n 1 /proc/stat").split()[1:]
    return dict(zip(("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"), map(int, values)))


@on_both(limit=300)
def a_guest_knows_what_time_was_stolen_from_it(run, arch):
    """Beside an equal that never waits, a busy guest has half of the time, and must not take the other half for its own."""
    console = run.boot(vm("linux"), bare_metal("actor", cmdline="C"), attach="linux", smp=1, mem="1G", arch=arch,
                       extra=OWN_TIME)
    console.login()
    before = processor_times(console)
    console.shell("timeout 4 sh -c 'while :; do :; done'")
    after = processor_times(console)
    grown = {column: after[column] - before[column] for column in after}
    share = grown["steal"] / sum(grown.values())
    check(0.35 < share < 0.65, f"{share:.0%} of its time was stolen by the guest's account: {grown}")


@on_both(limit=300)
def a_guest_that_is_offered_nothing_finds_nothing(run, arch):
    console = run.boot(vm("linux", paravirtual="false"), bare_metal("actor", cmdline="C"), attach="linux", smp=1,
                       mem="1G", arch=arch)
    console.login()
    console.shell("timeout 1 sh -c 'while :; do :; done'")
    check(processor_times(console)["steal"] == 0, "time is stolen from a guest that was offered no such account")


@test(limit=300, arch="loongarch64")
def linux_interrupts_its_cpus_by_hypercall(run, arch):
    console = run.boot(vm("linux", vcpus=4), smp=4, arch=arch)
    console.login()
    console.shell("for n in 1 2 3 4 5 6 7 8 9; do taskset 1 true; taskset 2 true; taskset 4 true; taskset 8 true; done")
    count = interrupts(console)
    check(count.get("SWI0-IPI", 0) > 0, f"no interrupt came by hypercall: {count}")


@test(limit=120)
@test(limit=200, name="control_keys_reach_the_guest_on_loongarch64", arch="loongarch64")
def control_keys_reach_the_guest(run, arch="aarch64"):
    console = run.boot(vm("linux"), arch=arch)
    console.login()
    # The quotes keep the word out of the echo: when it is there, the shell has given the terminal away.
    console.send("sh -c \"echo be''gun; exec sleep 1000\"\n")
    console.expect("begun\n")
    console.send("\x03")
    console.expect(GUEST_PROMPT)
    console.send("echo be''gun; cat\n")
    console.expect("begun\n")
    console.send("one line\n")
    console.expect("one line\n(?:.*\n)*?one line\n")
    console.send("\x04")
    console.expect(GUEST_PROMPT)


@test(limit=120)
@test(limit=200, name="a_break_from_the_console_reaches_linux_on_loongarch64", arch="loongarch64")
def a_break_from_the_console_reaches_linux(run, arch="aarch64"):
    """Linux takes the character behind it for a SysRq command."""
    console = run.boot(vm("linux"), arch=arch)
    console.login()
    console.shell("echo 1 > /proc/sys/kernel/sysrq; dmesg -n 8")
    console.send(ESCAPE + "\x02h")
    console.expect("sysrq: HELP : ")


@test(limit=120)
@test(limit=200, name="much_typed_input_arrives_complete_on_loongarch64", arch="loongarch64")
def much_typed_input_arrives_complete(run, arch="aarch64"):
    console = run.boot(vm("linux"), arch=arch)
    console.login()
    console.send("stty -echo; echo be''gun; cat > /tmp/typed\n")
    console.expect("begun\n")
    lines = [f"{number:04d} the quick brown fox jumps over the lazy dog" for number in range(60)]
    console.send("\n".join(lines) + "\n")
    console.send("\x04")
    console.expect(GUEST_PROMPT)
    got = console.shell("wc -c < /tmp/typed; stty echo").split()[0]
    check(int(got) == sum(len(line) + 1 for line in lines), f"{got} characters arrived")


@test(limit=120)
@test(limit=200, name="poweroff_ends_the_vm_and_leaves_the_prompt_alive_on_loongarch64", arch="loongarch64")
def poweroff_ends_the_vm_and_leaves_the_prompt_alive(run, arch="aarch64"):
    console = run.boot(vm("linux"), arch=arch)
    console.login()
    console.send("poweroff\n")
    console.expect("linux: powered itself off")
    console.expect(PROMPT)
    console.order("vm list", r"linux.*stopped")
    console.order("help", r"vm")


@test(limit=240)
@test(limit=400, name="linux_reboots_five_times_in_a_row_on_loongarch64", arch="loongarch64")
def linux_reboots_five_times_in_a_row(run, arch="aarch64"):
    console = run.boot(vm("linux", vcpus=2), arch=arch)
    console.login()
    for _ in range(5):
        console.send("reboot\n")
        console.expect("reboot: Restarting system")
        console.login()
    check(console.shell("nproc").strip() == "2", "a CPU got lost on the way")


@test(limit=120)
def four_busy_vcpus_share_two_cpus(run):
    console = run.boot(vm("linux", vcpus=4), smp=2)
    console.login()
    console.shell("for i in 1 2 3 4; do (while :; do :; done) & done; true")
    check(console.shell("nproc").strip() == "4", "the guest does not have 4 CPUs")
    console.shell("sleep 2; kill $(jobs -p)")


@test(limit=300)
def a_busy_linux_that_was_suspended_for_long_finds_nothing_late(run):
    sleeper = bare_metal("actor", name="sleeper")
    console = run.boot(vm("linux", vcpus=2), sleeper, attach="linux", smp=2)
    console.login()
    # It complains sooner than it would by itself: ten seconds show what a minute shows.
    console.shell("echo 4 > /proc/sys/kernel/watchdog_thresh; echo 8 > /sys/module/rcupdate/parameters/rcu_cpu_stall_timeout")
    console.shell("for i in 1 2; do (while :; do :; done) & done; true")

    def clocks():
        wall, uptime = console.shell("cat /sys/class/rtc/rtc0/since_epoch; cut -d. -f1 /proc/uptime").split()
        return int(wall), int(uptime)
    wall, uptime = clocks()
    console.prompt()
    console.order("vm suspend linux", "linux: suspended")
    console.attach("sleeper")
    console.expect("actor: ready")
    console.send("z")
    console.expect("has slept ten seconds")
    console.prompt()
    console.order("vm resume linux", "linux: resumed")
    console.attach_shell("linux")
    later, up = clocks()
    check(later - wall >= 10, f"the real-time clock moved by {later - wall} s only")
    check(later - wall - (up - uptime) >= 8, f"{up - uptime} s of {later - wall} s passed for the guest")
    complaints = console.shell("dmesg | grep -ciE 'lockup|stall|clocksource.*unstable'").strip()
    check(complaints == "0", f"{complaints} complaints of the kernel")


@test(limit=120)
def memory_and_command_line_are_edits_of_the_vm_file(run):
    console = run.boot(vm("linux", memory="192MiB", cmdline="console=ttyAMA0 quiet marker=4711"))
    console.expect(r"on aarch64, 1 CPU\(s\), (1[5-9]\d) MiB")
    console.login()
    check("marker=4711" in console.shell("cat /proc/cmdline"), "the command line did not arrive")


def zboot(kernel):
    """The kernel as an EFI program that unpacks it (`vmlinuz.efi`), told by what a boot loader reads of one: Linux,
    drivers/firmware/efi/libstub/zboot-header.S."""
    payload = gzip.compress(kernel, 1, mtime=0)
    pe = struct.pack("<4sHHIIIHH", b"PE\0\0", 0xaa64, 0, 0, 0, 0, 0, 0x0206)  # IMAGE_FILE_MACHINE_ARM64
    header = struct.pack("<2sxx4sIIQ32sII", b"MZ", b"zimg", 4096, len(payload), 0, b"gzip", 0x818223cd, 64) + pe
    return header.ljust(4096, b"\0") + payload


@test(limit=120)
def two_linux_guests_run_side_by_side_one_of_them_packed_as_an_efi_program(run):
    first, second = vm("linux", name="left", memory="192MiB"), vm("linux", name="right", memory="192MiB")
    second.text = second.text.replace("linux/Image", "linux/vmlinuz.efi")
    second.images["linux/vmlinuz.efi"] = zboot(image("linux/Image"))
    del second.images["linux/Image"]
    console = run.boot(first, second, attach="left", mem="768M")
    console.login()
    for name in ("left", "right", "left"):
        console.prompt()
        console.attach_shell(name)
        check(console.shell("cat /tmp/who 2>/dev/null || echo nobody").strip() in (name, "nobody"), "consoles are mixed up")
        console.shell(f"echo {name} > /tmp/who")


@test(limit=120)
def a_passed_through_clock_shows_the_hosts_time(run):
    guest = vm("linux")
    guest.text += '\n[[passthrough]]\naddress = 0x0901_0000\nsize = "4KiB"\nguest = 0x0b00_0000\n'
    console = run.boot(guest)
    console.login()
    shown, identity, now = console.shell("devmem 0xb000000; devmem 0xb000fe0; date +%s").split()
    check(int(identity, 16) == 0x31, f"no PL031 at the guest's address: identification {identity}")
    check(abs(int(now) - int(shown, 16)) <= 5, f"the host's clock reads {int(shown, 16)}, the guest's own {now}")


@test(limit=60)
def interrupts_of_a_passed_through_device_are_refused(run):
    guest = vm("linux")
    guest.text += '\n[[passthrough]]\naddress = 0x0901_0000\nsize = "4KiB"\nguest = 0x0b00_0000\nirqs = [34]\n'
    run.boot(guest).expect(r"`passthrough\.irqs`: a passed-through device")


@test(limit=120)
def a_rom_shows_its_image_and_drops_writes(run):
    guest = vm("linux")
    guest.text = re.sub(r"^memory = .*\n", "", guest.text, flags=re.MULTILINE)
    guest.text += '\n[[memory.region]]\naddress = 0x4000_0000\nsize = "256MiB"\nkind = "ram"\n'
    guest.text += '\n[[memory.region]]\naddress = 0x6000_0000\nsize = "4MiB"\nkind = "rom"\nimage = "linux/initramfs.cpio.gz"\n'
    console = run.boot(guest)
    console.login()
    first, again = console.shell("devmem 0x60000000; devmem 0x60000000 32 0x12345678; devmem 0x60000000").split()
    check(int(first, 16) & 0xffff == 0x8b1f, f"the ROM does not begin as a gzip file does: {first}")
    check(first == again, f"a write reached the ROM: {again}")


COMPLAINTS = "stall|lockup|hung_task|blocked for more|clocksource.*unstable|BUG|WARNING|Oops|call trace|no irq handler"


@test(limit=300, name="linux_works_hard_without_complaint_on_loongarch64", seconds=10)
@test(limit=1800, only_full=True, name="linux_works_hard_for_ten_minutes_without_complaint_on_loongarch64", seconds=600)
@test(limit=600, name="linux_works_hard_without_complaint_by_counted_instructions_on_loongarch64", seconds=2,
      extra=["-icount", "shift=1,sleep=off", "-accel", "tcg,thread=single"])
def works_hard(run, seconds, extra=()):
    """Debian's stress-ng: computation with vectors, memory, processes, timers, switches, interrupts between CPUs."""
    guest = vm("linux", vcpus=2, memory="512MiB")
    guest.images["linux/initramfs.cpio.gz"] = (image("linux/initramfs.cpio.gz", "loongarch64") +
                                               image("linux/stress-ng.cpio.gz", "loongarch64"))
    console = run.boot(guest, arch="loongarch64", smp=2, mem="1G", extra=list(extra))
    console.login()
    kinds = ("cpu", "vecmath", "vm", "fork", "timer", "switch", "futex", "mmap", "tlb-shootdown")
    stressors = " ".join(f"--{kind} 1" for kind in kinds)
    said = console.shell(f"LD_LIBRARY_PATH=/lib stress-ng {stressors} --vm-bytes 16m --mmap-bytes 16m --timeout {seconds} "
                         "--verify 2>&1")
    check("successful run completed" in said, f"stress-ng is not content:\n{said}")
    complaints = console.shell(f"dmesg | grep -iE '{COMPLAINTS}' || echo none")
    check(complaints.strip() == "none", f"the kernel complains:\n{complaints}")

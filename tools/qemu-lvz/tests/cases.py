# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests: each a function of a Context that returns a detail to print, or raises Wrong or Skipped."""

import os
import re
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import emulator
import programs
from monitor import Monitor
from plinth import guests
from plinth.ui import say

FEWEST_CHECKS = 200          # of the probe, which has many more
FUZZ_SEEDS, FUZZ_FACTOR = 6, 20
PROBE_LIMIT = 300            # seconds, on a busy machine; it takes a few
BOOT_LIMIT = 180
LOAD_SECONDS = 45
LONG_LOAD_SECONDS = 600
LOAD_SLACK = 240             # booting, and the last round of each guest
LINUX_GUEST_SECONDS = 300    # at most; it takes half a minute
QEMU_GUEST_SECONDS = 420     # at most, on a busy machine
MIGRATION_LOAD_SECONDS = 12
MIGRATION_AFTER_SECONDS = 4
LINES_OF_EVIDENCE = 160      # of a failed test's log: its end and both CPUs' registers
OVERHEAD_LIMIT = 3.0         # per cent
OVERHEAD_PAIRS = 15          # of boots, patched and unpatched

KERNEL_LINE = "console=ttyS0,115200 initcall_blacklist=i8042_init"  # no ISA window here: its i8042 probe would panic


class Wrong(Exception):
    """The test failed; the text says in which way, and `log` is the file that has more."""

    def __init__(self, text, log=None):
        super().__init__(f"{text}; {log}" if log else text)
        self._log = log

    def evidence(self):
        """The end of the log, for readers who cannot see the file."""
        lines = self._log.read_text(errors="replace").replace("\r", "").splitlines() if self._log else []
        return "".join(f"\n    {line}" for line in lines[-LINES_OF_EVIDENCE:])


class Skipped(Exception):
    """The test cannot run here, or was not asked for; the text says why."""


@dataclass
class Context:
    qemu: Path
    logs: Path
    long: bool
    seconds: int
    unpatched: Path
    build_unpatched: object
    refresh: bool
    chosen: set
    _made: dict = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)

    def probe(self):
        return self._once("probe", programs.probe)

    def initramfs(self):
        return self._once("initramfs", programs.load_initramfs)

    def kernel(self):
        return self._once("kernel", lambda: guests.image("linux/Image", "loongarch64", self.refresh))

    def _once(self, name, make):
        with self._making:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]


def run_probe(context, name, line, *options, qemu=None, cpu="la464", fewest=FEWEST_CHECKS):
    log = context.logs / f"{name}.log"
    result = emulator.run(qemu or context.qemu, ["-cpu", cpu, "-m", "1G", *options, "-kernel", context.probe(),
                                                 "-append", line], log, PROBE_LIMIT)
    bad = [row for row in result.text.splitlines() if row.startswith("not ok ")]
    closing = re.search(r"^(\d+) passed, (\d+) failed$", result.text, re.MULTILINE)
    for row in bad[:10]:
        say(f"  {row}")
    if result.ended_badly() or not closing:
        raise Wrong(f"{result.ended_badly() or 'no closing line'}; {len(bad)} checks had failed", log)
    if bad:
        raise Wrong(f"{len(bad)} checks failed, the first: {bad[0].removeprefix('not ok ')}", log)
    if int(closing[1]) < fewest:
        raise Wrong(f"only {closing[1]} checks ran", log)
    return f"{closing[1]} checks"


def probe_mttcg(context):
    """every row of the reference, two CPUs in two threads"""
    return run_probe(context, "probe-mttcg", "cpus=2", "-smp", "2", "-accel", "tcg,thread=multi")


def probe_single(context):
    """the same, both CPUs in one thread"""
    return run_probe(context, "probe-single", "cpus=2", "-smp", "2", "-accel", "tcg,thread=single")


def probe_icount(context):
    """the same in virtual time (-icount)"""
    return run_probe(context, "probe-icount", "cpus=2", "-smp", "2", "-icount", "shift=auto")


def probe_max(context):
    """the same on -cpu max"""
    return run_probe(context, "probe-max", "cpus=2", "-smp", "2", cpu="max")


def fuzz(context):
    """random guest banks, programs and stage-2 directories: QEMU and the host survive all of them"""
    if not context.long and "fuzz" not in context.chosen:
        raise Skipped("runs with --long or by name")
    for seed in range(1, FUZZ_SEEDS + 1):
        run_probe(context, f"fuzz-{seed}", f"only=hostile-state seed={seed} fuzz={FUZZ_FACTOR}", fewest=1)
    return f"{FUZZ_SEEDS} seeds of {FUZZ_FACTOR * 470} rounds"


def probe_off(context):
    """with lvz=off LVZ's instructions and CSRs are not there"""
    run_probe(context, "probe-off-max", "lvz=off", cpu="max,lvz=off", fewest=40)
    return run_probe(context, "probe-off", "lvz=off", cpu="la464,lvz=off", fewest=40)


def linux(context, mode, cpu="la464", cpus=2, initramfs=None):
    """Options of a machine that boots Debian's kernel to our init."""
    return ["-cpu", cpu, "-smp", str(cpus), "-m", "2G", "-kernel", context.kernel(), "-initrd",
            initramfs or context.initramfs(), "-append", f"{KERNEL_LINE} {mode}"]


def boot(context, name, mode, qemu=None, limit=BOOT_LIMIT, core=None, **machine):
    """Boots Debian's kernel to our init; returns the emulator's result after checking what init said."""
    log = context.logs / f"{name}.log"
    return check_init(emulator.run(qemu or context.qemu, linux(context, mode, **machine), log, limit, core=core), log)


def check_init(result, log):
    bad = [row for row in result.text.splitlines() if row.startswith("not ok ")]
    if result.ended_badly():
        raise Wrong(result.ended_badly(), log)
    if bad:
        raise Wrong(bad[0].removeprefix('not ok '), log)
    if "lvz-test: 0 failures, PASSED" not in result.text:
        raise Wrong("init did not report success", log)
    return result


def kvm_load(context):
    """Debian's kernel runs guests under KVM: everything they see is right, and the kernel has nothing to warn of"""
    seconds = context.seconds or (LONG_LOAD_SECONDS if context.long else LOAD_SECONDS)
    result = boot(context, "kvm-load", f"quiet lvztest.mode=load lvztest.seconds={seconds}", limit=seconds + LOAD_SLACK)
    rounds = sum(int(number) for number in re.findall(r"vCPU \d: (\d+) rounds", result.text))
    short_lives = re.search(r"^# (\d+) short-lived VMs", result.text, re.MULTILINE)
    return f"{seconds} s, {rounds} rounds of three vCPUs, {short_lives[1] if short_lives else 0} short-lived VMs"


def kvm_linux(context):
    """Debian's kernel boots on two vCPUs under KVM of Debian's kernel, and its programs compute what they should"""
    log = context.logs / "kvm-linux.log"
    options = linux(context, f"quiet lvztest.mode=linux lvztest.seconds={LINUX_GUEST_SECONDS}",
                    initramfs=programs.linux_initramfs(context.kernel()))
    check_init(emulator.run(context.qemu, options, log, LINUX_GUEST_SECONDS + BOOT_LIMIT), log)


def kvm_qemu(context):
    """Debian's own QEMU with -accel kvm boots Debian's kernel on two vCPUs, interrupts and the clock of its machine work"""
    log = context.logs / "kvm-qemu.log"
    initramfs, version = programs.qemu_initramfs(context.kernel())
    options = linux(context, "quiet panic=-1", initramfs=initramfs)
    check_init(emulator.run(context.qemu, options, log, QEMU_GUEST_SECONDS + BOOT_LIMIT), log)
    return f"QEMU {version}"


def migration(context):
    """a machine that runs KVM guests is saved to a file in mid-run and goes on in another QEMU"""
    options = linux(context, f"quiet lvztest.mode=load lvztest.seconds={MIGRATION_LOAD_SECONDS}")
    first, second = context.logs / "migration-first.log", context.logs / "migration-second.log"
    with tempfile.TemporaryDirectory() as scratch:
        state = Path(scratch) / "state"

        def move(qmp):
            wait_for_text(first, "three vCPUs start", BOOT_LIMIT)
            time.sleep(MIGRATION_AFTER_SECONDS)
            monitor = Monitor(qmp)
            if "GSTAT" not in monitor.human("info registers -a"):
                raise Wrong("`info registers` does not show LVZ's state")
            monitor.migrate(f"file:{state}", limit=120)
            monitor.command("quit")

        try:
            result = emulator.run(context.qemu, options, first, BOOT_LIMIT + LOAD_SLACK, meanwhile=move)
        except (OSError, RuntimeError) as problem:
            raise Wrong(problem, first) from problem
        if result.ended_badly():
            raise Wrong(result.ended_badly(), first)
        size = state.stat().st_size
        result = emulator.run(context.qemu, [*options, "-incoming", f"file:{state}"], second,
                              MIGRATION_LOAD_SECONDS + LOAD_SLACK)
    check_init(result, second)
    return f"{size >> 20} MiB of state"


def wait_for_text(log, text, limit):
    end = time.monotonic() + limit
    while text not in log.read_text(errors="replace"):
        if time.monotonic() > end:
            raise Wrong(f"no `{text}` within {limit} s", log)
        time.sleep(0.2)


def linux_off(context):
    """with lvz=off Debian's kernel boots as on any QEMU, and offers no KVM"""
    boot(context, "linux-off", "quiet lvztest.mode=plain", cpu="la464,lvz=off")


def overhead(context):
    """a Linux boot with lvz=off costs at most 3 % more CPU time than on QEMU without the series"""
    if not context.long and "overhead" not in context.chosen:
        raise Skipped("measured with --long or by name (it builds an unpatched QEMU too)")
    if not context.unpatched:
        context.unpatched = context.build_unpatched()
    core = max(os.sched_getaffinity(0))

    def cost(which):
        qemu, cpu = {"patched": (context.qemu, "la464,lvz=off"), "unpatched": (context.unpatched, "la464")}[which]
        return boot(context, f"overhead-{which}", "quiet lvztest.mode=plain", qemu=qemu, core=core, cpu=cpu,
                    cpus=1).cpu_seconds

    # Both at once on one CPU: whatever else the machine does meets both, slice by slice.
    ratios = []
    with ThreadPoolExecutor(2) as pool:
        for _ in range(OVERHEAD_PAIRS):
            patched, unpatched = pool.map(cost, ("patched", "unpatched"))
            ratios.append(patched / unpatched)
            say(f"  {patched:.2f} s patched, {unpatched:.2f} s unpatched, {(ratios[-1] - 1) * 100:+.1f} %")
    percent = (statistics.median(ratios) - 1) * 100
    result = f"{percent:+.1f} % CPU time, median of {OVERHEAD_PAIRS} pairs"
    if percent > OVERHEAD_LIMIT:
        raise Wrong(f"{result}; at most {OVERHEAD_LIMIT} % is allowed")
    return result


ALL = {
    "probe-mttcg": probe_mttcg,
    "probe-single": probe_single,
    "probe-icount": probe_icount,
    "probe-max": probe_max,
    "probe-off": probe_off,
    "linux-off": linux_off,
    "kvm-load": kvm_load,
    "kvm-linux": kvm_linux,
    "kvm-qemu": kvm_qemu,
    "migration": migration,
    "fuzz": fuzz,
    "overhead": overhead,
}

# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of the emulator: a command, a log file, a hard limit in time, and what it cost."""

import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from monitor import Monitor

MACHINE = ["-M", "virt", "-nic", "none", "-vga", "none", "-display", "none", "-monitor", "none", "-serial", "stdio"]


@dataclass
class Result:
    text: str
    code: int
    timed_out: bool
    seconds: float
    cpu_seconds: float  # of the emulator, all threads, with the kernel's work for it

    def ended_badly(self):
        """Why the emulator itself did not end as it should, or None."""
        if self.timed_out:
            return f"no end within {self.seconds:.0f} s"
        if self.code < 0:
            return f"QEMU was ended by signal {-self.code}"
        return f"QEMU ended with code {self.code}" if self.code else None


def run(qemu, options, log, limit, meanwhile=None, core=None):
    """Starts `qemu` with `options` on the virt machine without devices; its output goes to `log` and the result.

    When the time is over, the registers of its CPUs are added to the log. `meanwhile`, if given, is called with the
    path of QEMU's monitor while it runs; when that raises, the emulator is ended. `core` is the one CPU to run on."""
    where = [] if core is None else ["taskset", "--cpu-list", core]
    with tempfile.TemporaryDirectory() as scratch:
        return _run([*where, qemu, *MACHINE, *options], Path(scratch) / "qmp", log, limit, meanwhile)


def _registers(qmp):
    try:
        return Monitor(qmp).human("info registers -a")
    except (OSError, RuntimeError, ValueError) as problem:
        return f"no registers: {problem}\n"


def _run(words, qmp, log, limit, meanwhile):
    command = [str(word) for word in [*words, "-qmp", f"unix:{qmp},server=on,wait=off"]]
    start = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as out:
        out.write(("$ " + " ".join(command) + "\n").encode())
        out.flush()
        head = out.tell()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        expired = threading.Event()

        def end():
            expired.set()
            out.write(_registers(qmp).encode())
            out.flush()
            process.kill()

        timer = threading.Timer(limit, end)
        timer.start()
        try:
            if meanwhile:
                meanwhile(qmp)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            timer.cancel()
    text = log.read_bytes()[head:].decode(errors="replace").replace("\r", "")
    return Result(text, process.returncode, expired.is_set(), time.monotonic() - start, usage.ru_utime + usage.ru_stime)

# SPDX-License-Identifier: Apache-2.0
"""A machine with one CPU whose executed instructions can be read at any time.

QEMU's virtual clock is no such counter: it leaps over the time that everybody sleeps. The number of instructions is kept
for record and replay, so the run is recorded, to a file that is thrown away. QEMU can record one CPU only.
"""

import re
import shutil
import socket
import tempfile
import time
from pathlib import Path

from .expect import Session
from .ui import Failure

PATIENCE = 120  # seconds for QEMU's own answers, and for a breakpoint
MONITOR_PROMPT = b"(qemu) "


class CountedSession(Session):
    """A QEMU command line, started and counted. The machine waits for go_past(), and stays when its guest powers it off."""

    def __init__(self, command, timeout, reject=()):
        self._folder = Path(tempfile.mkdtemp(prefix="plinth-"))
        places = {name: self._folder / name for name in ("monitor", "debugger", "record")}
        words = [*command, "-no-shutdown", "-S",
                 "-icount", f"shift=0,sleep=off,rr=record,rrfile={places['record']}", "-rtc", "base=2026-01-01,clock=vm"]
        for name, option in (("monitor", "-mon"), ("debugger", "-gdb")):
            words += ["-chardev", f"socket,id={name},path={places[name]},server=on,wait=off",
                      option, f"chardev{'=' if option == '-mon' else ':'}{name}"]
        super().__init__(words, timeout, reject)
        self._debugger = places["debugger"]
        try:
            self._monitor = _connect(places["monitor"])
            _read_until(self._monitor, MONITOR_PROMPT)
        except Failure:
            self.close()
            raise

    def close(self):
        super().close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def go_past(self, address, times=1):
        """Lets the machine run until it is at this address for the nth time; returns the count there. It goes on."""
        with _Debugger(self._debugger) as debugger:
            debugger.run_to(address, times)
            count = self.count()
        return count

    def count(self):
        """Instructions executed so far."""
        return int(re.search(r"instruction count = (\d+)", self._ask("info replay")).group(1))

    def count_at_rest(self):
        """The same, as soon as the machine has nothing to do any more."""
        before, now = -1, self.count()
        while before != now:
            self.drain(0.3)
            before, now = now, self.count()
        return now

    def _ask(self, order):
        """The monitor's answer, up to its next prompt."""
        self._monitor.sendall(f"{order}\n".encode())
        return _read_until(self._monitor, MONITOR_PROMPT).decode(errors="replace")


class _Debugger:
    """As little of gdb's protocol as a breakpoint takes (GDB manual, appendix E)."""

    def __init__(self, place):
        self._socket = _connect(place)
        self._rest = b""

    def __enter__(self):
        self._order("?")
        return self

    def __exit__(self, *_):
        self._order("D")
        self._socket.close()

    def run_to(self, address, times):
        breakpoint_here = f"1,{address:x},4"
        self._order(f"Z{breakpoint_here}")
        for _ in range(times):
            self._order("s")  # off the breakpoint, if it stands on it
            self._order("c")
        self._order(f"z{breakpoint_here}")

    def _order(self, text):
        self._socket.sendall(f"${text}#{sum(text.encode()) & 0xff:02x}".encode())
        while not (packet := re.search(rb"\$([^#]*)#..", self._rest)):
            self._rest += _read(self._socket)
        self._rest = self._rest[packet.end():]
        self._socket.sendall(b"+")
        return packet.group(1)


def _connect(place):
    """QEMU makes its sockets some time after it was started."""
    end = time.monotonic() + PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(place))
        except OSError:
            connection.close()
            if time.monotonic() > end:
                raise Failure("QEMU does not start") from None
            time.sleep(0.05)
        else:
            connection.settimeout(PATIENCE)
            return connection


def _read(connection):
    try:
        data = connection.recv(4096)
    except TimeoutError:
        raise Failure(f"QEMU did not answer for {PATIENCE} s while it was being counted") from None
    if not data:
        raise Failure("QEMU ended while it was being counted")
    return data


def _read_until(connection, end):
    text = b""
    while not text.endswith(end):
        text += _read(connection)
    return text

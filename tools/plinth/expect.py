# SPDX-License-Identifier: Apache-2.0
"""Runs a program with pipes for a console, waits for what it prints and types for it. Nothing survives the session."""

import codecs
import os
import re
import selectors
import subprocess
import time

from .ui import Failure

WINDOW = 256 * 1024  # the longest stretch of output that is searched, and so the longest possible match
TIMED_OUT = 124  # as coreutils' timeout(1)


class Missed(Failure):
    """What was waited for did not come."""


class Session:
    """One running program. Use as a context manager: leaving it kills the program.

    `timeout` is for the whole session. `reject` are patterns that end any waiting at once. `output` receives the raw
    bytes as they come.
    """

    def __init__(self, command, timeout, reject=(), output=None):
        self._deadline = time.monotonic() + timeout
        self._timeout = timeout
        self._reject = [re.compile(pattern, re.MULTILINE) for pattern in reject]
        self._output = output
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""  # what has not been matched yet, without carriage returns
        # setpriv makes the kernel kill the program when we die, however we die.
        self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        os.set_blocking(self._process.stdin.fileno(), False)
        self._pending = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._selector.close()
        self._process.stdin.close()
        self._process.stdout.close()

    @property
    def exit_code(self):
        """None while the program runs."""
        return self._process.poll()

    def expect(self, pattern, timeout=None):
        """Waits for `pattern` in what was printed since the last match; returns the match."""
        regex = re.compile(pattern, re.MULTILINE)
        end = self._end(timeout)
        while True:
            match = regex.search(self._searchable())
            if match:
                self._check_rejected(match.start())
                self._text = self._text[match.end():]
                return match
            self._check_rejected(len(self._text))
            self._check_alive()
            self._text = self._text[-WINDOW:]
            if not self._read(end):
                raise Missed(f"the program ended (exit code {self._process.wait()}) before its console showed: {pattern}")
            if time.monotonic() >= end:
                raise Missed(f"timed out after {self._timeout if timeout is None else timeout:g} s "
                             f"waiting for the console to show: {pattern}", TIMED_OUT)

    def send(self, text):
        """Types `text`, a string or bytes; a newline is the Enter key."""
        data = text if isinstance(text, bytes) else text.encode()
        self._pending += data.replace(b"\n", b"\r")
        self._write()

    def drain(self, seconds):
        """Lets the program run for `seconds`; what it prints in that time is returned and no longer matched."""
        end = self._end(seconds)
        while time.monotonic() < end and self._read(end):
            self._text = self._text[-WINDOW:]
        self._check_rejected(len(self._text))
        seen, self._text = self._text, ""
        return seen

    def wait(self, timeout=None):
        """Waits for the program to end by itself; returns its exit code."""
        end = self._end(timeout)
        while self._read(end):
            self._check_rejected(len(self._text))
            self._text = self._text[-WINDOW:]
            if time.monotonic() >= end:
                raise Missed("timed out waiting for the program to end", TIMED_OUT)
        return self._process.wait()

    def _end(self, timeout):
        return self._deadline if timeout is None else min(self._deadline, time.monotonic() + timeout)

    def _searchable(self):
        """What of the output may match already."""
        return self._text

    def _check_alive(self):
        """Raises Missed when there is no use in waiting."""

    def _check_rejected(self, until):
        for regex in self._reject:
            match = regex.search(self._text, 0, until)
            if match:
                raise Missed(f"the console showed what it must not: {match.group(0)}")

    def _read(self, end):
        """Waits for output until `end`, takes it in; False when the program closed its side."""
        self._write()
        pause = max(0.0, min(end - time.monotonic(), 0.05 if self._pending else 1))
        if not self._selector.select(pause):
            return True
        data = os.read(self._process.stdout.fileno(), 65536)
        if self._output is not None and data:
            self._output(data)
        self._take(self._decoder.decode(data).replace("\r", ""))
        return bool(data)

    def _take(self, text):
        """New output: it becomes part of what is searched."""
        self._text += text

    def _write(self):
        """As much of what is to be typed as the pipe takes now."""
        while self._pending:
            try:
                written = os.write(self._process.stdin.fileno(), self._pending[:512])
            except BlockingIOError:
                return
            except BrokenPipeError:
                self._pending = b""
                return
            self._pending = self._pending[written:]


ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_=>78])")
UNFINISHED_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?)?\Z")
LOG_PREFIX = "[plinth] "
QUIET = 5  # seconds without output after which a VM that ended has said all


class Ended(Missed):
    """The VM whose output is waited for was refused, or came to its end."""


class GuestConsole(Session):
    """A session with the hypervisor that searches what guests print, and that alone: without the lines of Plinth's log,
    without escape sequences, and without the echo of the lines that were typed. What a guest prints in answer to a typed
    line is searched from the first repetition of that line on.

    `vms` are the VMs of the run as bundle.demands() gives them, the one at the console first.
    """

    def __init__(self, command, timeout, reject=(), output=None, vms=()):
        super().__init__(command, timeout, reject, output)
        self._vms = vms
        self._vm = vms[0] if vms else None  # whose console it is
        self._raw = ""  # the beginning of an escape sequence or of a line of the log, whose rest is to come
        self._line_start = True
        self._echoes = []  # typed lines whose echo has not been seen
        self._ends = {}  # VM -> what the log said of its end, and since when the console is quiet
        self._announced = None  # what the log says when the console that is asked for is there

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        self._echoes += [line.decode(errors="replace") for line in data.split(b"\n")[:-1] if line.strip()]
        super().send(data)

    def expect(self, pattern, timeout=None):
        self._note_output()
        return super().expect(pattern, timeout)

    def go_to(self, name):
        """To the console of VM `name`, from wherever the session is."""
        self._echoes = []
        self._vm = next(vm for vm in self._vms if vm["name"] == name)
        self._announced = re.compile(rf"console of '{re.escape(name)}'")
        super().send(f"\x1econsole {name}\n")
        while self._announced:
            if not self._read(self._deadline):
                raise Missed(f"the program ended before the console of {name} was shown")
            if time.monotonic() >= self._deadline:
                raise Missed(f"timed out after {self._timeout:g} s waiting for the console of {name}", TIMED_OUT)

    def _take(self, text):
        text = self._raw + text
        unfinished = UNFINISHED_SEQUENCE.search(text)
        self._raw = text[unfinished.start():] if unfinished else ""
        text = ESCAPE_SEQUENCE.sub("", text[:unfinished.start()] if unfinished else text)
        for line in text.splitlines(keepends=True):
            self._take_line(line)
        self._drop_echoes()
        if text:
            self._note_output()

    def _note_output(self):
        self._ends = {name: (words, time.monotonic()) for name, (words, _) in self._ends.items()}

    def _take_line(self, line):
        """A line, or a piece of one."""
        starts_here, self._line_start = self._line_start, line.endswith("\n")
        if starts_here and not line.endswith("\n") and (LOG_PREFIX.startswith(line) or line.startswith(LOG_PREFIX)):
            self._raw = line + self._raw
            self._line_start = True
        elif starts_here and line.startswith(LOG_PREFIX):
            self._read_log(line[len(LOG_PREFIX):].rstrip("\n"))
        else:
            self._text += line

    def _read_log(self, line):
        if self._announced and self._announced.search(line):
            self._announced = None
            self._text = ""
        for vm in self._vms:
            if _tells_the_end(line, vm):
                self._ends.setdefault(vm["name"], (line.removeprefix("error: "), time.monotonic()))

    def _drop_echoes(self):
        """Takes out what is the echo of a typed line; one that is still coming in is not searched yet."""
        while self._echoes:
            at = self._text.find(self._echoes[0])
            if at < 0:
                return
            self._text = self._text[:at] + self._text[at + len(self._echoes.pop(0)):]

    def _searchable(self):
        if not self._echoes:
            return self._text
        echo = self._echoes[0]
        for length in range(min(len(echo) - 1, len(self._text)), 0, -1):
            if self._text.endswith(echo[:length]):
                return self._text[:-length]
        return self._text

    def _check_alive(self):
        words, since = self._ends.get(self._vm and self._vm["name"], (None, 0))
        if words and time.monotonic() - since >= QUIET:
            raise Ended(f"the VM is not going to say it: {words}")


def _tells_the_end(line, vm):
    """Whether this line of Plinth's log says that `vm` was refused, or runs no more."""
    if line.startswith((f"error: vms/{vm['file']}:", "warning: no VM:")):
        return True
    of_vm = re.match(rf"(error: )?{re.escape(vm['name'])}: (.*)", line)
    if not of_vm:
        return False
    is_error, words = of_vm.groups()
    if not is_error:
        return words in ("powered itself off", "stopped")
    return not (vm["restarts"] and re.match(r"(vCPU \d+ )?crashed", words))


def unescape(text):
    r"""Turns \n, \r, \t, \e, \\ and \xNN as typed on a command line into the bytes meant."""
    simple = {"n": b"\n", "r": b"\r", "t": b"\t", "e": b"\x1b", "\\": b"\\"}

    def replace(match):
        return bytes([int(match.group(2), 16)]) if match.group(2) else simple[match.group(1).decode()]
    return re.sub(rb"\\(?:([nrte\\])|x([0-9a-fA-F]{2}))", replace, text.encode("utf-8", "surrogateescape"))

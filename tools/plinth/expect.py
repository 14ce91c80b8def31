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
            match = regex.search(self._text)
            if match:
                self._check_rejected(match.start())
                self._text = self._text[match.end():]
                return match
            self._check_rejected(len(self._text))
            self._text = self._text[-WINDOW:]
            if not self._read(end):
                raise Missed(f"the program ended (exit code {self._process.wait()}) before its console showed: {pattern}")
            if time.monotonic() >= end:
                raise Missed(f"timed out after {self._timeout if timeout is None else timeout:g} s "
                             f"waiting for the console to show: {pattern}", TIMED_OUT)

    def send(self, text):
        """Types `text`; a newline is the Enter key."""
        self._pending += text.replace("\n", "\r").encode()
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

    def _check_rejected(self, until):
        for regex in self._reject:
            match = regex.search(self._text, 0, until)
            if match:
                raise Missed(f"the console showed what it must not: {match.group(0)}")

    def _read(self, end):
        """Waits for output until `end`, takes it in; False when the program closed its side."""
        self._write()
        pause = max(0.0, min(end - time.monotonic(), 0.05 if self._pending else 3600))
        if not self._selector.select(pause):
            return True
        data = os.read(self._process.stdout.fileno(), 65536)
        if self._output is not None and data:
            self._output(data)
        self._text += self._decoder.decode(data).replace("\r", "")
        return bool(data)

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


def unescape(text):
    r"""Turns \n, \r, \t, \e, \\ and \xNN as typed on a command line into the characters meant."""
    simple = {"n": "\n", "r": "\r", "t": "\t", "e": "\x1b", "\\": "\\"}

    def replace(match):
        return chr(int(match.group(2), 16)) if match.group(2) else simple[match.group(1)]
    return re.sub(r"\\(?:([nrte\\])|x([0-9a-fA-F]{2}))", replace, text)

# SPDX-License-Identifier: Apache-2.0
"""What the user sees of the command itself: progress and errors, always on stderr."""

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path


USAGE = 2  # exit code of a command line that makes no sense, as argparse has it


class Failure(Exception):
    """Something the user has to know; the text says what to do next. The command ends with `code`."""

    def __init__(self, message, code=1):
        super().__init__(message)
        self.code = code


def say(message):
    print(f"plinth: {message}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(what):
    """Announces `what` and, when it takes longer than a few seconds, that it is still going on and how long it took."""
    start = time.monotonic()
    done = threading.Event()
    live = sys.stderr.isatty()
    say(f"{what} ...")

    def tick():
        interval = 1 if live else 30
        while not done.wait(interval):
            seconds = int(time.monotonic() - start)
            if live:
                print(f"\r  {seconds} s ", end="", file=sys.stderr, flush=True)
            else:
                print(f"  still at it: {what}, {seconds} s", file=sys.stderr, flush=True)

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join()
        seconds = time.monotonic() - start
        if live:
            print("\r          \r", end="", file=sys.stderr, flush=True)
        if seconds > 5:
            print(f"  done in {seconds:.0f} s", file=sys.stderr, flush=True)


def call(command, what, advice="", **options):
    """Runs `command` quietly and returns its stdout; a failure shows the end of what it said, and `advice`."""
    command = [str(word) for word in command]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                errors="replace", **options)
    except FileNotFoundError as error:
        raise Failure(f"{what} needs the program {Path(command[0]).name}, and it is not in PATH") from error
    if result.returncode != 0:
        tail = "\n".join((result.stderr or result.stdout).strip().splitlines()[-20:])
        raise Failure(f"{what} failed (exit code {result.returncode} of {Path(command[0]).name}):\n{tail}"
                      + (f"\n{advice}" if advice else ""))
    return result.stdout

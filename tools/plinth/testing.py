# SPDX-License-Identifier: Apache-2.0
"""The test command: host unit tests, the tests of our QEMU with LVZ, and system tests under QEMU; one closing line."""

import concurrent.futures
import fnmatch
import importlib
import re
import shutil
import subprocess
import sys
import threading
import time
import traceback
import xml.etree.ElementTree as xml
from dataclasses import dataclass

from . import building, guests, machines, packages
from .paths import BUILD, QEMU_LVZ, ROOT, shown
from .ui import Failure, say, step

LOGS = BUILD / "test-logs"
SYSTEM = ROOT / "tests" / "system"
UNIT_TEST_LIMIT = 600  # seconds for one unit test: only what hangs takes so long, also on a busy machine
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Selection:
    """Which tests of one group the words on the command line mean; no words mean all."""

    def __init__(self, group, words):
        self.group = group
        self.words = words

    def takes(self, name):
        full = f"{self.group}.{name}"
        return not self.words or any(matches(word, full) for word in self.words)

    def is_whole(self):
        return not self.words or self.group in self.words


def matches(word, full):
    """Does `word` mean the test `group.name`: by the group, a part of the name, or a pattern?"""
    return word == full.split(".")[0] or fnmatch.fnmatchcase(full, f"*{word}*")


def select(words, system_names):
    """A Selection for each group that may be meant. Words that name system tests are not looked for elsewhere: to know
    the names of the unit tests, they have to be built."""
    if not words:
        return {name: Selection(name, []) for name in GROUPS}
    chosen = {}
    for word in words:
        group = word.split(".")[0]
        if group not in GROUPS and any(matches(word, f"system.{name}") for name in system_names):
            group = "system"
        for name in [group] if group in GROUPS else GROUPS:
            chosen.setdefault(name, Selection(name, [])).words.append(word)
    return {name: chosen[name] for name in GROUPS if name in chosen}


_print_lock = threading.Lock()


def report(line):
    with _print_lock:
        print(line, flush=True)


def main(arguments):
    selections = select(arguments.names, [test.name for test in GROUPS["system"].load(full=True)])
    if arguments.list:
        for name, selection in selections.items():
            for test in GROUPS[name].names(arguments):
                if selection.takes(test):
                    print(f"{name}.{test}")
        return 0
    shutil.rmtree(LOGS, ignore_errors=True)
    total = Tally()
    for name, selection in selections.items():
        total.add(_guarded(GROUPS[name], selection, arguments))
    if total == Tally():
        raise Failure(f"no test is called {' or '.join(arguments.names)}; see plinth test --list")
    if LOGS.exists() and any(LOGS.iterdir()):
        say(f"logs are in {shown(LOGS)}")
    print(total, flush=True)
    return 1 if total.failed else 0


def _guarded(group, selection, arguments):
    """A group that cannot even start counts as one failed test; the others still run."""
    try:
        return group.run(selection, arguments)
    except Failure as failure:
        report(f"FAIL {selection.group}\n{failure}")
        return Tally(failed=1)


class UnitTests:
    """GoogleTest binaries and checks, by ctest."""

    def names(self, _):
        folder = building.unit_tests()
        listed = subprocess.run(["ctest", "--test-dir", folder, "-N"], capture_output=True, text=True).stdout
        return re.findall(r"Test +#\d+: (.+)", listed)

    def run(self, selection, arguments):
        folder = building.unit_tests()
        results = folder / "results.xml"
        results.unlink(missing_ok=True)
        command = ["ctest", "--test-dir", folder, "-j", str(arguments.jobs), "--timeout", str(UNIT_TEST_LIMIT),
                   "--output-junit", results, "--output-on-failure", "--no-tests=ignore"]
        if not selection.is_whole():
            chosen = [name for name in self.names(arguments) if selection.takes(name)]
            if not chosen:
                return Tally()
            command += ["-R", "^(" + "|".join(map(re.escape, chosen)) + ")$"]
        with step("running the unit tests"):
            output = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                    errors="replace").stdout
        if not results.exists():
            raise Failure(f"ctest gave no results:\n{output[-2000:]}")
        return self._tally(results)

    @staticmethod
    def _tally(results):
        tally = Tally()
        for case in xml.parse(results).getroot().iter("testcase"):
            name, status = case.get("name"), case.get("status")
            if status == "run":
                tally.passed += 1
            elif status == "fail":
                tally.failed += 1
                text = "".join(case.itertext())
                LOGS.mkdir(parents=True, exist_ok=True)
                (LOGS / f"unit.{name.replace('/', '_')}.log").write_text(text)
                report(f"FAIL unit.{name}\n{_indented(text, 30)}")
            else:
                tally.skipped += 1
                skip = case.find("skipped")
                why = skip.get("message") if skip is not None else None
                report(f"unit.{name} skipped: {why or 'the test says it cannot run here'}")
        report(f"unit: {tally}")
        return tally


class LvzTests:
    """The acceptance tests of tools/qemu-lvz, which have a runner of their own."""

    LIMIT = 45 * 60

    def names(self, _):
        if not (QEMU_LVZ / "tests" / "run").exists():
            return []
        listed = subprocess.run([QEMU_LVZ / "tests" / "run", "--list"], capture_output=True, text=True).stdout
        return [line.split()[0] for line in listed.splitlines() if line.strip()]

    def run(self, selection, arguments):
        script = QEMU_LVZ / "tests" / "run"
        if not script.exists():
            return Tally()
        chosen = [] if selection.is_whole() else [name for name in self.names(arguments) if selection.takes(name)]
        if not selection.is_whole() and not chosen:
            return Tally()
        packages.ensure(packages.BUILD)
        command = [script, "--qemu", machines.lvz_emulator(), "--logs", LOGS / "lvz", *chosen]
        try:
            result = subprocess.run(command + (["--long"] if arguments.full else []), stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, text=True, errors="replace", timeout=self.LIMIT)
        except subprocess.TimeoutExpired:
            raise Failure(f"the tests of QEMU with LVZ took more than {self.LIMIT // 60} minutes") from None
        closing = CLOSING.findall(result.stdout)
        if not closing:
            raise Failure(f"the tests of QEMU with LVZ ended without a result:\n{_indented(result.stdout, 30)}")
        tally = Tally(*map(int, closing[-1]))
        for line in result.stdout.splitlines():
            if not CLOSING.match(line):
                report(line)
        if not tally.failed and not arguments.keep_logs:
            shutil.rmtree(LOGS / "lvz", ignore_errors=True)
        report(f"lvz: {tally}")
        return tally


class SystemTests:
    """Functions of tests/system, each on a QEMU of its own."""

    def load(self, full):
        """Imports the modules; each registers its tests."""
        sys.path.insert(0, str(SYSTEM))
        harness = importlib.import_module("harness")
        for file in sorted(SYSTEM.glob("test_*.py")):
            importlib.import_module(file.stem)
        return [test for test in harness.TESTS if full or not test.only_full]

    def names(self, arguments):
        return [test.name for test in self.load(arguments.full)]

    def run(self, selection, arguments):
        full = arguments.full or not selection.is_whole()  # what is named runs, whether in the short selection or not
        tests = [test for test in self.load(full) if selection.takes(test.name)]
        if not tests:
            return Tally()
        packages.ensure(packages.BUILD | packages.QEMU["aarch64"] | {"device-tree-compiler": "test device trees"})
        building.host_tool()
        for arch in sorted({test.arguments.get("arch", "aarch64") for test in tests}):
            machines.Machine(arch).prepare()
            building.image(arch, disks=True)
            for name in guests.fetched_names(arch):
                guests.image(name, arch)
        tally = Tally()
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, arguments.jobs)) as pool:
            for outcome in pool.map(lambda test: self._one(test, arguments.keep_logs), tests):
                tally.add(outcome)
        report(f"system: {tally}")
        return tally

    @staticmethod
    def _one(test, keep_logs):
        harness = sys.modules["harness"]
        LOGS.mkdir(parents=True, exist_ok=True)
        log = LOGS / f"system.{test.name}.log"
        start = time.monotonic()
        try:
            harness.execute(test, log)
        except harness.Skipped as why:
            log.unlink(missing_ok=True)
            report(f"system.{test.name} skipped: {why}")
            return Tally(skipped=1)
        except Exception as error:  # whatever goes wrong in a test fails that test
            text = str(error) if isinstance(error, Failure) else traceback.format_exc()
            tail = log.read_text(errors="replace") if log.exists() else ""
            report(f"FAIL system.{test.name} ({time.monotonic() - start:.0f} s)\n{_indented(tail, 20)}\n    >>> {text}")
            return Tally(failed=1)
        if not keep_logs:
            log.unlink(missing_ok=True)
        report(f"ok   system.{test.name} ({time.monotonic() - start:.0f} s)")
        return Tally(passed=1)


def _indented(text, lines):
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


GROUPS = {"unit": UnitTests(), "system": SystemTests(), "lvz": LvzTests()}

# SPDX-License-Identifier: Apache-2.0
"""What `plinth run --expect` makes of a console, with a script in place of QEMU."""

import sys
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from plinth import expect  # noqa: E402  (after the path is right)

ONE = {"name": "one", "file": "1.toml", "restarts": False}
TWO = {"name": "two", "file": "2.toml", "restarts": True}


def console(program, vms=(ONE, TWO), timeout=60):
    return expect.GuestConsole([sys.executable, "-uc", program], timeout, vms=vms)


class Searching(unittest.TestCase):
    def setUp(self):
        patch = mock.patch.object(expect, "QUIET", 0)
        patch.start()
        self.addCleanup(patch.stop)

    def found(self, program, pattern, typed=None):
        """Whether the console shows the pattern before the program ends."""
        with console(program) as session:
            if typed:
                session.send(typed)
            try:
                return session.expect(pattern) is not None
            except expect.Missed:
                self.assertIsNotNone(session.exit_code, "it does not wait for the end")
                return False

    def given_up(self, line, vms=(ONE, TWO)):
        """Whether this line of Plinth's log, and then silence, ends the waiting."""
        with console("input()", vms) as session:
            session._take(f"[plinth] {line}\n")
            try:
                session._check_alive()
            except expect.Ended:
                return True
            return False

    def test_plinths_own_log_is_no_output_of_a_guest(self):
        self.assertFalse(self.found("print('[plinth] three: PASSED')", "PASSED"))
        self.assertTrue(self.found("print('PASSED')", "PASSED"))

    def test_escape_sequences_do_not_hide_words(self):
        self.assertTrue(self.found(r"print('\x1b[1mlo\x1b[0mgin\x1b]0;title\x07: ')", "^login: "))

    def test_the_echo_of_a_typed_line_is_not_its_answer(self):
        answering = "import os; print(os.read(0, 99).decode().strip()); print('{}')"
        self.assertFalse(self.found(answering.format("no"), "PASSED", typed="echo PASSED\n"))
        self.assertTrue(self.found(answering.format("PASSED"), "^PASSED", typed="echo PASSED\n"))

    def test_a_vm_that_has_ended_is_not_waited_for(self):
        for line in ("one: powered itself off", "one: stopped", "error: vms/1.toml:2:1: unknown key",
                     "error: one: vCPU 0 crashed at 0x40000000: no reason", "warning: no VM: none can be made"):
            self.assertTrue(self.given_up(line), line)
        self.assertFalse(self.given_up("one: asked to power itself off"))

    def test_the_end_of_another_vm_is_no_reason_to_give_up(self):
        for line in ("two: powered itself off", "error: vms/2.toml:2:1: unknown key", "error: two: stays down"):
            self.assertFalse(self.given_up(line), line)
            self.assertTrue(self.given_up(line, vms=(TWO, ONE)), line)

    def test_a_crash_is_no_end_where_a_restart_follows(self):
        self.assertFalse(self.given_up("error: two: crashed: its watchdog expired twice", vms=(TWO,)))
        self.assertTrue(self.given_up("error: two: stays down after 5 restarts in a row", vms=(TWO,)))

    def test_waiting_ends_with_124(self):
        with console("input()", timeout=0.1) as session:
            with self.assertRaises(expect.Missed) as missed:
                session.expect("login")
            self.assertEqual(missed.exception.code, 124)


class Typing(unittest.TestCase):
    def test_escapes_are_bytes(self):
        self.assertEqual(expect.unescape(r"a\n\xff\x1e\\n"), b"a\n\xff\x1e\\n")


if __name__ == "__main__":
    unittest.main()

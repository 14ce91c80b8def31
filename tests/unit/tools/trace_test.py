# SPDX-License-Identifier: Apache-2.0
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from plinth import timeline, trace  # noqa: E402  (after the path is right)
from plinth.ui import Failure  # noqa: E402

LOG = """\
some guest says hello
trace begin frequency=1000000 cpus=2
trace 0 100 1.0 run 0x0 0x0
trace 0 110 1.0 enter 0x0 0x0
trace 0 150 1.0 exit device 0x0
trace 0 151 1.0 device 0x1 0x9000000
[plinth] trace 0 160 1.0 enter 0x0 0x0
trace 0 200 1.0 leave 0x0 0x0
trace 1 120 1.1 inject 0x1b 0x0
trace 1 130 1.0 state 0x3 0x0
trace end records=8 lost=3
"""


def slices(events, pid):
    return [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X" and e["pid"] == pid]


class Trace(unittest.TestCase):
    def convert(self, text):
        return trace.convert(trace.parse(text.splitlines()))["traceEvents"]

    def test_a_physical_cpu_shows_whom_it_ran(self):
        self.assertEqual(slices(self.convert(LOG), trace.HOST), [("1.0", 0, 100)])

    def test_a_virtual_cpu_shows_guest_and_exits(self):
        self.assertEqual(slices(self.convert(LOG), trace.VMS + 1)[:4],
                         [("hypervisor", 0, 10), ("guest", 10, 40), ("device", 50, 10), ("guest", 60, 40)])

    def test_moments_become_instants_on_the_right_track(self):
        instants = {(e["name"], e["tid"], e["ts"]) for e in self.convert(LOG) if e["ph"] == "i"}
        self.assertEqual(instants, {("write 0x9000000", 0, 51), ("interrupt 27", 1, 20), ("stopped", 0, 30)})

    def test_every_cpu_has_a_name(self):
        names = {(e["pid"], e["tid"]) for e in self.convert(LOG) if e["name"] == "thread_name"}
        self.assertEqual(names, {(trace.HOST, 0), (trace.HOST, 1), (trace.VMS + 1, 0), (trace.VMS + 1, 1)})

    def test_the_last_complete_dump_counts(self):
        self.assertEqual(trace.parse((LOG + LOG.split("trace end")[0]).splitlines()).lost, 3)

    def test_an_empty_dump_is_fine(self):
        self.assertTrue(self.convert("trace begin frequency=1 cpus=1\ntrace end records=0 lost=0\n"))

    def test_a_picture_has_a_row_for_each_track_and_what_lies_in_its_window(self):
        svg = ElementTree.fromstring(timeline.draw(self.convert(LOG), 0, 60).encode())
        words = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
        for word in ("CPU 0", "CPU 1", "VM 1, vCPU 0", "VM 1, vCPU 1", "device", "guest", "0 us", "60 us"):
            self.assertIn(word, words)
        later = timeline.draw(self.convert(LOG), 61, 10)
        self.assertIn("guest", later)
        self.assertNotIn("device", later)

    def test_a_window_is_two_numbers(self):
        self.assertEqual(trace.window("10:2.5"), (10, 2.5))
        for wrong in ("", "5", "a:b", "1:0", "-1:5", "1:2:3"):
            with self.assertRaises(ValueError):
                trace.window(wrong)

    def test_what_is_missing_is_said(self):
        for damaged in ("", "trace begin frequency=1 cpus=1\n", LOG.replace("trace 0 150", "trce 0 150"),
                        LOG.replace("frequency=1000000", "frequency=0")):
            with self.assertRaises(Failure):
                trace.parse(damaged.splitlines())


if __name__ == "__main__":
    unittest.main()

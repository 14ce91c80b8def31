# SPDX-License-Identifier: Apache-2.0
import contextlib
import io
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from plinth import bench, bench_chart, bench_report  # noqa: E402  (after the path is right)
from plinth.bench_rows import EXITS, ROWS, SLOW, Figure, beside  # noqa: E402
from plinth.ui import Failure  # noqa: E402

ACCEPTED = {row.name: 1000 for row in ROWS}
BARE = {row.name: 50 for row in ROWS}
FAST = dict(BARE)  # below every limit


class Gate(unittest.TestCase):
    def test_a_slower_figure_fails_by_name_and_amount(self):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            code = bench.check(BARE, FAST | {"gicd-read": 106}, FAST | {"gicd-read": 100}, quick=False)
        self.assertEqual(code, 1)
        self.assertEqual(shown.getvalue(), "gicd-read: was 100, is 106 (+6.0 %; 2% is allowed)\n")

    def test_equal_figures_pass(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(bench.check(BARE, FAST, FAST, quick=False), 0)

    def test_a_figure_beyond_its_limit_is_told_whatever_was_accepted(self):
        figures = FAST | {"gicd-read": 141}
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            code = bench.check(BARE, figures, figures, quick=False)
        self.assertEqual(code, 0)
        self.assertEqual(shown.getvalue(), "beyond its limit: gicd-read: is 141, and 50 bare; it may be 140 and add 125\nno figure grew\n")

    def test_each_figure_has_its_allowance(self):
        self.assertEqual(bench_report.compare(ACCEPTED | {"timer": 1020, "switch-slice": 1040, "create": 2000}, ACCEPTED), [])
        self.assertEqual(len(bench_report.compare(ACCEPTED | {"timer": 1021, "switch-slice": 1041}, ACCEPTED)), 2)

    def test_a_figure_that_is_gone_fails(self):
        self.assertEqual(bench_report.compare({"timer": 5}, {"timer": 5, "ram": 7}),
                         ["ram: was 7, and is not measured any more"])

    def test_a_quick_check_misses_only_what_is_slow(self):
        quick = {name: value for name, value in ACCEPTED.items() if name not in SLOW}
        self.assertEqual(bench_report.compare(quick, ACCEPTED, quick=True), [])
        self.assertEqual(len(bench_report.compare(quick, ACCEPTED)), len(SLOW))

    def test_cost_that_grows_with_the_number_of_vms_fails_whatever_was_accepted(self):
        figures = {beside("timer", 1, "VMs"): 340, beside("timer", 64, "VMs"): 400}
        self.assertEqual(bench_report.compare(figures, figures),
                         ["timer: grows with the number of VMs: 340 with 1, 400 with 64"])

    def test_what_shrank_is_told(self):
        self.assertEqual(bench_report.shrunk({"timer": 90}, {"timer": 100}), ["timer: was 100, is 90 (-10.0 %)"])


class Limits(unittest.TestCase):
    def test_another_architecture_may_take_somewhat_more_for_an_exit_and_has_no_other_limit(self):
        rows = {row.name: row for row in ROWS}
        self.assertEqual(rows["hypercall"].at_most_beside(100), 130)
        self.assertIsNone(rows["hypercall"].at_most_beside(None))
        self.assertIsNone(rows["image"].at_most_beside(100))

    def test_what_the_bare_machine_cannot_do_has_no_limit_for_what_is_added(self):
        self.assertFalse(Figure("sgi", "an SGI", 850, quoted=(543, 1342, 1568, 3312)).is_over(None, 471))

    def test_a_figure_of_another_architecture_that_is_over_is_marked(self):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            bench.show({}, {"hypercall": 131, "timer": 130}, {"hypercall": 100, "timer": 100})
        lines = shown.getvalue().splitlines()
        self.assertTrue(next(line for line in lines if "hypercall" in line).endswith("over"))
        self.assertFalse(next(line for line in lines if "timer" in line).endswith("over"))

    def test_a_total_below_the_limit_may_still_add_too_much(self):
        figure = Figure("sgi", "an SGI", 850, quoted=(543, 1342, 1568, 3312))
        self.assertTrue(figure.is_over(104, 471))
        self.assertFalse(figure.is_over(104, 411))
        self.assertTrue(figure.is_over(600, 851))

    def test_a_share_is_of_the_bare_figure(self):
        figure = Figure("linux", "a boot", share=0.003)
        self.assertFalse(figure.is_over(1_000_000, 1_003_000))
        self.assertTrue(figure.is_over(1_000_000, 1_003_001))


class Document(unittest.TestCase):
    def test_text_between_the_tables_stays(self):
        bare, ours = {row.name: 10 for row in ROWS}, dict(ACCEPTED)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            document = folder / "figures.md"
            marks = "\n".join(f"before {part}\n<!-- generated: {part} -->\nold\n<!-- end: {part} -->"
                              for part in ("exits", "quoted", "rest", "growth", "history"))
            document.write_text(marks + "\nthe end\n")
            with mock.patch.multiple(bench_report, FIGURES=folder, HISTORY=folder / "history.jsonl", DOCUMENT=document,
                                     IMAGES=folder / "images"):
                for what in ("first", "second"):
                    bench_report.accept("aarch64", bare, ours, what)
                bench_report.write("aarch64", bare, ours)
                once = document.read_text()
                bench_report.write("aarch64", bare, ours)
            self.assertEqual(once, document.read_text())
            self.assertIn("before growth\n", once)
            self.assertIn("| 2. second |", once)
            self.assertNotIn("old", once)
            self.assertTrue(once.endswith("the end\n"))
            self.assertEqual({file.name for file in (folder / "images").iterdir()}, {"figures.svg", "figures-history.svg"})

    def test_a_second_architecture_is_two_more_columns(self):
        column = {"bare": {row.name: 10 for row in ROWS}, "plinth": ACCEPTED}
        alone, both = ("\n".join(bench_report._exits(columns))
                       for columns in ({"aarch64": column}, {"aarch64": column, "loongarch64": column}))
        self.assertNotIn("loongarch64", alone)
        self.assertIn("| loongarch64 bare | loongarch64 |", both)
        self.assertEqual(len(both.splitlines()), len(EXITS) + 2)

    def test_lost_marks_are_an_error(self):
        with tempfile.TemporaryDirectory() as name:
            document = Path(name) / "figures.md"
            document.write_text("nothing generated here\n")
            with mock.patch.multiple(bench_report, FIGURES=Path(name), HISTORY=Path(name) / "h", DOCUMENT=document):
                self.assertRaises(Failure, bench_report.write, "aarch64", {row.name: 1 for row in ROWS}, ACCEPTED)

    def test_charts_are_well_formed(self):
        xml.fromstring(bench_chart.bars("A < B", {"one & two": [0, 5, None, 70_000]}, ("a", "b", "c", "d")))
        xml.fromstring(bench_chart.lines("over time", ["1", "2"], {"x": [100, 90], "y": [None, 101]}))


if __name__ == "__main__":
    unittest.main()

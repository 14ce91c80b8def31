# SPDX-License-Identifier: Apache-2.0
"""Boards beside QEMU's `virt`: what discovery makes of the device trees that Debian's kernel comes with."""

import json
import subprocess

from plinth import boards, building
from plinth.paths import BUILD

from plinth.emulated_boards import EmulatedBoard
from plinth.machines import SCRIPTED

from harness import IMAGE, PROMPT, check, test

# What is understood of 1,649 trees. A newer kernel has more: the share may not fall.
TREES = 1649
UNDERSTOOD = {"console": 1592, "gic": 1603, "timer": 1643, "cpus": 1607, "all": 1531}


@test(limit=240)
def boards_that_debian_knows_are_understood(run):
    del run
    told = subprocess.run([building.host_tool(), "boards", boards.corpus(), "--json"], capture_output=True, text=True, check=True)
    found = json.loads(told.stdout)
    check(found["trees"] >= TREES, f"there are only {found['trees']} trees")
    for what, least in UNDERSTOOD.items():
        share = found["understood"].get(what, 0) / found["trees"]
        check(share >= least / TREES, f"{what} understood on {found['understood'].get(what, 0)} of {found['trees']}")
    lost = [board["board"] for board in found["boards"]
            if not board["missing"] and (board["console"]["driver"] is None or board["gic"]["fault"])]
    check(not lost, f"nothing is missing, and yet: {lost}")


@test(limit=90, name="zcu102_uses_all_its_cpus_and_its_cadence_uart", board="xlnx-zcu102")
@test(limit=90, name="raspi4b_starts_cpus_by_spin_table_and_uses_its_mini_uart", board="raspi4b")
@test(limit=90, name="imx8mp_evk_uses_all_its_cpus_and_its_imx_uart", board="imx8mp-evk")
def emulated_board(run, board):
    console = run.start(EmulatedBoard(board).command(IMAGE, None, SCRIPTED))
    console.expect("4 of 4 CPUs can run guests")
    console.expect(PROMPT)
    console.order("help", "console")


@test(limit=600, only_full=True)
def boards_whose_trees_are_damaged_harm_nobody(run):
    del run
    fuzzer = BUILD / "host" / "tests" / "fuzz" / "board_fuzz"
    building.unit_tests()
    told = subprocess.run([fuzzer, "-runs=1", "-timeout=20", "-rss_limit_mb=4096", boards.corpus()], capture_output=True, text=True)
    check(told.returncode == 0, told.stderr[-2000:])

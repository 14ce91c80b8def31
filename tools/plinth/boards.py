# SPDX-License-Identifier: Apache-2.0
"""Device trees of real boards, to measure discovery with: those that Debian's arm64 kernel comes with, fetched by package
name. The newest suite has the most of them, and there they are in a small package of their own."""

import collections
import fnmatch
import json
import os
import shutil
import subprocess

from . import building, variants
from .apt import PrivateApt
from .paths import ROOT, cache, shown
from .ui import Failure, say, step

SUITE = "sid"
META = "linux-base-arm64"
PATTERN = "linux-base-*-arm64"


def corpus():
    """The folder with the trees, fetched and unpacked once for each version of the kernel."""
    apt = PrivateApt(cache(), "arm64", [SUITE])
    name = next((name for name in apt.depends(META) if fnmatch.fnmatch(name, PATTERN)), None)
    if name is None:
        raise Failure(f"Debian's package {META} depends on no {PATTERN}")
    deb = apt.download(name)
    folder = cache() / "boards" / deb.stem
    if not folder.exists():
        with step(f"unpacking the device trees of {name}"):
            _unpack(deb, folder)
    return folder


def tree(name):
    """The tree of one board, e.g. `xilinx/zynqmp-zcu102-rev1.0`."""
    found = sorted(corpus().glob(f"**/{name}.dtb"))
    if not found:
        raise Failure(f"Debian's kernel has no device tree called {name}")
    return found[0]


def _unpack(deb, folder):
    """Whole or not at all."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    reader = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
    unpacked = subprocess.run(["tar", "-x", "-C", part, "--wildcards", "*.dtb"], stdin=reader.stdout).returncode
    if reader.wait() or unpacked:
        raise Failure(f"{deb.name} cannot be unpacked")
    part.replace(folder)


def run(arguments):
    folder = os.path.abspath(arguments.folder) if arguments.folder else corpus()
    if arguments.write:
        return _write_page(folder)
    command = [building.host_tool(), "boards", folder]
    command += [option for option in ("--json", "--list") if getattr(arguments, option[2:])]
    return subprocess.run(command, cwd=ROOT).returncode


PAGE = ROOT / "docs" / "boards.md"
PARTS = ("console", "gic", "timer", "cpus")
HEAD = """\
# Boards

What discovery makes of the device trees that Debian's kernel comes with. `./plinth boards --write` writes this page,
`./plinth boards --list` tells of each board, `./plinth check --dtb BOARD.dtb` of one. That a board is understood is not that it
was tried: on hardware, and on QEMU's boards, a system test or a person has to.

"Understood" is: the console has a driver; the GIC and the timer can serve VMs; every CPU can be started.
"""
VARIANTS_HEAD = """\
Where a VM ran, each by a system test `a_vm_runs_on_virt_with_...`, which also compares what guests get of SVE. Other boards of
QEMU have tests of their own."""


def _write_page(folder):
    told = subprocess.run([building.host_tool(), "boards", folder, "--json"], capture_output=True, text=True)
    found = json.loads(told.stdout)
    rows = collections.defaultdict(collections.Counter)
    for board in found["boards"]:
        missing = {gap["what"] for gap in board["missing"]}
        vendor = rows[board["board"].split("/")[-2] if "/" in board["board"] else "-"]
        vendor.update(["trees", *(part for part in PARTS if part not in missing), *([] if missing else ["all"])])
    total = sum(rows.values(), collections.Counter())
    lines = [HEAD, _row("vendor", "trees", *PARTS, "all of it"), "|---" + "|---:" * (len(PARTS) + 2) + "|"]
    lines += [_row(name, *(row[key] for key in ("trees", *PARTS, "all"))) for name, row in sorted(rows.items())]
    lines += [_row("together", *(total[key] for key in ("trees", *PARTS, "all"))), "", "Drivers of consoles:", "",
              "| driver | trees |", "|---|---:|"]
    lines += [_row(name, count) for name, count in sorted(found["drivers"].items(), key=lambda item: -item[1])]
    lines += ["", "What is missing on the others:", "", "| what | trees |", "|---|---:|"]
    lines += [_row(why, count) for why, count in sorted(found["missing"].items(), key=lambda item: -item[1])]
    lines += ["", "## Variants of QEMU's `virt`", "", VARIANTS_HEAD, "", *variants.table()]
    PAGE.write_text("\n".join(lines) + "\n")
    say(f"wrote {shown(PAGE)}")
    return 0


def _row(*cells):
    return "| " + " | ".join(map(str, cells)) + " |"

# SPDX-License-Identifier: Apache-2.0
"""`plinth bench`: counts what exits, interrupts, switches, boots and VMs cost in executed instructions.

QEMU runs with `-icount shift=0,sleep=off`, where an instruction takes a nanosecond, so the result depends on no machine.
bench_runs.py measures, bench_rows.py says what of it is shown and what it may be, bench_report.py compares and writes.
"""

import json

from . import bench_report, building, packages
from .bench_report import number
from .bench_rows import ROWS, SLOW
from .bench_runs import ARCHITECTURES, Subject, measure
from .paths import BUILD, shown
from .ui import Failure


def run(arguments):
    """The subcommand."""
    if arguments.arch not in ARCHITECTURES:
        raise Failure(f"there is no benchmark for {arguments.arch} yet; there is one for {', '.join(ARCHITECTURES)}")
    if arguments.accept and not arguments.message:
        raise Failure("say what changed, for the history: plinth bench --accept -m 'GICD registers by table'")
    if arguments.accept and arguments.quick:
        raise Failure("--quick leaves out figures that --accept needs")
    packages.ensure(packages.QEMU[arguments.arch])
    limits = None if arguments.arch == bench_report.FIRST else bench_report.accepted(bench_report.FIRST)["plinth"]
    bare, ours = measure(Subject(arguments.arch, building.image(arguments.arch)), arguments.quick)
    show(bare, ours, limits)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "figures.json").write_text(json.dumps({"bare": bare, "plinth": ours}, indent=1) + "\n")
    if arguments.check:
        return check(bare, ours, bench_report.accepted(arguments.arch)["plinth"], arguments.quick,
                     limits=arguments.arch == bench_report.FIRST)
    if arguments.accept:
        bench_report.accept(arguments.arch, bare, ours, arguments.message)
    if not arguments.quick:
        bench_report.write(arguments.arch, bare, ours)
        print(f"written: {shown(bench_report.DOCUMENT)}")
    return 0


def show(bare, ours, first=None):
    """`first`: the figures of the architecture that limits are for, if this is another."""
    print(f"{'':74}{'bare':>14}{'Plinth':>14}{'at most':>14}")
    for row in ROWS:
        if row.name not in ours and row.name in SLOW:
            continue
        own, value = bare.get(row.name), ours.get(row.name)
        at_most = row.at_most(own) if first is None else row.at_most_beside(first.get(row.name))
        is_over = row.is_over(own, value) if first is None else None not in (value, at_most) and value > at_most
        print(f"{row.title:74}{number(own):>14}{number(value):>14}{number(at_most):>14}{'  over' if is_over else ''}")


def check(bare, ours, before, quick, limits=True):
    """The gate: 1 when a figure grew; what is beyond its limit is told."""
    for line in bench_report.shrunk(ours, before):
        print(f"cheaper: {line}; ./plinth bench --accept keeps it")
    for line in bench_report.beyond_limits(bare, ours) if limits else []:
        print(f"beyond its limit: {line}")
    faults = bench_report.compare(ours, before, quick)
    print("\n".join(faults or ["no figure grew"]))
    return 1 if faults else 0

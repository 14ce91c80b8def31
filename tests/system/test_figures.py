# SPDX-License-Identifier: Apache-2.0
"""The gate on what exits, interrupts, switches and VMs cost: instruction counts, no times."""

from plinth import bench_report

from harness import Skipped, check, on_both


@on_both(limit=300)
def no_figure_grew(run, arch):
    if not (bench_report.FIGURES / f"{arch}.json").exists():
        raise Skipped(f"no figures were accepted for {arch}")
    console = run.plinth("bench", "--quick", "--check", "--arch", arch)
    check(console.wait() == 0, "a figure grew; the lines above say which")

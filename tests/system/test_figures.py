# SPDX-License-Identifier: Apache-2.0
"""The gate on what exits, interrupts, switches and VMs cost: instruction counts, no times."""

from harness import check, test


@test(limit=300)
def no_figure_grew(run):
    console = run.plinth("bench", "--quick", "--check")
    check(console.wait() == 0, "a figure grew; the lines above say which")

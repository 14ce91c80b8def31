# SPDX-License-Identifier: Apache-2.0
"""The gate on what exits, interrupts and a boot cost: instruction counts, no times."""

from harness import check, test


@test(limit=240)
def no_figure_grew(run):
    console = run.plinth("bench", "--check")
    check(console.wait() == 0, "a figure grew; the lines above say which")

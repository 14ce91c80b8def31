# SPDX-License-Identifier: Apache-2.0
"""`plinth bench`: counts what exits, interrupts and a boot cost in executed instructions, and writes docs/figures.md.

    plinth bench                measure, show, and write the document and build/figures.json
    plinth bench --accept       also make the result the one that --check compares with
    plinth bench --check        measure and compare; exit code 1 names the figures that grew

QEMU runs with `-icount shift=0,sleep=off`, where an instruction takes a nanosecond, so the result depends on no machine.
"""

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from plinth import building, bundle, guests, reference_qemu  # noqa: E402  (after the path is right)
from plinth.expect import Session  # noqa: E402
from plinth.machines import SCRIPTED, Machine  # noqa: E402
from plinth.paths import BUILD, ROOT, shown  # noqa: E402
from plinth.ui import Failure, step  # noqa: E402

DOCUMENT = ROOT / "docs" / "figures.md"
ALLOWANCE = 1.02  # what --check lets a figure grow by
LIMIT = 120  # seconds for one machine
ICOUNT = ["-icount", "shift=0,sleep=off"]
LINE = re.compile(r"^bench ([\w-]+) (\d+) (\d+)$", re.MULTILINE)


@dataclass
class Figure:
    """One row: its name in the guest's output, what it is, the most it may be, and what others take."""

    name: str
    title: str
    limit: int = None
    others: tuple = ()  # no hypervisor, Bao, Xen 4.20, KVM 6.12; as stated by the project's issue, not measured here


ROWS = [
    Figure("hypercall", "cheapest hypercall (an unknown function)", 90, (12, 160, 438, 1251)),
    Figure("psci-version", "PSCI_VERSION by HVC", 110, (12, 200, 475, 1313)),
    Figure("gicd-read", "GICD_IIDR read", 150, (15, 241, 586, 2094)),
    Figure("gicd-write", "GICD_ISENABLER write of zero", 220, (16, 3578, 743, 2120)),
    Figure("uart-read", "UART flags read", 180, (14, 240, 639, 6694)),
    Figure("id-register", "ID register read", 110, (11, 11, 436, 1616)),
    Figure("sgi-self", "SGI to self, send to handler end", 850, (543, 1342, 1568, 3312)),
    Figure("sgi-spinning", "SGI to another, spinning vCPU", 1100, (561, 1359, 2129, 5017)),
    Figure("sgi-idle", "SGI to another vCPU in WFI", 1800, (560, 1359, 8308, 5425)),
    Figure("timer", "virtual timer due now, to handler end", 400, (155, 687, 1238, 5529)),
    Figure("ping-pong", "SGI there and back, both vCPUs in WFI"),
    Figure("entry", "boot on 1 CPU, entry to the guest's first C++ line", 2_000_000, (None, 970_000, 59_900_000, None)),
    Figure("image", "image, bytes", 256 * 1024),
    Figure("ram", "RAM besides the guest's, bytes", 2 * 1024 * 1024),
]


def machine(smp, virtualization):
    return Machine(smp=smp, mem="1G", virtualization=virtualization, extra=ICOUNT)


def run(command):
    """The benchmark guest's figures: name -> instructions."""
    with Session([*reference_qemu.command(), *command[1:]], LIMIT, [r"panic", r"crashed"], None) as session:
        text = session.expect(r"(?s).*bench complete").group(0)
    lines = {name: (int(ticks), int(count)) for name, ticks, count in LINE.findall(text)}
    nanoseconds = 1_000_000_000 / lines.pop("frequency")[0]
    return {name: round(ticks * nanoseconds / count) for name, (ticks, count) in lines.items()}


def ram(command):
    """Bytes of RAM that the hypervisor has for itself while its one VM runs: what `mem` at the prompt calls plinth."""
    with Session([*reference_qemu.command(), *command[1:]], LIMIT, [r"panic", r"crashed"], None) as session:
        session.expect("bench complete")
        session.send("\x1e")
        session.expect("plinth> ")
        session.send("mem\n")
        return int(session.expect(r"(?m)^plinth +(\d+)KiB").group(1)) * 1024


def vm_bundle(vcpus):
    """A bundle with one VM, the benchmark guest."""
    file = BUILD / "bench" / str(vcpus) / "bench.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'name = "bench"\nvcpus = {vcpus}\nmemory = "16MiB"\n[kernel]\nimage = "bench/bench.bin"\n')
    return bundle.pack([file], "aarch64", output=file.with_suffix(".cpio"))


def measure():
    """(bare, ours): both columns."""
    kernel = building.image("aarch64")
    guest = guests.image("bench/bench.bin", "aarch64")
    two, one = vm_bundle(2), vm_bundle(1)
    with step("counting without a hypervisor"):
        bare = run(machine(2, False).command(guest, None, SCRIPTED))
    with step("counting under Plinth"):
        ours = run(machine(2, True).command(kernel, two, SCRIPTED))
        ours["entry"] = run(machine(1, True).command(kernel, one, SCRIPTED))["entry"]
        ours["ram"] = ram(machine(4, True).command(kernel, one, SCRIPTED))
    ours["image"] = kernel.stat().st_size
    return bare, ours


def number(value):
    return "-" if value is None else f"{value:,}".replace(",", " ")


def exceeds(row, bare, ours):
    """Whether Plinth adds more to the bare cost than the limit adds to the bare cost stated beside it."""
    if row.limit is None or row.name not in ours:
        return False
    own, stated = (bare.get(row.name, 0), row.others[0]) if row.others and row.others[0] is not None else (0, 0)
    return ours[row.name] - own > row.limit - stated


def document(bare, ours):
    lines = ["<!-- SPDX-License-Identifier: Apache-2.0 -->", "# Figures", "",
             "Written by `./plinth bench`; do not edit. Unless a row says otherwise, numbers are instructions that QEMU "
             f"{reference_qemu.release(reference_qemu.command())}",
             "executed (`-icount shift=0,sleep=off`, cortex-a72, GICv3; 2 vCPUs on 2 CPUs), by all CPUs together, with the "
             "loop", "around the operation. `bare` is the same guest, tests/guests/aarch64/bench, on QEMU's `virt` itself.", "",
             "The other hypervisors' columns, their `bare*` and the limits are quoted, not measured here, and come from another",
             "guest: its bare SGIs cost 5 times ours and its timer 1.5 times, for a reason not known; its loop around an exit a few",
             "instructions more. A figure of ours below a limit proves little then, so **over** compares what a hypervisor adds:",
             "Plinth - bare with at most - bare*.", "",
             "| operation | bare | Plinth | at most | | bare* | Bao | Xen 4.20 | KVM 6.12 |",
             "|---|--:|--:|--:|---|--:|--:|--:|--:|"]
    for row in ROWS:
        value = ours.get(row.name)
        over = "**over**" if exceeds(row, bare, ours) else ""
        cells = [bare.get(row.name), value, row.limit]
        others = (list(row.others) + [None] * 4)[:4]
        lines.append(f"| {row.title} | " + " | ".join(map(number, cells)) + f" | {over} | " + " | ".join(map(number, others)) + " |")
    return "\n".join([*lines, "", "`./plinth bench --check` compares with tests/figures/aarch64.json and allows 2 %. A change that is",
                      "meant to move a figure runs `./plinth bench --accept` and commits the result with it.", "",
                      "RAM is what the line `plinth` of `mem` says at the prompt while one VM runs on a machine with four CPUs and 1 GiB:",
                      "the image, the frame allocator's bytes for each frame, tables, heap and stacks; not the bundle, which the boot loader",
                      "put there, and not the guest's own RAM.", "",
                      "Not counted yet: a vCPU switch on one CPU, a whole Debian boot, creating and destroying VMs, growth with the number of VMs.", ""])


def compare(ours, accepted):
    """What grew beyond the allowance, as sentences; also figures that disappeared."""
    faults = []
    for name, before in accepted.items():
        now = ours.get(name)
        if now is None:
            faults.append(f"{name}: was {before}, and is not measured any more")
        elif now > before * ALLOWANCE:
            faults.append(f"{name}: was {before}, is {now} ({(now / before - 1) * 100:+.1f} %)")
    return faults


def accepted_file(arch):
    return ROOT / "tests" / "figures" / f"{arch}.json"


def main():
    parser = argparse.ArgumentParser(prog="plinth bench", description="Counts instructions per exit, interrupt and boot.")
    parser.add_argument("--arch", choices=["aarch64"], default="aarch64")
    parser.add_argument("--check", action="store_true", help="compare with tests/figures and write nothing there")
    parser.add_argument("--accept", action="store_true", help="make the result the one to compare with")
    arguments = parser.parse_args()
    bare, ours = measure()
    for row in ROWS:
        print(f"{row.title:54}{number(bare.get(row.name)):>14}{number(ours.get(row.name)):>14}{number(row.limit):>12}")
    if arguments.check:
        faults = compare(ours, json.loads(accepted_file(arguments.arch).read_text()))
        print("\n".join(faults or ["no figure grew"]))
        return 1 if faults else 0
    (BUILD / "figures.json").write_text(json.dumps({"bare": bare, "plinth": ours}, indent=1) + "\n")
    DOCUMENT.write_text(document(bare, ours))
    if arguments.accept:
        accepted_file(arguments.arch).write_text(json.dumps(ours, indent=1) + "\n")
    print(f"written: {shown(DOCUMENT)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"plinth bench: {failure}")

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check that includes point downward, as docs/architecture.md draws the layers:

    vmm -> task -> mm -> hal -> hal/base        config -> hal/base

A machine is reached through hal/NAME.hpp only, and reaches back through hal/ only; the folders of two instruction sets
never see each other; a virtual interrupt controller may use the pure register layouts of the real one. What a virtual
machine is on one instruction set, vmm/ISA/, is built with that machine and may know its facade and layouts.

usage: check_includes.py [ROOT]        (exit code 1 when an include breaks a rule)
"""
import re
import sys
from pathlib import Path

LAYERS = ("arch", "config", "hal", "mm", "task", "vmm")
ISAS = ("aarch64", "loongarch64")
SUFFIXES = {".hpp", ".cpp", ".S", ".h"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<((?:arch|hal|mm|task|config|vmm)/[^>]+)>)')
ISA_CONDITION = re.compile(r"^\s*#\s*(?:el)?if.*\b__(?:aarch64|arm|loongarch)\w*")

# What each layer may include, beside itself.
BELOW = {
    "hal/base": (),
    "hal": ("hal/base",),
    "mm": ("hal", "hal/base"),
    "task": ("mm", "hal", "hal/base"),
    "config": ("hal/base",),
    "vmm": ("task", "mm", "config", "hal", "hal/base"),
}


def layer_of(path):
    """The layer that a path from the root belongs to; an ISA's folder is a layer, and so is its regs/."""
    parts = path.split("/")
    if parts[:2] == ["hal", "base"]:
        return "hal/base"
    if parts[0] == "arch" and len(parts) > 2:
        return "/".join(parts[:3]) if parts[2] == "regs" else "/".join(parts[:2])
    if parts[0] == "arch":
        return "facade"  # <arch/NAME.hpp>: of whichever ISA is built
    return parts[0]


def complaint(source, target):
    """Why the file `source` must not include `target` (both paths from the root); None when it may."""
    here, there = layer_of(source), layer_of(target)
    if "/" not in target:
        return "write the path from the root of the tree"
    if there.split("/")[0] not in ("hal", "facade", *LAYERS):
        return f"{here} includes only {', '.join(LAYERS)}"
    if here.startswith("arch/"):
        return arch_complaint(source, target, here, there)
    if source.startswith("vmm/") and there in machine_of_vmm_folder(source):
        return None
    if there == "facade":
        is_contract = here == "hal" and source.count("/") == 1 and source.endswith(".hpp")
        return None if is_contract else "only a contract header, hal/NAME.hpp, includes the machine's"
    if there.startswith("arch/"):
        is_layout = there.endswith("/regs") and source.startswith("vmm/irq/")
        return None if is_layout else "generic code reaches a machine through hal/NAME.hpp"
    if here == there or there in BELOW[here]:
        return None
    return f"{here} may include {', '.join(BELOW[here]) or 'nothing'} beside itself, not {there}"


def machine_of_vmm_folder(source):
    """What a file of vmm/ISA/ may know of that machine."""
    isa = source.split("/")[1]
    return ("facade", f"arch/{isa}/regs") if isa in ISAS else ()


def arch_complaint(source, target, here, there):
    isa = "/".join(here.split("/")[:2])
    if there.startswith("arch/") and not there.startswith(isa):
        return "one instruction set's folder does not see the other's"
    if here.endswith("/regs"):
        allowed = there in (here, "hal/base")
        return None if allowed else "a register layout includes hal/base and other layouts only"
    if there in ("facade", "hal/base", "hal") or there.startswith(isa):
        return None
    return f"a machine reaches back through hal/ only, not {there}"


def problems_in(source, text):
    """(line number, message) for every line of a file that breaks a rule."""
    for number, line in enumerate(text.splitlines(), 1):
        if match := INCLUDE.match(line):
            target = match.group(1) or match.group(2)
            if why := complaint(source, target):
                yield number, f'"{target}": {why}'
        if ISA_CONDITION.match(line) and not source.startswith("arch/"):
            yield number, "what differs between instruction sets lives in arch/, not in a condition"


def sources(root):
    for layer in LAYERS:
        for path in sorted((root / layer).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix in SUFFIXES and not name.startswith("hal/base/freestanding/"):
                yield name, path


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    count = broken = 0
    for name, path in sources(root):
        count += 1
        for line, message in problems_in(name, path.read_text(encoding="utf-8")):
            broken += 1
            print(f"{name}:{line}: {message}")
    print(f"{count} files, {broken} includes against the direction of the layers")
    return 1 if broken or not count else 0


if __name__ == "__main__":
    sys.exit(main())

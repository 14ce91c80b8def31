# SPDX-License-Identifier: Apache-2.0
"""QEMU's models of real boards, beside `virt`: what each needs to start the hypervisor as its boot loader would."""

from dataclasses import dataclass

from . import boards, machines, reference_qemu
from .ui import USAGE, Failure


@dataclass(frozen=True)
class Kind:
    tree: str = None      # by its name in Debian's kernel; None: QEMU makes one
    options: str = ""     # of -machine
    mem: str = "2G"
    smp: int = 4
    fixed: bool = False   # CPUs and RAM are the board's, and no option
    before: int = 0       # serial ports before the one that the tree calls the console


KINDS = {
    "xlnx-zcu102": Kind(tree="xilinx/zynqmp-zcu102-rev1.0", options="virtualization=on"),
    "xlnx-versal-virt": Kind(fixed=True),
    "raspi4b": Kind(tree="broadcom/bcm2711-rpi-4-b", fixed=True, before=1),
    "imx8mp-evk": Kind(tree="freescale/imx8mp-evk", before=1),
}


class EmulatedBoard(machines.Machine):
    """A machine of KINDS. Its QEMU is the release that figures are counted with: older ones lack some of the boards."""

    def __init__(self, name, smp=None, mem=None, gdb=False, extra=(), qemu=None):
        kind = KINDS.get(name)
        if kind is None:
            raise Failure(f"there is no board called {name}; there are: virt, {', '.join(KINDS)}", USAGE)
        if kind.fixed and (smp not in (None, kind.smp) or mem not in (None, kind.mem)):
            raise Failure(f"{name} has {kind.smp} CPUs and {kind.mem} of RAM, and no others", USAGE)
        super().__init__("aarch64", None, smp or kind.smp, mem or kind.mem, gdb=gdb, extra=list(extra), qemu=qemu)
        self.name, self.kind = name, kind

    def command(self, kernel, bundle, console):
        words = [*self._program(), "-nodefaults", "-no-user-config", "-display", "none", "-audio", "none",
                 "-machine", ",".join(part for part in (self.name, self.kind.options) if part),
                 "-smp", str(self.smp), "-m", self.mem, "-kernel", str(kernel)]
        if self.kind.tree:
            words += ["-dtb", str(boards.tree(self.kind.tree))]
        if bundle is not None:
            words += ["-initrd", str(bundle)]
        if self.gdb:
            words += ["-gdb", f"tcp:{machines.GDB}", "-S"]
        return [*words, *(["-serial", "null"] * self.kind.before), *console, *self.extra]

    def prepare(self):
        boards.corpus()
        return machines.version(self.qemu) if self.qemu else " ".join(self._program()[-1:])

    def _program(self):
        return [self.qemu] if self.qemu else reference_qemu.command()

# SPDX-License-Identifier: Apache-2.0
"""The QEMU machine the hypervisor is started on, one description per architecture."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from . import packages
from .paths import QEMU_LVZ
from .ui import USAGE, Failure

GDB = "127.0.0.1:1234"  # nobody else on the network
MACHINES = {"aarch64": "cortex-a72", "loongarch64": "la464"}  # with the default CPU


@dataclass
class Machine:
    """What the command line of a run chooses."""

    arch: str = "aarch64"
    cpu: str = None
    smp: int = 4
    mem: str = "1G"
    gic: int = 3
    gdb: bool = False
    extra: list = field(default_factory=list)
    virtualization: bool = True
    qemu: str = None  # a program other than the usual one
    disks: list = field(default_factory=list)  # of the machine, as --disk has them

    def command(self, kernel, bundle, console):
        """The QEMU command line. `console` is the list of options that says where the UART goes."""
        words = [self.emulator(), "-nodefaults", "-no-user-config", "-display", "none",
                 "-machine", self.board(), "-cpu", self.cpu or MACHINES[self.arch], "-smp", str(self.smp), "-m", self.mem,
                 "-kernel", str(kernel)]
        if bundle is not None:
            words += ["-initrd", str(bundle)]
        if self.gdb:
            words += ["-gdb", f"tcp:{GDB}", "-S"]
        for number, disk in enumerate(self.disks):
            words += disk_options(number, disk)
        return [*words, *console, *self.extra]

    def board(self):
        if self.arch == "loongarch64":
            return "virt"
        return f"virt,virtualization={'on' if self.virtualization else 'off'},gic-version={self.gic}"

    def emulator(self):
        if self.qemu:
            return self.qemu
        if self.arch == "aarch64":
            return "qemu-system-aarch64"
        return lvz_emulator()

    def prepare(self):
        """Installs or builds the emulator; returns which one it is."""
        if not self.qemu:
            packages.ensure(packages.QEMU[self.arch])
        return version(self.emulator())


def disk_options(number, text):
    """QEMU's options for `FILE[,serial=NUMBER][,read-only]`: a virtio disk on PCI with what is in the file."""
    file, *options = text.split(",")
    if not Path(file).exists():
        raise Failure(f"--disk: there is no {file}; an empty disk is made by: truncate -s 1G {file}", USAGE)
    drive = f"if=none,id=disk{number},format=raw,discard=unmap,file={file}"
    device = f"virtio-blk-pci,drive=disk{number},addr={number + 1:#x}"
    for option in options:
        name, _, value = option.partition("=")
        if name == "serial" and 0 < len(value.encode()) <= 20:
            device += f",serial={value}"
        elif option == "read-only":
            drive += ",readonly=on"
        else:
            raise Failure(f"--disk: {option!r} is neither serial=NUMBER, of up to 20 characters, nor read-only", USAGE)
    return ["-drive", drive, "-device", device]


def version(program):
    """What an emulator calls itself; a Failure where there is none."""
    found = shutil.which(program)
    if found is None:
        raise Failure(f"there is no QEMU called {program}; is it in PATH?")
    shown = subprocess.run([found, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    first = shown.stdout.partition("\n")[0].strip()
    if shown.returncode != 0 or not first:
        raise Failure(f"{found} does not start: {shown.stderr.strip() or 'it says nothing'}")
    return f"{first} ({found})"


def lvz_emulator():
    """QEMU with LoongArch virtualization: no released one has it, so it is built once from tools/qemu-lvz."""
    script = QEMU_LVZ / "build"
    if not script.exists():
        raise Failure("tools/qemu-lvz/build is missing: LoongArch needs a QEMU with LVZ")
    built = subprocess.run([script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)  # progress is on stderr
    if built.returncode != 0:
        raise Failure("building QEMU with LVZ failed; its messages are above")
    return built.stdout.strip().splitlines()[-1]


INTERACTIVE = ["-chardev", "stdio,id=console,mux=on,signal=off{log}", "-serial", "chardev:console",
               "-mon", "chardev=console"]
SCRIPTED = ["-chardev", "stdio,id=console,mux=off,signal=off", "-serial", "chardev:console"]


def interactive(log=None):
    """The user's terminal is the UART; Ctrl-A is QEMU's key."""
    suffix = f",logfile={str(Path(log).resolve()).replace(',', ',,')}" if log else ""
    return [word.format(log=suffix) for word in INTERACTIVE]

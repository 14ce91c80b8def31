# SPDX-License-Identifier: Apache-2.0
"""The runs that figures come from: each boots a machine of its own and returns figures by name."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from . import building, bundle, guests, reference_qemu
from .bench_counter import CountedSession
from .bench_rows import CROWDS, GROWING, beside
from .expect import Session
from .machines import SCRIPTED, Machine, lvz_emulator
from .paths import BUILD
from .ui import step

LIMIT = 240  # seconds for one machine
ICOUNT = ["-icount", "shift=0,sleep=off"]
TROUBLE = [r"panic", r"crashed"]
LINE = re.compile(r"^bench ([\w-]+) (\d+) (\d+)$", re.MULTILINE)
ESCAPE, PROMPT = "\x1e", "plinth> "


@dataclass(frozen=True)
class Architecture:
    """What differs between them."""

    emulator: object  # called for the words that start it
    board: str  # added to QEMU's machine, so that nothing about it is random
    guest: str  # the benchmark guest as QEMU's -kernel takes it
    console: str = ""  # Linux's name of the UART
    burdens: dict = field(default_factory=dict)  # switches of vCPUs that use more: name -> CPU
    linux_entry: int = None  # where Linux begins, both in a VM and bare, and Plinth as well; None: Linux is not counted


ARCHITECTURES = {
    "aarch64": Architecture(reference_qemu.command, ",dtb-randomness=off", "bench.bin", "ttyAMA0",
                            {"switch-debug": None, "switch-pmu": None, "switch-max": "max", "switch-sve": "max"},
                            0x4020_0000),
    "loongarch64": Architecture(lambda: [lvz_emulator()], "", "bench.elf"),
}


@dataclass
class Subject:
    """What is measured: the hypervisor's image for one architecture. Makes command lines and bundles."""

    arch: str
    kernel: Path

    @property
    def architecture(self):
        return ARCHITECTURES[self.arch]

    def guest(self):
        return guests.image("bench/bench.bin", self.arch).with_name(self.architecture.guest)

    def machine(self, smp, virtualization=True, **settings):
        return Machine(arch=self.arch, smp=smp, virtualization=virtualization, **{"mem": "1G"} | settings)

    def hosted(self, smp, packed, **settings):
        """A machine with Plinth and this bundle."""
        return self._exact(self.machine(smp, **settings).command(self.kernel, packed, SCRIPTED))

    def bare(self, smp, kernel, initrd=None, extra=(), **settings):
        """The machine with this kernel and no hypervisor."""
        return self._exact(self.machine(smp, False, extra=list(extra), **settings).command(kernel, initrd, SCRIPTED))

    def _exact(self, command):
        """The command line with the emulator of the figures."""
        words = [*self.architecture.emulator(), *command[1:]]
        words[words.index("-machine") + 1] += self.architecture.board
        return words

    def vm(self, scenario, name="bench", vcpus=1, memory="16MiB", kernel='image = "bench/bench.bin"', words="", more=""):
        """A VM file; returns its path."""
        file = BUILD / "bench" / self.arch / scenario / f"{name}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'name = "{name}"\nvcpus = {vcpus}\nmemory = "{memory}"\n{more}\n'
                        f"[kernel]\n{kernel}\ncmdline = '{words}'\n")
        return file

    def pack(self, files, host_config=None):
        return bundle.pack(files, self.arch, host_config=host_config, output=files[0].parent / "bundle.cpio")


def _read(command, end="bench complete"):
    """What the machine prints until `end`."""
    with Session([*command, *ICOUNT], LIMIT, TROUBLE) as session:
        return session.expect(rf"(?s).*{end}").group(0)


def _guest_figures(text):
    """The benchmark guest's lines: name -> instructions per operation."""
    lines = {name: (int(ticks), int(count)) for name, ticks, count in LINE.findall(text)}
    nanoseconds = 1_000_000_000 / lines.pop("frequency")[0]
    return {name: round(ticks * nanoseconds / count) for name, (ticks, count) in lines.items()}


# --- exits, interrupts, switches ---------------------------------------------------------------------------------


def bare_exits(subject):
    figures = _guest_figures(_read(subject.bare(2, subject.guest())))
    figures["entry"] = _guest_figures(_read(subject.bare(1, subject.guest())))["entry"]
    figures["sgi-dedicated"] = figures["sgi-idle"]
    return figures


def exits(subject):
    two, one = (subject.pack([subject.vm(f"exits-{count}", vcpus=count)]) for count in (2, 1))
    figures = _guest_figures(_read(subject.hosted(2, two)))
    figures["entry"] = _guest_figures(_read(subject.hosted(1, one)))["entry"]
    own = subject.pack([subject.vm("dedicated", vcpus=2, more='[scheduler]\npolicy = "dedicated"')])
    figures["sgi-dedicated"] = _guest_figures(_read(subject.hosted(2, own)))["sgi-idle"]
    return figures


def switches(subject):
    shared = subject.vm("switch", vcpus=2, words="switch", more='[scheduler]\nslice = "100us"')
    figures = _guest_figures(_read(subject.hosted(1, subject.pack([shared]))))
    wanted = {name: figures[name] for name in ("switch-wait", "switch-slice")}
    for name, cpu in subject.architecture.burdens.items():
        packed = subject.pack([subject.vm(name, vcpus=2, words=name)])
        wanted[name] = _guest_figures(_read(subject.hosted(1, packed, cpu=cpu)))[name]
    return wanted


# --- memory, and the life of a VM --------------------------------------------------------------------------------


def memory(subject):
    """Bytes of RAM that the hypervisor has for itself while its one VM runs: what `mem` at the prompt calls plinth."""
    with Session([*subject.hosted(4, subject.pack([subject.vm("memory")])), *ICOUNT], LIMIT, TROUBLE) as session:
        session.expect("bench complete")
        _prompt(session)
        return {"ram": _mem(session)["plinth"], "image": building.flat_image(subject.arch).stat().st_size}


def _prompt(session):
    session.send(ESCAPE)
    session.expect(PROMPT)


def _mem(session):
    session.send("mem --json\n")
    return json.loads(session.expect(r"^\{.*\}$").group(0))


def life(subject):
    """Instructions for making a VM at the prompt, and bytes that each takes.

    What `vm destroy` costs has no figure: a task of its own scrubs the RAM, some of it before the prompt is back.
    """
    keeper = subject.vm("life", "keeper", more="autostart = false")
    one = subject.vm("life", "one", memory="16MiB")
    settings = keeper.parent / "plinth.toml"
    settings.write_text('vms = ["vms/keeper.toml"]\n')
    packed = subject.pack([keeper, one], settings)
    with Session([*subject.hosted(1, packed), *ICOUNT], LIMIT, TROUBLE) as session:
        session.expect(PROMPT)
        session.send("batch on\n")
        for _ in range(2):  # the first one warms up
            before = _mem(session)
            create = _order(session, "vm create vms/one.toml")
            after = _mem(session)
            _order(session, "vm destroy one")
    tables = after["tables"] - before["tables"]
    return {"create": create, "vm-ram": after["plinth"] - before["plinth"] - tables, "vm-tables": tables}


def _order(session, line):
    """What carrying out the line costs: more than one of that length that the shell does not know."""
    return _typed(session, line) - _typed(session, "?" + line[1:])


def _typed(session, line):
    """What the only CPU does until the line is carried out, and to say so."""
    before = _busy(session)
    session.send(f"{line}\n")
    session.expect(r"^(ok|error: .*)$")
    return _busy(session) - before


def _busy(session):
    """Instructions that the only CPU executed: the time, which passes with instructions or in sleep, less the sleep."""
    session.send("cpu list --json\n")
    cpu = json.loads(session.expect(r"^\[(\{.*\})\]$").group(1))
    session.expect("^ok$")
    return cpu["uptime_ns"] - cpu["idle_ns"]


# --- growth ------------------------------------------------------------------------------------------------------


def neighbours(subject, count):
    """The exits of one VM beside sleeping ones, `count` VMs in all."""
    scenario = f"neighbours-{count}"
    files = [subject.vm(scenario, vcpus=2, memory="4MiB", words="later")]
    files += [subject.vm(scenario, f"idle{n}", memory="4MiB", words="idle") for n in range(1, count)]
    settings = files[0].parent / "plinth.toml"
    settings.write_text('[console]\nattach = "bench"\n')
    return _growing(subject, subject.pack(files, settings))


def crowd(subject, count):
    """The exits of a VM that has `count` vCPUs, two of which do something."""
    return _growing(subject, subject.pack([subject.vm(f"crowd-{count}", vcpus=count, words="crowd")]))


def _growing(subject, packed):
    figures = _guest_figures(_read(subject.hosted(2, packed)))
    return {name: figures[name] for name in GROWING}


# --- Linux -------------------------------------------------------------------------------------------------------

LINUX_MEMORY = 256  # MiB
LINUX_WORDS = 'console={} nokaslr {} rdinit=/bin/sh -- -c "/etc/rc; exec poweroff -f"'
LINUX_KERNEL = 'image = "linux/Image"\ninitrd = "linux/initramfs.cpio.gz"'


def _linux_hosted(subject, words, scenario):
    file = subject.vm(scenario, "linux", memory=f"{LINUX_MEMORY}MiB", kernel=LINUX_KERNEL, words=words)
    with CountedSession(subject.hosted(1, subject.pack([file])), LIMIT, TROUBLE) as session:
        entry = session.go_past(subject.architecture.linux_entry, times=2)
        session.expect("GUEST-UP")
        session.expect("powered itself off")
        return entry, session.count_at_rest() - entry


def _linux_bare(subject, words, tree):
    kernel, initrd = (guests.image(name, subject.arch) for name in ("linux/Image", "linux/initramfs.cpio.gz"))
    command = subject.bare(1, kernel, initrd, ["-append", words, "-dtb", str(tree)], mem=f"{LINUX_MEMORY}M")
    with CountedSession(command, LIMIT, TROUBLE) as session:
        entry = session.go_past(subject.architecture.linux_entry)
        session.expect("GUEST-UP")
        session.expect("Power down")
        return session.count_at_rest() - entry


def _tree(subject):
    """The device tree that the VM gets, so that the bare machine can be described in the same words."""
    file = subject.vm("tree", memory=f"{LINUX_MEMORY}MiB", words="tree")
    text = _read(subject.hosted(1, subject.pack([file])), "powered itself off")
    tree = file.with_suffix(".dtb")
    tree.write_bytes(bytes.fromhex("".join(re.findall(r"^tree ([0-9a-f]{2})$", text, re.MULTILINE))))
    return tree


def linux(subject):
    """(bare, ours): Debian's kernel from its first instruction to GUEST-UP and off again, without and with its log."""
    tree = _tree(subject)
    quiet, loud = (LINUX_WORDS.format(subject.architecture.console, word) for word in ("quiet", "loglevel=7"))
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(_linux_hosted, subject, quiet, "linux-quiet"), pool.submit(_linux_bare, subject, quiet, tree),
                pool.submit(_linux_hosted, subject, loud, "linux-log"), pool.submit(_linux_bare, subject, loud, tree)]
        (load, ours), bare, (_, ours_log), bare_log = (run.result() for run in runs)
    return {"linux": bare, "linux-log": bare_log}, {"linux-load": load, "linux": ours, "linux-log": ours_log}


# --- all of them -------------------------------------------------------------------------------------------------


def measure(subject, quick):
    """(bare, ours): both columns. `quick` leaves out what takes most of the time: Linux."""
    with step("counting exits, interrupts and switches"):
        bare, ours = bare_exits(subject), exits(subject) | switches(subject)
    with step("counting memory and the life of a VM"):
        ours |= memory(subject) | life(subject)
    with step("counting beside more and more VMs and vCPUs"):
        for kind, run in (("VMs", neighbours), ("vCPUs", crowd)):
            for count in CROWDS[kind]:
                ours |= {beside(name, count, kind): value for name, value in run(subject, count).items()}
    if not quick and subject.architecture.linux_entry is not None:
        with step("counting a Debian boot, with and without a hypervisor"):
            bare_linux, ours_linux = linux(subject)
        bare |= bare_linux
        ours |= ours_linux
    return bare, ours

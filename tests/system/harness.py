# SPDX-License-Identifier: Apache-2.0
"""What system tests are written in. A test is a function that boots machines and talks to their consoles:

    @test(limit=60)
    def hello_says_hello(run):
        console = run.boot(vm("hello"))
        console.expect("hello from a guest")

Its name is the sentence it stands for. Every machine of a test is killed when it ends, at the latest when PATIENCE times
its limit is reached. See docs/testing.md.
"""

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from plinth import building, guests, newc
from plinth.expect import Session
from plinth.machines import MACHINES, SCRIPTED, Machine, lvz_emulator
from plinth.paths import BUILD, ROOT, VMS
from plinth.ui import Failure

TESTS = []
ESCAPE = "\x1e"  # Ctrl-^: from a guest's console to the prompt
IMAGE = building.product_of("aarch64")
PROMPT = "plinth> "
GUEST_PROMPT = r"guest:\S*# "  # with the folder in it, and ~ for / in shells that do not edit lines
HYPERVISOR_PANIC = r"\[plinth\].*panic"


# Time is what the machine executes, and passes at once where it sleeps: nothing depends on how fast this machine is, and a
# minute of sleep takes none.
OWN_TIME = ["-icount", "shift=3,sleep=off", "-rtc", "clock=vm"]


# Times the limit of a test that one may take: on a machine that is slow or busy with other things. Where all is well nobody
# waits so long, and what hangs has no hurry.
PATIENCE = 4


class Skipped(Exception):
    """The test cannot run here; the text says why."""


@dataclass
class Test:
    name: str
    function: object
    limit: float
    only_full: bool = False
    arguments: dict = field(default_factory=dict)


def test(limit=60, only_full=False, name=None, **arguments):
    """Registers a function as a test that ends within `limit` seconds on a machine that does nothing else; `arguments` are
    handed to it."""
    def register(function):
        TESTS.append(Test(name or function.__name__, function, limit, only_full, arguments))
        return function
    return register


def on_both(limit=60, name=None, **arguments):
    """The same test on both architectures; its function also takes `arch`. Emulated virtualization takes longer."""
    def register(function):
        base = name or function.__name__
        test(limit, name=base, arch="aarch64", **arguments)(function)
        test(2 * limit, name=f"{base}_on_loongarch64", arch="loongarch64", **arguments)(function)
        return function
    return register


@dataclass
class Vm:
    """A VM file of a bundle. `images` are by bundle name: bytes, or None for a guest that is fetched or built."""

    name: str
    text: str
    images: dict


def vm(sample, name=None, vcpus=None, memory=None, cmdline=None, **top_level):
    """One of config/vms, perhaps renamed and with other values."""
    text = (VMS / f"{sample}.toml").read_text()
    images = {path: None for path in re.findall(r'"([\w-]+/[\w.-]+)"', text)}
    if name:
        text = re.sub(r'^name = .*$', f'name = "{name}"', text, flags=re.MULTILINE)
    if vcpus is not None:
        top_level["vcpus"] = vcpus
    if memory is not None:
        top_level["memory"] = f'"{memory}"'
    for key, value in top_level.items():
        text = re.sub(rf"^{key} = .*\n", "", text, flags=re.MULTILINE)
        text = f"{key} = {value}\n" + text
    if cmdline is not None:
        text = re.sub(r"^cmdline = .*\n", "", text, flags=re.MULTILINE)
        text = text.replace("[kernel]\n", f'[kernel]\ncmdline = "{cmdline}"\n')
    return Vm(name or sample, text, images)


def bare_metal(guest, name=None, memory="16MiB", vcpus=1, cmdline="", extra=""):
    """One of our own guests of tests/guests."""
    text = (f'name = "{name or guest}"\nvcpus = {vcpus}\nmemory = "{memory}"\n{extra}\n'
            f'[kernel]\nimage = "{guest}/{guest}.bin"\ncmdline = "{cmdline}"\n')
    return Vm(name or guest, text, {f"{guest}/{guest}.bin": None})


def handwritten(name, text, **images):
    """A VM file word for word; a keyword `a__b_bin` would be clumsy, so images are given as a dictionary `images=`."""
    return Vm(name, text, images.get("images", {}))


def image(name, arch="aarch64"):
    """The content of a fetched or built guest image."""
    path = guests.image(name, arch)
    if path is None:
        raise Failure(f"no guest image {name}")
    return path.read_bytes()


def bundle(vms, host_config=None, arch="aarch64"):
    """The bytes of a bundle, made here so that a test can put anything in it."""
    archive = newc.Archive()
    if host_config is not None:
        archive.file("plinth.toml", host_config.encode())
    for machine in vms:
        archive.file(f"vms/{machine.name}.toml",
                     machine.text.encode() if isinstance(machine.text, str) else machine.text)
    images = {name: data for machine in vms for name, data in machine.images.items()}
    for name, data in images.items():
        archive.file(name, image(name, arch) if data is None else data)
    return archive.bytes()


class Console(Session):
    """The UART of a machine that runs the hypervisor.

    Nothing is typed before somebody listens: who types for the prompt must have seen it since the last order, and what a
    command says is looked for behind its echo, which is the last that is not its own."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._at_prompt = False

    def expect(self, pattern):
        """Waits until the test's limit: how long something takes is a matter of the machine's speed."""
        match = super().expect(pattern)
        if match.group(0).endswith(PROMPT):
            self._at_prompt = True
        return match

    def expect_all(self, *patterns):
        """Waits for all of these, in whichever order they come."""
        rest = {f"pattern{number}": pattern for number, pattern in enumerate(patterns)}
        while rest:
            match = self.expect("|".join(f"(?P<{name}>{pattern})" for name, pattern in rest.items()))
            rest = {name: pattern for name, pattern in rest.items() if match.group(name) is None}

    def prompt(self):
        """From a guest's console to the hypervisor's prompt; a guest that has ended has led there by itself."""
        if self._at_prompt:
            return
        self.send(ESCAPE)
        self.expect(PROMPT)

    def begin(self, command):
        """Gives the prompt a command; what it says comes next. Who does not wait for its end has to say where he is."""
        check(self._at_prompt, f"nobody has seen the prompt to which this was to be typed: {command}")
        self._at_prompt = False
        self.send(command + "\n")
        # The log may break the line, which then is drawn once more.
        self.expect(re.escape(command) + "\n")

    def order(self, command, answer=None):
        """Gives the prompt a command; returns the match of what it must say, if anything, and waits for the prompt."""
        self.begin(command)
        match = self.expect(answer) if answer else None
        if not self._at_prompt:
            self.expect(PROMPT)
        return match

    def orders(self, answers):
        """Gives the prompt many commands at once, which is quicker; `answers` are (command, what it must say)."""
        check(self._at_prompt, "nobody has seen the prompt to which this was to be typed")
        self._at_prompt = False
        self.send("".join(f"{command}\n" for command, _ in answers))
        for command, answer in answers:
            self.expect(re.escape(command) + "\n")
            self.expect(answer)
        self.expect(PROMPT)

    def attach(self, name):
        """From the prompt to a guest's console: what it has not shown yet comes next, and its unfinished line."""
        self.begin(f"console {name}")
        self.expect(rf"^\[plinth\] console of '{re.escape(name)}'.*\n")

    def see(self, name, text):
        """From the prompt to a guest's console until it has said `text`, and back. VMs start side by side: that one is
        ready says nothing of the others."""
        self.attach(name)
        self.expect(text)
        self.prompt()

    def shell(self, command):
        """Runs a command in a Linux guest that is at its shell prompt; returns what it printed."""
        # The quotes keep the markers out of the echo of what is typed.
        self.send(f"echo be''gun; {command}; echo en''ded\n")
        said = self.expect(r"(?s)begun\n(.*?)ended\n").group(1)
        self.expect(GUEST_PROMPT)
        return said

    def login(self):
        """Waits for a Linux guest that boots to come to its shell."""
        self.expect("GUEST-UP")
        self.expect(GUEST_PROMPT)

    def attach_shell(self, name):
        """From the prompt to the shell of a Linux guest that is there already, or comes there now. Enter brings its prompt
        once more where the kernel has said something behind it."""
        self.attach(name)
        self.send("\n")
        self.expect(GUEST_PROMPT)


class Run:
    """What one test works with: machines that end with it, a folder, and a log of all consoles."""

    def __init__(self, name, log, limit):
        self._stack = ExitStack()
        self._log = log
        self._end = time.monotonic() + PATIENCE * limit
        self.folder = BUILD / "test-run" / name

    def boot(self, *vms, attach=None, host_config=None, raw_bundle=None, reject=(HYPERVISOR_PANIC,), arch="aarch64",
             **machine):
        """Starts the hypervisor with these VMs. `attach` names the one on the console from the start (a single VM is it
        anyway), `host_config` is a whole plinth.toml, and `raw_bundle` replaces the bundle by any bytes."""
        if attach is not None:
            host_config = f'[console]\nattach = "{attach}"\n'
        data = raw_bundle if raw_bundle is not None else bundle(vms, host_config, arch) if vms or host_config is not None else None
        path = self.file("bundle.cpio", data) if data is not None else None
        settings = {"smp": 2, "mem": "512M"} | machine
        product = building.product_of(arch, disks=bool(machine.get("disks")))
        return self.start(Machine(arch, **settings).command(product, path, SCRIPTED), reject)

    def bare(self, guest, arguments="", gic=3, cpu=None, smp=2, arch="aarch64"):
        """Starts one of our guests on the machine itself, without the hypervisor; its virtio-mmio is that of version 1."""
        if arch == "loongarch64":
            kernel = guests.image(f"{guest}/{guest}.bin", arch).with_suffix(".elf")
            return self.start([lvz_emulator(), "-nodefaults", "-no-user-config", "-display", "none", "-machine", "virt", "-cpu",
                               cpu or MACHINES[arch], "-smp", str(smp), "-m", "256", *SCRIPTED, "-kernel", str(kernel), "-append",
                               arguments], ())
        return self.start(["qemu-system-aarch64", "-nodefaults", "-no-user-config", "-display", "none", "-machine",
                           f"virt,gic-version={gic}", "-cpu", cpu or MACHINES[arch], "-smp", str(smp), "-m", "64", *SCRIPTED,
                           "-global", "virtio-mmio.force-legacy=false",
                           "-kernel", str(guests.image(f"{guest}/{guest}.bin", "aarch64")), "-append", arguments], ())

    def start(self, command, reject=()):
        """Any program with a console, e.g. ./plinth itself."""
        self._log.write(f"\n$ {' '.join(map(str, command))}\n".encode())
        session = Console([str(word) for word in command], self.left(), reject, self._write)
        return self._stack.enter_context(session)

    def plinth(self, *words):
        """The ./plinth command."""
        return self.start([ROOT / "plinth", *words])

    def file(self, name, data):
        """A file of this test alone; returns its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def left(self):
        """Seconds until the test's limit."""
        return max(0.1, self._end - time.monotonic())

    def note(self, text):
        self._log.write(f"\n# {text}\n".encode())

    def _write(self, data):
        self._log.write(data)
        self._log.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()


def check(holds, message):
    """A test's own expectation."""
    if not holds:
        raise Failure(message)


def execute(one, log):
    """Runs a test; raises what went wrong."""
    with open(log, "wb") as file, Run(one.name, file, one.limit) as run:
        one.function(run, **one.arguments)


def sample_names():
    return sorted(file.stem for file in Path(VMS).glob("*.toml"))

# SPDX-License-Identifier: Apache-2.0
"""What each subcommand does."""

import os
import shlex
import subprocess
import sys

from . import building, bundle, guests, machines, packages
from .expect import Session, unescape
from .paths import BUILD, ROOT, shown
from .ui import Failure, say

GIB = 1 << 30
OWN_SHARE = 128 << 20  # of the machine's RAM, for the hypervisor, the bundle and what firmware keeps
BUNDLE_SHARE = 64 << 20


def run(arguments):
    files = bundle.find(arguments.vms)
    machine = _machine(arguments, files)
    if arguments.script is None and arguments.timeout is not None:
        raise Failure("--timeout belongs to --expect: an interactive run lasts until you leave it")
    if arguments.dry_run:
        return _print_commands(arguments, files, machine)
    machine.prepare()
    kernel = building.image(arguments.arch)
    packed = bundle.pack(files, arguments.arch, arguments.overrides, _host_config(arguments))
    if arguments.gdb:
        say(f"waiting for: gdb-multiarch {shown(BUILD / arguments.arch / 'plinth.elf')} -ex 'target remote :1234'")
    if arguments.script is None:
        return _interactive(machine.command(kernel, packed, machines.interactive(arguments.log)))
    return _scripted(machine.command(kernel, packed, machines.SCRIPTED), arguments)


def _machine(arguments, files):
    needed = bundle.memory(files, arguments.overrides) + OWN_SHARE + BUNDLE_SHARE * len(files)
    mem = arguments.mem or f"{max(1, -(-needed // GIB))}G"
    return machines.Machine(arguments.arch, arguments.cpu, arguments.smp, mem, arguments.gic, arguments.gdb,
                            arguments.qemu_arg)


def _print_commands(arguments, files, machine):
    console = machines.interactive(arguments.log) if arguments.script is None else machines.SCRIPTED
    words = machine.command(building.product_of(arguments.arch), bundle.default_output(files), console)
    print(f"plinth pack {shlex.join(shown(file) for file in files)} -o {shown(bundle.default_output(files))}"
          + "".join(f" --set {shlex.quote(override)}" for override in arguments.overrides))
    print(shlex.join(shown(word) for word in words))


def _interactive(command):
    say("leave with Ctrl-A x; Plinth's own prompt is at Ctrl-^ (often typed as Ctrl-6)")
    sys.stderr.flush()
    os.execvp(command[0], command)


def _scripted(command, arguments):
    log = open(arguments.log, "wb") if arguments.log else None

    def output(data):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        if log:
            log.write(data)
            log.flush()

    with Session(command, arguments.timeout or 120, arguments.reject, output) as session:
        try:
            for kind, text in arguments.script:
                if kind == "expect":
                    session.expect(text)
                else:
                    session.send(unescape(text))
        finally:
            print(flush=True)
            if log:
                log.close()
    return 0


def build(arguments):
    print(shown(building.image(arguments.arch)))
    print(shown(building.host_tool()))
    if arguments.fetch or arguments.refresh:
        for name in guests.fetched_names(arguments.arch):
            print(guests.image(name, arguments.arch, arguments.refresh))


def pack(arguments):
    files = bundle.find(arguments.vms)
    building.image(arguments.arch)
    print(bundle.pack(files, arguments.arch, arguments.overrides, _host_config(arguments), arguments.output))


def _host_config(arguments):
    return os.path.abspath(arguments.host_config) if arguments.host_config else None


def check(arguments):
    files = bundle.find(arguments.vms)
    building.image(arguments.arch)  # our own guests are images, too
    command = [building.host_tool(), "check", "--arch", arguments.arch, *map(shown, files)]
    command += bundle.described(bundle.images_at_hand(files, arguments.arch, arguments.overrides), arguments.overrides)
    if arguments.dtb:
        command += ["--dtb", os.path.abspath(arguments.dtb)]
    return subprocess.run(command, cwd=ROOT).returncode


def test(arguments):
    from . import testing
    return testing.main(arguments)

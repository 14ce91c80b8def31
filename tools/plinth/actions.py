# SPDX-License-Identifier: Apache-2.0
"""What each subcommand does."""

import os
import shlex
import subprocess
import sys

from . import building, bundle, disk_image, emulated_boards, guests, machines, packages
from .expect import GuestConsole, unescape
from .paths import BUILD, ROOT, shown
from .ui import USAGE, Failure, say

GIB = 1 << 30
OWN_SHARE = 128 << 20  # of the machine's RAM, for the hypervisor, the bundle and what firmware keeps
BUNDLE_SHARE = 64 << 20


def run(arguments):
    files = bundle.find(arguments.vms)
    _check_script(arguments)
    wanted = bundle.demands(files, arguments.arch, arguments.overrides)
    machine = _machine(arguments, wanted)
    if arguments.dry_run:
        return _print_commands(arguments, files, machine)
    emulator = machine.prepare()
    kernel = building.image(arguments.arch, disks=bool(arguments.disks))
    names = [vm["name"] for vm in wanted]
    overrides = [*arguments.overrides, *_first_console(arguments, names)]
    packed = bundle.pack(files, arguments.arch, overrides, _host_config(arguments), given=arguments.images)
    say(f"on {emulator}")
    if arguments.gdb:
        say(f"waiting for: gdb-multiarch {shown(BUILD / arguments.arch / 'plinth.elf')} -ex 'target remote {machines.GDB}'")
    if arguments.script is None:
        return _interactive(machine.command(kernel, packed, machines.interactive(arguments.log)), arguments.log)
    return _scripted(machine.command(kernel, packed, machines.SCRIPTED), arguments, wanted, emulator)


def _check_script(arguments):
    script = arguments.script
    if script is None and arguments.timeout is not None:
        raise Failure("--timeout belongs to --expect: an interactive run lasts until you leave it", USAGE)
    if script is None and arguments.reject:
        raise Failure("--reject belongs to --expect: give the run something to wait for", USAGE)
    if script is not None and not any(kind == "expect" for kind, _ in script):
        raise Failure("--send and --on belong to --expect: without it nobody waits for what they bring about", USAGE)


def _first_console(arguments, names):
    """A script begins at the console of its first VM, unless its own plinth.toml or --on says another."""
    if arguments.script is None or arguments.host_config or len(names) < 2:
        return []
    if any(override.startswith("plinth.console.attach=") for override in arguments.overrides):
        return []
    return [f"plinth.console.attach={names[0]}"] if names[0] else []


def _machine(arguments, wanted):
    needed = sum(vm["memory"] for vm in wanted) + OWN_SHARE + BUNDLE_SHARE * len(wanted)
    if arguments.machine != "virt" and arguments.disks:
        raise Failure("--disk: only QEMU's board virt has a PCI bus for it", USAGE)
    if arguments.machine != "virt":
        return emulated_boards.EmulatedBoard(arguments.machine, arguments.smp, arguments.mem, arguments.gdb,
                                             arguments.qemu_arg, arguments.qemu)
    mem = arguments.mem or f"{max(1, -(-needed // GIB))}G"
    return machines.Machine(arguments.arch, arguments.cpu, arguments.smp or 4, mem, arguments.gic, arguments.gdb,
                            arguments.qemu_arg, qemu=arguments.qemu, disks=arguments.disks)


def _print_commands(arguments, files, machine):
    console = machines.interactive(arguments.log) if arguments.script is None else machines.SCRIPTED
    words = machine.command(building.product_of(arguments.arch, bool(arguments.disks)), bundle.default_output(files), console)
    print(f"plinth pack {shlex.join(shown(file) for file in files)} -o {shown(bundle.default_output(files))}"
          + "".join(f" --set {shlex.quote(override)}" for override in arguments.overrides)
          + "".join(f" --image {shlex.quote(image)}" for image in arguments.images))
    print(shlex.join(shown(word) for word in words))


def _interactive(command, log):
    if log:
        open(log, "wb").close()  # QEMU's own words about a file that cannot be written come too late
    say("leave with Ctrl-A x; Plinth's own prompt is at Ctrl-^ (often typed as Ctrl-6)")
    sys.stderr.flush()
    os.execvp(command[0], command)


def _scripted(command, arguments, vms, emulator):
    names = [vm["name"] for vm in vms]
    unknown = [name for kind, name in arguments.script if kind == "on" and name not in names]
    if unknown:
        raise Failure(f"--on {unknown[0]}: no VM of this run is called so; there are: {', '.join(names)}", USAGE)
    log = open(arguments.log, "wb") if arguments.log else None
    if log:
        log.write(f"# {emulator}\n".encode())

    def output(data):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        if log:
            log.write(data)
            log.flush()

    with GuestConsole(command, arguments.timeout or 120, arguments.reject, output, vms) as session:
        try:
            for kind, text in arguments.script:
                if kind == "expect":
                    session.expect(text)
                elif kind == "on":
                    session.go_to(text)
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
    print(bundle.pack(files, arguments.arch, arguments.overrides, _host_config(arguments), arguments.output,
                      arguments.images))


def image(arguments):
    files = bundle.find(arguments.vms)
    if arguments.dtb and arguments.arch != "aarch64":
        raise Failure("--dtb is for U-Boot, and on LoongArch EFI firmware gives the device tree")
    if arguments.dtb and not _is_tree(arguments.dtb):
        raise Failure(f"{arguments.dtb} is no device tree blob (dtc makes one of its source)")
    building.image(arguments.arch)
    packed = bundle.pack(files, arguments.arch, arguments.overrides, _host_config(arguments), given=arguments.images)
    disk_image.write(arguments.arch, building.flat_image(arguments.arch), packed, arguments.output, arguments.dtb)
    print(arguments.output)


def _is_tree(path):
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\xd0\x0d\xfe\xed"
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from None


def _host_config(arguments):
    return os.path.abspath(arguments.host_config) if arguments.host_config else None


def check(arguments):
    command = [building.host_tool(), "check", "--arch", arguments.arch]
    if arguments.vms or not arguments.dtb:
        files = bundle.find(arguments.vms)
        building.image(arguments.arch)  # our own guests are images, too
        found = bundle.images_at_hand(files, arguments.arch, arguments.overrides, arguments.images)
        command += [*map(shown, files), "--complete", *bundle.described(found, arguments.overrides)]
    if arguments.dtb:
        command += ["--dtb", os.path.abspath(arguments.dtb)]
    if arguments.json:
        command += ["--json"]
    code = subprocess.run(command, cwd=ROOT).returncode
    return code if code >= 0 else 128 - code  # a signal, as the shell has it: 141 when nobody reads the output


def test(arguments):
    from . import testing
    return testing.main(arguments)

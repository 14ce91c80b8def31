# SPDX-License-Identifier: Apache-2.0
"""Entry of ./plinth: subcommands, their options and help. What they do is in the modules beside this one."""

import argparse
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[0] = str(Path(__file__).resolve().parents[1])

if sys.version_info < (3, 11):
    sys.exit("plinth: Python 3.11 or newer is needed (Debian 12 has 3.11)")

from plinth import actions, bench, boards, emulated_boards, machines, trace  # noqa: E402  (after the path and the version are right)
from plinth.paths import ROOT  # noqa: E402
from plinth.ui import USAGE, Failure  # noqa: E402

RUN_EXAMPLES = """\
examples:
  plinth run                                    Debian Linux in a VM; you are at its shell
  plinth run linux hello --smp 4                two VMs beside each other
  plinth run my/vm.toml --set vm.memory=1GiB    your own VM file, one value overridden for this run
  plinth run linux --expect GUEST-UP --timeout 120
                                                a boot test: exit code 0 when the console shows it, 124 after 120 s
  plinth run linux --expect 'guest:/#' --send 'uname -m\\n' --expect aarch64
  plinth run linux hello --expect GUEST-UP --on hello --expect 'is ready'
                                                one VM's console after the other
  plinth run linux --image linux/Image=~/linux/arch/arm64/boot/Image
                                                a kernel of yours
  plinth run my/vm.toml --disk disk.img,serial=root
                                                a VM with `[[disk]] host = "serial:root"` on a file of yours
  plinth run linux --gdb                        wait for a debugger on port 1234

--expect looks at what the guest at the console prints: not at Plinth's own log, at escape sequences, or at the echo of
a line that --send typed. A VM that was refused or has ended ends the waiting.

leave an interactive run with Ctrl-A x; Ctrl-^ (Ctrl-6 on many keyboards) leads from a guest's console to Plinth's prompt
"""


EPILOG = """\
start with: plinth run
`plinth COMMAND --help` or `plinth help COMMAND` shows options and examples

exit codes: 0 done; 1 it failed, a message says why; 2 the command line makes no sense (check, pack: or a file cannot be
read or written); 124 --expect waited in vain; 130 interrupted (Ctrl-C); 141 nobody reads the output; 143 terminated
"""


def _version():
    """The commit that this tree is at, where git can tell."""
    try:
        told = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--tags"], capture_output=True, text=True)
        return f"plinth {told.stdout.strip() or 'without a version: no git here'}"
    except OSError:
        return "plinth without a version: no git here"


class _Version(argparse.Action):
    """Asks git only when somebody wants to know."""

    def __call__(self, parser, *_):
        print(_version())
        parser.exit()


class _Parser(argparse.ArgumentParser):
    def _print_message(self, message, file=None):
        """argparse's own takes it for success when the text cannot be written."""
        if message:
            (file or sys.stderr).write(message)


def parser():
    top = _Parser(prog="plinth", description="Builds, packs, runs and tests the Plinth hypervisor.",
                                  formatter_class=argparse.RawDescriptionHelpFormatter,
                                  epilog=EPILOG)
    top.add_argument("--version", action=_Version, nargs=0, help="say which version this is")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    top.set_defaults(action=lambda _: top.print_help())

    def command(name, summary, action, examples):
        sub = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".",
                                  epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter)
        sub.set_defaults(action=action)
        return sub

    run = command("run", "run VMs on the hypervisor under QEMU", actions.run, RUN_EXAMPLES)
    _vm_options(run)
    _machine_options(run)
    _script_options(run)

    build = command("build", "build the hypervisor, its guests and the host tool", actions.build,
                    "examples:\n  plinth build\n  plinth build --fetch    also fetch every guest image for later, offline\n"
                    "  plinth build --refresh  fetch the newest guest images again")
    _arch_option(build)
    build.add_argument("--fetch", action="store_true", help="also fetch Debian's guest images into the cache")
    build.add_argument("--refresh", action="store_true", help="fetch them again even if they are there")

    pack = command("pack", "make a bundle: the archive of VM files and images that the boot loader hands over", actions.pack,
                   "examples:\n  plinth pack linux -o bundle.cpio\n  plinth pack a.toml b.toml --set a.vcpus=4 -o bundle.cpio")
    _arch_option(pack)
    _vm_options(pack)
    pack.add_argument("-o", "--output", default="bundle.cpio", metavar="FILE", help="default: bundle.cpio")

    image = command("image", "make a disk image with a bundle, to be started by a board's firmware", actions.image,
                    "examples:\n  plinth image linux -o sd.img\n  plinth image a.toml b.toml --dtb board.dtb -o sd.img\n"
                    "  sudo dd if=sd.img of=/dev/CARD bs=4M conv=fsync\n\n"
                    "EFI firmware starts it as \\EFI\\BOOT\\BOOTAA64.EFI (on LoongArch BOOTLOONGARCH64.EFI), U-Boot by its\n"
                    "extlinux.conf or boot.scr; the 16 MiB before the partition are left to the board's own boot code")
    _arch_option(image)
    _vm_options(image)
    image.add_argument("--dtb", metavar="FILE", help="the board's device tree, for a U-Boot without the right one")
    image.add_argument("-o", "--output", default="plinth.img", metavar="FILE", help="default: plinth.img")

    check = command("check", "check VM files without booting them", actions.check,
                    "examples:\n  plinth check my/vm.toml\n  plinth check my/vm.toml --dtb board.dtb   also against a board's CPUs and RAM\n"
                    "  plinth check --dtb board.dtb              what is understood of a board, and what that means")
    _arch_option(check)
    _vm_options(check, host_config=False)
    check.add_argument("--dtb", metavar="FILE", help="a board's device tree: what is understood of it; alone, or with VM files")
    check.add_argument("--json", action="store_true", help="tell of the board as JSON")

    known = command("boards", "say what is understood of many boards' device trees", boards.run,
                    "examples:\n  plinth boards              the trees that Debian's kernel comes with, fetched once\n"
                    "  plinth boards my/trees --list\n  plinth boards --json")
    known.add_argument("folder", nargs="?", metavar="FOLDER", help="where *.dtb files are, at any depth")
    known.add_argument("--json", action="store_true", help="one object for each board, and the counts")
    known.add_argument("--write", action="store_true", help="write docs/boards.md")
    known.add_argument("--list", action="store_true", help="a table for each board before the counts")

    test = command("test", "run the tests: host unit tests and QEMU runs", actions.test,
                   "examples:\n  plinth test\n  plinth test --list\n  plinth test unit            one group\n"
                   "  plinth test linux_boots     every test whose name contains this\n\n"
                   "the last line on stdout is `N passed, N failed, N skipped`")
    test.add_argument("names", nargs="*", metavar="NAME", help="a group, a test's name, a part of one, or a pattern with *")
    test.add_argument("--list", action="store_true", help="print the names and stop")
    test.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), metavar="N",
                      help="QEMU runs at the same time (default: %(default)s)")
    test.add_argument("--full", action="store_true", help="every combination instead of the subset that covers each value")
    test.add_argument("--keep-logs", action="store_true", help="keep logs of passed tests too (build/test-logs)")

    measuring = command("bench", "measure: instructions per exit, interrupt, switch and boot; bytes", bench.run,
                        "examples:\n  plinth bench                 measure everything and write docs/figures.md (a minute or two)\n"
                        "  plinth bench --quick         show all but the Linux boots\n"
                        "  plinth bench --check         fail when a figure grew, and say which\n"
                        "  plinth bench --accept -m 'GICD registers by table'")
    _arch_option(measuring)
    measuring.add_argument("--quick", action="store_true", help="leave out the Linux boots, which take most of the time")
    measuring.add_argument("--check", action="store_true", help="compare with tests/figures and fail when a figure grew")
    measuring.add_argument("--accept", action="store_true", help="make the result the one that --check compares with")
    measuring.add_argument("-m", "--message", metavar="WHAT", help="what changed, for the history; with --accept")

    tracing = command("trace", "turn a trace in a console log into a file for Perfetto", trace.run,
                      "examples:\n  plinth run linux --log console.log     then, at Plinth's prompt: trace on, trace off, trace dump\n"
                      "  plinth trace console.log\n  plinth trace - -o boot.json < console.log\n"
                      "  plinth trace console.log --svg trace.svg --window 2000:500")
    tracing.add_argument("log", metavar="LOG", help="what `plinth run --log` wrote; - for standard input")
    tracing.add_argument("-o", "--output", default="trace.json", metavar="FILE", help="default: trace.json")
    tracing.add_argument("--svg", metavar="FILE", help="draw a picture instead")
    helping = command("help", "show this, or the help of a command", lambda chosen: _show_help(top, commands, chosen),
                      "examples:\n  plinth help\n  plinth help run")
    helping.add_argument("topic", nargs="?", metavar="COMMAND")

    tracing.add_argument("--window", type=trace.window, metavar="BEGIN:LENGTH",
                         help="the part to draw, in microseconds since the first record (default: all)")
    return top


def _show_help(top, commands, arguments):
    if arguments.topic is None:
        top.print_help()
    elif arguments.topic in commands.choices:
        commands.choices[arguments.topic].print_help()
    else:
        raise Failure(f"there is no command {arguments.topic}; there are: {', '.join(commands.choices)}", USAGE)


def _arch_option(sub):
    sub.add_argument("--arch", choices=sorted(machines.MACHINES), default="aarch64", help="default: %(default)s")


def _vm_options(sub, host_config=True):
    sub.add_argument("vms", nargs="*", metavar="NAME|FILE.toml", help="a sample of config/vms or a VM file of yours (default: linux)")
    sub.add_argument("--set", dest="overrides", action="append", default=[], metavar="VM.KEY=VALUE",
                     help="override one TOML value, e.g. linux.vcpus=4 or linux.kernel.cmdline='console=ttyAMA0 quiet'")
    sub.add_argument("--image", dest="images", action="append", default=[], metavar="NAME=PATH",
                     help="where the image NAME of a VM file is, e.g. linux/Image=my/Image")
    if host_config:
        sub.add_argument("--host-config", metavar="FILE", help="the bundle's plinth.toml (default: config/plinth.toml)")


def _machine_options(sub):
    _arch_option(sub)
    sub.add_argument("--machine", choices=("virt", *emulated_boards.KINDS), default="virt",
                     help="QEMU's machine on aarch64 (default: %(default)s); boards have CPUs of their own")
    sub.add_argument("--smp", type=int, metavar="N", help="CPUs of the machine (default: 4, or what a board has)")
    sub.add_argument("--mem", metavar="SIZE", help="RAM of the machine, as QEMU takes it (default: 1G, more if the VMs need it)")
    sub.add_argument("--cpu", metavar="MODEL", help="CPU model (default: cortex-a72 on aarch64, la464 on loongarch64)")
    sub.add_argument("--gic", type=int, choices=(2, 3), default=3, help="interrupt controller on aarch64 (default: %(default)s)")
    sub.add_argument("--disk", dest="disks", action="append", default=[], metavar="FILE[,serial=NUMBER][,read-only]",
                     help="a disk of the machine, for VMs with `host = ...`; the first is pci:00:01.0")
    sub.add_argument("--gdb", action="store_true", help="wait for a debugger on port 1234")
    sub.add_argument("--qemu", metavar="PROGRAM", help="the QEMU to use (default: the installed one)")
    sub.add_argument("--qemu-arg", action="append", default=[], metavar="ARG", help="hand ARG to QEMU; repeat it for more")
    sub.add_argument("--log", metavar="FILE", help="also write the console to FILE")
    sub.add_argument("--dry-run", action="store_true", help="print what would be run")


class _ScriptStep(argparse.Action):
    """--expect and --send form one sequence, in the order typed."""

    def __call__(self, _, namespace, value, option_string=None):
        namespace.script = [*(namespace.script or []), (self.dest, value)]


def _regex(text):
    if not text:
        raise argparse.ArgumentTypeError("an empty pattern is found everywhere")
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None
    return text


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: a number of seconds above 0")
    return seconds


def _script_options(sub):
    sub.set_defaults(script=None)
    sub.add_argument("--on", action=_ScriptStep, metavar="VM",
                     help="what follows is about the console of this VM (at first: that of the first VM)")
    sub.add_argument("--expect", action=_ScriptStep, type=_regex, metavar="REGEX",
                     help="wait until the console shows it; after the last one, exit with 0")
    sub.add_argument("--send", action=_ScriptStep, metavar="TEXT", help=r"type TEXT (with \n for Enter, \xNN for any key)")
    sub.add_argument("--reject", action="append", type=_regex, default=[], metavar="REGEX",
                     help="fail at once when the console shows it")
    sub.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="for the whole --expect sequence (default: 120)")


def _arguments():
    """argparse takes one uninterrupted list of VMs; users also write some of them after an option."""
    top = parser()
    arguments, rest = top.parse_known_args()
    words = getattr(arguments, "vms", getattr(arguments, "names", None))
    if rest and (words is None or any(word.startswith("-") for word in rest)):
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        words.extend(rest)
    return arguments


def _act():
    """Does what was asked, down to the last byte of output: what is still buffered has not been written."""
    try:
        arguments = _arguments()
        return arguments.action(arguments) or 0
    finally:
        sys.stdout.flush()


def _abandon_output():
    """Nobody takes it: the interpreter's own last flush must not complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_streams():
    """Those that the shell closed (`>&-`): what is printed to them is lost, and no file takes their place."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, open(number, mode, closefd=False))


def main():
    _open_closed_streams()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return _act()
    except Failure as failure:
        print(f"plinth: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        print("plinth: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _abandon_output()
        return 141
    except OSError as error:  # what was asked of the system, and not what is wrong with Plinth
        what = f"{error.strerror or error}: {error.filename}" if error.filename else str(error.strerror or error)
        print(f"plinth: {what}", file=sys.stderr)
        _abandon_output()
        return 1


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""CMake and Ninja, configured by preset when needed."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import packages
from .paths import BUILD, HOST_TOOL, ROOT, shown
from .ui import Failure, call, say, step


def image(arch, disks=False):
    """Builds the hypervisor and its guests for `arch`; returns the image that QEMU takes, and U-Boot on AArch64. `disks`: the
    one that drives the machine's disks, which the usual one has no room for."""
    if not (ROOT / "arch" / arch / "CMakeLists.txt").exists():
        raise Failure(f"the hypervisor does not run on {arch} yet (see the support table in README.md)")
    packages.ensure(packages.BUILD)
    _build(arch)
    if disks:
        _build(arch, "plinth-disks.elf")
    product = product_of(arch, disks)
    if not product.exists():
        raise Failure(f"the build went through, but made no {shown(product)}")
    return product


def product_of(arch, disks=False):
    """Where the image is, built or not: QEMU's -kernel of LoongArch takes the ELF file."""
    return BUILD / arch / (("plinth-disks" if disks else "plinth") + (".elf" if arch == "loongarch64" else ".bin"))


def flat_image(arch):
    """Where the image is that boot loaders and EFI firmware take."""
    return BUILD / arch / "plinth.bin"


def host_tool():
    """Builds plinth-host, which checks and packs VM files with the hypervisor's own parser."""
    packages.ensure(packages.BUILD)
    _build("host-tools", HOST_TOOL.name)
    return HOST_TOOL


def unit_tests():
    """Builds the host unit tests; returns their folder for ctest."""
    packages.ensure(packages.BUILD | packages.UNIT_TESTS)
    _build("host")
    return BUILD / "host"


def _build(preset, *targets):
    """One command at a time in each build folder: others wait."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / f".{preset}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another command that builds {preset}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        _build_alone(preset, *targets)


def _is_configured(folder):
    """For these sources: a copied tree brings the build folder of the original along."""
    cache = folder / "CMakeCache.txt"
    if not (folder / "build.ninja").exists() or not cache.exists():
        return False
    home = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", cache.read_text(errors="replace"), re.MULTILINE)
    return home is not None and Path(home.group(1)) == ROOT


def _build_alone(preset, *targets):
    folder = BUILD / preset
    if not _is_configured(folder):
        shutil.rmtree(folder, ignore_errors=True)
        call(["cmake", "--preset", preset], f"configuring {preset}", cwd=ROOT)
    command = ["ninja", "-C", str(folder), "-j", str(os.cpu_count() or 1), *targets]
    if sys.stderr.isatty():
        status = dict(os.environ, NINJA_STATUS=f"plinth: building {preset} [%f/%t] ")
        quiet = ["--quiet"] if _up_to_date(command) else []
        if subprocess.run(command + quiet, stdout=sys.stderr, env=status).returncode:
            raise Failure(f"building {preset} failed; the compiler's messages are above")
    elif not _up_to_date(command):
        with step(f"building {preset}"):
            call(command, f"building {preset}")


def _up_to_date(command):
    if shutil.which(command[0]) is None:
        raise Failure(f"building needs the program {command[0]}, and it is not in PATH")
    return "no work to do" in subprocess.run([*command, "-n"], capture_output=True, text=True).stdout

# SPDX-License-Identifier: Apache-2.0
"""The emulator that figures are counted with. Exact counts depend on its version (what wakes an idle CPU, how its GIC
behaves), so it is one release everywhere: Debian 13's, which Debian 12 has in its backports. Where the machine has
another, it is unpacked in the cache, with the libraries that are missing here; nothing is installed."""

import os
import re
import shutil
import subprocess

from . import packages
from .apt import PrivateApt, codename
from .paths import cache
from .ui import Failure, say, step

RELEASE = "10.0"
PROGRAM = "qemu-system-aarch64"


def command():
    """The words that start the reference emulator; another release, with a warning, where it cannot be had."""
    packages.ensure(packages.QEMU["aarch64"])
    if release([PROGRAM]) == RELEASE:
        return [PROGRAM]
    try:
        return _unpacked()
    except Failure as failure:
        say(f"QEMU {RELEASE} cannot be had, so figures come from {release([PROGRAM])}: {failure}")
        return [PROGRAM]


def release(words):
    """Major and minor version, e.g. `10.0`."""
    shown = subprocess.run([*words, "--version"], capture_output=True, text=True)
    match = re.search(r"version (\d+\.\d+)", shown.stdout)
    return match.group(1) if match else ""


def _unpacked():
    folder = cache() / "qemu" / RELEASE
    if not (folder / "complete").exists():
        _fetch(folder)
    # `env` and not our own environment: setpriv and others that start the emulator keep this machine's libraries.
    words = ["env", f"LD_LIBRARY_PATH={_libraries(folder)}", str(folder / "usr" / "bin" / PROGRAM)]
    if release(words) != RELEASE:
        raise Failure(f"what {codename()}-backports has does not start, or is no {RELEASE}")
    return words


def _libraries(folder):
    multiarch = subprocess.run(["dpkg-architecture", "-qDEB_HOST_MULTIARCH"], capture_output=True, text=True).stdout.strip() \
        if shutil.which("dpkg-architecture") else f"{os.uname().machine}-linux-gnu"
    return os.pathsep.join(str(folder / place / multiarch) for place in ("usr/lib", "lib"))


def _fetch(folder):
    arch = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    backports = PrivateApt(cache(), arch, suites=[f"{codename()}-backports"])
    version = backports.version("qemu-system-arm")
    if not version or not re.match(rf"(\d+:)?{re.escape(RELEASE)}\.", version):
        raise Failure(f"{codename()}-backports has {version or 'none'}")
    with step(f"fetching QEMU {version} for exact figures"):
        shutil.rmtree(folder, ignore_errors=True)
        for package in ("qemu-system-arm", "qemu-system-data"):
            PrivateApt.unpack(backports.download(package), folder)
        own = PrivateApt(cache(), arch)
        for package in backports.depends("qemu-system-arm"):
            if not package.startswith("qemu-") and not packages.installed(package):
                PrivateApt.unpack(own.download(package), folder)
        (folder / "complete").touch()

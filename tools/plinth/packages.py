# SPDX-License-Identifier: Apache-2.0
"""The Debian packages each subcommand needs on this machine, and their installation."""

import os
import shutil
import subprocess
import sys

from .ui import Failure, say

BUILD = {
    "clang-19": "the compiler of every target",
    "lld-19": "the linker",
    "llvm-19": "objcopy",
    "libc++-19-dev": "the standard library's headers",
    "libc++abi-19-dev": "the standard library of the host tool",
    "cmake": "the build",
    "ninja-build": "the build",
    "libcli11-dev": "the host tool's command line",
    "libzstd-dev": "kernels that are packed with zstd",
}
UNIT_TESTS = {
    "googletest": "the unit tests",
    "libclang-rt-19-dev": "the sanitizers",
    "libtomlplusplus-dev": "a second opinion on TOML",
    "zlib1g-dev": "a second opinion on gzip",
    "device-tree-compiler": "a second opinion on device trees",
    "cpio": "a second opinion on archives",
}
QEMU = {"aarch64": {"qemu-system-arm": "the machine that everything runs on"}, "loongarch64": {}}


def ensure(wanted):
    """Installs those packages of `wanted` (name -> what for) that are missing: asks on a terminal, just does it elsewhere."""
    missing = {name: reason for name, reason in wanted.items() if not installed(name)}
    if not missing:
        return
    say("these Debian packages are missing:")
    for name, reason in missing.items():
        print(f"    {name:24}{reason}", file=sys.stderr)
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    by_hand = f"install them with: sudo {' '.join(word for word in command if word != '-y')}"
    if shutil.which("apt-get") is None:
        raise Failure("this machine has no apt-get; install their equivalents, then try again")
    if not _agreed():
        raise Failure(f"nothing was installed; {by_hand}")
    # sudo hands no environment on.
    prefix = [] if os.geteuid() == 0 else ["sudo", "env", "DEBIAN_FRONTEND=noninteractive"]
    if prefix and shutil.which("sudo") is None:
        raise Failure(f"neither root nor sudo here; as root, {by_hand.replace('sudo ', '')}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for step in (["apt-get", "update"], command):
        if subprocess.run(prefix + step, stdin=None if prefix else subprocess.DEVNULL, stdout=sys.stderr, env=environment).returncode:
            raise Failure(f"`{' '.join(step)}` failed; {by_hand}")


def _agreed():
    if os.environ.get("CI") or not sys.stdin.isatty():
        return True
    print("Install them now with apt-get? [Y/n] ", end="", file=sys.stderr, flush=True)
    return not sys.stdin.readline().strip().lower().startswith("n")


def installed(name):
    if shutil.which("dpkg-query") is None:
        raise Failure("this machine has no dpkg-query: the packages that are needed cannot be looked up")
    result = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name], capture_output=True, text=True)
    return result.returncode == 0 and result.stdout == "installed"

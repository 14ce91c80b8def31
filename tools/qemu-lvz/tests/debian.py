# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of Debian's for loong64, unmodified, with the shared libraries they load."""

import re
import subprocess
from collections import deque
from pathlib import Path

from plinth import guests
from plinth.apt import PrivateApt
from plinth.paths import cache
from plinth.ui import Failure

READELF = "llvm-readelf-19"
LOADER = "lib64/ld-linux-loongarch-lp64d.so.1"


class Program:
    """A program and the libraries it loads, if any, as a root file system has them: `files` maps a path to the file's bytes."""

    def __init__(self, package, path):
        self._apt = PrivateApt(cache(), guests.DEBIAN_ARCH["loongarch64"], guests.SUITES["loongarch64"])
        self._unpacked = {}      # package -> its folder
        self._waiting = deque()  # packages whose libraries were not looked at
        self._libraries = {}     # soname -> file
        self.package, self.files = package, {}
        program = self._unpack(package) / path
        if not program.is_file():
            raise Failure(f"Debian's package {package} holds no {path}")
        self.version = self._apt.version(package)
        self.files[path] = program.read_bytes()
        self._add_libraries(program)

    def _add_libraries(self, program):
        wanted = deque(_needed(program))
        if wanted:
            wanted.append(Path(LOADER).name)
        while wanted:
            name = wanted.popleft()
            path = LOADER if name == Path(LOADER).name else f"lib/{name}"
            if path not in self.files:
                library = self._library(name)
                self.files[path] = library.read_bytes()
                wanted.extend(_needed(library))

    def _library(self, soname):
        """The file called `soname`, from the nearest dependency that has it."""
        while soname not in self._libraries:
            if not self._waiting:
                raise Failure(f"no package that {self.package} depends on holds {soname}")
            self._unpack(self._waiting.popleft())
        return self._libraries[soname]

    def _unpack(self, package):
        if package in self._unpacked:
            return self._unpacked[package]
        deb = self._apt.download(package)
        folder = cache() / "guests" / "loongarch64" / "unpacked" / deb.stem
        if not folder.is_dir():
            staging = folder.with_name(f"{folder.name}.{id(self):x}")
            PrivateApt.unpack(deb, staging)
            staging.rename(folder)
        self._unpacked[package] = folder
        for file in folder.rglob("*.so*"):
            if file.is_file():
                self._libraries.setdefault(file.name, file)
        self._waiting.extend(name for name in self._apt.depends(package) if re.match(r"lib|zlib", name))
        return folder


def _needed(elf):
    text = subprocess.run([READELF, "--needed-libs", elf], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^\s+(\S+\.so\S*)$", text, re.MULTILINE)

# SPDX-License-Identifier: Apache-2.0
"""A program of Debian's with its loader and the libraries that it needs, out of packages that are never installed."""

import gzip
import io
import re
import struct
import subprocess
import tarfile

from . import newc
from .ui import Failure

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB = 1, 5


class Elf:
    """As much of a 64-bit little-endian ELF file as tells what it needs (System V ABI, chapters 4 and 5)."""

    def __init__(self, data):
        self.data = data
        offset, size, count = struct.unpack_from("<32xQ14xHH", data)
        self.segments = [struct.unpack_from("<I4xQQ8xQ", data, offset + n * size) for n in range(count)]
        self.interpreter = next((self._text(at) for kind, at, _, _ in self.segments if kind == PT_INTERP), None)
        entries = [entry for kind, at, _, length in self.segments if kind == PT_DYNAMIC
                   for entry in struct.iter_unpack("<QQ", data[at:at + length])]
        strings = next((self._place(value) for tag, value in entries if tag == DT_STRTAB), 0)
        self.needed = {self._text(strings + value) for tag, value in entries if tag == DT_NEEDED}

    def _place(self, address):
        return next(at + address - start for kind, at, start, length in self.segments
                    if kind == PT_LOAD and start <= address < start + length)

    def _text(self, at):
        return self.data[at:self.data.index(b"\0", at)].decode()


def archive(apt, package, program):
    """(initramfs part, name of the package's file): `program` in /bin, libraries in /lib, gzip'd, the same each time."""
    deb = apt.download(package)
    main = _files(deb).get(program)
    if main is None:
        raise Failure(f"{deb.name} holds no {program}")
    files, libraries = {f"bin/{program}": main}, {}
    needed_by = dict.fromkeys(Elf(main).needed, package)  # by soname: the package that has what needs it
    seen = {package}
    while missing := sorted(needed_by.keys() - libraries.keys()):
        name, needer = missing[0], needed_by[missing[0]]
        candidates = [other for other in apt.depends(needer) if other not in seen]
        if not candidates:
            raise Failure(f"none of the packages that {needer} depends on has {name}")
        chosen = min(candidates, key=lambda other: _likeness(other, name))
        seen.add(chosen)
        found = _files(apt.download(chosen))
        libraries = found | libraries
        for library in needed_by.keys() & found.keys():
            for need in Elf(found[library]).needed:
                needed_by.setdefault(need, chosen)
    loader = Elf(main).interpreter.lstrip("/")
    files |= {f"lib/{name}": libraries[name] for name in sorted(needed_by)}
    files[loader] = libraries[loader.rpartition("/")[2]]
    return gzip.compress(_archive(files), mtime=0), deb.name


def _archive(files):
    made = newc.Archive()
    folders = sorted({name.rpartition("/")[0] for name in files} - {"bin"})
    for folder in folders:
        made.folder(folder)
    for name in sorted(files):
        made.file(name, files[name], 0o755)
    return made.bytes()


def _files(deb):
    """ELF files of a package by their last name, also by those of links to them."""
    result = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, check=True)
    found, links = {}, {}
    with tarfile.open(fileobj=io.BytesIO(result.stdout)) as tar:
        for member in tar:
            name = member.name.rpartition("/")[2]
            if member.isfile():
                data = tar.extractfile(member).read()
                if data.startswith(b"\x7fELF"):
                    found[name] = data
            elif member.issym():
                links[name] = member.linkname.rpartition("/")[2]
    return found | {name: found[target] for name, target in links.items() if target in found}


def _likeness(package, soname):
    """0 for the package that Debian's policy names after this library, 1 for a similar name, else 2."""
    stem, _, version = soname.lower().partition(".so.")
    plain, stem = (re.sub(r"[^a-z0-9]", "", text) for text in (package, stem))
    if plain in (stem + version, stem + version + "t64"):
        return 0
    return 1 if plain.startswith(stem) else 2

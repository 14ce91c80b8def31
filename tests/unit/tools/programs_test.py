# SPDX-License-Identifier: Apache-2.0
import io
import re
import subprocess
import sys
import tarfile
import unittest
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from plinth import programs  # noqa: E402  (after the path is right)
from plinth.ui import Failure  # noqa: E402


class Archive:
    """An archive of packages, each a tar file of its name; says which were fetched."""

    def __init__(self, packages):
        self.packages, self.fetched = packages, []

    def depends(self, package):
        return self.packages[package][0]

    def download(self, package):
        self.fetched.append(package)
        return Path(f"{package}.deb")

    def files(self, deb):
        return self.packages[deb.stem][1]


class FakeElf:
    """A file is the list of what it needs."""

    interpreter = "/lib64/ld.so.1"

    def __init__(self, needed):
        self.needed = set(needed)


class Programs(unittest.TestCase):
    def collect(self, packages):
        apt = Archive(packages)
        with mock.patch.object(programs, "_files", apt.files), mock.patch.object(programs, "Elf", FakeElf), \
                mock.patch.object(programs, "_archive", lambda files: " ".join(sorted(files)).encode()), \
                mock.patch.object(programs.gzip, "compress", lambda data, mtime: data):
            return programs.archive(apt, "tool", "tool")[0].decode().split(), apt.fetched

    def test_libraries_of_libraries_come_from_what_their_packages_depend_on(self):
        files, fetched = self.collect({
            "tool": (["libc6", "huge", "libfoo2"], {"tool": ["libc.so.6", "libFoo.so.2"]}),
            "huge": ([], {"libhuge.so.1": []}),
            "libc6": ([], {"libc.so.6": ["ld.so.1"], "ld.so.1": []}),
            "libfoo2": (["libc6", "inner"], {"libFoo.so.2": ["libinner-core.so.0"]}),
            "inner": ([], {"libinner-core.so.0": []})})
        self.assertEqual(files, ["bin/tool", "lib/ld.so.1", "lib/libFoo.so.2", "lib/libc.so.6", "lib/libinner-core.so.0",
                                 "lib64/ld.so.1"])
        self.assertNotIn("huge", fetched)

    def test_a_library_that_no_package_has_is_named(self):
        with self.assertRaisesRegex(Failure, "libodd.so.1"):
            self.collect({"tool": ([], {"tool": ["libodd.so.1"]})})

    def test_this_interpreter_needs_what_the_linker_says(self):
        file = Path(sys.executable).resolve()
        said = subprocess.run(["llvm-readelf-19", "-d", "-l", file], capture_output=True, text=True, check=True).stdout
        elf = programs.Elf(file.read_bytes())
        self.assertEqual(elf.needed, set(re.findall(r"NEEDED.*\[(.*)\]", said)))
        self.assertEqual([elf.interpreter], re.findall(r"interpreter: (.*)\]", said))

    def test_only_programs_and_libraries_are_taken_out_of_a_package(self):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for name, content in (("./usr/bin/tool", b"\x7fELF1"), ("./usr/share/bash/tool", b"complete -F"),
                                  ("./usr/lib/libfoo.so.2.1", b"\x7fELF2")):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            link = tarfile.TarInfo("./usr/lib/libfoo.so.2")
            link.type, link.linkname = tarfile.SYMTYPE, "libfoo.so.2.1"
            tar.addfile(link)
        with mock.patch.object(programs.subprocess, "run", return_value=mock.Mock(stdout=data.getvalue())):
            self.assertEqual(programs._files("x.deb"), {"tool": b"\x7fELF1", "libfoo.so.2.1": b"\x7fELF2",
                                                        "libfoo.so.2": b"\x7fELF2"})


if __name__ == "__main__":
    unittest.main()

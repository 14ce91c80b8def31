# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernel for loong64, unmodified, as an image QEMU 10.0 can start.

loong64 is younger than the stable release, so the package comes from unstable of the archive this machine uses, through
an apt state of our own. The EFI file in it is a small loader around a compressed image; QEMU 10.0 unpacks only gzip.
"""

import fnmatch
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plinth.apt import PrivateApt  # noqa: E402
from plinth.paths import cache  # noqa: E402
from plinth.ui import Failure, say  # noqa: E402

META_PACKAGE = "linux-image-loong64"
SUITE = "sid"
ZBOOT = struct.Struct("<4x4sII8x32s")  # "MZ\0\0", "zimg", offset and size of the payload, name of the compression


def image(refresh=False):
    """(path, version): the kernel fetched before, or the archive's newest with `refresh`."""
    folder = cache() / "guests" / "loongarch64" / "lvz-test"
    kept = sorted(folder.glob("Image-*"), key=lambda path: path.stat().st_mtime)
    if kept and not refresh:
        return kept[-1], kept[-1].name.removeprefix("Image-")
    if not shutil.which("zstd"):
        raise Failure("to unpack Debian's kernel, install the Debian package zstd")
    package, deb = _download()
    version = package.removeprefix("linux-binary-")
    path = folder / f"Image-{version}"
    if not path.exists():
        with tempfile.TemporaryDirectory() as scratch:
            PrivateApt.unpack(deb, scratch)
            vmlinuz = next((file for file in Path(scratch).rglob("vmlinuz*") if file.is_file()), None)
            if vmlinuz is None:
                raise Failure(f"{deb.name} holds no vmlinuz")
            data = unpack(vmlinuz.read_bytes())
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        temporary.write_bytes(data)
        temporary.replace(path)
    say(f"kernel {version} from {deb.name}")
    return path, version


def _download():
    apt = PrivateApt(cache(), "loong64", suites=[SUITE])
    image_package = _dependency(apt, META_PACKAGE, "linux-image-*")
    binary_package = _dependency(apt, image_package, "linux-binary-*")
    return binary_package, apt.download(binary_package)


def _dependency(apt, package, pattern):
    name = next((name for name in apt.depends(package) if fnmatch.fnmatch(name, pattern)), None)
    if name is None:
        raise Failure(f"Debian's package {package} depends on no {pattern}; its layout has changed, see kernel.py")
    return name


def unpack(data):
    """The image inside an EFI zboot file; any other kernel file as it is."""
    if len(data) < ZBOOT.size or data[:2] != b"MZ":
        raise Failure("the kernel is no EFI image")
    magic, offset, size, compression = ZBOOT.unpack_from(data)
    if magic != b"zimg":
        return data
    name = compression.rstrip(b"\0").decode(errors="replace")
    programs = {"zstd": "zstd", "gzip": "gzip", "xz": "xz"}
    if name not in programs:
        raise Failure(f"the kernel is compressed with {name}, which kernel.py does not know")
    done = subprocess.run([programs[name], "-dc"], input=data[offset:offset + size], capture_output=True)
    if not done.stdout:
        raise Failure(f"{programs[name]} could not unpack the kernel: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout

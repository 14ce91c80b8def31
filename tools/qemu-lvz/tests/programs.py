# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the test programs: the bare-metal probe, init for the Linux that loads KVM, and an initramfs with Debian's QEMU."""

import subprocess
import sys
from pathlib import Path, PurePath

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import debian  # noqa: E402
import guest_tables  # noqa: E402
from plinth import newc  # noqa: E402
from plinth.paths import BUILD  # noqa: E402
from plinth.ui import Failure  # noqa: E402

OUT = BUILD / "qemu-lvz-tests"
QEMU_PACKAGE, QEMU_PROGRAM = "qemu-system-misc", "usr/bin/qemu-system-loongarch64"
CLANG = "clang-19"
LINKER = "ld.lld-19"
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
CXX = ["-std=c++23", "-ffreestanding", "-fno-pic", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", *WARNINGS]
# Without -mno-lsx clang 19 keeps vector instructions for clearing memory, soft-float or not.
BARE = ["--target=loongarch64-unknown-none", "-mabi=lp64s", "-msoft-float", "-mno-lsx"]
LINUX = ["--target=loongarch64-linux-gnusf", "-msoft-float", "-mno-lsx"]


def probe():
    """The probe's ELF file."""
    folder = HERE / "probe"
    objects = _objects(folder, OUT / "probe", BARE, optimize="-Os")
    return _link(OUT / "probe.elf", objects, "-T", folder / "probe.ld")


def load_initramfs():
    """An initramfs whose init is the KVM load, with the guest inside it."""
    path = OUT / "load.cpio"
    path.write_bytes(_archive(_init().read_bytes()))
    return path


def linux_initramfs(kernel):
    """The same with what its Linux guest needs below /guest: kernel, initramfs, tables."""
    inner = _program("inner", ["start.S", "system.cpp", "inner.cpp"])
    initrd = _archive(inner.read_bytes())
    path = OUT / "linux.cpio"
    path.write_bytes(_archive(_init().read_bytes(), {
        "guest/Image": kernel.read_bytes(), "guest/initrd": initrd, "guest/tables": guest_tables.build(len(initrd))}))
    return path


def qemu_initramfs(kernel):
    """(path, version): an initramfs in which Debian's own QEMU boots `kernel` again, with BusyBox as init of both."""
    qemu = debian.Program(QEMU_PACKAGE, QEMU_PROGRAM)
    busybox = debian.Program("busybox-static", "usr/bin/busybox").files["usr/bin/busybox"]
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "qemu.cpio"
    path.write_bytes(_busybox_archive(busybox, HERE / "kvm" / "qemu_host.sh", {
        **qemu.files, "guest/Image": kernel.read_bytes(),
        "guest/initrd": _busybox_archive(busybox, HERE / "kvm" / "qemu_guest.sh")}))
    return path, qemu.version


def _busybox_archive(busybox, script, files=None):
    return _archive(script.read_bytes(), {"bin/busybox": busybox, **(files or {})})


def _init():
    folder, out = HERE / "kvm", OUT / "kvm"
    guest = _objects(folder, out, BARE, sources=["guest_start.S", "guest.cpp"])
    _link(out / "guest.bin", guest, "-T", folder / "guest.ld", "--oformat", "binary")
    sources = ["start.S", "guest_image.S", "system.cpp", "kvm.cpp", "machine.cpp", "linux_guest.cpp", "main.cpp"]
    return _program("init", sources, include=out, after=[out / "guest.bin"])


def _program(name, sources, **options):
    out = OUT / "kvm"
    return _link(out / name, _objects(HERE / "kvm", out, LINUX, sources=sources, **options), "-static")


def _archive(init, files=None):
    """An initramfs; the files outside /guest are programs."""
    archive = newc.Archive()
    files = files or {}
    parents = {str(parent) for name in files for parent in PurePath(name).parents if parent.name}
    for folder in sorted({"dev", "proc", "sys", "guest", *parents}):
        archive.folder(folder)
    archive.character_device("dev/console", 5, 1)
    archive.file("init", init, 0o755)
    for name, data in files.items():
        archive.file(name, data, 0o644 if name.startswith("guest/") else 0o755)
    return archive.bytes()


def _objects(folder, out, target, sources=None, optimize="-O2", include=None, after=()):
    out.mkdir(parents=True, exist_ok=True)
    names = sources or sorted(path.name for path in folder.iterdir() if path.suffix in (".cpp", ".S"))
    headers = [path for path in folder.iterdir() if path.suffix in (".hpp", ".h")]
    newest = max(path.stat().st_mtime for path in [*headers, *after, Path(__file__)])
    objects = []
    for name in names:
        source, result = folder / name, out / f"{name}.o"
        objects.append(result)
        if result.exists() and result.stat().st_mtime > max(newest, source.stat().st_mtime):
            continue
        flags = [*CXX, optimize] if source.suffix == ".cpp" else [f"-Wa,-I{include}"] if include else []
        _call([CLANG, *target, *flags, "-c", source, "-o", result])
    return objects


def _link(result, objects, *options):
    _call([LINKER, *options, "-o", result, *objects])
    return result


def _call(command):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{command[0]} failed:\n{done.stderr.strip()}")

# SPDX-License-Identifier: Apache-2.0
"""Guest images by the name they have in a bundle, e.g. `linux/Image`. None is committed: Debian's come from its archive
by package name (once, then from the cache), our own bare-metal guests from the build."""

import fnmatch
import gzip
import hashlib
import json
import lzma
import os
import struct
import subprocess
import tarfile

from . import initramfs, newc, packages, programs
from .apt import PrivateApt
from .paths import BUILD, cache
from .ui import Failure

DEBIAN_ARCH = {"aarch64": "arm64", "loongarch64": "loong64"}
ZBOOT = struct.Struct("<4x4sII8x32s")  # "MZ\0\0", "zimg", offset and size of the payload, name of the compression
XZ = b"\xfd7zXZ\0"
SUITES = {"loongarch64": ["sid"]}  # younger than the stable release: from unstable of the archive this machine uses


def image(name, arch, refresh=False):
    """The file that holds bundle image `name`, fetched or built if needed; None if no guest of ours has that name."""
    if name in FETCHED.get(arch, {}):
        return _fetched(name, arch, refresh)
    folder, _, file = name.partition("/")
    if file == f"{folder}.bin" and (BUILD / arch / "guests" / file).is_file():
        return BUILD / arch / "guests" / file
    return None


def fetched_names(arch):
    return sorted(FETCHED.get(arch, {}))


def _fetched(name, arch, refresh):
    """Follows the record of an earlier fetch, so that a second run needs no network."""
    record = cache() / "guests" / arch / (name.replace("/", "--") + ".json")
    if record.exists() and not refresh:
        path = cache() / json.loads(record.read_text())["file"]
        if path.is_file() and _recipe_matches(record, name):
            return path
    data, origin = FETCHED[arch][name](PrivateApt(cache(), DEBIAN_ARCH[arch], SUITES.get(arch)))
    digest = hashlib.sha256(data).hexdigest()
    path = record.parent / digest[:16] / name.rpartition("/")[2]
    _write(path, data)
    _write(record, json.dumps({"file": str(path.relative_to(cache())), "origin": origin, "sha256": digest,
                               "recipe": _recipe(name)}, indent=1).encode())
    return path


def _recipe(name):
    """Changes when what we make of the packages changes, so that the cached result is made again."""
    if not name.endswith(".cpio.gz"):
        return ""
    return hashlib.sha256(initramfs.build(b"")).hexdigest()


def _recipe_matches(record, name):
    return json.loads(record.read_text()).get("recipe") == _recipe(name)


def _write(path, data):
    """Whole or not at all: two commands may fetch at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _member(deb, pattern):
    """One file out of a .deb, without unpacking the rest."""
    reader = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
    with reader, tarfile.open(fileobj=reader.stdout, mode="r|") as archive:
        for member in archive:
            if member.isfile() and fnmatch.fnmatch(member.name.removeprefix("./"), pattern):
                data = archive.extractfile(member).read()
                reader.kill()
                return data
    raise Failure(f"{deb.name} holds no {pattern}")


def _dependency(apt, meta, patterns):
    """Where one dependency after another leads from a package."""
    name = meta
    for pattern in patterns:
        package, name = name, next((name for name in apt.depends(name) if fnmatch.fnmatch(name, pattern)), None)
        if name is None:
            raise Failure(f"Debian's package {package} depends on no {pattern}")
    return apt.download(name)


def _kernel(meta, *patterns):
    """The kernel that the meta package leads to, as its package has it: unmodified."""
    def fetch(apt):
        deb = _dependency(apt, meta, patterns)
        return _member(deb, "*/vmlinuz*"), deb.name
    return fetch


def _unpacked(fetch):
    """What an EFI zboot kernel carries (Linux: drivers/firmware/efi/libstub/zboot-header.S), as other boot loaders take it."""
    def fetch_and_unpack(apt):
        data, origin = fetch(apt)
        magic, offset, size, method = ZBOOT.unpack_from(data)
        if magic != b"zimg" or method.rstrip(b"\0") != b"zstd":
            raise Failure(f"the kernel of {origin} is no EFI zboot image packed with zstd")
        packages.ensure({"zstd": "unpacks Debian's kernel"})
        done = subprocess.run(["zstd", "-dc"], input=data[offset:offset + size], capture_output=True)
        if done.returncode:
            raise Failure(f"zstd cannot unpack the kernel of {origin}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout, origin
    return fetch_and_unpack


def _busybox_initramfs(apt):
    deb = apt.download("busybox-static")
    return initramfs.build(_member(deb, "*bin/busybox")), deb.name


def _kernel_modules(meta, patterns, *modules):
    """An archive with modules of the kernel that _kernel() gives, in /modules: to be appended to an initramfs. Packed
    ones are unpacked: busybox does not."""
    def fetch(apt):
        deb = _dependency(apt, meta, [patterns] if isinstance(patterns, str) else patterns)
        archive = newc.Archive()
        archive.folder("modules")
        for module in modules:
            data = _member(deb, f"*lib/modules/*/kernel/{module}*")
            data = lzma.decompress(data) if data.startswith(XZ) else data
            archive.file(f"modules/{module.rpartition('/')[2]}", data)
        return gzip.compress(archive.bytes(), mtime=0), deb.name
    return fetch


def _program(package, program):
    """An archive with a program and its libraries: to be appended to an initramfs."""
    return lambda apt: programs.archive(apt, package, program)


def _file(package, pattern):
    def fetch(apt):
        deb = apt.download(package)
        return _member(deb, pattern), deb.name
    return fetch


VIRTIO_ON_PCI = ("drivers/virtio/virtio.ko", "drivers/virtio/virtio_ring.ko", "drivers/virtio/virtio_pci_modern_dev.ko",
                 "drivers/virtio/virtio_pci_legacy_dev.ko", "drivers/virtio/virtio_pci.ko")

FETCHED = {
    "aarch64": {
        "linux/Image": _kernel("linux-image-cloud-arm64", "linux-image-*-cloud-arm64"),
        "linux/initramfs.cpio.gz": _busybox_initramfs,
        "linux/watchdog.cpio.gz": _kernel_modules("linux-image-cloud-arm64", "linux-image-*-cloud-arm64",
                                                  "drivers/watchdog/watchdog.ko", "drivers/watchdog/sbsa_gwdt.ko"),
        "linux/virtio.cpio.gz": _kernel_modules("linux-image-cloud-arm64", "linux-image-*-cloud-arm64",
                                                "drivers/virtio/virtio.ko", "drivers/virtio/virtio_ring.ko",
                                                "drivers/virtio/virtio_mmio.ko", "drivers/block/virtio_blk.ko"),
        "linux/e2fsck.static": _file("e2fsck-static", "*sbin/e2fsck.static"),
        "linux/network.cpio.gz": _kernel_modules(
            "linux-image-cloud-arm64", "linux-image-*-cloud-arm64", *VIRTIO_ON_PCI, "net/core/failover.ko",
            "drivers/net/net_failover.ko", "drivers/net/virtio_net.ko"),
        "linux/console.cpio.gz": _kernel_modules("linux-image-cloud-arm64", "linux-image-*-cloud-arm64", *VIRTIO_ON_PCI,
                                                 "drivers/char/virtio_console.ko"),
        "linux/random.cpio.gz": _kernel_modules(
            "linux-image-cloud-arm64", "linux-image-*-cloud-arm64", *VIRTIO_ON_PCI,
            "drivers/char/hw_random/arm_smccc_trng.ko", "drivers/char/hw_random/virtio-rng.ko"),
        "uboot/u-boot.bin": _file("u-boot-qemu", "usr/lib/u-boot/qemu_arm64/u-boot.bin"),
        "firmware/edk2.fd": _file("qemu-efi-aarch64", "usr/share/qemu-efi-aarch64/QEMU_EFI.fd"),
        "firmware/grub.efi": _file("grub-efi-arm64-bin", "usr/lib/grub/arm64-efi/monolithic/grubaa64.efi"),
    },
    "loongarch64": {
        "linux/Image": _unpacked(_kernel("linux-image-loong64", "linux-image-*-loong64", "linux-binary-*-loong64")),
        "linux/initramfs.cpio.gz": _busybox_initramfs,
        "linux/stress-ng.cpio.gz": _program("stress-ng", "stress-ng"),
        "firmware/edk2.fd": _file("qemu-efi-loongarch64", "usr/share/qemu-efi-loongarch64/QEMU_EFI.fd"),
        "linux/network.cpio.gz": _kernel_modules(
            "linux-image-loong64", ("linux-image-*-loong64", "linux-modules-*-loong64"), "net/core/failover.ko",
            "drivers/net/net_failover.ko", "drivers/net/virtio_net.ko"),
        "linux/random.cpio.gz": _kernel_modules(
            "linux-image-loong64", ("linux-image-*-loong64", "linux-modules-*-loong64"),
            "drivers/char/hw_random/virtio-rng.ko"),
        "linux/virtio.cpio.gz": _kernel_modules(
            "linux-image-loong64", ("linux-image-*-loong64", "linux-modules-*-loong64"), "drivers/block/virtio_blk.ko"),
    },
}

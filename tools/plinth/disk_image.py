# SPDX-License-Identifier: Apache-2.0
"""What one writes to a card or a stick: a partition from which U-Boot and EFI firmware start Plinth with its bundle.

The same files make the same image, byte by byte, and nothing here needs root: mtools writes into the file system where it
lies in the file."""

import os
import subprocess
import tempfile
from pathlib import Path

from . import packages
from .ui import Failure, call

MIB = 1 << 20
NEEDED = {"mtools": "writes files into the image", "dosfstools": "makes its file system", "fdisk": "makes its partition table"}
UBOOT = {"u-boot-tools": "makes U-Boot's script"}

# Boards' boot code lies in front of the first partition; the largest part known begins at 8 MiB.
PARTITION_START = 16 * MIB
SMALLEST = 64 * MIB  # FAT32 has at least 65,525 clusters
ROOM = 16 * MIB      # for files that somebody adds
LABEL = """\
label: dos
label-id: 0x504c4e54
unit: sectors
sector-size: 512

start={start}, size={size}, type=ef, bootable
"""

# The name that EFI firmware looks for on a medium without a boot entry (UEFI 2.10, 3.5.1.1).
EFI_NAME = {"aarch64": "BOOTAA64.EFI", "loongarch64": "BOOTLOONGARCH64.EFI"}
FOLDER = "/EFI/BOOT"
BUNDLE = f"{FOLDER}/bundle.cpio"
DTB = "/board.dtb"

EXTLINUX = """\
default plinth
timeout 10

label plinth
    kernel {kernel}
    initrd {bundle}
"""
# For a U-Boot that reads no extlinux.conf. Without a tree of ours, the one that U-Boot uses itself goes on.
SCRIPT = """\
load ${{devtype}} ${{devnum}}:${{distro_bootpart}} ${{kernel_addr_r}} {kernel} || exit
load ${{devtype}} ${{devnum}}:${{distro_bootpart}} ${{ramdisk_addr_r}} {bundle} || exit
setenv plinth_bundle ${{ramdisk_addr_r}}:${{filesize}}
"""
SCRIPT_OWN_TREE = """\
load ${{devtype}} ${{devnum}}:${{distro_bootpart}} ${{fdt_addr_r}} {dtb} || exit
booti ${{kernel_addr_r}} ${{plinth_bundle}} ${{fdt_addr_r}}
"""
SCRIPT_BOARD_TREE = """\
test -n "${fdtcontroladdr}" || setenv fdtcontroladdr ${fdt_addr}
booti ${kernel_addr_r} ${plinth_bundle} ${fdtcontroladdr}
"""


def write(arch, kernel, bundle, output, dtb=None):
    """Makes `output` of the image, the bundle, and the board's device tree if it is not the boot loader's own."""
    packages.ensure(NEEDED | (UBOOT if arch == "aarch64" else {}))
    with tempfile.TemporaryDirectory() as folder:
        files = _files(arch, Path(kernel), Path(bundle), dtb and Path(dtb), Path(folder))
        content = sum(path.stat().st_size for path in files.values())
        size = max(SMALLEST, -(-(content + ROOM) // MIB) * MIB)
        partial = Path(folder) / "image"
        with open(partial, "wb") as image:
            image.truncate(PARTITION_START + size)
        _partition(partial, size)
        _fill(partial, size, files)
        _move(partial, Path(output))


def _files(arch, kernel, bundle, dtb, folder):
    """Place on the volume -> local file."""
    on_volume = f"{FOLDER}/{EFI_NAME[arch]}"
    files = {on_volume: kernel, BUNDLE: bundle}
    if dtb:
        files[DTB] = dtb
    if arch != "aarch64":
        return files
    names = {"kernel": on_volume, "bundle": BUNDLE, "dtb": DTB}
    extlinux = EXTLINUX.format(**names) + (f"    fdt {DTB}\n" if dtb else "")
    script = SCRIPT.format(**names) + (SCRIPT_OWN_TREE.format(**names) if dtb else SCRIPT_BOARD_TREE)
    (folder / "extlinux.conf").write_text(extlinux)
    (folder / "boot.cmd").write_text(script)
    _call(["mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-n", "Plinth", "-d", folder / "boot.cmd",
           folder / "boot.scr"], "making U-Boot's script")
    return files | {"/extlinux/extlinux.conf": folder / "extlinux.conf", "/boot.scr": folder / "boot.scr"}


def _partition(image, size):
    table = LABEL.format(start=PARTITION_START // 512, size=size // 512)
    done = subprocess.run([_tool("sfdisk"), "--quiet", "--no-reread", "--no-tell-kernel", image], input=table, text=True,
                          capture_output=True)
    if done.returncode:
        raise Failure(f"sfdisk cannot partition the image: {done.stderr.strip()}")


def _fill(image, size, files):
    _call([_tool("mkfs.fat"), "-F", "32", "-n", "PLINTH", "--invariant", "--offset", PARTITION_START // 512, image, size // 1024],
          "making the file system")
    volume = ["-i", f"{image}@@{PARTITION_START}"]
    folders = sorted({str(parent) for name in files for parent in Path(name).parents if str(parent) != "/"})
    _call(["mmd", *volume, *(f"::{folder}" for folder in folders)], "making the image's folders")
    for name, path in files.items():
        _call(["mcopy", *volume, path, f"::{name}"], f"copying {path.name} into the image")


def _call(command, what):
    """The tools take the time that they write down from here: it is always the same."""
    environment = dict(os.environ, SOURCE_DATE_EPOCH="315532800", TZ="UTC", MTOOLS_SKIP_CHECK="1")  # 1980, FAT's first day
    call([str(word) for word in command], what, env=environment)


def _tool(name):
    """Debian has these two where only root's PATH leads."""
    return next((str(path) for folder in ("/usr/sbin", "/sbin") if (path := Path(folder) / name).exists()), name)


def _move(source, target):
    """Sparse where the image is empty, and whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    call(["cp", "--sparse=always", str(source), str(part)], f"writing {target.name}")
    part.replace(target)

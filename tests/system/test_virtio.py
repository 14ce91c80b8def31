# SPDX-License-Identifier: Apache-2.0
"""Disks of VMs, judged by the drivers that guests bring: Debian's kernel and U-Boot."""

import gzip
import hashlib
import random
import subprocess

from harness import Skipped, check, image, newc, test, vm

SECTOR = 512
MIB = 1024 * 1024


def linux_with_disks(disks, **settings):
    """The Linux sample with the drivers it needs, and a checker of file systems."""
    guest = vm("linux", **settings)
    tools = newc.Archive()
    tools.folder("tools")
    tools.file("tools/e2fsck", image("linux/e2fsck.static"), 0o755)
    guest.images["linux/initramfs.cpio.gz"] = (image("linux/initramfs.cpio.gz") + image("linux/virtio.cpio.gz") +
                                               gzip.compress(tools.bytes(), mtime=0))
    for number, (text, content) in enumerate(disks):
        name = f"disks/{number}.img"
        guest.text += f"\n[[disk]]\n{text.format(image=name)}\n"
        if content is not None:
            guest.images[name] = content
    return guest


def find_disks(console):
    console.login()
    console.shell("dmesg -n 1; for m in virtio_ring virtio virtio_mmio virtio_blk; do insmod /modules/$m.ko; done")


def content(seed, size):
    return random.Random(seed).randbytes(size)


def file_system(run, files, size):
    """An ext4 file system with these files."""
    folder = run.folder / "content"
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    image_file = run.file("file-system.img", b"")
    with image_file.open("wb") as file:
        file.truncate(size)
    try:
        subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", folder, image_file], check=True)
    except FileNotFoundError:
        raise Skipped("mke2fs is not installed (package e2fsprogs)") from None
    return image_file.read_bytes()


@test(limit=200)
def linux_reads_writes_and_checks_its_disks(run):
    original, other = content(1, 6 * MIB), content(2, 3 * MIB + 100)
    empty = file_system(run, {"greeting": b"hello"}, 16 * MIB)
    console = run.boot(linux_with_disks([('image = "{image}"\nmode = "copy-on-write"\nserial = "first"', original),
                                         ('image = "{image}"', other), ('image = "{image}"', empty),
                                         ('size = "16MiB"', None)]))
    find_disks(console)
    shell = console.shell
    check(shell("cat /sys/block/vda/serial").strip() == "first", "not the serial number of the file")
    check(shell("cat /sys/block/vd?/ro").split() == ["0", "1", "1", "0"], "the wrong disks are read-only")
    check(shell("cat /sys/block/vd?/size").split() == [str(6 * MIB // SECTOR), str(3 * MIB // SECTOR + 1), "32768", "32768"], "sizes")
    padded = other + bytes(-len(other) % SECTOR)
    for disk, expected in (("vda", original), ("vdb", padded)):
        check(hashlib.md5(expected).hexdigest() in shell(f"md5sum /dev/{disk}"), f"{disk} reads as something else")
    check("1" in shell("dd if=/dev/zero of=/dev/vdb bs=4k count=1 conv=fsync 2>/dev/null; echo $?"), "a read-only disk is written")
    check(hashlib.md5(padded).hexdigest() in shell("echo 3 > /proc/sys/vm/drop_caches; md5sum /dev/vdb"), "it was changed")
    # A file system on RAM: many small requests, then a check by its own checker.
    shell("dd if=/dev/vdc of=/dev/vdd bs=1M 2>/dev/null; mkdir -p /mnt; mount /dev/vdd /mnt")
    check(shell("cat /mnt/greeting").strip() == "hello", "the file system is not the host's")
    shell("cp -r /bin/busybox /modules /mnt; for i in $(seq 100); do echo $i > /mnt/$i; done; sync")
    sums = shell("cd /mnt; find . -type f | sort | xargs md5sum | md5sum; cd /")
    shell("umount /mnt; echo 3 > /proc/sys/vm/drop_caches")
    check("clean" in shell("/tools/e2fsck -f -n /dev/vdd >/tmp/check 2>&1 && echo clean; cat /tmp/check"), "fsck complains")
    check(sums == shell("mount /dev/vdd /mnt; cd /mnt; find . -type f | sort | xargs md5sum | md5sum; cd /; umount /mnt"),
          "the files changed")
    # What is written to the image's copy is there after a restart, and the image is as it was.
    shell("echo written by the guest | dd of=/dev/vda bs=512 seek=77 conv=sync,fsync 2>/dev/null")
    changed = bytearray(original)
    changed[77 * SECTOR:78 * SECTOR] = b"written by the guest\n".ljust(SECTOR, b"\0")
    console.send("reboot -f\n")
    find_disks(console)
    check(hashlib.md5(changed).hexdigest() in shell("md5sum /dev/vda"), "what was written is gone, or more than that")


@test(limit=200)
def linux_discards_what_is_over_and_a_full_layer_fails_its_writes(run):
    console = run.boot(linux_with_disks([('image = "{image}"\nmode = "copy-on-write"\nlayer = "2MiB"', bytes(8 * MIB))]))
    find_disks(console)
    shell = console.shell
    write = "dd if=/dev/urandom of=/dev/vda bs=64k count={} seek={} conv=fsync >/dev/null 2>&1; echo result $?"
    check("result 0" in shell(write.format(24, 0)), "there is room for 1.5 MiB")
    check("result 1" in shell(write.format(24, 64)), "there is no room for 3 MiB")
    check("result 0" in shell("blkdiscard /dev/vda; echo result $?"), "the disk does not discard")
    check("result 0" in shell(write.format(24, 64)), "what was discarded is not free")


def boot_disk(run, files):
    """A disk with one partition, an ext4 file system with these files."""
    part = file_system(run, files, 32 * MIB)
    start = MIB // SECTOR
    entry = bytes([0x80, 0, 0, 0, 0x83, 0, 0, 0]) + start.to_bytes(4, "little") + (len(part) // SECTOR).to_bytes(4, "little")
    table = bytes(446) + entry + bytes(48) + b"\x55\xaa"
    return table + bytes(MIB - SECTOR) + part


@test(limit=120)
def u_boot_boots_a_kernel_from_a_disk_by_its_standard_boot_flow(run):
    guest = vm("uboot")
    menu = b"default hello\nlabel hello\n  kernel /boot/hello\n  append from the disk\n"
    guest.images["disks/boot.img"] = boot_disk(run, {"boot/extlinux/extlinux.conf": menu,
                                                     "boot/hello": image("hello-image/hello-image.bin")})
    guest.text += '\n[[disk]]\nimage = "disks/boot.img"\n'
    console = run.boot(guest)
    console.expect("U-Boot 20")
    console.expect("extlinux.conf")
    console.expect("append: from the disk")
    console.expect("hello is ready")

# SPDX-License-Identifier: Apache-2.0
"""Disks of the machine behind those of VMs: files under QEMU's virtio-blk-pci, guests' own drivers in front."""

import random
import shutil
import subprocess

from harness import Skipped, check, image, test, vm

MIB = 1024 * 1024
SECTOR = 512


def linux(disks, arch="aarch64", **settings):
    """The Linux sample with the drivers it needs, and these tables."""
    guest = vm("linux", **settings)
    guest.images["linux/initramfs.cpio.gz"] = image("linux/initramfs.cpio.gz", arch) + image("linux/virtio.cpio.gz", arch)
    guest.text += "".join(f"\n[[disk]]\n{disk}\n" for disk in disks)
    return guest


def find_disks(console, arch="aarch64"):
    console.login()
    modules = "virtio_blk" if arch == "loongarch64" else "virtio_ring virtio virtio_mmio virtio_blk"
    console.shell(f"dmesg -n 1; for m in {modules}; do insmod /modules/$m.ko; done; mkdir -p /mnt")


def formatted(run, size):
    file = run.file("root.img", b"")
    with file.open("wb") as opened:
        opened.truncate(size)
    try:
        subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext4", file], check=True)
    except FileNotFoundError:
        raise Skipped("mke2fs is not installed (package e2fsprogs)") from None
    return file


def check_file_system(file):
    """As after a power cut: its journal is replayed, and then nothing is wrong."""
    copy = file.with_suffix(".copy")
    shutil.copyfile(file, copy)
    replayed = subprocess.run(["/usr/sbin/e2fsck", "-p", copy], capture_output=True, text=True)
    check(replayed.returncode in (0, 1), f"e2fsck cannot mend it by its journal: {replayed.stdout}{replayed.stderr}")
    checked = subprocess.run(["/usr/sbin/e2fsck", "-f", "-n", copy], capture_output=True, text=True)
    check(checked.returncode == 0, f"e2fsck finds damage: {checked.stdout}{checked.stderr}")


def counted(console, what):
    """From the prompt: of the VM's disk."""
    return int(console.order("disk list --json", rf'"device":"disk".*"{what}":(\d+)').group(1))


def stop_it_while_it_writes(run, rounds):
    file = formatted(run, 64 * MIB)
    guest = linux(['host = "serial:root"\nmode = "read-write"'])
    machine = {"disks": [f"{file},serial=root"]}
    console = run.boot(guest, **machine)
    for number in range(rounds):
        find_disks(console)
        check("mounted" in console.shell("mount /dev/vda /mnt && echo mounted"), "the file system cannot be mounted")
        console.shell(f"cd /mnt; dd if=/dev/urandom of=kept-{number} bs=64k count=8 2>/dev/null; md5sum kept-{number} >> sums; sync")
        console.send("while :; do dd if=/dev/urandom of=mess bs=64k count=32 conv=fsync 2>/dev/null; echo went roun''d; done\n")
        for _ in range(2):
            console.expect("went round")
        console.prompt()
        console.order("vm stop linux --force", "^linux: stopped")
        check_file_system(file)
        console.order("vm start linux", "^linux: started")
        console.attach("linux")
    console.close()
    # The machine is another one now; the disk is not.
    console = run.boot(guest, **machine)
    find_disks(console)
    console.shell("mount -o discard /dev/vda /mnt; cd /mnt")
    kept = console.shell("md5sum -c sums")
    check(kept.count(": OK") == rounds, f"what was synced is not there: {kept}")
    before = file.stat().st_blocks
    console.shell("rm mess; sync; sync")
    console.prompt()
    check(counted(console, "flushes") > 0, "nothing was flushed")
    check(counted(console, "discards") > 0, "nothing was discarded")
    check(file.stat().st_blocks < before, "the file of the machine's disk is as large as before")


@test(limit=240)
def linux_is_stopped_while_it_writes_and_its_file_system_is_as_after_a_power_cut(run):
    stop_it_while_it_writes(run, rounds=3)


@test(limit=1200, only_full=True)
def linux_is_stopped_while_it_writes_twenty_times(run):
    stop_it_while_it_writes(run, rounds=20)


def partitioned(run):
    """8 MiB at 1 MiB, in an MBR; the rest is random, so that a stray write is seen."""
    entry = bytes([0, 0, 0, 0, 0x83, 0, 0, 0]) + (MIB // SECTOR).to_bytes(4, "little") + (8 * MIB // SECTOR).to_bytes(4, "little")
    content = bytearray(random.Random(1).randbytes(12 * MIB))
    content[446:512] = entry + bytes(48) + b"\x55\xaa"
    return run.file("partitioned.img", bytes(content)), content


def failing(run):
    """QEMU's options for a disk whose sector 64 cannot be read, and with it the guest's page of eight."""
    content, rules = run.file("bad.img", bytes(MIB)), run.file("bad.conf", '[inject-error]\nevent = "read_aio"\nsector = "64"\n')
    return ["-drive", f"if=none,id=bad,format=raw,file=blkdebug:{rules}:{content}", "-device", "virtio-blk-pci,drive=bad,addr=3"]


@test(limit=150, arch="aarch64")
def disks_of_the_machine_have_one_owner_or_readers_and_their_errors_are_the_guests(run, arch):
    file, content = partitioned(run)
    shared = run.file("shared.img", b"for all who read".ljust(2 * MIB, b"."))
    guest = linux(['host = "pci:00:01.0"\npartition = 1\nmode = "read-write"', 'host = "serial:shared"', 'host = "pci:00:03.0"'], arch)
    others = [vm("hello", name=name, autostart="false") for name in ("reader", "thief", "dreamer")]
    for other, disk in zip(others, ('host = "serial:shared"', 'host = "pci:00:01.0"', 'host = "serial:none"')):
        other.text += f"\n[[disk]]\n{disk}\n"
    console = run.boot(guest, *others, attach="linux", arch=arch, disks=[f"{file}", f"{shared},serial=shared"], extra=failing(run))
    console.expect(r'thief: disk.host: "pci:00:01.0": it belongs to VM linux')
    console.expect(r'dreamer: disk.host: "serial:none": the machine has no such disk')
    find_disks(console, arch)
    check(console.shell("cat /sys/block/vd?/size").split() == [str(8 * MIB // SECTOR), str(2 * MIB // SECTOR), str(MIB // SECTOR)], "sizes")
    check(console.shell("cat /sys/block/vd?/ro").split() == ["0", "1", "1"], "the wrong disks are read-only")
    check("for all who read" in console.shell("head -c 16 /dev/vdb"), "the shared disk reads as something else")
    console.shell("echo written by the guest | dd of=/dev/vda bs=512 seek=77 conv=sync,fsync 2>/dev/null")
    at = MIB + 77 * SECTOR
    content[at:at + SECTOR] = b"written by the guest\n".ljust(SECTOR, b"\0")
    check(file.read_bytes() == content, "what was written is not in its place, or more than that is")
    read = "dd if=/dev/vdc of=/dev/null bs=512 count=1 skip={} >/dev/null 2>&1; echo result $?"
    check("result 0" in console.shell(read.format(0)), "a good sector cannot be read")
    check("result 1" in console.shell(read.format(64)), "a bad sector is read")
    check("result 0" in console.shell(read.format(72)), "the disk is gone after an error")
    console.prompt()
    console.order("vm list", r"(?s)linux +running.*reader +created")
    console.order("disk list", r"pci:00:02.0 +2MiB +2 +shared\n")

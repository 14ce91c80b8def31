# SPDX-License-Identifier: Apache-2.0
"""What only a LoongArch machine can show."""

import hashlib
import random

from harness import PROMPT, check, image, test, vm


@test(limit=120, arch="loongarch64")
def a_cpu_without_lvz_says_so_and_gives_its_shell(run, arch):
    console = run.boot(vm("hello"), arch=arch, cpu="la464,lvz=off", smp=2)
    console.expect(r"error: no VM can run: this CPU has no virtualization extension \(LVZ\)")
    console.expect(PROMPT)
    console.order("vm list", r"no VMs: this machine cannot run guests")
    console.order("vm create vms/hello.toml", "error: this machine cannot run guests; 'log' says why")
    console.begin("poweroff")
    console.expect(r"switching off")


def disk_on_pci(run, arch, cmdline):
    content = random.Random(3).randbytes(3 << 20)
    guest = vm("linux", cmdline=cmdline)
    guest.images["linux/initramfs.cpio.gz"] = image("linux/initramfs.cpio.gz", arch) + image("linux/virtio.cpio.gz", arch)
    guest.images["disks/0.img"] = content
    guest.text += '\n[[disk]]\nimage = "disks/0.img"\nmode = "copy-on-write"\n'
    console = run.boot(guest, arch=arch)
    console.login()
    console.shell("insmod /modules/virtio_blk.ko")
    check(hashlib.md5(content).hexdigest() in console.shell("md5sum /dev/vda"), "it reads as something else")
    changed = bytearray(content)
    changed[77 * 512:78 * 512] = b"written by the guest\n".ljust(512, b"\0")
    console.shell("echo written by the guest | dd of=/dev/vda bs=512 seek=77 conv=sync,fsync 2>/dev/null")
    console.shell("echo 3 > /proc/sys/vm/drop_caches")
    check(hashlib.md5(changed).hexdigest() in console.shell("md5sum /dev/vda"), "what was written is not there")
    return console.shell("cat /proc/interrupts")


@test(limit=240, arch="loongarch64")
def linux_finds_its_disk_on_pci_by_messages(run, arch):
    check("virtio0-req" in disk_on_pci(run, arch, ""), "the disk has no message of its own")


@test(limit=240, arch="loongarch64")
def linux_finds_its_disk_on_pci_by_lines(run, arch):
    lines = [line for line in disk_on_pci(run, arch, "pci=nomsi").splitlines() if line.endswith("virtio0")]
    check(len(lines) == 1 and int(lines[0].split()[1]) > 3, f"not by its line: {lines}")

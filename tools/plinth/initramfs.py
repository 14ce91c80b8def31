# SPDX-License-Identifier: Apache-2.0
"""The Linux guest's user space: one static busybox that mounts what a shell needs, says GUEST-UP and gives the shell."""

import gzip

from .newc import Archive

READY = "GUEST-UP"

INITTAB = """\
::sysinit:/etc/rc
::respawn:/bin/cttyhack /bin/sh -l
::ctrlaltdel:/sbin/reboot
"""

RC = f"""\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /root /usr
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
hostname guest
echo
echo "Linux $(uname -r) on $(uname -m), $(nproc) CPU(s), $(awk '/^MemTotal/ {{ print int($2 / 1024) }}' /proc/meminfo) MiB"
echo {READY}
"""

# The first shell prompt comes right after READY; `guest:` makes it easy to wait for.
PROFILE = """\
export PATH=/sbin:/usr/sbin:/bin:/usr/bin HOME=/root PS1='guest:\\w# '
"""


def build(busybox):
    """The gzip'd archive around the given busybox binary; equal input gives equal bytes."""
    archive = Archive()
    for folder in ("bin", "sbin", "usr", "usr/bin", "usr/sbin", "etc", "dev", "proc", "sys", "tmp", "root"):
        archive.folder(folder)
    archive.character_device("dev/console", 5, 1)
    archive.character_device("dev/null", 1, 3, 0o666)
    archive.file("bin/busybox", busybox, 0o755)
    archive.symlink("init", "/bin/busybox")
    archive.symlink("bin/sh", "busybox")
    archive.file("etc/inittab", INITTAB.encode())
    archive.file("etc/rc", RC.encode(), 0o755)
    archive.file("etc/profile", PROFILE.encode())
    return gzip.compress(archive.bytes(), compresslevel=9, mtime=0)

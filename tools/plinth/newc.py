# SPDX-License-Identifier: Apache-2.0
"""Writes and reads cpio archives in the `newc` format (what an initramfs and a Plinth bundle are), always the same bytes
for the same input: entries in the order given, no times, no owners, inode numbers counted from 1."""

import stat

MAGIC = b"070701"
HEADER = 110
TRAILER = "TRAILER!!!"


class Archive:
    """Collects entries; `bytes()` is the finished archive."""

    def __init__(self):
        self._parts = []
        self._inode = 0

    def folder(self, name, mode=0o755):
        self._entry(name, stat.S_IFDIR | mode, b"", links=2)

    def file(self, name, data, mode=0o644):
        self._entry(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor, mode=0o600):
        self._entry(name, stat.S_IFCHR | mode, b"", device=(major, minor))

    def bytes(self):
        return b"".join(self._parts) + _record(0, TRAILER, 0, b"", 1, (0, 0))

    def _entry(self, name, mode, data, links=1, device=(0, 0)):
        self._inode += 1
        self._parts.append(_record(self._inode, name, mode, data, links, device))


def _record(inode, name, mode, data, links, device):
    name = name.encode() + b"\0"
    #         ino    mode  uid gid  nlink  mtime  filesize   device of the file   device it stands for   name length  check
    fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(name), 0)
    head = MAGIC + b"".join(b"%08X" % value for value in fields) + name
    return _padded(head) + _padded(data)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)


def entries(data):
    """Yields (name, mode, content) of each entry of a well-formed archive."""
    at = 0
    while True:
        if data[at:at + 6] != MAGIC:
            raise ValueError(f"no newc header at byte {at}")
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = data[at + HEADER:at + HEADER + name_size - 1].decode()
        if name == TRAILER:
            return
        start = at + -(-(HEADER + name_size) // 4) * 4
        yield name, mode, data[start:start + size]
        at = start + -(-size // 4) * 4

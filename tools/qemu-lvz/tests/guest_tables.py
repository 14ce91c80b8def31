# SPDX-License-Identifier: GPL-2.0-or-later
"""What the Linux that runs as a KVM guest finds in memory: an EFI system table with a device tree and an initrd
(reference 10.2 to 10.4). Addresses as in kvm/linux_guest.hpp."""

import struct
import uuid

RAM_SIZE = 0x10000000
TABLES_AT = 0x100000
CONFIG_AT, INITRD_RECORD_AT, COMMAND_LINE_AT, FDT_AT = (TABLES_AT + at for at in (0x100, 0x200, 0x400, 0x1000))
INITRD_AT = 0x8000000
UART_AT = 0x1FE001E0

COMMAND_LINE = (f"earlycon=uart8250,mmio,{UART_AT:#x} console=ttyS0,115200 initcall_blacklist=i8042_init panic=-1 "
                "printk.devkmsg=on")
DEVICE_TREE_GUID = uuid.UUID("b1b621d5-f19c-41a5-830b-d9152c69aae0")
INITRD_GUID = uuid.UUID("5568e427-68fc-4f3d-ac74-ca555231cc68")


def build(initrd_size):
    """The bytes from TABLES_AT on."""
    image = bytearray(FDT_AT - TABLES_AT)
    pairs = [(DEVICE_TREE_GUID, FDT_AT), (INITRD_GUID, INITRD_RECORD_AT)]

    def put(at, data):
        image[at - TABLES_AT:at - TABLES_AT + len(data)] = data

    header = struct.pack("<8sIIII", b"IBI SYST", 0x00020046, 120, 0, 0)
    put(TABLES_AT, header + bytes(80) + struct.pack("<QQ", len(pairs), CONFIG_AT))
    put(CONFIG_AT, b"".join(guid.bytes_le + struct.pack("<Q", at) for guid, at in pairs))
    put(INITRD_RECORD_AT, struct.pack("<QQ", INITRD_AT, initrd_size))
    put(COMMAND_LINE_AT, COMMAND_LINE.encode() + b"\0")
    return bytes(image) + device_tree()


def device_tree():
    tree = Tree()
    with_root = [("compatible", "linux,dummy-loongson3"), ("model", "lvz-test"), ("#address-cells", 2), ("#size-cells", 2)]
    tree.node("", with_root)
    tree.node("chosen", [("bootargs", COMMAND_LINE), ("stdout-path", "/serial@1fe001e0")]).end()
    tree.node("memory@0", [("device_type", "memory"), ("reg", (0, 0, 0, RAM_SIZE))]).end()
    tree.node("cpus", [("#address-cells", 1), ("#size-cells", 0)])
    for number in range(2):
        tree.node(f"cpu@{number}", [("device_type", "cpu"), ("compatible", "loongarch,Loongson-3A5000"),
                                    ("reg", number)]).end()
    tree.end()
    tree.node("cpuic", [("compatible", "loongson,cpu-interrupt-controller"), ("interrupt-controller", None),
                        ("#interrupt-cells", 1), ("phandle", 1)]).end()
    tree.node("serial@1fe001e0", [("compatible", "ns16550a"), ("reg", (0, UART_AT, 0, 0x100)),
                                  ("clock-frequency", 100000000)]).end()
    return tree.end().bytes()


class Tree:
    """Writes a flattened device tree (version 17), node by node."""

    BEGIN, END, PROPERTY, FINISH = 1, 2, 3, 9

    def __init__(self):
        self._structure, self._strings = bytearray(), bytearray()

    def node(self, name, properties):
        self._structure += struct.pack(">I", self.BEGIN) + self._padded(name.encode() + b"\0")
        for key, value in properties:
            data = self._value(value)
            at = len(self._strings)
            self._strings += key.encode() + b"\0"
            self._structure += struct.pack(">III", self.PROPERTY, len(data), at) + self._padded(data)
        return self

    def end(self):
        self._structure += struct.pack(">I", self.END)
        return self

    def bytes(self):
        structure = bytes(self._structure) + struct.pack(">I", self.FINISH)
        reserve, header = bytes(16), 40
        structure_at = header + len(reserve)
        strings_at = structure_at + len(structure)
        total = strings_at + len(self._strings)
        return struct.pack(">10I", 0xD00DFEED, total, structure_at, strings_at, header, 17, 16, 0, len(self._strings),
                           len(structure)) + reserve + structure + bytes(self._strings)

    @staticmethod
    def _padded(data):
        return data + bytes(-len(data) % 4)

    @staticmethod
    def _value(value):
        if value is None:
            return b""
        if isinstance(value, str):
            return value.encode() + b"\0"
        cells = value if isinstance(value, tuple) else (value,)
        return struct.pack(f">{len(cells)}I", *cells)

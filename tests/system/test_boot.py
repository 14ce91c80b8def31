# SPDX-License-Identifier: Apache-2.0
"""Machines that are unlike QEMU's usual one: what Plinth makes of their CPUs and device trees."""

import re
import struct
import subprocess

from plinth.machines import SCRIPTED, Machine

from harness import IMAGE, PROMPT, bare_metal, check, test, vm


@test(limit=30)
def on_a_cpu_that_has_only_vhe_it_says_so_and_powers_off(run):
    # QEMU has no CPU without FEAT_E2H0. One is imitated by an image whose first write to HCR_EL2 sets E2H (bit 34) where
    # it should set RW (bit 31): the register then reads as on such a CPU.
    ask, imitate = struct.pack("<I", 0xd2b0_0009), struct.pack("<I", 0xd2c0_0089)  # mov x9, #1 << 31; mov x9, #1 << 34
    data = IMAGE.read_bytes()
    check(data.count(ask) == 1, "the image does not set HCR_EL2 as this test knows it")
    patched = run.file("vhe-only.bin", data.replace(ask, imitate, 1))
    console = run.start(Machine(smp=1, mem="512M", cpu="max").command(patched, None, SCRIPTED))
    console.expect(r"HCR_EL2\.E2H")
    check(console.wait() == 0, "QEMU did not end well")


def board_tree(run, change, **machine):
    """QEMU's own device tree of two CPUs, with its source changed by `change`; the options that make it the board's."""
    board = Machine(**{"smp": 2, "mem": "512M"} | machine).command(IMAGE, None, SCRIPTED)
    blob, other = run.file("board.dtb", ""), run.file("changed.dtb", "")
    board[board.index("-machine") + 1] += f",dumpdtb={blob}"
    subprocess.run(board, check=True, capture_output=True)
    source = subprocess.run(["dtc", "-I", "dtb", "-O", "dts", blob], check=True, capture_output=True, text=True).stdout
    subprocess.run(["dtc", "-I", "dts", "-O", "dtb", "-o", other, run.file("changed.dts", change(source))], check=True,
                   capture_output=True)
    return ["-dtb", str(other)]


def cpu_nodes(source):
    """The source of a tree, cut into what is before its two CPU nodes, each of them, and what is after."""
    before, first, second, after = re.split(r"(\t\tcpu@\d \{.*?\n\t\t\};\n)\s*(\t\tcpu@\d \{.*?\n\t\t\};\n)", source,
                                            flags=re.DOTALL)
    return before, first, second, after


def two_cpus_run_guests(run, change):
    console = run.boot(bare_metal("hello", vcpus=2), smp=2, extra=board_tree(run, change))
    seen = console.expect(r"(?s).*?is ready").group(0)
    check("2 of 2 CPUs can run guests" in seen, "not both CPUs run guests")


@test(limit=60)
def the_boot_cpu_need_not_be_the_first_of_the_tree(run):
    def swap(source):
        before, first, second, after = cpu_nodes(source)
        return before + second + first + after
    two_cpus_run_guests(run, swap)


@test(limit=60)
def the_boot_cpu_runs_guests_though_the_tree_calls_it_disabled(run):
    def disable(source):
        before, first, second, after = cpu_nodes(source)
        boot, other = sorted((first, second), key=lambda node: "cpu@0" not in node)
        return before + other + boot.replace("{\n", '{\n\t\t\tstatus = "disabled";\n', 1) + after
    two_cpus_run_guests(run, disable)


@test(limit=30)
def an_image_in_memory_that_must_not_be_mapped_is_refused(run):
    def forbid(source):
        return source.rstrip().removesuffix("};") + ("reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; "
                                                     "secret@40000000 { no-map; reg = <0 0x40000000 0 0x8000000>; }; }; };\n")
    console = run.boot(vm("hello"), extra=board_tree(run, forbid))
    console.expect(r"memory that must not be mapped")
    check(console.wait() == 0, "QEMU did not end well")


def gicv2(reg="0x8010000 0x00 0x10000 0x00 0x8030000 0x00 0x10000 0x00 0x8040000 0x00 0x10000", interrupt=True,
          compatible="arm,cortex-a15-gic"):
    """What makes QEMU's GICv2 node this one: its CPU interface and virtual interfaces, its maintenance interrupt."""
    def change(source):
        before, name, rest = source.partition("\tintc@8000000 {")
        node, end, after = rest.partition("\t};\n")
        check(name and re.search(r"\binterrupts = ", node), "QEMU's tree has no GICv2 as this test knows it")
        node = re.sub(r"\breg = <0x00 0x8000000 [^>]*>;", f"reg = <0x00 0x8000000 0x00 0x10000 0x00 {reg}>;", node, count=1)
        node = node if interrupt else re.sub(r"\binterrupts = [^;]*;", "", node, count=1)
        return before + name + node.replace("arm,cortex-a15-gic", compatible) + end + after
    return change


@test(limit=30, name="a_gicv2_without_gicc_dir_is_refused", why="has less than 8 KiB in the device tree, and so no GICC_DIR",
      change=gicv2("0x8010000 0x00 0x1000 0x00 0x8030000 0x00 0x10000 0x00 0x8040000 0x00 0x10000"))
@test(limit=30, name="a_gicv2_without_virtual_interfaces_is_refused", why="the device tree gives the GICv2 no virtualization extensions",
      change=gicv2("0x8010000 0x00 0x10000"))
@test(limit=30, name="a_gic_of_an_unknown_kind_is_refused", why="the device tree describes no GICv2 or GICv3",
      change=gicv2(compatible="somebody,gic"))
def gic_refused(run, why, change):
    console = run.boot(vm("hello"), gic=2, extra=board_tree(run, change, gic=2))
    console.expect(f"no VM can run: .*{why}")
    console.expect(PROMPT)


@test(limit=40)
def a_maintenance_interrupt_that_the_tree_does_not_mention_is_the_usual_one(run):
    console = run.boot(vm("hello"), gic=2, extra=board_tree(run, gicv2(interrupt=False), gic=2))
    console.expect("is ready")


@test(limit=40)
def a_board_without_a_timer_has_a_shell(run):
    def change(source):
        return source.replace('compatible = "arm,armv8-timer', 'compatible = "somebody,timer', 1).replace('arm,armv7-timer', 'somebody,timer', 1)
    console = run.boot(vm("hello"), extra=board_tree(run, change))
    console.expect("no VM can run: the device tree describes no generic timer")
    console.expect(PROMPT)
    console.order("help", "console")


def instructions(elf):
    """Each word of the image's executable segments, with its address."""
    data = elf.read_bytes()
    (headers,), (size, count) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<HH", data, 54)
    for place in range(headers, headers + size * count, size):
        kind, flags, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, place)
        if kind == 1 and flags & 1:
            yield from ((address + 4 * n, word) for n, word in enumerate(struct.unpack_from(f"<{length // 4}I", data, offset)))


def is_load_or_store(word):
    return word >> 25 & 0b0101 == 0b0100


def is_64_bit_multiply_accumulate(word):
    """MADD, MSUB and their SM..L and UM..L forms, with an accumulator (C4.1.95, data processing of 3 sources)."""
    return word >> 24 == 0x9b and word >> 21 & 7 in (0, 1, 5) and word >> 10 & 31 != 31


@test(limit=60)
def no_multiply_accumulate_of_the_image_follows_a_load_or_store(run):
    # Erratum 835769 of the Cortex-A53: the accumulator may be wrong. The image is linked by machine-code generation of its
    # own (LTO), so what the compiler was told alone proves nothing.
    check(is_load_or_store(0xf940cac9) and is_64_bit_multiply_accumulate(0x9bb42501), "this test knows no instructions")
    before, seen = None, 0
    for address, word in instructions(IMAGE.with_suffix(".elf")):
        seen += is_64_bit_multiply_accumulate(word)
        if before is not None and is_load_or_store(before) and is_64_bit_multiply_accumulate(word):
            check(False, f"{word:#x} at {address:#x} follows {before:#x}")
        before = word
    check(seen != 0, "the image has no such instruction at all, so this was no test")

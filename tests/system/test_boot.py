# SPDX-License-Identifier: Apache-2.0
"""Machines that are unlike QEMU's usual one: what Plinth makes of their CPUs and device trees."""

import re
import struct
import subprocess

from plinth.machines import SCRIPTED, Machine

from harness import IMAGE, bare_metal, check, test, vm


@test(limit=30)
def on_a_cpu_that_has_only_vhe_it_says_so_and_powers_off(run):
    # QEMU has no CPU without FEAT_E2H0. One is imitated by an image whose first write to HCR_EL2 sets E2H (bit 34) where
    # it should set RW (bit 31): the register then reads as on such a CPU.
    ask, imitate = struct.pack("<I", 0xd2b0_0009), struct.pack("<I", 0xd2c0_0089)  # mov x9, #1 << 31; mov x9, #1 << 34
    data = IMAGE.read_bytes()
    check(data[:4096].count(ask) == 1, "the image does not set HCR_EL2 as this test knows it")
    patched = run.file("vhe-only.bin", data.replace(ask, imitate, 1))
    console = run.start(Machine(smp=1, mem="512M", cpu="max").command(patched, None, SCRIPTED))
    console.expect(r"HCR_EL2\.E2H")
    check(console.wait() == 0, "QEMU did not end well")


def board_tree(run, change):
    """QEMU's own device tree of two CPUs, with its source changed by `change`; the options that make it the board's."""
    board = Machine(smp=2, mem="512M").command(IMAGE, None, SCRIPTED)
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

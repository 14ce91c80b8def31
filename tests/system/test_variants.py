# SPDX-License-Identifier: Apache-2.0
"""A VM on each variant of QEMU's `virt`, in the release that figures are counted with: the usual one lacks some CPUs."""

from plinth import boards, reference_qemu
from plinth.machines import SCRIPTED
from plinth.variants import VARIANTS

from harness import HYPERVISOR_PANIC, IMAGE, Skipped, bundle, check, test, vm


def runs(run, variant):
    emulator = reference_qemu.command()
    release = reference_qemu.release(emulator)
    if release != reference_qemu.RELEASE:
        raise Skipped(f"QEMU {reference_qemu.RELEASE} cannot be had, and {release} may lack CPUs")
    console = run.start(variant.command(emulator, IMAGE, run.file("bundle.cpio", bundle([vm("hello")])), SCRIPTED),
                        (HYPERVISOR_PANIC,))
    sve = console.expect(rf"(?s)(guests get SVE with vectors of up to (\d+) bits.*)?"
                         rf"{variant.cpus} of {variant.cpus} CPUs can run guests").group(2)
    check(int(sve or 0) == variant.vector_bits, f"vectors of {sve} bits")
    console.expect("is ready")
    variant.ran(release)
    check(variant.row() in boards.PAGE.read_text(), "docs/boards.md has not its row: ./plinth boards --write")


for one in VARIANTS:
    test(limit=60, name=f"a_vm_runs_on_virt_with_{one.name}", variant=one)(runs)

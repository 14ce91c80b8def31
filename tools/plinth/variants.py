# SPDX-License-Identifier: Apache-2.0
"""Variants of QEMU's `virt`: a system test runs a VM on each, and docs/boards.md tells which of them it ran on."""

import json
from dataclasses import dataclass

from . import machines
from .paths import BUILD

RAN = BUILD / "variants"


@dataclass(frozen=True)
class Variant:
    """One of them: `machine` is added to QEMU's option of that name, `more` to its command line."""

    name: str
    what: str
    gic: int = 3
    machine: str = ""
    cpu: str = "cortex-a72"
    cpus: int = 2
    topology: str = ""  # of the CPUs
    more: tuple = ()
    vector_bits: int = 0  # what guests get of SVE

    def command(self, emulator, kernel, bundle, console):
        machine = machines.Machine(cpu=self.cpu, smp=f"{self.cpus}{self.topology}", mem="512M", gic=self.gic,
                                   extra=list(self.more))
        words = [*emulator, *machine.command(kernel, bundle, console)[1:]]
        words[words.index("-machine") + 1] += self.machine
        return words

    def row(self):
        """Of the page's table, but for the release."""
        return f"| {self.what} | `{self.cpu}` | {self.cpus} | {self.vector_bits or '-'} |"

    def ran(self, release):
        """A VM ran on it, in this release of QEMU."""
        RAN.mkdir(parents=True, exist_ok=True)
        (RAN / f"{self.name}.json").write_text(json.dumps({"qemu": release}))

    def ran_in(self):
        """The release that a VM ran in, or None."""
        try:
            return json.loads((RAN / f"{self.name}.json").read_text())["qemu"]
        except (OSError, ValueError, KeyError):
            return None


def _core(cpu, vector_bits=0):
    return Variant(cpu.replace("-", "_"), "as it comes", cpu=cpu, vector_bits=vector_bits)


NODES = ("-object", "memory-backend-ram,id=near,size=256M", "-object", "memory-backend-ram,id=far,size=256M",
         "-numa", "node,nodeid=0,cpus=0-1,memdev=near", "-numa", "node,nodeid=1,cpus=2-3,memdev=far")

VARIANTS = (
    Variant("gic_2", "GICv2", gic=2, cpus=1),
    Variant("gic_2_with_all_the_cpus_it_serves", "GICv2", gic=2, cpus=8),
    Variant("gic_4", "GICv4", gic=4),
    Variant("a_secure_world", "`secure=on`", machine=",secure=on"),
    Variant("tagged_memory", "`mte=on`", machine=",mte=on", cpu="max", vector_bits=2048),
    Variant("an_smmu", "`iommu=smmuv3`", machine=",iommu=smmuv3"),
    Variant("nothing_above_4_gib", "`highmem=off`", machine=",highmem=off"),
    Variant("two_numa_nodes", "two NUMA nodes", cpus=4, more=NODES),
    Variant("clusters", "two sockets with two clusters each", cpus=32, topology=",sockets=2,clusters=2,cores=8,threads=1"),
    Variant("64_cpus", "as many CPUs as Plinth uses", cpus=64),
    *(_core(f"cortex-{core}") for core in ("a35", "a53", "a55", "a57", "a72", "a76")),
    _core("cortex-a710", 128),
    _core("neoverse-n1"),
    _core("neoverse-v1", 256),
    _core("neoverse-n2", 128),
    _core("a64fx", 512),
    _core("max", 2048),
    Variant("short_vectors", "SVE with shorter vectors", cpu="max,sve512=off,sve384=off,sve256=on", vector_bits=256),
    Variant("no_sve", "no SVE", cpu="max,sve=off"),
)


def table():
    """The lines of the page: what ran, and in which release of QEMU."""
    head = ["| QEMU's `virt` with | CPU | CPUs | bits of SVE's vectors | QEMU |", "|---|---|---:|---:|---|"]
    return head + [f"{variant.row()} {release} |" for variant in VARIANTS if (release := variant.ran_in())]

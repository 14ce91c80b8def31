# SPDX-License-Identifier: Apache-2.0
"""What is measured: one row per figure, with what it may be at most and what others were measured to take."""

from dataclasses import dataclass

OTHERS = ("Bao", "Xen 4.20", "KVM 6.12")


@dataclass(frozen=True)
class Figure:
    """One row. `limit` is absolute, `share` the part of the bare figure that may be added to it."""

    name: str
    title: str
    limit: int = None
    share: float = None
    quoted: tuple = ()  # no hypervisor, then OTHERS; stated by the project's issue, not measured here
    allowance: float = 0.02  # what --check lets it grow by; None: by anything

    def at_most(self, bare):
        """The limit for its value beside this bare one."""
        if self.share is not None:
            return None if bare is None else round(bare * (1 + self.share))
        return self.limit

    def may_add(self):
        """The limit for what the hypervisor adds, where a bare figure is quoted beside the limit."""
        return self.limit - self.quoted[0] if self.limit is not None and self.quoted and self.quoted[0] is not None else None

    def others_add(self):
        """What each of OTHERS was measured to add; None where it was not."""
        bare = self.quoted[0] if self.quoted else None
        values = self.quoted[1:] or (None,) * len(OTHERS)
        return [None if value is None or bare is None else value - bare for value in values]

    def is_over(self, bare, ours):
        """Whether Plinth takes more than it may, or adds more than it may."""
        if ours is None:
            return False
        at_most, may_add = self.at_most(bare), self.may_add()
        return (at_most is not None and ours > at_most) or (None not in (may_add, bare) and ours - bare > may_add)

    def at_most_beside(self, first):
        """The limit on another architecture, where `first` is the figure on the one that limits are for."""
        return None if first is None or self not in PARITY else round(first * PARITY_FACTOR)


EXITS = (
    Figure("hypercall", "cheapest hypercall (an unknown function)", 90, quoted=(12, 160, 438, 1251)),
    Figure("psci-version", "PSCI_VERSION by HVC", 110, quoted=(12, 200, 475, 1313)),
    Figure("gicd-read", "GICD_IIDR read (LoongArch: an IOCSR of the EIOINTC)", 140, quoted=(15, 241, 586, 2094)),
    Figure("gicd-write", "GICD_ISENABLER write of zero (the same)", 220, quoted=(16, 3578, 743, 2120)),
    Figure("uart-read", "UART flags read", 180, quoted=(14, 240, 639, 6694)),
    Figure("id-register", "ID register read (CPUCFG)", 110, quoted=(11, 11, 436, 1616)),
    Figure("timer-read", "physical timer's control, read", 95),
    Figure("timer-write", "physical timer's control, written as it is", 95),
    Figure("sgi-self", "SGI to self, send to handler end", 850, quoted=(543, 1342, 1568, 3312)),
    Figure("sgi-spinning", "SGI to another, spinning vCPU", 1100, quoted=(561, 1359, 2129, 5017)),
    Figure("sgi-idle", "SGI to another vCPU in WFI", 1300, quoted=(560, 1359, 8308, 5425)),
    Figure("sgi-dedicated", "SGI to a dedicated vCPU in WFI", 1200, quoted=(560,)),
    Figure("timer", "virtual timer due now, to handler end", 480, quoted=(155, 687, 1238, 5529)),
    Figure("timer-late", "the same, with the timer masked after the end of its interrupt"),
    Figure("ping-pong", "SGI there and back, both vCPUs in WFI"),
)
REST = (
    Figure("switch-wait", "vCPU switch on one CPU: SGI to the other, WFI, until its handler ends"),
    Figure("switch-slice", "vCPU switch on one CPU at the end of a time slice", allowance=0.04),
    Figure("switch-debug", "vCPU switch as by WFI, both with breakpoints"),
    Figure("switch-pmu", "the same, both with three counters that count"),
    Figure("switch-max", "the same without, on `max`: with keys of pointer authentication"),
    Figure("switch-sve", "the same on `max`, both with SVE"),
    Figure("entry", "boot on 1 CPU, entry to the first C++ line of a guest with 16 MiB", 2_000_000,
           quoted=(None, 970_000, 59_900_000, None)),
    Figure("linux", "Debian on 1 CPU, first instruction to GUEST-UP and off", share=0.003),
    Figure("linux-log", "the same with the kernel's log on the emulated UART"),
    Figure("linux-load", "before that: from power-on, with 256 MiB zeroed and 28 MB loaded"),
    Figure("create", "`vm create`, a VM with 1 vCPU", allowance=None),
    Figure("image", "image, bytes", 384 * 1024),
    Figure("ram", "RAM besides the guest's with one VM, bytes", 2 * 1024 * 1024),
    Figure("vm-ram", "RAM of each further VM besides its own and page tables, bytes", 128 * 1024),
    Figure("vm-tables", "page tables of each further VM with 16 MiB, bytes"),
)
ROWS = (*EXITS, *REST)
# What an exit costs is a matter of the design: it may not depend much on the architecture.
PARITY = (*EXITS, *REST[:2])
PARITY_FACTOR = 1.3
SLOW = {"linux", "linux-log", "linux-load"}  # left out by --quick

# How figures grow: the same operations with more VMs, or more vCPUs in the VM. The first of `counts` is the standard.
GROWING = ("hypercall", "gicd-read", "sgi-self", "sgi-idle", "timer")
CROWDS = {"VMs": (1, 8, 64), "vCPUs": (2, 8, 64)}
GROWTH = 0.02  # allowed from the first count to the last


def beside(name, count, kind):
    """The name of a figure that was measured with so many VMs or vCPUs."""
    return f"{name} with {count} {kind}"

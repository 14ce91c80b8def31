# SPDX-License-Identifier: Apache-2.0
"""Bare-metal guests and firmware in VMs."""

import gzip
import re

import u_boot
from harness import HYPERVISOR_PANIC, OWN_TIME, bare_metal, check, handwritten, image, on_both, test, vm


@test(limit=60, name="hello_says_hello_with_gic_2", gic=2)
@test(limit=60, name="hello_says_hello_with_gic_3", gic=3)
def hello(run, gic):
    console = run.boot(vm("hello"), gic=gic)
    console.expect("hello from a guest at EL1")
    console.expect(rf"16MiB of RAM at 0x40000000, 1 CPU\(s\), GICv{gic}")
    console.expect("RAM is clean")
    console.expect("tick 1\ntick 2\ntick 3\n")
    console.expect("is ready")
    console.send("what is typed")
    console.expect("what is typed")
    console.send("Q")
    console.expect("bye")
    console.expect("hello: powered itself off")
    console.prompt()
    console.order("vm list", "hello.*stopped")


@test(limit=90)
def hello_says_hello_on_loongarch64_also_after_a_reset_of_its_own(run):
    console = run.boot(vm("hello"), arch="loongarch64")
    for _ in range(3):
        console.expect("hello from a guest at PLV0")
        console.expect("tick 1\ntick 2\ntick 3\n")
        console.expect("is ready")
        console.send("what is typed")
        console.expect("what is typed")
        console.send("R")
    console.expect("is ready")
    console.send("Q")
    console.expect("hello: powered itself off")
    console.prompt()
    console.order("vm list", "hello.*stopped")


@on_both(limit=60)
def an_image_header_is_honoured(run, arch):
    console = run.boot(bare_metal("hello-image", memory="32MiB", cmdline="by header"), arch=arch)
    console.expect('arguments "by header"')
    console.expect("tick 3")


@on_both(limit=60)
def a_gzip_image_is_unpacked(run, arch):
    data = gzip.compress(image("hello-image/hello-image.bin", arch))
    guest = handwritten("packed", 'name = "packed"\nmemory = "32MiB"\n[kernel]\nimage = "packed.gz"\n',
                        images={"packed.gz": data})
    run.boot(guest, arch=arch).expect("tick 3")


@on_both(limit=60)
def a_reset_starts_again_with_clean_ram(run, arch):
    console = run.boot(vm("hello"), arch=arch)
    for _ in range(3):
        console.expect("RAM is clean")
        console.expect("is ready")
        console.send("D")
        console.expect("RAM is full")
        console.send("R")
    console.expect("RAM is clean")


@on_both(limit=60)
def a_guest_whose_every_fetch_faults_harms_nobody(run, arch):
    console = run.boot(bare_metal("hostile", cmdline="attack=fault_forever"), vm("hello"), attach="hello", arch=arch)
    console.expect("is ready")
    console.prompt()
    console.order("vm list", "hello.*running")


@test(limit=90)
def u_boot_comes_to_its_prompt(run):
    console = run.boot(vm("uboot"))
    console.expect("U-Boot 20")
    u_boot.come_to_prompt(console)
    check("U-Boot 20" in u_boot.order(console, "version"), "it obeys no command")
    check("DRAM bank" in u_boot.order(console, "bdinfo"), "it does not tell of its memory")


def names_of_checks(console, guest):
    """Names of the checks that passed, and the lines of those that failed."""
    text = console.expect(rf"(?s){guest}: (?:GIC|EIOINTC)(.*)^{guest}: \d+ passed, \d+ failed").group(1)
    return (set(re.findall(r"^ok (\w+)", text, re.MULTILINE)), re.findall(r"^not ok .*", text, re.MULTILINE))


@test(limit=90, name="the_probe_passes_in_a_vm_with_gic_2_on_cortex_a53", gic=2, cpu="cortex-a53", vcpus=2, smp=2)
@test(limit=90, name="the_probe_passes_in_a_vm_with_gic_3_on_cortex_a72", gic=3, cpu="cortex-a72", vcpus=2, smp=2)
@test(limit=90, name="the_probe_passes_in_a_vm_with_gic_3_on_max", gic=3, cpu="max", vcpus=4, smp=2)
@test(limit=90, name="the_probe_passes_in_a_vm_with_gic_2_on_max", gic=2, cpu="max", vcpus=1, smp=1)
@test(limit=120, name="the_probe_passes_in_a_vm_on_loongarch64", vcpus=3, smp=2, arch="loongarch64")
@test(limit=120, name="the_probe_passes_in_a_vm_with_1_vcpu_on_loongarch64", vcpus=1, smp=1, arch="loongarch64")
def probe(run, vcpus, smp, **machine):
    console = run.boot(bare_metal("probe", memory="64MiB", vcpus=vcpus), smp=smp, **machine)
    passed, failed = names_of_checks(console, "probe")
    check(not failed, "in the VM:\n" + "\n".join(failed))
    reference, _ = names_of_checks(run.bare("probe", smp=vcpus, **machine), "probe")
    missing = sorted(reference - passed)
    check(not missing, "checks of the bare machine that never ran in the VM:\n" + "\n".join(missing))


@test(limit=90)
def vms_on_one_cpu_meet_only_their_own_breakpoints_and_count_only_their_own_events(run):
    slices = '[scheduler]\nslice = "1ms"\n'
    guests = [bare_metal("debug", name=f"debug{own}", cmdline=str(own), extra=slices) for own in (0, 2)]
    console = run.boot(*guests, attach="debug0", smp=1, reject=(HYPERVISOR_PANIC, "debug: wrong"),
                       extra=OWN_TIME)
    console.expect("debug: 400 rounds, alone")
    console.prompt()
    for own in (2, 0):
        console.attach(f"debug{own}")
        for _ in range(3):
            console.expect(r"debug: \d+ rounds, alone")
        console.prompt()


@test(limit=60, name="a_store_to_a_rom_does_all_but_store_on_cortex_a53", cpu="cortex-a53")
@test(limit=60, name="a_store_to_a_rom_does_all_but_store_on_max", cpu="max")
@test(limit=120, name="a_store_to_a_rom_does_nothing_or_is_refused_on_loongarch64", ram=0, place=0x1c00_0000,
      checks=22, arch="loongarch64")
def rom(run, ram=0x4000_0000, place=0x6000_0000, checks=50, **machine):
    regions = f"""
[[memory.region]]
address = {ram}
size = "16MiB"
[[memory.region]]
address = {place}
size = 8192
kind = "rom"
image = "rom.bin"
"""
    guest = bare_metal("rom", extra=regions)
    guest.text = guest.text.replace('memory = "16MiB"\n', "")
    guest.images["rom.bin"] = bytes((i + 1) & 0xff for i in range(8192))
    passed, failed = names_of_checks(run.boot(guest, **machine), "rom")
    # A Cortex-A53 has no atomics (FEAT_LSE).
    if machine.get("cpu") == "cortex-a53":
        failed = [line for line in failed if line.split()[2].split("_")[0] not in ("ldadd", "swp", "cas")]
    check(len(passed) >= checks and not failed, "in the VM:\n" + "\n".join(failed))


# Where QEMU's own models differ from the specifications that the suite is written from.
REFERENCE_ERRS = {
    "targets_exist_for_each_cpu", "a_target_can_be_written_by_itself",  # IHI 0048, 4.3.12: no CPU, no bit
    "no_state_is_kept_for_interrupts_beyond_the_last", "no_priority_is_kept_beyond_the_last",  # IHI 0069, 12.9
}


LOONGARCH64_REFERENCE_ERRS = {
    "a_byte_of_the_routes_can_be_written_by_itself",  # it writes the whole word
    # 3A5000 user manual, 11.2, and 7A1000 user manual, 5: the status and the requests read as 0.
    "a_message_to_a_vector_that_is_disabled_is_pending", "its_vector_is_pending", "an_input_that_is_masked_is_requested",
    "masking_an_input_takes_it_out_of_service",
    "the_level_is_a_reason",  # PC16550D, 8.6: the timeout is over when as many are there as were asked for
    # 7A1000 user manual, 20: switched on, it raises its line, and never lowers it.
    "an_hour_is_not_over_yet", "a_match_that_is_written_anew_is_no_alarm",
}


@test(limit=120, name="the_suite_says_the_same_of_gic_2_with_1_cpu_bare_and_in_a_vm", gic=2, cpu="cortex-a72", cpus=1, smp=1)
@test(limit=120, name="the_suite_says_the_same_of_gic_2_with_4_cpus_bare_and_in_a_vm", gic=2, cpu="cortex-a53", cpus=4, smp=2)
@test(limit=120, name="the_suite_says_the_same_of_gic_3_with_1_cpu_bare_and_in_a_vm", gic=3, cpu="max", cpus=1, smp=2)
@test(limit=120, name="the_suite_says_the_same_of_gic_3_with_4_cpus_bare_and_in_a_vm", gic=3, cpu="cortex-a72", cpus=4, smp=4)
@test(limit=120, name="the_suite_passes_with_four_vcpus_on_two_cpus", only_full=True, gic=3, cpu="cortex-a72", cpus=4, smp=2)
@test(limit=240, name="the_suite_says_the_same_with_1_cpu_bare_and_in_a_vm_on_loongarch64", only_full=True, cpus=1, smp=1,
      known=LOONGARCH64_REFERENCE_ERRS, arch="loongarch64")
@test(limit=240, name="the_suite_says_the_same_with_4_cpus_bare_and_in_a_vm_on_loongarch64", cpus=4, smp=2,
      known=LOONGARCH64_REFERENCE_ERRS, arch="loongarch64")
def suite(run, cpus, smp, known=REFERENCE_ERRS, **machine):
    console = run.boot(bare_metal("suite", memory="64MiB", vcpus=cpus, extra="pmu = false"), smp=smp, **machine)
    passed, failed = names_of_checks(console, "suite")
    check(not failed, "in the VM:\n" + "\n".join(failed))
    console.expect("suite: powered itself off")
    reference, errs = names_of_checks(run.bare("suite", smp=cpus, **machine), "suite")
    surprising = [line for line in errs if line.split()[2].rstrip(":") not in known]
    check(not surprising, "on the bare machine:\n" + "\n".join(surprising))
    check(not reference - passed, "passed on the bare machine alone:\n" + "\n".join(sorted(reference - passed)))


# Where a VM's registers are others than those of QEMU's board, out of reset: which bits, and why they must be.
ALL = (1 << 64) - 1
OWN_PRODUCT = 0xff00_0000, "IIDR.ProductID: the model is none of Arm's"
NOT_IN_A_VM = "what a guest does not get: regs/id_filter.hpp"
OTHER_REGISTERS = {
    ("gicd", "0x4"): (0x02f8_f81f, "TYPER: 1-of-N is there, 14 bits of INTID; QEMU's GICv3 leaves out the last 32 SPIs"),
    ("gicd", "0x8"): OWN_PRODUCT,
    ("gicr0", "0x4"): OWN_PRODUCT,
    ("gicr1", "0x4"): OWN_PRODUCT,
    ("gits", "0x4"): OWN_PRODUCT,
    ("gits", "0x8"): (0xf0, "TYPER.ITT_entry_size: the format of the tables is ours"),
    ("gicc", "0x8"): (0x7, "BPR: of five bits of priority the least is 2"),
    ("gicc", "0x1c"): (0x7, "ABPR: one more"),
    ("pl031", "0x0"): (ALL, "the time"),
    ("id", "1.2"): (ALL, "ID_DFR0: " + NOT_IN_A_VM),
    ("id", "4.0"): (0x0f00_00f0_f000_00f0, "ID_AA64PFR0, EL1 AArch32, RAS, SEL2, CSV2: " + NOT_IN_A_VM),
    ("id", "4.1"): (0x0f00_0000, "ID_AA64PFR1, SME: " + NOT_IN_A_VM),
    ("id", "4.5"): (ALL, "ID_AA64SMFR0: " + NOT_IN_A_VM),
    ("id", "5.0"): (0x000f, "ID_AA64DFR0, debug version: " + NOT_IN_A_VM),
    ("id", "7.0"): (0xff00_0fff_f0f0_f00f, "ID_AA64MMFR0, PARange, SNSMem, LPA2, FGT, ECV: " + NOT_IN_A_VM),
    ("id", "7.1"): (0x0000_0f0f_f00f_0ff0, "ID_AA64MMFR1, VMIDBits, VH, LO, XNX, TWED, HCX: " + NOT_IN_A_VM),
    ("id", "7.2"): (0x0000_0fff_0000_f000, "ID_AA64MMFR2, IESB, ST, IDS, FWB: " + NOT_IN_A_VM),
}


# The same for LoongArch. ("iocsr", "0x8") is IOCSR 0x8; CSRs are by number.
OTHER_LOONGARCH64_REGISTERS = {
    ("csr", "0x42"): (ALL, "TVAL: unknown until TCFG is written; QEMU computes with a deadline that was never set"),
    ("iocsr", "0x8"): (1 << 11, "features: that this is a VM, which Linux asks before it looks for KVM's words"),
    ("iocsr", "0x40000000"): (0b0110, "virtual EIOINTC: as KVM's, lines by number, but nothing that has to be enabled"),
    ("rtc", "0x2c"): (ALL, "the time; QEMU's clock stands still until it is switched on, ours runs as firmware leaves it"),
    ("rtc", "0x30"): (ALL, "the year"),
    ("rtc", "0x40"): (0x2900, "control: oscillator, calendar and counter are on"),
    ("rtc", "0x68"): (ALL, "the counter"),
}


def registers_of(console):
    text = console.expect(r"(?s)inventory: (?:GIC|EIOINTC)(.*)inventory: that is all").group(1)
    return {(where, offset): value for where, offset, value in re.findall(r"^reg (\S+) (\S+) (\S+)", text, re.MULTILINE)}


def same_value(ours, theirs, but):
    if "fault" in (ours, theirs):
        return ours == theirs
    return (int(ours, 16) ^ int(theirs, 16)) & ~but == 0


@test(limit=90, name="registers_of_a_vm_come_up_as_those_of_qemus_board_with_gic_2_on_cortex_a53", gic=2, cpu="cortex-a53")
@test(limit=90, name="registers_of_a_vm_come_up_as_those_of_qemus_board_with_gic_3_on_cortex_a72", gic=3, cpu="cortex-a72")
@test(limit=90, name="registers_of_a_vm_come_up_as_those_of_qemus_board_with_gic_3_on_max", gic=3, cpu="max")
@test(limit=120, name="registers_of_a_vm_come_up_as_those_of_qemus_board_on_loongarch64", other=OTHER_LOONGARCH64_REGISTERS,
      board={"cpu": "la464,lvz=off"}, arch="loongarch64")
def inventory(run, other=OTHER_REGISTERS, board=None, **machine):
    ours = registers_of(run.boot(bare_metal("inventory", memory="64MiB", vcpus=2), **machine))
    theirs = registers_of(run.bare("inventory", **(machine | (board or {}))))
    check(len(theirs) > 50, "the bare machine said next to nothing")
    others = [f"{' '.join(key)}: {ours.get(key, '0x0')} instead of {theirs.get(key, '0x0')}"
              for key in sorted(ours.keys() | theirs.keys())
              if not same_value(ours.get(key, "0x0"), theirs.get(key, "0x0"), other.get(key, (0, ""))[0])]
    check(not others, "registers that nobody said may differ:\n" + "\n".join(others))


@on_both(limit=90)
def two_guests_on_one_cpu_both_make_progress(run, arch):
    console = run.boot(vm("hello"), bare_metal("hello", name="other"), attach="hello", smp=1, arch=arch)
    console.expect("is ready")
    console.prompt()
    console.see("other", "is ready")
    for name in ("hello", "other"):
        console.attach(name)
        console.send("still here")
        console.expect("still here")
        console.prompt()

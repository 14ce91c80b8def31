# SPDX-License-Identifier: Apache-2.0
"""Bare-metal guests and firmware in VMs."""

import gzip
import re

from harness import bare_metal, check, handwritten, image, test, vm


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


@test(limit=60)
def an_image_header_is_honoured(run):
    console = run.boot(bare_metal("hello-image", memory="32MiB", cmdline="by header"))
    console.expect('arguments "by header"')
    console.expect("tick 3")


@test(limit=60)
def a_gzip_image_is_unpacked(run):
    data = gzip.compress(image("hello-image/hello-image.bin"))
    guest = handwritten("packed", 'name = "packed"\nmemory = "32MiB"\n[kernel]\nimage = "packed.gz"\n',
                        images={"packed.gz": data})
    run.boot(guest).expect("tick 3")


@test(limit=60)
def a_reset_starts_again_with_clean_ram(run):
    console = run.boot(vm("hello"))
    for _ in range(3):
        console.expect("RAM is clean")
        console.expect("is ready")
        console.send("D")
        console.expect("RAM is full")
        console.send("R")
    console.expect("RAM is clean")


@test(limit=60)
def a_guest_whose_every_fetch_faults_harms_nobody(run):
    console = run.boot(bare_metal("hostile", cmdline="attack=fault_forever"), vm("hello"), attach="hello")
    console.expect("is ready")
    console.prompt()
    console.order("vm list", "hello.*running")


@test(limit=90)
def u_boot_comes_to_its_prompt(run):
    console = run.boot(vm("uboot"))
    console.expect("U-Boot 20")
    console.expect("stop autoboot")
    console.send("\n")
    console.expect("=> ")
    console.send("version\n")
    console.expect("U-Boot 20")
    console.send("bdinfo\n")
    console.expect("DRAM bank")


def names_of_checks(console, guest):
    """Names of the checks that passed, and the lines of those that failed."""
    text = console.expect(rf"(?s){guest}: GIC(.*)^{guest}: \d+ passed, \d+ failed").group(1)
    return (set(re.findall(r"^ok (\w+)", text, re.MULTILINE)), re.findall(r"^not ok .*", text, re.MULTILINE))


@test(limit=90, name="the_probe_passes_in_a_vm_with_gic_2_on_cortex_a53", gic=2, cpu="cortex-a53", vcpus=2, smp=2)
@test(limit=90, name="the_probe_passes_in_a_vm_with_gic_3_on_cortex_a72", gic=3, cpu="cortex-a72", vcpus=2, smp=2)
@test(limit=90, name="the_probe_passes_in_a_vm_with_gic_3_on_max", gic=3, cpu="max", vcpus=4, smp=2)
@test(limit=90, name="the_probe_passes_in_a_vm_with_gic_2_on_max", gic=2, cpu="max", vcpus=1, smp=1)
def probe(run, gic, cpu, vcpus, smp):
    console = run.boot(bare_metal("probe", memory="64MiB", vcpus=vcpus), gic=gic, cpu=cpu, smp=smp)
    passed, failed = names_of_checks(console, "probe")
    check(not failed, "in the VM:\n" + "\n".join(failed))
    reference, _ = names_of_checks(run.bare("probe", gic=gic, cpu=cpu, smp=vcpus), "probe")
    missing = sorted(reference - passed)
    check(not missing, "checks of the bare machine that never ran in the VM:\n" + "\n".join(missing))


@test(limit=60, name="a_store_to_a_rom_does_all_but_store_on_cortex_a53", cpu="cortex-a53")
@test(limit=60, name="a_store_to_a_rom_does_all_but_store_on_max", cpu="max")
def rom(run, cpu):
    regions = """
[[memory.region]]
address = 0x4000_0000
size = "16MiB"
[[memory.region]]
address = 0x6000_0000
size = 8192
kind = "rom"
image = "rom.bin"
"""
    guest = bare_metal("rom", extra=regions)
    guest.text = guest.text.replace('memory = "16MiB"\n', "")
    guest.images["rom.bin"] = bytes((i + 1) & 0xff for i in range(8192))
    passed, failed = names_of_checks(run.boot(guest, cpu=cpu), "rom")
    # A Cortex-A53 has no atomics (FEAT_LSE).
    failed = [line for line in failed if cpu == "max" or line.split()[2].split("_")[0] not in ("ldadd", "swp", "cas")]
    check(len(passed) >= 50 and not failed, "in the VM:\n" + "\n".join(failed))


# Where QEMU's own models differ from the specifications that the suite is written from.
REFERENCE_ERRS = {
    "targets_exist_for_each_cpu", "a_target_can_be_written_by_itself",  # IHI 0048, 4.3.12: no CPU, no bit
    "no_state_is_kept_for_interrupts_beyond_the_last", "no_priority_is_kept_beyond_the_last",  # IHI 0069, 12.9
}


@test(limit=120, name="the_suite_says_the_same_of_gic_2_with_1_cpu_bare_and_in_a_vm", gic=2, cpu="cortex-a72", cpus=1, smp=1)
@test(limit=120, name="the_suite_says_the_same_of_gic_2_with_4_cpus_bare_and_in_a_vm", gic=2, cpu="cortex-a53", cpus=4, smp=2)
@test(limit=120, name="the_suite_says_the_same_of_gic_3_with_1_cpu_bare_and_in_a_vm", gic=3, cpu="max", cpus=1, smp=2)
@test(limit=120, name="the_suite_says_the_same_of_gic_3_with_4_cpus_bare_and_in_a_vm", gic=3, cpu="cortex-a72", cpus=4, smp=4)
@test(limit=120, name="the_suite_passes_with_four_vcpus_on_two_cpus", only_full=True, gic=3, cpu="cortex-a72", cpus=4, smp=2)
def suite(run, gic, cpu, cpus, smp):
    console = run.boot(bare_metal("suite", memory="64MiB", vcpus=cpus), gic=gic, cpu=cpu, smp=smp)
    passed, failed = names_of_checks(console, "suite")
    check(not failed, "in the VM:\n" + "\n".join(failed))
    console.expect("suite: powered itself off")
    reference, errs = names_of_checks(run.bare("suite", gic=gic, cpu=cpu, smp=cpus), "suite")
    surprising = [line for line in errs if line.split()[2].rstrip(":") not in REFERENCE_ERRS]
    check(not surprising, "on the bare machine:\n" + "\n".join(surprising))
    check(not reference - passed, "passed on the bare machine alone:\n" + "\n".join(sorted(reference - passed)))


@test(limit=90)
def two_guests_on_one_cpu_both_make_progress(run):
    console = run.boot(vm("hello"), bare_metal("hello", name="other"), attach="hello", smp=1)
    console.expect("is ready")
    console.prompt()
    console.see("other", "is ready")
    for name in ("hello", "other"):
        console.attach(name)
        console.send("still here")
        console.expect("still here", timeout=20)
        console.prompt()

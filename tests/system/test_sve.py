# SPDX-License-Identifier: Apache-2.0
"""The scalable vectors of guests: there as on the bare machine, and each VM's own."""

import re

from harness import bare_metal, check, test


def vectors(name, extra="", digit=""):
    return bare_metal("vectors", name=name, cmdline=digit, extra=f"autostart = false\n{extra}")


def facts(text):
    """What the guest says there is: the ID registers, and its lengths if it has any."""
    version, feature_id = re.search(r"SVE (\d+), ID_AA64ZFR0_EL1 (0x[0-9a-f]+)", text).groups()
    lengths = re.search(r"lengths (0x[0-9a-f]+)", text)
    return version, feature_id, lengths and int(lengths.group(1), 16)


def printed(console, name):
    """Starts `name` from the prompt and returns all that it says."""
    console.order(f"vm start {name}", "started")
    console.attach(name)
    said = console.expect(r"(?s)(vectors: ID.*?)vectors: that is all").group(1)
    console.expect(f"{name}: powered itself off")
    console.prompt()
    return said


NOTHING_ELSE = "at first 512 bytes of V are kept, and 0 others are not zero"
NONE = "ZCR_EL1 is undefined, RDVL is undefined"


@test(limit=60)
def sve_is_in_a_vm_what_it_is_on_the_bare_machine_unless_its_file_says_less(run):
    console = run.boot(vectors("all"), vectors("short", "sve_vector_bits = 384\n"), vectors("without", "sve = false\n"),
                       cpu="max", smp=1)
    console.expect("guests get SVE with vectors of up to 2048 bits")
    console.expect("plinth> ")
    bare = facts(run.bare("vectors", cpu="max", smp=1).expect(r"(?s)(vectors: ID.*)vectors: that is all").group(1))
    check(bare[2] == 0xffff, f"the bare machine has vectors of other lengths than known: {bare}")
    said = printed(console, "all")
    check(facts(said) == bare, f"{facts(said)} in the VM, {bare} on the bare machine")
    short = printed(console, "short")
    check(facts(short) == (*bare[:2], 0x7), f"{facts(short)} in the VM with shorter vectors")
    for text in (said, short):
        check(NOTHING_ELSE in text, f"what SVE holds at first: {text}")
    without = printed(console, "without")
    check(facts(without) == ("0", "0x0", None) and NONE in without, f"in the VM without SVE: {without}")


@test(limit=60)
def a_cpu_without_sve_has_none_for_its_vms(run):
    console = run.boot(vectors("wanted", "sve = true\n"), vectors("any"), cpu="cortex-a72", smp=1)
    console.expect("vms/wanted.toml:5:7: `sve`: the VM wants SVE")
    console.expect("plinth> ")
    said = printed(console, "any")
    check(facts(said) == ("0", "0x0", None) and NONE in said, said)


@test(limit=60, name="no_vector_or_predicate_of_one_vm_is_seen_by_another_on_1_cpu", smp=1)
@test(limit=60, name="no_vector_or_predicate_of_one_vm_is_seen_by_another_on_2_cpus", smp=2)
def own_vectors(run, smp):
    """Three that use all of it, one with shorter vectors; and one that comes when the others have left theirs behind."""
    console = run.boot(vectors("one", digit="1"), vectors("two", digit="2"),
                       vectors("short", "sve_vector_bits = 256\n", "3"), vectors("late"), cpu="max", smp=smp)
    console.expect("plinth> ")
    for name in ("one", "two", "short"):
        console.order(f"vm start {name}", "started")
    for _ in range(2):
        for name in ("one", "two", "short"):
            console.attach(name)
            looks, wrong = console.expect(r"vectors: (\d+) looks, (\d+) were wrong").groups()
            check(wrong == "0", f"{name} found other values than its own in {wrong} of {looks} looks")
            console.prompt()
        late = printed(console, "late")
        check(NOTHING_ELSE in late, f"a VM that has just begun found what others left: {late}")

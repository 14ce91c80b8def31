# SPDX-License-Identifier: Apache-2.0
"""Bad input: a clear error with file and line where there is one; other VMs still run and the prompt stays alive."""

import gzip
import struct
import subprocess

from plinth.machines import SCRIPTED, Machine

from harness import IMAGE, PROMPT, bundle, check, handwritten, image, on_both, test, vm

HELLO = 'name = "bad"\nmemory = "16MiB"\n[kernel]\nimage = "hello/hello.bin"\n'


UARTS = {"aarch64": "0x0900_0000", "loongarch64": "0x1fe0_0000"}


def refused(run, arch, cases):
    """Each of these VM files is refused with its message; the VM beside them runs, and so does the prompt. `cases` are texts,
    what the error must say, and perhaps the content of the file of the bundle that is to blame. Where one says "bad", it is
    the only one in the bundle."""
    bad, messages = [], ["is ready"]
    for number, (text, message, *content) in enumerate(cases, 1):
        own = f"bad{number:02}"
        text = text.replace(b"bad", own.encode()) if isinstance(text, bytes) else text.replace("bad", own).replace("{uart}", UARTS[arch])
        images = {f"{own}.file": data for data in content}
        bad.append(handwritten(own, text, images={**images, "hello/hello.bin": None}))
        messages.append(message.replace("bad", own))
    console = run.boot(*bad, vm("hello"), attach="hello", arch=arch)
    console.expect_all(*messages)
    console.prompt()
    console.order("vm list", r"hello.*running")


CASES = {  # name: text, what the error must say
    "an_unknown_key": (HELLO.replace("memory", "memroy"), r"bad\.toml:2:1: .*memroy.*memory"),
    "a_wrong_type": (HELLO.replace('"16MiB"', "true"), r"bad\.toml:2:\d+: "),
    "a_bad_size": (HELLO.replace("16MiB", "16 parsecs"), r"bad\.toml:2:\d+: "),
    "a_duplicate_key": (HELLO.replace("[kernel]", 'memory = "8MiB"\n[kernel]'), r"bad\.toml:3:1: .*memory"),
    "a_syntax_error": (HELLO.replace('name = "bad"', 'name = "bad'), r"bad\.toml:1:\d+: "),
    "invalid_utf_8": (HELLO.encode() + b"# \xff\n", r"bad\.toml:5:\d+: "),
    "no_name": (HELLO.split("\n", 1)[1], r"bad\.toml(:\d+:\d+)?: .*name"),
    "no_image_key": ('name = "bad"\nmemory = "16MiB"\n', r"bad\.toml:1:1: .*kernel"),
    "zero_vcpus": ("vcpus = 0\n" + HELLO, r"bad\.toml:1:\d+: "),
    "too_many_vcpus": ("vcpus = 65\n" + HELLO, r"bad\.toml:1:\d+: "),
    "a_missing_file": (HELLO.replace("hello/hello.bin", "no/such.bin"), r"bad.*no/such\.bin"),
    "more_memory_than_there_is": (HELLO.replace("16MiB", "64GiB"), r"bad.*memory"),
    "overlapping_regions": (
        'name = "bad"\n[kernel]\nimage = "hello/hello.bin"\n'
        '[[memory.region]]\naddress = 0x4000_0000\nsize = "16MiB"\nkind = "ram"\n'
        '[[memory.region]]\naddress = 0x4080_0000\nsize = "16MiB"\nkind = "ram"\n', r"bad\.toml:\d+:\d+: .*overlap"),
    "a_region_on_a_device": (
        'name = "bad"\n[kernel]\nimage = "hello/hello.bin"\n'
        '[[memory.region]]\naddress = 0x4000_0000\nsize = "16MiB"\nkind = "ram"\n'
        '[[memory.region]]\naddress = {uart}\nsize = "4KiB"\nkind = "ram"\n', r"bad\.toml:\d+:\d+: .*overlap"),
    "an_empty_file": ("", r"bad\.toml"),
    "a_file_of_nul_bytes": (b"\0" * 100, r"bad\.toml:1:1: "),
    "deep_nesting": ("x = " + "[" * 5000 + "]" * 5000 + "\n", r"bad\.toml:1:\d+: "),
}
on_both(limit=60, name="vm_files_with_mistakes_are_refused", cases=CASES.values())(refused)
on_both(limit=60, name="the_name_of_another_vm_is_refused",
        cases=[(HELLO.replace('"bad"', '"hello"'), r'vms/(bad|hello)\.toml.*hello')])(refused)

IMAGES = {  # name: image content, more of the file
    "an_empty_image": (b"", ""),
    "a_kernel_too_large_for_ram": (b"\0" * (17 << 20), ""),
    "a_truncated_gzip": (gzip.compress(bytes(range(256)) * 4096)[:600], ""),
    "a_gzip_with_a_wrong_checksum": (gzip.compress(bytes(range(256)) * 4096)[:-8] + bytes(8), ""),
    "a_gzip_that_unpacks_to_more_than_ram": (gzip.compress(bytes(64 << 20)), ""),
    "a_truncated_elf": (b"\x7fELF\x02\x01\x01" + bytes(20), ""),
    "garbage_declared_as_image": (b"garbage " * 100, 'format = "image"\n'),
    "garbage_declared_as_elf": (b"garbage " * 100, 'format = "elf"\n'),
}
on_both(limit=60, name="images_that_cannot_be_loaded_are_refused", cases=[
    (HELLO.replace("hello/hello.bin", "bad.file") + more, r"bad: bad\.file: ", data) for data, more in IMAGES.values()])(refused)


@on_both(limit=60)
def a_garbage_image_runs_and_harms_nobody(run, arch):
    """An image without magic is raw code; what it does is its own problem."""
    bad = handwritten("bad", 'name = "bad"\nmemory = "16MiB"\n[kernel]\nimage = "guest.bin"\n',
                      images={"guest.bin": b"\xa5\x5a\xff\x00" * 4096})
    console = run.boot(bad, vm("hello"), attach="hello", arch=arch)
    console.expect("is ready")
    console.prompt()
    console.order("vm list", r"hello.*running")


def device_tree(run):
    source = run.file("guest.dts", '/dts-v1/;\n/ { #address-cells = <2>; #size-cells = <2>; compatible = "a,b"; '
                                   'memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x1000000>; }; chosen {}; };\n')
    return subprocess.run(["dtc", "-I", "dts", "-O", "dtb", source], check=True, capture_output=True).stdout


@on_both(limit=60)
def device_trees_that_are_damaged_are_refused(run, arch):
    tree = device_tree(run)
    damaged = {"bad magic": b"\0\0\0\0" + tree[4:], "cut off": tree[:len(tree) // 2],
               "lies about its size": tree[:4] + struct.pack(">I", 1 << 30) + tree[8:]}
    refused(run, arch, [(HELLO + 'dtb = "bad.file"\n', r"bad.*bad\.file", data) for data in damaged.values()])


@on_both(limit=60)
def an_own_device_tree_reaches_the_guest(run, arch):
    text = HELLO.replace("bad", "own") + 'dtb = "guest.dtb"\ncmdline = "added"\n'
    console = run.boot(handwritten("own", text, images={"guest.dtb": device_tree(run), "hello/hello.bin": None}), arch=arch)
    console.expect(f'{"GICv0" if arch == "aarch64" else "no interrupt controller"}, arguments "added"')


def prompt_alive(run, arch, message, **boot):
    console = run.boot(arch=arch, **boot)
    console.expect_all(message, PROMPT)
    console.order("vm list")
    console.order("help", "vm")


@on_both(limit=60)
def without_a_bundle_there_is_a_prompt(run, arch):
    prompt_alive(run, arch, r"bundle")


@on_both(limit=60)
def with_no_vm_in_the_bundle_there_is_a_prompt(run, arch):
    prompt_alive(run, arch, r"no VM|0 VMs", raw_bundle=bundle([]))


@on_both(limit=60)
def a_bundle_of_garbage_is_refused(run, arch):
    prompt_alive(run, arch, r"bundle", raw_bundle=b"this is no archive" * 1000)


@on_both(limit=60)
def a_bundle_that_is_cut_off_is_refused(run, arch):
    data = bundle([vm("hello")], arch=arch)
    prompt_alive(run, arch, r"bundle", raw_bundle=data[:len(data) // 2])


@on_both(limit=60)
def a_bad_plinth_toml_is_refused_and_its_vms_still_run(run, arch):
    console = run.boot(vm("hello"), host_config="log_level = \"chatty\"\n", arch=arch)
    console.expect_all(r"plinth\.toml:1:\d+: ", "is ready")


@test(limit=30)
def at_el1_it_says_that_it_needs_el2_and_powers_off(run):
    console = run.boot(vm("hello"), virtualization=False)
    console.expect(r"EL2")
    check(console.wait() == 0, "QEMU did not end well")


def entered_with(run, tree):
    """Starts the image by a boot loader of three instructions, with `tree` (or nothing) in x0."""
    entry, stub, blob = 0x4020_0000, 0x4600_0000, 0x4700_0000
    # ldr x0, .+16; ldr x1, .+20; br x1; nop; .quad tree; .quad entry
    code = struct.pack("<IIIIQQ", 0x5800_0080, 0x5800_00a1, 0xd61f_0020, 0xd503_201f, blob if tree is not None else 0, entry)
    loads = ["-device", f"loader,file={IMAGE},addr={entry:#x},force-raw=on",
             "-device", f"loader,file={run.file('stub.bin', code)},addr={stub:#x},force-raw=on",
             "-device", f"loader,addr={stub:#x},cpu-num=0"]
    if tree is not None:
        loads += ["-device", f"loader,file={run.file('board.dtb', tree)},addr={blob:#x},force-raw=on"]
    command = Machine(smp=1, mem="512M", extra=loads).command(IMAGE, None, SCRIPTED)
    at = command.index("-kernel")
    return run.start(command[:at] + command[at + 2:])


@test(limit=20)
def without_a_device_tree_it_stops_and_does_not_run_wild(run):
    entered_with(run, None).drain(3)


@test(limit=20)
def with_a_damaged_device_tree_it_stops_and_does_not_run_wild(run):
    entered_with(run, b"\0\0\0\0" + device_tree(run)[4:]).drain(3)

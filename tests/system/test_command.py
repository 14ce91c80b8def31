# SPDX-License-Identifier: Apache-2.0
"""The ./plinth command as users and their CI type it."""

import os
import subprocess

from plinth.paths import BUILD, ROOT

from harness import IMAGE, check, test

KIB = 1024
IMAGE_LIMIT = 384 * KIB


def plinth(*words):
    return subprocess.run([ROOT / "plinth", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=400)


@test(limit=150, name="run_expect_succeeds_with_gic_2", gic="2")
@test(limit=150, name="run_expect_succeeds_with_gic_3", gic="3")
def run_expect(run, gic):
    console = run.plinth("run", "linux", "--gic", gic, "--expect", "GUEST-UP", "--timeout", "120")
    check(console.wait() == 0, "the command failed")


@test(limit=120)
def run_uboot_expects_its_prompt(run):
    check(run.plinth("run", "uboot", "--expect", "=>").wait() == 0, "the command failed")


@test(limit=120)
def run_sends_what_it_is_told(run):
    console = run.plinth("run", "hello", "--expect", "is ready", "--send", r"ping\nQ", "--expect", "bye")
    check(console.wait() == 0, "the command failed")


@test(limit=60)
def run_expect_ends_with_124_when_it_waits_in_vain(run):
    console = run.plinth("run", "hello", "--expect", "never said", "--timeout", "8", "--qemu-arg=-name",
                         "--qemu-arg=waits-in-vain")
    check(console.wait() == 124, "the exit code is not 124")
    left = subprocess.run(["pgrep", "-f", "qemu.*waits-in-[v]ain"], capture_output=True, text=True).stdout
    check(not left, "QEMU was left behind")


@test(limit=90)
def run_expect_does_not_take_the_echo_for_an_answer(run):
    console = run.plinth("run", "hello", "--expect", "is ready", "--send", r"PASSED\nQ", "--expect", "PASSED")
    check(console.wait() == 1, "what was typed counts as what the guest says, or its end is not noticed")


@test(limit=90)
def run_expect_goes_from_vm_to_vm(run):
    text = 'name = "{0}"\nmemory = "16MiB"\n[kernel]\nimage = "hello/hello.bin"\ncmdline = "I am {0}"\n'
    files = [run.file(f"{name}.toml", text.format(name)) for name in ("one", "two")]
    console = run.plinth("run", *files, "--expect", "I am one", "--on", "two", "--expect", "I am two")
    check(console.wait() == 0, "the command failed")


@test(limit=60)
def senseless_options_are_refused_before_anything_runs(run):
    for words in (("--expect", ""), ("--send", "x"), ("--reject", "x"), ("--expect", "x", "--timeout", "nan"),
                  ("--expect", "x", "--timeout", "-5"), ("--expect", "x", "--timeout", "0"), ("--on", "hello"),
                  ("--expect", "x", "--on", "nobody")):
        result = plinth("run", "hello", *words)
        check(result.returncode == 2, f"{words}: exit code {result.returncode}: {result.stderr}")


@test(limit=60)
def the_command_answers_when_asked_what_it_is(run):
    for words, answer in (((), "COMMAND"), (("help",), "exit codes"), (("help", "run"), "--expect"), (("--version",), "plinth ")):
        result = plinth(*words)
        check(result.returncode == 0 and answer in result.stdout, f"{words}: {result.stdout}{result.stderr}")
    check(plinth("help", "nothing").returncode == 2, "help for no command")


@test(limit=60)
def output_that_nobody_takes_is_no_success(run):
    with open("/dev/full", "w") as full:
        result = subprocess.run([ROOT / "plinth", "check", "hello"], stdout=full, stderr=subprocess.PIPE, text=True)
    check(result.returncode == 2 and "No space left" in result.stderr, f"check: {result.returncode} {result.stderr}")
    for words in (("help",), ("run", "--help"), ("--version",)):
        with open("/dev/full", "w") as full:
            result = subprocess.run([ROOT / "plinth", *words], stdout=full, stderr=subprocess.PIPE, text=True)
        check(result.returncode == 1 and result.stderr.count("\n") == 1, f"{words}: {result.returncode} {result.stderr}")
        reader, writer = os.pipe()
        os.close(reader)
        result = subprocess.run([ROOT / "plinth", *words], stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        check(result.returncode == 141 and not result.stderr, f"{words}: {result.returncode} {result.stderr}")


@test(limit=60)
def trouble_with_files_is_told_without_a_traceback(run):
    loop = run.folder / "loop.toml"
    loop.parent.mkdir(parents=True, exist_ok=True)
    loop.unlink(missing_ok=True)
    loop.symlink_to(loop.name)
    deep = run.file("deep.toml", "a = " + "[" * 5000)
    for words in (("check", loop), ("check", deep), ("check", "x" * 300 + ".toml"), ("pack", "hello", "-o", "/dev/full"),
                  ("pack", "hello", "-o", "/nowhere/x.cpio"), ("run", "hello", "--expect", "x", "--log", "/nowhere/log"),
                  ("run", "hello", "--qemu", "no-such-qemu")):
        result = plinth(*map(str, words))
        check(result.returncode not in (0, None), f"{words} passes")
        check(result.stderr and "Traceback" not in result.stderr, f"{words}: {result.stderr}")


@test(limit=60)
def set_overrides_a_value_for_one_run(run):
    console = run.plinth("run", "hello", "--set", "hello.memory=24MiB", "--set", "hello.vcpus=3",
                         "--set", "hello.kernel.cmdline=from the command line", "--expect", "24MiB of RAM.*3 CPU",
                         "--expect", "bye|is ready", "--timeout", "200")
    check(console.wait() == 0, "the command failed")


@test(limit=60)
def no_compiler_runs_when_a_vm_file_changes(run):
    before = IMAGE.stat().st_mtime_ns
    text = 'name = "mine"\nmemory = "{}MiB"\n[kernel]\nimage = "hello/hello.bin"\n'
    for size in (20, 28):
        file = run.file("mine.toml", text.format(size))
        console = run.plinth("run", file, "--expect", f"{size}MiB of RAM", "--timeout", "200")
        check(console.wait() == 0, f"it does not boot with {size} MiB")
    check(IMAGE.stat().st_mtime_ns == before, "the hypervisor was built again")


@test(limit=60)
def check_names_file_line_and_column(run):
    file = run.file("wrong.toml", 'name = "wrong"\nvcpus = "two"\n[kernel]\nimage = "hello/hello.bin"\n')
    result = plinth("check", str(file))
    check(result.returncode != 0, "a wrong file passes")
    check("wrong.toml:2:" in result.stdout + result.stderr, f"no place is named:\n{result.stdout}{result.stderr}")


@test(limit=60)
def check_accepts_every_sample(run):
    for name in ("linux", "hello", "uboot"):
        result = plinth("check", name)
        check(result.returncode == 0, f"{name}:\n{result.stdout}{result.stderr}")


@test(limit=60)
def pack_makes_the_same_bytes_twice(run):
    files = [run.folder / name for name in ("a.cpio", "b.cpio")]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        check(plinth("pack", "hello", "-o", str(file)).returncode == 0, "packing failed")
    check(files[0].read_bytes() == files[1].read_bytes(), "two bundles of the same files differ")


@test(limit=60)
def an_unknown_vm_is_named_with_what_there_is(run):
    result = plinth("run", "nobody", "--dry-run")
    check(result.returncode != 0 and "linux" in result.stderr, f"unkind: {result.stderr}")


@test(limit=60)
def every_subcommand_has_help_with_an_example(run):
    for command in ("run", "build", "pack", "check", "test", "bench"):
        result = plinth(command, "--help")
        check(result.returncode == 0 and f"plinth {command}" in result.stdout.split("example", 1)[-1], f"{command} --help")


@test(limit=10)
def the_image_is_at_most_384_kib(run):
    size = IMAGE.stat().st_size
    check(size <= IMAGE_LIMIT, f"{size} bytes")
    run.note(f"{size} bytes in {IMAGE.relative_to(BUILD)}")


@test(limit=60)
def the_stack_canary_is_read_and_not_its_address_taken(run):
    elf = IMAGE.with_suffix(".elf")
    dump = subprocess.run(["llvm-objdump-19", "-d", "--no-show-raw-insn", elf], capture_output=True, text=True, check=True)
    code = dump.stdout
    check("<__stack_chk_fail>" in code, "nothing is protected")
    # The one who may name it directly fills it in: head.S, by ADRP. C++ code goes through the GOT.
    taken = [line for line in code.splitlines() if "__stack_chk_guard" in line and "adrp" not in line]
    check(not taken, f"the address is used as the value: {taken[:3]}")

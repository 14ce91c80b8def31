# SPDX-License-Identifier: Apache-2.0
"""Two consoles of one VM: its UART, and a virtio console that Debian's kernel drives."""

from harness import GUEST_PROMPT, check, image, on_both, vm

MODULES = "virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_console"
UART = {"aarch64": "ttyAMA0", "loongarch64": "ttyS0"}


@on_both(limit=150)
def linux_has_a_second_console_of_its_own(run, arch):
    guest = vm("linux", cmdline=f"console=hvc0 console={UART[arch]}")
    if arch == "aarch64":  # elsewhere the driver is part of the kernel
        guest.images["linux/initramfs.cpio.gz"] = image("linux/initramfs.cpio.gz") + image("linux/console.cpio.gz")
    guest.text += "\n[console]\nvirtio = true\n"
    console = run.boot(guest, arch=arch)
    console.login()
    console.shell(f"for m in {MODULES}; do [ -e /modules/$m.ko ] && insmod /modules/$m.ko; done")
    console.shell("(setsid sh -c 'exec sh -i < /dev/hvc0 > /dev/hvc0 2>&1' &)")
    console.prompt()
    console.attach_shell("linux:hvc0")
    check(console.shell("readlink /proc/self/fd/0").strip() == "/dev/hvc0", "that is another console")
    # The quotes keep it out of the echo.
    console.send("echo said by the ker''nel > /dev/kmsg\n")
    console.expect("said by the kernel")
    console.expect(GUEST_PROMPT)
    count = console.shell("seq 1 2000").split()
    check(count == [str(number) for number in range(1, 2001)], f"of 2000 lines {len(count)} came, or others")
    lines = [f"{number:04d} the quick brown fox jumps over the lazy dog" for number in range(60)]
    console.send("stty -echo; echo be''gun; cat > /tmp/typed\n")
    console.expect("begun\n")
    console.send("\n".join(lines) + "\n\x04")
    console.expect(GUEST_PROMPT)
    typed = console.shell("stty echo; wc -c < /tmp/typed").split()
    check(typed == [str(sum(len(line) + 1 for line in lines))], f"{typed} characters arrived")
    console.prompt()
    console.order("vm log linux:hvc0", "cat > /tmp/typed")
    console.order("vm show linux", r"console +hvc0")
    # The kernel said it on both, behind a prompt that was seen before.
    console.attach("linux")
    console.expect("said by the kernel")
    console.send("\n")
    console.expect(GUEST_PROMPT)
    check(console.shell("readlink /proc/self/fd/0").strip() == f"/dev/{UART[arch]}", "the consoles are mixed up")

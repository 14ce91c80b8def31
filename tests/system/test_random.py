# SPDX-License-Identifier: Apache-2.0
"""Random numbers for guests, by the drivers of an unmodified Debian kernel."""

from harness import check, image, on_both, vm

MODULES = "virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio-rng"


def linux(name, arch):
    guest = vm("linux", name=name, memory="128MiB")
    guest.images["linux/initramfs.cpio.gz"] = image("linux/initramfs.cpio.gz", arch) + image("linux/random.cpio.gz", arch)
    guest.text += "\n[devices]\nrng = true\n"
    return guest


def bytes_of_the_device(console):
    console.shell(f"for m in {MODULES}; do [ -e /modules/$m.ko ] && insmod /modules/$m.ko; done")
    check("virtio_rng" in console.shell("cat /sys/class/misc/hw_random/rng_available"), "the kernel does not find it")
    console.shell("echo virtio_rng.0 > /sys/class/misc/hw_random/rng_current")
    check(console.shell("cat /sys/class/misc/hw_random/rng_current").strip() == "virtio_rng.0", "the kernel does not use it")
    # More than one request may get.
    return console.shell("dd if=/dev/hwrng bs=1k count=8 iflag=fullblock 2>/dev/null | od -An -v -tx1").split()


@on_both(limit=180)
def linux_guests_get_random_bytes_that_differ(run, arch):
    console = run.boot(linux("left", arch), linux("right", arch), attach="left", mem="768M", arch=arch)
    console.login()
    left = bytes_of_the_device(console)
    console.prompt()
    console.attach_shell("right")
    right = bytes_of_the_device(console)
    check(len(left) == len(right) == 8192, f"{len(left)} and {len(right)} bytes came")
    same = sum(a == b for a, b in zip(left, right))
    # A byte in 256: 32, with a standard deviation below 6.
    check(same < 100, f"{same} of 8192 bytes are the same in both")
    check(len(set(left)) == len(set(right)) == 256, "bytes are missing that 8192 random ones have")
    console.prompt()
    served = console.order("vm stats right", r"rng +(\d+) +(\d+) ")
    check(int(served.group(1)) > 8 and int(served.group(2)) >= 8192, f"by something else: {served.group(0)}")
    if arch == "aarch64":
        console.attach_shell("right")
        firmware_is_a_source_too(console)


def firmware_is_a_source_too(console):
    """SMCCC TRNG: the kernel asks for its version at boot, and makes a device for it where there is one."""
    console.shell("insmod /modules/arm_smccc_trng.ko")
    available = console.shell("cat /sys/class/misc/hw_random/rng_available")
    check("smccc_trng" in available, f"the kernel found no TRNG in its firmware: {available}")
    console.shell("echo smccc_trng > /sys/class/misc/hw_random/rng_current")
    given = console.shell("dd if=/dev/hwrng bs=64 count=8 iflag=fullblock 2>/dev/null | od -An -v -tx1").split()
    check(len(given) == 512 and len(set(given)) > 128, f"these are not 512 random bytes: {given}")

# SPDX-License-Identifier: Apache-2.0
"""Plinth started as people start it on boards: by EDK2, U-Boot and GRUB, from a disk image that `plinth image` makes."""

import re
import struct
import subprocess

from plinth import building, disk_image, machines

import u_boot
from harness import bare_metal, bundle, check, image, test
from test_boot import board_tree

READY = r"hello is ready"


def disk(run, arch="aarch64", application=None, files=()):
    """A disk with the hypervisor and a guest that says hello; `application` starts in the hypervisor's place, and `files` are
    further ones, by their place."""
    data = run.file("bundle.cpio", bundle([bare_metal("hello")], arch=arch))
    path = run.folder / "disk.img"
    disk_image.write(arch, application or building.flat_image(arch), data, path)
    volume = ["-i", f"{path}@@{disk_image.PARTITION_START}"]
    for name, content in files:
        folders = name.split("/")[1:-1]
        for n in range(len(folders)):
            subprocess.run(["mmd", "-D", "s", *volume, "::/" + "/".join(folders[:n + 1])], capture_output=True)
        subprocess.run(["mcopy", "-o", *volume, content, f"::{name}"], check=True, capture_output=True)
    return path


def start(run, firmware, arch="aarch64", disk=None, board="", **machine):
    """A machine with this firmware. Its tree is there only without ACPI: EDK2 offers one of the two."""
    options = machines.Machine(arch, smp=2, mem="1G", **machine)
    command = [options.emulator(), "-nodefaults", "-no-user-config", "-display", "none", "-machine", options.board() + board,
               "-cpu", machines.MACHINES[arch], "-smp", "2", "-m", "1G",
               "-bios", run.file("firmware.fd", image(firmware, arch)), *machines.SCRIPTED]
    if disk:
        bus = "pci" if arch == "loongarch64" else "device"
        command += ["-drive", f"file={disk},format=raw,if=none,id=disk", "-device", f"virtio-blk-{bus},drive=disk"]
    return run.start([*command, *options.extra])


@test(limit=240, name="edk2_starts_it_from_a_disk_on_aarch64", arch="aarch64")
@test(limit=240, name="edk2_starts_it_from_a_disk_on_loongarch64", arch="loongarch64")
def edk2_starts_it_from_a_disk(run, arch):
    # The LoongArch one never has a tree.
    start(run, "firmware/edk2.fd", arch, disk(run, arch), board=",acpi=off" if arch == "aarch64" else "").expect(READY)


@test(limit=60, arch="loongarch64")
def qemu_starts_the_flat_image_on_loongarch64(run, arch):
    data = run.file("bundle.cpio", bundle([bare_metal("hello")], arch=arch))
    run.start(machines.Machine(arch, smp=2, mem="512M").command(building.flat_image(arch), data, machines.SCRIPTED)).expect(READY)


@test(limit=120)
def edk2_starts_it_with_an_initrd_from_the_command_line(run):
    data = run.file("bundle.cpio", bundle([bare_metal("hello")]))
    start(run, "firmware/edk2.fd", board=",acpi=off",
          extra=["-kernel", building.flat_image("aarch64"), "-initrd", data]).expect(READY)


@test(limit=120)
def edk2_goes_on_when_there_is_no_el2(run):
    console = start(run, "firmware/edk2.fd", disk=disk(run), board=",acpi=off", virtualization=False)
    console.expect(r"firmware runs at EL1, but a hypervisor needs EL2")
    console.expect(r"BdsDxe: failed to start")


@test(limit=240, name="acpis_tables_will_do_with_gic_2", gic=2)
@test(limit=240, name="acpis_tables_will_do_with_gic_3", gic=3)
def acpis_tables_will_do(run, gic):
    console = start(run, "firmware/edk2.fd", disk=disk(run), gic=gic)
    console.expect(rf"Plinth on BOCHS/BXPC: 2 CPUs, GICv{gic}")
    console.expect(r"2 of 2 CPUs can run guests")
    console.expect(READY)
    console.send("Q")
    console.expect("bye")


@test(limit=120)
def grub_starts_it_with_the_bundle_that_its_menu_names(run):
    menu = run.file("grub.cfg", "linux /plinth.efi\ninitrd /guests.cpio\nboot\n")
    guests = run.file("guests.cpio", bundle([bare_metal("hello", name="named-by-grub")]))
    path = disk(run, application=run.file("grub.efi", image("firmware/grub.efi")),
                files=[("/plinth.efi", building.flat_image("aarch64")), ("/guests.cpio", guests), ("/EFI/debian/grub.cfg", menu)])
    console = start(run, "firmware/edk2.fd", disk=path, board=",acpi=off")
    console.expect("named-by-grub")
    console.expect(READY)


@test(limit=120)
def uboot_starts_it_from_a_disk_by_itself(run):
    console = start(run, "uboot/u-boot.bin", disk=disk(run))
    console.expect(r"extlinux\.conf")
    console.expect(READY)


def uboot_prompt(run, path):
    console = start(run, "uboot/u-boot.bin", disk=path)
    u_boot.come_to_prompt(console)
    return console


@test(limit=120)
def uboot_starts_it_by_its_script(run):
    console = uboot_prompt(run, disk(run))
    u_boot.order(console, "setenv devtype virtio; setenv devnum 0; setenv distro_bootpart 1")
    u_boot.begin(console, "load virtio 0:1 ${scriptaddr} boot.scr && source ${scriptaddr}")
    console.expect(READY)


@test(limit=120)
def uboot_starts_it_as_an_efi_application(run):
    console = uboot_prompt(run, disk(run))
    u_boot.begin(console, "load virtio 0:1 ${kernel_addr_r} EFI/BOOT/BOOTAA64.EFI && bootefi ${kernel_addr_r} ${fdtcontroladdr}")
    console.expect(READY)


@test(limit=120)
def the_command_makes_a_disk_that_uboot_starts(run):
    path = run.folder / "sd.img"
    run.folder.mkdir(parents=True, exist_ok=True)
    _, tree = board_tree(run, lambda source: source)
    check(run.plinth("image", "hello", "--dtb", tree, "-o", path).wait() == 0, "the command failed")
    # U-Boot for QEMU has no place for a tree that is not its own (fdt_addr_r): that it is asked for has to do.
    asked = subprocess.run(["mtype", "-i", f"{path}@@{disk_image.PARTITION_START}", "::/extlinux/extlinux.conf"],
                           check=True, capture_output=True, text=True).stdout
    check("fdt /board.dtb" in asked, f"U-Boot is not asked for the board's tree:\n{asked}")
    start(run, "uboot/u-boot.bin", disk=path).expect(READY)


@test(limit=120)
def the_command_refuses_a_tree_that_is_none(run):
    console = run.plinth("image", "hello", "--dtb", run.file("board.dtb", b"/dts-v1/;"), "-o", run.folder / "sd.img")
    console.expect("no device tree blob")
    check(console.wait() == 1, "the command went through")


@test(limit=120)
def the_same_files_make_the_same_disk(run):
    path = disk(run)
    first = path.read_bytes()
    check(disk(run).read_bytes() == first, "two images of the same files differ")
    # Nothing in it tells the time, which is the same only when one is quick.
    volume = ["-i", f"{path}@@{disk_image.PARTITION_START}"]
    listed = subprocess.run(["mdir", "-/", "-a", *volume, "::"], check=True, capture_output=True, text=True).stdout
    dates = set(re.findall(r"\b\d{4}-\d\d-\d\d\b", listed))
    check(dates == {"1980-01-01"}, f"the folders tell of {dates}")
    script = subprocess.run(["mtype", *volume, "::/boot.scr"], check=True, capture_output=True).stdout
    check(struct.unpack_from(">I", script, 8)[0] == 315532800, "U-Boot's script tells when it was made")

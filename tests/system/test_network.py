# SPDX-License-Identifier: Apache-2.0
"""Networks between VMs, judged by the drivers that guests bring: Debian's kernel and U-Boot."""

import gzip
import hashlib
import random

import u_boot
from harness import check, image, newc, on_both, test, vm

MODULES = "virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net"


def linux(name, *networks, arch="aarch64", cmdline="", files=None, **settings):
    """The Linux sample with cards on these networks, and the drivers for them."""
    guest = vm("linux", name=name, cmdline=cmdline, memory="128MiB", **settings)
    more = newc.Archive()
    more.folder("srv")
    for path, data in (files or {}).items():
        more.file(f"srv/{path}", data)
    initrd = f"linux/{name}.cpio.gz"
    guest.images[initrd] = (image("linux/initramfs.cpio.gz", arch) + image("linux/network.cpio.gz", arch) +
                            gzip.compress(more.bytes(), mtime=0))
    guest.text = guest.text.replace("linux/initramfs.cpio.gz", initrd)
    del guest.images["linux/initramfs.cpio.gz"]
    for network in networks:
        guest.text += f'\n[[network]]\n{network}\n'
    return guest


def bring_up(console, address):
    console.shell(f"for m in {MODULES}; do [ -e /modules/$m.ko ] && insmod /modules/$m.ko; done")
    console.shell(f"ip address add {address}/24 dev eth0; ip link set eth0 up")


def interrupts(console, what):
    """How often those of a kind came."""
    lines = console.shell(f"grep '{what}' /proc/interrupts").splitlines()
    return sum(int(word) for line in lines for word in line.split()[1:] if word.isdigit())


def ping_and_fetch(run, arch, cmdline, controllers):
    content = random.Random(7).randbytes(2 << 20)
    console = run.boot(linux("server", 'network = "lan"', arch=arch, cmdline=cmdline, files={"file": content}),
                       linux("client", 'network = "lan"', arch=arch, cmdline=cmdline),
                       linux("stranger", 'network = "other"', arch=arch, cmdline=cmdline), attach="server", arch=arch)
    console.login()
    bring_up(console, "10.0.0.1")
    console.shell("httpd -h /srv")
    console.prompt()
    console.attach_shell("stranger")
    bring_up(console, "10.0.0.3")
    heard = console.shell("cat /sys/class/net/eth0/statistics/rx_packets").strip()
    console.prompt()
    console.attach_shell("client")
    bring_up(console, "10.0.0.2")
    check("3 packets received" in console.shell("ping -c 3 -i 0.2 10.0.0.1"), "the server is not there")
    check("0 packets received" in console.shell("ping -c 2 -i 0.2 -W 1 10.0.0.3"), "networks are not apart")
    fetched = console.shell("wget -q -O - http://10.0.0.1/file | md5sum")
    check(hashlib.md5(content).hexdigest() in fetched, "the file came as something else")
    check(interrupts(console, controllers) > 10, "not by the interrupts that were asked for")
    console.prompt()
    console.attach_shell("stranger")
    check(console.shell("cat /sys/class/net/eth0/statistics/rx_packets").strip() == heard, "the stranger hears something")


@on_both(limit=240)
def linux_guests_talk_over_a_network_by_messages(run, arch):
    ping_and_fetch(run, arch, "", "virtio.-input")


@on_both(limit=240)
def linux_guests_talk_over_a_network_by_lines(run, arch):
    ping_and_fetch(run, arch, "pci=nomsi", "virtio[0-9]*$")


@test(limit=200)
def u_boot_gets_an_address_from_a_linux_guest(run):
    boot = vm("uboot")
    boot.text += '\n[[network]]\nnetwork = "lan"\n'
    settings = b"interface eth0\nstart 10.0.0.50\nend 10.0.0.50\noption subnet 255.255.255.0\nlease_file /tmp/leases\n"
    console = run.boot(linux("server", 'network = "lan"', files={"udhcpd.conf": settings}), boot, attach="server")
    console.login()
    bring_up(console, "10.0.0.1")
    console.shell("touch /tmp/leases; udhcpd -S /srv/udhcpd.conf")
    console.prompt()
    console.attach("uboot")
    u_boot.come_to_prompt(console)
    check("DHCP client bound to address 10.0.0.50" in u_boot.order(console, "setenv autoload no; dhcp"), "it got no address")
    check("host 10.0.0.1 is alive" in u_boot.order(console, "ping 10.0.0.1"), "the server is not there")

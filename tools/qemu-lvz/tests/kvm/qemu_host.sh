#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# init of the Linux whose KVM is tested: starts Debian's QEMU and judges what its guest printed.
export PATH=/usr/bin:/bin LD_LIBRARY_PATH=/lib
/bin/busybox mkdir -p /tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

failures=0
check() { # NAME CONDITION...
    name=$1
    shift
    if "$@"; then
        echo "ok $name"
    else
        echo "not ok $name"
        failures=$((failures + 1))
    fi
}
shows() { grep -q "$1" /tmp/guest.log; }

qemu-system-loongarch64 -M virt -accel kvm -smp 2 -m 512M -nodefaults -display none -nic none \
    -serial stdio -no-reboot -kernel /guest/Image -initrd /guest/initrd \
    -append "console=ttyS0,115200 initcall_blacklist=i8042_init panic=-1" > /tmp/guest.log 2>&1 < /dev/null
status=$?
cat /tmp/guest.log
check "QEMU ends by the guest's power-off" [ "$status" = 0 ]
check "the guest has two CPUs" shows "guest: 2 CPUs"
check "the guest sends IPIs by hypercalls, as KVM offers" shows "guest: IPIs by hypercall"
check "a second of sleep is a second" shows "guest: slept"
check "every CPU took interrupts of its timer and of the other" shows "guest: interrupts on both"
check "the guest's kernel has nothing to warn of" [ -z "$(grep -E 'WARNING:|BUG:|Oops|rcu.*stall|soft lockup' /tmp/guest.log)" ]
check "the host's kernel has nothing to warn of" [ -z "$(dmesg | grep -E 'WARNING:|BUG:|Oops|rcu.*stall|soft lockup')" ]
if [ "$failures" = 0 ]; then
    echo "lvz-test: 0 failures, PASSED"
fi
poweroff -f

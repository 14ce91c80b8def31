#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# init of the Linux that runs in Debian's QEMU under KVM: says what works, and powers its machine off.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev

echo "guest: $(grep -c '^processor' /proc/cpuinfo) CPUs"
before=$(cut -d. -f1 /proc/uptime)
sleep 1
[ "$(cut -d. -f1 /proc/uptime)" -gt "$before" ] && echo "guest: slept"
grep -q SWI0-IPI /proc/interrupts && echo "guest: IPIs by hypercall"
# Columns 2 and 3 are the CPUs' counts.
timers=$(awk '/timer/ && $2 > 0 && $3 > 0' /proc/interrupts | wc -l)
ipis=$(awk '/[Rr]escheduling|[Ff]unction call/ && $2 + $3 > 0' /proc/interrupts | wc -l)
cat /proc/interrupts
[ "$timers" -gt 0 ] && [ "$ipis" -gt 0 ] && echo "guest: interrupts on both"
poweroff -f

// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the guest (guest.cpp) and the program that runs it under KVM (machine.cpp) agree on. Compiled into both.
#pragma once

#include <stdint.h>

namespace protocol {

/// Guest physical memory, one slot.
constexpr uint64_t ram_size = 0x1000000;
constexpr uint64_t params_at = 0x4000;
constexpr uint64_t image_at = 0x10000;
constexpr uint64_t stacks_at = 0x200000;  // one of 64 KiB per vCPU
constexpr uint64_t tables_at = 0x300000;  // three tables of 16 KiB
constexpr uint64_t data_at = 0x400000;
constexpr uint64_t most_data = 0x800000;  // of it, `Params::data_size` is shared out evenly among the vCPUs

/// Stage 1 maps `data_at` here, in pages of 16 KiB.
constexpr uint64_t data_va = 0x40000000;
constexpr uint64_t page_size = 0x4000;
constexpr unsigned page_shift = 14, table_bits = 11;

/// Registers of the one device, at an address no memory slot covers.
constexpr uint64_t device_at = 0x10000000;
enum Register : uint64_t {
  finished = 0x00,     // W: the guest saw `stop` and its last round is over
  failed = 0x08,       // W: number of the check that failed; the vCPU stops
  detail = 0x10,       // W: what it saw, before `failed`
  doorbell = 0x18,     // W: raise interrupt `own_line` of this vCPU
  acknowledge = 0x20,  // W: lower that interrupt
  discard = 0x28,      // W: take the pages of this vCPU's share of the data away
  echo = 0x30,         // RW: reads back what was written, in any width
  round = 0x38,        // W: rounds completed
};

/// Any IOCSR that KVM does not emulate itself reaches user space: an echo register too.
constexpr uint64_t iocsr_echo = 0x808;

/// ESTAT.IS numbers: HWI1 asked for by doorbell, HWI2 raised by another thread at any time.
constexpr unsigned own_line = 3, foreign_line = 4;

/// Written by the host before the start, read by the guest; counters are the guest's.
struct Params {
  uint64_t vcpus;
  uint64_t cpucfg0;
  uint64_t data_size;
  volatile uint64_t stop;
  volatile uint64_t atomic_sum;    // every vCPU adds to it, by AM* and by LL/SC
  volatile uint64_t additions[4];  // by vCPU
  volatile uint64_t timer_ticks[4];
  volatile uint64_t own_interrupts[4];
  volatile uint64_t foreign_interrupts[4];
  volatile uint64_t system_calls[4];
};

}  // namespace protocol

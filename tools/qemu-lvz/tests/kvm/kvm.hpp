// SPDX-License-Identifier: GPL-2.0-or-later
//
// The part of Linux' KVM interface (linux/kvm.h, LoongArch's asm/kvm.h) that this program uses.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace kvm {

constexpr unsigned long command(unsigned direction, unsigned number, unsigned size) {
  return static_cast<unsigned long>(direction) << 30 | size << 16 | 0xAEu << 8 | number;
}
constexpr unsigned none = 0, in = 1, out = 2;

struct MemoryRegion {
  uint32_t slot, flags;
  uint64_t guest, size, user;
};
constexpr uint32_t log_dirty_pages = 1;

struct Registers {
  uint64_t gpr[32];
  uint64_t pc;
};

struct OneRegister {
  uint64_t id;
  uint64_t address;
};

struct DeviceAttribute {
  uint32_t flags, group;
  uint64_t attribute, address;
};

struct Device {
  uint32_t type, descriptor, flags;
};
constexpr uint32_t device_ipi = 12;

struct DirtyLog {
  uint32_t slot, padding;
  uint64_t bitmap;
};

/// Head of the page shared with a vCPU.
struct Run {
  uint8_t request_interrupt_window, immediate_exit, padding[6];
  uint32_t exit_reason;
  uint8_t ready_for_interrupt_injection, if_flag;
  uint16_t flags;
  uint64_t cr8, apic_base;
  struct Access {  // MMIO and IOCSR alike
    uint64_t address;
    uint8_t data[8];
    uint32_t length;
    uint8_t is_write;
  } access;
};

constexpr uint32_t exit_intr = 10, exit_mmio = 6, exit_iocsr = 38;

constexpr unsigned long get_api_version = command(none, 0x00, 0), create_vm = command(none, 0x01, 0),
                        get_run_size = command(none, 0x04, 0), create_vcpu = command(none, 0x41, 0),
                        get_dirty_log = command(in, 0x42, sizeof(DirtyLog)),
                        set_memory = command(in, 0x46, sizeof(MemoryRegion)), run = command(none, 0x80, 0),
                        get_registers = command(out, 0x81, sizeof(Registers)),
                        set_registers = command(in, 0x82, sizeof(Registers)),
                        interrupt = command(in, 0x86, sizeof(uint32_t)),
                        get_one = command(in, 0xAB, sizeof(OneRegister)),
                        set_one = command(in, 0xAC, sizeof(OneRegister)),
                        create_device = command(in | out, 0xE0, sizeof(Device)),
                        get_attribute = command(in, 0xE2, sizeof(DeviceAttribute));

constexpr uint64_t register_base = 0x9030'0000'0000'0000;  // LoongArch, 64 bits
constexpr uint64_t csr_register(unsigned number) { return register_base | 0x10000 | number << 3; }
constexpr uint64_t cpucfg_register(unsigned word) { return register_base | 0x40000 | word << 3; }
constexpr uint64_t vcpu_reset = register_base | 0x20000 | 2;
constexpr uint32_t cpucfg_group = 0;
constexpr unsigned cpucfg_words = 21;

/// Where a vCPU begins, in direct mode, with a0 to a2.
struct Start {
  uint64_t pc;
  uint64_t arguments[3];
};

/// Says that `who` could not do `what`; false, to be returned.
bool complain(const char* who, const char* what, long result);
/// A vCPU in its state after reset with the CPUCFG words KVM lets it have.
[[nodiscard]] bool create_direct_mode_vcpu(const char* who, int vm, size_t run_size, unsigned number,
                                           const Start& start, int& descriptor, Run*& run);
uint64_t host_cpucfg(uint64_t word);
/// The data of an access, as a number and back.
uint64_t from_bytes(const uint8_t* data, unsigned length);
void to_bytes(uint8_t* data, uint64_t value);

}  // namespace kvm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/lock.hpp"
#include "vmm/irq/loongson/cpu_lines.hpp"
#include "vmm/mmio.hpp"

namespace vmm::loongson {

// The extended I/O interrupt controller of a VM (Loongson 3A5000 user manual, 11.2): 256 vectors, each routed to a vCPU
// and, in groups of 32, to one of its lines HWI0 to HWI7.
//
//     PCH-PIC --level--+
//                      +--> pending (ISR) --enabled--> in service at a core (COREISR) --group's pin--> HWI
//     PCH-MSI --edge---+                                    ^ write 1 to clear
//
// As on QEMU's board: a vector that is pending goes to its core when it becomes pending, enabled, or is routed there
// anew; clearing it in COREISR does not bring it back while its input stays high. PCH-PIC, whose driver masks an input
// while it is served, raises it again. One that is disabled in service is pending still. Registers of nodes and of
// bounced routing are storage.
//
// Without the virtual extension's CPU encoding a vector reaches cores 0 to 3, as on QEMU's board: a routing byte has a
// bit for each; with it, the byte is a core's number. Numbers of cores that the VM does not have change nothing.
//
// One lock (rank `interrupt_router`).
class Eiointc {
 public:
  static constexpr unsigned vectors = 256;
  // IOCSR addresses that read() and write() are for, beside the virtual extension's.
  static constexpr uint32_t base = 0x1400;
  static constexpr uint32_t end = 0x1d00;
  // What Linux asks for when it knows that it runs in a VM.
  static constexpr uint32_t virt_base = 0x4000'0000;
  static constexpr uint32_t virt_end = virt_base + 8;

  // `virtual_extension`: whether the guest finds it.
  Eiointc(VcpuIndex vcpus, CpuLines& lines, bool virtual_extension)
      : vcpus_(vcpus), lines_(lines), features_(virtual_extension ? virt_features : 0) {}

  // By vCPU `self`; `address` in one of the two ranges, aligned to `size`. Registers that do not exist read as 0 and
  // ignore writes.
  [[nodiscard]] uint64_t read(VcpuIndex self, uint32_t address, unsigned size) const;
  void write(VcpuIndex self, uint32_t address, unsigned size, uint64_t value);

  // The input of a vector. Any CPU; a lock of rank `interrupt_inputs` or lower may be held.
  void set_level(unsigned vector, bool level);
  // A message for a vector: it is pending until a core has it in service.
  void message(unsigned vector);

  // A reset of the VM, which is stopped.
  void reset();

  // --- for reports ---
  [[nodiscard]] uint32_t in_service(VcpuIndex core, unsigned group) const;

 private:
  static constexpr unsigned groups = vectors / 32;
  // EXTIOI virtual extension: it is there, its CPU encoding can be chosen, so can that of the pins.
  static constexpr uint32_t virt_present = 1U << 0;
  static constexpr uint32_t virt_pin_encoding = 1U << 2;
  static constexpr uint32_t virt_cpu_encoding = 1U << 3;
  static constexpr uint32_t virt_features = virt_present | virt_pin_encoding | virt_cpu_encoding;

  using Group = std::array<uint32_t, groups>;

  [[nodiscard]] uint32_t read_word(VcpuIndex self, uint32_t offset) const PLINTH_REQUIRES(lock_);
  void write_word(VcpuIndex self, uint32_t offset, uint32_t value, uint32_t lanes) PLINTH_REQUIRES(lock_);
  void write_enable(unsigned group, uint32_t fresh) PLINTH_REQUIRES(lock_);
  void write_route(unsigned first, uint32_t value, uint32_t lanes) PLINTH_REQUIRES(lock_);
  void clear_in_service(VcpuIndex core, unsigned group, uint32_t bits) PLINTH_REQUIRES(lock_);
  void deliver(unsigned group, uint32_t bits) PLINTH_REQUIRES(lock_);
  void withdraw(unsigned vector) PLINTH_REQUIRES(lock_);
  [[nodiscard]] unsigned pin(unsigned group) const PLINTH_REQUIRES(lock_);
  void drive(VcpuIndex core) PLINTH_REQUIRES(lock_);

  const VcpuIndex vcpus_;
  CpuLines& lines_;
  const uint32_t features_;
  mutable hal::SpinLock lock_{hal::LockRank::interrupt_router};
  uint32_t config_ PLINTH_GUARDED_BY(lock_) = 0;
  Group node_map_ PLINTH_GUARDED_BY(lock_){};
  std::array<uint32_t, 2> pin_map_ PLINTH_GUARDED_BY(lock_){};  // a byte for each group
  Group enable_ PLINTH_GUARDED_BY(lock_){};
  Group bounce_ PLINTH_GUARDED_BY(lock_){};
  Group level_ PLINTH_GUARDED_BY(lock_){};                          // inputs that are high
  Group messages_ PLINTH_GUARDED_BY(lock_){};                       // messages that no core has yet
  std::array<uint8_t, vectors> route_ PLINTH_GUARDED_BY(lock_){};   // as written
  std::array<uint8_t, vectors> target_ PLINTH_GUARDED_BY(lock_){};  // the core that it means
  std::array<Group, max_vcpus> in_service_ PLINTH_GUARDED_BY(lock_){};
};

}  // namespace vmm::loongson

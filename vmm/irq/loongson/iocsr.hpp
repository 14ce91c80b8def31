// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "vmm/irq/loongson/eiointc.hpp"
#include "vmm/irq/loongson/ipi.hpp"
#include "vmm/mmio.hpp"

namespace vmm::loongson {

// All that a VM's guest reaches by IOCSR instructions: what the chip says of itself, the interprocessor interrupts and
// the EIOINTC. Nothing of it is the machine's own. Any CPU; no lock of its own.
class Iocsr {
 public:
  // `hypervisor`: says in its features that this is a VM, for which Linux then looks closer (CPUCFG 0x4000'0000).
  Iocsr(VcpuIndex vcpus, Ipi& ipi, Eiointc& eiointc, bool hypervisor)
      : vcpus_(vcpus), ipi_(ipi), eiointc_(eiointc), hypervisor_(hypervisor) {}

  // By vCPU `self`; `size` 1, 2, 4 or 8 bytes. Nothing, or false, where there is no register: such a read gives 0, such
  // a write is ignored. So are accesses that are not aligned to their size.
  [[nodiscard]] std::optional<uint64_t> read(VcpuIndex self, uint32_t address, unsigned size) const;
  [[nodiscard]] bool write(VcpuIndex self, uint32_t address, unsigned size, uint64_t value);
  void reset() { function_.store(0, std::memory_order_relaxed); }

 private:
  void send_any(uint64_t value);

  const VcpuIndex vcpus_;
  Ipi& ipi_;
  Eiointc& eiointc_;
  const bool hypervisor_;
  // Storage: the EIOINTC is on whatever EXT_IOI_EN says, as on QEMU's board.
  std::atomic<uint64_t> function_{0};
};

}  // namespace vmm::loongson

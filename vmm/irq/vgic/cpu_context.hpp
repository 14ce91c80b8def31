// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "vmm/irq/vgic/bank.hpp"
#include "vmm/irq/vgic/list_registers.hpp"
#include "vmm/irq/vgic/lpi.hpp"

namespace vmm::vgic {

// One vCPU's side of the interrupt controller: its private interrupts and what is in its list registers.
//
// `work` and `spi_hint` may be written by anybody. The list register part belongs to the vCPU: only the CPU on which it
// is loaded touches it. A vCPU that is not loaded holds nothing.
struct alignas(64) CpuContext {
  // Reasons to look at the list registers before the guest runs again.
  enum Work : uint32_t {
    add = 1,     // something became pending
    resync = 2,  // something that may be in a list register changed: read all back, choose anew
  };
  std::atomic<uint32_t> work{0};
  // Banks of SPIs (bit n: bank n) that may have something for this vCPU that it does not hold.
  std::atomic<uint32_t> spi_hint{0};

  VcpuIndex index = 0;
  bool loaded = false;
  bool overflow = false;  // more to hold than list registers
  uint32_t used = 0;      // list registers written and not yet seen empty
  uint32_t hcr = 0;       // last written to ICH_HCR_EL2
  std::array<IntId, max_list_registers> held_intid{};
  std::atomic<uint32_t> folds{0};  // how often the list registers were read back; others wait for it to move

  // The guest's CPU interface while not loaded.
  uint32_t vmcr = 0;
  ActivePriorities active_priorities{};

  Bank bank;
  // Version 2: bit n of sgi_sources[i]: SGI i is pending from vCPU n (then `bank.latch` has bit i).
  std::array<uint8_t, arch::gic::sgi_count> sgi_sources{};
  std::array<uint8_t, arch::gic::sgi_count> sgi_active_source{};

  bool asleep = true;  // GICR_WAKER.ProcessorSleep
  LpiSet lpis;

  [[nodiscard]] bool has_work() const { return work.load(std::memory_order_relaxed) != 0; }
};

}  // namespace vmm::vgic

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "vmm/irq/vgic/bank.hpp"
#include "vmm/irq/vgic/list_registers.hpp"
#include "vmm/irq/vgic/lpi.hpp"
#include "vmm/stats.hpp"

namespace vmm::vgic {

// One vCPU's side of the interrupt controller: its private interrupts and what is in its list registers.
struct alignas(64) CpuContext {
  // Reasons to look at the list registers before the guest runs again.
  enum Work : uint32_t {
    add = 1,     // something became pending
    recall = 2,  // something held changed: see Bank::recalled
    relist = 4,  // list registers were read back, and what was in them is to be listed again
  };

  // Written by anybody.
  std::atomic<uint32_t> work{0};
  std::atomic<uint32_t> spi_hint{
      0};                          // bit n: bank n of the SPIs may have something for this vCPU that it does not hold
  std::atomic<uint32_t> folds{0};  // how often the list registers were read back; others wait for it to move
  std::atomic<bool> eligible{false};  // takes 1-of-N interrupts: has run since its power-on
  std::atomic<bool> asleep{true};     // GICR_WAKER.ProcessorSleep

  // Touched only on the CPU where the vCPU is loaded, or by whoever may load it. Not loaded, it holds nothing.
  bool loaded = false;
  bool overflow = false;      // there was more to hold than list registers
  bool timer_owned = false;   // the virtual timer's physical interrupt is active on this vCPU's behalf
  bool timer_linked = false;  // the virtual timer's list register is tied to its physical interrupt
  VcpuIndex index = 0;
  uint32_t used = 0;         // list registers written and not yet seen empty
  uint32_t shared_used = 0;  // of those: that hold an SPI or an LPI
  uint32_t hcr = 0;          // last written to ICH_HCR_EL2
  uint32_t base_hcr = 0;     // to be written there while nothing has overflown
  unsigned registers = 0;    // the hardware's number of list registers
  OwnedCounter injected;     // interrupts listed as pending; anybody may read
  std::array<IntId, max_list_registers> held_intid{};
  std::array<uint8_t, 32> private_register{};  // where a private interrupt is, or was the last time

  // The guest's CPU interface while not loaded.
  uint32_t vmcr = 0;
  ActivePriorities active_priorities{};

  Bank bank;
  // Version 2, guarded by bank.lock. Bit n of sgi_sources[i]: SGI i is pending from vCPU n; bank.latch tells whether
  // any is.
  std::array<uint8_t, arch::gic::sgi_count> sgi_sources{};
  std::array<uint8_t, arch::gic::sgi_count> sgi_active_source{};

  LpiSet lpis;

  [[nodiscard]] bool has_shared_work() const { return spi_hint.load(std::memory_order_relaxed) != 0 || lpis.any(); }
  [[nodiscard]] bool has_work() const { return work.load(std::memory_order_relaxed) != 0; }
};

}  // namespace vmm::vgic

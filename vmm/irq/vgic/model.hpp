// SPDX-License-Identifier: Apache-2.0
// The parts of a virtual interrupt controller and how they tell each other about changes. Internal to vmm/irq/vgic;
// everyone else uses vgic.hpp.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <span>

#include "vmm/irq/line.hpp"
#include "vmm/irq/vgic/bank.hpp"
#include "vmm/irq/vgic/config.hpp"
#include "vmm/irq/vgic/cpu_context.hpp"
#include "vmm/irq/vgic/guest_memory.hpp"

namespace vmm::vgic {

struct Model;

// What the model does with the list registers of the executing CPU. Filled in once per kind of hardware by sync.hpp
// (cpu_interface<L>); called on the CPU that runs the vCPU, with interrupts masked and no lock held.
struct CpuInterface {
  void (*load)(Model&, CpuContext&);
  void (*save)(Model&, CpuContext&);
  void (*flush)(Model&, CpuContext&);
  void (*maintenance)(Model&, CpuContext&);
  // Read all list registers back into the model; the vCPU holds nothing then, and has work to do before it runs again.
  void (*fold)(Model&, CpuContext&);
  // The guest's current priority mask and so on (ICH_VMCR_EL2), and its running priority (0xff or more: idle).
  uint32_t (*vmcr)();
  unsigned (*running_priority)();
};

struct Model {
  const Config config;
  const CpuInterface& hardware;
  VcpuKicker& kicker;
  GuestMemoryAccess& memory;
  std::span<CpuContext> cpus;
  std::span<SpiBank> spi_banks;                // spi_banks[0] holds INTIDs 32 to 63
  std::span<std::atomic<uint8_t>> lpi_config;  // cached configuration table, empty without an ITS
  std::atomic<uint32_t> ctlr{0};               // GICD_CTLR, the group enables only

  [[nodiscard]] bool is_v3() const { return config.version == Version::v3; }
  [[nodiscard]] IntId intid_limit() const { return 32 * (1 + static_cast<IntId>(spi_banks.size())); }
  // The bank of an INTID below intid_limit(), as `cpu` sees it.
  [[nodiscard]] Bank& bank_of(CpuContext& cpu, IntId intid) {
    return intid < arch::gic::first_spi ? cpu.bank : spi_banks[intid / 32 - 1];
  }
  [[nodiscard]] uint32_t timer_bit() const { return 1u << config.timer_ppi; }
};

// vCPUs that must look at their interrupts, collected while locks are held and kicked when this goes out of scope:
// declare it before the lock guards. The vCPU whose exit this is (`self`) looks anyway and needs no kick.
class Kicks {
 public:
  static constexpr VcpuIndex nobody = ~0u;

  Kicks(Model& model, VcpuIndex self) : model_(model), self_(self) {}
  ~Kicks() {
    for (; who_ != 0; who_ &= who_ - 1) model_.kicker.kick(static_cast<VcpuIndex>(std::countr_zero(who_)));
  }
  Kicks(const Kicks&) = delete;
  Kicks& operator=(const Kicks&) = delete;

  void add(CpuContext& cpu, uint32_t work) {
    cpu.work.fetch_or(work, std::memory_order_release);
    if (cpu.index != self_) who_ |= hal::bit(cpu.index);
  }
  [[nodiscard]] VcpuIndex self() const { return self_; }

 private:
  Model& model_;
  const VcpuIndex self_;
  uint64_t who_ = 0;
};

}  // namespace vmm::vgic

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
  bool (*maintenance)(Model&, CpuContext&);
  void (*timer_fired)(Model&, CpuContext&);
  // True: it is listed, and that is all. False: the vCPU has work.
  bool (*send_self)(Model&, CpuContext&, unsigned sgi);
  // Nothing is pending: all that was listed has been ended, and nothing is there to be listed. False if in doubt.
  bool (*is_quiet)(const CpuContext&);
  // Read list registers back into the model: all of them, or those with something that was recalled. The vCPU has work
  // to do then before it runs again.
  void (*fold)(Model&, CpuContext&);
  void (*fold_recalled)(Model&, CpuContext&);
  // The guest's CPU interface as it is now; the vCPU is loaded.
  uint32_t (*vmcr)();
  void (*set_vmcr)(uint32_t);
  uint32_t (*implemented)();
  void (*active_priorities)(ActivePriorities&);
  unsigned (*preemption_bits)();
};

// vCPUs that must look at their interrupts, collected while locks are held and kicked when this goes out of scope:
// declare it before the lock guards. The vCPU whose exit this is (`self`) looks anyway and needs no kick.
class Kicks {
 public:
  static constexpr VcpuIndex nobody = ~0u;

  // A vCPU that is choosing what to list needs no mark for its own sake either.
  enum class Self : bool { marked, choosing };

  Kicks(VcpuKicker& kicker, VcpuIndex self, Self own = Self::marked) : kicker_(kicker), self_(self), own_(own) {}
  ~Kicks() {
    for (; who_ != 0; who_ &= who_ - 1) kicker_.kick(static_cast<VcpuIndex>(std::countr_zero(who_)));
  }
  Kicks(const Kicks&) = delete;
  Kicks& operator=(const Kicks&) = delete;

  void add(CpuContext& cpu, uint32_t work) {
    if (cpu.index == self_ && own_ == Self::choosing) return;
    cpu.work.fetch_or(work, std::memory_order_release);
    if (cpu.index != self_) who_ |= hal::bit(cpu.index);
  }

 private:
  VcpuKicker& kicker_;
  const VcpuIndex self_;
  const Self own_;
  uint64_t who_ = 0;
};

struct Model {
  const Config config;
  const CpuInterface& hardware;
  VcpuKicker& kicker;
  GuestMemoryAccess& memory;
  std::span<CpuContext> cpus;
  std::span<SpiBank> spi_banks;   // spi_banks[0] holds INTIDs 32 to 63
  std::span<Lpi> lpis;            // by INTID - 8192; empty without an ITS
  std::atomic<uint32_t> ctlr{0};  // GICD_CTLR, the group enables only

  [[nodiscard]] bool is_v3() const { return config.version == Version::v3; }
  [[nodiscard]] uint32_t groups() const { return ctlr.load(std::memory_order_relaxed); }
  [[nodiscard]] uint32_t timer_bit() const { return 1u << config.timer_ppi; }
  [[nodiscard]] IntId intid_limit() const { return 32 * (1 + static_cast<IntId>(spi_banks.size())); }
  [[nodiscard]] SpiBank& spi_bank(unsigned number) { return spi_banks[number - 1]; }
  // `intid` is below intid_limit().
  [[nodiscard]] Bank& bank_of(CpuContext& cpu, IntId intid) {
    if (intid < arch::gic::first_spi) return cpu.bank;
    return spi_bank(intid / 32);
  }
  [[nodiscard]] bool lpi_enabled(uint32_t index) const { return lpis[index].enabled(); }
  // LPIs are always in group 1 (5.1): may those of this vCPU go to its CPU interface?
  [[nodiscard]] bool forwards_lpis(const CpuContext& cpu) const {
    return cpu.lpis.enabled.load(std::memory_order_relaxed) && (groups() & arch::gic::gicd::ctlr::EnableGrp1::mask) != 0;
  }
  [[nodiscard]] uint32_t lpi_priority(uint32_t index) const {
    return lpis[index].config.load(std::memory_order_relaxed) & priority_mask;
  }
  // Affinities are numbered as QEMU's `virt` board does: 16 CPUs to a cluster in version 3. `no_vcpu` if there is none.
  [[nodiscard]] uint8_t vcpu_at(uint32_t affinity) const {
    const uint32_t index = (affinity >> 8) * 16 + (affinity & 0xff);
    return (affinity & 0xff) < 16 && affinity < 0x10000 && index < cpus.size() ? static_cast<uint8_t>(index) : no_vcpu;
  }
  [[nodiscard]] static uint32_t affinity_of(VcpuIndex vcpu) { return vcpu / 16 << 8 | vcpu % 16; }

  // With the bank's lock held: those of `bits` that can be delivered become work for the vCPUs they are for.
  void announce(Bank& bank, uint32_t bits, Kicks& kicks) {
    if (const uint32_t ready = bits & bank.ready(groups()); ready != 0) announce_ready(bank, ready, kicks);
  }
  void announce_ready(Bank& bank, uint32_t bits, Kicks& kicks);
  // With the bank's lock held: those of `bits` that are held must be read back by their holders and be claimed anew.
  void recall(Bank& bank, uint32_t bits, Kicks& kicks);
  // The same with no lock held, on behalf of an access of `self`.
  void announce_for(CpuContext& self, Bank& bank, uint32_t bits);
  void recall_for(CpuContext& self, Bank& bank, uint32_t bits);
  // Bring what the model knows about `bits` up to date, no lock held. What `self` holds is read back at once. With
  // `wait`, other holders are asked to read theirs back and get a bounded time to do it.
  void refresh(Bank& bank, uint32_t bits, CpuContext& self, bool wait);
  // GICD_IROUTER, GICD_ITARGETSR: change whom an SPI is for. The bank's lock is held.
  void set_route(SpiBank& bank, unsigned n, uint32_t route, bool any, Kicks& kicks);
  // The waiting of refresh(), for one other holder.
  void await_fold(Bank& bank, uint32_t bits, CpuContext& other, CpuContext& self);
  // All interrupts are announced and recalled.
  void renew_all(CpuContext& self);
  // The vCPU of a set that a 1-of-N interrupt goes to now.
  [[nodiscard]] uint8_t choose_target(uint64_t candidates) const;
  // Drive an input.
  void set_line(Bank& bank, uint32_t bit, bool level);
  // Make an LPI pending on a vCPU, or no longer, or let another vCPU have it if it is. `index` is INTID - 8192.
  void pend_lpi(CpuContext& cpu, uint32_t index, Kicks& kicks);
  void clear_lpi(CpuContext& cpu, uint32_t index, Kicks& kicks);
  void move_lpi(CpuContext& from, CpuContext& to, uint32_t index, Kicks& kicks);
  // Whoever has it in a list register is to read that back, with this outcome.
  void set_fate(uint32_t index, LpiFate fate, Kicks& kicks);
  // All that are pending on a vCPU.
  void move_lpis(CpuContext& from, CpuContext& to, Kicks& kicks);
};

}  // namespace vmm::vgic

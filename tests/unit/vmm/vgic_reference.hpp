// SPDX-License-Identifier: Apache-2.0
// What an interrupt controller does, without list registers, banks or laziness: every interrupt is a struct, and what a
// CPU would be signalled is computed from scratch each time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace vgic_test {

struct ReferenceIrq {
  bool enabled = false, latch = false, line = false, active = false, edge = false, group1 = false;
  uint8_t priority = 0;
  int target = 0;              // SPIs: the vCPU, -1 if none
  std::set<unsigned> sources;  // SGIs of version 2
  [[nodiscard]] bool pending() const { return latch || !sources.empty() || (!edge && line); }
};

// LPIs are pending or not, where their collection says.
struct ReferenceLpi {
  bool enabled = false, pending = false;
  uint8_t priority = 0;
  unsigned collection = 0;
};

class Reference {
 public:
  static constexpr uint32_t first_lpi = 8192;

  Reference(bool v2, unsigned cpus, unsigned intids) : v2_(v2), shared_(intids), cpus_(cpus) {
    for (Cpu& cpu : cpus_) {
      cpu.irqs.resize(32);
      for (unsigned i = 0; i < 16; ++i) cpu.irqs[i].edge = true, cpu.irqs[i].enabled = v2;
    }
    for (ReferenceIrq& irq : shared_) irq.target = v2 ? -1 : 0;
  }

  struct Cpu {
    std::vector<ReferenceIrq> irqs;
    bool group0 = false, group1 = false, drop_only = false;
    unsigned mask = 0;
    struct Taken {
      uint32_t intid;
      unsigned priority;
    };
    std::vector<Taken> running;  // priorities not dropped yet, innermost last
  };

  ReferenceIrq& irq(uint32_t intid, unsigned cpu) { return intid < 32 ? cpus_[cpu].irqs[intid] : shared_[intid]; }
  Cpu& cpu(unsigned n) { return cpus_[n]; }
  unsigned groups = 0;
  std::vector<ReferenceLpi> lpis;
  std::vector<unsigned> collections;  // the vCPU of each

  // The interrupts of which one would be signalled to a CPU now: all those of the best priority.
  std::set<uint32_t> signalled(unsigned n) {
    const Cpu& c = cpus_[n];
    std::set<uint32_t> best;
    unsigned best_priority = 0x100;
    const auto offer = [&](uint32_t intid, unsigned priority) {
      if (priority < best_priority) best.clear(), best_priority = priority;
      if (priority == best_priority) best.insert(intid);
    };
    for (uint32_t intid = 0; intid < shared_.size(); ++intid) {
      const ReferenceIrq& i = irq(intid, n);
      const bool forwarded = (groups >> (i.group1 ? 1 : 0) & 1) != 0 && (i.group1 ? c.group1 : c.group0);
      if (!i.enabled || !i.pending() || i.active || !forwarded || (intid >= 32 && i.target != static_cast<int>(n)))
        continue;
      offer(intid, i.priority);
    }
    for (uint32_t index = 0; index < lpis.size(); ++index) {
      const ReferenceLpi& lpi = lpis[index];
      const bool forwarded = (groups & 2) != 0 && c.group1 && collections[lpi.collection] == n;
      if (lpi.enabled && lpi.pending && forwarded) offer(first_lpi + index, lpi.priority);
    }
    const unsigned running = c.running.empty() ? 0x100 : c.running.back().priority;
    if (best_priority >= c.mask || best_priority >= running) best.clear();
    return best;
  }
  // What IAR returns is `intid`, from `source` for an SGI of version 2.
  void acknowledge(unsigned n, uint32_t intid, unsigned source) {
    if (intid >= first_lpi) {
      ReferenceLpi& lpi = lpis[intid - first_lpi];
      lpi.pending = false;
      cpus_[n].running.push_back({intid, lpi.priority});
      return;
    }
    ReferenceIrq& i = irq(intid, n);
    i.latch = false;
    i.sources.erase(source);
    i.active = true;
    cpus_[n].running.push_back({intid, i.priority});
  }
  void end(unsigned n) {
    Cpu& c = cpus_[n];
    const uint32_t intid = c.running.back().intid;
    c.running.pop_back();
    if (!c.drop_only && intid < first_lpi) irq(intid, n).active = false;
  }
  void send(unsigned from, unsigned to, unsigned sgi) {
    ReferenceIrq& i = cpus_[to].irqs[sgi];
    if (v2_) {
      i.sources.insert(from);
    } else {
      i.latch = true;
    }
  }
  void set_line(uint32_t intid, unsigned cpu, bool level) {
    ReferenceIrq& i = irq(intid, cpu);
    if (level && !i.line && i.edge) i.latch = true;
    i.line = level;
  }

 private:
  bool v2_;
  std::vector<ReferenceIrq> shared_;
  std::vector<Cpu> cpus_;
};

}  // namespace vgic_test

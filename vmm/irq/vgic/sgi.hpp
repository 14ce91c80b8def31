// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/irq/vgic/model.hpp"

namespace vmm::vgic {

// Make an SGI pending on a vCPU. Version 2 tells from whom: `sources` has a bit per vCPU; version 3 ignores it. With
// `any_group` not set, only an SGI of group 0. Says whether the vCPU has work now; then tell_vcpu().
[[nodiscard]] inline bool pend_sgi(Model& m, CpuContext& target, unsigned sgi, uint64_t sources,
                                   bool any_group = true) {
  Bank& bank = target.bank;
  const hal::LockGuard guard(bank.lock);
  if (!any_group && (bank.group1 >> sgi & 1) != 0) return false;
  if (!m.is_v3()) target.sgi_sources[sgi] = static_cast<uint8_t>(target.sgi_sources[sgi] | sources);
  bank.latch |= 1u << sgi;
  return (bank.ready(m.groups()) >> sgi & 1) != 0;
}

// No lock is held.
inline void tell_vcpu(Model& m, CpuContext& target, VcpuIndex self) {
  target.work.fetch_or(CpuContext::add, std::memory_order_release);
  if (target.index != self) m.kicker.kick(target.index);
}

}  // namespace vmm::vgic

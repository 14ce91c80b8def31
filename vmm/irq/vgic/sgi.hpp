// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/irq/vgic/model.hpp"

namespace vmm::vgic {

// Make an SGI pending on a vCPU. Version 2 tells from whom: `sources` has a bit per vCPU; version 3 ignores it.
inline void pend_sgi(Model& m, CpuContext& target, unsigned sgi, uint64_t sources, Kicks& kicks) {
  Bank& bank = target.bank;
  const hal::LockGuard guard(bank.lock);
  if (!m.is_v3()) target.sgi_sources[sgi] = static_cast<uint8_t>(target.sgi_sources[sgi] | sources);
  bank.latch |= 1u << sgi;
  m.announce(bank, 1u << sgi, kicks);
}

}  // namespace vmm::vgic

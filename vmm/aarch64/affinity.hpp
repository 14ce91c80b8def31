// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "hal/base/bits.hpp"
#include "vmm/mmio.hpp"

namespace vmm::aarch64 {

// Aff3, Aff2, Aff1, Aff0 in the bits of MPIDR_EL1.
inline constexpr uint64_t affinity_fields = 0xff'00ff'ffff;

// The fields of the levels below `level` (0..3).
[[nodiscard]] constexpr uint64_t affinity_below(unsigned level) { return hal::low_mask(8 * level); }

// How a VM numbers its vCPUs for the guest: the affinity fields of MPIDR_EL1 (Arm ARM D19.2.104), laid out as on QEMU's
// `virt` board, in clusters as large as one SGI can reach.
class AffinityMap {
 public:
  static constexpr unsigned gicv2_cluster = 8;
  static constexpr unsigned gicv3_cluster = 16;

  constexpr AffinityMap(VcpuIndex vcpus, unsigned cluster) : vcpus_(vcpus), cluster_(cluster) {}

  [[nodiscard]] constexpr VcpuIndex vcpus() const { return vcpus_; }
  // Aff3..Aff0 in the bits where MPIDR_EL1 has them, everything else 0.
  [[nodiscard]] constexpr uint64_t affinity(VcpuIndex vcpu) const {
    return aff1::of(vcpu / cluster_) | aff0::of(vcpu % cluster_);
  }
  // The vCPU with exactly this affinity, if the VM has it; bits outside the affinity fields must be 0.
  [[nodiscard]] constexpr std::optional<VcpuIndex> vcpu(uint64_t affinity_bits) const {
    const uint64_t index = aff1::get(affinity_bits) * cluster_ + aff0::get(affinity_bits);
    if (index >= vcpus_ || affinity(static_cast<VcpuIndex>(index)) != affinity_bits) return std::nullopt;
    return static_cast<VcpuIndex>(index);
  }

 private:
  using aff0 = hal::Field<7, 0>;
  using aff1 = hal::Field<15, 8>;

  VcpuIndex vcpus_;
  unsigned cluster_;
};

}  // namespace vmm::aarch64

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "arch/aarch64/regs/stage1.hpp"
#include "arch/aarch64/regs/stage2.hpp"
#include "arch/layout.hpp"
#include "hal/base/address.hpp"
#include "hal/base/page_format.hpp"
#include "hal/base/tag_allocator.hpp"
#include "hal/cpu_index.hpp"

namespace arch {

// Keeps the contract of hal/mmu.hpp.
struct Mmu {
  using HostFormat = regs::Stage1;
  using GuestFormat = regs::Stage2;
  static HostFormat host_format();
  static GuestFormat guest_format() { return {}; }

  static constexpr hal::HostVirt direct_map_base{PLINTH_DIRECT_BASE};
  static constexpr uint64_t direct_map_size = PLINTH_DIRECT_BASE;  // 64 TiB: up to the middle of the address space
  static constexpr bool direct_map_is_fixed = false;
  static constexpr hal::HostVirtRange dynamic_area{hal::HostVirt{PLINTH_DYNAMIC_BASE}, 64 * hal::gib};
  static constexpr hal::HostVirt host_base{0};
  static constexpr unsigned host_address_bits = 48;

  static void activate_host(hal::HostPhys root);
  static void publish_tables();
  static void invalidate_host(hal::HostVirtRange pages);

  // One VM's stage 2 as VTTBR_EL2 and VTCR_EL2 see it.
  struct GuestRegime {
    uint64_t root = 0;
    uint64_t vtcr = 0;
    hal::AddressSpaceTag vmid;
    // The vCPU that last used this regime on each CPU. Two vCPUs of one VM share a VMID but may mean different things
    // by one ASID (D8.16: ASIDs need only be unique per PE unless TTBR.CnP is set), so a change flushes stage 1.
    std::array<uint8_t, hal::max_cpus> last_vcpu{};
  };
  static unsigned max_guest_address_bits();
  static void attach(GuestRegime& regime, hal::HostPhys root, hal::TableGeometry geometry, unsigned address_bits);
  static void detach(GuestRegime& regime);
  static unsigned guest_tags_in_use();
  static void invalidate_guest(GuestRegime& regime, hal::GuestPhysRange pages);
  static void invalidate_guest(GuestRegime& regime);
  // VTTBR_EL2 for running vCPU `vcpu` of this regime on the executing CPU, number `cpu`.
  static uint64_t enter(GuestRegime& regime, hal::CpuIndex cpu, unsigned vcpu);

  static void zero_pages(void* memory, size_t size);
  static void publish_to_guest(void* memory, size_t size);
  static void zero_for_guest(void* memory, size_t size);

  // The narrowest physical address range and VMID of all CPUs; each CPU reports before it runs a guest.
  static void join_cpu();
};

}  // namespace arch

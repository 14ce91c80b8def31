// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "arch/layout.hpp"
#include "arch/loongarch64/regs/page_table.hpp"
#include "hal/base/address.hpp"
#include "hal/base/cpu_tags.hpp"
#include "hal/base/page_format.hpp"
#include "hal/cpu_index.hpp"

namespace arch {

class Vcpu;

// Keeps the contract of hal/mmu.hpp.
//
// The direct map and the image lie in a direct-mapped window, which needs no tables. What the tables translate for the
// hypervisor, stacks and devices, lies in the lower half of the address space: PGDL leads to its tables, or, while a
// guest runs, to the guest's stage 2. No hardware walks them: refills are ours (virt/refill.S).
struct Mmu {
  using HostFormat = regs::PageTable;
  using GuestFormat = regs::PageTable;
  static HostFormat host_format() { return format(); }
  static GuestFormat guest_format() { return format(); }

  static constexpr hal::HostVirt direct_map_base{PLINTH_CACHED_BASE};
  static constexpr uint64_t direct_map_size = uint64_t{1} << 48;
  static constexpr bool direct_map_is_fixed = true;
  static constexpr hal::HostVirtRange dynamic_area{hal::HostVirt{PLINTH_DYNAMIC_BASE}, 64 * hal::gib};
  static constexpr hal::HostVirt host_base{0};
  static constexpr unsigned host_address_bits = 47;

  static void activate_host(hal::HostPhys root);
  static void publish_tables();
  static void invalidate_host(hal::HostVirtRange pages);

  // One VM's stage 2. Its TLB tags are its vCPUs', one for each CPU (hal::CpuTagAllocator): on a 3A5000 the tags of
  // both stages must be equal, and each vCPU needs its own for stage 1.
  struct GuestRegime {
    uint64_t root = 0;
    // Counts what was taken away or added: a vCPU that has a tag from before it takes a fresh one.
    std::atomic<uint64_t> version{0};
    // CPUs that have a vCPU of this VM loaded, a bit each: they are asked to invalidate.
    std::atomic<uint64_t> cpus{0};
  };
  static unsigned max_guest_address_bits();
  static void attach(GuestRegime& regime, hal::HostPhys root, hal::TableGeometry geometry, unsigned address_bits);
  static void detach(GuestRegime& regime);
  static unsigned guest_tags_in_use();
  static void invalidate_guest(GuestRegime& regime, hal::GuestPhysRange pages);
  static void invalidate_guest(GuestRegime& regime);

  static void zero_pages(void* memory, size_t size);
  static void publish_to_guest(void* memory, size_t size);
  static void zero_for_guest(void* memory, size_t size) {
    zero_pages(memory, size);
    publish_to_guest(memory, size);
  }

  // --- for the rest of arch/ ---

  // The tag of one vCPU, and what it was given for.
  struct GuestTag {
    hal::CpuTag tag;
    uint64_t version = 0;
  };
  // The executing CPU, number `cpu`, takes this vCPU in: the tag to run it with (GSTAT.GID, GTLBC.TGID).
  static uint64_t enter(GuestRegime& regime, GuestTag& tag, hal::CpuIndex cpu, Vcpu& vcpu);
  // It gives it away.
  static void leave(GuestRegime& regime, hal::CpuIndex cpu);
  // Forget a translation of the loaded guest that its tables no longer say: the pair of pages around `place`.
  static void forget_guest_page(uint64_t tag, hal::GuestPhys place);

  // The executing CPU takes part: geometry, refill handler, host tables, an empty TLB. Before it uses an address that
  // tables translate; needs no stack. join_guests() follows where there is LVZ.
  static void join_cpu(hal::CpuIndex cpu) asm("arch_mmu_join_cpu");
  static void join_guests();
  [[nodiscard]] static uint64_t host_root();
  // What other CPUs ask of this one. From hal::cpu_relax(), and when another CPU interrupted this one.
  static void serve_requests();

 private:
  static regs::PageTable format();
};

}  // namespace arch

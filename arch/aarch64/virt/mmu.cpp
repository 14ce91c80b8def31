// SPDX-License-Identifier: Apache-2.0
// Translation regimes of EL2 and of guests: the instructions behind mm's tables.
#include "arch/mmu.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "arch/aarch64/regs/system.hpp"
#include "arch/aarch64/virt/walks.hpp"
#include "arch/boot.hpp"
#include "arch/sysreg.hpp"

namespace arch {
namespace {

using namespace regs;

constinit hal::TagAllocator<hal::max_cpus> vmids;
// The least that all CPUs offer; join_cpu() lowers them before the first guest exists.
constinit std::atomic<unsigned> physical_bits{48};
constinit std::atomic<unsigned> vmid_bits{16};

// ID_AA64MMFR0_EL1.PARange (D24.2.83), capped: a 4 KiB granule without FEAT_LPA2 has 48 bits.
constexpr std::array<uint8_t, 7> parange_bits{32, 36, 40, 42, 44, 48, 48};
unsigned cpu_physical_bits() {
  const uint64_t encoded = id_aa64mmfr0_el1::parange::get(read<id_aa64mmfr0_el1>());
  return parange_bits[std::min<uint64_t>(encoded, parange_bits.size() - 1)];
}
constexpr uint64_t encode_ps(unsigned bits) {
  return static_cast<uint64_t>(std::ranges::find(parange_bits, bits) - parange_bits.begin());
}

void tlbi_alle1is() { asm volatile("tlbi alle1is\n dsb ish\n isb" ::: "memory"); }

// Operations by IPA act on the VMID in VTTBR_EL2, which is exchanged for a moment. Stage 1 is that of the guest that
// this CPU holds, and must not be walked under another's VMID.
class WithVmid {
 public:
  explicit WithVmid(const Mmu::GuestRegime& regime)
      : old_vttbr_(read<vttbr_el2>()), old_vtcr_(read<vtcr_el2>()), sctlr_(read<sctlr_el1>()), tcr_(read<tcr_el1>()) {
    stop_walks();
    write<vtcr_el2>(regime.vtcr);
    const uint64_t id = hal::AddressSpaceTag::id_of(regime.vmid.value.load(std::memory_order_relaxed));
    write<vttbr_el2>(regime.root | vttbr_el2::vmid::of(id));
    isb();
  }
  ~WithVmid() {
    write<vtcr_el2>(old_vtcr_);
    write<vttbr_el2>(old_vttbr_);
    allow_walks(sctlr_, tcr_);
    isb();
  }
  WithVmid(const WithVmid&) = delete;
  WithVmid& operator=(const WithVmid&) = delete;

 private:
  uint64_t old_vttbr_;
  uint64_t old_vtcr_;
  uint64_t sctlr_;
  uint64_t tcr_;
};

size_t cache_line(uint64_t ctr_field) { return size_t{4} << ctr_field; }

template <unsigned Unroll = 16, class Operation>
void for_each_line(const void* memory, size_t size, size_t line, Operation operation) {
  const uintptr_t start = reinterpret_cast<uintptr_t>(memory) & ~(line - 1);
  const uintptr_t end = reinterpret_cast<uintptr_t>(memory) + size;
  uintptr_t place = start;
#pragma clang loop unroll_count(Unroll)
  for (size_t lines = (end - start + line - 1) / line; lines != 0; --lines, place += line) operation(place);
}

}  // namespace

Mmu::HostFormat Mmu::host_format() { return {.guarded_pages = id_aa64pfr1_el1::bt::get(read<id_aa64pfr1_el1>()) != 0}; }

// The old and the new map translate the same addresses by blocks of different sizes, which must not meet in one TLB
// (D8.16.1): the MMU is off in between.
void Mmu::activate_host(hal::HostPhys root) { boot::exchange_host_root(root); }

// A DSB orders the writes before later walks; the ISB lets this CPU's own next instruction rely on it (D8.2.8).
void Mmu::publish_tables() {
  dsb_ishst();
  isb();
}

void Mmu::invalidate_host(hal::HostVirtRange pages) {
  dsb_ishst();
  for (uint64_t offset = 0; offset < pages.size; offset += hal::page_size) {
    asm volatile("tlbi vae2is, %0" ::"r"((pages.start + offset).value() >> 12) : "memory");
  }
  dsb_ish();
  isb();
}

unsigned Mmu::max_guest_address_bits() { return physical_bits.load(std::memory_order_relaxed); }

void Mmu::join_cpu() {
  const unsigned bits = cpu_physical_bits();
  if (bits < physical_bits.load()) physical_bits.store(bits);
  const unsigned tags = id_aa64mmfr1_el1::vmidbits::get(read<id_aa64mmfr1_el1>()) == 2 ? 16 : 8;
  if (tags < vmid_bits.load()) vmid_bits.store(tags);
  vmids.set_bits(vmid_bits.load());
}

void Mmu::attach(GuestRegime& regime, hal::HostPhys root, hal::TableGeometry geometry, unsigned address_bits) {
  regime.root = root.value();
  // Walks are cacheable and inner shareable, as the hypervisor's own writes are.
  regime.vtcr = vtcr_el2::res1 | vtcr_el2::t0sz::of(64 - address_bits) |
                vtcr_el2::sl0::of(GuestFormat::vtcr_sl0(geometry)) | vtcr_el2::irgn0::of(1) | vtcr_el2::orgn0::of(1) |
                vtcr_el2::sh0::of(3) | vtcr_el2::ps::of(encode_ps(max_guest_address_bits())) |
                vtcr_el2::vs::of(vmid_bits.load() == 16);
  regime.vmid.value.store(0);
  regime.last_vcpu.fill(UINT8_MAX);
}

// The identifier is not used again before every TLB was flushed, so translations that remain can never match.
void Mmu::detach(GuestRegime& regime) { vmids.forget(regime.vmid); }

unsigned Mmu::guest_tags_in_use() { return vmids.known(); }

uint64_t Mmu::enter(GuestRegime& regime, hal::CpuIndex cpu, unsigned vcpu) {
  const uint64_t id = vmids.acquire(cpu, regime.vmid, tlbi_alle1is);
  const uint64_t vttbr = regime.root | vttbr_el2::vmid::of(id);
  if (regime.last_vcpu[cpu] != vcpu) {
    regime.last_vcpu[cpu] = static_cast<uint8_t>(vcpu);
    const WithVmid in(regime);
    // Instruction caches may be tagged by VMID and ASID as well (VPIPT, or CTR_EL0.IDC = 0 implementations).
    asm volatile("tlbi vmalle1\n ic iallu\n dsb nsh\n isb" ::: "memory");
  }
  return vttbr;
}

void Mmu::invalidate_guest(GuestRegime& regime, hal::GuestPhysRange pages) {
  // From here on it is quicker to start over than to name each page.
  constexpr uint64_t limit = 128 * hal::page_size;
  if (pages.size > limit) return invalidate_guest(regime);
  dsb_ishst();
  if (!vmids.is_current(regime.vmid)) return;
  const WithVmid in(regime);
  for (uint64_t offset = 0; offset < pages.size; offset += hal::page_size) {
    asm volatile("tlbi ipas2e1is, %0" ::"r"((pages.start + offset).value() >> 12) : "memory");
  }
  // Stage-2 entries must be gone before combined ones are dropped, or a walk could build new ones from them (D8.16.5).
  dsb_ish();
  asm volatile("tlbi vmalle1is" ::: "memory");
  dsb_ish();
  isb();
}

void Mmu::invalidate_guest(GuestRegime& regime) {
  dsb_ishst();
  if (!vmids.is_current(regime.vmid)) return;
  const WithVmid in(regime);
  asm volatile("tlbi vmalls12e1is" ::: "memory");
  dsb_ish();
  isb();
}

namespace {

// What DC ZVA zeroes at once (C5.3.8); 0 where it may not be used.
size_t zero_block() {
  const uint64_t dczid = read<dczid_el0>();
  return dczid_el0::dzp::is_set(dczid) ? 0 : cache_line(dczid_el0::bs::get(dczid));
}
size_t data_line() { return cache_line(ctr_el0::dminline::get(read<ctr_el0>())); }

// A guest with its MMU off makes accesses of the outer shareable domain (B2.10.2): the cleaning must be complete for it.
void finish_publishing() { asm volatile("dsb sy\n ic ialluis\n dsb ish\n isb" ::: "memory"); }

}  // namespace

// DC ZVA writes a block without reading it.
void Mmu::zero_pages(void* memory, size_t size) {
  const size_t block = zero_block();
  if (block == 0) {
    std::memset(memory, 0, size);
    return;
  }
  for_each_line(memory, size, block, [](uintptr_t place) { asm volatile("dc zva, %0" ::"r"(place) : "memory"); });
}

// A guest starts with its caches off, so it reads memory, not our caches (D7.5.10).
void Mmu::publish_to_guest(void* memory, size_t size) {
  for_each_line(memory, size, data_line(), [](uintptr_t place) {
    asm volatile("dc civac, %0" ::"r"(place) : "memory");
  });
  finish_publishing();
}

// Operations on one cache line take place in program order (D7.5.9), so each line goes to memory as soon as it is zero.
void Mmu::zero_for_guest(void* memory, size_t size) {
  const size_t line = data_line();
  if (zero_block() != line) {
    zero_pages(memory, size);
    return publish_to_guest(memory, size);
  }
  // The whole memory of each guest passes here before it starts.
  for_each_line(memory, size, line, [](uintptr_t place) {
    asm volatile("dc zva, %0\n dc civac, %0" ::"r"(place) : "memory");
  });
  finish_publishing();
}

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// Translation of the hypervisor and of guests: the instructions behind mm's tables. LoongArch invalidates on the
// executing CPU only, so other CPUs are asked (hal/base/cpu_requests.hpp).
#include "arch/mmu.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "arch/cpu.hpp"
#include "arch/irq.hpp"
#include "arch/loongarch64/regs/csr.hpp"
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"
#include "hal/base/cpu_requests.hpp"
#include "hal/cpu_local.hpp"

// virt/refill.S reads them.
extern "C" {
constinit uint64_t mmu_host_root = 0;
constinit std::atomic<uint64_t> mmu_cpus{0};
}

namespace arch {
namespace {

using namespace regs;
using hal::GuestPhys;

using Table = std::array<uint64_t, hal::table_entries>;
struct alignas(hal::page_size) Nowhere {
  std::array<Table, 3> tables;
};
constinit Nowhere nowhere{};

constinit hal::CpuTagAllocator<hal::max_cpus> tags;
constinit std::atomic<unsigned> gid_bits{8};
constinit std::atomic<unsigned> address_bits{47};
constinit std::atomic<unsigned> regimes{0};

// What a CPU runs; touched by that CPU alone.
struct alignas(64) Loaded {
  Mmu::GuestRegime* regime;
  Mmu::GuestTag* tag;
  Vcpu* vcpu;
};
constinit std::array<Loaded, hal::max_cpus> loaded{};

// Pages of the hypervisor, or of one guest.
struct Request {
  Mmu::GuestRegime* regime = nullptr;  // null: the hypervisor's
  uint64_t start = 0, size = 0;
};
constinit hal::CpuRequests<Request, hal::max_cpus> requests;

// From here on it is quicker to start over than to name each page.
constexpr uint64_t few = 128 * hal::page_size;
constexpr uint64_t pair = 2 * hal::page_size;

hal::HostPhys phys(const Table& table) {
  return hal::HostPhys(reinterpret_cast<uintptr_t>(&table) - Mmu::direct_map_base.value());
}

hal::CpuIndex this_cpu() { return static_cast<hal::CpuLocal*>(Cpu::local())->index; }

// Everything, in every stage and of every tag. 0x12 alone is what KVM does; implementations exist that take its operand
// for the one guest it is about (3.2 of the LVZ reference).
void forget_guests() { asm volatile("invtlb 0x12, $zero, $zero\n invtlb 0x0, $zero, $zero" ::: "memory"); }

void invalidate_host_here(uint64_t start, uint64_t size) {
  if (size > few) {
    asm volatile("invtlb 0x0, $zero, $zero" ::: "memory");
    return;
  }
  // One entry translates an even page and the odd one behind it.
  for (uint64_t place = hal::align_down(start, pair); place < start + size; place += pair) {
    asm volatile("invtlb 0x6, $zero, %0" ::"r"(place) : "memory");
  }
}

// A vCPU that is loaded here goes on with a fresh tag.
void retag(Loaded& here, hal::CpuIndex cpu) {
  here.tag->tag.drop();
  here.vcpu->set_tag(tags.acquire(cpu, here.tag->tag, forget_guests));
}

void carry_out(const Request& request, hal::CpuIndex cpu) {
  if (request.regime == nullptr) return invalidate_host_here(request.start, request.size);
  Loaded& here = loaded[cpu];
  if (here.regime != request.regime) return;
  if (request.size > few) return retag(here, cpu);
  for (uint64_t place = hal::align_down(request.start, pair); place < request.start + request.size; place += pair) {
    Mmu::forget_guest_page(here.vcpu->tag(), GuestPhys(place));
  }
}

void ask_others(const Request& request, uint64_t cpus) {
  const hal::CpuIndex self = this_cpu();
  const auto concerned = [cpus](unsigned cpu) { return (cpus & hal::bit(cpu)) != 0; };
  requests.ask(self, request, concerned, [](unsigned cpu) { Irqs::send_ipi(cpu); });
}

}  // namespace

// --- the hypervisor's own
// --------------------------------------------------------------------------------------------

// The tables of nothing are made by whoever asks first: the boot CPU, alone.
PageTable Mmu::format() {
  const PageTable format{.nowhere = {phys(nowhere.tables[0]), phys(nowhere.tables[1]), phys(nowhere.tables[2])}};
  if (nowhere.tables[1][0] == 0) {
    nowhere.tables[1].fill(format.empty(1));
    nowhere.tables[2].fill(format.empty(2));
  }
  return format;
}

void Mmu::activate_host(hal::HostPhys root) {
  mmu_host_root = root.value();
  publish_tables();
  write<pgdl>(root.value());
  write<pgdh>(root.value());
  asm volatile("invtlb 0x0, $zero, $zero" ::: "memory");
}

uint64_t Mmu::host_root() { return mmu_host_root; }

void Mmu::publish_tables() { dbar(); }

void Mmu::invalidate_host(hal::HostVirtRange pages) {
  publish_tables();
  invalidate_host_here(pages.start.value(), pages.size);
  const uint64_t others = mmu_cpus.load(std::memory_order_seq_cst);
  if ((others & (others - 1)) == 0) return;  // before another CPU runs there may be no CpuLocal either
  ask_others({.start = pages.start.value(), .size = pages.size}, others);
}

void Mmu::serve_requests() {
  auto* const local = static_cast<hal::CpuLocal*>(Cpu::local());
  if (local == nullptr) return;
  const hal::CpuIndex cpu = local->index;
  requests.serve(cpu, [cpu](const Request& request) { carry_out(request, cpu); });
}

// --- guests
// ----------------------------------------------------------------------------------------------------------

void Mmu::join_guests() {
  const auto lower = [](std::atomic<unsigned>& least, unsigned mine) {
    if (mine < least.load()) least.store(mine);
  };
  lower(gid_bits, static_cast<unsigned>(gstat::gid_bits::get(read<gstat>())));
  const uint64_t config = cpucfg(cpucfg1::word);
  const auto physical = static_cast<unsigned>(cpucfg1::physical_bits::get(config) + 1);
  // The upper half of the virtual address space is not for guest physical addresses (5.6 of the LVZ reference).
  const auto virtual_half = static_cast<unsigned>(cpucfg1::virtual_bits::get(config));
  lower(address_bits, std::min(physical, virtual_half));
  tags.set_bits(gid_bits.load());
  forget_guests();
}

unsigned Mmu::max_guest_address_bits() { return address_bits.load(std::memory_order_relaxed); }

void Mmu::attach(GuestRegime& regime, hal::HostPhys root, hal::TableGeometry, unsigned) {
  regime.root = root.value();
  regimes.fetch_add(1, std::memory_order_relaxed);
}

// No vCPU of it is loaded, and none of their tags is given out again before the TLB it means something in is flushed.
void Mmu::detach(GuestRegime&) { regimes.fetch_sub(1, std::memory_order_relaxed); }

unsigned Mmu::guest_tags_in_use() { return regimes.load(std::memory_order_relaxed); }

// First in the set, then the version is looked at: whoever invalidates does it the other way round.
uint64_t Mmu::enter(GuestRegime& regime, GuestTag& tag, hal::CpuIndex cpu, Vcpu& vcpu) {
  regime.cpus.fetch_or(hal::bit(cpu), std::memory_order_seq_cst);
  const uint64_t version = regime.version.load(std::memory_order_seq_cst);
  if (tag.version != version) tag.tag.drop();
  tag.version = version;
  loaded[cpu] = {&regime, &tag, &vcpu};
  return tags.acquire(cpu, tag.tag, forget_guests);
}

void Mmu::leave(GuestRegime& regime, hal::CpuIndex cpu) {
  loaded[cpu] = {};
  regime.cpus.fetch_and(~hal::bit(cpu), std::memory_order_seq_cst);
}

void Mmu::forget_guest_page(uint64_t tag, GuestPhys place) {
  const uint64_t gid = gstat::gid::of(tag);
  asm volatile("invtlb 0x16, %0, %1" ::"r"(gid), "r"(place.align_down(pair).value()) : "memory");
}

void Mmu::invalidate_guest(GuestRegime& regime, hal::GuestPhysRange pages) {
  publish_tables();
  regime.version.fetch_add(1, std::memory_order_seq_cst);
  const uint64_t cpus = regime.cpus.load(std::memory_order_seq_cst);
  if (cpus == 0) return;
  const Request request{.regime = &regime, .start = pages.start.value(), .size = pages.size};
  carry_out(request, this_cpu());
  ask_others(request, cpus);
}

void Mmu::invalidate_guest(GuestRegime& regime) {
  invalidate_guest(regime, {GuestPhys(), uint64_t{1} << max_guest_address_bits()});
}

// --- memory
// ----------------------------------------------------------------------------------------------------------

void Mmu::zero_pages(void* memory, size_t size) { std::memset(memory, 0, size); }

// Caches are coherent; a CPU that runs the guest executes an IBAR before it does (Vcpu::load()).
void Mmu::publish_to_guest(void*, size_t) {
  dbar();
  ibar();
}

}  // namespace arch

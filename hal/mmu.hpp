// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/base/page_format.hpp"

namespace hal {

// What a memory management unit owes the layers above. Two translations exist:
//
//   host   HostVirt -> HostPhys: the hypervisor's own map, one for all CPUs (mm::HostSpace)
//   guest  GuestPhys -> HostPhys: one per VM (mm::GuestSpace)
//
// The tables are written by mm; the MMU is told about them here. All functions are static.
template <class M>
concept MemoryManagement = requires(HostVirt place, HostVirtRange pages, GuestPhysRange guest_pages, HostPhys root,
                                    typename M::GuestRegime regime, const typename M::GuestRegime const_regime,
                                    void* memory, size_t size, unsigned address_bits, TableGeometry geometry) {
  requires TableFormat<typename M::HostFormat>;
  requires TableFormat<typename M::GuestFormat>;
  // The formats as this machine's CPUs want them; constant once the first CPU knows its features.
  { M::host_format() } -> std::same_as<typename M::HostFormat>;
  { M::guest_format() } -> std::same_as<typename M::GuestFormat>;

  // Physical memory [0, direct_map_size) is seen from direct_map_base on, read-write, by the bootstrap map (as far as
  // it reaches) and by mm::HostSpace alike.
  { M::direct_map_base } -> std::convertible_to<HostVirt>;
  { M::direct_map_size } -> std::convertible_to<uint64_t>;
  // True where the hardware provides the direct map and the image's mapping without tables (LoongArch DMW): mm then
  // neither builds nor protects them.
  { M::direct_map_is_fixed } -> std::convertible_to<bool>;
  // The part of the tables' address space that mm hands out for devices and stacks.
  { M::dynamic_area } -> std::convertible_to<HostVirtRange>;
  // The host tables translate [host_base, host_base + 2^host_address_bits).
  { M::host_base } -> std::convertible_to<HostVirt>;
  { M::host_address_bits } -> std::convertible_to<unsigned>;

  // Use this root from now on, on this CPU; CPUs started later use it from their first instruction with the MMU on.
  { M::activate_host(root) } -> std::same_as<void>;

  // Every table write before this is seen by every table walk after it.
  { M::publish_tables() } -> std::same_as<void>;
  // Publishes, and returns when no CPU uses an older translation of these pages. Hardware that has no broadcast for it
  // has the other CPUs do it (hal/base/cpu_requests.hpp), which they do wherever they wait: any lock may be held.
  { M::invalidate_host(pages) } -> std::same_as<void>;

  // What the hardware has to know of one guest's tables: root, size, and how TLBs tell its translations from others'
  // (hal::TagSource): by a tag of its own, or by those of its vCPUs.
  requires std::default_initializable<typename M::GuestRegime>;
  // Bits of guest physical address that every CPU can translate (AArch64: limited by PARange).
  { M::max_guest_address_bits() } -> std::same_as<unsigned>;
  { M::attach(regime, root, geometry, address_bits) } -> std::same_as<void>;
  // The tables go away; its tags may be reused once this returns.
  { M::detach(regime) } -> std::same_as<void>;
  // How many regimes have a TLB tag of their own.
  { M::guest_tags_in_use() } -> std::same_as<unsigned>;
  // Publishes, and returns when no CPU uses an older translation of these guest pages, or of any page of this guest.
  // Called with the space's lock held; may be called on any CPU, as invalidate_host().
  { M::invalidate_guest(regime, guest_pages) } -> std::same_as<void>;
  { M::invalidate_guest(regime) } -> std::same_as<void>;

  // Zero whole pages, as fast as the machine can.
  { M::zero_pages(memory, size) } -> std::same_as<void>;
  // What was written here through the direct map is seen by a guest that fetches it or reads it with its caches off
  // (AArch64: clean to the point of coherency, invalidate instruction caches; LoongArch: ibar).
  { M::publish_to_guest(memory, size) } -> std::same_as<void>;
  // Both, for whole pages: what a guest is given before it starts.
  { M::zero_for_guest(memory, size) } -> std::same_as<void>;
};

}  // namespace hal

#include <arch/mmu.hpp>

namespace hal {
static_assert(MemoryManagement<arch::Mmu>, "arch/mmu.hpp does not keep the contract of hal/mmu.hpp");
using Mmu = arch::Mmu;
}  // namespace hal

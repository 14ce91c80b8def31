// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/aarch64/regs/stage1.hpp"
#include "hal/base/bits.hpp"
#include "hal/base/page_format.hpp"

// VMSAv8-64 stage 2, 4 KiB granule, 32 to 48 bits of intermediate physical address.
// Arm ARM (DDI 0487) D8.3 "Translation table descriptor formats", D8.4.2 permissions, D8.6.5 memory types (FWB off).
namespace arch::regs {

struct stage2_descriptor : descriptor {
  using mem_attr = hal::Field<5, 2>;
  using readable = hal::Field<6>;  // S2AP[0]
  using writable = hal::Field<7>;  // S2AP[1]
  using xn = hal::Field<54, 53>;   // 0b00 execute at EL1 and EL0, 0b10 never; bit 53 is reserved without FEAT_XNX
  static constexpr uint64_t execute_any = 0b00;
  static constexpr uint64_t execute_never = 0b10;
  // Combined with stage 1 the stricter of both wins: only the guest can make its RAM less cached.
  static constexpr uint64_t write_back = 0b1111;
  static constexpr uint64_t non_cacheable = 0b0101;
  static constexpr uint64_t device_ngnre = 0b0001;
};

struct Stage2 {
  static constexpr hal::TableLevel max_block_level = 2;
  static constexpr bool caches_invalid = false;  // D8.16.1

  // D8.2.5: up to 16 tables side by side replace one more level of lookup. We start at Arm's level 1 as long as that
  // reaches (43 bits), so that 1 GiB blocks are always possible and a walk stays short.
  static constexpr hal::TableGeometry geometry(unsigned address_bits) {
    if (address_bits > 43) return {.root_level = 3, .root_order = 0};
    return {.root_level = 2, .root_order = address_bits > 39 ? address_bits - 39 : 0};
  }
  // VTCR_EL2.SL0 for that root (D24.2.211, 4 KiB granule): 1 = level 1, 2 = level 0.
  static constexpr uint64_t vtcr_sl0(hal::TableGeometry geometry) { return geometry.root_level - 1; }

  static constexpr uint64_t empty(hal::TableLevel) { return 0; }
  static constexpr bool is_table(uint64_t entry, hal::TableLevel level) { return Stage1::is_table(entry, level); }
  static constexpr bool is_leaf(uint64_t entry, hal::TableLevel level) { return Stage1::is_leaf(entry, level); }
  static constexpr uint64_t table(hal::HostPhys place) { return Stage1::table(place); }
  static constexpr uint64_t leaf(hal::HostPhys place, hal::PageAttributes attributes, hal::TableLevel level) {
    using d = stage2_descriptor;
    const hal::Rights rights = attributes.rights;
    return place.value() | d::valid::mask | d::table_or_page::of(level == 0) | d::af::mask |
           d::mem_attr::of(type(attributes.memory)) | d::sh::of(d::inner_shareable) | d::readable::of(rights.read) |
           d::writable::of(rights.write) | d::xn::of(rights.execute ? d::execute_any : d::execute_never);
  }
  static constexpr hal::HostPhys address(uint64_t entry, hal::TableLevel level) {
    return Stage1::address(entry, level);
  }
  static constexpr hal::PageAttributes attributes(uint64_t entry, hal::TableLevel) {
    using d = stage2_descriptor;
    return {.rights = {.read = d::readable::is_set(entry),
                       .write = d::writable::is_set(entry),
                       .execute = d::xn::get(entry) == d::execute_any},
            .memory = kind(d::mem_attr::get(entry))};
  }

 private:
  static constexpr uint64_t type(hal::MemoryKind kind) {
    switch (kind) {
      case hal::MemoryKind::normal: return stage2_descriptor::write_back;
      case hal::MemoryKind::uncached: return stage2_descriptor::non_cacheable;
      case hal::MemoryKind::device: break;
    }
    return stage2_descriptor::device_ngnre;
  }
  static constexpr hal::MemoryKind kind(uint64_t type) {
    if (type == stage2_descriptor::write_back) return hal::MemoryKind::normal;
    return type == stage2_descriptor::non_cacheable ? hal::MemoryKind::uncached : hal::MemoryKind::device;
  }
};

static_assert(hal::TableFormat<Stage2>);
static_assert(Stage2::geometry(40) == hal::TableGeometry{.root_level = 2, .root_order = 1});
static_assert(Stage2::geometry(48) == hal::TableGeometry{.root_level = 3, .root_order = 0});

}  // namespace arch::regs

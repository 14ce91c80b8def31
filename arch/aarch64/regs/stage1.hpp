// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"
#include "hal/base/page_format.hpp"

// VMSAv8-64 stage 1 of the EL2 translation regime, 4 KiB granule, 48-bit addresses, HCR_EL2.E2H = 0.
// Arm ARM (DDI 0487) D8.3 "Translation table descriptor formats"; this regime has one privilege level.
namespace arch::regs {

// D8.3.1, D8.3.2: bits that every valid descriptor has.
struct descriptor {
  using valid = hal::Field<0>;
  // Levels 0..2 (Arm's numbers): 0 block, 1 table. Level 3: must be 1 ("page").
  using table_or_page = hal::Field<1>;
  using address = hal::Field<47, 12>;
  using sh = hal::Field<9, 8>;
  using af = hal::Field<10>;
  static constexpr uint64_t inner_shareable = 3;
};

struct stage1_descriptor : descriptor {
  using attr_index = hal::Field<4, 2>;  // slot of MAIR_EL2
  using ap1 = hal::Field<6>;            // RES1: no EL0 in this regime (D8.4.1)
  using ap2_read_only = hal::Field<7>;
  using guarded = hal::Field<50>;  // GP, FEAT_BTI: indirect branches must land on BTI
  using execute_never = hal::Field<54>;
};

// The slots of MAIR_EL2 (D24.2.110) that the format uses, and the register's value.
struct mair_slot {
  static constexpr uint64_t device = 0;    // 0x04 Device-nGnRE
  static constexpr uint64_t normal = 1;    // 0xff Normal, write-back, read- and write-allocate
  static constexpr uint64_t uncached = 2;  // 0x44 Normal, non-cacheable
  static constexpr uint64_t mair_el2 = 0x04 | 0xffULL << 8 | 0x44ULL << 16;
};

struct Stage1 {
  static constexpr hal::TableLevel max_block_level = 2;
  static constexpr bool caches_invalid = false;  // D8.16.1: faulting descriptors are never cached

  // Set where every CPU has FEAT_BTI; the bit is reserved elsewhere.
  bool guarded_pages = false;

  static constexpr hal::TableGeometry geometry(unsigned address_bits) {
    return {.root_level = (address_bits - 13) / hal::table_index_bits, .root_order = 0};
  }

  static constexpr uint64_t empty(hal::TableLevel) { return 0; }
  static constexpr bool is_table(uint64_t entry, hal::TableLevel level) {
    return level > 0 && descriptor::valid::is_set(entry) && descriptor::table_or_page::is_set(entry);
  }
  static constexpr bool is_leaf(uint64_t entry, hal::TableLevel level) {
    return descriptor::valid::is_set(entry) && descriptor::table_or_page::is_set(entry) == (level == 0);
  }
  static constexpr uint64_t table(hal::HostPhys place) {
    return place.value() | descriptor::valid::mask | descriptor::table_or_page::mask;
  }
  constexpr uint64_t leaf(hal::HostPhys place, hal::PageAttributes attributes, hal::TableLevel level) const {
    using d = stage1_descriptor;
    return place.value() | d::valid::mask | d::table_or_page::of(level == 0) | d::ap1::mask | d::af::mask |
           d::attr_index::of(slot(attributes.memory)) | d::sh::of(d::inner_shareable) |
           d::ap2_read_only::of(!attributes.rights.write) | d::execute_never::of(!attributes.rights.execute) |
           d::guarded::of(guarded_pages && attributes.rights.execute);
  }
  static constexpr hal::HostPhys address(uint64_t entry, hal::TableLevel) {
    return hal::HostPhys(entry & descriptor::address::mask);
  }
  // EL2 cannot map a page that it may not read.
  static constexpr hal::PageAttributes attributes(uint64_t entry, hal::TableLevel) {
    using d = stage1_descriptor;
    return {.rights = {.read = true,
                       .write = !d::ap2_read_only::is_set(entry),
                       .execute = !d::execute_never::is_set(entry)},
            .memory = kind(d::attr_index::get(entry))};
  }

 private:
  static constexpr uint64_t slot(hal::MemoryKind kind) {
    switch (kind) {
      case hal::MemoryKind::normal: return mair_slot::normal;
      case hal::MemoryKind::uncached: return mair_slot::uncached;
      case hal::MemoryKind::device: break;
    }
    return mair_slot::device;
  }
  static constexpr hal::MemoryKind kind(uint64_t slot) {
    if (slot == mair_slot::normal) return hal::MemoryKind::normal;
    return slot == mair_slot::uncached ? hal::MemoryKind::uncached : hal::MemoryKind::device;
  }
};

static_assert(hal::TableFormat<Stage1>);
static_assert(Stage1::geometry(48).root_level == 3 && Stage1::geometry(39).root_level == 2);

}  // namespace arch::regs

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arch/aarch64/regs/stage1.hpp"
#include "arch/aarch64/regs/stage2.hpp"
#include "hal/base/address.hpp"
#include "hal/base/page_format.hpp"

namespace arch {

// A memory management unit for host tests. "Physical memory" is one reserved piece of the test's address space that the
// direct map shows; the tables in it are real, with AArch64's formats, but nobody walks them except the code under
// test. What the MMU is told is recorded.
struct Mmu {
  using HostFormat = regs::Stage1;
  using GuestFormat = regs::Stage2;
  static HostFormat host_format() { return {.guarded_pages = true}; }
  static GuestFormat guest_format() { return {}; }

  // Physical addresses [0, 8 GiB) are backed, lazily, by anonymous memory here.
  static constexpr hal::HostVirt direct_map_base{0x4000'0000'0000};
  static constexpr uint64_t direct_map_size = 8 * hal::gib;
  static constexpr bool direct_map_is_fixed = false;
  static constexpr hal::HostVirtRange dynamic_area{hal::HostVirt(0x3000'0000'0000), 64 * hal::gib};
  static constexpr hal::HostVirt host_base{0};
  static constexpr unsigned host_address_bits = 48;

  static void activate_host(hal::HostPhys root);
  static void publish_tables() {}
  static void invalidate_host(hal::HostVirtRange pages);

  struct GuestRegime {
    hal::HostPhys root;
    hal::TableGeometry geometry;
    unsigned address_bits = 0;
    std::vector<hal::GuestPhysRange> invalidated;
    unsigned invalidated_all = 0;
    bool attached = false;
  };
  static unsigned max_guest_address_bits() { return 44; }
  static void attach(GuestRegime& regime, hal::HostPhys root, hal::TableGeometry geometry, unsigned address_bits);
  static void detach(GuestRegime& regime);
  static unsigned guest_tags_in_use() { return 0; }
  static void invalidate_guest(GuestRegime& regime, hal::GuestPhysRange pages);
  static void invalidate_guest(GuestRegime& regime);

  static void zero_pages(void* memory, size_t size);
  static void publish_to_guest(void* memory, size_t size);
  static void zero_for_guest(void* memory, size_t size);

  // --- for tests ---
  // Map [0, direct_map_size) at direct_map_base; idempotent. Memory reads as zero until written.
  static void back_memory();
  // Forget all contents and records.
  static void reset();
  static hal::HostPhys active_root;
  static std::vector<hal::HostVirtRange> host_invalidated;
  static uint64_t published_bytes;
};

}  // namespace arch

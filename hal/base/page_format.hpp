// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "hal/base/address.hpp"

// What translation tables of every machine have in common: 4 KiB tables of 512 64-bit entries, nine address bits per
// level. A format (arch/*/regs/) says what the bits of an entry mean; mm/page_table.hpp holds the one algorithm.
namespace hal {

struct Rights {
  bool read = false;
  bool write = false;
  bool execute = false;
  friend constexpr bool operator==(Rights, Rights) = default;

  // Is everything in `needed` granted?
  [[nodiscard]] constexpr bool allow(Rights needed) const {
    return (read || !needed.read) && (write || !needed.write) && (execute || !needed.execute);
  }
};

inline constexpr Rights no_access{};
inline constexpr Rights read_only{.read = true};
inline constexpr Rights read_write{.read = true, .write = true};
inline constexpr Rights read_execute{.read = true, .execute = true};
inline constexpr Rights full_access{.read = true, .write = true, .execute = true};

enum class MemoryKind : uint8_t {
  normal,    // RAM: write-back cached, coherent between all CPUs
  device,    // registers: neither cached nor merged, in order, writes may be posted (Arm Device-nGnRE; LoongArch SUC)
  uncached,  // RAM shared with something that does not snoop (Arm Normal-NC; LoongArch WUC)
};

[[nodiscard]] constexpr std::string_view name(MemoryKind kind) {
  switch (kind) {
    case MemoryKind::normal: return "normal";
    case MemoryKind::device: return "device";
    case MemoryKind::uncached: return "uncached";
  }
  return "?";
}

struct PageAttributes {
  Rights rights;
  MemoryKind memory = MemoryKind::normal;
  friend constexpr bool operator==(PageAttributes, PageAttributes) = default;
};

// Levels count from the leaves up. Arm numbers them from the root: Arm's level is 3 minus ours.
//
//     level   an entry covers   Arm   LoongArch
//       0         4 KiB          3     PT   (ldpte)
//       1         2 MiB          2     Dir1
//       2         1 GiB          1     Dir2
//       3       512 GiB          0     Dir3
using TableLevel = unsigned;
inline constexpr unsigned table_index_bits = 9;
inline constexpr unsigned table_entries = 1U << table_index_bits;
inline constexpr TableLevel table_levels = 4;

// Bytes that one entry of a table at `level` covers.
[[nodiscard]] constexpr uint64_t entry_span(TableLevel level) { return page_size << (table_index_bits * level); }
// Bytes that a whole table at `level` covers.
[[nodiscard]] constexpr uint64_t table_span(TableLevel level) { return entry_span(level + 1); }

// The top of a tree that translates a given number of address bits.
struct TableGeometry {
  TableLevel root_level = 3;
  unsigned root_order = 0;  // the root is 2^root_order tables side by side, aligned to their size ("concatenated")
  friend constexpr bool operator==(TableGeometry, TableGeometry) = default;
};

// The meaning of a table entry. An instance may carry what is only known at run time (a CPU feature, the address of a
// shared table); it is a small value that is copied freely.
template <class F>
concept TableFormat = std::copyable<F> && requires(const F format, uint64_t entry, TableLevel level, HostPhys place,
                                                   PageAttributes attributes, unsigned address_bits) {
  // Blocks exist at levels 0..max_block_level.
  { F::max_block_level } -> std::convertible_to<TableLevel>;
  // May the hardware remember that an address had no translation? Then even a new mapping owes an invalidation.
  { F::caches_invalid } -> std::convertible_to<bool>;
  { F::geometry(address_bits) } -> std::same_as<TableGeometry>;

  // The entry that translates nothing. Every entry is exactly one of empty, table (never at level 0) and leaf.
  { format.empty(level) } -> std::same_as<uint64_t>;
  { format.is_table(entry, level) } -> std::same_as<bool>;
  { format.is_leaf(entry, level) } -> std::same_as<bool>;
  // `place` is aligned to what it stands for.
  { format.table(place) } -> std::same_as<uint64_t>;
  { format.leaf(place, attributes, level) } -> std::same_as<uint64_t>;
  // Of a table or leaf: where it points. Of a leaf: its attributes.
  { format.address(entry, level) } -> std::same_as<HostPhys>;
  { format.attributes(entry, level) } -> std::same_as<PageAttributes>;
};

}  // namespace hal

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "arch/loongarch64/regs/csr.hpp"
#include "arch/loongarch64/regs/guest_bank.hpp"
#include "arch/loongarch64/regs/page_table.hpp"
#include "hal/base/address.hpp"
#include "hal/guest_inspector.hpp"
#include "hal/guest_walk.hpp"

// How a guest translates an address, for reports. Its TLB has the last word, and software of its own fills that: what
// its tables say is what its refill handler finds if it is an ordinary one, walking as PWCL and PWCH say (volume 1,
// 5.4).
namespace arch {

namespace detail {

struct Level {
  unsigned base, width;
};

// Level 0 is the table of pages, 1 to 4 are directories; a width of 0: there is none.
inline std::array<Level, 5> levels_of(const regs::GuestBankImage& bank) {
  using namespace regs;
  const uint64_t low = bank.at<pwcl>(), high = bank.at<pwch>();
  const auto number = [](uint64_t value) { return static_cast<unsigned>(value); };
  return {{{number(pwcl::pt_base::get(low)), number(pwcl::pt_width::get(low))},
           {number(pwcl::dir1_base::get(low)), number(pwcl::dir1_width::get(low))},
           {number(pwcl::dir2_base::get(low)), number(pwcl::dir2_width::get(low))},
           {number(pwch::dir3_base::get(high)), number(pwch::dir3_width::get(high))},
           {number(pwch::dir4_base::get(high)), number(pwch::dir4_width::get(high))}}};
}

inline constexpr uint64_t physical_mask = hal::low_mask(48);

inline std::optional<hal::GuestPhys> in_window(const regs::GuestBankImage& bank, uint64_t address) {
  using namespace regs;
  const uint64_t plv = crmd::plv::get(bank.at<crmd>());
  for (const uint64_t window : {bank.at<dmw<0>>(), bank.at<dmw<1>>(), bank.at<dmw<2>>(), bank.at<dmw<3>>()}) {
    const bool open = (window >> plv & 1) != 0;
    if (open && dmw<0>::vseg::get(window) == address >> 60) return hal::GuestPhys(address & physical_mask);
  }
  return std::nullopt;
}

}  // namespace detail

inline hal::GuestWalk walk_guest(const regs::GuestBankImage& bank, hal::GuestVirt virt, hal::GuestReader& memory) {
  using namespace regs;
  const uint64_t address = virt.value();
  hal::GuestWalk walk;
  if (crmd::da::is_set(bank.at<crmd>())) {
    walk.without_tables = "direct mode";
    walk.result = hal::GuestPhys(address & detail::physical_mask);
    return walk;
  }
  if (const auto window = detail::in_window(bank, address)) {
    walk.without_tables = "in a direct-mapped window";
    walk.result = window;
    return walk;
  }
  uint64_t table = (address >> 63 != 0 ? bank.at<pgdh>() : bank.at<pgdl>()) & detail::physical_mask;
  const auto levels = detail::levels_of(bank);
  for (unsigned level = static_cast<unsigned>(levels.size()); level-- > 0;) {
    const auto [base, width] = levels[level];
    if (width == 0 || base >= 64) continue;
    const hal::GuestPhys place(table + (address >> base & hal::low_mask(width)) * sizeof(uint64_t));
    uint64_t entry = 0;
    if (!memory.read(place, std::as_writable_bytes(std::span(&entry, 1)))) return walk;
    walk.steps[walk.count++] = {.level = level, .place = place, .entry = entry};
    const bool huge = level > 0 && page_entry::huge::is_set(entry);
    if (level == 0 || huge) {
      if (!page_entry::valid::is_set(entry)) return walk;
      const uint64_t inside = hal::low_mask(base);
      walk.result = hal::GuestPhys((entry & page_entry::address::mask & ~inside) | (address & inside));
      return walk;
    }
    table = entry & detail::physical_mask;
  }
  return walk;
}

}  // namespace arch

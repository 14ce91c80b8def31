// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

// The vector lengths of SVE (Arm ARM A1.4.2): multiples of 128 bits, called quads here. Pure: tested on the host.
namespace arch::regs {

inline constexpr unsigned max_sve_quads = 16;

// Lengths that there are: bit n for n + 1 quads.
using SveLengths = uint16_t;

// The longest, in quads; 0: there is none.
constexpr unsigned longest(SveLengths lengths) { return static_cast<unsigned>(std::bit_width(lengths)); }

// Which lengths a guest can have that runs on any CPU of a machine whose CPUs differ. ZCR_ELx.LEN only cuts off long
// ones (the CPU takes the next that it has below), so a length that some CPUs lack takes the longer ones with it.
class CommonSveLengths {
 public:
  constexpr void join(SveLengths cpu) {
    all_ &= cpu;
    any_ |= cpu;
  }
  [[nodiscard]] constexpr bool differ() const { return all_ != any_; }
  [[nodiscard]] constexpr SveLengths usable() const {
    const unsigned some = any_ & ~unsigned{all_};
    const unsigned below = (some & -some) - 1;  // the lowest of them; all ones where there is none
    return static_cast<SveLengths>(all_ & any_ & below);
  }

 private:
  SveLengths all_ = 0xffff;
  SveLengths any_ = 0;
};

// How a vCPU's state lies in memory: Z0 to Z31, then P0 to P15 and FFR, as STR and LDR put them with `MUL VL`.
constexpr size_t sve_vector_bytes(unsigned quads) { return quads * size_t{16} * 32; }
constexpr size_t sve_predicate_bytes(unsigned quads) { return quads * size_t{2} * 17; }

}  // namespace arch::regs

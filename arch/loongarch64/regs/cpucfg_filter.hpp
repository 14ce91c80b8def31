// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "arch/loongarch64/regs/csr.hpp"

namespace arch::regs {

// What a guest reads of the CPU's configuration words (volume 1, 2.2.10.5): of each word the fields named here. A field
// that is not named reads as 0, so a CPU newer than the table shows nothing that nobody thought about. Hidden are
// message interrupts and the registers that come with them (MSGINT), LVZ, binary translation (LBT: its registers are
// not switched), the performance counters, and hardware page walks, whose enable bit this hypervisor keeps off.
struct CpucfgRule {
  uint32_t word;
  uint32_t shown;
};

namespace cpucfg_shown {
constexpr uint32_t bits(unsigned high, unsigned low) {
  return static_cast<uint32_t>(hal::low_mask(high - low + 1) << low);
}
}  // namespace cpucfg_shown

inline constexpr auto cpucfg_rules = std::to_array<CpucfgRule>({
    {0, 0xffff'ffff},                // PRID
    {1, cpucfg_shown::bits(25, 0)},  // ARCH, PGMMU, IOCSR, PALEN, VALEN, UAL, RI, EP, RPLV, HP, CRC
    {2,
     cpucfg_shown::bits(9, 0) |        // FP*, LSX, LASX, COMPLEX, CRYPTO
         cpucfg_shown::bits(17, 14) |  // LLFTP and its version
         cpucfg_shown::bits(22, 21) |  // LSPW, LAM
         cpucfg_shown::bits(30, 25)},  // FRECIPE, DIV32, LAM_BH, LAMCAS, LLACQ_SCREL, SCQ: instructions without state
    {3, cpucfg_shown::bits(16, 0)},    // CCDMA, SFB, UCACC, LLEXC, SCDLY, LLDBAR, ITLBT, ICACHET, SPW_*, RVA, RVAMAX-1
    {4, 0xffff'ffff},                  // the crystal's frequency
    {5, 0xffff'ffff},                  // and the counter's factor
    {16, 0xffff'ffff},                 // caches
    {17, 0xffff'ffff},
    {18, 0xffff'ffff},
    {19, 0xffff'ffff},
    {20, 0xffff'ffff},
});

// The same by word.
inline constexpr auto cpucfg_masks = [] {
  std::array<uint32_t, cpucfg_rules.back().word + 1> masks{};
  for (const CpucfgRule& rule : cpucfg_rules) masks[rule.word] = rule.shown;
  return masks;
}();

// `host`: the machine's own value of that word.
[[nodiscard]] constexpr uint32_t filter_cpucfg(uint64_t word, uint32_t host) {
  return word < cpucfg_masks.size() ? host & cpucfg_masks[word] : 0;
}

}  // namespace arch::regs

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>

#include "arch/loongarch64/regs/csr.hpp"

namespace arch::regs {

// The registers that LVZ has a second time, for the guest, and that a world switch moves. They stay in the CPU across
// exits. Not in here: what follows from others (PGD), acts when written (TICLR), is constant (PRCFG1 to 3, hardware's
// own), and what the timer's own procedure moves (TCFG, TVAL, ESTAT: guest_timer.hpp).
using GuestBank = std::tuple<crmd, prmd, euen, misc, ecfg, era, badv, badi, eentry, tlbidx, tlbehi, tlbelo0, tlbelo1,
                             asid, pgdl, pgdh, pwcl, pwch, stlbps, rvacfg, cpuid, save<0>, save<1>, save<2>, save<3>,
                             save<4>, save<5>, save<6>, save<7>, tid, cntc, llbctl, tlbrentry, tlbrbadv, tlbrera,
                             tlbrsave, tlbrelo0, tlbrelo1, tlbrehi, tlbrprmd, dmw<0>, dmw<1>, dmw<2>, dmw<3>>;
inline constexpr size_t guest_bank_size = std::tuple_size_v<GuestBank>;

// For reports, in that order.
inline constexpr std::array<std::string_view, guest_bank_size> guest_bank_names{
    "crmd",    "prmd",    "euen",    "misc",    "ecfg",   "era",     "badv",    "badi",    "eentry",
    "tlbidx",  "tlbehi",  "tlbelo0", "tlbelo1", "asid",   "pgdl",    "pgdh",    "pwcl",    "pwch",
    "stlbps",  "rvacfg",  "cpuid",   "save0",   "save1",  "save2",   "save3",   "save4",   "save5",
    "save6",   "save7",   "tid",     "cntc",    "llbctl", "tlbrent", "tlbrbad", "tlbrera", "tlbrsav",
    "tlbrel0", "tlbrel1", "tlbrehi", "tlbrprm", "dmw0",   "dmw1",    "dmw2",    "dmw3"};

// Where a register lies in the bank's image.
template <class Register, size_t N = 0>
constexpr size_t bank_index() {
  static_assert(N < guest_bank_size, "no register of the bank");
  if constexpr (std::is_same_v<std::tuple_element_t<N, GuestBank>, Register>) {
    return N;
  } else {
    return bank_index<Register, N + 1>();
  }
}

// The bank while another vCPU has the CPU.
struct GuestBankImage {
  std::array<uint64_t, guest_bank_size> words{};

  template <class Register>
  [[nodiscard]] constexpr uint64_t& at() {
    return words[bank_index<Register>()];
  }
  template <class Register>
  [[nodiscard]] constexpr uint64_t at() const {
    return words[bank_index<Register>()];
  }

  // Out of reset (volume 1, 7.4 to 7.6): direct addressing at PLV 0 with interrupts off; what reset leaves undefined is
  // as on QEMU's board, pages of 4 KiB and otherwise zero. The link of LL is gone.
  void reset(uint64_t number) {
    constexpr uint64_t log2_page = 12;
    words = {};
    at<crmd>() = crmd::da::mask;
    at<asid>() = asid::bits::of(10);
    at<pwcl>() = pwcl::pt_base::of(log2_page);
    at<stlbps>() = stlbps::ps::of(log2_page);
    at<cpuid>() = cpuid::core::of(number);
    at<tid>() = number;
    at<llbctl>() = llbctl::wcllb::mask;
  }
};

}  // namespace arch::regs

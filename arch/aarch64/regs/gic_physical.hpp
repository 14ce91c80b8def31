// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/aarch64/regs/system.hpp"
#include "hal/base/bits.hpp"

// The parts of the GIC that only the physical driver touches: the CPU interface. The distributor and redistributor
// layouts that it shares with the virtual GIC are in gic.hpp. IHI 0069 12.2 (system registers), IHI 0048B 4.4 (version
// 2).
namespace arch::regs {

struct icc_iar1_el1 : SystemRegister<3, 0, 12, 12, 0> {};
struct icc_eoir1_el1 : SystemRegister<3, 0, 12, 12, 1> {};
struct icc_dir_el1 : SystemRegister<3, 0, 12, 11, 1> {};
struct icc_sgi1r_el1 : SystemRegister<3, 0, 12, 11, 5> {};
struct icc_asgi1r_el1 : SystemRegister<3, 0, 12, 11, 6> {};
struct icc_sgi0r_el1 : SystemRegister<3, 0, 12, 11, 7> {};
struct icc_pmr_el1 : SystemRegister<3, 0, 4, 6, 0> {};
struct icc_rpr_el1 : SystemRegister<3, 0, 12, 11, 3> {};
struct icc_bpr1_el1 : SystemRegister<3, 0, 12, 12, 3> {};
struct icc_ctlr_el1 : SystemRegister<3, 0, 12, 12, 4> {
  using eoimode = Field<1>;
};
struct icc_igrpen1_el1 : SystemRegister<3, 0, 12, 12, 7> {};
struct icc_sre_el1 : SystemRegister<3, 0, 12, 12, 5> {
  static constexpr uint64_t always_on = 0b111;  // SRE, DFB, DIB where no memory-mapped interface exists
};
struct icc_sre_el2 : SystemRegister<3, 4, 12, 9, 5> {
  using sre = Field<0>;
  using dfb = Field<1>;
  using dib = Field<2>;
  using enable = Field<3>;
};

struct ich_hcr_el2 : SystemRegister<3, 4, 12, 11, 0> {};
struct ich_vtr_el2 : SystemRegister<3, 4, 12, 11, 1> {};
struct ich_misr_el2 : SystemRegister<3, 4, 12, 11, 2> {};
struct ich_elrsr_el2 : SystemRegister<3, 4, 12, 11, 5> {};
struct ich_vmcr_el2 : SystemRegister<3, 4, 12, 11, 7> {};
template <unsigned N>
    struct ich_lr_el2 : SystemRegister < 3,
    4, 12, N<8 ? 12 : 13, N % 8> {};
template <unsigned N>
struct ich_ap0r_el2 : SystemRegister<3, 4, 12, 8, N> {};
template <unsigned N>
struct ich_ap1r_el2 : SystemRegister<3, 4, 12, 9, N> {};

// The CPU interface of version 2.
struct gicc {
  static constexpr uint64_t ctlr = 0x00, pmr = 0x04, bpr = 0x08, iar = 0x0c, eoir = 0x10, iidr = 0xfc, dir = 0x1000;
  static constexpr uint64_t size = 0x2000;
  // GICC_IIDR without revision and product.
  static constexpr uint32_t iidr_known_mask = 0xf'0fff, iidr_version_2 = 0x2'043b;
  // The CPU interface has two pages of 4 KiB: GICC_DIR is alone in the second (v2 4.4). So that an operating system can map
  // them with pages of 64 KiB, some boards spread them: each fills 64 KiB with sixteen aliases of itself, and the last
  // alias of the first is followed by the first of the second. Where they begin in a region of `size`, by GICC_IIDR as the
  // last alias has it, if there is one (v2 4.4.14: architecture version 2, Arm).
  static constexpr uint64_t last_alias = 0xf000;
  static constexpr uint64_t spread_size = 2 * 0x1'0000;
  static constexpr uint64_t first_page(uint64_t region, uint32_t iidr_of_last_alias) {
    return region >= spread_size && (iidr_of_last_alias & iidr_known_mask) == iidr_version_2 ? last_alias : 0;
  }
  using enable = Field<0>;
  using eoimode = Field<9>;  // priority drop and deactivation are separate
  using intid = Field<9, 0>;
};

}  // namespace arch::regs

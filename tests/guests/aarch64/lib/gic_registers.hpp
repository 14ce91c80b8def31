// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cpu.hpp"
#include "machine.hpp"

// Registers of the interrupt controller, from Arm IHI 0048 (version 2) and IHI 0069 (version 3).
namespace guest::gic {

// GICD, and the same offsets in a redistributor's SGI frame (IHI 0069, tables 12-25 and 12-29).
inline constexpr uint64_t gicd_ctlr = 0x0000;
inline constexpr uint64_t gicd_typer = 0x0004;
inline constexpr uint64_t gicd_iidr = 0x0008;
inline constexpr uint64_t gicd_igroupr = 0x0080;
inline constexpr uint64_t gicd_isenabler = 0x0100;
inline constexpr uint64_t gicd_icenabler = 0x0180;
inline constexpr uint64_t gicd_ispendr = 0x0200;
inline constexpr uint64_t gicd_icpendr = 0x0280;
inline constexpr uint64_t gicd_isactiver = 0x0300;
inline constexpr uint64_t gicd_icactiver = 0x0380;
inline constexpr uint64_t gicd_ipriorityr = 0x0400;
inline constexpr uint64_t gicd_itargetsr = 0x0800;
inline constexpr uint64_t gicd_icfgr = 0x0c00;
inline constexpr uint64_t gicd_sgir = 0x0f00;
inline constexpr uint64_t gicd_cpendsgir = 0x0f10;
inline constexpr uint64_t gicd_spendsgir = 0x0f20;
inline constexpr uint64_t gicd_irouter = 0x6000;
// GICR
inline constexpr uint64_t gicr_ctlr = 0x0000;
inline constexpr uint64_t gicr_typer = 0x0008;
inline constexpr uint64_t gicr_waker = 0x0014;
inline constexpr uint64_t gicr_propbaser = 0x0070;
inline constexpr uint64_t gicr_pendbaser = 0x0078;
inline constexpr uint64_t gicr_sgi_frame = 0x1'0000;
// GICC (IHI 0048, table 4-2).
inline constexpr uint64_t gicc_ctlr = gicc_base + 0x00;
inline constexpr uint64_t gicc_pmr = gicc_base + 0x04;
inline constexpr uint64_t gicc_bpr = gicc_base + 0x08;
inline constexpr uint64_t gicc_iar = gicc_base + 0x0c;
inline constexpr uint64_t gicc_eoir = gicc_base + 0x10;
inline constexpr uint64_t gicc_rpr = gicc_base + 0x14;
inline constexpr uint64_t gicc_hppir = gicc_base + 0x18;
inline constexpr uint64_t gicc_apr = gicc_base + 0xd0;
inline constexpr uint64_t gicc_iidr = gicc_base + 0xfc;
inline constexpr uint64_t gicc_dir = gicc_base + 0x1000;
// ICC (IHI 0069, 12.2).
using icc_pmr_el1 = SystemRegister<3, 0, 4, 6, 0>;
using icc_iar0_el1 = SystemRegister<3, 0, 12, 8, 0>;
using icc_eoir0_el1 = SystemRegister<3, 0, 12, 8, 1>;
using icc_hppir0_el1 = SystemRegister<3, 0, 12, 8, 2>;
using icc_bpr0_el1 = SystemRegister<3, 0, 12, 8, 3>;
using icc_ap0r0_el1 = SystemRegister<3, 0, 12, 8, 4>;
using icc_ap1r0_el1 = SystemRegister<3, 0, 12, 9, 0>;
using icc_dir_el1 = SystemRegister<3, 0, 12, 11, 1>;
using icc_rpr_el1 = SystemRegister<3, 0, 12, 11, 3>;
using icc_sgi1r_el1 = SystemRegister<3, 0, 12, 11, 5>;
using icc_asgi1r_el1 = SystemRegister<3, 0, 12, 11, 6>;
using icc_sgi0r_el1 = SystemRegister<3, 0, 12, 11, 7>;
using icc_iar1_el1 = SystemRegister<3, 0, 12, 12, 0>;
using icc_eoir1_el1 = SystemRegister<3, 0, 12, 12, 1>;
using icc_hppir1_el1 = SystemRegister<3, 0, 12, 12, 2>;
using icc_bpr1_el1 = SystemRegister<3, 0, 12, 12, 3>;
using icc_ctlr_el1 = SystemRegister<3, 0, 12, 12, 4>;
using icc_sre_el1 = SystemRegister<3, 0, 12, 12, 5>;
using icc_igrpen0_el1 = SystemRegister<3, 0, 12, 12, 6>;
using icc_igrpen1_el1 = SystemRegister<3, 0, 12, 12, 7>;

}  // namespace guest::gic

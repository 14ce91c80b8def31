// SPDX-License-Identifier: Apache-2.0
// Register layouts of the GIC, versions 2 and 3: offsets and fields, no access. Section numbers are those of IHI 0069
// (GICv3 and v4); for what only version 2 has, of IHI 0048B (marked v2).
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"

namespace arch::gic {

using hal::Field;

// INTID ranges, section 2.2.1.
inline constexpr uint32_t sgi_count = 16;
inline constexpr uint32_t first_ppi = 16;
inline constexpr uint32_t first_spi = 32;
inline constexpr uint32_t first_special = 1020;
inline constexpr uint32_t spurious = 1023;
inline constexpr uint32_t first_lpi = 8192;

// Identification registers end every 4 KiB (v2) or 64 KiB (v3) frame; PIDR2.ArchRev at this distance from its end.
inline constexpr uint64_t pidr2_from_end = 0x18;
namespace pidr2 {
using ArchRev = Field<7, 4>;
}

// Distributor, 12.9.
namespace gicd {
enum Offset : uint64_t {
  CTLR = 0x0000,
  TYPER = 0x0004,
  IIDR = 0x0008,
  TYPER2 = 0x000c,
  STATUSR = 0x0010,
  SETSPI_NSR = 0x0040,
  CLRSPI_NSR = 0x0048,
  SETSPI_SR = 0x0050,
  CLRSPI_SR = 0x0058,
  IGROUPR = 0x0080,
  ISENABLER = 0x0100,
  ICENABLER = 0x0180,
  ISPENDR = 0x0200,
  ICPENDR = 0x0280,
  ISACTIVER = 0x0300,
  ICACTIVER = 0x0380,
  IPRIORITYR = 0x0400,
  ITARGETSR = 0x0800,
  ICFGR = 0x0c00,
  IGRPMODR = 0x0d00,
  NSACR = 0x0e00,
  SGIR = 0x0f00,
  CPENDSGIR = 0x0f10,
  SPENDSGIR = 0x0f20,
  IROUTER = 0x6000,
};
namespace ctlr {  // the layout of a single Security state (DS = 1)
using EnableGrp0 = Field<0>;
using EnableGrp1 = Field<1>;
using ARE = Field<4>;
using DS = Field<6>;
using E1NWF = Field<7>;
using nASSGIreq = Field<8>;
using RWP = Field<31>;
}  // namespace ctlr
namespace typer {
using ITLinesNumber = Field<4, 0>;
using CPUNumber = Field<7, 5>;
using SecurityExtn = Field<10>;
using num_LPIs = Field<15, 11>;  // 2^(n + 1) of them; 0: as IDbits says
using MBIS = Field<16>;
using LPIS = Field<17>;
using IDbits = Field<23, 19>;
using A3V = Field<24>;
using No1N = Field<25>;
using RSS = Field<26>;
}  // namespace typer
namespace iidr {
using Implementer = Field<11, 0>;
using Revision = Field<15, 12>;
using Variant = Field<19, 16>;
using ProductID = Field<31, 24>;
}  // namespace iidr
namespace irouter {
using Aff0 = Field<7, 0>;
using Aff1 = Field<15, 8>;
using Aff2 = Field<23, 16>;
using IRM = Field<31>;
using Aff3 = Field<39, 32>;
}  // namespace irouter
namespace sgir {  // v2 4.3.15
using INTID = Field<3, 0>;
using CPUTargetList = Field<23, 16>;
using TargetListFilter = Field<25, 24>;
enum class Filter : uint8_t { list = 0, others = 1, self = 2 };
}  // namespace sgir
}  // namespace gicd

// Redistributor: one RD_base and one SGI_base frame of 64 KiB per PE, 12.10 and 12.11.
namespace gicr {
inline constexpr uint64_t frame_size = 0x10000;
inline constexpr uint64_t stride = 2 * frame_size;
enum Offset : uint64_t {
  CTLR = 0x0000,
  IIDR = 0x0004,
  TYPER = 0x0008,
  STATUSR = 0x0010,
  WAKER = 0x0014,
  PROPBASER = 0x0070,
  PENDBASER = 0x0078,
  INVLPIR = 0x00a0,
  INVALLR = 0x00b0,
  SYNCR = 0x00c0,
};
namespace ctlr {
using EnableLPIs = Field<0>;
using CES = Field<1>;
using IR = Field<2>;
using RWP = Field<3>;
}  // namespace ctlr
namespace typer {
using PLPIS = Field<0>;
using VLPIS = Field<1>;  // GICv4: two more frames follow
using Last = Field<4>;
using Processor_Number = Field<23, 8>;
using CommonLPIAff = Field<25, 24>;
using Affinity_Value = Field<63, 32>;
}  // namespace typer
namespace waker {
using ProcessorSleep = Field<1>;
using ChildrenAsleep = Field<2>;
}  // namespace waker
namespace propbaser {
using IDbits = Field<4, 0>;
using InnerCache = Field<9, 7>;
using Shareability = Field<11, 10>;
using Physical_Address = Field<51, 12>;
using OuterCache = Field<58, 56>;
}  // namespace propbaser
namespace pendbaser {
using InnerCache = Field<9, 7>;
using Shareability = Field<11, 10>;
using Physical_Address = Field<51, 16>;
using OuterCache = Field<58, 56>;
using PTZ = Field<62>;
}  // namespace pendbaser
}  // namespace gicr

// SGI generation: ICC_SGI1R_EL1, ICC_SGI0R_EL1, ICC_ASGI1R_EL1, 12.2.
namespace icc_sgir {
using TargetList = Field<15, 0>;
using Aff1 = Field<23, 16>;
using INTID = Field<27, 24>;
using Aff2 = Field<39, 32>;
using IRM = Field<40>;
using RS = Field<47, 44>;
using Aff3 = Field<55, 48>;
}  // namespace icc_sgir

// CPU interface of version 2 as the guest sees it (GICV behind it), v2 4.4. DIR is alone in the second page.
namespace gicc {
inline constexpr uint64_t DIR = 0x1000;
namespace dir {
using INTID = Field<9, 0>;
using CPUID = Field<12, 10>;
}  // namespace dir
}  // namespace gicc

// ICC_CTLR_EL1 as the guest sees it, ICV_CTLR_EL1, 12.3.
namespace icc_ctlr {
using CBPR = Field<0>;
using EOImode = Field<1>;
using PRIbits = Field<10, 8>;
using IDbits = Field<13, 11>;
using SEIS = Field<14>;
using A3V = Field<15>;
}  // namespace icc_ctlr

// ICH_HCR_EL2, 12.4. GICH_HCR (v2 5.3.2) has the same fields but for TC and TDIR.
namespace ich_hcr {
using En = Field<0>;
using UIE = Field<1>;
using LRENPIE = Field<2>;
using NPIE = Field<3>;
using VGrp0EIE = Field<4>;
using VGrp0DIE = Field<5>;
using VGrp1EIE = Field<6>;
using VGrp1DIE = Field<7>;
using TC = Field<10>;
using TALL0 = Field<11>;
using TALL1 = Field<12>;
using TSEI = Field<13>;
using TDIR = Field<14>;
using EOIcount = Field<31, 27>;
}  // namespace ich_hcr

// ICH_VTR_EL2, 12.4.
namespace ich_vtr {
using ListRegs = Field<4, 0>;  // number of list registers - 1
using TDS = Field<19>;         // ICH_HCR_EL2.TDIR is implemented
using A3V = Field<21>;
using SEIS = Field<22>;
using IDbits = Field<25, 23>;
using PREbits = Field<28, 26>;  // preemption bits - 1
using PRIbits = Field<31, 29>;  // priority bits - 1
}  // namespace ich_vtr

// ICH_VMCR_EL2, 12.4. GICH_VMCR (v2 5.3.7) has the same fields, with the lowest three bits of VPMR missing.
namespace ich_vmcr {
using VENG0 = Field<0>;
using VENG1 = Field<1>;
using VAckCtl = Field<2>;
using VFIQEn = Field<3>;
using VCBPR = Field<4>;
using VEOIM = Field<9>;
using VBPR1 = Field<20, 18>;
using VBPR0 = Field<23, 21>;
using VPMR = Field<31, 24>;
}  // namespace ich_vmcr

// ICH_LR<n>_EL2, 12.4.
namespace ich_lr {
using VINTID = Field<31, 0>;
using PINTID = Field<44, 32>;  // HW = 1
using EOI = Field<41>;         // HW = 0
using Priority = Field<55, 48>;
using Group = Field<60>;
using HW = Field<61>;
using State = Field<63, 62>;
using Pending = Field<62>;
using Active = Field<63>;
// Not in version 3, which has no banked SGIs; kept where the model of version 2 needs it, in unused bits of PINTID.
using SourceCpu = Field<34, 32>;  // HW = 0
}  // namespace ich_lr

// GICH, the virtual interface control registers of version 2, v2 5.3.
namespace gich {
enum Offset : uint64_t {
  HCR = 0x000,
  VTR = 0x004,
  VMCR = 0x008,
  MISR = 0x010,
  EISR0 = 0x020,
  EISR1 = 0x024,
  ELRSR0 = 0x030,
  ELRSR1 = 0x034,
  APR = 0x0f0,
  LR = 0x100,
};
namespace vtr {
using ListRegs = Field<5, 0>;  // number of list registers - 1
}
namespace lr {  // v2 5.3.11
using VirtualID = Field<9, 0>;
using PhysicalID = Field<19, 10>;  // HW = 1
using CPUID = Field<12, 10>;       // HW = 0
using EOI = Field<19>;             // HW = 0
using Priority = Field<27, 23>;
using State = Field<29, 28>;
using Grp1 = Field<30>;
using HW = Field<31>;
}  // namespace lr

// The models speak the format of version 3 only; these two are the whole difference.
[[nodiscard]] constexpr uint32_t encode_lr(uint64_t ich) {
  uint64_t word = lr::VirtualID::of(ich_lr::VINTID::get(ich)) | lr::Priority::of(ich_lr::Priority::get(ich) >> 3) |
                  lr::State::of(ich_lr::State::get(ich)) | lr::Grp1::of(ich_lr::Group::get(ich));
  if (ich_lr::HW::is_set(ich)) {
    word |= lr::HW::mask | lr::PhysicalID::of(ich_lr::PINTID::get(ich));
  } else {
    word |= lr::CPUID::of(ich_lr::SourceCpu::get(ich)) | lr::EOI::of(ich_lr::EOI::get(ich));
  }
  return static_cast<uint32_t>(word);
}
[[nodiscard]] constexpr uint64_t decode_lr(uint32_t gich) {
  uint64_t word = ich_lr::VINTID::of(lr::VirtualID::get(gich)) | ich_lr::Priority::of(lr::Priority::get(gich) << 3) |
                  ich_lr::State::of(lr::State::get(gich)) | ich_lr::Group::of(lr::Grp1::get(gich));
  if (lr::HW::is_set(gich)) {
    word |= ich_lr::HW::mask | ich_lr::PINTID::of(lr::PhysicalID::get(gich));
  } else {
    word |= ich_lr::SourceCpu::of(lr::CPUID::get(gich)) | ich_lr::EOI::of(lr::EOI::get(gich));
  }
  return word;
}
}  // namespace gich

// Interrupt Translation Service: a control frame and a translation frame of 64 KiB, 12.18 and 12.19.
namespace gits {
inline constexpr uint64_t frame_size = 0x10000;
inline constexpr uint64_t window_size = 2 * frame_size;
enum Offset : uint64_t {
  CTLR = 0x0000,
  IIDR = 0x0004,
  TYPER = 0x0008,
  MPAMIDR = 0x0010,
  CBASER = 0x0080,
  CWRITER = 0x0088,
  CREADR = 0x0090,
  BASER = 0x0100,
  TRANSLATER = frame_size + 0x0040,
};
namespace ctlr {
using Enabled = Field<0>;
using Quiescent = Field<31>;
}  // namespace ctlr
namespace typer {
using Physical = Field<0>;
using ITT_entry_size = Field<7, 4>;
using ID_bits = Field<12, 8>;
using Devbits = Field<17, 13>;
using SEIS = Field<18>;
using PTA = Field<19>;
using HCC = Field<31, 24>;
using CIDbits = Field<35, 32>;
using CIL = Field<36>;
}  // namespace typer
namespace cbaser {
using Size = Field<7, 0>;
using Shareability = Field<11, 10>;
using Physical_Address = Field<51, 12>;
using OuterCache = Field<55, 53>;
using InnerCache = Field<61, 59>;
using Valid = Field<63>;
}  // namespace cbaser
namespace cwriter {  // CREADR has Stalled in bit 0
using Retry = Field<0>;
using Offset = Field<19, 5>;
}  // namespace cwriter
namespace baser {
using Size = Field<7, 0>;
using Page_Size = Field<9, 8>;
using Shareability = Field<11, 10>;
using Physical_Address = Field<47, 12>;
using Entry_Size = Field<52, 48>;
using OuterCache = Field<55, 53>;
using Type = Field<58, 56>;
using InnerCache = Field<61, 59>;
using Indirect = Field<62>;
using Valid = Field<63>;
enum TypeValue : uint8_t { unimplemented = 0, devices = 1, collections = 4 };
}  // namespace baser

// Commands are four double-words, 5.3.
inline constexpr uint64_t command_size = 32;
enum class Command : uint8_t {
  MOVI = 0x01,
  INT = 0x03,
  CLEAR = 0x04,
  SYNC = 0x05,
  MAPD = 0x08,
  MAPC = 0x09,
  MAPTI = 0x0a,
  MAPI = 0x0b,
  INV = 0x0c,
  INVALL = 0x0d,
  MOVALL = 0x0e,
  DISCARD = 0x0f,
};
namespace command {
using Number = Field<7, 0>;        // word 0
using DeviceID = Field<63, 32>;    // word 0
using EventID = Field<31, 0>;      // word 1
using pINTID = Field<63, 32>;      // word 1 of MAPTI
using Size = Field<4, 0>;          // word 1 of MAPD: bits of EventID - 1
using ITT_address = Field<51, 8>;  // word 2 of MAPD
using ICID = Field<15, 0>;         // word 2
using RDbase = Field<50, 16>;      // word 2 of MAPC, SYNC, MOVALL (RDbase1): processor number, as TYPER.PTA = 0
using Valid = Field<63>;           // word 2 of MAPD, MAPC
using RDbase2 = Field<50, 16>;     // word 3 of MOVALL
}  // namespace command
}  // namespace gits

// One byte per LPI in the table that GICR_PROPBASER points at, 5.1.1.
namespace lpi_config {
using Enable = Field<0>;
using Priority = Field<7, 2>;
}  // namespace lpi_config

}  // namespace arch::gic

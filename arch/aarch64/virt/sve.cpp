// SPDX-License-Identifier: Apache-2.0
// SVE of guests (docs/decisions/0022-sve.md). CPTR_EL2.TZ is set unless a vCPU is loaded that uses it: what Z, P, FFR and
// ZCR_EL1 then still hold of another guest nobody reaches. V registers are the low quads of Z.
//
// A write to CPTR_EL2 or ZCR_EL2 holds for the instructions behind a context synchronization event (D24.1.2). QEMU ends
// its block of instructions there and needs no ISB; a core that runs ahead takes the trap, or uses the old length. Towards
// the guest the ERET is one.
#include "arch/aarch64/virt/sve.hpp"

#include <algorithm>
#include <span>

#include "arch/aarch64/regs/system.hpp"
#include "arch/guest_features.hpp"
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"
#include "hal/log.hpp"

namespace arch {
namespace {

using namespace regs;

constinit CommonSveLengths common{};

// At EL2 ZCR_EL2 alone says how long vectors are, and it cannot be accessed while TZ is set.
void open(unsigned quads) {
  write<cptr_el2>(read<cptr_el2>() & ~cptr_el2::tz::mask);
  isb();
  write<zcr_el2>(zcr_el2::len::of(quads - 1));
  isb();
}
void close() { write<cptr_el2>(read<cptr_el2>() | cptr_el2::tz::mask); }

void store_vectors(SveQuad* vectors, SveQuad* predicates) {
  asm volatile(
      ".arch_extension sve\n"
      ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
      "str z\\n, [%0, #\\n, mul vl]\n"
      ".endr\n"
      ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
      "str p\\n, [%1, #\\n, mul vl]\n"
      ".endr\n"
      "rdffr p0.b\n"
      "str p0, [%1, #16, mul vl]\n"
      ".arch_extension nosve\n"
      :
      : "r"(vectors), "r"(predicates)
      : "memory");
}

void load_vectors(const SveQuad* vectors, const SveQuad* predicates) {
  asm volatile(
      ".arch_extension sve\n"
      "ldr p0, [%1, #16, mul vl]\n"
      "wrffr p0.b\n"
      ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
      "ldr p\\n, [%1, #\\n, mul vl]\n"
      ".endr\n"
      ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
      "ldr z\\n, [%0, #\\n, mul vl]\n"
      ".endr\n"
      ".arch_extension nosve\n"
      :
      : "r"(vectors), "r"(predicates)
      : "memory");
}

uint64_t vector_bytes() {
  uint64_t bytes;
  asm volatile(".arch_extension sve\n rdvl %0, #1\n .arch_extension nosve" : "=r"(bytes));
  return bytes;
}

SveLengths measure() {
  SveLengths lengths = 0;
  for (unsigned quads = max_sve_quads; quads > 0; --quads) {
    open(quads);
    lengths |= static_cast<SveLengths>(1U << (vector_bytes() / sizeof(SveQuad) - 1));
  }
  close();
  return lengths;
}

bool is_zero(std::span<const SveQuad> quads) {
  return std::ranges::all_of(quads, [](const SveQuad& quad) { return (quad.halves[0] | quad.halves[1]) == 0; });
}

// Is there anything in it that the V registers do not have?
bool is_beyond_v(std::span<const SveQuad> state, unsigned quads) {
  const size_t predicates = 32 * quads;
  if (!is_zero(state.subspan(predicates))) return true;
  for (size_t vector = 0; vector < predicates; vector += quads) {
    if (!is_zero(state.subspan(vector + 1, quads - 1))) return true;
  }
  return false;
}

}  // namespace

SveLengths sve_lengths() { return common.usable(); }

void sve::join_cpu() { common.join(id_aa64pfr0_el1::sve::get(read<id_aa64pfr0_el1>()) != 0 ? measure() : 0); }

void sve::report() {
  const unsigned bits = longest(common.usable()) * 128;
  if (common.differ()) {
    hal::log::warning("CPUs differ in SVE: guests get vectors of up to {} bits", bits);
  } else if (bits != 0) {
    hal::log::info("guests get SVE with vectors of up to {} bits", bits);
  }
}

// False: the V registers are all that there is to save, and the guest pays no more until its next use. It may have asked for
// the length of vectors only, as Linux does when a CPU starts.
bool Vcpu::save_sve() {
  const unsigned quads = identity_.features.sve_quads;
  sve_control_ = read<zcr_el1>();
  store_vectors(&identity_.sve[0], &identity_.sve[32 * quads]);
  close();
  uses_sve_ = is_beyond_v(identity_.sve, quads);
  return uses_sve_;
}

void Vcpu::load_sve() {
  const unsigned quads = identity_.features.sve_quads;
  open(quads);
  load_vectors(&identity_.sve[0], &identity_.sve[32 * quads]);
  write<zcr_el1>(sve_control_);
}

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
#include "arch/loongarch64/virt/hypervisor.hpp"

#include "arch/loongarch64/regs/csr.hpp"
#include "arch/mmu.hpp"
#include "arch/sysreg.hpp"

extern "C" void guest_exit();

namespace arch {

using namespace regs;

bool lvz::is_present() {
  return cpucfg2::lvz::is_set(cpucfg(cpucfg2::word)) && gstat::gid_bits::get(read<gstat>()) > 0;
}

// Nothing is asked for that is not offered. Memory types are stage 2's to decide, so that no guest reaches RAM past the
// caches others use; cache instructions that act on an address or an index run natively. Floating point belongs to
// guests: the hypervisor is compiled without it, and leaves it enabled.
void lvz::join_cpu() {
  const uint64_t offered = read<gcfg>();
  uint64_t configuration = 0;
  if ((gcfg::matp::get(offered) & 0b010) != 0) configuration |= gcfg::matc::of(gcfg::matc_root);
  if ((gcfg::gcip::get(offered) & 0b100) != 0) configuration |= gcfg::gci::of(gcfg::gci_secure);
  write<gstat>(0);
  write<gintc>(0);
  write<gcfg>(configuration);
  exchange<gtlbc>(gtlbc::use_tgid::mask, gtlbc::use_tgid::mask | gtlbc::toti::mask | gtlbc::tgid::mask);
  const uint64_t features = cpucfg(cpucfg2::word);
  write<euen>(euen::fpe::of(cpucfg2::fp::get(features)) | euen::sxe::of(cpucfg2::lsx::get(features)) |
              euen::asxe::of(cpucfg2::lasx::get(features)));
  Mmu::join_guests();
  write<eentry>(reinterpret_cast<uint64_t>(&guest_exit));
}

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
// Exceptions that we raise in a guest: the steps of volume 1, 6.3.2, done to its bank.
#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"

namespace arch {

using namespace regs;

[[clang::minsize]] void Vcpu::take_exception(Ecode code, uint64_t subcode) {
  const uint64_t mode = read_guest<crmd>();
  write_guest<prmd>(prmd::pplv::of(crmd::plv::get(mode)) | prmd::pie::of(crmd::ie::get(mode)) |
                    prmd::pwe::of(crmd::we::get(mode)));
  write_guest<crmd>(mode & ~(crmd::plv::mask | crmd::ie::mask | crmd::we::mask));
  write_guest<era>(frame.pc);
  const auto number = static_cast<uint64_t>(code);
  exchange_guest<estat>(estat::ecode::of(number) | estat::esubcode::of(subcode),
                        estat::ecode::mask | estat::esubcode::mask);
  const uint64_t spacing = ecfg::vs::get(read_guest<ecfg>());
  const uint64_t vector = spacing == 0 ? 0 : number * (uint64_t{4} << spacing);
  frame.pc = read_guest<eentry>() + vector;
}

void Vcpu::inject_undefined() {
  write_guest<badi>(instruction());
  take_exception(Ecode::undefined, 0);
}

void Vcpu::inject_privileged() {
  write_guest<badi>(instruction());
  take_exception(Ecode::privileged, 0);
}

// What a bus answers where nothing is: the address is wrong, the guest physical one, as far as is known.
[[clang::minsize]] void Vcpu::inject_external_abort(hal::GuestVirt place, hal::AccessKind kind) {
  const bool fetch = kind == hal::AccessKind::fetch;
  write_guest<badv>(place.value());
  if (!fetch) write_guest<badi>(instruction());
  take_exception(Ecode::address, fetch ? address_of_fetch : address_of_access);
}

}  // namespace arch

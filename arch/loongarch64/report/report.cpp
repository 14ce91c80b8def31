// SPDX-License-Identifier: Apache-2.0
#include "arch/loongarch64/report/report.hpp"

#include <algorithm>
#include <array>

#include "arch/loongarch64/regs/csr.hpp"

namespace arch {
namespace {

using namespace regs;
using hal::format;

struct Cause {
  Ecode code;
  uint8_t subcode;
  std::string_view words;
};
constexpr auto causes = std::to_array<Cause>({
    {Ecode::interrupt, 0, "interrupt (INT)"},
    {Ecode::load_invalid, 0, "load from a page that is not mapped (PIL)"},
    {Ecode::store_invalid, 0, "store to a page that is not mapped (PIS)"},
    {Ecode::fetch_invalid, 0, "fetch from a page that is not mapped (PIF)"},
    {Ecode::store_clean, 0, "store to a page that is read-only (PME)"},
    {Ecode::no_read, 0, "load from a page that is not readable (PNR)"},
    {Ecode::no_execute, 0, "fetch from a page that is not executable (PNX)"},
    {Ecode::privilege, 0, "access to a page of another privilege level (PPI)"},
    {Ecode::address, address_of_fetch, "fetch from a wrong address (ADEF)"},
    {Ecode::address, address_of_access, "access to a wrong address (ADEM)"},
    {Ecode::unaligned, 0, "misaligned access (ALE)"},
    {Ecode::bound, 0, "bound check (BCE)"},
    {Ecode::system_call, 0, "system call (SYS)"},
    {Ecode::breakpoint, 0, "breakpoint instruction (BRK)"},
    {Ecode::undefined, 0, "undefined instruction (INE)"},
    {Ecode::privileged, 0, "privileged instruction (IPE)"},
    {Ecode::no_floating_point, 0, "use of floating point (FPD)"},
    {Ecode::no_lsx, 0, "use of LSX (SXD)"},
    {Ecode::no_lasx, 0, "use of LASX (ASXD)"},
    {Ecode::floating_point, 0, "floating-point exception (FPE)"},
    {Ecode::watchpoint, 0, "watchpoint (WPEF)"},
    {Ecode::watchpoint, 1, "watchpoint (WPEM)"},
    {Ecode::no_binary_translation, 0, "use of binary translation (BTD)"},
    {Ecode::sensitive, 0, "sensitive instruction of a guest (GSPR)"},
    {Ecode::hypercall, 0, "hypercall (HVC)"},
    {Ecode::guest_changed, 0, "change of a guest's register (GCM)"},
});

}  // namespace

std::string_view cause_of(uint64_t status) {
  const auto* const found = std::ranges::find_if(causes, [&](const Cause& cause) {
    return static_cast<uint64_t>(cause.code) == estat::ecode::get(status) &&
           cause.subcode == estat::esubcode::get(status);
  });
  return found != causes.end() ? found->words : std::string_view{};
}

void describe_syndrome(hal::TextSink& sink, uint64_t status) {
  const std::string_view words = cause_of(status);
  format(sink, "{:#x}: {}", status, words.empty() ? "exception" : words);
}

void describe_status(hal::TextSink& sink, uint64_t mode) {
  format(sink, "PLV{} {} {}", crmd::plv::get(mode), crmd::ie::is_set(mode) ? "IE" : "ie",
         crmd::pg::is_set(mode) ? "PG" : "DA");
}

}  // namespace arch

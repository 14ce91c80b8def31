// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/report/report.hpp"

#include <algorithm>
#include <array>

#include "arch/aarch64/regs/system.hpp"
#include "arch/aarch64/report/guest_walk.hpp"

namespace arch {
namespace {

using namespace regs;
using hal::format;

struct Cause {
  ExceptionClass exception_class;
  std::string_view words;
};
constexpr auto causes = std::to_array<Cause>({
    {ExceptionClass::unknown, "undefined instruction"},
    {ExceptionClass::wfx, "WFI or WFE"},
    {ExceptionClass::fp_simd, "use of FP or SIMD registers"},
    {ExceptionClass::illegal_state, "illegal execution state"},
    {ExceptionClass::svc64, "SVC"},
    {ExceptionClass::hvc64, "HVC"},
    {ExceptionClass::smc64, "SMC"},
    {ExceptionClass::system_register, "system register"},
    {ExceptionClass::instruction_abort_lower, "instruction abort"},
    {ExceptionClass::instruction_abort_same, "instruction abort"},
    {ExceptionClass::pc_alignment, "misaligned PC"},
    {ExceptionClass::data_abort_lower, "data abort"},
    {ExceptionClass::data_abort_same, "data abort"},
    {ExceptionClass::sp_alignment, "misaligned SP"},
    {ExceptionClass::serror, "system error"},
    {ExceptionClass::brk, "breakpoint instruction"},
});

ExceptionClass class_of(uint64_t esr) { return static_cast<ExceptionClass>(esr_el2::ec::get(esr)); }

bool is_fetch(ExceptionClass c) {
  return c == ExceptionClass::instruction_abort_lower || c == ExceptionClass::instruction_abort_same;
}
bool is_abort(ExceptionClass c) {
  return is_fetch(c) || c == ExceptionClass::data_abort_lower || c == ExceptionClass::data_abort_same;
}

// ISS.DFSC and IFSC of an abort (D24.2.40).
void describe_fault_status(hal::TextSink& sink, uint64_t iss) {
  constexpr std::array<std::string_view, 4> faults{"address size", "translation", "access flag", "permission"};
  const uint64_t status = abort_iss::fsc::get(iss);
  if (status < 16) {
    format(sink, ", {} fault at level {}", faults[status / 4], status & abort_iss::level_mask);
  } else if (status == abort_iss::external) {
    sink.put(", external abort");
  } else if (status == abort_iss::alignment) {
    sink.put(", misaligned");
  } else {
    format(sink, ", fault status {:#x}", status);
  }
}

void put_registers(hal::TextSink& sink, const VcpuState& state) {
  for (unsigned n = 0; n < state.x.size(); ++n) {
    if (n % 4 == 0) format(sink, "  x{:<2}", n);
    format(sink, " {:016x}{}", state.x[n], n % 4 == 3 || n == 30 ? "\n" : "");
  }
  // Every field of the structure is one word.
  const auto* const words = reinterpret_cast<const uint64_t*>(&state.system);
  std::string_view names = guest_register_names;
  for (unsigned n = 0; !names.empty(); ++n) {
    const size_t end = names.find(' ');
    format(sink, "  {:<11} {:016x}{}", names.substr(0, end), words[n], n % 3 == 2 ? "\n" : "");
    names.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view cause_of(uint64_t esr) {
  const auto* const found = std::ranges::find(causes, class_of(esr), &Cause::exception_class);
  return found != causes.end() ? found->words : std::string_view{};
}

void describe_syndrome(hal::TextSink& sink, uint64_t esr) {
  const std::string_view words = cause_of(esr);
  format(sink, "{:#x}: {}", esr, words.empty() ? "exception" : words);
  if (!is_abort(class_of(esr))) return;
  const uint64_t iss = esr_el2::iss::get(esr);
  if (!is_fetch(class_of(esr))) sink.put(abort_iss::wnr::is_set(iss) ? ", write" : ", read");
  describe_fault_status(sink, iss);
  if (abort_iss::s1ptw::is_set(iss)) sink.put(", of a table walk");
}

void describe_status(hal::TextSink& sink, uint64_t status) {
  const auto flags = [&](std::string_view set, std::string_view clear, unsigned lowest) {
    for (unsigned n = 0; n < set.size(); ++n) {
      const bool is_set = (status >> (lowest + set.size() - 1 - n) & 1) != 0;
      sink.put((is_set ? set : clear).substr(n, 1));
    }
  };
  if (spsr::nrw::is_set(status)) {
    sink.put("AArch32 ");
  } else {
    format(sink, "EL{}{} ", spsr::mode::get(status) / 4, spsr::mode::get(status) % 4 == 0 ? 't' : 'h');
  }
  flags("NZCV", "nzcv", 28);
  sink.put(" ");
  flags("DAIF", "daif", 6);
}

void report(hal::TextSink& sink, const VcpuState& state, hal::GuestInspector& guest) {
  format(sink, "  pc {:#x}, pstate {:#x}: ", state.pc, state.pstate);
  describe_status(sink, state.pstate);
  sink.put("\n");
  put_registers(sink, state);
  if (state.system.esr != 0) {
    // An interrupt since then has changed ELR and SPSR, but not ESR.
    sink.put("  last syndrome ");
    describe_syndrome(sink, state.system.esr);
    format(sink, "; last exception at {:#x}, ", state.system.elr);
    describe_status(sink, state.system.spsr);
    sink.put("\n");
    if (is_abort(class_of(state.system.esr))) {
      const hal::GuestVirt far(state.system.far);
      hal::describe_walk(sink, "far", far, walk_guest(state.system, far, guest), guest);
    }
  }
  const hal::GuestVirt pc(state.pc);
  const hal::GuestWalk walk = walk_guest(state.system, pc, guest);
  hal::describe_walk(sink, "pc", pc, walk, guest);
  if (walk.result) hal::describe_code(sink, *walk.result, guest);
}

}  // namespace arch

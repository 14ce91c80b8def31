// SPDX-License-Identifier: Apache-2.0
#include "arch/loongarch64/report/guest_report.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "arch/loongarch64/report/guest_walk.hpp"
#include "arch/loongarch64/report/report.hpp"

namespace arch {
namespace {

using namespace regs;
using hal::format;

// By the names of the psABI.
constexpr std::array<std::string_view, 32> register_names{
    "zero", "ra", "tp", "sp", "a0", "a1",  "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3",
    "t4",   "t5", "t6", "t7", "t8", "r21", "fp", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"};

void put_registers(hal::TextSink& sink, const VcpuState& state) {
  for (unsigned n = 1; n < state.r.size(); ++n) {
    format(sink, "  {:<4} {:016x}{}", register_names[n], state.r[n], n % 4 == 0 || n == 31 ? "\n" : "");
  }
  for (unsigned n = 0; n < guest_bank_size; ++n) {
    const bool ends_line = n % 3 == 2 || n + 1 == guest_bank_size;
    format(sink, "  {:<11} {:016x}{}", guest_bank_names[n], state.bank.words[n], ends_line ? "\n" : "");
  }
}

}  // namespace

void report(hal::TextSink& sink, const VcpuState& state, hal::GuestInspector& guest) {
  format(sink, "  pc {:#x}, crmd {:#x}: ", state.pc, state.bank.at<crmd>());
  describe_status(sink, state.bank.at<crmd>());
  sink.put("\n");
  put_registers(sink, state);
  if ((state.estat & (estat::ecode::mask | estat::esubcode::mask)) != 0) {
    sink.put("  last exception ");
    describe_syndrome(sink, state.estat);
    format(sink, "; taken at {:#x}, badi {:#x}\n", state.bank.at<era>(), state.bank.at<badi>());
    const hal::GuestVirt bad(state.bank.at<badv>());
    hal::describe_walk(sink, "badv", bad, walk_guest(state.bank, bad, guest), guest);
  }
  const hal::GuestVirt pc(state.pc);
  const hal::GuestWalk walk = walk_guest(state.bank, pc, guest);
  hal::describe_walk(sink, "pc", pc, walk, guest);
  if (walk.result) hal::describe_code(sink, *walk.result, guest);
}

}  // namespace arch

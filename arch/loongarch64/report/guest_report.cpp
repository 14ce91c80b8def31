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

// The guest's translation of an address, then ours of what it leads to.
std::optional<hal::GuestPhys> put_translation(hal::TextSink& sink, std::string_view what, const VcpuState& state,
                                              uint64_t address, hal::GuestInspector& guest) {
  const GuestWalk walk = walk_guest(state.bank, address, guest);
  format(sink, "  {} {:#x}: ", what, address);
  if (walk.way == GuestWalk::Way::direct) sink.put("direct mode");
  if (walk.way == GuestWalk::Way::window) sink.put("in a direct-mapped window");
  for (unsigned n = 0; n < walk.count; ++n) {
    const GuestWalk::Step& step = walk.steps[n];
    format(sink, "{}level {} at {}: {:#x}", n == 0 ? "" : ", ", step.level, step.place, step.entry);
  }
  if (!walk.result) {
    sink.put(walk.count == 0 ? "in no table\n" : ", which leads nowhere\n");
    return std::nullopt;
  }
  format(sink, ", which is {}\n", *walk.result);
  guest.show_stage2(*walk.result);
  return walk.result;
}

// Up to eight words around the PC that lie in its page.
void put_code(hal::TextSink& sink, hal::GuestPhys pc, hal::GuestInspector& guest) {
  const uint64_t page = pc.value() & ~uint64_t{0xfff};
  const uint64_t from = std::max(page, pc.value() - std::min<uint64_t>(pc.value(), 16));
  sink.put("  code");
  for (uint64_t at = from; at < std::min(page + 0x1000, from + 32); at += 4) {
    uint32_t word = 0;
    if (!guest.read(hal::GuestPhys(at), std::as_writable_bytes(std::span(&word, 1)))) break;
    const bool here = at == pc.value();
    format(sink, " {}{:08x}{}", here ? "(" : "", word, here ? ")" : "");
  }
  sink.put("\n");
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
    (void)put_translation(sink, "badv", state, state.bank.at<badv>(), guest);
  }
  if (const auto pc = put_translation(sink, "pc", state, state.pc, guest)) put_code(sink, *pc, guest);
}

}  // namespace arch

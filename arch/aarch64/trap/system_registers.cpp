// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/trap/system_registers.hpp"

#include <algorithm>
#include <array>

#include "arch/aarch64/irq/gic.hpp"
#include "arch/aarch64/regs/gic_physical.hpp"
#include "arch/aarch64/regs/pmu.hpp"
#include "arch/aarch64/regs/system.hpp"
#include "arch/sysreg.hpp"
#include "arch/virtual_gic.hpp"
#include "hal/upcall.hpp"

namespace arch {
namespace {

using namespace regs;

struct Access {
  uint32_t id;
  unsigned rt;
  bool read;
};
Access decode(uint64_t iss) {
  const auto field = [](uint64_t value) { return static_cast<unsigned>(value); };
  return {.id = register_id(field(system_iss::op0::get(iss)), field(system_iss::op1::get(iss)),
                            field(system_iss::crn::get(iss)), field(system_iss::crm::get(iss)),
                            field(system_iss::op2::get(iss))),
          .rt = field(system_iss::rt::get(iss)),
          .read = system_iss::read::is_set(iss)};
}

// Registers that guests expect and that have no effect under Plinth.
enum class Policy : uint8_t {
  zero,     // reads as zero, writes are dropped
  mdscr,    // the monitor debug control register
  set_way,  // cache maintenance, which traps once after the vCPU has moved; then executed
  lock,     // OSLAR_EL1 and OSLSR_EL1: the OS lock, set and shown
};
struct Rule {
  uint32_t first;
  uint32_t last;
  Policy policy;
};

// Ascending by encoding. Debug registers (op0 = 2, MDCR_EL2.TDA, TDOSA, TDRA): D19. What is in no row is UNDEFINED for
// the guest, trace, profiling and implementation defined registers among them.
constexpr auto rules = std::to_array<Rule>({
    {register_id(1, 0, 7, 6, 2), register_id(1, 0, 7, 6, 2), Policy::set_way},     // DC ISW
    {register_id(1, 0, 7, 10, 2), register_id(1, 0, 7, 10, 2), Policy::set_way},   // DC CSW
    {register_id(1, 0, 7, 14, 2), register_id(1, 0, 7, 14, 2), Policy::set_way},   // DC CISW
    {register_id(2, 0, 0, 0, 2), register_id(2, 0, 0, 0, 2), Policy::zero},     // OSDTRRX_EL1
    {register_id(2, 0, 0, 2, 0), register_id(2, 0, 0, 2, 0), Policy::zero},     // MDCCINT_EL1
    {register_id(2, 0, 0, 2, 2), register_id(2, 0, 0, 2, 2), Policy::mdscr},    // MDSCR_EL1
    {register_id(2, 0, 0, 3, 2), register_id(2, 0, 0, 3, 2), Policy::zero},     // OSDTRTX_EL1
    {register_id(2, 0, 0, 6, 2), register_id(2, 0, 0, 6, 2), Policy::zero},     // OSECCR_EL1
    {register_id(2, 0, 1, 0, 0), register_id(2, 0, 1, 0, 0), Policy::zero},     // MDRAR_EL1
    {register_id(2, 0, 1, 0, 4), register_id(2, 0, 1, 1, 4), Policy::lock},     // OSLAR_EL1, OSLSR_EL1
    {register_id(2, 0, 1, 3, 4), register_id(2, 0, 1, 3, 4), Policy::zero},     // OSDLR_EL1
    {register_id(2, 0, 1, 4, 4), register_id(2, 0, 1, 4, 4), Policy::zero},     // DBGPRCR_EL1
    {register_id(2, 0, 7, 8, 6), register_id(2, 0, 7, 9, 6), Policy::zero},     // DBGCLAIMSET, DBGCLAIMCLR
    {register_id(2, 0, 7, 14, 6), register_id(2, 0, 7, 14, 6), Policy::zero},   // DBGAUTHSTATUS_EL1
    {register_id(2, 3, 0, 1, 0), register_id(2, 3, 0, 1, 0), Policy::zero},     // MDCCSR_EL0
    {register_id(2, 3, 0, 4, 0), register_id(2, 3, 0, 5, 0), Policy::zero},     // DBGDTR_EL0, DBGDTRTX_EL0
    {actlr_el1::id, actlr_el1::id, Policy::zero},
});

const Rule* find_rule(uint32_t id) {
  const auto* const rule = std::ranges::lower_bound(rules, id, {}, &Rule::last);
  return rule != rules.end() && rule->first <= id ? rule : nullptr;
}

void apply(const Rule& rule, const Access& access, GuestFrame& frame) {
  Vcpu& vcpu = *frame.vcpu;
  switch (rule.policy) {
    case Policy::zero:
      if (access.read) frame.set(access.rt, 0);
      break;
    case Policy::mdscr:
      if (access.read) {
        frame.set(access.rt, vcpu.debug_control());
      } else {
        vcpu.set_debug_control(frame.get(access.rt));
      }
      break;
    case Policy::lock:
      if (access.read) {
        frame.set(access.rt, oslsr_el1::oslm::mask | oslsr_el1::oslk::of(vcpu.is_debug_locked()));
      } else {
        vcpu.lock_debug(oslar_el1::oslk::is_set(frame.get(access.rt)));
      }
      break;
    case Policy::set_way: break;
  }
}

// DBGBVR<n>_EL1, DBGBCR<n>_EL1, DBGWVR<n>_EL1, DBGWCR<n>_EL1: CRm is the number, op2 from 4 on says which.
constexpr uint32_t debug_numbers = register_id(0, 0, 0, 15, 3);
constexpr uint32_t debug_registers = register_id(2, 0, 0, 0, 4);

void access_debug(const Access& access, GuestFrame& frame) {
  GuestDebug& debug = frame.vcpu->debug();
  const auto kind = static_cast<GuestDebug::Kind>(access.id & 3);
  const unsigned number = access.id >> 3 & 15;
  if (!GuestDebug::exists(kind, number)) return frame.vcpu->inject_undefined();
  if (access.read) {
    frame.set(access.rt, debug.read(kind, number));
  } else {
    debug.write(kind, number, frame.get(access.rt));
  }
  frame.skip_instruction();
}

// ID group 3, the registers with op0 3, op1 0, CRn 0, is trapped one by one: its reads come first and cost little.
constexpr uint64_t id_group_mask =
    system_iss::op0::mask | system_iss::op1::mask | system_iss::crn::mask | system_iss::read::mask;
constexpr uint64_t id_group_read = system_iss::op0::of(3) | system_iss::read::mask;

// One register, read or written, whichever general register it goes by.
constexpr uint64_t which_mask =
    (id_group_mask & ~system_iss::read::mask) | system_iss::crm::mask | system_iss::op2::mask;
template <class Register>
constexpr uint64_t access_to = system_iss::op0::of(Register::op0) | system_iss::op1::of(Register::op1) |
                               system_iss::crn::of(Register::crn) | system_iss::crm::of(Register::crm) |
                               system_iss::op2::of(Register::op2);

// Apart, so that the few that are accessed all the time save no registers for the others.
[[gnu::noinline]] void emulate_any(GuestFrame& frame, uint64_t iss) {
  const Access access = decode(iss);
  Vcpu& vcpu = *frame.vcpu;
  if (access.id <= rules.back().last) {
    if ((access.id & ~debug_numbers) == debug_registers) return access_debug(access, frame);
    if (const Rule* const rule = find_rule(access.id)) {
      if (rule->policy == Policy::set_way) return vcpu.maintain_by_set_way();
      apply(*rule, access, frame);
      return frame.skip_instruction();
    }
  } else if (is_pmu_register(access.id)) {
    return vcpu.access_pmu(access.id, access.rt, access.read);
  }
  bool known;
  if (access.read) {
    uint64_t value = 0;
    known = hal::upcall::guest_register_read(vcpu, access.id, value);
    if (known) frame.set(access.rt, value);
  } else {
    known = hal::upcall::guest_register_write(vcpu, access.id, frame.get(access.rt));
  }
  if (known) {
    frame.skip_instruction();
  } else {
    vcpu.inject_undefined();
  }
}

}  // namespace

// Those that are accessed all the time, by as few comparisons as tell them, and nothing that needs the stack.
void emulate_system_register(GuestFrame& frame, uint64_t iss) {
  const auto rt = static_cast<unsigned>(system_iss::rt::get(iss));
  const uint64_t which = iss & which_mask;
  if (which == access_to<cntp_ctl_el0>) {
    return upcall::guest_accesses_physical_timer_control(frame, rt, system_iss::read::is_set(iss));
  }
  if (which == access_to<icc_sgi1r_el1> && !system_iss::read::is_set(iss) && gic::version() == 3) {
    frame.skip_instruction();
    return upcall::guest_sends_sgi(*frame.vcpu, frame.get(rt));
  }
  if ((iss & id_group_mask) == id_group_read) {
    const auto op = static_cast<unsigned>(system_iss::crm::get(iss) << 3 | system_iss::op2::get(iss));
    frame.set(rt, frame.vcpu->id_register(op));
    return frame.skip_instruction();
  }
  emulate_any(frame, iss);
}

}  // namespace arch

// SPDX-License-Identifier: Apache-2.0
#include "arch/aarch64/virt/id_registers.hpp"

#include <array>
#include <utility>

#include "arch/sysreg.hpp"
#include "arch/vcpu.hpp"

namespace arch::id_registers {
namespace {

using namespace regs;

// By what a VM lacks (regs::hide_features()). The first is that of a VM that lacks nothing.
constexpr size_t hides_sve = 1, hides_pmu = 2;
constinit std::array<IdRegisters, 4> tables{};
constinit IdRegisters& shown = tables[0];
constinit bool known = false;

template <unsigned Op>
struct IdRegister : SystemRegister<3, 0, 0, Op / 8, Op % 8> {};

template <size_t... Ops>
void read_all(IdRegisters& raw, std::index_sequence<Ops...>) {
  // CRm 0 is MIDR, MPIDR and REVIDR, which are not feature IDs.
  ((Ops >= 8 ? void(raw[Ops] = arch::read<IdRegister<Ops>>()) : void()), ...);
}

}  // namespace

void join_cpu() {
  IdRegisters raw{};
  read_all(raw, std::make_index_sequence<id_register_count>{});
  IdRegisters mine = filter_id_registers(raw);
  // The system register interface of the virtual GIC: present exactly where the physical one is.
  mine[id_op(4, 0)] = id_aa64pfr0_el1::gic::set(mine[id_op(4, 0)], id_aa64pfr0_el1::gic::get(raw[id_op(4, 0)]) != 0);
  if (known) {
    const uint64_t gic = mine[id_op(4, 0)] & id_aa64pfr0_el1::gic::mask;
    mine = merge_id_registers(mine, shown);
    mine[id_op(4, 0)] |= gic;
  }
  shown = mine;
  for (size_t hidden = 1; hidden < tables.size(); ++hidden) {
    tables[hidden] = hide_features(mine, {.sve = (hidden & hides_sve) != 0, .pmu = (hidden & hides_pmu) != 0});
  }
  known = true;
}

uint64_t read(unsigned op) { return shown[op % id_register_count]; }

const IdRegisters& shown_to(GuestFeatures features) {
  return tables[(features.sve_quads == 0 ? hides_sve : 0) + (features.pmu ? 0 : hides_pmu)];
}

bool guest_has_pointer_authentication() {
  constexpr uint64_t isar1 = id_aa64isar1_el1::apa::mask | id_aa64isar1_el1::api::mask | id_aa64isar1_el1::gpa::mask |
                             id_aa64isar1_el1::gpi::mask;
  constexpr uint64_t isar2 = id_aa64isar2_el1::apa3::mask | id_aa64isar2_el1::gpa3::mask;
  return (read(id_op(6, 1)) & isar1) != 0 || (read(id_op(6, 2)) & isar2) != 0;
}

}  // namespace arch::id_registers

namespace arch {

void Vcpu::identify(const Identity& identity) {
  identity_ = identity;
  id_registers_ = &id_registers::shown_to(identity.features);
}

}  // namespace arch

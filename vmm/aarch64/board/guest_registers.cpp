// SPDX-License-Identifier: Apache-2.0
// Trapped system registers that belong to the board's devices.
#include <board/board.hpp>

#include "arch/aarch64/regs/gic_physical.hpp"
#include "arch/aarch64/regs/system.hpp"
#include "vmm/vm.hpp"

namespace vmm {

namespace regs = arch::regs;

// Version 3's registers that always trap, and those that do where ICC_DIR_EL1 does not trap apart.
bool Board::read_gic_register(uint32_t id, uint64_t& value) const {
  using vgic::CommonRegister;
  switch (id) {
    case regs::icc_sre_el1::id: value = regs::icc_sre_el1::always_on; return true;
    case regs::icc_ctlr_el1::id: value = gic_.read_common(CommonRegister::ctlr); return true;
    case regs::icc_pmr_el1::id: value = gic_.read_common(CommonRegister::pmr); return true;
    case regs::icc_rpr_el1::id: value = gic_.read_common(CommonRegister::rpr); return true;
    default: return false;
  }
}

bool Board::register_read(Vcpu& vcpu, uint32_t id, uint64_t& value) {
  if (gic_.config().version == vgic::Version::v3 && read_gic_register(id, value)) return true;
  PhysicalTimer& timer = physical_timer(vcpu.index());
  switch (id) {
    case regs::cntp_ctl_el0::id: value = timer.control(); return true;
    case regs::cntp_cval_el0::id: value = timer.compare_value(); return true;
    case regs::cntp_tval_el0::id: value = timer.timer_value(); return true;
    case regs::cntpct_el0::id:
    case regs::cntpctss_el0::id: value = vm().clock().at(hal::Timer::now()); return true;
    default: return false;
  }
}

bool Board::write_gic_register(VcpuIndex index, uint32_t id, uint64_t value) {
  using vgic::Vgic;
  switch (id) {
    case regs::icc_sgi1r_el1::id: gic_.send_sgi(index, Vgic::SgiRegister::sgi1r, value); return true;
    case regs::icc_sgi0r_el1::id: gic_.send_sgi(index, Vgic::SgiRegister::sgi0r, value); return true;
    case regs::icc_asgi1r_el1::id: gic_.send_sgi(index, Vgic::SgiRegister::asgi1r, value); return true;
    case regs::icc_dir_el1::id: gic_.deactivate(index, static_cast<vgic::IntId>(value & 0xff'ffff)); return true;
    case regs::icc_sre_el1::id: return true;  // each of its bits is RAO/WI
    case regs::icc_ctlr_el1::id: gic_.write_common(vgic::CommonRegister::ctlr, value); return true;
    case regs::icc_pmr_el1::id: gic_.write_common(vgic::CommonRegister::pmr, value); return true;
    default: return false;
  }
}

bool Board::register_write(Vcpu& vcpu, uint32_t id, uint64_t value) {
  const VcpuIndex index = vcpu.index();
  if (gic_.config().version == vgic::Version::v3 && write_gic_register(index, id, value)) return true;
  PhysicalTimer& timer = physical_timer(index);
  switch (id) {
    case regs::cntp_ctl_el0::id: timer.set_control(value); return true;
    case regs::cntp_cval_el0::id: timer.set_compare_value(value); return true;
    case regs::cntp_tval_el0::id: timer.set_timer_value(value); return true;
    default: return false;
  }
}

}  // namespace vmm

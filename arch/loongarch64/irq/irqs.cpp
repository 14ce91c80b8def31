// SPDX-License-Identifier: Apache-2.0
// Where physical interrupts go. ESTAT shows the lines that matter: the timer, messages between CPUs, the EIOINTC with the
// PCH-PIC behind it, and the LIOINTC. Interrupts of hal::Irq are the EIOINTC's vectors, then the LIOINTC's inputs.
#include "arch/loongarch64/irq/irqs.hpp"

#include <bit>
#include <optional>

#include "arch/boot.hpp"
#include "arch/irq.hpp"
#include "arch/loongarch64/irq/eiointc.hpp"
#include "arch/loongarch64/irq/liointc.hpp"
#include "arch/loongarch64/irq/pch_pic.hpp"
#include "arch/loongarch64/regs/csr.hpp"
#include "arch/loongarch64/regs/eiointc.hpp"
#include "arch/loongarch64/regs/ipi.hpp"
#include "arch/loongarch64/regs/liointc.hpp"
#include "arch/loongarch64/regs/pch_pic.hpp"
#include "arch/mmu.hpp"
#include "arch/sysreg.hpp"
#include "hal/base/lock.hpp"
#include "hal/platform/interrupts.hpp"
#include "hal/upcall.hpp"

namespace arch {
namespace {

using regs::ecfg, regs::estat, regs::interrupt_line, regs::ipi, regs::ipi_send, regs::ticlr;

// Setting up an interrupt reads registers, changes a bit, and writes them.
constinit hal::SpinLock lock{hal::LockRank::irq_controller};
constinit PchPic bridge PLINTH_GUARDED_BY(lock);
constinit LioIntc package PLINTH_GUARDED_BY(lock);
constinit uint32_t device_line = 0;   // of ESTAT; 0: no controller
constinit uint32_t package_line = 0;  // the LIOINTC's

static_assert(hal::liointc_base == regs::eiointc::vectors);

// The LIOINTC's input behind an interrupt.
std::optional<uint32_t> input_of(hal::Irq irq) {
  const uint32_t input = static_cast<uint32_t>(irq) - hal::liointc_base;
  if (input >= regs::liointc::inputs || package_line == 0) return std::nullopt;
  return input;
}

constexpr uint64_t line(unsigned n) { return uint64_t{1} << n; }

// A level stays while its device has not been served, so it is masked meanwhile; an edge that comes meanwhile is kept by
// the PCH-PIC. A vector that no input owns is a message, and over with its arrival.
void device(uint32_t vector) {
  {
    const hal::LockGuard guard(lock);
    if (bridge.owns(vector)) bridge.mask(vector);
  }
  if (hal::upcall::device_interrupt(hal::Irq{vector})) Irqs::complete(hal::Irq{vector});
}

void devices() {
  for (unsigned n = 0; n < regs::eiointc::vectors / 64; ++n) {
    for (uint64_t pending = eiointc::take(n); pending != 0; pending &= pending - 1) {
      device(64 * n + static_cast<uint32_t>(std::countr_zero(pending)));
    }
  }
}

uint32_t take_from_package() {
  const hal::LockGuard guard(lock);
  return package.take(regs::cpuid::core::get(read<regs::cpuid>()));
}

void package_devices() {
  for (uint32_t pending = take_from_package(); pending != 0; pending &= pending - 1) {
    const hal::Irq irq{hal::liointc_base + static_cast<uint32_t>(std::countr_zero(pending))};
    if (hal::upcall::device_interrupt(irq)) Irqs::complete(irq);
  }
}

void messages() {
  iocsr_write32(ipi::clear, iocsr_read32(ipi::status));
  Mmu::serve_requests();
  hal::upcall::interrupted_by_cpu();
}

}  // namespace

std::string_view irqs::explain(SetupError error) {
  switch (error) {
    case SetupError::none: break;
    case SetupError::not_described: return "the device tree describes no EIOINTC with a PCH-PIC behind it";
    case SetupError::no_memory: return "the PCH-PIC's registers cannot be mapped";
  }
  return "";
}

irqs::SetupError irqs::set_up(const hal::LoongArchPlatform& machine) {
  if (!machine.eiointc || !machine.pch_pic || machine.pch_pic->registers.size < regs::pch_pic::size) {
    return SetupError::not_described;
  }
  const auto registers = hal::upcall::map_device(machine.pch_pic->registers);
  if (!registers) return SetupError::no_memory;
  const bool has_liointc = machine.liointc && machine.liointc->registers.size >= regs::liointc::size &&
                           machine.liointc->cpu_line != machine.eiointc->cpu_line;
  const auto own = has_liointc ? hal::upcall::map_device(machine.liointc->registers) : std::nullopt;
  const hal::LockGuard guard(lock);
  if (own) {
    package.set_up(*own, machine.liointc->cpu_line - interrupt_line::hwi0);
    package_line = machine.liointc->cpu_line;
  }
  eiointc::set_up(machine.eiointc->cpu_line);
  bridge.set_up(*registers, machine.pch_pic->base_vector);
  device_line = machine.eiointc->cpu_line;
  return SetupError::none;
}

void irqs::join_cpu() {
  iocsr_write32(ipi::clear, ~0U);
  iocsr_write32(ipi::enable, ~0U);
  uint64_t lines = line(interrupt_line::timer) | line(interrupt_line::ipi);
  if (device_line != 0) lines |= line(device_line);
  if (package_line != 0) lines |= line(package_line);
  write<ecfg>(ecfg::lie::of(lines));
}

bool irqs::dispatch() {
  const uint64_t pending = estat::is::get(read<estat>()) & ecfg::lie::get(read<ecfg>());
  if (pending == 0) return false;
  if ((pending & line(interrupt_line::ipi)) != 0) messages();
  if ((pending & line(interrupt_line::timer)) != 0) {
    write<ticlr>(ticlr::clr::mask);
    hal::upcall::timer_expired();
  }
  if (device_line != 0 && (pending & line(device_line)) != 0) devices();
  if (package_line != 0 && (pending & line(package_line)) != 0) package_devices();
  return true;
}

void Irqs::poll() {
  while (irqs::dispatch()) {
  }
}

bool Irqs::are_up() { return device_line != 0; }

void Irqs::enable(hal::Irq irq, hal::CpuIndex cpu, bool level) {
  const auto vector = static_cast<uint32_t>(irq);
  if (const auto input = input_of(irq)) {
    const hal::LockGuard guard(lock);
    package.route(*input, boot::platform().cpus[cpu].hardware_id);
    package.configure(*input, level);
    return package.enable(*input);
  }
  if (vector >= regs::eiointc::vectors) return;
  const hal::LockGuard guard(lock);
  eiointc::route(vector, boot::platform().cpus[cpu].hardware_id);
  eiointc::set_enabled(vector, true);
  if (!bridge.owns(vector)) return;
  bridge.configure(vector, level);
  bridge.unmask(vector);
}

void Irqs::disable(hal::Irq irq) {
  const auto vector = static_cast<uint32_t>(irq);
  if (const auto input = input_of(irq)) {
    const hal::LockGuard guard(lock);
    return package.disable(*input);
  }
  if (vector >= regs::eiointc::vectors) return;
  const hal::LockGuard guard(lock);
  if (bridge.owns(vector)) bridge.mask(vector);
  eiointc::set_enabled(vector, false);
}

void Irqs::complete(hal::Irq irq) {
  const auto vector = static_cast<uint32_t>(irq);
  const hal::LockGuard guard(lock);
  if (const auto input = input_of(irq)) return package.enable(*input);
  if (bridge.owns(vector)) bridge.unmask(vector);
}

// What the message says is in memory already.
void Irqs::send_ipi(hal::CpuIndex cpu) {
  dbar();
  iocsr_write32(ipi_send::address, static_cast<uint32_t>(ipi_send::blocking::mask |
                                                         ipi_send::cpu::of(boot::platform().cpus[cpu].hardware_id)));
}

}  // namespace arch

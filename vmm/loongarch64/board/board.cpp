// SPDX-License-Identifier: Apache-2.0
#include <board/board.hpp>

#include <bit>

#include "config/loongarch64_virt.hpp"
#include "vmm/loongarch64/device_tree.hpp"
#include "vmm/loongarch64/devices.hpp"
#include "vmm/loongarch64/pci_map.hpp"
#include "vmm/vm.hpp"

namespace vmm {
namespace {

namespace virt = config::loongarch64_virt;

// How <arch/vcpu.hpp> tells an IOCSR: the rest are words of CPUCFG.
struct iocsr_id {
  using is_iocsr = hal::Field<31>;
  using in_monitor_block = hal::Field<30>;
  using log2_size = hal::Field<29, 28>;
  using offset = hal::Field<15, 0>;

  static uint32_t address(uint32_t id) {
    return static_cast<uint32_t>(offset::get(id)) | (in_monitor_block::is_set(id) ? loongson::Eiointc::virt_base : 0);
  }
  static unsigned size(uint32_t id) { return 1U << log2_size::get(id); }
};

}  // namespace

hal::Result<mm::Owned<Board>, VmError> Board::create(Vm& vm) {
  auto board = mm::make<Board>(vm);
  if (!board) return hal::fail(VmError::out_of_memory);
  MmioDevice* const controllers[] = {&(*board)->pch_pic_, &(*board)->pch_msi_};
  TRY((*board)->plug_in(loongarch64::device_kinds, (*board)->pch_pic_, (*board)->pci_, controllers));
  return std::move(board).value();
}

Board::Board(Vm& vm)
    : BoardCommon(vm),
      lines_(kicker()),
      ipi_(vm.config().vcpus, lines_, *this),
      eiointc_(vm.config().vcpus, lines_, true),
      iocsr_(vm.config().vcpus, ipi_, eiointc_, vm.config().paravirtual),
      pch_pic_(virt::pch_pic.start, virt::pch_pic_inputs, eiointc_),
      pch_msi_(virt::pch_msi.start, virt::first_message_vector, eiointc_),
      pci_(loongarch64::pci_map, pch_pic_, &pch_msi_),
      kvm_(vm.config().vcpus, vm.config().paravirtual, lines_) {}

void Board::identify(Vcpu& vcpu) { vcpu.identify({.core = vcpu.index(), .regime = &vm().space().regime()}); }

// --- interrupts ------------------------------------------------------------------------------------------------------

void Board::flush(VcpuIndex index) {
  using loongson::CpuLines;
  Shown& shown = shown_[index];
  Vcpu& vcpu = *vm().vcpus().list[index];
  uint64_t rose = 0;
  if (lines_.take(index, CpuLines::software0) != 0) {
    vcpu.raise_software(0);
    ++rose;
  }
  const uint32_t lines = lines_.lines(index) & ~CpuLines::software0;
  rose += static_cast<uint64_t>(std::popcount(lines & ~shown.lines));
  shown.injected.store(shown.injected.load(std::memory_order_relaxed) + rose, std::memory_order_relaxed);
  shown.lines = lines;
  vcpu.set_lines(lines);
}

bool Board::has_pending(VcpuIndex index) {
  if (needs_flush(index)) flush(index);
  return vm().vcpus().list[index]->has_pending();
}

// --- what a guest did ------------------------------------------------------------------------------------------------

void Board::call(Vcpu& vcpu) {
  using Outcome = loongarch64::KvmCalls::Outcome;
  constexpr unsigned a0 = 4;
  const Outcome outcome =
      kvm_.call(vcpu.call_code(), {vcpu.reg(a0), vcpu.reg(a0 + 1), vcpu.reg(a0 + 2), vcpu.reg(a0 + 3)});
  vcpu.set_reg(a0, outcome.result);
  if (outcome.stolen_time == Outcome::StolenTime::as_before) return;
  stolen_[vcpu.index()].record = outcome.record;
  vcpu.tell_stolen_time(outcome.stolen_time == Outcome::StolenTime::tell);
}

// A place that is no RAM the guest may write, as KVM has it: nothing is told, until the guest names another.
void Board::tell_stolen_time(Vcpu& vcpu) {
  constexpr size_t size = loongarch64::stolen_time_record_size;
  Stolen& stolen = stolen_[vcpu.index()];
  const auto record = vm().space().window(stolen.record, size, hal::read_write);
  if (!record) return vcpu.tell_stolen_time(false);
  const hal::Ticks waited = vcpu.task()->times().wait;
  stolen.time.begin(waited);
  loongarch64::write_stolen_time(record->first<size>(), stolen.time.nanoseconds(waited));
}

bool Board::register_read(Vcpu& vcpu, uint32_t id, uint64_t& value) {
  if (!iocsr_id::is_iocsr::is_set(id)) {
    const auto word = kvm_.cpucfg(id);
    if (word) value = *word;
    return word.has_value();
  }
  const auto read = iocsr_.read(vcpu.index(), iocsr_id::address(id), iocsr_id::size(id));
  if (read) value = *read;
  return read.has_value();
}

bool Board::register_write(Vcpu& vcpu, uint32_t id, uint64_t value) {
  if (!iocsr_id::is_iocsr::is_set(id)) return false;
  return iocsr_.write(vcpu.index(), iocsr_id::address(id), iocsr_id::size(id), value);
}

// --- starts ----------------------------------------------------------------------------------------------------------

void Board::boot(const hal::StartState& start) {
  const hal::LockGuard guard(power_lock_);
  starts_[0] = {Power::start_pending, start};
}

// As the firmware's waiting loop does it: the address is a physical one, in whichever window the guest wrote it.
void Board::start_vcpu(VcpuIndex vcpu, hal::GuestPhys entry) {
  {
    const hal::LockGuard guard(power_lock_);
    if (starts_[vcpu].power != Power::off) return;
    ipi_.hand_over(vcpu);
    starts_[vcpu] = {Power::start_pending, {.pc = hal::GuestPhys(entry.value() & loongarch_physical_mask)}};
  }
  vm().wake(vcpu);
}

std::optional<hal::StartState> Board::take_start(VcpuIndex index) {
  const hal::LockGuard guard(power_lock_);
  if (starts_[index].power != Power::start_pending) return std::nullopt;
  starts_[index].power = Power::on;
  return starts_[index].state;
}

// --- life cycle ------------------------------------------------------------------------------------------------------

void Board::reset() {
  {
    const hal::LockGuard guard(power_lock_);
    for (Start& start : starts_) start = {};
  }
  lines_.reset();  // first: what falls already needs nobody's attention
  devices().reset();
  pch_pic_.reset();
  ipi_.reset();
  eiointc_.reset();
  iocsr_.reset();
  for (Shown& shown : shown_) shown.lines = 0;
  for (Stolen& stolen : stolen_) stolen.time.reset();
  vm().discard_input();
}

hal::Result<std::span<const std::byte>, hal::FdtError> Board::describe(const LoadPlan& plan,
                                                                       std::span<const std::byte> own,
                                                                       std::span<std::byte> buffer) {
  const Seed seed = fresh_seed();
  const GuestFacts guest = facts(plan, seed);
  if (!own.empty()) return patch_device_tree(guest, own, buffer);
  return loongarch64::build_device_tree({.guest = guest, .vcpus = vm().config().vcpus}, devices(), buffer);
}

void Board::report(hal::TextSink& sink) {
  for (VcpuIndex index = 0; index < vm().config().vcpus; ++index) {
    hal::format(sink, "vCPU {}: lines {:#x}; in service", index, lines_.lines(index));
    for (unsigned group = 0; group < loongson::Eiointc::vectors / 32; ++group) {
      hal::format(sink, " {:08x}", eiointc_.in_service(index, group));
    }
    sink.put("\n");
  }
}

}  // namespace vmm

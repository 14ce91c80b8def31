// SPDX-License-Identifier: Apache-2.0
#include <board/board.hpp>

#include <arch/psci.hpp>
#include <arch/virtual_gic.hpp>
#include <board/cpu_interfaces.hpp>

#include <algorithm>
#include <atomic>

#include "config/aarch64_virt.hpp"
#include "hal/log.hpp"
#include "hal/virtualization.hpp"
#include "task/cpu.hpp"
#include "vmm/aarch64/device_tree.hpp"
#include "vmm/aarch64/devices.hpp"
#include "vmm/aarch64/pci_map.hpp"
#include "vmm/aarch64/virt_board.hpp"
#include "vmm/vm.hpp"

namespace vmm {
namespace {

namespace virt_board = aarch64::virt_board;
using aarch64::AffinityMap;
using aarch64::FirmwareAction;
using aarch64::FirmwareWorkarounds;

const vgic::CpuInterface& cpu_interface() { return arch::gic_version() == 3 ? gicv3_interface : gicv2_interface; }

vgic::Config gic_config(const config::VmConfig& config) {
  const bool v3 = arch::gic_version() == 3;
  return {.version = v3 ? vgic::Version::v3 : vgic::Version::v2,
          .vcpus = config.vcpus,
          .its = v3 && config.its,
          .timer_ppi = virt_board::ppi_base + virt_board::virtual_timer_ppi,
          .physical_timer = arch::guest_timer_irq()};
}

// The switch of number 2 stays where the firmware has it out of reset: on.
FirmwareWorkarounds workarounds() {
  const arch::psci::Workarounds& host = arch::psci::workarounds();
  return {.workaround_1 = host.branch_prediction,
          .workaround_2 = host.store_bypass == 0 ? 1 : host.store_bypass,
          .workaround_3 = host.branch_history};
}

// Whoever calls TRNG counts on it: it is not there where nothing but the time of the boot is behind it.
aarch64::FirmwareOffers firmware_offers(Vm& vm) {
  aarch64::FirmwareOffers offers{.workarounds = workarounds(),
                                 .random = machine_has_entropy() ? &vm.entropy() : nullptr};
  if (vm.config().paravirtual) offers.stolen_times = config::aarch64_virt::stolen_times.start;
  return offers;
}

arch::GuestFeatures features_of(const config::VmConfig& config) {
  const unsigned longest = arch::regs::longest(arch::sve_lengths());
  const unsigned quads = config.sve_vector_bits != 0 ? config.sve_vector_bits / 128 : longest;
  return {.sve_quads = static_cast<uint8_t>(config.sve.value_or(true) ? quads : 0),
          .pmu = config.pmu.value_or(true) && Board::has_pmu()};
}

unsigned cluster() { return arch::gic_version() == 3 ? AffinityMap::gicv3_cluster : AffinityMap::gicv2_cluster; }

}  // namespace

void trace_injection(uint64_t lr) {
  const auto* const guest = static_cast<Vcpu*>(task::this_cpu().loaded_guest);
  if (guest == nullptr || !arch::gic::ich_lr::Pending::is_set(lr)) return;
  trace(*guest, TraceEvent::inject, static_cast<uint32_t>(arch::gic::ich_lr::VINTID::get(lr)));
}

hal::Result<mm::Owned<Board>, VmError> Board::create(Vm& vm) {
  const config::VmConfig& config = vm.config();
  const vgic::Config gic = gic_config(config);
  if (!vgic::Vgic::is_valid(gic)) return hal::fail(VmError::not_possible);
  auto storage = mm::OwnedFrames::allocate(mm::frames(), mm::order_for(vgic::Vgic::storage_size(gic)),
                                           mm::FrameUse::heap, mm::Contents::zeroed);
  if (!storage) return hal::fail(VmError::out_of_memory);
  auto board = mm::make<Board>(vm, gic, std::move(storage).value());
  if (!board) return hal::fail(VmError::out_of_memory);
  TRY((*board)->make_machine());
  return std::move(board).value();
}

Board::Board(Vm& vm, const vgic::Config& gic, mm::OwnedFrames gic_storage)
    : BoardCommon(vm),
      ram_(vm),
      affinities_(vm.config().vcpus, cluster()),
      gic_storage_(std::move(gic_storage)),
      features_(features_of(vm.config())),
      gic_(gic, gic_storage_.bytes(), cpu_interface(), kicker(), ram_),
      gicv2m_(virt_board::gicv2m.start, virt_board::spi_base + virt_board::gicv2m_spi, virt_board::gicv2m_spis, gic_),
      pci_(aarch64::pci_map(gic.version == vgic::Version::v2, vm.space().address_bits()), gic_, messages()),
      psci_(affinities_, ram_, firmware_offers(vm)) {}

// Null: a GICv3 whose ITS the VM does without.
MsiSink* Board::messages() {
  if (gic_.config().version == vgic::Version::v2) return &gicv2m_;
  return gic_.config().its ? &gic_ : nullptr;
}

hal::Result<void, VmError> Board::make_machine() {
  hal::FixedVector<MmioDevice*, 5> windows;
  if (gic_.config().version == vgic::Version::v2) [[maybe_unused]]
    const bool added = windows.push_back(&gicv2m_);
  const vgic::Vgic::Devices gic = gic_.devices();
  for (MmioDevice* const window : {gic.distributor, gic.redistributors, gic.its, gic.cpu_interface}) {
    // There is room for each.
    if (window != nullptr) [[maybe_unused]]
      const bool added = windows.push_back(window);
  }
  TRY(plug_in(aarch64::device_kinds, gic_, pci_, {windows.begin(), windows.size()}));
  for (VcpuIndex index = 0; index < vm().config().vcpus; ++index)
    physical_timers_[index].timer.emplace(gic_, index, vm().clock());
  if (vm().config().paravirtual) TRY(make_stolen_times());
  if (features_.sve_quads != 0) TRY(make_room_for_sve());
  if (arch::gic_version() == 2) {
    const auto mapped =
        vm().space().map({virt_board::gicv2_cpu_interface.start, hal::page_size}, arch::gic_virtual_cpu_interface(),
                         {.rights = hal::read_write, .memory = hal::MemoryKind::device});
    if (!mapped) return hal::fail(VmError::out_of_memory);
  }
  return {};
}

unsigned Board::gic_version() { return arch::gic_version(); }
uint16_t Board::sve_lengths() { return arch::sve_lengths(); }

hal::Result<void, VmError> Board::make_room_for_sve() {
  auto room = mm::make_array<arch::SveQuad>(arch::sve_room(features_.sve_quads) * vm().config().vcpus);
  if (!room) return hal::fail(VmError::out_of_memory);
  sve_storage_ = std::move(room).value();
  return {};
}
bool Board::has_pmu() { return arch::guest_pmu_is_offered(); }

// A page that the guest can only read, with a record for every vCPU there can be.
hal::Result<void, VmError> Board::make_stolen_times() {
  constexpr hal::GuestPhysRange page = config::aarch64_virt::stolen_times;
  static_assert(page.size == max_vcpus * aarch64::Psci::stolen_time_size);
  if (!vm().space().add_ram(page, {.read = true, .write = false, .execute = false})) {
    return hal::fail(VmError::out_of_memory);
  }
  const auto records = vm().space().window(page.start, page.size, {.read = true}, mm::GuestSpace::As::owner);
  if (!records) return hal::fail(VmError::out_of_memory);
  stolen_time_records_ = *records;
  return {};
}

void Board::identify(Vcpu& vcpu) {
  const size_t room = features_.sve_quads != 0 ? arch::sve_room(features_.sve_quads) : 0;
  vcpu.identify({.mpidr = affinities_.affinity(vcpu.index()),
                 .index = vcpu.index(),
                 .regime = &vm().space().regime(),
                 .features = features_,
                 .sve = sve_storage_.span().subspan(vcpu.index() * room, room)});
}

// --- what a guest did
// -------------------------------------------------------------------------------------------------

// Apart, so that what guest_call() answers at once pays for nothing of this.
[[gnu::noinline]] void Board::call(Vcpu& vcpu) {
  const FirmwareAction action = psci_.call(vcpu.index(), {.x = {vcpu.reg(0), vcpu.reg(1), vcpu.reg(2), vcpu.reg(3)}});
  using Kind = FirmwareAction::Kind;
  if (action.kind <= Kind::start_vcpu) {
    for (unsigned n = 0; n < action.x.size(); ++n) vcpu.set_reg(n, action.x[n]);
  }
  switch (action.kind) {
    case Kind::resume: break;
    case Kind::mitigate_1: arch::psci::clear_branch_prediction(); break;
    case Kind::mitigate_3: arch::psci::clear_branch_history(); break;
    case Kind::steal_time: vcpu.tell_stolen_time(); break;
    case Kind::suspend: vcpu.wait_for_interrupt(); break;
    case Kind::start_vcpu: vm().wake(action.target); break;
    case Kind::power_off:
      // Only a vCPU that is on can start another: the guest has come to its end.
      if (psci_.all_off()) return end_without_vcpus(vcpu);
      vcpu.power_off();
      break;
    case Kind::system_off: vm().guest_ends(vcpu, VmEvent::power_off); break;
    case Kind::system_reset: vm().guest_ends(vcpu, VmEvent::reset); break;
  }
}

// Nanoseconds, little-endian, at once (DEN0057 table 2).
void Board::tell_stolen_time(Vcpu& vcpu) {
  using aarch64::Psci;
  StolenTime& time = stolen_times_[vcpu.index()];
  const hal::Ticks waited = vcpu.task()->times().wait;
  time.begin(waited);
  std::byte* const place = &stolen_time_records_[vcpu.index() * Psci::stolen_time_size + Psci::stolen_time_offset];
  std::atomic_ref(*reinterpret_cast<uint64_t*>(place)).store(time.nanoseconds(waited), std::memory_order_relaxed);
}

void Board::end_without_vcpus(Vcpu& vcpu) {
  hal::log::info("{}: all its vCPUs are off", vm().name());
  vm().guest_ends(vcpu, VmEvent::power_off);
}

// --- life cycle
// -------------------------------------------------------------------------------------------------------

void Board::reset() {
  psci_.reset();
  for (VcpuIndex index = 0; index < vm().config().vcpus; ++index) physical_timer(index).reset();
  for (StolenTime& time : stolen_times_) time.reset();
  std::ranges::fill(stolen_time_records_, std::byte{});
  devices().reset();
  gic_.reset();
  vm().discard_input();
}

void Board::pause() {
  for (VcpuIndex index = 0; index < vm().config().vcpus; ++index) physical_timer(index).pause();
  BoardCommon::pause();
}

void Board::resume(hal::Ticks passed) {
  for (VcpuIndex index = 0; index < vm().config().vcpus; ++index) physical_timer(index).resume();
  BoardCommon::resume(passed);
}

std::optional<hal::StartState> Board::take_start(VcpuIndex index) {
  const auto start = psci_.take_start(index);
  if (!start) return {};
  return hal::StartState{.pc = start->entry, .arguments = {start->context}};
}

void Board::reset_vcpu(VcpuIndex index) {
  gic_.reset_cpu_interface(index);
  physical_timer(index).reset();
}

hal::Result<std::span<const std::byte>, hal::FdtError> Board::describe(const LoadPlan& plan,
                                                                       std::span<const std::byte> own,
                                                                       std::span<std::byte> buffer) {
  const Seed seed = fresh_seed();
  const GuestFacts guest = facts(plan, seed);
  if (!own.empty()) return patch_device_tree(guest, own, buffer);
  return aarch64::build_device_tree(
      {.guest = guest,
       .affinities = affinities_,
       .gic_version = arch::gic_version(),
       .its = gic_.config().its,
       .pmu = features_.pmu,
       .pmu_interrupts = arch::guest_pmu_interrupts()},
      devices(), buffer);
}

// --- what the models need of a VM ------------------------------------------------------------------------------------

bool GuestRam::is_executable(hal::GuestPhys entry) { return vm_.space().allows(entry, hal::read_execute); }

bool GuestRam::read(hal::GuestPhys from, std::span<std::byte> to) { return vm_.space().read(from, to).ok(); }
bool GuestRam::write(hal::GuestPhys to, std::span<const std::byte> from) { return vm_.space().write(to, from).ok(); }

}  // namespace vmm

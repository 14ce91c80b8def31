// SPDX-License-Identifier: Apache-2.0
// Commands of the ITS, section 5.3 of IHI 0069.
#include <algorithm>

#include "vmm/irq/vgic/its.hpp"
#include "vmm/irq/vgic/lpi_tables.hpp"

namespace vmm::vgic {

namespace {

namespace gits = arch::gic::gits;
namespace command = arch::gic::gits::command;

}  // namespace

// What a message leads to.
struct Its::Target {
  ItsDevice device;
  ItsEvent event;
  CpuContext* cpu;

  [[nodiscard]] uint32_t index() const { return event.lpi - arch::gic::first_lpi; }
};

struct Its::CommandRow {
  gits::Command number;
  void (Its::*run)(const Words&, Kicks&);
  unsigned cost = 1;
};

constinit const std::array<Its::CommandRow, 12> Its::commands{{
    {gits::Command::MOVI, &Its::move_interrupt},
    {gits::Command::INT, &Its::raise},
    {gits::Command::CLEAR, &Its::clear},
    {gits::Command::SYNC, &Its::synchronize},
    {gits::Command::MAPD, &Its::map_device},
    {gits::Command::MAPC, &Its::map_collection},
    {gits::Command::MAPTI, &Its::map_interrupt},
    {gits::Command::MAPI, &Its::map_same},
    {gits::Command::INV, &Its::invalidate},
    {gits::Command::INVALL, &Its::invalidate_all, budget_per_access},
    {gits::Command::MOVALL, &Its::move_all, budget_per_access},
    {gits::Command::DISCARD, &Its::discard},
}};

void Its::run_commands(Kicks& kicks) {
  behind_.store(false, std::memory_order_relaxed);
  if (!enabled_ || !gits::cbaser::Valid::is_set(cbaser_)) return;
  const hal::GuestPhys queue(cbaser_ & gits::cbaser::Physical_Address::mask);
  const uint64_t bytes = (gits::cbaser::Size::get(cbaser_) + 1) * 4 * hal::kib;
  if (cwriter_ >= bytes) return;  // outside its own queue: nothing it could mean
  for (unsigned spent = 0; spent < budget_per_access && creadr_ != cwriter_;) {
    Words words{};
    const bool readable = model_.memory.read(queue + creadr_, std::as_writable_bytes(std::span(words)));
    spent += readable ? run_one(words, kicks) : 1;
    creadr_ = creadr_ + gits::command_size >= bytes ? 0 : creadr_ + gits::command_size;
  }
  behind_.store(creadr_ != cwriter_, std::memory_order_relaxed);
}

// Says what it cost.
unsigned Its::run_one(const Words& words, Kicks& kicks) {
  const auto number = static_cast<gits::Command>(command::Number::get(words[0]));
  const auto row = std::ranges::find(commands, number, &CommandRow::number);
  if (row == commands.end()) return 1;
  (this->*row->run)(words, kicks);
  return row->cost;
}

CpuContext* Its::processor(uint64_t number) { return number < model_.cpus.size() ? &model_.cpus[number] : nullptr; }

CpuContext* Its::vcpu_of(uint32_t icid) {
  const auto vcpu = tables_.collection(icid);
  return vcpu ? processor(*vcpu) : nullptr;
}

bool Its::find(uint32_t device_id, uint32_t event_id, Target& target) {
  const auto device = tables_.device(device_id);
  if (!device) return false;
  const auto event = tables_.event(*device, event_id);
  if (!event) return false;
  target = {*device, *event, vcpu_of(event->collection)};
  return target.cpu != nullptr;
}

namespace {
uint32_t device_of(const std::array<uint64_t, 4>& words) {
  return static_cast<uint32_t>(command::DeviceID::get(words[0]));
}
uint32_t event_of(const std::array<uint64_t, 4>& words) {
  return static_cast<uint32_t>(command::EventID::get(words[1]));
}
uint32_t collection_of(const std::array<uint64_t, 4>& words) {
  return static_cast<uint32_t>(command::ICID::get(words[2]));
}
}  // namespace

void Its::map_device(const Words& words, Kicks&) {
  if (!command::Valid::is_set(words[2])) return tables_.set_device(device_of(words), std::nullopt);
  const auto bits = static_cast<unsigned>(command::Size::get(words[1])) + 1;
  if (bits > event_id_bits) return;
  tables_.set_device(device_of(words), ItsDevice{hal::GuestPhys(words[2] & command::ITT_address::mask), bits});
}

void Its::map_collection(const Words& words, Kicks&) {
  const uint64_t number = command::RDbase::get(words[2]);
  if (!command::Valid::is_set(words[2])) return tables_.set_collection(collection_of(words), std::nullopt);
  if (processor(number) != nullptr) tables_.set_collection(collection_of(words), static_cast<uint32_t>(number));
}

void Its::map_interrupt(const Words& words, Kicks& kicks) {
  map_event(words, static_cast<uint32_t>(command::pINTID::get(words[1])), kicks);
}
void Its::map_same(const Words& words, Kicks& kicks) { map_event(words, event_of(words), kicks); }

void Its::map_event(const Words& words, uint32_t lpi, Kicks&) {
  const auto device = tables_.device(device_of(words));
  if (!device || lpi < arch::gic::first_lpi || lpi - arch::gic::first_lpi >= lpi_count) return;
  tables_.set_event(*device, event_of(words), ItsEvent{lpi, static_cast<uint16_t>(collection_of(words))});
  // Its configuration may be older than the mapping.
  const CpuContext* const cpu = vcpu_of(collection_of(words));
  if (cpu != nullptr && cpu->lpis.enabled.load(std::memory_order_relaxed)) {
    load_lpi_config(model_, *cpu, lpi - arch::gic::first_lpi, 1);
  }
}

void Its::move_interrupt(const Words& words, Kicks& kicks) {
  Target target;
  CpuContext* const to = vcpu_of(collection_of(words));
  if (to == nullptr || !find(device_of(words), event_of(words), target)) return;
  tables_.set_event(target.device, event_of(words),
                    ItsEvent{target.event.lpi, static_cast<uint16_t>(collection_of(words))});
  if (to != target.cpu) model_.move_lpi(*target.cpu, *to, target.index(), kicks);
}

void Its::move_all(const Words& words, Kicks& kicks) {
  CpuContext* const from = processor(command::RDbase::get(words[2]));
  CpuContext* const to = processor(command::RDbase2::get(words[3]));
  if (from != nullptr && to != nullptr && from != to) model_.move_lpis(*from, *to, kicks);
}

void Its::raise(const Words& words, Kicks& kicks) {
  Target target;
  if (find(device_of(words), event_of(words), target)) model_.pend_lpi(*target.cpu, target.index(), kicks);
}

void Its::clear(const Words& words, Kicks& kicks) {
  Target target;
  if (find(device_of(words), event_of(words), target)) model_.clear_lpi(*target.cpu, target.index(), kicks);
}

void Its::discard(const Words& words, Kicks& kicks) {
  Target target;
  if (!find(device_of(words), event_of(words), target)) return;
  model_.clear_lpi(*target.cpu, target.index(), kicks);
  tables_.set_event(target.device, event_of(words), std::nullopt);
}

void Its::invalidate(const Words& words, Kicks& kicks) {
  Target target;
  if (!find(device_of(words), event_of(words), target)) return;
  load_lpi_config(model_, *target.cpu, target.index(), 1);
  kicks.add(*target.cpu, CpuContext::add | CpuContext::recall);
}

void Its::invalidate_all(const Words& words, Kicks& kicks) {
  CpuContext* const cpu = vcpu_of(collection_of(words));
  if (cpu == nullptr || !cpu->lpis.enabled.load(std::memory_order_relaxed)) return;
  load_lpi_config(model_, *cpu, 0, lpi_count);
  kicks.add(*cpu, CpuContext::add | CpuContext::recall);
}

// Every command is complete when the next begins.
void Its::synchronize(const Words&, Kicks&) {}

}  // namespace vmm::vgic

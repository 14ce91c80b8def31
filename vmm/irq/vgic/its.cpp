// SPDX-License-Identifier: Apache-2.0
// Registers of the ITS, section 12.19 of IHI 0069.
#include "vmm/irq/vgic/its.hpp"

#include "vmm/irq/vgic/common_registers.hpp"

namespace vmm::vgic {

namespace {

namespace gits = arch::gic::gits;

// The two table registers out of reset. Type and Entry_Size stay; Page_Size, which is UNKNOWN at reset (12.19), is
// what software finds on the board that the VM resembles, and what some of it takes for granted.
constexpr uint64_t reset_baser(gits::baser::TypeValue type) {
  return gits::baser::Type::of(type) | gits::baser::Entry_Size::of(its_entry_size - 1) | gits::baser::Page_Size::of(2);
}
constexpr uint64_t fixed_baser_mask = gits::baser::Type::mask | gits::baser::Entry_Size::mask;

constexpr uint64_t typer = gits::typer::Physical::mask | gits::typer::ITT_entry_size::of(its_entry_size - 1) |
                           gits::typer::ID_bits::of(event_id_bits - 1) | gits::typer::Devbits::of(device_id_bits - 1) |
                           gits::typer::CIL::mask | gits::typer::CIDbits::of(collection_id_bits - 1);

constexpr uint64_t writable_cbaser = gits::cbaser::Size::mask | gits::cbaser::Shareability::mask |
                                     gits::cbaser::Physical_Address::mask | gits::cbaser::OuterCache::mask |
                                     gits::cbaser::InnerCache::mask | gits::cbaser::Valid::mask;

constexpr uint32_t identification = 0xffd0;

}  // namespace

Its::Its(Model& model)
    : MmioDevice("gic-its", {model.config.its_base, gits::window_size}), model_(model), tables_(model.memory) {}

void Its::reset_state() {
  const hal::LockGuard guard(lock_);
  tables_.devices = reset_baser(gits::baser::devices);
  tables_.collections = reset_baser(gits::baser::collections);
  enabled_ = false;
  cbaser_ = cwriter_ = creadr_ = 0;
  behind_.store(false, std::memory_order_relaxed);
}

// Registers are words, or double-words that can be accessed by halves.
uint64_t Its::read(MmioAccess access) {
  if (access.offset >= gits::frame_size || (access.size & word_double) == 0) return 0;
  if (access.offset >= identification) {
    if (access.size != 4) return 0;
    return read_identification<identification, Component::its>(model_, {model_.cpus[access.vcpu], model_.cpus[access.vcpu]},
                                               {static_cast<uint32_t>(access.offset) - identification, 4});
  }
  Kicks kicks(model_.kicker, Kicks::nobody);  // after a read, a vCPU does not look whether it has work
  const hal::LockGuard guard(lock_);
  if (access.offset / 8 * 8 == gits::CREADR) run_commands(kicks);
  return part_of(read_word(access.offset / 8 * 8), {static_cast<uint32_t>(access.offset), access.size});
}

void Its::write(MmioAccess access, uint64_t value) {
  if (access.offset >= identification || (access.size & word_double) == 0) return;
  const Part part{static_cast<uint32_t>(access.offset), access.size};
  const uint64_t offset = access.offset / 8 * 8;
  Kicks kicks(model_.kicker, access.vcpu);
  const hal::LockGuard guard(lock_);
  write_word(offset, with_part(read_word(offset), part, value & hal::low_mask(access.size * 8u)),
             with_part(0, part, ~0ull), kicks);
  if (is_behind()) kicks.add(model_.cpus[access.vcpu], CpuContext::add);
}

uint64_t Its::read_word(uint64_t offset) const {
  switch (offset) {
    // GITS_IIDR is the upper half. Nothing is in flight but commands that are still queued.
    case gits::CTLR:
      return gits::ctlr::Quiescent::of(!enabled_ || creadr_ == cwriter_ ? 1 : 0) |
             gits::ctlr::Enabled::of(enabled_ ? 1 : 0) | implementer_id << 32;
    case gits::TYPER: return typer;
    case gits::CBASER: return cbaser_;
    case gits::CWRITER: return cwriter_;
    case gits::CREADR: return creadr_;
    case gits::BASER: return tables_.devices;
    case gits::BASER + 8: return tables_.collections;
    default: return 0;
  }
}

// `written`: the bits that the access covers.
void Its::write_word(uint64_t offset, uint64_t value, uint64_t written, Kicks& kicks) {
  switch (offset) {
    case gits::CTLR:
      if ((written & gits::ctlr::Enabled::mask) != 0) enabled_ = gits::ctlr::Enabled::is_set(value);
      break;
    case gits::CBASER:
      if (enabled_) return;
      cbaser_ = value & writable_cbaser;
      cwriter_ = creadr_ = 0;
      break;
    case gits::CWRITER: cwriter_ = value & gits::cwriter::Offset::mask; break;
    case gits::BASER: return set_table(tables_.devices, value);
    case gits::BASER + 8: return set_table(tables_.collections, value);
    default: return;
  }
  run_commands(kicks);
}

void Its::set_table(uint64_t& reg, uint64_t value) {
  if (enabled_) return;
  reg = (reg & fixed_baser_mask) | (value & ~fixed_baser_mask);
  // Page size 3 is reserved and means 64 KiB to us; say so.
  if (gits::baser::Page_Size::get(reg) == 3) reg = gits::baser::Page_Size::set(reg, 2);
}

bool Its::catch_up() {
  Kicks kicks(model_.kicker, Kicks::nobody);
  const hal::LockGuard guard(lock_);
  run_commands(kicks);
  return !behind_.load(std::memory_order_relaxed);
}

void Its::translate(uint32_t device_id, uint32_t event_id) {
  Kicks kicks(model_.kicker, Kicks::nobody);
  const hal::LockGuard guard(lock_);
  if (enabled_) raise({gits::command::DeviceID::of(device_id), gits::command::EventID::of(event_id)}, kicks);
}

}  // namespace vmm::vgic

// SPDX-License-Identifier: Apache-2.0
// What guests do, as arch/ reports it. Every path ends in one of: emulated, a fault raised in the guest, blocked, or
// the VM stopped with a report.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <span>

#include "hal/irq_table.hpp"
#include "hal/upcall.hpp"
#include "hal/vcpu.hpp"
#include "task/task.hpp"
#include "vmm/vm.hpp"

namespace vmm {
namespace {

Vcpu& self(hal::Vcpu& vcpu) { return static_cast<Vcpu&>(vcpu); }

// Remembers the device for the accesses to come, which mostly go to the same one. Null where there is none.
[[gnu::noinline, clang::minsize]] MmioDevice* look_up_device(Vcpu& vcpu, hal::GuestPhys place) {
  MmioDevice* const device = vcpu.vm().bus().find(place);
  if (device != nullptr) vcpu.last_device = {device->window(), device};
  return device;
}

uint64_t low_bytes(uint64_t value, unsigned count) {
  const unsigned unused = 64 - count * 8U;
  return value << unused >> unused;
}

// What a load puts into its register.
uint64_t extend(uint64_t value, const hal::upcall::GuestAccess& access) {
  if (!access.sign_extend) [[likely]]
    return low_bytes(value, access.size);
  const uint64_t extended = hal::sign_extend(low_bytes(value, access.size), access.size * 8U);
  return access.wide ? extended : extended & 0xffff'ffff;
}

// The low `size` bytes of what the guest reads or writes now, in its byte order.
uint64_t in_guest_order(const hal::Vcpu& vcpu, uint64_t value, unsigned size) {
  if (!vcpu.is_big_endian()) [[likely]]
    return value;
  return std::byteswap(value) >> (64 - size * 8);
}

hal::AccessKind kind_of(bool write) { return write ? hal::AccessKind::store : hal::AccessKind::load; }

bool is_rom(const Vm& vm, hal::GuestPhys place) {
  return std::ranges::any_of(vm.regions(), [place](const config::MemoryRegion& region) {
    return region.kind == config::RegionKind::rom && region.range.contains(place);
  });
}

enum class Outcome : uint8_t { drop, retry, fault };

// The guest touched guest physical memory that stage 2 does not let it have. Devices first; then it may have been a
// race with a change of the tables; a write to ROM is dropped; nothing else is there.
Outcome memory_outcome(Vcpu& vcpu, hal::GuestPhys place, bool write) {
  Vm& vm = vcpu.vm();
  vcpu.met_no_device();
  if (vm.space().allows(place, write ? hal::read_write : hal::read_only)) return Outcome::retry;
  return write && is_rom(vm, place) ? Outcome::drop : Outcome::fault;
}

// Apart, because it is rare and would burden the accesses that meet a device.
[[gnu::noinline, clang::minsize]] void access_nothing(Vcpu& vcpu, hal::GuestPhys place, bool write) {
  const Outcome outcome = memory_outcome(vcpu, place, write);
  if (outcome == Outcome::fault) vcpu.inject_external_abort(vcpu.fault_address(), kind_of(write));
  // An access with a syndrome changes no register but the one it loads.
  if (outcome == Outcome::drop) vcpu.skip_instruction();
}

class Memory final : public hal::GuestReader {
 public:
  explicit Memory(const mm::GuestSpace& space) : space_(space) {}
  bool read(hal::GuestPhys from, std::span<std::byte> to) override { return space_.read(from, to).ok(); }

 private:
  const mm::GuestSpace& space_;
};

// The same where the guest may not write.
class Rom final : public hal::GuestReader {
 public:
  explicit Rom(const Vm& vm) : vm_(vm) {}
  bool read(hal::GuestPhys from, std::span<std::byte> to) override {
    if (!is_rom(vm_, from) || !is_rom(vm_, from + (to.size() - 1))) return false;
    return vm_.space().read(from, to, mm::GuestSpace::As::owner).ok();
  }

 private:
  const Vm& vm_;
};

[[gnu::noinline, clang::minsize]] void undecoded_access_to_nothing(Vcpu& vcpu, const hal::upcall::GuestFault& fault) {
  const Outcome outcome = memory_outcome(vcpu, fault.address, fault.write);
  if (outcome == Outcome::retry) return;
  if (outcome == Outcome::drop) {
    Memory memory(vcpu.vm().space());
    Rom rom(vcpu.vm());
    const auto dropped = vcpu.drop_store(memory, rom);
    if (dropped.ok() || dropped.error() == hal::Undecoded::moved) return;
  }
  vcpu.inject_external_abort(fault.virtual_address, kind_of(fault.write));
}

[[gnu::noinline, clang::minsize]] void access_undecoded(hal::Vcpu& vcpu, const hal::upcall::GuestFault& fault) {
  Vcpu& guest = self(vcpu);
  MmioDevice* const device = look_up_device(guest, fault.address);
  if (device == nullptr) return undecoded_access_to_nothing(guest, fault);
  const auto abort = [&] { vcpu.inject_external_abort(fault.virtual_address, kind_of(fault.write)); };
  Memory memory(guest.vm().space());
  const auto decoded = vcpu.decode_access(memory);
  if (!decoded.ok()) {
    if (decoded.error() == hal::Undecoded::not_emulated) abort();
    return;
  }
  const hal::MemoryAccess& access = decoded.value();
  const std::span transfers = std::span(access.transfers).first(access.count);
  // All of it lies in one page of one device.
  const hal::GuestPhys first = fault.address.align_down(hal::page_size) + (access.address & (hal::page_size - 1));
  for (const hal::Transfer& transfer : transfers) {
    const hal::GuestPhys place = first + transfer.offset;
    const hal::GuestPhysRange bytes{place, transfer.size};
    if (!device->window().contains(bytes) || !place.is_aligned(transfer.size)) return abort();
  }
  for (const hal::Transfer& transfer : transfers) {
    const MmioAccess mmio{
        .offset = first + transfer.offset - device->window().start, .size = transfer.size, .vcpu = guest.index()};
    if (access.store) {
      device->write(mmio, low_bytes(vcpu.reg(transfer.reg), transfer.size));
    } else {
      vcpu.set_reg(transfer.reg, hal::loaded_value(transfer, device->read(mmio)));
    }
  }
  guest.notice_interrupts();
  vcpu.complete(access);
}

}  // namespace
}  // namespace vmm

namespace hal::upcall {

using namespace vmm;

// Part of each of its callers, which know something of the access.
[[gnu::always_inline]] void guest_access(hal::Vcpu& vcpu, const GuestAccess& access) {
  vmm::Vcpu& guest = self(vcpu);
  MmioDevice* device = guest.last_device.device;
  uint64_t offset = access.address.value() - guest.last_device.window.start.value();
  if (offset >= guest.last_device.window.size) [[unlikely]] {
    device = look_up_device(guest, access.address);
    if (device == nullptr) return access_nothing(guest, access.address, access.write);
    offset = access.address - device->window().start;
  }
  if (!access.address.is_aligned(access.size)) [[unlikely]]
    return vcpu.inject_external_abort(vcpu.fault_address(), kind_of(access.write));
  const MmioAccess mmio{.offset = offset, .size = access.size, .vcpu = guest.index()};
  if (access.write) {
    const uint64_t value = in_guest_order(vcpu, vcpu.reg(access.reg), access.size);
    device->write(mmio, low_bytes(value, access.size));
    guest.notice_interrupts();
  } else {
    const uint64_t value = extend(in_guest_order(vcpu, device->read(mmio), access.size), access);
    vcpu.skip_instruction();
    return vcpu.set_reg(access.reg, value);
  }
  vcpu.skip_instruction();
}

// Part of its only caller.
[[gnu::always_inline]] bool guest_accesses_word(hal::Vcpu& vcpu, hal::GuestPhys address, uint64_t& word, bool write) {
  constexpr uint8_t size = 4;
  vmm::Vcpu& guest = self(vcpu);
  const auto& last = guest.last_device;
  const MmioAccess access{.offset = address.value() - last.window.start.value(), .size = size, .vcpu = guest.index()};
  if (access.offset >= last.window.size || !address.is_aligned(size)) [[unlikely]]
    return false;
  if (write) [[unlikely]] {
    last.device->write(access, static_cast<uint32_t>(word));
    guest.notice_interrupts();
  } else {
    word = static_cast<uint32_t>(last.device->read(access));
  }
  return true;
}

void guest_undecoded_access(hal::Vcpu& vcpu, const GuestFault& fault) { access_undecoded(vcpu, fault); }

void guest_fetch_fault(hal::Vcpu& vcpu, const GuestFault& fault) {
  if (self(vcpu).vm().space().allows(fault.address, hal::read_execute)) return;
  vcpu.inject_external_abort(fault.virtual_address, hal::AccessKind::fetch);
}

// As many pieces as there are chances for somebody else.
void guest_maintains_by_set_way(hal::Vcpu& vcpu) {
  constexpr uint64_t piece = 2 * hal::mib;
  Vm& vm = self(vcpu).vm();
  for (const config::MemoryRegion& region : vm.regions()) {
    for (uint64_t done = 0; done < region.range.size; done += piece) {
      const uint64_t size = std::min(piece, region.range.size - done);
      // All of a region is RAM of this VM for as long as it lives.
      if (!vm.space().publish({region.range.start + done, size})) return vm.crash(self(vcpu), "its memory is gone");
      if (task::resched_needed()) task::reschedule();
    }
  }
}

bool guest_may_walk_again(hal::Vcpu& vcpu, hal::GuestPhys table, bool write) {
  Vm& vm = self(vcpu).vm();
  const auto holds = [table](const config::MemoryRegion& region) { return region.range.contains(table); };
  return std::ranges::any_of(vm.regions(), holds) && vm.space().allows(table, write ? hal::read_write : hal::read_only);
}

void guest_call(hal::Vcpu& vcpu) {
  if (Board::answer_at_once(vcpu)) return;
  self(vcpu).vm().board().call(self(vcpu));
}

void guest_idle(hal::Vcpu& vcpu) {
  vcpu.skip_instruction();
  self(vcpu).wait_for_interrupt();
}

bool guest_register_read(hal::Vcpu& vcpu, uint32_t id, uint64_t& value) {
  return self(vcpu).vm().board().register_read(self(vcpu), id, value);
}

bool guest_register_write(hal::Vcpu& vcpu, uint32_t id, uint64_t value) {
  vmm::Vcpu& guest = self(vcpu);
  const bool known = guest.vm().board().register_write(guest, id, value);
  guest.notice_interrupts();
  return known;
}

void guest_attention(hal::Vcpu& vcpu) { self(vcpu).attend(); }

void guest_failed(hal::Vcpu& vcpu, std::string_view reason) { self(vcpu).vm().crash(self(vcpu), reason); }

bool device_interrupt(Irq irq) { return device_interrupts().serve(irq); }

}  // namespace hal::upcall

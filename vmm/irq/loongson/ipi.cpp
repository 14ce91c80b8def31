// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/loongson/ipi.hpp"

#include "hal/base/bits.hpp"
#include "vmm/lanes.hpp"
#include "vmm/irq/loongson/remote_write.hpp"

namespace vmm::loongson {
namespace {

// Offsets from `base`.
enum Register : uint32_t { status = 0x00, enable = 0x04, set = 0x08, clear = 0x0c, mail = 0x20, send = 0x40 };
constexpr uint32_t mail_end = 0x40;

struct ipi_send {
  using vector = hal::Field<4, 0>;
  using target = hal::Field<25, 16>;
};

}  // namespace

uint64_t Ipi::read(VcpuIndex self, uint32_t address, unsigned size) const {
  const Core& core = cores_[self];
  if (address == base + status && size == 4) return core.status.load(std::memory_order_acquire);
  const Lanes lanes(address, size);
  const hal::LockGuard guard(core.lock);
  return lanes.join(read_word(core, lanes.word()), lanes.has_second() ? read_word(core, lanes.word() + 4) : 0);
}

uint32_t Ipi::read_word(const Core& core, uint32_t address) {
  const uint32_t offset = address - base;
  if (offset == status) return core.status.load(std::memory_order_relaxed);
  if (offset == enable) return core.enable;
  if (offset >= mail && offset < mail_end) return core.mailbox[(offset - mail) / 4];
  return 0;
}

void Ipi::write(VcpuIndex self, uint32_t address, unsigned size, uint64_t value) {
  if (address == mail_send_register) {
    if (size == 8) send_mail(value);
    return;
  }
  const Lanes lanes(address, size);
  write_word(self, lanes.word(), lanes.first(value), lanes.mask());
  if (lanes.has_second()) write_word(self, lanes.word() + 4, Lanes::second(value), ~0U);
}

void Ipi::write_word(VcpuIndex self, uint32_t address, uint32_t value, uint32_t lanes) {
  const uint32_t offset = address - base;
  if (offset == send) {
    return raise(static_cast<VcpuIndex>(ipi_send::target::get(value)), 1U << ipi_send::vector::get(value));
  }
  if (offset == set) return raise(self, value);
  Core& core = cores_[self];
  uint64_t start = 0;
  {
    const hal::LockGuard guard(core.lock);
    if (offset == enable) {
      core.enable = (core.enable & ~lanes) | value;
    } else if (offset == clear) {
      core.status.store(core.status.load(std::memory_order_relaxed) & ~value, std::memory_order_relaxed);
    } else if (offset >= mail && offset < mail_end) {
      uint32_t& half = core.mailbox[(offset - mail) / 4];
      half = (half & ~lanes) | value;
      start = entry(core);
    }
    update(self, core);
  }
  offer_start(self, start);
}

void Ipi::raise(VcpuIndex target, uint32_t bits) {
  if (target >= vcpus_ || bits == 0) return;
  Core& core = cores_[target];
  uint64_t start = 0;
  {
    const hal::LockGuard guard(core.lock);
    core.status.store(core.status.load(std::memory_order_relaxed) | bits, std::memory_order_release);
    start = entry(core);
    update(target, core);
  }
  offer_start(target, start);
}

// Where a CPU that waits goes, or 0. In firmware's loop it does not matter which interrupt comes, nor whether it comes
// before the address, whose lower half is looked at.
uint64_t Ipi::entry(const Core& core) {
  if (core.status.load(std::memory_order_relaxed) == 0 || core.mailbox[0] == 0) return 0;
  return core.mailbox[0] | uint64_t{core.mailbox[1]} << 32;
}

void Ipi::offer_start(VcpuIndex target, uint64_t entry) {
  if (entry != 0) starter_.start_vcpu(target, hal::GuestPhys(entry));
}

void Ipi::hand_over(VcpuIndex target) {
  Core& core = cores_[target];
  const hal::LockGuard guard(core.lock);
  core.status.store(0, std::memory_order_relaxed);
  core.enable = ~0U;
  update(target, core);
}

void Ipi::send_mail(uint64_t value) {
  const RemoteWrite remote(value);
  if (remote.target() >= vcpus_) return;
  Core& core = cores_[remote.target()];
  uint64_t start = 0;
  {
    const hal::LockGuard guard(core.lock);
    uint32_t& half = core.mailbox[remote.mailbox_half()];
    half = remote.merge(half);
    start = entry(core);
  }
  offer_start(remote.target(), start);
}

void Ipi::reset() {
  for (VcpuIndex vcpu = 0; vcpu < vcpus_; ++vcpu) {
    Core& core = cores_[vcpu];
    const hal::LockGuard guard(core.lock);
    core.status.store(0, std::memory_order_relaxed);
    core.enable = 0;
    core.mailbox = {};
    update(vcpu, core);
  }
}

void Ipi::update(VcpuIndex vcpu, const Core& core) {
  lines_.drive(vcpu, CpuLines::ipi, (core.status.load(std::memory_order_relaxed) & core.enable) != 0 ? CpuLines::ipi : 0);
}

}  // namespace vmm::loongson

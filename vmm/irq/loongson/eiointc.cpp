// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/loongson/eiointc.hpp"

#include <bit>

#include "vmm/lanes.hpp"

namespace vmm::loongson {
namespace {

// Register blocks, by IOCSR address.
struct Block {
  uint32_t start, size;
  [[nodiscard]] constexpr bool contains(uint32_t address) const { return address - start < size; }
  [[nodiscard]] constexpr unsigned word(uint32_t address) const { return (address - start) / 4; }
};
constexpr Block node_map{0x14a0, 0x20}, pin_map{0x14c0, 0x8}, enable{0x1600, 0x20}, bounce{0x1680, 0x20},
    isr{0x1700, 0x20}, core_isr{0x1800, 0x20}, route{0x1c00, 0x100};
constexpr uint32_t virt_features_register = Eiointc::virt_base, virt_config_register = Eiointc::virt_base + 4;

constexpr unsigned reachable_pins = 4, reachable_cores = 4;

// One bit for one of the first `count`; anything else means the first.
unsigned one_hot(unsigned byte, unsigned count) {
  const auto n = static_cast<unsigned>(std::countr_zero(byte));
  return n < count ? n : 0;
}

}  // namespace

uint64_t Eiointc::read(VcpuIndex self, uint32_t address, unsigned size) const {
  const Lanes lanes(address, size);
  const hal::LockGuard guard(lock_);
  const uint32_t second = lanes.has_second() ? read_word(self, lanes.word() + 4) : 0;
  return lanes.join(read_word(self, lanes.word()), second);
}

void Eiointc::write(VcpuIndex self, uint32_t address, unsigned size, uint64_t value) {
  const Lanes lanes(address, size);
  const hal::LockGuard guard(lock_);
  write_word(self, lanes.word(), lanes.first(value), lanes.mask());
  if (lanes.has_second()) write_word(self, lanes.word() + 4, Lanes::second(value), ~0U);
}

uint32_t Eiointc::read_word(VcpuIndex self, uint32_t address) const {
  if (core_isr.contains(address)) return in_service_[self][core_isr.word(address)];
  if (enable.contains(address)) return enable_[enable.word(address)];
  if (isr.contains(address)) return level_[isr.word(address)] | messages_[isr.word(address)];
  if (pin_map.contains(address)) return pin_map_[pin_map.word(address)];
  if (node_map.contains(address)) return node_map_[node_map.word(address)];
  if (bounce.contains(address)) return bounce_[bounce.word(address)];
  if (route.contains(address)) {
    uint32_t word = 0;
    for (unsigned byte = 0; byte < 4; ++byte) word |= uint32_t{route_[address - route.start + byte]} << byte * 8;
    return word;
  }
  if (address == virt_features_register) return features_;
  if (address == virt_config_register) return config_;
  return 0;
}

void Eiointc::write_word(VcpuIndex self, uint32_t address, uint32_t value, uint32_t lanes) {
  const auto put = [&](uint32_t& word) { word = (word & ~lanes) | value; };
  if (core_isr.contains(address)) {
    clear_in_service(self, core_isr.word(address), value);
  } else if (enable.contains(address)) {
    const unsigned group = enable.word(address);
    write_enable(group, (enable_[group] & ~lanes) | value);
  } else if (route.contains(address)) {
    write_route(address - route.start, value, lanes);
  } else if (pin_map.contains(address)) {
    put(pin_map_[pin_map.word(address)]);
    for (VcpuIndex core = 0; core < vcpus_; ++core) drive(core);
  } else if (node_map.contains(address)) {
    put(node_map_[node_map.word(address)]);
  } else if (bounce.contains(address)) {
    put(bounce_[bounce.word(address)]);
  } else if (address == virt_config_register) {
    put(config_);
    config_ &= features_ & ~virt_present;
    for (VcpuIndex core = 0; core < vcpus_; ++core) drive(core);
  }
}

// What becomes enabled while it is pending is delivered; what becomes disabled leaves its core, and is pending still: a
// message that nobody has cleared waits to be enabled again.
void Eiointc::write_enable(unsigned group, uint32_t fresh) {
  const uint32_t old = enable_[group];
  enable_[group] = fresh;
  for (uint32_t off = old & ~fresh; off != 0; off &= off - 1) {
    const unsigned vector = group * 32 + static_cast<unsigned>(std::countr_zero(off));
    messages_[group] |= in_service_[target_[vector]][group] & ~level_[group] & 1U << vector % 32;
    withdraw(vector);
  }
  deliver(group, fresh & ~old & (level_[group] | messages_[group]));
}

void Eiointc::write_route(unsigned first, uint32_t value, uint32_t lanes) {
  for (unsigned byte = 0; byte < 4; ++byte) {
    if ((lanes >> byte * 8 & 0xff) == 0) continue;
    const unsigned vector = first + byte;
    route_[vector] = static_cast<uint8_t>(value >> byte * 8);
    const unsigned core =
        (config_ & virt_cpu_encoding) != 0 ? route_[vector] : one_hot(route_[vector], reachable_cores);
    if (core >= vcpus_ || core == target_[vector]) continue;
    const uint32_t bit = 1U << vector % 32;
    const uint32_t pending = level_[vector / 32] | in_service_[target_[vector]][vector / 32];
    const bool moves = (pending & enable_[vector / 32] & bit) != 0;
    if (moves) withdraw(vector);
    target_[vector] = static_cast<uint8_t>(core);
    if (moves) deliver(vector / 32, bit);
  }
}

void Eiointc::clear_in_service(VcpuIndex core, unsigned group, uint32_t bits) {
  in_service_[core][group] &= ~bits;
  drive(core);
}

// Vectors of one group that are pending and may have just been enabled, raised or routed anew.
void Eiointc::deliver(unsigned group, uint32_t bits) {
  bits &= enable_[group];
  messages_[group] &= ~bits;
  for (; bits != 0; bits &= bits - 1) {
    const auto n = static_cast<unsigned>(std::countr_zero(bits));
    const VcpuIndex core = target_[group * 32 + n];
    in_service_[core][group] |= 1U << n;
    drive(core);
  }
}

void Eiointc::withdraw(unsigned vector) { clear_in_service(target_[vector], vector / 32, 1U << vector % 32); }

void Eiointc::set_level(unsigned vector, bool level) {
  if (vector >= vectors) return;
  const hal::LockGuard guard(lock_);
  const unsigned group = vector / 32;
  const uint32_t bit = 1U << vector % 32;
  if (level) {
    level_[group] |= bit;
    deliver(group, bit);
  } else {
    level_[group] &= ~bit;
    withdraw(vector);
  }
}

void Eiointc::message(unsigned vector) {
  if (vector >= vectors) return;
  const hal::LockGuard guard(lock_);
  const uint32_t bit = 1U << vector % 32;
  messages_[vector / 32] |= bit;
  deliver(vector / 32, bit);
}

unsigned Eiointc::pin(unsigned group) const {
  const unsigned byte = pin_map_[group / 4] >> group % 4 * 8 & 0xff;
  if ((config_ & virt_pin_encoding) != 0) return byte < CpuLines::hwi_count ? byte : 0;
  return one_hot(byte, reachable_pins);
}

void Eiointc::drive(VcpuIndex core) {
  uint32_t levels = 0;
  for (unsigned group = 0; group < groups; ++group) {
    if (in_service_[core][group] != 0) levels |= 1U << (CpuLines::hwi0 + pin(group));
  }
  lines_.drive(core, CpuLines::hwi_mask, levels);
}

uint32_t Eiointc::in_service(VcpuIndex core, unsigned group) const {
  const hal::LockGuard guard(lock_);
  return in_service_[core][group];
}

void Eiointc::reset() {
  const hal::LockGuard guard(lock_);
  config_ = 0;
  node_map_ = enable_ = bounce_ = level_ = messages_ = {};
  pin_map_ = {};
  route_ = target_ = {};
  for (VcpuIndex core = 0; core < vcpus_; ++core) {
    in_service_[core] = {};
    drive(core);
  }
}

}  // namespace vmm::loongson

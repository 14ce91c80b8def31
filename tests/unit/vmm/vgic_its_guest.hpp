// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "vgic_machine.hpp"

namespace vgic_test {

namespace gits = arch::gic::gits;
namespace gicr = arch::gic::gicr;

inline constexpr uint32_t first_lpi = arch::gic::first_lpi;

// A guest that has set its ITS up, in one page of memory for each purpose.
class ItsGuest {
 public:
  static constexpr uint64_t queue = Memory::base + 0x10000;  // 64 KiB, the largest page size is that
  static constexpr uint64_t devices = Memory::base + 0x20000;
  static constexpr uint64_t collections = Memory::base + 0x30000;
  static constexpr uint64_t configuration = Memory::base + 0x40000;
  static constexpr uint64_t pending = Memory::base + 0x50000;  // 64 KiB per vCPU
  static constexpr uint64_t translations = Memory::base + 0x90000;
  static constexpr uint64_t queue_bytes = 0x1000;

  ItsGuest(Machine& machine, unsigned vcpus) : m(machine) {
    m.kick_promptly(true);
    m.load_all();
    m.set_gicd(arch::gic::gicd::CTLR, 3);
    for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu) {
      m.open(vcpu);
      m.set_gicr(vcpu, gicr::PROPBASER, configuration | 13, vcpu, 8);
      m.set_gicr(vcpu, gicr::PENDBASER, pending + vcpu * 0x10000, vcpu, 8);
      m.set_gicr(vcpu, gicr::CTLR, 1, vcpu);
    }
    set(gits::BASER, devices | gits::baser::Valid::mask);
    set(gits::BASER + 8, collections | gits::baser::Valid::mask);
    set(gits::CBASER, queue | gits::cbaser::Valid::mask);
    m.write(0, its(), gits::CTLR, 1);
    for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu) map_collection(vcpu, vcpu);
  }

  vmm::MmioDevice& its() { return *m.mmio().its; }
  void set(uint64_t offset, uint64_t value) { m.write(by, its(), offset, value, 8); }
  uint64_t get(uint64_t offset) { return m.read(by, its(), offset, 8); }

  void queue_command(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3 = 0) {
    for (const uint64_t word : {w0, w1, w2, w3}) {
      m.memory().put64(queue + at, word);
      at = (at + 8) % queue_bytes;
    }
  }
  void command(gits::Command number, uint64_t device, uint64_t w1, uint64_t w2, uint64_t w3 = 0) {
    queue_command(device << 32 | static_cast<uint64_t>(number), w1, w2, w3);
    set(gits::CWRITER, at);
    EXPECT_EQ(get(gits::CREADR), at);
  }
  void map_device(uint32_t device, unsigned bits, bool valid = true) {
    command(gits::Command::MAPD, device, bits - 1, (translations + device * 0x1000) | (valid ? hal::bit(63) : 0));
  }
  // Event 20 of device 2 is LPI 8200, enabled, for vCPU 1.
  void map_one_lpi() {
    configure(8200, 0x80, true);
    map_device(2, 5);
    map(2, 20, 8200, 1);
  }
  void map_collection(uint32_t icid, uint64_t vcpu, bool valid = true) {
    command(gits::Command::MAPC, 0, 0, icid | vcpu << 16 | (valid ? hal::bit(63) : 0));
  }
  void map(uint32_t device, uint32_t event, uint64_t lpi, uint32_t icid) {
    command(gits::Command::MAPTI, device, event | lpi << 32, icid);
  }
  void configure(uint32_t lpi, uint8_t priority, bool enabled) {
    *m.memory().at(configuration + lpi - first_lpi) = static_cast<std::byte>(priority | (enabled ? 1 : 0));
  }
  void invalidate(uint32_t device, uint32_t event) { command(gits::Command::INV, device, event, 0); }

  Machine& m;
  unsigned by = 0;  // the vCPU that gives the commands
  uint64_t at = 0;
};

}  // namespace vgic_test

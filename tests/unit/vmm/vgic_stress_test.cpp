// SPDX-License-Identifier: Apache-2.0
// vCPUs and devices at the same time, each on a thread: no interrupt is lost, none comes twice, nothing hangs.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "vgic_machine.hpp"

namespace {

namespace gicd = arch::gic::gicd;
using vgic_test::Config;
using vgic_test::Machine;
using vgic_test::Version;

constexpr unsigned vcpus = 3;
constexpr unsigned spis = 32;  // INTIDs 32 to 63: edges
constexpr unsigned rounds = 15000;

class Storm {
 public:
  explicit Storm(Version version)
      : config_{.version = version, .vcpus = vcpus, .spis = spis}, machine_(config_), sent_(64), seen_(64) {
    machine_.load_all();
    machine_.set_gicd(gicd::CTLR, 3);
    for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu) {
      machine_.open(vcpu);
      machine_.set_bits(gicd::ISENABLER, 0, 0xffff | 1u << 27, vcpu);
    }
    machine_.set_gicd(gicd::ICFGR + 8, 0xaaaa'aaaa);
    machine_.set_gicd(gicd::ICFGR + 12, 0xaaaa'aaaa);
    for (uint32_t spi = 32; spi < 64; ++spi) route(spi, spi % vcpus, 0);
    machine_.set_gicd(gicd::ISENABLER + 4, ~0u);
  }

  void run() {
    std::vector<std::thread> threads;
    for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu) threads.emplace_back([this, vcpu] { run_vcpu(vcpu); });
    threads.emplace_back([this] { run_devices(); });
    for (std::thread& thread : threads) thread.join();
    machine_.kick_promptly(true);
    // What is left is taken now, by whoever it is for.
    machine_.set_gicd(gicd::ISENABLER + 4, ~0u);
    for (int i = 0; i < 4; ++i) {
      for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu) {
        while (take(vcpu)) {
        }
      }
    }
    for (unsigned intid = 32; intid < 64; ++intid) EXPECT_EQ(seen_[intid].load(), sent_[intid].load()) << intid;
    for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu) {
      EXPECT_EQ(machine_.bits(gicd::ISPENDR, 0, vcpu) & 0xffff, 0u);
      EXPECT_EQ(machine_.bits(gicd::ISACTIVER, 0, vcpu), 0u);
    }
    EXPECT_EQ(machine_.gicd(gicd::ISACTIVER + 4), 0u);
    EXPECT_GT(taken_.load(), rounds / 4);
  }

 private:
  void route(uint32_t spi, unsigned to, unsigned vcpu) {
    if (config_.version == Version::v2) {
      machine_.set_gicd(gicd::ITARGETSR + spi, 1u << to, vcpu, 1);
    } else {
      machine_.set_gicd(gicd::IROUTER + spi * 8, to, vcpu, 8);
    }
  }
  // One interrupt of this vCPU, if there is one. The handler sees all that was sent before it began.
  bool take(unsigned vcpu) {
    const uint32_t iar = machine_.acknowledge(vcpu);
    const uint32_t intid = iar & 0x3ff;
    if (intid == 1023) return false;
    ++taken_;
    if (intid >= 32) seen_[intid] = sent_[intid].load();
    if (intid == 27) machine_.cpu(vcpu).timer_line = false;
    machine_.end(vcpu, iar);
    return true;
  }
  void run_vcpu(unsigned vcpu) {
    std::mt19937 random(vcpu);
    for (unsigned i = 0; i < rounds; ++i) {
      take(vcpu);
      const uint32_t spi = 32 + random() % 32;
      switch (random() % 16) {
        case 0: route(spi, random() % vcpus, vcpu); break;
        case 1: machine_.set_priority(spi, static_cast<uint8_t>(random()), vcpu); break;
        case 2: machine_.set_bits(gicd::ICENABLER, spi, 1u << spi % 32, vcpu); break;
        case 3: machine_.set_bits(gicd::ISENABLER, 32, ~0u, vcpu); break;
        case 4:
          if (random() % 16 == 0) (void)machine_.gicd(gicd::ISACTIVER + 4, vcpu);
          break;
        case 5:
          if (random() % 16 == 0) (void)machine_.gicd(gicd::ISPENDR + 4, vcpu);
          break;
        case 6:
          machine_.save(vcpu);
          (void)machine_.has_pending(vcpu);
          machine_.load(vcpu);
          break;
        case 7:
          if (random() % 64 == 0) machine_.set_gicd(gicd::CTLR, 3, vcpu), machine_.set_gicd(gicd::CTLR, 1, vcpu);
          break;
        case 8: machine_.cpu(vcpu).timer_line = true; break;
        default: send(vcpu, random() % vcpus, random() % 16); break;
      }
    }
    machine_.set_gicd(gicd::CTLR, 3, vcpu);
  }
  void send(unsigned from, unsigned to, unsigned sgi) {
    machine_.on(from);
    if (config_.version == Version::v2) {
      machine_.set_gicd(gicd::SGIR, 1u << (16 + to) | sgi, from);
    } else {
      machine_.vgic().send_sgi(from, vmm::vgic::Vgic::SgiRegister::sgi1r, uint64_t{sgi} << 24 | 1u << to);
    }
  }
  void run_devices() {
    std::mt19937 random(99);
    for (unsigned i = 0; i < rounds; ++i) {
      const uint32_t spi = 32 + random() % 32;
      ++sent_[spi];
      machine_.vgic().set_level(vmm::VirtualIrq{spi}, true);
      machine_.vgic().set_level(vmm::VirtualIrq{spi}, false);
    }
  }

  Config config_;
  Machine machine_;
  std::vector<std::atomic<unsigned>> sent_;  // edges, by INTID
  std::vector<std::atomic<unsigned>> seen_;  // as counted when a handler last ran
  std::atomic<unsigned> taken_{0};
};

TEST(VgicStress, v2_loses_nothing_with_all_vcpus_and_devices_busy) { Storm(Version::v2).run(); }
TEST(VgicStress, v3_loses_nothing_with_all_vcpus_and_devices_busy) { Storm(Version::v3).run(); }

}  // namespace

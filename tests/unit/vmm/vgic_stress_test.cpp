// SPDX-License-Identifier: Apache-2.0
// vCPUs and devices at the same time, each on a thread: no interrupt is lost, none comes twice, nothing hangs.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "vgic_its_guest.hpp"
#include "vgic_machine.hpp"

namespace {

namespace gicd = arch::gic::gicd;
namespace gits = arch::gic::gits;
using vgic_test::Config;
using vgic_test::Machine;
using vgic_test::Version;

constexpr unsigned vcpus = 3;
constexpr unsigned spis = 32;  // INTIDs 32 to 63: edges
constexpr unsigned lpis = 16;  // version 3; events of device 1 by the same numbers
constexpr unsigned rounds = 15000;

class Storm {
 public:
  explicit Storm(Version version)
      : config_{.version = version, .vcpus = vcpus, .spis = spis, .its = version == Version::v3},
        machine_(config_),
        sent_(64 + lpis),
        seen_(64 + lpis) {
    if (config_.its) {
      set_up_lpis();
    } else {
      machine_.load_all();
    }
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
    for (unsigned n = 32; n < sent_.size(); ++n) EXPECT_EQ(seen_[n].load(), sent_[n].load()) << n;
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
    const uint32_t intid = config_.version == Version::v2 ? iar & 0x3ff : iar;
    if (intid == 1023) return false;
    ++taken_;
    const uint32_t n = intid >= vgic_test::first_lpi ? 64 + intid - vgic_test::first_lpi : intid;
    if (n >= 32) seen_[n] = sent_[n].load();
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
        case 9:
          if (config_.its) trouble_lpis(vcpu, random(), random());
          break;
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
  void set_up_lpis() {
    its_.emplace(machine_, vcpus);
    machine_.kick_promptly(false);
    its_->map_device(1, 4);
    for (uint32_t lpi = 0; lpi < lpis; ++lpi) {
      its_->configure(vgic_test::first_lpi + lpi, 0x80, true);
      its_->map(1, lpi, vgic_test::first_lpi + lpi, lpi % vcpus);
    }
  }
  // One vCPU at a time has the command queue.
  void trouble_lpis(unsigned vcpu, uint64_t what, uint64_t which) {
    const std::lock_guard guard(queue_);
    its_->by = vcpu;
    const auto lpi = static_cast<uint32_t>(which % lpis);
    switch (what % 4) {
      case 0: its_->command(gits::Command::INVALL, 0, 0, which / lpis % vcpus); break;
      case 1:
        its_->configure(vgic_test::first_lpi + lpi, static_cast<uint8_t>(which / lpis % 8 * 0x20), true);
        its_->invalidate(1, lpi);
        break;
      default: its_->command(gits::Command::MOVI, 1, lpi, which / lpis % vcpus); break;
    }
  }
  void run_devices() {
    std::mt19937 random(99);
    for (unsigned i = 0; i < rounds; ++i) {
      if (config_.its && random() % 2 == 0) {
        const uint32_t lpi = random() % lpis;
        ++sent_[64 + lpi];
        machine_.vgic().send_msi(1, lpi);
        continue;
      }
      const uint32_t spi = 32 + random() % 32;
      ++sent_[spi];
      machine_.vgic().set_level(vmm::VirtualIrq{spi}, true);
      machine_.vgic().set_level(vmm::VirtualIrq{spi}, false);
    }
  }

  Config config_;
  Machine machine_;
  std::mutex queue_;
  std::optional<vgic_test::ItsGuest> its_;   // version 3
  std::vector<std::atomic<unsigned>> sent_;  // edges, by INTID, and behind them LPIs
  std::vector<std::atomic<unsigned>> seen_;  // as counted when a handler last ran
  std::atomic<unsigned> taken_{0};
};

TEST(VgicStress, v2_loses_nothing_with_all_vcpus_and_devices_busy) { Storm(Version::v2).run(); }
TEST(VgicStress, v3_loses_nothing_with_all_vcpus_and_devices_busy) { Storm(Version::v3).run(); }

}  // namespace

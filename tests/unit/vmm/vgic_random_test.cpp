// SPDX-License-Identifier: Apache-2.0
// The model against the reference: random operations of guests, devices and the vCPU loop, compared after each.
#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "vgic_its_guest.hpp"
#include "vgic_machine.hpp"
#include "vgic_reference.hpp"

namespace {

namespace gicd = arch::gic::gicd;
namespace gits = arch::gic::gits;
using vgic_test::Config;
using vgic_test::Machine;
using vgic_test::Reference;
using vgic_test::ReferenceIrq;
using vgic_test::Version;

struct Setup {
  Version version;
  unsigned vcpus;
  unsigned list_registers;
  bool prompt_kicks;  // a kicked vCPU leaves its guest at once; else it notices at its next turn
  bool drop_only;     // EOImode = 1
};

class Driver {
 public:
  static constexpr uint32_t intids = 96;
  static constexpr uint32_t lpis = 12;  // version 3; events of device 1 by the same numbers

  Driver(Setup setup, unsigned seed)
      : setup_(setup),
        random_(seed),
        machine_({.version = setup.version, .vcpus = setup.vcpus, .spis = intids - 32, .its = !v2()}, setup.list_registers),
        reference_(v2(), setup.vcpus, intids),
        loaded_(setup.vcpus, true),
        deactivations_(setup.vcpus) {
    machine_.kick_promptly(setup.prompt_kicks);
    if (v2()) {
      machine_.load_all();
    } else {
      set_up_lpis();
    }
    set_ctlr(3);
    for (unsigned i = 0; i < setup.vcpus; ++i) set_interface(i, true, true, 0xff);
    for (uint32_t intid = 0; intid < intids; ++intid) {
      if (pick(2) == 0) set_enabled(0, intid, true);
      if (intid >= 32) set_route(intid, pick(setup_.vcpus));
    }
  }

  void step() {
    const unsigned vcpu = some_loaded();
    const uint32_t intid = pick(4) == 0 ? pick(32) : pick(intids);
    switch (pick(v2() ? 22 : 30)) {
      case 0:
      case 1:
      case 2:
        if (intid >= 32) set_line(intid, pick(3) != 0);
        break;
      case 3: set_enabled(vcpu, intid, pick(3) != 0); break;
      case 4: set_pending(vcpu, intid); break;
      case 5: clear_pending(vcpu, intid); break;
      case 6: set_priority(vcpu, intid, static_cast<uint8_t>(pick(8) * 0x20)); break;
      case 7: set_group(vcpu, intid, pick(3) != 0); break;
      case 8:
        if (intid >= 32) set_route(intid, pick(setup_.vcpus));
        break;
      case 9:
      case 10: send(vcpu, pick(setup_.vcpus), pick(16)); break;
      case 11:
      case 12:
      case 13: acknowledge(vcpu); break;
      case 14:
      case 15: end(vcpu); break;
      case 16: deactivate(vcpu); break;
      case 17: set_interface(vcpu, pick(8) != 0, pick(8) != 0, pick(4) == 0 ? pick(256) & 0xf8 : 0xff); break;
      case 18: toggle_loaded(pick(setup_.vcpus)); break;
      case 19:
        if (pick(4) == 0) set_ctlr(pick(4) == 0 ? pick(4) : 3);
        break;
      case 20: activate(vcpu, intid); break;
      case 21: set_timer(vcpu, pick(2) != 0); break;
      case 22:
      case 23:
      case 24: raise_lpi(pick(lpis)); break;
      case 25: clear_lpi(pick(lpis)); break;
      case 26: move_lpi(pick(lpis), pick(setup_.vcpus)); break;
      case 27: configure_lpi(pick(lpis), static_cast<uint8_t>(pick(8) * 0x20), pick(4) != 0); break;
      case 28:
        if (pick(4) == 0) move_all_lpis(pick(setup_.vcpus), pick(setup_.vcpus));
        break;
      case 29:
        if (pick(4) == 0) restart_lpis(vcpu, pick(setup_.vcpus));
        break;
      default: break;
    }
    compare();
  }

 private:
  [[nodiscard]] bool v2() const { return setup_.version == Version::v2; }
  unsigned pick(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
  unsigned some_loaded() {
    for (;;) {
      const unsigned vcpu = pick(setup_.vcpus);
      if (loaded_[vcpu]) return vcpu;
    }
  }

  // --- Operations, on both ---

  void set_ctlr(unsigned groups) {
    machine_.set_gicd(gicd::CTLR, groups, 0);
    reference_.groups = groups;
  }
  void set_interface(unsigned vcpu, bool group0, bool group1, unsigned mask) {
    namespace v = arch::gic::ich_vmcr;
    const uint64_t value = v::VENG0::of(group0) | v::VENG1::of(group1) | v::VPMR::of(mask) | v::VBPR1::of(3) |
                           v::VBPR0::of(2) | v::VEOIM::of(setup_.drop_only ? 1 : 0);
    machine_.set_vmcr(vcpu, static_cast<uint32_t>(value));
    Reference::Cpu& cpu = reference_.cpu(vcpu);
    cpu.group0 = group0, cpu.group1 = group1, cpu.mask = mask, cpu.drop_only = setup_.drop_only;
  }
  void set_line(uint32_t spi, bool level) {
    machine_.vgic().set_level(vmm::VirtualIrq{spi}, level);
    reference_.set_line(spi, 0, level);
  }
  void set_enabled(unsigned vcpu, uint32_t intid, bool on) {
    machine_.set_bit(on ? gicd::ISENABLER : gicd::ICENABLER, intid, vcpu);
    if (!(v2() && intid < 16)) reference_.irq(intid, vcpu).enabled = on;
  }
  void set_pending(unsigned vcpu, uint32_t intid) {
    if (intid == 27) return;
    machine_.set_bit(gicd::ISPENDR, intid, vcpu);
    if (!(v2() && intid < 16)) reference_.irq(intid, vcpu).latch = true;
  }
  void clear_pending(unsigned vcpu, uint32_t intid) {
    machine_.set_bit(gicd::ICPENDR, intid, vcpu);
    if (!(v2() && intid < 16)) reference_.irq(intid, vcpu).latch = false;
  }
  void set_priority(unsigned vcpu, uint32_t intid, uint8_t priority) {
    ReferenceIrq& irq = reference_.irq(intid, vcpu);
    if (irq.active) return;  // the running priority would not follow
    machine_.set_priority(intid, priority, vcpu);
    irq.priority = priority;
  }
  void set_group(unsigned vcpu, uint32_t intid, bool group1) {
    const uint64_t old = machine_.bits(gicd::IGROUPR, intid, vcpu);
    const uint32_t bit = 1u << intid % 32;
    machine_.set_bits(gicd::IGROUPR, intid, static_cast<uint32_t>(group1 ? old | bit : old & ~bit), vcpu);
    reference_.irq(intid, vcpu).group1 = group1;
  }
  void set_route(uint32_t spi, unsigned vcpu) {
    if (!v2()) {
      machine_.set_gicd(gicd::IROUTER + spi * 8, vcpu, 0, 8);
      reference_.irq(spi, 0).target = static_cast<int>(vcpu);
    } else {
      const bool none = pick(4) == 0;
      machine_.set_gicd(gicd::ITARGETSR + spi, none ? 0 : 1u << vcpu, 0, 1);
      reference_.irq(spi, 0).target = setup_.vcpus == 1 ? 0 : none ? -1 : static_cast<int>(vcpu);
    }
  }
  void send(unsigned from, unsigned to, unsigned sgi) {
    machine_.on(from);
    if (v2()) {
      machine_.set_gicd(gicd::SGIR, 1u << (16 + to) | sgi, from);
    } else {
      machine_.vgic().send_sgi(from, vmm::vgic::Vgic::SgiRegister::sgi1r, uint64_t{sgi} << 24 | 1u << to);
    }
    reference_.send(from, to, sgi);
  }
  void acknowledge(unsigned vcpu) {
    const auto candidates = reference_.signalled(vcpu);
    const uint32_t iar = machine_.acknowledge(vcpu);
    const uint32_t intid = v2() ? iar & 0x3ff : iar;
    if (candidates.empty()) {
      ASSERT_EQ(intid, 1023u);
      return;
    }
    ASSERT_TRUE(candidates.contains(intid)) << intid << " instead of " << *candidates.begin();
    const unsigned source = v2() ? iar >> 10 : 0;
    if (v2() && intid < 16) ASSERT_TRUE(reference_.irq(intid, vcpu).sources.contains(source));
    reference_.acknowledge(vcpu, intid, source);
  }
  void end(unsigned vcpu) {
    Reference::Cpu& cpu = reference_.cpu(vcpu);
    if (cpu.running.empty()) return;
    const uint32_t intid = cpu.running.back().intid;
    machine_.end(vcpu, intid);
    reference_.end(vcpu);
    if (setup_.drop_only && intid < intids) deactivations_[vcpu].push_back(intid);
  }
  // ICC_DIR_EL1 and GICC_DIR. SPIs may be ended by another vCPU than took them.
  void deactivate(unsigned vcpu) {
    if (!setup_.drop_only) return;
    const unsigned taker = some_loaded();
    auto& list = deactivations_[taker];
    if (list.empty()) return;
    const size_t at = pick(static_cast<unsigned>(list.size()));
    const uint32_t intid = list[at];
    if (intid < 32 && taker != vcpu) return;
    list.erase(list.begin() + static_cast<ptrdiff_t>(at));
    machine_.on(vcpu);
    if (v2()) {
      machine_.write(vcpu, *machine_.mmio().cpu_interface, 0, intid);
    } else {
      machine_.vgic().deactivate(vcpu, intid);
    }
    reference_.irq(intid, vcpu).active = false;
  }
  // By software; only what the guest has not taken, because the end of that is its own business.
  void activate(unsigned vcpu, uint32_t intid) {
    ReferenceIrq& irq = reference_.irq(intid, vcpu);
    if (taken(intid, vcpu) || intid == 27) return;
    machine_.set_bit(irq.active ? gicd::ICACTIVER : gicd::ISACTIVER, intid, vcpu);
    irq.active = !irq.active;
  }
  bool taken(uint32_t intid, unsigned vcpu) {
    for (unsigned i = 0; i < setup_.vcpus; ++i) {
      if (intid < 32 && i != vcpu) continue;
      for (const auto& entry : reference_.cpu(i).running) {
        if (entry.intid == intid) return true;
      }
      if (std::ranges::count(deactivations_[i], intid) != 0) return true;
    }
    return false;
  }
  void set_timer(unsigned vcpu, bool level) {
    machine_.cpu(vcpu).timer_line = level;
    machine_.enter(vcpu);
    // A timer that stops asking is noticed when the list registers are read back.
    (void)machine_.bits(gicd::ISPENDR, 0, vcpu);
    reference_.irq(27, vcpu).line = level;
  }
  void toggle_loaded(unsigned vcpu) {
    if (!loaded_[vcpu]) {
      machine_.load(vcpu);
      loaded_[vcpu] = true;
    } else if (std::ranges::count(loaded_, true) > 1 && !reference_.irq(27, vcpu).line) {
      machine_.save(vcpu);
      loaded_[vcpu] = false;
    }
  }

  // --- LPIs ---

  void set_up_lpis() {
    its_.emplace(machine_, setup_.vcpus);
    its_->map_device(1, 4);
    reference_.lpis.resize(lpis);
    for (unsigned i = 0; i < setup_.vcpus; ++i) reference_.collections.push_back(i);
    for (uint32_t lpi = 0; lpi < lpis; ++lpi) {
      its_->map(1, lpi, vgic_test::first_lpi + lpi, 0);
      configure_lpi(lpi, 0x80, true);
    }
  }
  void configure_lpi(uint32_t lpi, uint8_t priority, bool enabled) {
    its_->configure(vgic_test::first_lpi + lpi, priority, enabled);
    if (pick(2) == 0) {
      its_->invalidate(1, lpi);
    } else {
      its_->command(gits::Command::INVALL, 0, 0, reference_.lpis[lpi].collection);
    }
    reference_.lpis[lpi].priority = priority;
    reference_.lpis[lpi].enabled = enabled;
  }
  void raise_lpi(uint32_t lpi) {
    if (pick(2) == 0) {
      machine_.vgic().send_msi(1, lpi);
    } else {
      its_->command(gits::Command::INT, 1, lpi, 0);
    }
    reference_.lpis[lpi].pending = true;
  }
  void clear_lpi(uint32_t lpi) {
    its_->command(gits::Command::CLEAR, 1, lpi, 0);
    reference_.lpis[lpi].pending = false;
  }
  void move_lpi(uint32_t lpi, unsigned collection) {
    its_->command(gits::Command::MOVI, 1, lpi, collection);
    reference_.lpis[lpi].collection = collection;
  }
  // As software does it: the collections, then what is pending (5.3.14).
  void move_all_lpis(unsigned from, unsigned to) {
    if (from == to) return;
    for (unsigned i = 0; i < setup_.vcpus; ++i) {
      if (reference_.collections[i] != from) continue;
      its_->map_collection(i, to);
      reference_.collections[i] = to;
    }
    its_->command(gits::Command::MOVALL, 0, 0, uint64_t{from} << 16, uint64_t{to} << 16);
  }
  // They are the guest's in between, and pending again afterwards.
  void restart_lpis(unsigned vcpu, unsigned frame) {
    for (const uint64_t enable : {0, 1}) machine_.set_gicr(frame, arch::gic::gicr::CTLR, enable, vcpu);
  }

  // --- Comparison ---

  void compare() {
    for (unsigned vcpu = 0; vcpu < setup_.vcpus; ++vcpu) {
      const bool expected = !reference_.signalled(vcpu).empty();
      if (loaded_[vcpu]) ASSERT_EQ(machine_.irq(vcpu), expected) << "vcpu " << vcpu;
      if (pick(4) == 0 || !loaded_[vcpu]) ASSERT_EQ(machine_.has_pending(vcpu), expected) << "vcpu " << vcpu;
      if (loaded_[vcpu]) machine_.enter(vcpu);
    }
    if (pick(8) != 0) return;
    const unsigned vcpu = some_loaded();
    for (uint32_t first = 0; first < intids; first += 32) {
      uint32_t enabled = 0, pending = 0, active = 0, group1 = 0;
      for (uint32_t i = 0; i < 32; ++i) {
        const ReferenceIrq& irq = reference_.irq(first + i, vcpu);
        enabled |= irq.enabled ? 1u << i : 0;
        pending |= irq.pending() ? 1u << i : 0;
        active |= irq.active ? 1u << i : 0;
        group1 |= irq.group1 ? 1u << i : 0;
      }
      ASSERT_EQ(machine_.bits(gicd::ISENABLER, first, vcpu), enabled) << first;
      ASSERT_EQ(machine_.bits(gicd::ISPENDR, first, vcpu), pending) << first;
      ASSERT_EQ(machine_.bits(gicd::ISACTIVER, first, vcpu), active) << first;
      ASSERT_EQ(machine_.bits(gicd::IGROUPR, first, vcpu), group1) << first;
    }
  }

  const Setup setup_;
  std::mt19937 random_;
  Machine machine_;
  Reference reference_;
  std::optional<vgic_test::ItsGuest> its_;  // version 3
  std::vector<bool> loaded_;
  std::vector<std::vector<uint32_t>> deactivations_;  // priority dropped, still active, by who took it
};

class VgicRandomTest : public testing::TestWithParam<Setup> {};

TEST_P(VgicRandomTest, does_what_the_reference_does) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    Driver driver(GetParam(), seed);
    for (unsigned i = 0; i < 2500; ++i) {
      driver.step();
      if (HasFatalFailure()) {
        ADD_FAILURE() << "seed " << seed << ", step " << i;
        return;
      }
    }
  }
}

std::vector<Setup> setups() {
  std::vector<Setup> all;
  for (const Version version : {Version::v2, Version::v3}) {
    for (const unsigned vcpus : {1u, 3u}) {
      for (const unsigned list_registers : {1u, 2u, 4u, 16u}) {
        for (const bool drop_only : {false, true}) {
          all.push_back({version, vcpus, list_registers, true, drop_only});
        }
      }
    }
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(All, VgicRandomTest, testing::ValuesIn(setups()), [](const auto& info) {
  const Setup& s = info.param;
  return std::string(s.version == Version::v2 ? "v2" : "v3") + "_" + std::to_string(s.vcpus) + "_vcpus_" +
         std::to_string(s.list_registers) + "_registers" + (s.drop_only ? "_eoimode1" : "");
});

}  // namespace

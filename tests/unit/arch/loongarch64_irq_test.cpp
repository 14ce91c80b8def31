// SPDX-License-Identifier: Apache-2.0
// The drivers of a LoongArch machine's interrupt controllers, against controllers that know the manuals' registers and
// nothing else.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>

#include "arch/iocsr.hpp"
#include "arch/loongarch64/irq/eiointc.hpp"
#include "arch/loongarch64/irq/liointc.hpp"
#include "arch/loongarch64/irq/pch_pic.hpp"
#include "arch/mmio.hpp"

namespace {

using hal::HostVirt;

constexpr HostVirt base(0x1000'0000);

// Registers of a device from `base` on, byte by byte; `width` is checked, as a controller on a bus would.
class Registers : public arch::FakeRegisters {
 public:
  Registers() { installed = this; }

  uint32_t read(HostVirt place, unsigned width) final {
    uint32_t value = 0;
    for (unsigned n = 0; n < width; ++n) value |= uint32_t{get(place - base + n)} << (8 * n);
    return value;
  }
  void write(HostVirt place, unsigned width, uint32_t value) final {
    const uint64_t offset = place - base;
    EXPECT_EQ(offset % width, 0U);
    for (unsigned n = 0; n < width; ++n) set(offset + n, static_cast<uint8_t>(value >> (8 * n)));
  }

 protected:
  ~Registers() { installed = nullptr; }
  virtual uint8_t get(uint64_t offset) = 0;
  virtual void set(uint64_t offset, uint8_t value) = 0;
};

// --- PCH-PIC: 7A1000 manual, chapter 5 -------------------------------------------------------------------------------

// Inputs that are raised and what the CPU hears of them. Registers begin as a power-on might leave them: with nonsense.
class PchPicHardware final : public Registers {
 public:
  void raise(unsigned input, bool on) {
    if (on && !lines_[input] && bit(0x60, input)) edges_[input] = true;
    lines_[input] = on;
  }
  // The vector of each message since the last call, by input.
  std::map<unsigned, unsigned> messages() {
    std::map<unsigned, unsigned> sent;
    for (unsigned input = 0; input < 64; ++input) {
      const bool pending = bit(0x60, input) ? edges_[input] : lines_[input] != bit(0x3e0, input);
      const bool fresh = pending && !served_[input] && !bit(0x20, input);
      if (!fresh || !bit(0x40, input) || bytes_[0x100 + input] != 1) continue;
      served_[input] = true;
      sent[input] = bytes_[0x200 + input];
    }
    return sent;
  }

 private:
  uint8_t get(uint64_t offset) override { return bytes_.at(offset); }
  void set(uint64_t offset, uint8_t value) override {
    if (offset < 0x80 || offset >= 0x88) {
      bytes_.at(offset) = value;
      return;
    }
    for (unsigned n = 0; n < 8; ++n) {  // clear: ends the service
      if ((value >> n & 1) != 0) edges_[8 * (offset - 0x80) + n] = served_[8 * (offset - 0x80) + n] = false;
    }
  }
  bool bit(unsigned bank, unsigned input) { return (bytes_[bank + input / 8] >> (input % 8) & 1) != 0; }

  std::array<uint8_t, 0x400> bytes_ = [] {
    std::array<uint8_t, 0x400> nonsense;
    nonsense.fill(0x5a);
    return nonsense;
  }();
  std::array<bool, 64> lines_{}, edges_{}, served_{};
};

using Messages = std::map<unsigned, unsigned>;

class PchPicDriver : public testing::Test {
 protected:
  void SetUp() override { pic_.set_up(base, 64); }

  PchPicHardware hardware_;
  arch::PchPic pic_;
};

TEST_F(PchPicDriver, begins_with_all_inputs_masked) {
  for (unsigned input = 0; input < 64; ++input) hardware_.raise(input, true);
  EXPECT_TRUE(hardware_.messages().empty());
}

TEST_F(PchPicDriver, owns_the_vectors_of_its_inputs_once_it_is_set_up) {
  EXPECT_FALSE(pic_.owns(63));
  EXPECT_TRUE(pic_.owns(64));
  EXPECT_TRUE(pic_.owns(127));
  EXPECT_FALSE(pic_.owns(128));
  EXPECT_FALSE(arch::PchPic().owns(0));
}

TEST_F(PchPicDriver, lets_an_input_through_as_its_vector_and_no_other) {
  for (const unsigned input : {0U, 2U, 31U, 32U, 63U}) {
    pic_.configure(64 + input, true);
    pic_.unmask(64 + input);
    hardware_.raise(input, true);
    hardware_.raise(input ^ 1, true);
    EXPECT_EQ(hardware_.messages(), (Messages{{input, 64 + input}}));
    pic_.mask(64 + input);
  }
}

TEST_F(PchPicDriver, hears_a_level_again_that_is_still_high_when_it_is_unmasked) {
  pic_.configure(66, true);
  pic_.unmask(66);
  hardware_.raise(2, true);
  EXPECT_EQ(hardware_.messages().size(), 1U);
  pic_.mask(66);
  EXPECT_TRUE(hardware_.messages().empty());
  pic_.unmask(66);
  EXPECT_EQ(hardware_.messages().size(), 1U);
  pic_.mask(66);
  hardware_.raise(2, false);
  pic_.unmask(66);
  EXPECT_TRUE(hardware_.messages().empty());
}

TEST_F(PchPicDriver, hears_an_edge_once) {
  pic_.configure(67, false);
  pic_.unmask(67);
  hardware_.raise(3, true);
  EXPECT_EQ(hardware_.messages().size(), 1U);
  pic_.mask(67);
  pic_.unmask(67);
  EXPECT_TRUE(hardware_.messages().empty());
}

// --- LIOINTC: 3A5000 manual, 11.1 ------------------------------------------------------------------------------------

class LioIntcHardware final : public Registers {
 public:
  void raise(unsigned input, bool on) {
    const uint32_t bit = 1U << input;
    if (on && (lines_ & bit) == 0 && (edge_ & enabled_ & bit) != 0) edges_ |= bit;
    lines_ = on ? lines_ | bit : lines_ & ~bit;
  }
  // What a core sees at its line HWI0 to HWI3.
  uint32_t at(unsigned core, unsigned line) {
    uint32_t seen = 0;
    for (unsigned input = 0; input < 32; ++input) {
      const bool here = (routes_[input] >> core & 1) != 0 && (routes_[input] >> (4 + line) & 1) != 0;
      if (here) seen |= pending() & 1U << input;
    }
    return seen;
  }

 private:
  uint32_t pending() const { return enabled_ & ((edge_ & edges_) | (~edge_ & lines_)); }
  uint8_t get(uint64_t offset) override {
    const unsigned byte = offset % 4 * 8;
    if (offset < 32) return routes_[offset];
    if (offset / 4 == 0x24 / 4) return static_cast<uint8_t>(enabled_ >> byte);
    if (offset / 4 == 0x34 / 4) return static_cast<uint8_t>(edge_ >> byte);
    if (offset >= 0x40 && offset < 0x60 && offset % 8 < 4) {
      const auto core = static_cast<unsigned>((offset - 0x40) / 8);
      return static_cast<uint8_t>((at(core, 0) | at(core, 1) | at(core, 2) | at(core, 3)) >> byte);
    }
    ADD_FAILURE() << "no register to read at " << offset;
    return 0;
  }
  void set(uint64_t offset, uint8_t value) override {
    const unsigned byte = offset % 4 * 8;
    const uint32_t bits = uint32_t{value} << byte;
    if (offset < 32) {
      routes_[offset] = value;
    } else if (offset / 4 == 0x28 / 4) {
      enabled_ |= bits;
    } else if (offset / 4 == 0x2c / 4) {
      enabled_ &= ~bits;
      edges_ &= ~bits;
    } else if (offset / 4 == 0x34 / 4) {
      edge_ = (edge_ & ~(uint32_t{0xff} << byte)) | bits;
    } else {
      ADD_FAILURE() << "no register to write at " << offset;
    }
  }

  uint32_t lines_ = 0, edges_ = 0, enabled_ = 0xa5a5'a5a5, edge_ = 0x0f0f'0f0f;
  std::array<uint8_t, 32> routes_{};
};

class LioIntcDriver : public testing::Test {
 protected:
  void SetUp() override { controller_.set_up(base, 1); }

  LioIntcHardware hardware_;
  arch::LioIntc controller_;
};

TEST_F(LioIntcDriver, begins_with_all_inputs_off) {
  for (unsigned input = 0; input < 32; ++input) hardware_.raise(input, true);
  for (unsigned core = 0; core < 4; ++core) EXPECT_EQ(controller_.take(core), 0U);
}

TEST_F(LioIntcDriver, leads_an_input_to_one_core_and_one_line) {
  controller_.route(10, 2);
  controller_.configure(10, true);
  controller_.enable(10);
  hardware_.raise(10, true);
  for (unsigned core = 0; core < 4; ++core) {
    for (unsigned line = 0; line < 4; ++line)
      EXPECT_EQ(hardware_.at(core, line), core == 2 && line == 1 ? 1U << 10 : 0U);
  }
}

TEST_F(LioIntcDriver, serves_what_is_for_a_core_out_of_reach_on_the_first) {
  controller_.route(10, 4);
  controller_.configure(10, true);
  controller_.enable(10);
  hardware_.raise(10, true);
  EXPECT_EQ(controller_.take(4), 0U);
  EXPECT_EQ(controller_.take(0), 1U << 10);
}

TEST_F(LioIntcDriver, keeps_a_level_silent_until_its_device_was_served) {
  controller_.configure(10, true);
  controller_.enable(10);
  hardware_.raise(10, true);
  EXPECT_EQ(controller_.take(0), 1U << 10);
  EXPECT_EQ(controller_.take(0), 0U);
  controller_.enable(10);
  EXPECT_EQ(controller_.take(0), 1U << 10);
  hardware_.raise(10, false);
  controller_.enable(10);
  EXPECT_EQ(controller_.take(0), 0U);
}

TEST_F(LioIntcDriver, loses_no_edge_that_comes_while_the_last_one_is_served) {
  controller_.configure(3, false);
  controller_.enable(3);
  hardware_.raise(3, true);
  EXPECT_EQ(controller_.take(0), 1U << 3);
  EXPECT_EQ(controller_.take(0), 0U);
  hardware_.raise(3, false);
  hardware_.raise(3, true);
  controller_.enable(3);
  EXPECT_EQ(controller_.take(0), 1U << 3);
}

TEST_F(LioIntcDriver, stops_an_input_that_is_disabled) {
  controller_.configure(10, true);
  controller_.enable(10);
  controller_.disable(10);
  hardware_.raise(10, true);
  EXPECT_EQ(controller_.take(0), 0U);
}

TEST(LioIntcDriverWithoutOne, has_nothing_pending) { EXPECT_EQ(arch::LioIntc().take(0), 0U); }

// --- EIOINTC: 3A5000 manual, 11.2 ------------------------------------------------------------------------------------

// Words and double words, as QEMU's model takes them.
class EiointcHardware final : public arch::FakeIocsrs {
 public:
  EiointcHardware() { installed = this; }
  ~EiointcHardware() { installed = nullptr; }

  // Core `core` of node `node` hears of it, on which line: one bit for HWI0 to HWI3. Nothing while the vector is off.
  unsigned arrive(unsigned vector, unsigned node, unsigned core) {
    if ((misc_ >> 48 & 1) == 0 || (byte(0x1600 + vector / 8) >> vector % 8 & 1) == 0) return 0;
    if ((byte(0x1680 + vector / 8) >> vector % 8 & 1) != 0) return 0;  // spread: to anybody
    const unsigned route = byte(0x1c00 + vector);
    const unsigned to_node = byte(0x14a0 + 2 * (route >> 4)) | byte(0x14a1 + 2 * (route >> 4)) << 8;
    if (to_node != node || (route >> core & 1) == 0) return 0;
    pending_[vector] = true;
    return byte(0x14c0 + vector / 32);
  }

 private:
  uint64_t read(uint64_t address, unsigned width) override {
    EXPECT_TRUE((width == 4 || width == 8) && address % width == 0);
    if (address == 0x420) return misc_;
    uint64_t value = 0;
    for (unsigned n = 0; n < width; ++n) value |= uint64_t{byte(address + n)} << (8 * n);
    return value;
  }
  void write(uint64_t address, unsigned width, uint64_t value) override {
    EXPECT_TRUE((width == 4 || width == 8) && address % width == 0);
    if (address == 0x420) {
      misc_ = value;
      return;
    }
    for (unsigned n = 0; n < width; ++n) {
      const auto part = static_cast<uint8_t>(value >> (8 * n));
      if (address + n >= 0x1800 && address + n < 0x1820) {
        for (unsigned bit = 0; bit < 8; ++bit) {
          if ((part >> bit & 1) != 0) pending_[8 * (address + n - 0x1800) + bit] = false;
        }
      } else {
        bytes_[address + n] = part;
      }
    }
  }
  uint8_t byte(uint64_t address) {
    if (address >= 0x1800 && address < 0x1820) {
      unsigned value = 0;
      for (unsigned bit = 0; bit < 8; ++bit) value |= unsigned{pending_[8 * (address - 0x1800) + bit]} << bit;
      return static_cast<uint8_t>(value);
    }
    EXPECT_TRUE(address >= 0x14a0 && address < 0x1d00) << std::hex << address;
    return bytes_.try_emplace(address, 0x5a).first->second;  // what a power-on leaves there
  }

  uint64_t misc_ = 0x1234;
  std::map<uint64_t, uint8_t> bytes_;
  std::array<bool, 256> pending_{};
};

class EiointcDriver : public testing::Test {
 protected:
  void SetUp() override { arch::eiointc::set_up(3); }  // HWI1

  EiointcHardware hardware_;
};

TEST_F(EiointcDriver, begins_with_all_vectors_off) {
  for (unsigned vector = 0; vector < 256; ++vector) {
    for (unsigned core = 0; core < 4; ++core) EXPECT_EQ(hardware_.arrive(vector, 0, core), 0U);
  }
}

TEST_F(EiointcDriver, brings_each_vector_to_the_core_it_is_routed_to_on_its_line) {
  constexpr unsigned hwi1 = 1 << 1;
  for (unsigned vector = 0; vector < 256; ++vector) {
    const unsigned hardware_id = vector % 64;  // of 16 nodes
    arch::eiointc::route(vector, hardware_id);
    arch::eiointc::set_enabled(vector, true);
    for (unsigned core = 0; core < 4; ++core) {
      const bool here = core == hardware_id % 4;
      EXPECT_EQ(hardware_.arrive(vector, hardware_id / 4, core), here ? hwi1 : 0U) << vector;
    }
    EXPECT_EQ(hardware_.arrive(vector, (hardware_id / 4 + 1) % 16, hardware_id % 4), 0U);
  }
}

TEST_F(EiointcDriver, changes_no_neighbour_of_a_vector) {
  arch::eiointc::route(5, 1);
  arch::eiointc::route(6, 2);
  arch::eiointc::set_enabled(5, true);
  arch::eiointc::set_enabled(6, true);
  arch::eiointc::route(6, 3);
  arch::eiointc::set_enabled(6, false);
  EXPECT_NE(hardware_.arrive(5, 0, 1), 0U);
  EXPECT_EQ(hardware_.arrive(6, 0, 3), 0U);
}

TEST_F(EiointcDriver, hands_each_pending_vector_out_once) {
  for (const unsigned vector : {0U, 63U, 64U, 255U}) {
    arch::eiointc::route(vector, 0);
    arch::eiointc::set_enabled(vector, true);
    EXPECT_NE(hardware_.arrive(vector, 0, 0), 0U);
  }
  EXPECT_EQ(arch::eiointc::take(0), uint64_t{1} | uint64_t{1} << 63);
  EXPECT_EQ(arch::eiointc::take(0), 0U);
  EXPECT_EQ(arch::eiointc::take(1), 1U);
  EXPECT_EQ(arch::eiointc::take(2), 0U);
  EXPECT_EQ(arch::eiointc::take(3), uint64_t{1} << 63);
  EXPECT_EQ(arch::eiointc::take(3), 0U);
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
// The interrupt controllers of a LoongArch VM: IPI, EIOINTC, PCH-PIC and PCH-MSI, and all of it by IOCSR.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "vmm/irq/loongson/iocsr.hpp"
#include "vmm/irq/loongson/pch_pic.hpp"

namespace {

using vmm::VcpuIndex;
using vmm::VirtualIrq;
using namespace vmm::loongson;

constexpr unsigned cores = 4;
constexpr uint32_t ipi_status = 0x1000, ipi_enable = 0x1004, ipi_set = 0x1008, ipi_clear = 0x100c, mailbox0 = 0x1020,
                   ipi_send = 0x1040, mail_send = 0x1048, any_send = 0x1158;
constexpr uint32_t node_map = 0x14a0, pin_map = 0x14c0, enable = 0x1600, bounce = 0x1680, isr = 0x1700,
                   core_isr = 0x1800, route = 0x1c00;
constexpr uint32_t virt_features = 0x4000'0000, virt_config = 0x4000'0004;
constexpr uint64_t mask = 0x20, message_enable = 0x40, edge = 0x60, clear_edges = 0x80, routes = 0x100, vector = 0x200,
                   request = 0x380, in_service = 0x3a0, polarity = 0x3e0;
constexpr uint32_t hwi(unsigned n) { return 1U << (CpuLines::hwi0 + n); }

class FakeKicker final : public vmm::VcpuKicker {
 public:
  void kick(VcpuIndex vcpu) override { kicked.push_back(vcpu); }
  std::vector<VcpuIndex> kicked;
};

class FakeStarter final : public SecondaryStart {
 public:
  void start_vcpu(VcpuIndex vcpu, hal::GuestPhys entry) override { started[vcpu] = entry.value(); }
  std::map<VcpuIndex, uint64_t> started;
};

struct Machine {
  explicit Machine(bool virtual_extension = true) : eiointc(cores, lines, virtual_extension) {}

  uint64_t read(VcpuIndex self, uint32_t address, unsigned size = 4) { return iocsr.read(self, address, size).value(); }
  void write(VcpuIndex self, uint32_t address, uint64_t value, unsigned size = 4) {
    EXPECT_TRUE(iocsr.write(self, address, size, value)) << std::hex << address;
  }
  uint64_t pic(uint64_t offset, uint8_t size = 4) { return pch.read({offset, size, 0}); }
  void set_pic(uint64_t offset, uint64_t value, uint8_t size = 4) { pch.write({offset, size, 0}, value); }
  // As Linux sets an input up: its vector, level-sensitive, unmasked; the vector enabled and routed.
  void connect(unsigned input, unsigned to_vector, VcpuIndex core) {
    set_pic(vector + input, to_vector, 1);
    set_pic(mask, pic(mask, 8) & ~(uint64_t{1} << input), 8);
    write(0, enable + to_vector / 32 * 4, read(0, enable + to_vector / 32 * 4) | 1U << to_vector % 32);
    write(0, route + to_vector, 1U << core, 1);
  }

  FakeKicker kicker;
  FakeStarter starter;
  CpuLines lines{kicker};
  Ipi ipi{cores, lines, starter};
  Eiointc eiointc;
  Iocsr iocsr{cores, ipi, eiointc, true};
  PchPic pch{hal::GuestPhys(0x1000'0000), 64, eiointc};
  PchMsi msi{hal::GuestPhys(0x2ff0'0000), 32, eiointc};
};

TEST(LoongsonIpi, raises_its_line_while_an_enabled_interrupt_is_pending) {
  Machine m;
  m.write(1, ipi_set, 0x5);
  EXPECT_EQ(m.lines.lines(1), 0U) << "nothing is enabled";
  m.write(1, ipi_enable, 0x4);
  EXPECT_EQ(m.lines.lines(1), CpuLines::ipi);
  EXPECT_EQ(m.read(1, ipi_status), 0x5U);
  m.write(1, ipi_clear, 0x4);
  EXPECT_EQ(m.lines.lines(1), 0U);
  EXPECT_EQ(m.read(1, ipi_status), 0x1U);
  EXPECT_EQ(m.read(0, ipi_status), 0U) << "every core has its own";
}

TEST(LoongsonIpi, is_sent_to_the_core_that_the_word_names) {
  Machine m;
  m.write(2, ipi_enable, ~0U);
  m.write(0, ipi_send, 1U << 31 | 2U << 16 | 7);
  EXPECT_EQ(m.read(2, ipi_status), 1U << 7);
  EXPECT_EQ(m.lines.lines(2), CpuLines::ipi);
  EXPECT_EQ(m.kicker.kicked, std::vector<VcpuIndex>{2});
  m.write(0, ipi_send, 2U << 16 | 7);
  EXPECT_EQ(m.kicker.kicked.size(), 1U) << "the line is high already";
  for (const unsigned absent : {4U, 63U, 64U, 1023U}) m.write(0, ipi_send, absent << 16 | 7);
  for (VcpuIndex core : {0U, 1U, 3U}) EXPECT_EQ(m.read(core, ipi_status), 0U);
}

TEST(LoongsonIpi, carries_mail_in_halves_and_bytes) {
  Machine m;
  m.write(0, mail_send, 0x9000'0000ULL << 32 | 3U << 16 | 1U << 2, 8);
  m.write(0, mail_send, 0x0020'1234ULL << 32 | 3U << 16, 8);
  EXPECT_EQ(m.read(3, mailbox0, 8), 0x9000'0000'0020'1234U);
  m.write(0, mail_send, 0xffff'ffffULL << 32 | 0b1101U << 27 | 3U << 16, 8);
  EXPECT_EQ(m.read(3, mailbox0, 8), 0x9000'0000'0020'ff34U) << "bytes whose bit is set stay";
  m.write(0, mail_send, 0x1ULL << 32 | 3U << 16 | 7U << 2, 8);
  EXPECT_EQ(m.read(3, mailbox0 + 0x18, 8), 0x1'0000'0000U) << "the last half of the last mailbox";
  m.write(0, mail_send, 0x1ULL << 32 | 100U << 16, 8);
  m.write(3, mailbox0, 0x55, 1);
  EXPECT_EQ(m.read(3, mailbox0, 2), 0xff55U);
}

TEST(LoongsonIpi, starts_a_core_where_its_mailbox_says) {
  Machine m;
  m.write(0, ipi_send, 1U << 16);
  EXPECT_TRUE(m.starter.started.empty()) << "an empty mailbox is no address";
  m.write(0, mail_send, 0x9000'0000ULL << 32 | 1U << 16 | 1U << 2, 8);
  EXPECT_TRUE(m.starter.started.empty()) << "its upper half is not waited for";
  m.write(0, mail_send, 0x20'0000ULL << 32 | 1U << 16, 8);
  EXPECT_EQ(m.starter.started, (std::map<VcpuIndex, uint64_t>{{1, 0x9000'0000'0020'0000}})) << "the interrupt is there";
  m.write(0, mail_send, 0x30'0000ULL << 32 | 2U << 16, 8);
  EXPECT_EQ(m.starter.started.size(), 1U) << "what wakes it is the interrupt";
  m.write(0, ipi_send, 2U << 16 | 5);
  EXPECT_EQ(m.starter.started[2], 0x30'0000U) << "whichever it is";
  m.write(0, ipi_send, 3U << 16);
  m.write(0, any_send, 0x40'0000ULL << 32 | 3U << 16 | mailbox0, 8);
  EXPECT_EQ(m.starter.started[3], 0x40'0000U);
}

TEST(LoongsonIpi, is_handed_over_as_firmware_leaves_it) {
  Machine m;
  m.write(0, mail_send, 0x20'0000ULL << 32 | 1U << 16, 8);
  m.write(0, ipi_send, 1U << 16 | 3);
  m.ipi.hand_over(1);
  EXPECT_EQ(m.read(1, ipi_status), 0U);
  EXPECT_EQ(m.read(1, ipi_enable), ~0U);
  EXPECT_EQ(m.read(1, mailbox0, 8), 0x20'0000U);
  EXPECT_EQ(m.lines.lines(1), 0U);
  m.write(0, ipi_send, 1U << 16 | 3);
  EXPECT_EQ(m.lines.lines(1), CpuLines::ipi);
}

TEST(LoongsonIocsr, says_what_qemus_board_says) {
  Machine m;
  EXPECT_EQ(m.read(0, 0x0), 0x11U);
  EXPECT_EQ(m.read(0, 0x8), 0x81cU) << "messages, EIOINTC, IPI, and that this is a VM";
  EXPECT_EQ(m.read(0, 0x10, 8), 0x6e6f'7367'6e6f'6f4cU);
  EXPECT_EQ(m.read(0, 0x20, 8), 0x3030'3035'4133U);
  EXPECT_EQ(m.read(0, 0x13, 1), 0x6eU);
  EXPECT_EQ(m.read(0, 0x420, 8), 0U);
  m.write(0, 0x424, 0x3'0000);
  EXPECT_EQ(m.read(0, 0x420, 8), uint64_t{3} << 48);
}

TEST(LoongsonIocsr, knows_what_is_not_there) {
  Machine m;
  for (const uint32_t address : {0x28U, 0x430U, 0x1050U, 0x1d00U, 0x2000U, 0x3fff'fff8U, 0x4000'0008U, ~7U}) {
    EXPECT_FALSE(m.iocsr.read(0, address, 4).has_value()) << std::hex << address;
    EXPECT_FALSE(m.iocsr.write(0, address, 4, ~0U)) << std::hex << address;
  }
  EXPECT_FALSE(m.iocsr.read(0, ipi_status + 2, 4).has_value()) << "not aligned";
}

TEST(LoongsonIocsr, writes_registers_of_other_cores) {
  Machine m;
  m.write(0, any_send, 0x4ULL << 32 | 2U << 16 | ipi_enable, 8);
  EXPECT_EQ(m.read(2, ipi_enable), 4U);
  m.write(0, any_send, 0x0400'0000ULL << 32 | 0b0111U << 27 | 1U << 16 | (route + 4), 8);
  EXPECT_EQ(m.read(0, route + 4), 0x0400'0000U);
  m.write(0, any_send, 0xffULL << 32 | 9U << 16 | ipi_enable, 8);
  m.write(0, any_send, 0xffULL << 32 | 1U << 16 | any_send, 8);
  EXPECT_EQ(m.read(1, ipi_enable), 0U);
}

TEST(LoongsonEiointc, brings_a_vector_to_its_core_and_pin) {
  Machine m;
  m.write(0, pin_map, 0x0000'0402);  // vectors 0 to 31 to HWI1, 32 to 63 to HWI2
  m.write(0, enable, ~uint64_t{0}, 8);
  m.write(0, route + 5, 1U << 2, 1);
  m.write(0, route + 40, 1U << 3, 1);
  m.eiointc.set_level(5, true);
  m.eiointc.message(40);
  EXPECT_EQ(m.lines.lines(2), hwi(1));
  EXPECT_EQ(m.lines.lines(3), hwi(2));
  EXPECT_EQ(m.read(2, core_isr, 8), 1U << 5);
  EXPECT_EQ(m.read(3, core_isr, 8), uint64_t{1} << 40);
  EXPECT_EQ(m.read(0, core_isr, 8), 0U);
  EXPECT_EQ(m.read(0, isr, 8), 1U << 5) << "the message is in service, and no more";
  m.write(3, core_isr, uint64_t{1} << 40, 8);
  EXPECT_EQ(m.lines.lines(3), 0U);
  m.eiointc.set_level(5, false);
  EXPECT_EQ(m.lines.lines(2), 0U);
}

TEST(LoongsonEiointc, keeps_what_is_pending_until_it_is_enabled) {
  Machine m;
  m.eiointc.set_level(8, true);
  m.eiointc.message(200);
  EXPECT_EQ(m.lines.lines(0), 0U);
  EXPECT_EQ(m.read(0, isr) & 1U << 8, 1U << 8);
  m.write(0, enable, 1U << 8);
  m.write(0, enable + 24, 1U << 8);
  EXPECT_EQ(m.read(0, core_isr), 1U << 8);
  EXPECT_EQ(m.read(0, core_isr + 24), 1U << 8);
  m.write(0, enable, 0);
  EXPECT_EQ(m.read(0, core_isr), 0U) << "a level that is disabled leaves";
  EXPECT_EQ(m.read(0, core_isr + 24), 1U << 8);
  m.write(0, enable + 24, 0);
  EXPECT_EQ(m.read(0, core_isr + 24), 0U) << "so does a message";
  EXPECT_EQ(m.read(0, isr + 24), 1U << 8) << "which nobody has cleared";
  m.write(0, route + 200, 1U << 2, 1);
  m.write(0, enable + 24, 1U << 8);
  EXPECT_EQ(m.read(2, core_isr + 24), 1U << 8) << "as Linux moves an interrupt";
}

TEST(LoongsonEiointc, moves_a_message_that_is_in_service_with_its_route) {
  Machine m;
  m.write(0, enable + 24, 1U << 8);
  m.eiointc.message(200);
  m.write(0, route + 200, 1U << 3, 1);
  EXPECT_EQ(m.read(0, core_isr + 24), 0U);
  EXPECT_EQ(m.read(3, core_isr + 24), 1U << 8);
  EXPECT_EQ(m.lines.lines(0), 0U);
  EXPECT_EQ(m.lines.lines(3), hwi(0));
}

TEST(LoongsonEiointc, moves_a_pending_level_with_its_route) {
  Machine m;
  m.write(0, enable, 1);
  m.eiointc.set_level(0, true);
  EXPECT_EQ(m.lines.lines(0), hwi(0));
  m.write(0, route, 1U << 1, 1);
  EXPECT_EQ(m.lines.lines(0), 0U);
  EXPECT_EQ(m.lines.lines(1), hwi(0));
  EXPECT_EQ(m.kicker.kicked, (std::vector<VcpuIndex>{0, 0, 1})) << "a line that falls is news as well";
}

TEST(LoongsonEiointc, reads_routes_as_bits_or_as_numbers) {
  Machine m;
  m.write(0, enable, 1);
  m.eiointc.set_level(0, true);
  m.write(0, route, 0x3, 1);
  EXPECT_EQ(m.lines.lines(0), hwi(0)) << "two bits: the lower";
  m.write(0, virt_config, 1U << 3);
  EXPECT_EQ(m.read(0, virt_config), 1U << 3);
  m.write(0, route, 3, 1);
  EXPECT_EQ(m.lines.lines(3), hwi(0));
  m.write(0, route, 200, 1);
  EXPECT_EQ(m.lines.lines(3), hwi(0)) << "there is no such core";
}

TEST(LoongsonEiointc, stores_what_only_larger_machines_use) {
  Machine m;
  m.write(0, node_map, 0x0002'0001);
  m.write(0, bounce, ~0U);
  EXPECT_EQ(m.read(1, node_map), 0x0002'0001U);
  EXPECT_EQ(m.read(1, bounce), ~0U);
}

TEST(LoongsonEiointc, has_the_virtual_extension_only_where_it_is_offered) {
  Machine with, without(false);
  EXPECT_EQ(with.read(0, virt_features), 0xdU);
  EXPECT_EQ(without.read(0, virt_features), 0U);
  without.write(0, virt_config, ~0U);
  EXPECT_EQ(without.read(0, virt_config), 0U);
}

TEST(LoongsonEiointc, forgets_everything_when_reset) {
  Machine m;
  m.connect(2, 2, 1);
  m.pch.set_level(VirtualIrq{2}, true);
  m.write(0, ipi_enable, 1);
  m.write(0, ipi_set, 1);
  m.ipi.reset();
  m.pch.reset();
  m.eiointc.reset();
  for (VcpuIndex core = 0; core < cores; ++core) EXPECT_EQ(m.lines.lines(core), 0U);
  for (uint32_t address = Eiointc::base; address < Eiointc::end; address += 4) EXPECT_EQ(m.read(1, address), 0U);
}

TEST(LoongsonPchPic, identifies_itself_and_resets_as_on_qemus_board) {
  Machine m;
  EXPECT_EQ(m.pic(0), 0x0700'0000U);
  EXPECT_EQ(m.pic(4), 0x003f'0001U);
  EXPECT_EQ(m.pic(mask, 8), ~uint64_t{0});
  for (const uint64_t offset : {message_enable, edge, request, in_service, polarity}) EXPECT_EQ(m.pic(offset, 8), 0U);
  EXPECT_EQ(m.pic(routes, 8), 0x0101'0101'0101'0101U);
  EXPECT_EQ(m.pic(vector, 8), 0U);
}

TEST(LoongsonPchPic, serves_a_level_as_linux_does) {
  Machine m;
  m.connect(3, 17, 1);
  m.pch.set_level(VirtualIrq{3}, true);
  EXPECT_EQ(m.read(1, core_isr), 1U << 17);
  m.set_pic(mask, m.pic(mask, 8) | 1U << 3, 8);
  m.write(1, core_isr, 1U << 17);
  EXPECT_EQ(m.lines.lines(1), 0U) << "masked while it is served";
  m.set_pic(mask, m.pic(mask, 8) & ~(uint64_t{1} << 3), 8);
  EXPECT_EQ(m.read(1, core_isr), 1U << 17) << "still high";
  m.write(1, core_isr, 1U << 17);
  EXPECT_EQ(m.lines.lines(1), 0U);
  m.pch.set_level(VirtualIrq{3}, false);
  m.pch.set_level(VirtualIrq{3}, true);
  EXPECT_EQ(m.read(1, core_isr), 1U << 17);
}

TEST(LoongsonPchPic, keeps_an_edge_until_it_is_cleared) {
  Machine m;
  m.set_pic(edge, 1U << 5);
  m.connect(5, 5, 0);
  m.pch.set_level(VirtualIrq{5}, true);
  m.pch.set_level(VirtualIrq{5}, false);
  EXPECT_EQ(m.pic(request), 1U << 5);
  EXPECT_EQ(m.read(0, core_isr), 1U << 5);
  m.set_pic(clear_edges, 1U << 5);
  EXPECT_EQ(m.pic(in_service), 0U);
  EXPECT_EQ(m.read(0, core_isr), 0U);
}

TEST(LoongsonPchPic, has_no_inputs_beyond_its_last) {
  Machine m;
  m.set_pic(mask, 0, 8);
  m.pch.set_level(VirtualIrq{64}, true);
  m.pch.set_level(VirtualIrq{~0U}, true);
  EXPECT_EQ(m.pic(request, 8), 0U);
}

TEST(LoongsonPchMsi, raises_the_vector_that_is_written) {
  Machine m;
  m.write(0, enable + 4, ~0U);
  m.msi.write({0, 4, 0}, 35);
  EXPECT_EQ(m.read(0, core_isr + 4), 1U << 3);
  m.write(0, enable, ~0U);
  m.msi.write({0, 4, 0}, 3);
  EXPECT_EQ(m.read(0, core_isr), 0U) << "vectors of PCH-PIC are not for messages";
  m.msi.write({4, 4, 0}, 36);
  m.msi.write({0, 1, 0}, 36);
  EXPECT_EQ(m.read(0, core_isr + 4), 1U << 3);
}

// What follows from the rules alone, as sets: no words, no lanes.
struct Reference {
  std::set<unsigned> levels, messages, enabled;
  std::array<unsigned, 256> target{};
  std::array<std::set<unsigned>, cores> in_service;

  void deliver(unsigned v) {
    if (!enabled.contains(v)) return;
    messages.erase(v);
    in_service[target[v]].insert(v);
  }
  void withdraw(unsigned v) { in_service[target[v]].erase(v); }
  void suspend(unsigned v) {
    if (in_service[target[v]].contains(v) && !levels.contains(v)) messages.insert(v);
    withdraw(v);
  }
};

TEST(LoongsonEiointc, agrees_with_a_simple_reference_in_every_random_order) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    Machine m;
    Reference expected;
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    for (unsigned step = 0; step < 400; ++step) {
      const unsigned v = pick(256), core = pick(cores);
      switch (pick(6)) {
        case 0:
          m.eiointc.set_level(v, true);
          expected.levels.insert(v);
          expected.deliver(v);
          break;
        case 1:
          m.eiointc.set_level(v, false);
          expected.levels.erase(v);
          expected.withdraw(v);
          break;
        case 2:
          m.eiointc.message(v);
          expected.messages.insert(v);
          expected.deliver(v);
          break;
        case 3: {
          const uint32_t word = static_cast<uint32_t>(random());
          m.write(core, enable + v / 32 * 4, word);
          for (unsigned n = 0; n < 32; ++n) {
            const unsigned each = v / 32 * 32 + n;
            const bool was = expected.enabled.contains(each), is = (word >> n & 1) != 0;
            if (is) expected.enabled.insert(each);
            if (was && !is) expected.suspend(each);
            if (!is) expected.enabled.erase(each);
            if (!was && is && (expected.levels.contains(each) || expected.messages.contains(each))) {
              expected.deliver(each);
            }
          }
          break;
        }
        case 4: {
          m.write(0, route + v, 1U << core, 1);
          const bool pending = expected.levels.contains(v) || expected.in_service[expected.target[v]].contains(v);
          const bool moves = expected.target[v] != core && pending && expected.enabled.contains(v);
          if (moves) expected.withdraw(v);
          expected.target[v] = core;
          if (moves) expected.deliver(v);
          break;
        }
        case 5: {
          const uint64_t word = uint64_t{random()} << 32 | random();
          m.write(core, core_isr + v / 64 * 8, word, 8);
          for (unsigned n = 0; n < 64; ++n) {
            if ((word >> n & 1) != 0) expected.in_service[core].erase(v / 64 * 64 + n);
          }
          break;
        }
      }
      for (VcpuIndex c = 0; c < cores; ++c) {
        for (unsigned word = 0; word < 8; ++word) {
          uint32_t bits = 0;
          for (unsigned n = 0; n < 32; ++n) bits |= uint32_t{expected.in_service[c].contains(word * 32 + n)} << n;
          ASSERT_EQ(m.read(c, core_isr + word * 4), bits) << "seed " << seed << " step " << step << " core " << c;
        }
        ASSERT_EQ(m.lines.lines(c), expected.in_service[c].empty() ? 0 : hwi(0)) << seed << ' ' << step;
      }
    }
  }
}

TEST(LoongsonEiointc, loses_no_message_between_threads) {
  Machine m;
  class Quiet final : public vmm::VcpuKicker {
    void kick(VcpuIndex) override {}
  } quiet;
  CpuLines lines(quiet);
  Eiointc eiointc(cores, lines, true);
  for (unsigned word = 0; word < 8; ++word) eiointc.write(0, enable + word * 4, 4, ~0U);
  constexpr unsigned rounds = 2000;
  std::array<std::atomic<unsigned>, cores> sent{}, taken{};
  std::vector<std::thread> threads;
  for (unsigned n = 0; n < cores; ++n) {
    eiointc.write(0, route + 64 + n, 1, 1U << n);
    threads.emplace_back([&, n] {  // sends its own vector again only after it was taken
      for (unsigned i = 0; i < rounds; ++i) {
        while (taken[n].load() != sent[n].load()) std::this_thread::yield();
        ++sent[n];
        eiointc.message(64 + n);
      }
    });
    threads.emplace_back([&, n] {
      while (taken[n].load() < rounds) {
        if (lines.lines(n) == 0) {
          std::this_thread::yield();
          continue;
        }
        const uint64_t pending = eiointc.read(n, core_isr + 8, 8);
        eiointc.write(n, core_isr + 8, 8, pending);
        if ((pending >> n & 1) != 0) ++taken[n];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (unsigned n = 0; n < cores; ++n) EXPECT_EQ(taken[n].load(), rounds);
}

}  // namespace

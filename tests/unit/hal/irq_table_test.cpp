// SPDX-License-Identifier: Apache-2.0
#include "hal/irq_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

using hal::Irq;
using hal::IrqTable;

class Handler final : public hal::IrqHandler {
 public:
  explicit Handler(bool done = true) : IrqHandler("the test"), done_(done) {}
  bool serve(Irq irq) override {
    served.push_back(irq);
    return done_;
  }
  std::vector<Irq> served;

 private:
  bool done_;
};

TEST(IrqTable, hands_each_interrupt_to_its_own_handler) {
  IrqTable table;
  Handler uart, disk(false);
  ASSERT_TRUE(table.claim(Irq{33}, uart));
  ASSERT_TRUE(table.claim(Irq{48}, disk));
  EXPECT_TRUE(table.serve(Irq{33}));
  EXPECT_FALSE(table.serve(Irq{48}));
  EXPECT_FALSE(table.serve(Irq{49}));
  EXPECT_EQ(uart.served, std::vector{Irq{33}});
  EXPECT_EQ(disk.served, std::vector{Irq{48}});
}

TEST(IrqTable, gives_an_interrupt_to_one_owner_and_says_to_whom) {
  IrqTable table;
  Handler first, second;
  EXPECT_EQ(table.handler(Irq{33}), nullptr);
  ASSERT_TRUE(table.claim(Irq{33}, first));
  EXPECT_FALSE(table.claim(Irq{33}, second));
  ASSERT_NE(table.handler(Irq{33}), nullptr);
  EXPECT_EQ(table.handler(Irq{33})->owner(), "the test");
  table.release(Irq{33});
  EXPECT_FALSE(table.serve(Irq{33}));
  EXPECT_TRUE(table.claim(Irq{33}, second));
  EXPECT_TRUE(table.serve(Irq{33}));
  EXPECT_TRUE(first.served.empty());
}

TEST(IrqTable, says_when_it_is_full) {
  IrqTable table;
  Handler handler;
  for (uint32_t n = 0; n < IrqTable::capacity; ++n) ASSERT_TRUE(table.claim(Irq{n}, handler));
  EXPECT_FALSE(table.claim(Irq{1000}, handler));
  table.release(Irq{7});
  EXPECT_TRUE(table.claim(Irq{1000}, handler));
  EXPECT_TRUE(table.serve(Irq{1000}));
}

// A handler that is gone is never called: its owner goes away as soon as release() returns.
TEST(IrqTable, is_out_of_a_handler_when_it_has_been_released) {
  class Counting final : public hal::IrqHandler {
   public:
    Counting() : IrqHandler("counting") {}
    bool serve(Irq irq) override {
      EXPECT_EQ(irq, wanted);
      EXPECT_TRUE(alive.load());
      calls.fetch_add(1);
      return true;
    }
    Irq wanted{};
    std::atomic<bool> alive{false};
    std::atomic<unsigned> calls{0};
  };
  IrqTable table;
  Counting odd, even;
  odd.wanted = Irq{1};
  even.wanted = Irq{2};
  std::atomic<bool> stop{false};
  std::thread cpu([&] {
    while (!stop.load()) {
      (void)table.serve(Irq{1});
      (void)table.serve(Irq{2});
    }
  });
  // Both take turns in the same slot.
  for (unsigned round = 0; odd.calls.load() < 20 || even.calls.load() < 20 || round < 2000; ++round) {
    Counting& handler = round % 2 != 0 ? odd : even;
    handler.alive = true;
    ASSERT_TRUE(table.claim(handler.wanted, handler));
    if (round % 16 < 2) {
      const unsigned before = handler.calls.load();
      while (handler.calls.load() == before) std::this_thread::yield();
    }
    table.release(handler.wanted);
    handler.alive = false;
  }
  stop = true;
  cpu.join();
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "hal/log.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "hal/timer.hpp"

namespace arch {
uint64_t Timer::now() {
  static std::atomic<uint64_t> now;
  return ++now;
}
}  // namespace arch

namespace {

using hal::log::Cursor;
using hal::log::Level;
using hal::log::Line;

// The log is one for the machine: each test reads on from where it starts.
Cursor end_of_log() {
  Cursor cursor;
  Line line;
  while (hal::log::next(cursor, line)) {
  }
  return cursor;
}

class Log : public testing::Test {
 protected:
  void SetUp() override {
    hal::log::set_level(Level::info);
    cursor = end_of_log();
  }
  std::vector<std::string> read() {
    std::vector<std::string> lines;
    for (Line line; hal::log::next(cursor, line);) lines.emplace_back(line.text());
    return lines;
  }
  Cursor cursor;
};

using Lines = std::vector<std::string>;

TEST_F(Log, keeps_lines_in_order_with_level_and_time) {
  hal::log::info("{} CPUs", 4);
  hal::log::error("no {}", "luck");
  Line first, second;
  ASSERT_TRUE(hal::log::next(cursor, first));
  ASSERT_TRUE(hal::log::next(cursor, second));
  EXPECT_EQ(first.text(), "4 CPUs");
  EXPECT_EQ(first.level, Level::info);
  EXPECT_EQ(second.text(), "no luck");
  EXPECT_EQ(second.level, Level::error);
  EXPECT_LT(first.time, second.time);
  EXPECT_FALSE(hal::log::next(cursor, second));
}

TEST_F(Log, drops_what_is_above_its_level) {
  hal::log::debug("hidden");
  hal::log::set_level(Level::debug);
  hal::log::debug("shown");
  hal::log::set_level(Level::error);
  hal::log::warning("hidden");
  EXPECT_EQ(read(), Lines{"shown"});
}

TEST_F(Log, makes_one_line_of_each_line) {
  hal::log::info("one\ntwo\n");
  hal::log::info("");
  hal::log::info("a\n\nb");
  EXPECT_EQ(read(), (Lines{"one", "two", "", "a", "", "b"}));
}

TEST_F(Log, lets_no_control_character_through) {
  hal::log::info("{}", "\x1b[2Jbell\a\r\x7f");
  EXPECT_EQ(read(), Lines{"?[2Jbell???"});
}

TEST_F(Log, marks_the_end_of_a_line_that_was_cut) {
  hal::log::info("{}", std::string_view(std::string(1000, 'x')));
  const Lines lines = read();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], std::string(hal::log::max_line - 3, 'x') + "…");
  std::string umlauts;
  for (int i = 0; i < 500; ++i) umlauts += "ü";
  hal::log::info("{}", std::string_view(umlauts));
  hal::log::info("x{}", std::string_view(umlauts));
  for (const std::string& line : read()) {
    EXPECT_TRUE(line.ends_with("ü…"));
    EXPECT_LE(line.size(), hal::log::max_line);
  }
}

TEST_F(Log, says_how_many_lines_a_slow_reader_missed) {
  const unsigned total = 1000;
  for (unsigned i = 0; i < total; ++i) hal::log::info("line {}", i);
  Line line;
  ASSERT_TRUE(hal::log::next(cursor, line));
  EXPECT_GT(line.lost, 0U);
  EXPECT_EQ(line.text(), "line " + std::to_string(line.lost));
  unsigned number = static_cast<unsigned>(line.lost);
  while (hal::log::next(cursor, line)) {
    EXPECT_EQ(line.lost, 0U);
    EXPECT_EQ(line.text(), "line " + std::to_string(++number));
  }
  EXPECT_EQ(number, total - 1);
}

TEST_F(Log, keeps_lines_whole_between_threads) {
  std::vector<std::thread> threads;
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    Cursor at = end_of_log();
    for (Line line; !stop.load();) {
      while (hal::log::next(at, line)) {
        const std::string text(line.text());
        ASSERT_EQ(text, std::string(text.size(), text[0]));
      }
    }
  });
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([t] {
      for (unsigned i = 1; i < 5000; ++i) {
        hal::log::info("{}", std::string_view(std::string(1 + i % 50, static_cast<char>('a' + t))));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  reader.join();
}

// Takes three bytes at a time.
class SlowConsole final : public hal::ConsoleDevice {
 public:
  size_t write(std::span<const uint8_t> bytes) override {
    if (++calls % 2 == 0) return 0;
    const auto some = bytes.first(std::min<size_t>(3, bytes.size()));
    sent.append(some.begin(), some.end());
    return some.size();
  }
  size_t read(std::span<uint8_t>) override { return 0; }
  void set_receive_interrupt(bool) override {}
  void set_transmit_interrupt(bool) override {}

  std::string sent;
  unsigned calls = 0;
};

class CountingListener final : public hal::log::Listener {
 public:
  void log_grew() override { ++grew; }
  Cursor flush_for_panic() override { return end_of_log(); }
  unsigned grew = 0;
};

// Each of these steps lasts for good, hence one test, and the last.
TEST(LogZ, goes_to_a_uart_when_there_is_one_then_to_a_listener_and_in_a_panic_to_the_uart) {
  static SlowConsole console;
  static CountingListener listener;
  hal::log::info("before the UART");
  hal::log::attach(console);
  EXPECT_TRUE(console.sent.ends_with("[plinth] before the UART\r\n"));
  console.sent.clear();
  hal::log::warning("with the UART");
  EXPECT_EQ(console.sent, "[plinth] warning: with the UART\r\n");

  Cursor cursor = hal::log::listen(listener);
  Line line;
  EXPECT_FALSE(hal::log::next(cursor, line)) << "all was shown";
  console.sent.clear();
  hal::log::info("for the listener");
  EXPECT_EQ(console.sent, "");
  EXPECT_EQ(listener.grew, 1U);

  EXPECT_TRUE(hal::log::panic_mode());
  EXPECT_FALSE(hal::log::panic_mode());
  hal::log::error("broken");
  EXPECT_EQ(console.sent, "[plinth] error: broken\r\n");
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "vmm/console/console.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>

#include "console_fakes.hpp"
#include "hal/log.hpp"
#include "hal/timer.hpp"

namespace arch {
uint64_t Timer::now() { return 0; }
}  // namespace arch

namespace vmm::test {
namespace {

constexpr char escape = 0x1e;
constexpr hal::Ticks second = 1'000'000'000;  // of the fake timer

class ConsoleTest : public testing::Test {
 protected:
  ConsoleTest() {
    console.start({.device = uart, .escape = escape, .has_interrupt = true, .service = service, .prompt = prompt});
    hal::log::info("start");
    uart.sent.clear();
  }

  // Let interrupts and the service task run until nothing is left to do.
  void run() {
    for (unsigned round = 0; uart.interrupts() || service.rung != 0; ++round) {
      ASSERT_LT(round, 10'000U) << "interrupts without end";
      if (uart.interrupts()) console.interrupt();
      if (service.heard()) next_service = console.service(now);
    }
  }
  void type(std::string_view text) {
    uart.typed.insert(uart.typed.end(), text.begin(), text.end());
    run();
  }
  std::string sent() {
    run();
    return std::exchange(uart.sent, {});
  }
  std::string read() {
    std::string text;
    std::array<uint8_t, 64> bytes;
    while (const size_t count = console.read(bytes))
      text.append(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
    return text;
  }
  size_t write(std::string_view text) {
    return console.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }

  FakeHostUart uart;
  FakeBell service, prompt;
  Console console;
  hal::Ticks now = 0;
  hal::Ticks next_service = hal::never;
};

constexpr std::string_view linux_banner = "[plinth] console of 'linux'; Ctrl-^ leaves\r\n";

class OneGuest : public ConsoleTest {
 protected:
  VmConsole port{"linux", console};
  FakeGuest guest{port};
};

TEST_F(ConsoleTest, shows_the_log_with_its_prefix_and_carriage_returns) {
  hal::log::info("hello");
  hal::log::error("trouble");
  EXPECT_EQ(sent(), "[plinth] hello\r\n[plinth] error: trouble\r\n");
}

TEST_F(ConsoleTest, tells_that_log_lines_were_lost_while_the_uart_was_full) {
  uart.room = 0;
  for (int i = 0; i < 1000; ++i) hal::log::info("line {}", i);
  uart.room = SIZE_MAX / 2;
  const std::string text = sent();
  EXPECT_TRUE(text.starts_with("[plinth] line 0\r\n[plinth] ... "));
  EXPECT_NE(text.find(" lines lost\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("[plinth] line 999\r\n"));
}

TEST_F(OneGuest, keeps_output_until_somebody_looks) {
  EXPECT_EQ(guest.print("login: "), 7U);
  EXPECT_EQ(sent(), "");
  console.attach(port);
  EXPECT_EQ(sent(), std::string(linux_banner) + "login: ");
  guest.print("root\r\n");
  EXPECT_EQ(sent(), "root\r\n");
}

TEST_F(OneGuest, keeps_the_newest_output_of_a_guest_nobody_looks_at) {
  for (unsigned i = 0; i < 1000; ++i) guest.print("0123456789\r\n");
  EXPECT_EQ(sent(), "");
  console.attach(port);
  const std::string text = sent();
  EXPECT_TRUE(text.starts_with("[plinth] console of 'linux', 3808 older bytes were overwritten; Ctrl-^ leaves\r\n"));
  EXPECT_TRUE(text.ends_with("0123456789\r\n"));
  EXPECT_EQ(text.size() - text.find('\n') - 1, VmConsole::output_size);
}

TEST_F(OneGuest, shows_the_unfinished_line_again_to_who_comes_back) {
  console.attach(port);
  guest.print("done\r\n# ");
  EXPECT_EQ(sent(), std::string(linux_banner) + "done\r\n# ");
  type(std::string(1, escape));
  console.attach(port);
  EXPECT_TRUE(sent().ends_with(std::string(linux_banner) + "# "));
}

TEST_F(OneGuest, makes_the_guest_wait_instead_of_losing_what_is_shown) {
  console.attach(port);
  (void)sent();
  uart.room = 0;
  const std::string text(100'000, 'x');
  const size_t taken = guest.print(text);
  EXPECT_GE(taken, VmConsole::output_size);
  EXPECT_LE(taken, VmConsole::output_size + 512);
  EXPECT_EQ(guest.ready_calls, 0U);
  uart.room = 1000;
  run();
  EXPECT_EQ(guest.ready_calls, 1U);
  const size_t more = guest.print(text);
  EXPECT_GT(more, 0U);
  uart.room = SIZE_MAX / 2;
  EXPECT_EQ(sent(), std::string(taken + more, 'x'));
}

TEST_F(OneGuest, lets_the_guest_go_on_when_the_user_leaves) {
  console.attach(port);
  uart.room = 0;
  guest.print(std::string(100'000, 'x'));
  console.detach();
  EXPECT_EQ(guest.ready_calls, 1U);
  EXPECT_EQ(guest.print(std::string(100'000, 'y')), 100'000U);
}

TEST_F(OneGuest, types_into_the_attached_guest) {
  console.attach(port);
  type("ls\r");
  EXPECT_EQ(guest.read_all(), "ls\r");
  EXPECT_EQ(read(), "");
}

TEST_F(OneGuest, hands_typed_bytes_over_as_fast_as_the_guest_takes_them) {
  console.attach(port);
  std::string text;
  for (unsigned i = 0; i < 5000; ++i) text += static_cast<char>('a' + i % 26);
  std::string got;
  uart.typed.assign(text.begin(), text.end());
  for (unsigned i = 0; i < 1000; ++i) {
    run();
    got += guest.read_all();
  }
  EXPECT_EQ(got, text);
}

TEST_F(OneGuest, leads_to_the_prompt_by_the_escape_character) {
  console.attach(port);
  guest.print("# ");
  (void)prompt.heard();
  (void)sent();
  type(
      "a\x1e"
      "b");
  EXPECT_TRUE(console.is_prompt());
  EXPECT_EQ(console.attached(), nullptr);
  EXPECT_TRUE(prompt.heard());
  EXPECT_EQ(guest.read_all(), "a");
  EXPECT_EQ(read(), "b");
  console.show_input("plinth> ", 8);
  EXPECT_EQ(sent(), "\r\nplinth> ");
}

TEST_F(OneGuest, sends_the_escape_character_when_it_is_typed_twice) {
  console.attach(port);
  type(
      "a\x1e\x1e"
      "b");
  EXPECT_FALSE(console.is_prompt());
  EXPECT_EQ(guest.read_all(),
            "a\x1e"
            "b");
  type("\x1e");
  type("v\x1e");
  EXPECT_TRUE(console.is_prompt()) << "only at once";
  EXPECT_EQ(read(), "v");
}

TEST_F(OneGuest, passes_a_break_on_the_line_to_the_attached_guest_in_its_place) {
  console.attach(port);
  const auto line = [&](std::string_view before, std::string_view after) {
    uart.typed.insert(uart.typed.end(), before.begin(), before.end());
    uart.typed.push_back(FakeHostUart::line_break);
    uart.typed.insert(uart.typed.end(), after.begin(), after.end());
    run();
  };
  line("ab", "c");
  EXPECT_EQ(guest.read_all(), "ab#c");
  line("0123456789abcdef", "g");
  EXPECT_EQ(guest.read_all(), "0123456789abcdef");
  run();
  EXPECT_EQ(guest.read_all(), "#g") << "there was no room for it";
  line("0123456789abcdefXY", "");
  port.discard_input();
  EXPECT_EQ(guest.read_all(), "0123456789abcdef");
  run();
  EXPECT_EQ(guest.read_all(), "") << "forgotten as what was typed is";
  type("\x1e");
  line("", "x");
  EXPECT_EQ(guest.read_all(), "");
  EXPECT_EQ(read(), "x") << "the prompt has no use for it";
}

TEST_F(OneGuest, sends_a_break_by_a_key) {
  console.attach(port);
  type("a\x1e\x02t");
  EXPECT_EQ(guest.read_all(), "a#t");
  EXPECT_FALSE(console.is_prompt());
  type("\x02");
  EXPECT_EQ(guest.read_all(), "\x02") << "without the escape character it is typed as it is";
  type("\x1ex\x02");
  EXPECT_EQ(read(), "x\x02") << "and at the prompt it moves the cursor";
  EXPECT_EQ(guest.read_all(), "");
}

TEST_F(ConsoleTest, shows_the_prompt_again_when_the_escape_character_is_typed_there) {
  console.show_input("plinth> vm", 10);
  (void)sent();
  type("\x1e");
  EXPECT_EQ(sent(), "\r\nplinth> vm");
  EXPECT_EQ(read(), "");
}

TEST_F(OneGuest, gives_the_new_guest_what_was_typed_behind_the_command) {
  type("console linux\rls\r");
  std::array<uint8_t, 64> bytes;
  const size_t count = console.read(bytes);
  EXPECT_EQ(std::string(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count)), "console linux\r");
  console.attach(port);
  EXPECT_EQ(guest.read_all(), "ls\r");
  EXPECT_EQ(read(), "");
}

TEST_F(OneGuest, lets_the_user_out_of_a_guest_that_reads_nothing) {
  console.attach(port);
  type(std::string(3000, 'x') +
       "\x1e"
       "vm list\r");
  EXPECT_FALSE(console.is_prompt());
  EXPECT_FALSE(uart.receive_on) << "the rest waits in the UART";
  ASSERT_NE(next_service, hal::never);
  now = next_service;
  next_service = console.service(now);
  EXPECT_TRUE(console.is_prompt());
  EXPECT_EQ(read(), "vm list\r");
  EXPECT_TRUE(uart.receive_on);
}

TEST_F(OneGuest, does_not_give_up_a_guest_that_reads_slowly) {
  console.attach(port);
  const std::string text(3000, 'x');
  uart.typed.assign(text.begin(), text.end());
  std::string got;
  for (unsigned i = 0; i < 400; ++i) {
    run();
    now += second / 3;
    next_service = console.service(now);
    got += guest.read_all();
  }
  EXPECT_EQ(got.size(), text.size());
}

TEST_F(OneGuest, forgets_typed_bytes_when_the_guest_is_reset) {
  console.attach(port);
  type(std::string(100, 'x'));
  port.discard_input();
  type("y");
  EXPECT_EQ(guest.read_all(), std::string(16, 'x'));
  run();
  EXPECT_EQ(guest.read_all(), "y");
}

TEST_F(OneGuest, waits_with_the_log_for_the_end_of_the_guests_line) {
  console.attach(port);
  (void)sent();
  guest.print("boot");
  EXPECT_EQ(sent(), "boot");
  uart.room = 0;
  guest.print("ing\r\nmore");
  hal::log::info("news");
  uart.room = SIZE_MAX / 2;
  EXPECT_EQ(sent(), "ing\r\n[plinth] news\r\nmore");
}

TEST_F(OneGuest, breaks_the_guests_line_for_the_log_when_its_end_is_not_in_sight) {
  console.attach(port);
  guest.print("# ");
  (void)sent();
  hal::log::info("news");
  EXPECT_EQ(sent(), "\r\n[plinth] news\r\n");
  guest.print("ls\r\n");
  hal::log::info("more");
  EXPECT_EQ(sent(), "ls\r\n[plinth] more\r\n");
}

TEST_F(OneGuest, returns_to_the_prompt_after_the_last_words_of_a_guest) {
  console.attach(port);
  console.show_input("plinth> ", 8);
  (void)sent();
  (void)prompt.heard();
  uart.room = 0;
  guest.print("reboot: Power down\r\n");
  console.ended(port);
  EXPECT_FALSE(console.is_prompt());
  uart.room = SIZE_MAX / 2;
  EXPECT_EQ(sent(), "reboot: Power down\r\nplinth> ");
  EXPECT_TRUE(console.is_prompt());
  EXPECT_TRUE(prompt.heard());
}

TEST_F(OneGuest, stays_at_the_prompt_when_another_guest_ends) {
  VmConsole other("uboot", console);
  console.attach(port);
  console.ended(other);
  EXPECT_EQ(console.attached(), &port);
}

TEST_F(OneGuest, shows_all_guests_line_by_line_with_their_names) {
  VmConsole other_port("uboot", console);
  FakeGuest other(other_port);
  console.watch_all();
  EXPECT_EQ(sent(), "[plinth] console of all VMs; Ctrl-^ leaves\r\n");
  guest.print("one\r\ntw");
  other.print(
      "=> \x07"
      "boot\r\n");
  guest.print("o\r\n");
  EXPECT_EQ(sent(), "linux| one\r\nuboot| => ^Gboot\r\nlinux| two\r\n");
  hal::log::info("news");
  type("ignored");
  EXPECT_EQ(sent(), "[plinth] news\r\n");
  type("\x1e");
  EXPECT_TRUE(console.is_prompt());
  EXPECT_EQ(read(), "");
}

TEST_F(OneGuest, shows_a_watched_line_without_end_in_pieces) {
  console.watch_all();
  (void)sent();
  guest.print(std::string(200, 'x'));
  EXPECT_EQ(sent(), "linux| " + std::string(160, 'x') + "\r\n");
}

TEST_F(OneGuest, lets_no_watched_guest_act_on_the_terminal) {
  console.watch_all();
  (void)sent();
  guest.print(
      "\x1b[2J\x1b[6n\xc2\x9b"
      "6n \x1b[31mred\r\n");
  EXPECT_EQ(sent(), "linux| ^[[2J^[[6n<c2><9b>6n \x1b[31mred\x1b[0m\r\n");
  guest.print(std::string(158, 'x') + "\x1b[" + "31mred\r\n");
  EXPECT_EQ(sent(), "linux| " + std::string(158, 'x') + "\r\nlinux| \x1b[31mred\x1b[0m\r\n") << "in two pieces";
  guest.print("\x1b[3\r\n1m\r\n");
  EXPECT_EQ(sent(), "linux| ^[[3\r\nlinux| 1m\r\n") << "never finished";
  guest.print(std::string(160, '\x9b'));
  std::string visible = "linux| ";
  for (int i = 0; i < 160; ++i) visible += "<9b>";
  EXPECT_EQ(sent(), visible + "\r\n");
}

TEST_F(ConsoleTest, survives_the_end_of_the_attached_vm) {
  {
    VmConsole port("linux", console);
    FakeGuest guest(port);
    console.attach(port);
    type("abc");
  }
  EXPECT_TRUE(console.is_prompt());
  type("x");
  EXPECT_EQ(read(), "x");
}

TEST_F(OneGuest, keeps_what_was_shown_for_reports) {
  console.attach(port);
  guest.print("Kernel panic\r\n");
  (void)sent();
  uint64_t position = 0;
  std::array<uint8_t, 8> bytes;
  std::string text;
  while (const size_t count = port.read_kept(position, bytes))
    text.append(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
  EXPECT_EQ(text, "Kernel panic\r\n");
  EXPECT_EQ(port.sent(), 14U);
}

TEST_F(OneGuest, shows_the_end_of_what_was_kept_without_what_acts_on_a_terminal) {
  class Text final : public hal::TextSink {
   public:
    void put(std::string_view more) override { text += more; }
    std::string text;
  } all, end, nothing;
  port.put_kept(nothing, 100);
  EXPECT_EQ(nothing.text, "");
  guest.print("\x1b[1mKernel\x07 panic\r\nnot\tsyncing");
  port.put_kept(all, UINT64_MAX);
  EXPECT_EQ(all.text, "\x1b[1mKernel^G panic\x1b[0m\nnot\tsyncing\n");
  port.put_kept(end, 7);
  EXPECT_EQ(end.text, "syncing\n");
}

TEST(PolledConsole, works_without_an_interrupt) {
  FakeHostUart uart;
  FakeBell service, prompt;
  Console console;
  console.start({.device = uart, .escape = escape, .has_interrupt = false, .service = service, .prompt = prompt});
  VmConsole port("linux", console);
  FakeGuest guest(port);
  console.attach(port);
  uart.sent.clear();
  uart.room = 0;
  while (guest.print("0123456789") == 10) {
  }
  const std::string line = "ls\r";
  uart.typed.assign(line.begin(), line.end());
  uart.room = SIZE_MAX / 2;
  hal::Ticks now = 0;
  for (unsigned i = 0; i < 3; ++i) {
    const hal::Ticks next = console.service(now);
    ASSERT_LE(next - now, second / 100);
    now = next;
  }
  EXPECT_EQ(guest.read_all(), "ls\r");
  EXPECT_GE(uart.sent.size(), VmConsole::output_size);
  EXPECT_EQ(guest.ready_calls, 1U);
  EXPECT_FALSE(uart.receive_on || uart.transmit_on);
}

// --- the prompt ------------------------------------------------------------------------------------------------------

TEST_F(ConsoleTest, has_room_again_once_the_uart_made_some) {
  uart.room = 0;
  const std::string text(5000, 'x');
  size_t written = write(text);
  EXPECT_LT(written, text.size());
  EXPECT_FALSE(console.has_room());
  (void)prompt.heard();
  uart.room = 100;
  run();
  for (unsigned i = 0; i < 1000 && written < text.size(); ++i) {
    uart.room = 100;
    run();
    if (prompt.heard()) written += write(std::string_view(text).substr(written));
  }
  uart.room = SIZE_MAX / 2;
  EXPECT_EQ(sent(), text);
}

TEST_F(ConsoleTest, draws_changes_of_the_input_line_and_nothing_else) {
  console.show_input("plinth> ", 8);
  EXPECT_EQ(sent(), "plinth> ");
  console.show_input("plinth> v", 9);
  EXPECT_EQ(sent(), "v");
  console.show_input("plinth> vm list", 15);
  EXPECT_EQ(sent(), "m list");
  console.show_input("plinth> vm list", 10);
  EXPECT_EQ(sent(), "\b\b\b\b\b");
  console.show_input("plinth> vmlist", 10);
  EXPECT_EQ(sent(), "list \b\b\b\b\b");
  console.end_input();
  EXPECT_EQ(sent(), "\r\n") << "from whatever column";
}

TEST_F(ConsoleTest, forgets_what_was_typed_before_ctrl_c) {
  type("vm stop linux\r");
  EXPECT_FALSE(console.take_interrupt());
  type("vm list\r\x03vm show");
  EXPECT_TRUE(console.take_interrupt());
  EXPECT_FALSE(console.take_interrupt());
  EXPECT_EQ(read(), "vm show");
  type("x\x03y");
  EXPECT_EQ(read(), "\x03y") << "also for the line that is under edit";
}

TEST_F(ConsoleTest, sees_ctrl_c_behind_more_than_it_keeps) {
  type(std::string(5000, 'x') + "\x03");
  EXPECT_FALSE(console.take_interrupt());
  now = next_service;
  next_service = console.service(now);
  prompt.heard();
  run();
  EXPECT_TRUE(console.take_interrupt());
  EXPECT_EQ(read(), "");
}

TEST_F(ConsoleTest, moves_the_input_line_below_the_log) {
  console.show_input("plinth> vm", 9);
  (void)sent();
  hal::log::info("news");
  EXPECT_EQ(sent(), "\r          \r[plinth] news\r\nplinth> vm\b");
}

TEST_F(ConsoleTest, writes_what_the_shell_says_below_the_finished_line) {
  console.show_input("plinth> vm", 10);
  console.end_input();
  EXPECT_EQ(write("nothing\r\n"), 9U);
  console.show_input("plinth> ", 8);
  EXPECT_EQ(sent(), "plinth> vm\r\nnothing\r\nplinth> ");
  uart.room = 0;
  hal::log::info("news");
  console.end_input();
  EXPECT_EQ(write("more\r\n"), 0U) << "it would come before the line's end";
  uart.room = SIZE_MAX / 2;
  run();
  EXPECT_EQ(write("more\r\n"), 6U);
}

TEST_F(OneGuest, does_not_show_the_input_line_in_a_guests_console) {
  console.show_input("plinth> ", 8);
  console.attach(port);
  EXPECT_EQ(sent(), "plinth> \r        \r" + std::string(linux_banner));
  console.show_input("plinth> x", 9);
  hal::log::info("news");
  EXPECT_EQ(sent(), "[plinth] news\r\n");
  console.detach();
  EXPECT_EQ(sent(), "plinth> x");
}

TEST_F(ConsoleTest, keeps_the_input_line_right_whatever_happens) {
  std::mt19937 random(7);
  Terminal terminal;
  std::string line;
  size_t cursor = 0;
  console.show_input(line, cursor);
  for (unsigned i = 0; i < 20'000; ++i) {
    switch (random() % 8) {
      case 0: hal::log::info("{}", std::string_view(std::string(random() % 60, 'l'))); break;
      case 1: cursor = line.empty() ? 0 : random() % (line.size() + 1); break;
      case 2: line.erase(0, random() % 10); break;
      case 3: line.resize(line.size() / 2); break;
      case 4: line = std::string(random() % 79, static_cast<char>('a' + random() % 26)); break;
      default:
        if (line.size() < 79) line.insert(line.begin() + static_cast<ptrdiff_t>(std::min(cursor, line.size())), 'x');
        ++cursor;
        break;
    }
    cursor = std::min(cursor, line.size());
    uart.room = random() % 3 == 0 ? random() % 40 : 1000;
    console.show_input(line, cursor);
    if (random() % 4 != 0) continue;
    uart.room = SIZE_MAX / 2;
    terminal.show(sent());
    ASSERT_EQ(terminal.line(), line) << i;
    ASSERT_EQ(terminal.column, cursor) << i;
  }
}

// --- everything at once ----------------------------------------------------------------------------------------------

// Whatever is not the log's is the guest's, byte by byte, no matter what else happens.
TEST_F(OneGuest, loses_nothing_of_an_attached_guest) {
  std::mt19937 random(11);
  std::string expected, seen;
  console.attach(port);
  (void)sent();
  char next = '0';
  for (unsigned i = 0; i < 50'000; ++i) {
    switch (random() % 4) {
      case 0: {
        std::string text;
        for (size_t n = random() % 300; n != 0; --n) {
          text += random() % 40 == 0 ? '\n' : next;
          next = next == '9' ? '0' : static_cast<char>(next + 1);
        }
        expected += text.substr(0, guest.print(text));
        break;
      }
      case 1:
        if (random() % 8 == 0) hal::log::info("L");
        break;
      default: uart.room = random() % 200; run();
    }
  }
  uart.room = SIZE_MAX / 2;
  seen = sent();
  // Log lines, and the line ends that were put before them.
  for (size_t at; (at = seen.find("[plinth] L\r\n")) != std::string::npos;) seen.erase(at, 12);
  std::erase(seen, '\r');
  std::erase(seen, '\n');
  std::erase(expected, '\n');
  EXPECT_EQ(seen, expected);
}

TEST_F(ConsoleTest, works_for_many_cpus_at_once) {
  VmConsole port_a("a", console), port_b("b", console);
  FakeGuest guest_a(port_a), guest_b(port_b);
  std::atomic<bool> stop = false;
  const auto live = [&](FakeGuest& guest, unsigned number) {
    for (unsigned i = 0; !stop; ++i) {
      guest.print("fox\r\n");
      (void)guest.read_all();
      if (i % 4 == number) hal::log::info("line {}", i);
      if (i % 4 == 2) (void)console.service(now);
    }
  };
  std::thread cpu_a(live, std::ref(guest_a), 0U), cpu_b(live, std::ref(guest_b), 1U);
  std::mt19937 random(3);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  while (std::chrono::steady_clock::now() < end) {
    VmConsole& port = random() % 2 == 0 ? port_a : port_b;
    switch (random() % 6) {
      case 0: console.watch_all(); break;
      case 1: console.detach(); break;
      case 2: console.ended(port); break;
      case 3: console.show_input("plinth> ", random() % 8); break;
      case 4: (void)write("text\r\n"); break;
      default: console.attach(port); break;
    }
    console.interrupt();
  }
  stop = true;
  cpu_a.join();
  cpu_b.join();
  console.detach();
  EXPECT_TRUE(console.is_prompt());
  EXPECT_GT(port_a.sent(), 0U);
  EXPECT_GT(port_b.sent(), 0U);
}

}  // namespace
}  // namespace vmm::test

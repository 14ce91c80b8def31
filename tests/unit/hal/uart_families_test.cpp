// SPDX-License-Identifier: Apache-2.0
// Every family of UARTs against a model of its registers: what the manuals say of them, written down a second time.
#include <gtest/gtest.h>

#include <arch/mmio.hpp>
#include <bit>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "hal/driver/console.hpp"

namespace {

using hal::UartKind;
constexpr hal::HostVirt base{0x3000'0000'0000};

std::string receive(hal::ConsoleDevice& uart, size_t most = 64) {
  std::string text(most, '\0');
  text.resize(uart.read({reinterpret_cast<uint8_t*>(text.data()), text.size()}));
  return text;
}

size_t send(hal::ConsoleDevice& uart, std::string_view text) {
  return uart.write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

// Two FIFOs, and registers that are what was written unless a model answers for them. Strict: a character into a full
// FIFO, one out of an empty one, or an access of another width than the manual's fails the test.
class Model : public arch::FakeRegisters {
 public:
  struct Entry {
    uint8_t byte;
    bool damaged = false, broken = false;
  };

  explicit Model(size_t depth) : depth_(depth) { installed = this; }
  virtual ~Model() = default;

  uint32_t read(hal::HostVirt place, unsigned width) override {
    const uint64_t offset = place - base;
    check_width(offset, width);
    return on_read(offset);
  }
  void write(hal::HostVirt place, unsigned width, uint32_t value) override {
    const uint64_t offset = place - base;
    check_width(offset, width);
    on_write(offset, value);
  }
  virtual void check_width(uint64_t, unsigned width) { EXPECT_EQ(width, 4U); }
  virtual uint32_t on_read(uint64_t offset) { return words[offset]; }
  virtual void on_write(uint64_t offset, uint32_t value) { words[offset] = value; }
  // Does the model's interrupt line stand?
  [[nodiscard]] virtual bool interrupts() = 0;

  void type(std::string_view text) {
    for (const char c : text) received.push_back({static_cast<uint8_t>(c)});
  }
  // What the line takes away.
  void drain(size_t most = SIZE_MAX) {
    for (; most != 0 && !held.empty(); --most) {
      line += held.front();
      held.erase(0, 1);
    }
  }
  [[nodiscard]] bool full() const { return held.size() >= depth_; }

  std::string held, line;
  std::deque<Entry> received;
  std::map<uint64_t, uint32_t> words;

 protected:
  void put(uint32_t value) {
    EXPECT_FALSE(full()) << "written into a full FIFO";
    held += static_cast<char>(value);
  }
  Entry get() {
    EXPECT_FALSE(received.empty()) << "read from an empty FIFO";
    if (received.empty()) return {};
    const Entry entry = received.front();
    received.pop_front();
    return entry;
  }

 private:
  const size_t depth_;
};

class Imx final : public Model {
 public:
  Imx() : Model(32) { words[0x80] = 0xb000; }
  uint32_t on_read(uint64_t offset) override {
    if (offset == 0x00) {
      const Entry e = get();
      return e.byte | 0x8000U | (e.damaged ? 0x5400U : 0) | (e.broken ? 0x5800U : 0);
    }
    if (offset == 0x98) return received.empty() ? 0 : 1;
    if (offset == 0xb4) return (full() ? 0x10 : 0) | (received.empty() ? 0x20 : 0);
    return words[offset];
  }
  void on_write(uint64_t offset, uint32_t value) override {
    offset == 0x40 ? put(value) : Model::on_write(offset, value);
  }
  bool interrupts() override {
    EXPECT_EQ(words[0x84] & 7, 7U) << "out of reset, transmitter and receiver on";
    return ((words[0x80] & 0x200) != 0 && received.size() >= (words[0x90] & 0x3f)) ||
           ((words[0x80] & 0x2000) != 0 && held.empty());
  }
};

class Lpuart final : public Model {
 public:
  explicit Lpuart(uint64_t first, bool big = false) : Model(16), first_(first), big_(big) {}
  uint32_t on_read(uint64_t offset) override { return swap(look(offset - first_)); }
  void on_write(uint64_t offset, uint32_t value) override {
    value = swap(value);
    offset -= first_;
    if (offset == 0x0c) return put(value);
    if (offset == 0x04) return;  // flags, written to be cleared
    words[offset] = value;
  }
  bool interrupts() override {
    EXPECT_EQ(words[0x08] & 0xc'0000, 0xc'0000U) << "transmitter and receiver on";
    return ((words[0x08] & 1U << 21) != 0 && !received.empty()) || ((words[0x08] & 1U << 23) != 0 && !full());
  }

 private:
  uint32_t look(uint64_t offset) {
    if (offset == 0x04) return full() ? 0 : 1U << 23;
    if (offset == 0x18) return received.empty() ? 1U << 22 : 0;
    if (offset != 0x0c) return words[offset];
    const Entry e = get();
    return e.byte | (e.damaged || e.broken ? 1U << 13 : 0);
  }
  [[nodiscard]] uint32_t swap(uint32_t value) const { return big_ ? std::byteswap(value) : value; }
  const uint64_t first_;
  const bool big_;
};

class Lpuart8 final : public Model {
 public:
  Lpuart8() : Model(8) {}
  void check_width(uint64_t, unsigned width) override { EXPECT_EQ(width, 1U); }
  uint32_t on_read(uint64_t offset) override {
    if (offset == 7) return get().byte;
    if (offset == 0x12) return received.empty() ? 0x40 : 0;
    if (offset == 4) {
      const bool bad = !received.empty() && (received.front().damaged || received.front().broken);
      return (full() ? 0 : 0x80U) | (received.empty() ? 0 : 0x20U) | (bad ? 2U : 0);
    }
    return words[offset];
  }
  void on_write(uint64_t offset, uint32_t value) override { offset == 7 ? put(value) : Model::on_write(offset, value); }
  bool interrupts() override {
    EXPECT_EQ(words[3] & 0x0c, 0x0cU) << "transmitter and receiver on";
    return ((words[3] & 0x20) != 0 && !received.empty()) || ((words[3] & 0x80) != 0 && !full());
  }
};

class Meson final : public Model {
 public:
  Meson() : Model(64) {}
  uint32_t on_read(uint64_t offset) override {
    if (offset == 4) return get().byte;
    if (offset != 0x0c) return words[offset];
    const bool bad = !received.empty() && (received.front().damaged || received.front().broken);
    return (full() ? 1U << 21 : 0) | (received.empty() ? 1U << 20 : 0) | (bad ? 1U << 17 : 0);
  }
  void on_write(uint64_t offset, uint32_t value) override { offset == 0 ? put(value) : Model::on_write(offset, value); }
  bool interrupts() override {
    EXPECT_EQ(words[8] & 0x0100'3000, 0x3000U) << "transmitter and receiver on, errors not held clear";
    return ((words[8] & 1U << 27) != 0 && received.size() >= (words[0x10] & 0xff)) ||
           ((words[8] & 1U << 28) != 0 && held.empty());
  }
};

// Flags of the interrupt status stay until written; those of a condition that lasts come back.
class Cadence final : public Model {
 public:
  Cadence() : Model(64) { words[0] = 0x128; }
  uint32_t on_read(uint64_t offset) override {
    if (offset == 0x2c) return (received.empty() ? 2U : 0) | (held.empty() ? 8U : 0) | (full() ? 0x10U : 0);
    if (offset == 0x14) return latch();
    if (offset == 0x30) {
      const Entry e = get();
      latch();
      return e.byte;
    }
    return words[offset];
  }
  void on_write(uint64_t offset, uint32_t value) override {
    latch();
    if (offset == 0x30) return put(value);
    if (offset == 0x08) mask_ |= value;
    if (offset == 0x0c) mask_ &= ~value;
    if (offset == 0x14) words[0x14] &= ~value;
    if (offset != 0x14) words[offset] = value;
  }
  bool interrupts() override {
    EXPECT_EQ(words[0] & 0x3c, 0x14U) << "transmitter and receiver on, and not off as well";
    return (latch() & mask_) != 0;
  }

 private:
  uint32_t latch() {
    if (!received.empty() && received.front().damaged) words[0x14] |= 0x40;
    if (!received.empty() && received.front().broken) words[0x14] |= 0x2040;
    return words[0x14] |= (received.size() >= words[0x20] ? 1U : 0) | (held.empty() ? 8U : 0);
  }
  uint32_t mask_ = 0x1fff;
};

class Samsung final : public Model {
 public:
  explicit Samsung(unsigned data_width) : Model(16), data_width_(data_width) {}
  void check_width(uint64_t offset, unsigned width) override {
    EXPECT_EQ(width, offset == 0x20 || offset == 0x24 ? data_width_ : 4U);
  }
  uint32_t on_read(uint64_t offset) override {
    if (offset == 0x24) return get().byte;
    if (offset == 0x18) return static_cast<uint32_t>(received.size()) | (full() ? 1U << 24 : 0);
    if (offset == 0x14 && !received.empty())
      return (received.front().damaged ? 4U : 0) | (received.front().broken ? 0xcU : 0);
    if (offset == 0x30) return latch();
    return words[offset];
  }
  void on_write(uint64_t offset, uint32_t value) override {
    latch();
    if (offset == 0x20) return put(value);
    words[offset] = offset == 0x30 ? words[0x30] & ~value : value;
  }
  bool interrupts() override {
    EXPECT_EQ(words[0x04] & 0x8f, 0x85U) << "interrupt mode, with receive timeout";
    EXPECT_EQ(words[0x08] & 1, 1U) << "FIFOs on";
    return (latch() & ~words[0x38] & 0xf) != 0;
  }

 private:
  uint32_t latch() { return words[0x30] |= (received.empty() ? 0 : 1U) | (held.empty() ? 4U : 0); }
  const unsigned data_width_;
};

class Mvebu final : public Model {
 public:
  Mvebu() : Model(32) { words[8] = 0x30; }
  uint32_t on_read(uint64_t offset) override {
    if (offset == 0) return get().byte;
    if (offset != 0x0c) return words[offset];
    uint32_t status = (full() ? 1U << 11 : 0) | (received.empty() ? 0 : 1U << 4);
    if (!received.empty()) status |= (received.front().damaged ? 4U : 0) | (received.front().broken ? 0xcU : 0);
    return status;
  }
  void on_write(uint64_t offset, uint32_t value) override { offset == 4 ? put(value) : Model::on_write(offset, value); }
  bool interrupts() override {
    return ((words[8] & 0x10) != 0 && !received.empty()) || ((words[8] & 0x20) != 0 && !full());
  }
};

// Flags are cleared by a zero after they were read as one, and come back while their condition lasts.
class Scif final : public Model {
 public:
  Scif(size_t depth, std::array<uint64_t, 7> places) : Model(depth), at_(places) { words[at_[6]] = 1; }
  void check_width(uint64_t offset, unsigned width) override {
    EXPECT_EQ(width, offset == at_[1] || offset == at_[3] ? 1U : 2U);
  }
  uint32_t on_read(uint64_t offset) override {
    if (offset == at_[3]) return get().byte;
    if (offset == at_[5]) return static_cast<uint32_t>(held.size() << 8 | received.size());
    if (offset == at_[2]) return seen_ = latch();
    return words[offset];
  }
  void on_write(uint64_t offset, uint32_t value) override {
    if (offset == at_[1]) return put(value);
    if (offset == at_[2]) value = words[offset] & (value | ~seen_);
    words[offset] = value;
  }
  bool interrupts() override {
    EXPECT_EQ(words[at_[0]] & 0x30, 0x30U) << "transmitter and receiver on";
    EXPECT_EQ(words[at_[6]], 0U) << "an overrun from before stops the receiver";
    return ((words[at_[0]] & 0x40) != 0 && (latch() & 2) != 0) ||
           ((words[at_[0]] & 0x80) != 0 && (latch() & 0x20) != 0);
  }

 private:
  uint32_t latch() {
    uint32_t flags = words[at_[2]] & ~0xcU;
    flags |= (received.empty() ? 0 : 2U) | (held.empty() ? 0x60U : 0);
    if (!received.empty()) flags |= (received.front().damaged ? 0x88U : 0) | (received.front().broken ? 0x98U : 0);
    return words[at_[2]] = flags;
  }
  const std::array<uint64_t, 7> at_;
  uint32_t seen_ = 0;
};

class MsmDm final : public Model {
 public:
  MsmDm() : Model(64) {}
  uint32_t on_read(uint64_t offset) override {
    if (offset == 0x08) {
      uint32_t status = (received.empty() ? 0 : 1U) | (full() ? 0 : 4U) | (held.empty() ? 8U : 0);
      if (!received.empty()) status |= (received.front().damaged ? 0x20U : 0) | (received.front().broken ? 0x40U : 0);
      return status;
    }
    if (offset == 0x70) return get().byte;
    ADD_FAILURE() << "register " << offset << " cannot be read";
    return 0;
  }
  void on_write(uint64_t offset, uint32_t value) override {
    if (offset == 0x70) {
      EXPECT_EQ(words[0x3c] & 0x30, 0x30U) << "single characters";
      return put(value);
    }
    words[offset] = value;
  }
  bool interrupts() override {
    return ((words[0x14] & 0x10) != 0 && received.size() > words[0x20]) ||
           ((words[0x14] & 1) != 0 && held.size() <= words[0x1c]);
  }
};

class MiniUart final : public Model {
 public:
  MiniUart() : Model(8) {}
  uint32_t on_read(uint64_t offset) override {
    if (offset == 0) return get().byte;
    if (offset == 0x14) return (full() ? 0 : 0x20U) | (received.empty() ? 0 : 1U);
    if (offset == 0x08) return 0xc1;
    return words[offset];
  }
  void on_write(uint64_t offset, uint32_t value) override { offset == 0 ? put(value) : Model::on_write(offset, value); }
  bool interrupts() override { return ((words[4] & 1) != 0 && !received.empty()) || ((words[4] & 2) != 0 && !full()); }
};

struct Family {
  UartKind kind;
  std::function<std::unique_ptr<Model>()> model;
  size_t depth;
  bool tells_damage = true;
  uint8_t shift = 0;
  uint8_t width = 0;
};

constexpr std::array<uint64_t, 7> scif_places{0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c, 0x24};
constexpr std::array<uint64_t, 7> close_places{0x04, 0x06, 0x08, 0x0a, 0x0c, 0x0e, 0x12};

const Family families[] = {
    {UartKind::imx, [] { return std::make_unique<Imx>(); }, 32},
    {UartKind::lpuart, [] { return std::make_unique<Lpuart>(0x10); }, 16},
    {UartKind::lpuart_le, [] { return std::make_unique<Lpuart>(0); }, 16},
    {UartKind::lpuart_be, [] { return std::make_unique<Lpuart>(0, true); }, 16},
    {UartKind::lpuart8, [] { return std::make_unique<Lpuart8>(); }, 8},
    {UartKind::meson, [] { return std::make_unique<Meson>(); }, 64},
    {UartKind::cadence, [] { return std::make_unique<Cadence>(); }, 64},
    {UartKind::samsung, [] { return std::make_unique<Samsung>(1); }, 16},
    {UartKind::samsung, [] { return std::make_unique<Samsung>(4); }, 16, true, 0, 4},
    {UartKind::mvebu, [] { return std::make_unique<Mvebu>(); }, 32},
    {UartKind::scif, [] { return std::make_unique<Scif>(16, scif_places); }, 16},
    {UartKind::hscif, [] { return std::make_unique<Scif>(128, scif_places); }, 128},
    {UartKind::scif_close, [] { return std::make_unique<Scif>(16, close_places); }, 16},
    {UartKind::msm_dm, [] { return std::make_unique<MsmDm>(); }, 64},
    {UartKind::bcm_mini, [] { return std::make_unique<MiniUart>(); }, 8, false, 2, 4},
};

class UartFamilies : public testing::TestWithParam<Family> {
 protected:
  hal::ConsoleDevice& open() {
    const Family& family = GetParam();
    hal::ConsoleDevice* const device = hal::driver::open_console(
        {.kind = family.kind, .registers = {}, .irq = 0, .register_shift = family.shift, .access_width = family.width},
        base);
    EXPECT_NE(device, nullptr);
    return *device;
  }
  std::unique_ptr<Model> model = GetParam().model();
};

TEST_P(UartFamilies, send_what_the_fifo_holds_and_the_rest_later) {
  hal::ConsoleDevice& uart = open();
  const std::string text = std::string(200, 'x') + "end";
  const size_t first = send(uart, text);
  EXPECT_EQ(first, GetParam().depth);
  EXPECT_EQ(send(uart, text.substr(first)), 0U);
  for (size_t sent = first; sent < text.size();) {
    model->drain(3);
    const size_t now = send(uart, std::string_view(text).substr(sent));
    EXPECT_LE(now, 3U);
    sent += now;
  }
  model->drain();
  EXPECT_EQ(model->line, text);
}

TEST_P(UartFamilies, receive_what_came_in_order) {
  hal::ConsoleDevice& uart = open();
  EXPECT_EQ(receive(uart), "");
  model->type("hello");
  EXPECT_EQ(receive(uart, 2), "he");
  EXPECT_EQ(receive(uart), "llo");
  EXPECT_EQ(receive(uart), "");
}

TEST_P(UartFamilies, interrupt_while_there_is_something_to_read_and_no_longer) {
  hal::ConsoleDevice& uart = open();
  EXPECT_FALSE(model->interrupts());
  model->type("a");
  EXPECT_FALSE(model->interrupts());
  uart.set_receive_interrupt(true);
  EXPECT_TRUE(model->interrupts());
  EXPECT_EQ(receive(uart), "a");
  EXPECT_FALSE(model->interrupts());
  model->type("bc");
  EXPECT_TRUE(model->interrupts());
  EXPECT_EQ(receive(uart, 1), "b");
  EXPECT_TRUE(model->interrupts());
  uart.set_receive_interrupt(false);
  EXPECT_FALSE(model->interrupts());
}

TEST_P(UartFamilies, interrupt_when_there_is_room_after_there_was_none) {
  hal::ConsoleDevice& uart = open();
  EXPECT_EQ(send(uart, std::string(300, 'x')), GetParam().depth);
  uart.set_transmit_interrupt(true);
  EXPECT_FALSE(model->interrupts());
  model->drain();
  EXPECT_TRUE(model->interrupts());
  EXPECT_EQ(send(uart, std::string(300, 'y')), GetParam().depth);
  EXPECT_FALSE(model->interrupts());
  model->drain();
  EXPECT_TRUE(model->interrupts());
  uart.set_transmit_interrupt(false);
  EXPECT_FALSE(model->interrupts());
}

TEST_P(UartFamilies, leave_out_what_was_damaged_and_tell_breaks) {
  if (!GetParam().tells_damage) GTEST_SKIP() << "it does not say so";
  hal::ConsoleDevice& uart = open();
  model->received = {{'a'}, {'?', true}, {'b'}, {0, false, true}, {'c'}};
  EXPECT_EQ(receive(uart), "ab");
  EXPECT_TRUE(uart.take_break());
  EXPECT_EQ(receive(uart), "c");
  EXPECT_FALSE(uart.take_break());
}

INSTANTIATE_TEST_SUITE_P(All, UartFamilies, testing::ValuesIn(families), [](const auto& info) {
  return std::string(name(info.param.kind)) + (info.param.width == 4 && info.param.shift == 0 ? "_wide" : "");
});

TEST(DwApbUart, ends_a_receive_timeout_of_an_empty_fifo_and_the_busy_state) {
  struct Dw final : Model {
    Dw() : Model(16) {}
    uint32_t on_read(uint64_t offset) override {
      ++reads[offset];
      if (offset == 2 << 2) return ghost ? 0xcc : 0xc1;
      if (offset == 0) ghost = false;
      if (offset == 5 << 2) return 0x60;
      return words[offset];
    }
    bool interrupts() override { return ghost; }
    bool ghost = true;
    std::map<uint64_t, unsigned> reads;
  } model;
  hal::ConsoleDevice* const uart = hal::driver::open_console(
      {.kind = UartKind::dw_apb, .registers = {}, .irq = 0, .register_shift = 2, .access_width = 4}, base);
  ASSERT_NE(uart, nullptr);
  EXPECT_EQ(receive(*uart), "");
  EXPECT_FALSE(model.ghost);
  EXPECT_EQ(model.reads[31 << 2], 1U);
}

// A sequencer for each direction, as Linux's driver finds them.
class GeniModel final : public Model {
 public:
  GeniModel() : Model(64) { words[0x40] = 1U << 12; }
  uint32_t on_read(uint64_t offset) override {
    if (offset == 0x40) return words[0x40] | (held.empty() ? 0 : 1U);
    if (offset == 0x804) return rx_status();
    if (offset == 0x640) return raised_;
    if (offset != 0x780) return words[offset];
    uint32_t word = 0;
    for (unsigned i = 0; i < 4 && !received.empty(); ++i) word |= uint32_t{get().byte} << 8 * i;
    return word;
  }
  void on_write(uint64_t offset, uint32_t value) override {
    if (offset == 0x600) {
      EXPECT_TRUE(held.empty()) << "a command while one is carried out";
      EXPECT_EQ(value, 1U << 27);
      left_ = words[0x270];
    } else if (offset == 0x700) {
      EXPECT_EQ(words[0x260], 0x0004'380eU);
      EXPECT_EQ(words[0x264], 0x000c'3e0eU | 0x20eU);
      for (unsigned i = 0; i < 4 && left_ != 0; ++i, --left_) put(value >> 8 * i & 0xff);
    } else if (offset == 0x630) {
      EXPECT_EQ(words[0x40] & 1U << 12, 0U) << "the receiver was busy";
      words[0x40] |= 1U << 12;
    } else if (offset == 0x634) {
      words[0x40] &= ~(1U << 12);
    } else if (offset == 0x648) {
      raised_ &= ~value;
    }
    words[offset] = offset == 0x40 ? words[0x40] : value;
  }
  bool interrupts() override { return raised_ != 0 && (words[0x644] & raised_) != 0; }
  void raise(uint32_t bits) { raised_ |= bits; }

 private:
  uint32_t rx_status() const {
    const auto n = static_cast<uint32_t>(received.size());
    return (n + 3) / 4 | (n % 4 != 0 ? 1U << 31 | (n % 4) << 28 : 0);
  }
  uint32_t left_ = 0, raised_ = 0;
};

TEST(GeniUart, sends_by_commands_and_takes_words_apart) {
  GeniModel model;
  hal::ConsoleDevice* const uart = hal::driver::open_console({.kind = UartKind::geni, .registers = {}}, base);
  ASSERT_NE(uart, nullptr);
  const std::string text = "a line of more than sixteen";
  EXPECT_EQ(send(*uart, text), 16U);
  EXPECT_EQ(send(*uart, text.substr(16)), 0U);
  model.drain();
  EXPECT_EQ(send(*uart, text.substr(16)), text.size() - 16);
  model.drain();
  EXPECT_EQ(model.line, text);
  uart->set_receive_interrupt(true);
  model.type("seven c");
  model.raise(1U << 27);
  EXPECT_TRUE(model.interrupts());
  EXPECT_EQ(receive(*uart, 3), "sev");
  EXPECT_EQ(receive(*uart), "en c");
  EXPECT_EQ(receive(*uart), "");
  EXPECT_FALSE(model.interrupts());
  model.raise(1U << 11);
  EXPECT_EQ(receive(*uart), "");
  EXPECT_TRUE(uart->take_break());
}

}  // namespace

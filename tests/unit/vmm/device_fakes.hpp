// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vmm/device/console_port.hpp"
#include "vmm/device/device_set.hpp"
#include "vmm/device/device_timer.hpp"
#include "vmm/irq/line.hpp"
#include "vmm/mmio.hpp"
#include "vmm/net/exchange.hpp"
#include "vmm/pci/bus.hpp"

namespace vmm::test {

// Remembers the level of each input and how often it changed.
class FakeIrqs final : public IrqSink {
 public:
  void set_level(VirtualIrq irq, bool level) override {
    Input& input = inputs_[irq];
    input.changes += input.level != level ? 1 : 0;
    input.level = level;
    ++calls;
  }
  [[nodiscard]] bool level(VirtualIrq irq) const { return inputs_.contains(irq) && inputs_.at(irq).level; }
  [[nodiscard]] unsigned changes(VirtualIrq irq) const { return inputs_.contains(irq) ? inputs_.at(irq).changes : 0; }

  unsigned calls = 0;

 private:
  struct Input {
    bool level = false;
    unsigned changes = 0;
  };
  std::map<VirtualIrq, Input> inputs_;
};

class FakeMessages final : public MsiSink {
 public:
  void send_msi(uint32_t device_id, uint32_t data) override { sent.emplace_back(device_id, data); }
  std::vector<std::pair<uint32_t, uint32_t>> sent;
};

inline constexpr pci::BusMap pci_test_map{.configuration = {hal::GuestPhys(0x40'1000'0000), 0x1000'0000},
                                          .io = {hal::GuestPhys(0x3eff'0000), 0x1'0000},
                                          .first_port = 0,
                                          .memory = {hal::GuestPhys(0x1000'0000), 0x2eff'0000},
                                          .high = {hal::GuestPhys(0x80'0000'0000), 0x80'0000'0000},
                                          .first_line = VirtualIrq{35},
                                          .doorbell = hal::GuestPhys(0x809'0040)};

// Takes `room` bytes, then no more.
class FakePort final : public ConsoleSocket {
 public:
  bool can_transmit() override { return room > 0; }
  void transmit(uint8_t byte) override {
    --room;
    sent += static_cast<char>(byte);
  }
  void receive_ready() override { ++ready_calls; }
  void plug(GuestUart) override { connected = true; }
  void disconnect() override { connected = false; }

  int room = 1'000'000;
  std::string sent;
  unsigned ready_calls = 0;
  bool connected = false;
};

class FakeTimer final : public DeviceTimer {
 public:
  uint64_t now() override { return ticks; }
  uint64_t frequency() override { return hz; }
  void set_alarm(uint64_t at, AlarmClient& client) override {
    deadline = at;
    client_ = &client;
  }
  void advance(uint64_t by) {
    ticks += by;
    if (deadline > ticks) return;
    deadline = never;
    client_->alarm();
  }

  uint64_t ticks = 0;
  uint64_t hz = 1'000;
  uint64_t deadline = never;

 private:
  AlarmClient* client_ = nullptr;
};

class FakeOwner final : public DeviceOwner {
 public:
  void crash(std::string_view reason) override { reasons.emplace_back(reason); }
  void report(std::string_view device, std::string_view what) override {
    reports.push_back(std::string(device) + ": " + std::string(what));
  }
  void power_off(VcpuIndex) override { reasons.emplace_back("power off"); }
  void reset_machine(VcpuIndex) override { reasons.emplace_back("reset"); }
  std::vector<std::string> reasons;
  std::vector<std::string> reports;
};

// RAM in pieces, as the host may have it: each of them contiguous, the next one elsewhere.
class FakeMemory final : public DeviceMemory {
 public:
  void add(uint64_t start, uint64_t size, bool writable = true) { pieces_.push_back({start, writable, Bytes(size)}); }
  std::span<std::byte> window(hal::GuestPhys place, uint64_t size, Use use) override {
    ++calls;
    Piece* const piece = find(place.value());
    if (piece == nullptr || (use == Use::write && !piece->writable)) return {};
    const uint64_t offset = place.value() - piece->start;
    return std::span(piece->bytes).subspan(offset, std::min<uint64_t>(size, piece->bytes.size() - offset));
  }
  // As the guest has it; a byte that is not there is the test's fault.
  template <class T>
  void put(uint64_t place, T value) {
    const auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
    for (size_t i = 0; i < sizeof(T); ++i) at(place + i) = bytes[i];
  }
  void clear(uint64_t place, uint64_t size) {
    Piece* const piece = find(place);
    std::memset(&piece->bytes.at(place + size - 1 - piece->start) - (size - 1), 0, size);
  }
  template <class T>
  [[nodiscard]] T get(uint64_t place) {
    std::array<std::byte, sizeof(T)> bytes;
    for (size_t i = 0; i < sizeof(T); ++i) bytes[i] = at(place + i);
    return std::bit_cast<T>(bytes);
  }
  std::byte& at(uint64_t place) {
    Piece* const piece = find(place);
    return piece->bytes.at(place - piece->start);
  }

  unsigned calls = 0;

 private:
  using Bytes = std::vector<std::byte>;
  struct Piece {
    uint64_t start;
    bool writable;
    Bytes bytes;
  };
  Piece* find(uint64_t place) {
    for (Piece& piece : pieces_) {
      if (place - piece.start < piece.bytes.size()) return &piece;
    }
    return nullptr;
  }
  std::vector<Piece> pieces_;
};

// Does the work when the test says so.
class FakeWorker final : public DeviceWorker {
 public:
  void employ() override { employed_ = true; }
  // As the VM's own, it does nothing for whom did not say so in time.
  void post(WorkClient& client) override {
    if (employed_) client_ = &client;
  }
  [[nodiscard]] bool has_work() const { return client_ != nullptr; }
  void step() {
    if (client_ != nullptr && !client_->work()) client_ = nullptr;
  }

 private:
  bool employed_ = false;
  WorkClient* client_ = nullptr;
};

// 1, 2, 3 and so on, so that it shows which bytes were given, and that none was given twice.
class FakeRandom final : public RandomSource {
 public:
  void fill(std::span<std::byte> bytes) override {
    for (std::byte& byte : bytes) byte = std::byte{static_cast<uint8_t>(++given)};
  }

  uint64_t given = 0;
};

// The devices of a VM, and what they are plugged into.
struct DeviceFixture {
  DeviceFixture(DeviceSet::Kinds kinds, const config::VmConfig& config, const pci::BusMap& map = pci_test_map)
      : pci(map, irqs, &messages), storage(DeviceSet::blocks(kinds, config)), set(kinds, site(config), storage) {}
  DeviceSite site(const config::VmConfig& config) {
    return {.config = config,
            .irqs = irqs,
            .pci = pci,
            .networks = networks,
            .timer = timer,
            .counter = timer,
            .console = port,
            .second_console = nullptr,
            .owner = owner,
            .memory = memory,
            .worker = worker,
            .random = random,
            .disks = disks,
            .epoch_at_zero = 0};
  }

  FakeIrqs irqs;
  FakeMessages messages;
  pci::Bus pci;
  net::Exchange networks;
  FakeTimer timer;
  FakePort port;
  FakeOwner owner;
  FakeMemory memory;
  FakeWorker worker;
  FakeRandom random;
  std::vector<BlockBackend*> disks;
  std::vector<DeviceSet::Block> storage;
  DeviceSet set;
};

// A guest's accesses to one device.
class Bus {
 public:
  explicit Bus(MmioDevice& device) : device_(device) {}
  uint64_t read(uint64_t offset, uint8_t size = 4) { return device_.read({offset, size, 0}); }
  void write(uint64_t offset, uint64_t value, uint8_t size = 4) { device_.write({offset, size, 0}, value); }

 private:
  MmioDevice& device_;
};

}  // namespace vmm::test

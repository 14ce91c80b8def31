// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include <arch/mmio.hpp>
#include <arch/mmu.hpp>

#include "hal/base/bits.hpp"
#include "hal/driver/virtio_disk.hpp"

// A machine's PCI bus for tests: an ECAM, functions with BARs that answer where they were put, and only with memory decoding
// on. Physical address P of a device is mapped at P + mapped_at.
namespace fake {

inline constexpr uint64_t mapped_at = 0x1000'0000'0000;

class PciDevice {
 public:
  virtual ~PciDevice() = default;
  virtual uint32_t read(uint64_t, unsigned) { return 0; }
  virtual void write(uint64_t, unsigned, uint32_t) {}

  std::array<uint8_t, 256> config{};
  // Of each BAR's low word: its flags, and its size (0: there is none).
  struct Bar {
    uint32_t flags = 0, size = 0;
  };
  std::array<Bar, 6> bars{};

  template <class T>
  [[nodiscard]] T get(unsigned offset) const {
    T value;
    std::memcpy(&value, &config[offset], sizeof value);
    return value;
  }
  template <class T>
  void set(unsigned offset, T value) {
    std::memcpy(&config[offset], &value, sizeof value);
  }
  // A header of type 0 with these BARs; all unassigned, as after a reset.
  void make(uint16_t vendor, uint16_t device, std::array<Bar, 6> of) {
    set(0x00, vendor);
    set(0x02, device);
    bars = of;
    for (unsigned n = 0; n < 6; ++n) set(0x10 + 4 * n, bars[n].flags);
  }
  [[nodiscard]] bool decodes() const { return (get<uint16_t>(4) & 2) != 0; }
  [[nodiscard]] bool is_master() const { return (get<uint16_t>(4) & 4) != 0; }
  [[nodiscard]] uint64_t bar_place(unsigned n) const {
    const uint64_t high = (bars[n].flags & 4) != 0 ? uint64_t{get<uint32_t>(0x14 + 4 * n)} << 32 : 0;
    return high | (get<uint32_t>(0x10 + 4 * n) & ~0xfU);
  }
  void write_config(unsigned offset, unsigned width, uint32_t value) {
    if (offset >= 0x10 && offset < 0x28) {
      const unsigned n = (offset - 0x10) / 4;
      EXPECT_EQ(width, 4U);
      EXPECT_FALSE(decodes()) << "a BAR that answers is moved";
      const bool is_high = n > 0 && (bars[n - 1].flags & 4) != 0;
      const uint32_t writable = is_high ? ~0U : bars[n].size == 0 ? 0 : ~(bars[n].size - 1);
      return set<uint32_t>(offset, (value & writable) | (is_high ? 0 : bars[n].flags));
    }
    std::memcpy(&config[offset], &value, width);
  }
};

class PciBus final : public arch::FakeRegisters {
 public:
  static constexpr uint64_t ecam = 0x40'1000'0000;
  PciBus() { installed = this; }
  ~PciBus() { installed = nullptr; }

  // `unit`: device and function.
  void plug(unsigned unit, PciDevice& device) { devices_[unit] = &device; }

  uint32_t read(hal::HostVirt place, unsigned width) override {
    const uint64_t phys = place.value() - mapped_at;
    uint32_t value = 0;
    if (phys >= ecam && phys - ecam < 0x10'0000) {
      const auto found = devices_.find(static_cast<unsigned>((phys - ecam) >> 12));
      if (found == devices_.end() || (phys & 0xfff) >= 256) return ~0U;
      std::memcpy(&value, &found->second->config[phys & 0xff], width);
      return value;
    }
    const auto [device, offset] = at(phys);
    EXPECT_NE(device, nullptr) << "nobody answers at " << std::hex << phys;
    return device != nullptr ? device->read(offset, width) : ~0U;
  }
  void write(hal::HostVirt place, unsigned width, uint32_t value) override {
    const uint64_t phys = place.value() - mapped_at;
    if (phys >= ecam && phys - ecam < 0x10'0000) {
      const auto found = devices_.find(static_cast<unsigned>((phys - ecam) >> 12));
      ASSERT_NE(found, devices_.end());
      return found->second->write_config(phys & 0xff, width, value);
    }
    const auto [device, offset] = at(phys);
    ASSERT_NE(device, nullptr) << "nobody answers at " << std::hex << phys;
    device->write(offset, width, value);
  }

 private:
  // Which device answers there, and what it sees: the BAR's number in the upper half.
  [[nodiscard]] std::pair<PciDevice*, uint64_t> at(uint64_t phys) const {
    for (const auto& [unit, device] : devices_) {
      for (unsigned n = 0; device->decodes() && n < 6; ++n) {
        const uint64_t offset = phys - device->bar_place(n);
        if (device->bars[n].size != 0 && (device->bars[n].flags & 1) == 0 && offset < device->bars[n].size) {
          return {device, uint64_t{n} << 32 | offset};
        }
      }
    }
    return {nullptr, 0};
  }

  std::map<unsigned, PciDevice*> devices_;
};

// QEMU's virtio-blk-pci with disable-legacy=on, as far as a driver sees it.
class VirtioBlk final : public PciDevice {
 public:
  explicit VirtioBlk(size_t size) : medium(size) {
    make(0x1af4, 0x1042, {{{}, {0x0, 0x1000}, {}, {}, {0xc, 0x4000}, {}}});
    config[0x3d] = 1;
    set<uint16_t>(0x06, 0x10);
    config[0x34] = 0x84;
    // As QEMU has them: PCI's configuration access first, then notify, device, isr, common, and MSI-X at the end.
    add(0x84, 0x70, 5, 0, 0);
    add(0x70, 0x60, 2, 0x3000, 0x1000);
    set<uint32_t>(0x70 + 16, 4);
    add(0x60, 0x50, 4, 0x2000, 0x1000);
    add(0x50, 0x40, 3, 0x1000, 0x1000);
    add(0x40, 0x98, 1, 0x0000, 0x1000);
    config[0x98] = 0x11;
    set<uint16_t>(0x98 + 2, 0x8001);  // that firmware has left on
  }

  uint32_t read(uint64_t place, unsigned width) override {
    EXPECT_EQ(place >> 32, 4U);
    const auto offset = static_cast<uint32_t>(place);
    switch (offset >> 12) {
      case 0: return read_common(offset);
      case 1: return std::exchange(isr, 0);
      case 2: return read_config(offset & 0xfff, width);
      default: return 0;
    }
  }
  void write(uint64_t place, unsigned width, uint32_t value) override {
    const auto offset = static_cast<uint32_t>(place);
    if (offset >> 12 == 0) return write_common(offset, value);
    if (offset >> 12 == 3) {
      EXPECT_EQ(offset & 0xfff, 4U) << "queue_notify_off times the multiplier";
      EXPECT_EQ(width, 2U);
      ++notifications;
      if (!holds) serve();
    }
  }

  // Do what is available; the last first, if there are several.
  void serve() {
    if (!is_master() || (status & 4) == 0) return;
    std::vector<uint16_t> heads;
    const uint16_t index = load<uint16_t>(driver_area + 2);
    for (; seen != index; ++seen) heads.push_back(load<uint16_t>(driver_area + 4 + 2 * (seen % size)));
    for (auto head = heads.rbegin(); head != heads.rend(); ++head) answer(*head, request(*head));
  }
  void answer(uint32_t id, uint32_t length) {
    store<uint32_t>(device_area + 4 + 8 * (used % size), id);
    store<uint32_t>(device_area + 8 + 8 * (used % size), length);
    store<uint16_t>(device_area + 2, ++used);
    isr |= 1;
  }

  std::vector<std::byte> medium;
  uint64_t offered = 1ULL << 32 | 1 << 6 | 1 << 9 | 1 << 13 | 1 << 14 | 1 << 28 | 1 << 29;
  uint64_t accepted = 0;
  std::string serial = "disk-0001";
  uint32_t block = 512, largest_clear = 0x3fffff;
  uint16_t max_queue = 256;
  bool holds = false, fails = false;
  unsigned notifications = 0, flushes = 0, resets = 0;
  std::vector<std::pair<uint32_t, uint64_t>> cleared;  // type, and place in bytes
  uint8_t status = 0, isr = 0;
  uint16_t size = 0;

 private:
  struct Part {
    std::byte* place;
    uint32_t length;
    bool writable;
  };
  void add(unsigned at, unsigned next, uint8_t type, uint32_t offset, uint32_t length) {
    config[at] = 0x09;
    config[at + 1] = static_cast<uint8_t>(next);
    config[at + 2] = 20;
    config[at + 3] = type;
    config[at + 4] = 4;
    set(at + 8, offset);
    set(at + 12, length);
  }
  static std::byte* memory(uint64_t phys) {
    EXPECT_LT(phys, arch::Mmu::direct_map_size);
    return reinterpret_cast<std::byte*>(arch::Mmu::direct_map_base.value() + phys);
  }
  template <class T>
  static T load(uint64_t phys) {
    T value;
    std::memcpy(&value, memory(phys), sizeof value);
    return value;
  }
  template <class T>
  static void store(uint64_t phys, T value) {
    std::memcpy(memory(phys), &value, sizeof value);
  }

  uint32_t read_common(uint32_t offset) {
    switch (offset) {
      case 0x04: return feature_word < 2 ? static_cast<uint32_t>(offered >> (32 * feature_word)) : 0;
      case 0x14: return status;
      case 0x18: return size;
      case 0x1e: return 1;
      default: ADD_FAILURE() << "reads common configuration at " << offset; return 0;
    }
  }
  void write_common(uint32_t offset, uint32_t value) {
    const auto half = [&](uint64_t& area, bool high) {
      area = high ? (area & 0xffff'ffff) | uint64_t{value} << 32 : (area & ~0xffff'ffffULL) | value;
    };
    switch (offset) {
      case 0x00: feature_word = value; break;
      case 0x08: driver_word = value; break;
      case 0x0c: accepted |= uint64_t{value} << (32 * driver_word); break;
      case 0x14: set_status(static_cast<uint8_t>(value)); break;
      case 0x16: EXPECT_EQ(value, 0U); break;
      case 0x18: size = static_cast<uint16_t>(value); break;
      case 0x1c: enabled = value == 1; break;
      case 0x20: case 0x24: half(table, offset == 0x24); break;
      case 0x28: case 0x2c: half(driver_area, offset == 0x2c); break;
      case 0x30: case 0x34: half(device_area, offset == 0x34); break;
      default: ADD_FAILURE() << "writes common configuration at " << offset;
    }
  }
  void set_status(uint8_t value) {
    if (value == 0) {
      ++resets;
      accepted = 0;
      enabled = false;
      seen = used = 0;
      size = max_queue;
    }
    if ((value & 8) != 0 && (accepted & ~offered) != 0) value &= ~8;
    if ((value & 4) != 0) {
      EXPECT_TRUE(enabled) << "ready without a queue";
    }
    status = value;
  }
  uint32_t read_config(uint32_t offset, unsigned width) {
    std::array<uint32_t, 16> words{};
    words[0] = static_cast<uint32_t>(medium.size() / 512);
    words[5] = block;
    words[9] = words[12] = largest_clear;
    uint32_t value = 0;
    std::memcpy(&value, reinterpret_cast<const char*>(words.data()) + offset, width);
    return value;
  }

  // 5.2.6, with every rule of a chain that a device can see broken.
  uint32_t request(uint16_t head) {
    std::vector<Part> parts;
    for (unsigned at = head, steps = 0;; ++steps) {
      const uint64_t entry = table + 16 * at;
      const auto flags = load<uint16_t>(entry + 12);
      EXPECT_LT(at, size);
      EXPECT_LE(steps, size);
      const bool writable = (flags & 2) != 0;
      EXPECT_TRUE(parts.empty() || writable >= parts.back().writable) << "what is read comes before what is written";
      parts.push_back({memory(load<uint64_t>(entry)), load<uint32_t>(entry + 8), writable});
      if ((flags & 1) == 0) break;
      at = load<uint16_t>(entry + 14);
    }
    std::vector<std::byte> sent;
    std::vector<Part> received;
    for (const Part& part : parts) {
      if (part.writable) {
        received.push_back(part);
      } else {
        sent.insert(sent.end(), part.place, part.place + part.length);
      }
    }
    EXPECT_GE(sent.size(), 16U);
    EXPECT_EQ(received.back().length, 1U);
    *received.back().place = fails ? std::byte{1} : carry_out(sent, received);
    return 1;
  }
  std::byte carry_out(const std::vector<std::byte>& sent, const std::vector<Part>& received) {
    uint32_t type;
    uint64_t sector;
    std::memcpy(&type, sent.data(), 4);
    std::memcpy(&sector, sent.data() + 8, 8);
    uint64_t place = sector * 512;
    if (type == 8) {
      EXPECT_EQ(received.front().length, 20U);
      std::memset(received.front().place, 0, 20);
      std::memcpy(received.front().place, serial.data(), std::min<size_t>(serial.size(), 20));
    } else if (type == 0) {
      for (size_t n = 0; n + 1 < received.size(); place += received[n++].length) {
        EXPECT_LE(place + received[n].length, medium.size());
        std::memcpy(received[n].place, &medium[place], received[n].length);
      }
    } else if (type == 1) {
      EXPECT_LE(place + sent.size() - 16, medium.size());
      std::memcpy(&medium[place], sent.data() + 16, sent.size() - 16);
    } else if (type == 4) {
      EXPECT_EQ(sector, 0U);
      ++flushes;
    } else if (type == 11 || type == 13) {
      EXPECT_EQ(sent.size(), 32U);
      uint32_t sectors;
      std::memcpy(&place, sent.data() + 16, 8);
      std::memcpy(&sectors, sent.data() + 24, 4);
      cleared.emplace_back(type, place * 512);
      std::memset(&medium[place * 512], 0, sectors * size_t{512});
    } else {
      return std::byte{2};
    }
    return std::byte{0};
  }

  uint32_t feature_word = 0, driver_word = 0;
  uint64_t table = 0, driver_area = 0, device_area = 0;
  uint16_t seen = 0, used = 0;
  bool enabled = false;
};

}  // namespace fake

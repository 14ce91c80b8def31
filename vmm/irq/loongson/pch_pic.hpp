// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/lock.hpp"
#include "vmm/irq/line.hpp"
#include "vmm/irq/loongson/eiointc.hpp"
#include "vmm/mmio.hpp"

namespace vmm::loongson {

// The interrupt controller of the bridge (Loongson 7A1000 user manual, chapter 5): up to 64 inputs, level- or
// edge-sensitive, each of which becomes an EIOINTC vector of the guest's choice.
//
//     input, by POLARITY --> request (IRR) --unmasked--> in service (ISR) --> EIOINTC vector HTMSI_VECTOR[n]
//
// A level-sensitive input is in service while it is high and unmasked. An edge stays requested until CLEAR. As on
// QEMU's board, levels of devices come as "asserted": POLARITY, which says how a wire shows that, is storage. So are
// ROUTE and AUTO_CTRL: everything goes to the EIOINTC.
//
// Byte, halfword, word and doubleword accesses. One lock (rank `interrupt_inputs`).
class PchPic final : public MmioDevice, public IrqSink {
 public:
  static constexpr uint64_t window_size = 0x400;
  static constexpr unsigned max_inputs = 64;

  // `inputs`: 1 to 64, as the guest reads it.
  PchPic(hal::GuestPhys place, unsigned inputs, Eiointc& parent)
      : MmioDevice("pch-pic", {place, window_size}), inputs_(inputs), parent_(parent) {
    power_on();
  }

  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override;

  // Inputs beyond the last are not connected.
  void set_level(VirtualIrq input, bool level) override;

 private:
  // A register of one bit for each input, in two halves.
  struct Bits {
    uint64_t value = 0;
    [[nodiscard]] uint32_t half(unsigned n) const { return static_cast<uint32_t>(value >> 32 * n); }
    void put(unsigned n, uint32_t word, uint32_t lanes) {
      value = (value & ~(uint64_t{lanes} << 32 * n)) | uint64_t{word} << 32 * n;
    }
  };
  [[nodiscard]] uint32_t read_word(uint32_t offset) const PLINTH_REQUIRES(lock_);
  void write_word(uint32_t offset, uint32_t value, uint32_t lanes) PLINTH_REQUIRES(lock_);
  [[nodiscard]] const Bits* bits_at(uint32_t offset) const PLINTH_REQUIRES(lock_);
  void write_vectors(unsigned first, uint32_t value, uint32_t lanes) PLINTH_REQUIRES(lock_);
  void update() PLINTH_REQUIRES(lock_);
  void power_on() PLINTH_REQUIRES(lock_);

  const unsigned inputs_;
  Eiointc& parent_;
  hal::SpinLock lock_{hal::LockRank::interrupt_inputs};
  Bits mask_ PLINTH_GUARDED_BY(lock_);  // 1: masked
  Bits message_enable_ PLINTH_GUARDED_BY(lock_);
  Bits edge_ PLINTH_GUARDED_BY(lock_);  // 1: edge-sensitive
  Bits auto_control0_ PLINTH_GUARDED_BY(lock_);
  Bits auto_control1_ PLINTH_GUARDED_BY(lock_);
  Bits polarity_ PLINTH_GUARDED_BY(lock_);
  Bits request_ PLINTH_GUARDED_BY(lock_);     // IRR
  Bits in_service_ PLINTH_GUARDED_BY(lock_);  // ISR
  uint64_t asserted_ PLINTH_GUARDED_BY(lock_) = 0;
  std::array<uint8_t, max_inputs> route_ PLINTH_GUARDED_BY(lock_){};
  std::array<uint8_t, max_inputs> vector_ PLINTH_GUARDED_BY(lock_){};
};

// Where devices write messages: the data is the EIOINTC vector. Vectors below `first` belong to PCH-PIC's inputs, and
// are not for messages.
class PchMsi final : public MmioDevice, public MsiSink {
 public:
  static constexpr uint64_t window_size = 8;

  PchMsi(hal::GuestPhys place, unsigned first, Eiointc& parent)
      : MmioDevice("pch-msi", {place, window_size}), first_(first), parent_(parent) {}

  uint64_t read(MmioAccess) override { return 0; }
  void write(MmioAccess access, uint64_t value) override {
    if (access.offset == 0 && access.size >= 4) send_msi(0, static_cast<uint32_t>(value));
  }
  void reset() override {}

  // The vector is all that counts, whoever sends it.
  void send_msi(uint32_t /*device_id*/, uint32_t data) override {
    const unsigned vector = data & 0xff;
    if (vector >= first_) parent_.message(vector);
  }

 private:
  const unsigned first_;
  Eiointc& parent_;
};

}  // namespace vmm::loongson

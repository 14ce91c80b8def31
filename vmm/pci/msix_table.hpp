// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/address.hpp"
#include "vmm/mmio.hpp"

namespace vmm::pci {

// A write that stands for an interrupt.
struct Message {
  hal::GuestPhys address;
  uint32_t data;
};

// Who sends them.
class MessagePort {
 public:
  virtual void send(Message message) = 0;

 protected:
  ~MessagePort() = default;
};

// The MSI-X Table and Pending Bit Array of one function (PCI Express Base 5.0, 7.7.2), in a BAR of their own:
//
//     0                 vectors * 16    pending_offset
//     | entry, entry, ...     |    0    | one bit each | 0
//
// Software uses doublewords and quadwords; of what is narrower the effect is undefined (6.1.4.2): here it reads as it
// would in memory, and writes nothing. No lock: the owner has one.
class MsixTable {
 public:
  static constexpr unsigned max_vectors = 32;
  static constexpr uint64_t bar_size = 0x1000;
  static constexpr uint64_t pending_offset = 0x800;

  // 1 to max_vectors.
  explicit MsixTable(unsigned vectors) : vectors_(vectors) {}

  [[nodiscard]] unsigned vectors() const { return vectors_; }
  [[nodiscard]] uint64_t read(MmioAccess access) const;
  void write(MmioAccess access, uint64_t value, MessagePort& port);
  // The bits of Message Control have changed. Messages that wait for this go out.
  void control(bool enabled, bool function_masked, MessagePort& port);
  // Every entry masked, and nothing pending.
  void reset();

  // The function wants vector `n` to be seen: at once, or when its mask goes. Vectors beyond the table are lost.
  void raise(unsigned n, MessagePort& port);

 private:
  struct Entry {
    uint64_t address = 0;
    uint32_t data = 0;
    uint32_t control = 1;
  };
  [[nodiscard]] uint32_t read_word(uint32_t offset) const;
  void write_word(uint32_t offset, uint32_t value);
  [[nodiscard]] bool is_masked(const Entry& entry) const;
  void send_pending(MessagePort& port);

  const unsigned vectors_;
  bool enabled_ = false;
  bool function_masked_ = false;
  std::array<Entry, max_vectors> entries_{};
  uint32_t pending_ = 0;
};

}  // namespace vmm::pci

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"
#include "vmm/mmio.hpp"

namespace vmm::loongson {

// What MAIL_SEND and ANY_SEND are written with (Loongson 3A5000 user manual, 10.2): 32 bits for a register of another
// core, some bytes of which may be left as they are.
class RemoteWrite {
 public:
  explicit constexpr RemoteWrite(uint64_t word) : word_(word) {}

  [[nodiscard]] constexpr VcpuIndex target() const { return static_cast<VcpuIndex>(core::get(word_)); }
  // MAIL_SEND: which half of which mailbox, counted through.
  [[nodiscard]] constexpr unsigned mailbox_half() const { return static_cast<unsigned>(box::get(word_)); }
  // ANY_SEND: the IOCSR, of 32 bits.
  [[nodiscard]] constexpr uint32_t address() const { return static_cast<uint32_t>(place::get(word_)) & ~3U; }
  // The register's new value.
  [[nodiscard]] constexpr uint32_t merge(uint32_t old) const {
    uint32_t kept = 0;
    for (unsigned byte = 0; byte < 4; ++byte) {
      if ((keep::get(word_) >> byte & 1) != 0) kept |= 0xffU << byte * 8;
    }
    return (old & kept) | (static_cast<uint32_t>(data::get(word_)) & ~kept);
  }

 private:
  using place = hal::Field<15, 0>;
  using box = hal::Field<4, 2>;
  using core = hal::Field<25, 16>;
  using keep = hal::Field<30, 27>;  // a bit for each byte that stays as it is
  using data = hal::Field<63, 32>;

  uint64_t word_;
};

}  // namespace vmm::loongson

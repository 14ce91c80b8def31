// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace arch {

// LoongArch's I/O control and status registers for host tests: whatever answers here gets every access, with its width in
// bytes.
class FakeIocsrs {
 public:
  virtual uint64_t read(uint64_t address, unsigned width) = 0;
  virtual void write(uint64_t address, unsigned width, uint64_t value) = 0;

  static inline FakeIocsrs* installed = nullptr;

 protected:
  ~FakeIocsrs() = default;
};

inline uint32_t iocsr_read32(uint64_t address) {
  return static_cast<uint32_t>(FakeIocsrs::installed->read(address, 4));
}
inline uint64_t iocsr_read64(uint64_t address) { return FakeIocsrs::installed->read(address, 8); }
inline void iocsr_write32(uint64_t address, uint32_t value) { FakeIocsrs::installed->write(address, 4, value); }
inline void iocsr_write64(uint64_t address, uint64_t value) { FakeIocsrs::installed->write(address, 8, value); }

}  // namespace arch

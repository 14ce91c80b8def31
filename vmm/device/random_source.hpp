// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace vmm {

// Random bytes for one VM, of which other VMs' tell nothing.
class RandomSource {
 public:
  // Any CPU, with any lock held but leaf locks. Dear: about 16 instructions a byte, where a copy takes less than one.
  virtual void fill(std::span<std::byte> bytes) = 0;

 protected:
  constexpr RandomSource() = default;
  ~RandomSource() = default;
};

}  // namespace vmm

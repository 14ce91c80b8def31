// SPDX-License-Identifier: Apache-2.0
#include "hal/console.hpp"

#include "hal/base/lock.hpp"

namespace hal {

void ConsoleDevice::write_polled(std::span<const uint8_t> bytes) {
  // Room for one more character comes within 33 ms even at 300 baud; a device that is slower than this many attempts,
  // each a read of a device register, is stuck.
  static constexpr unsigned patience = 1'000'000;
  unsigned left = patience;
  while (!bytes.empty() && left != 0) {
    const size_t sent = write(bytes);
    bytes = bytes.subspan(sent);
    if (sent != 0) {
      left = patience;
    } else {
      --left;
      cpu_relax();
    }
  }
}

}  // namespace hal

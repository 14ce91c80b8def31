// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vmm {

// What a guest's UART is plugged into. The UART calls with its own lock held (rank `device`), from the exit path of any
// of its VM's vCPUs: calls are short, take only locks of a higher rank (`console`) and never call the UART back.
class ConsolePort {
 public:
  // May transmit() be called now? A port that says no makes the guest see a full FIFO; it calls the UART's
  // transmit_ready() once there is room again.
  virtual bool can_transmit() = 0;
  // One byte from the guest. Called only after can_transmit() said yes.
  virtual void transmit(uint8_t byte) = 0;
  // The UART has room again after its receive() accepted less than it was given.
  virtual void receive_ready() = 0;

 protected:
  ~ConsolePort() = default;
};

}  // namespace vmm

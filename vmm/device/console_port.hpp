// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

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
  // The UART has room again after its receive() accepted less than it was given, or its receive_break() nothing.
  virtual void receive_ready() = 0;

 protected:
  ~ConsolePort() = default;
};

// A port that also offers typed bytes to the UART, and so has to know it.
class ConsoleSocket : public ConsolePort {
 public:
  // Plug in the UART whose port this is, before it is used: a class with Pl011's receive(), receive_break() and
  // transmit_ready().
  template <class Uart>
  void connect(Uart& uart) {
    plug({&uart, [](void* of, std::span<const uint8_t> bytes) { return static_cast<Uart*>(of)->receive(bytes); },
          [](void* of) { return static_cast<Uart*>(of)->receive_break(); },
          [](void* of) { static_cast<Uart*>(of)->transmit_ready(); }});
  }
  // When it returns, nobody calls the UART any more. The caller holds no lock that the UART takes.
  virtual void disconnect() = 0;

 protected:
  struct GuestUart {
    void* object = nullptr;
    size_t (*receive)(void* object, std::span<const uint8_t> bytes) = nullptr;
    bool (*receive_break)(void* object) = nullptr;
    void (*transmit_ready)(void* object) = nullptr;
  };
  virtual void plug(GuestUart uart) = 0;
  ~ConsoleSocket() = default;
};

}  // namespace vmm

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "vmm/mmio.hpp"

namespace vmm {

// Input number of a VM's interrupt controller: a GIC INTID (SPI n is 32 + n), or a PCH-PIC input.
enum class VirtualIrq : uint32_t {};

// A VM's interrupt controller as devices see it. Thread-safe; callable from any CPU with no device lock needed, but a
// device may hold its own lock (rank `device`) while calling.
class IrqSink {
 public:
  // Drive a shared, level-sensitive input.
  virtual void set_level(VirtualIrq irq, bool level) = 0;

 protected:
  ~IrqSink() = default;
};

// The wire from one device to its VM's interrupt controller.
class IrqLine {
 public:
  constexpr IrqLine(IrqSink& sink, VirtualIrq irq) : sink_(&sink), irq_(irq) {}
  void set(bool level) const { sink_->set_level(irq_, level); }

 private:
  IrqSink* sink_;
  VirtualIrq irq_;
};

// Where devices send message-signaled interrupts: a GIC's ITS, or PCH-MSI. Thread-safe; locking as for IrqSink.
class MsiSink {
 public:
  // `device_id` tells the sender from others, as the bus it is on has it; `data` is what the guest had it send.
  // Messages that mean nothing to the guest's controller are lost.
  virtual void send_msi(uint32_t device_id, uint32_t data) = 0;

 protected:
  ~MsiSink() = default;
};

// How an interrupt controller model (or anything else) makes a vCPU look at its interrupts again: wakes it if it waits,
// makes it leave the guest if it runs on another CPU, does nothing more than set a flag if it is the caller's own.
class VcpuKicker {
 public:
  virtual void kick(VcpuIndex vcpu) = 0;

 protected:
  ~VcpuKicker() = default;
};

}  // namespace vmm

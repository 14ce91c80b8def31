// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vmm/mmio.hpp"
#include "vmm/pci/bus.hpp"

// The windows through which vCPUs reach a Bus.
namespace vmm::pci {

// Configuration space of 256 buses, 1 MiB each, of which the first has functions.
class EcamWindow final : public MmioDevice {
 public:
  explicit EcamWindow(Bus& bus) : MmioDevice("pci-config", bus.map().configuration), bus_(bus) {}
  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override { bus_.reset(); }

 private:
  Bus& bus_;
};

// Configuration space as bridges beside Loongson's CPUs have it: 256 bytes for each function of bus 0. For kernels that
// know no other.
class LoongsonConfigWindow final : public MmioDevice {
 public:
  static constexpr uint64_t window_size = 0x1'0000;
  LoongsonConfigWindow(Bus& bus, hal::GuestPhys start) : MmioDevice("pci-config", {start, window_size}), bus_(bus) {}
  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override {}

 private:
  Bus& bus_;
};

// Where BARs are.
class MemoryWindow final : public MmioDevice {
 public:
  MemoryWindow(Bus& bus, hal::GuestPhysRange window) : MmioDevice("pci-memory", window), bus_(bus) {}
  uint64_t read(MmioAccess access) override { return bus_.read_memory(window().start + access.offset, access); }
  void write(MmioAccess access, uint64_t value) override {
    bus_.write_memory(window().start + access.offset, access, value);
  }
  void reset() override {}

 private:
  Bus& bus_;
};

// I/O ports: there are none.
class PortWindow final : public MmioDevice {
 public:
  explicit PortWindow(const Bus& bus) : MmioDevice("pci-ports", bus.map().io) {}
  uint64_t read(MmioAccess) override { return absent; }
  void write(MmioAccess, uint64_t) override {}
  void reset() override {}
};

}  // namespace vmm::pci

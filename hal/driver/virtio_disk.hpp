// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "hal/driver/disk.hpp"
#include "hal/driver/pci.hpp"

// A disk behind virtio (Virtual I/O Device 1.2): a block device (5.2) on PCI (4.1), without the legacy interface.
namespace hal::driver {

class VirtioDisk final : public Disk {
 public:
  static constexpr uint16_t max_queue = 256;
  static constexpr unsigned chain = max_pieces + 2;  // with header and status
  static constexpr unsigned max_slots = max_queue / chain;

  // What device and driver share: memory of the direct map, zeroed, in whole pages.
  //
  //     descriptors   slot 0: header, memory ..., status | slot 1: ... | ...
  //
  // Descriptors belong to slots for good, so that there is no list of free ones.
  struct Shared {
    struct Descriptor {
      uint64_t address;
      uint32_t length;
      uint16_t flags, next;
    };
    struct Slot {
      // 5.2.6; what a discard or write zeroes is about follows the header.
      uint32_t type, reserved;
      uint64_t sector;
      struct {
        uint64_t sector;
        uint32_t sectors, flags;
      } segment;
      uint8_t status;
      bool busy;  // ours
    };
    std::array<Descriptor, max_queue> descriptors;
    struct {
      uint16_t flags, index;
      std::array<uint16_t, max_queue> ring;
      uint16_t used_event;
    } available;
    struct {
      uint16_t flags, index;
      struct {
        uint32_t id, length;
      } ring[max_queue];
      uint16_t available_event;
    } used;
    std::array<Slot, max_slots> slots;
    std::array<std::byte, decltype(DiskShape::serial)::capacity> id;
  };

  // Is that a block device of virtio's?
  [[nodiscard]] static bool drives(const PciFunction& function);
  // Set it up. False: it is broken, or older than version 1. It stays where it is from here on.
  [[nodiscard]] bool open(PciHost& host, const PciFunction& function, Shared& shared);

  void start(unsigned slot, const DiskRequest& request) override;
  [[nodiscard]] std::optional<DiskCompletion> next_completion() override;
  void acknowledge() override;
  void stop() override;

 private:
  [[nodiscard]] bool find_registers(PciHost& host);
  [[nodiscard]] bool negotiate();
  [[nodiscard]] bool set_up_queue();
  void read_shape(uint64_t features);
  void read_serial();
  [[nodiscard]] bool reset();
  [[nodiscard]] uint64_t features();
  void give(unsigned slot, uint32_t type, std::span<const std::span<std::byte>> memory, bool device_writes);

  PciFunction function_;
  Shared* shared_ = nullptr;
  HostVirt common_, isr_, configuration_, doorbell_;
  uint16_t queue_size_ = 0;
  uint16_t given_ = 0, taken_ = 0;  // indices of the rings
};

}  // namespace hal::driver

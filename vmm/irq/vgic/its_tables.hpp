// SPDX-License-Identifier: Apache-2.0
// The ITS's private tables, which live in memory that the guest provides: devices and collections behind GITS_BASER<n>,
// one interrupt translation table per device behind MAPD. Their format is ours (8 bytes per entry). The guest can write
// them as it likes, so that everything read is checked as if it came from a command; a guest that does only harms
// itself.
#pragma once

#include <cstdint>
#include <optional>

#include "vmm/irq/vgic/guest_memory.hpp"

namespace vmm::vgic {

inline constexpr unsigned its_entry_size = 8;
inline constexpr unsigned device_id_bits = 16;
inline constexpr unsigned event_id_bits = 16;
inline constexpr unsigned collection_id_bits = 16;

// A device that is mapped: events 0 to 2^event_bits - 1 have entries from `table` on.
struct ItsDevice {
  hal::GuestPhys table;
  unsigned event_bits;
};
struct ItsEvent {
  uint32_t lpi;  // INTID, checked to be an LPI that we have
  uint16_t collection;
};

class ItsTables {
 public:
  explicit ItsTables(GuestMemoryAccess& memory) : memory_(memory) {}

  // GITS_BASER0 (devices) and GITS_BASER1 (collections), in the layout of the registers.
  uint64_t devices = 0;
  uint64_t collections = 0;

  // Look-ups give nothing for what is not mapped, cannot be read, or makes no sense.
  [[nodiscard]] std::optional<ItsDevice> device(uint32_t device_id);
  [[nodiscard]] std::optional<ItsEvent> event(const ItsDevice& device, uint32_t event_id);
  // The vCPU number of a collection, not checked.
  [[nodiscard]] std::optional<uint32_t> collection(uint32_t icid);

  // Changes do nothing where there is no room. No value: unmap.
  void set_device(uint32_t device_id, std::optional<ItsDevice> device);
  void set_event(const ItsDevice& device, uint32_t event_id, std::optional<ItsEvent> event);
  void set_collection(uint32_t icid, std::optional<uint32_t> vcpu);

 private:
  [[nodiscard]] std::optional<hal::GuestPhys> entry(uint64_t baser, uint32_t index);
  [[nodiscard]] std::optional<uint64_t> load(std::optional<hal::GuestPhys> at);
  void store(std::optional<hal::GuestPhys> at, uint64_t value);

  GuestMemoryAccess& memory_;
};

}  // namespace vmm::vgic

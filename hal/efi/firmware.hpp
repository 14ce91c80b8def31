// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/fixed.hpp"
#include "hal/efi/uefi.hpp"

// Firmware's services as the EFI application uses them, until ExitBootServices().
//
// All of hal/efi but the layouts runs where firmware loaded the image, not where it is linked: nothing here may count
// on a pointer that the linker put into data (tables of strings, virtual functions). image.lds refuses such data.
namespace hal::efi {

// A line on firmware's console.
void say(const SystemTable& system, std::string_view text);
void say(const SystemTable& system, std::string_view text, Status why);

// Firmware maps physical memory one to one (2.3.6, 2.3.8).
inline std::byte* at(HostPhys place) { return reinterpret_cast<std::byte*>(place.value()); }

// The interface of a protocol on a handle, or null.
template <class Protocol>
Protocol* protocol(const SystemTable& system, Handle handle, const Guid& guid) {
  void* found = nullptr;
  if (system.boot->handle_protocol(handle, &guid, &found) != status::success) return nullptr;
  return static_cast<Protocol*>(found);
}

// Memory of ours (EfiLoaderData). It goes back to firmware at the end, unless the machine is ours by then.
class Pages {
 public:
  explicit Pages(const SystemTable& system) : system_(system) {}
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  // `alignment` is a power of two, contents are undefined; nothing when there is no memory.
  [[nodiscard]] std::optional<HostPhysRange> allocate(uint64_t size, uint64_t alignment = page_bytes);
  void keep() { taken_.clear(); }

 private:
  const SystemTable& system_;
  FixedVector<HostPhysRange, 4> taken_;
};

// The table with this GUID in the configuration table; 0 when there is none.
[[nodiscard]] uint64_t configuration_table(const SystemTable& system, const Guid& guid);

}  // namespace hal::efi

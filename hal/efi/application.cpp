// SPDX-License-Identifier: Apache-2.0
#include "hal/efi/application.hpp"

#include <cstring>
#include <new>
#include <optional>
#include <string_view>

#include "hal/base/big_endian.hpp"
#include "hal/efi/acpi.hpp"
#include "hal/efi/bundle.hpp"
#include "hal/efi/firmware.hpp"
#include "hal/efi/load_options.hpp"

namespace hal::efi {
namespace {

Taken refuse(const SystemTable& system, std::string_view why, Status status) {
  say(system, why, status);
  return {.status = status, .hand_over = nullptr};
}

// Firmware may have its tree in memory that is not ours, or that we map otherwise than it does.
std::optional<HostPhysRange> copy_of_tree(Pages& pages, uint64_t tree) {
  constexpr uint32_t magic = 0xd00d'feed, most = 2 * mib;  // most: as Linux's boot protocol has it
  const std::byte* const header = at(HostPhys(tree));
  const uint32_t size = load_be32({header + 4, 4});
  if (load_be32({header, 4}) != magic || size > most) return std::nullopt;
  const auto place = pages.allocate(size);
  if (place) std::memcpy(at(place->start), header, size);
  return place;
}

// A device tree goes first, as it says more without an interpreter.
bool copy_description(const SystemTable& system, Pages& pages, HandOver& hand_over) {
  if (const uint64_t tree = configuration_table(system, guid::device_tree); tree != 0) {
    const auto place = copy_of_tree(pages, tree);
    if (place) hand_over.fdt = *place;
    return place.has_value();
  }
  const auto place = copy_acpi_tables(system, pages);
  if (place) hand_over.acpi = *place;
  return place.has_value();
}

// The map's key says whether anything was allocated since: then ask again (7.4.6). After the first refusal firmware may
// be half gone, and nothing but these two calls is allowed.
Status exit_boot_services(Handle handle, const SystemTable& system, HandOver& hand_over, uint64_t room) {
  constexpr unsigned most_tries = 16;
  Status result = status::success;
  for (unsigned n = 0; n < most_tries; ++n) {
    size_t size = room, key = 0, descriptor_size = 0;
    uint32_t version = 0;
    result = system.boot->get_memory_map(&size, &hand_over + 1, &key, &descriptor_size, &version);
    if (result != status::success) return result;
    hand_over.map_size = size;
    hand_over.descriptor_size = descriptor_size;
    result = system.boot->exit_boot_services(handle, key);
    if (result != status::invalid_parameter) return result;
  }
  return result;
}

}  // namespace

Taken take_machine(Handle handle, const SystemTable& system, const FileImage& image) {
  // Firmware starts a timer of five minutes with every application (3.1.2).
  (void)system.boot->set_watchdog_timer(0, 0, 0, nullptr);
  const auto* const loaded = protocol<LoadedImage>(system, handle, guid::loaded_image);
  if (loaded == nullptr) return refuse(system, "firmware does not know this image", status::unsupported);

  Pages pages(system);
  const auto block = pages.allocate(image.block, image.block);
  if (!block || image.bytes.size() > image.block - hand_over_room) {
    return refuse(system, "no memory for the image", status::out_of_resources);
  }
  std::memcpy(at(block->start), image.bytes.data(), image.bytes.size());
  auto* const hand_over = new (at(block->end() - hand_over_room)) HandOver{};
  hand_over->image = block->start;
  hand_over->system_table = HostPhys(reinterpret_cast<uintptr_t>(&system));

  if (!copy_description(system, pages, *hand_over)) {
    return refuse(system, "firmware gives neither a usable device tree nor ACPI's tables", status::unsupported);
  }

  copy_options(*loaded, hand_over->command_line);
  const FoundBundle bundle = find_bundle(system, pages, *loaded, hand_over->command_line.data());
  if (bundle.status != status::success) return {.status = bundle.status, .hand_over = nullptr};
  hand_over->bundle = bundle.place;
  hand_over->nobody_named_bundle = bundle.nobody_named_it;

  pages.keep();
  const Status left = exit_boot_services(handle, system, *hand_over, hand_over_room - sizeof(HandOver));
  return {.status = left, .hand_over = left == status::success ? hand_over : nullptr};
}

}  // namespace hal::efi

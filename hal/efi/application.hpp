// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/efi/hand_over.hpp"
#include "hal/efi/uefi.hpp"

namespace hal::efi {

// The image as its file has it, wherever firmware loaded it: nothing in there was written to.
struct FileImage {
  std::span<const std::byte> bytes;
  uint64_t block;  // it runs at a multiple of this, a power of two, and gets as much room
};

// Takes the machine over from firmware: finds device tree and bundle, copies the image into a block of its own, and
// exits boot services. `hand_over` lies in that block, hand_over_room before its end.
//
// On an error firmware goes on, and the application returns the status to it: why was said on the console.
struct Taken {
  Status status = status::success;
  HandOver* hand_over = nullptr;
};
[[nodiscard]] Taken take_machine(Handle handle, const SystemTable& system, const FileImage& image);

}  // namespace hal::efi

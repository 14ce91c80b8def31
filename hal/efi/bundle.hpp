// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "hal/base/address.hpp"
#include "hal/efi/firmware.hpp"
#include "hal/efi/uefi.hpp"

namespace hal::efi {

// Where a bundle comes from, the first that there is:
//
//     LoadFile2 of the initrd's vendor device path   QEMU's -initrd with EDK2, GRUB, U-Boot, the UEFI shell
//     initrd=PATH in the load options                a file of the volume that the image was loaded from
//     bundle.cpio                                    beside the image, or in the root of that volume
//     the configuration table                        where a stub that ran before us left one
//
// With the first three it is read into `pages`. An empty range when there is none, which is no error. What is
// there and cannot be read is said on firmware's console; `status` is then the reason.
// `options` is the image's load options as text.
struct FoundBundle {
  Status status = status::success;
  HostPhysRange place;
  bool nobody_named_it = false;
};
[[nodiscard]] FoundBundle find_bundle(const SystemTable& system, Pages& pages, const LoadedImage& image,
                                      std::string_view options);

}  // namespace hal::efi

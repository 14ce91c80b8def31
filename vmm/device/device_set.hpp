// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "hal/base/list.hpp"
#include "vmm/device/device.hpp"
#include "vmm/mmio_bus.hpp"

namespace vmm {

// The devices of one VM: those of its board's kinds that its file wants. Constant after it is made; see Device for who
// calls.
class DeviceSet {
 public:
  // What devices are built in.
  struct alignas(64) Block {
    std::byte bytes[64];
  };
  using Kinds = std::span<const DeviceKind* const>;
  // What `vm` wants and the build leaves out, in words; empty: nothing.
  [[nodiscard]] static std::string_view missing(Kinds kinds, const config::VmConfig& vm);
  // How many blocks the devices that `vm` wants take; nothing is missing().
  [[nodiscard]] static size_t blocks(Kinds kinds, const config::VmConfig& vm);

  // `storage` has blocks() of them, and stays as long as the set.
  DeviceSet(Kinds kinds, const DeviceSite& site, std::span<Block> storage);
  ~DeviceSet();
  DeviceSet(const DeviceSet&) = delete;
  DeviceSet& operator=(const DeviceSet&) = delete;

  // How many windows they have, and those into the bus. False when one has no place there.
  [[nodiscard]] size_t windows();
  [[nodiscard]] bool plug_into(MmioBus& bus);

  void describe(DeviceTreeWriter& tree);
  // Of those that report, the one of this number. False: there are not so many. Any task.
  [[nodiscard]] bool report(unsigned number, DeviceReport& report);
  // Where the guest's console is; empty: it has none.
  [[nodiscard]] std::string_view console_path();

  void reset();
  void pause();
  void resume(uint64_t passed);
  void quiesce();
  // False when none of them gets through to the guest.
  [[nodiscard]] bool ask_to_power_off();

 private:
  hal::List<Device> devices_;  // in the order of the kinds
};

}  // namespace vmm

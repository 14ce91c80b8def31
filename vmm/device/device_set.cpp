// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/device_set.hpp"

#include <memory>

namespace vmm {

namespace {

size_t blocks_of(const DeviceKind& kind) {
  return (kind.size + sizeof(DeviceSet::Block) - 1) / sizeof(DeviceSet::Block);
}

}  // namespace

std::string_view DeviceSet::missing(Kinds kinds, const config::VmConfig& vm) {
  for (const DeviceKind* const kind : kinds) {
    if (!kind->absent.empty() && kind->count(vm) != 0) return kind->absent;
  }
  return {};
}

size_t DeviceSet::blocks(Kinds kinds, const config::VmConfig& vm) {
  size_t count = 0;
  for (const DeviceKind* const kind : kinds) {
    count += kind->count(vm) * blocks_of(*kind);
  }
  return count;
}

DeviceSet::DeviceSet(Kinds kinds, const DeviceSite& site, std::span<Block> storage) {
  for (const DeviceKind* const kind : kinds) {
    const unsigned wanted = kind->count(site.config);
    for (unsigned index = 0; index < wanted; ++index) {
      const size_t taken = blocks_of(*kind);
      devices_.push_back(kind->construct(storage.first(taken).data(), site, index));
      storage = storage.subspan(taken);
    }
  }
}

DeviceSet::~DeviceSet() {
  while (Device* const last = devices_.back()) {
    last->unlink();
    std::destroy_at(last);
  }
}

size_t DeviceSet::windows() {
  size_t count = 0;
  for (const Device& device : devices_) count += device.windows().size();
  return count;
}

bool DeviceSet::plug_into(MmioBus& bus) {
  for (const Device& device : devices_) {
    for (MmioDevice* const window : device.windows()) {
      if (!bus.add(*window)) return false;
    }
  }
  return true;
}

void DeviceSet::describe(DeviceTreeWriter& tree) {
  for (const Device& device : devices_) device.describe(tree);
}

bool DeviceSet::report(unsigned number, DeviceReport& report) {
  for (const Device& device : devices_) {
    if (device.report(report) && number-- == 0) return true;
  }
  return false;
}

std::string_view DeviceSet::console_path() {
  for (const Device& device : devices_) {
    if (const std::string_view path = device.console_path(); !path.empty()) return path;
  }
  return {};
}

void DeviceSet::reset() {
  for (Device& device : devices_) device.reset();
}

void DeviceSet::pause() {
  for (Device& device : devices_) device.pause();
}

void DeviceSet::resume(uint64_t passed) {
  for (Device& device : devices_) device.resume(passed);
}

void DeviceSet::quiesce() {
  for (Device& device : devices_) device.quiesce();
}

bool DeviceSet::ask_to_power_off() {
  for (Device& device : devices_) {
    if (device.ask_to_power_off()) return true;
  }
  return false;
}

}  // namespace vmm

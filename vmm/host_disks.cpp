// SPDX-License-Identifier: Apache-2.0
#include "vmm/host_disks.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "hal/base/fdt.hpp"
#include "hal/driver/pci.hpp"
#include "hal/driver/virtio_disk.hpp"
#include "hal/irq_table.hpp"
#include "hal/log.hpp"
#include "hal/platform/pci.hpp"
#include "hal/virtualization.hpp"
#include "mm/frames.hpp"
#include "mm/heap.hpp"
#include "mm/host_space.hpp"
#include "task/cpu.hpp"
#include "vmm/disk/host_disk.hpp"
#include "vmm/disk/partition.hpp"
#include "vmm/host_resources.hpp"

namespace vmm {
namespace {

using hal::driver::PciFunction;
using hal::driver::PciHost;
using hal::driver::VirtioDisk;

struct Entry {
  hal::FixedString<15> place;
  hal::Irq irq{};
  VirtioDisk driver;
  HostDisk disk{driver};
  bool told_of_its_loss = false;
};

constinit hal::FixedVector<Entry*, HostDisks::capacity> entries;
constinit bool is_open = false;

// A pin's line may be that of several disks.
class DiskInterrupt final : public hal::IrqHandler {
 public:
  constexpr DiskInterrupt() : IrqHandler("Plinth's disk drivers") {}
  [[nodiscard]] bool serve(hal::Irq irq) override {
    for (Entry* const entry : entries) {
      if (entry->irq != irq) continue;
      entry->disk.serve();
      if (!entry->disk.is_lost() || entry->told_of_its_loss) continue;
      entry->told_of_its_loss = true;
      hal::log::error("disk {}: it says what makes no sense, or is gone: nobody gets an answer from it any more",
                      entry->place.view());
    }
    return true;
  }
};
constinit DiskInterrupt disk_interrupt;

// In the direct map, as far as it lies in RAM.
std::optional<hal::PciHostInfo> find_host() {
  const hal::HostPhysRange tree = hal::platform().tree;
  const auto* const bytes = static_cast<const std::byte*>(mm::to_virt(tree.start));
  if (tree.empty() || !mm::is_mapped(hal::HostVirt(reinterpret_cast<uintptr_t>(bytes)))) return std::nullopt;
  const auto fdt = hal::Fdt::open({bytes, tree.size});
  return fdt ? hal::find_pci_host(*fdt) : std::nullopt;
}

// For good: nobody else drives the bridge.
bool claim_bridge(const hal::PciHostInfo& host) {
  for (const hal::HostPhysRange range : {host.configuration, host.memory}) {
    auto held = mm::make<HostClaim>();
    if (!held) return false;
    const auto owner = host_resources().claim(**held, range, {});
    if (!owner) {
      (void)held.value().release();
      continue;
    }
    std::array<char, 80> buffer{};
    hal::BufferSink text(buffer);
    put(text, *owner);
    hal::log::warning("disks: {} of the PCI bridge belongs to {}", range.start, text.text());
    return false;
  }
  return true;
}

hal::Result<void, std::string_view> add(PciHost& host, const PciFunction& function) {
  const auto irq = host.irq_of(function);
  if (!irq) return hal::fail("it has no interrupt that is known");
  const hal::IrqHandler* const handler = hal::device_interrupts().handler(hal::Irq{*irq});
  if (handler != nullptr && handler != &disk_interrupt) return hal::fail("somebody else has its interrupt");
  if (entries.size() == HostDisks::capacity) return hal::fail("there are too many");
  auto entry = mm::make<Entry>();
  auto shared = mm::OwnedFrames::allocate(mm::frames(), mm::order_for(sizeof(VirtioDisk::Shared)),
                                          mm::FrameUse::hypervisor, mm::Contents::zeroed);
  if (!entry || !shared) return hal::fail("out of memory");
  Entry& made = *entry.value();
  if (!made.driver.open(host, function, *reinterpret_cast<VirtioDisk::Shared*>(shared->bytes().data()))) {
    return hal::fail("its driver cannot use it");
  }
  // Both stay for good.
  (void)shared->release();
  std::array<char, 16> buffer{};
  hal::BufferSink text(buffer);
  hal::format(text, "pci:{:02x}:{:02x}.{}", function.bus(), function.device(), function.function());
  made.place = text.text();
  made.irq = hal::Irq{*irq};
  (void)entries.push_back(entry.value().release());
  if (handler == nullptr && hal::device_interrupts().claim(made.irq, disk_interrupt)) {
    hal::Irqs::enable(made.irq, task::this_cpu().number(), true);
  }
  hal::log::info("disk {}: {}, serial number \"{}\"", made.place.view(), hal::Size{made.disk.shape().size},
                 made.disk.shape().serial.view());
  return {};
}

// By "serial:NUMBER" or its place.
HostDisk* find(std::string_view name) {
  constexpr std::string_view serial = "serial:";
  const bool by_serial = name.starts_with(serial);
  for (Entry* const entry : entries) {
    if (by_serial ? entry->disk.shape().serial == name.substr(serial.size()) : entry->place == name) return &entry->disk;
  }
  return nullptr;
}

// What the file says of a disk of the machine, as bytes of it.
hal::Result<DiskRange, std::string_view> range_of(HostDisk& disk, const config::DiskConfig& config) {
  const uint64_t all = disk.shape().size;
  if (config.partition != 0) {
    auto block = mm::OwnedFrames::allocate(mm::frames(), 0, mm::FrameUse::heap);
    if (!block || disk.shape().block > hal::page_size) return hal::fail("out of memory");
    const auto found = find_partition(disk, all, config.partition, block->bytes().first(disk.shape().block));
    if (!found) return hal::fail(name(found.error()));
    return *found;
  }
  const uint64_t wanted = config.size != 0 ? config.size : all - std::min(all, config.offset);
  if (config.offset >= all || wanted > all - config.offset) return hal::fail("the disk is not so large");
  return DiskRange{config.offset, wanted};
}

}  // namespace

HostDisks& host_disks() {
  static constinit HostDisks disks;
  return disks;
}

void HostDisks::open() {
  if (std::exchange(is_open, true) || !hal::Irqs::are_up()) return;
  const auto info = find_host();
  if (!info || !claim_bridge(*info)) return;
  if (!info->coherent) return hal::log::warning("disks: the PCI bridge is not coherent with caches: none is used");
  PciHost host(*info);
  const bool mapped = host.for_each_function([&](const PciFunction& function) {
    if (!VirtioDisk::drives(function)) return;
    const auto added = add(host, function);
    if (!added) {
      hal::log::warning("disks: PCI device {:02x}.{}: {}", function.device(), function.function(), added.error());
    }
  });
  if (!mapped) hal::log::warning("disks: out of memory for the PCI bridge's registers");
}

BlockBackend* HostDisks::claim(const config::DiskConfig& disk, std::string_view vm) {
  open();
  const auto refuse = [&](std::string_view why, std::string_view who = {}) {
    hal::log::error("{}: disk.host: \"{}\": {}{}", vm, disk.host.view(), why, who);
    return nullptr;
  };
  HostDisk* const host = find(disk.host.view());
  if (host == nullptr) return refuse("the machine has no such disk, or no driver for it; `disk list` shows those it has");
  const bool read_only = disk.mode == config::DiskMode::read_only;
  if (!read_only && host->shape().read_only) return refuse("the disk is read-only");
  const auto range = range_of(*host, disk);
  if (!range) return refuse(range.error());
  config::VmName owner;
  const auto slot = HostDiskPart::claim(*host, *range, read_only, vm, owner);
  if (!slot) {
    return owner.empty() ? refuse("it serves no more disks of VMs at a time")
                         : refuse("it belongs to VM ", owner.view());
  }
  auto part = mm::make<HostDiskPart>(*host, *slot, *range, read_only);
  if (part) return part.value().release();
  HostDiskPart(*host, *slot, *range, read_only);  // gives the slot back
  return refuse("out of memory");
}

void HostDisks::release(BlockBackend& claimed) {
  mm::Owned<HostDiskPart>(static_cast<HostDiskPart*>(&claimed)).reset();
}

std::optional<HostDiskReport> HostDisks::report(size_t number) {
  open();
  if (number >= entries.size()) return std::nullopt;
  Entry& entry = *entries[number];
  const hal::driver::DiskShape& shape = entry.disk.shape();
  return HostDiskReport{.place = entry.place,
                        .serial = shape.serial,
                        .size = shape.size,
                        .read_only = shape.read_only,
                        .lost = entry.disk.is_lost(),
                        .users = entry.disk.users()};
}

}  // namespace vmm

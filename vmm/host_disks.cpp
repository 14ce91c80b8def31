// SPDX-License-Identifier: Apache-2.0
#include "vmm/host_disks.hpp"

#include <array>

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
bool claim(const hal::PciHostInfo& host) {
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

}  // namespace

HostDisks& host_disks() {
  static constinit HostDisks disks;
  return disks;
}

void HostDisks::open() {
  if (std::exchange(is_open, true) || !hal::Irqs::are_up()) return;
  const auto info = find_host();
  if (!info || !claim(*info)) return;
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

HostDisk* HostDisks::find(std::string_view name) {
  open();
  constexpr std::string_view serial = "serial:";
  for (Entry* const entry : entries) {
    const bool by_serial = name.starts_with(serial);
    if (by_serial ? entry->disk.shape().serial == name.substr(serial.size()) : entry->place == name) return &entry->disk;
  }
  return nullptr;
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

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "config/boards.hpp"
#include "config/diagnostics.hpp"
#include "hal/base/address.hpp"
#include "hal/base/fixed.hpp"
#include "hal/base/result.hpp"

// What one VM file says, checked and with every default filled in. docs/config.md documents the keys; the names here
// are the names there. The structs own their text, so that they outlive the file they came from, and are plain data:
// copying one copies everything.
namespace config {

inline constexpr uint32_t max_vcpus = 64;
inline constexpr size_t max_memory_regions = 16;
inline constexpr size_t max_passthrough = 16;
inline constexpr size_t max_passthrough_irqs = 16;
inline constexpr size_t max_disks = 8;
inline constexpr size_t max_network_cards = 8;

using VmName = hal::FixedString<31>;
using BundlePath = hal::FixedString<127>;

// Host CPUs, as a bit each.
struct CpuSet {
  uint64_t bits = ~uint64_t{0};

  [[nodiscard]] constexpr bool contains(unsigned cpu) const { return cpu < 64 && ((bits >> cpu) & 1) != 0; }
  [[nodiscard]] static constexpr CpuSet all() { return {}; }
  friend constexpr bool operator==(CpuSet, CpuSet) = default;
};

// What the guest may do with a region of its memory; stage 2 enforces it.
struct Access {
  bool read = true;
  bool write = true;
  bool execute = true;
  friend constexpr bool operator==(Access, Access) = default;
};

enum class RegionKind : uint8_t {
  ram,  // zeroed at every start; see is_free_ram()
  rom,  // not announced as memory; filled from `image`; the guest's writes are dropped
};

struct MemoryRegion {
  hal::GuestPhysRange range;
  RegionKind kind = RegionKind::ram;
  Access access;
  BundlePath image;  // loaded at the start of the region before the guest runs; empty: none

  friend bool operator==(const MemoryRegion&, const MemoryRegion&) = default;
};

struct MemoryConfig {
  // Either a size alone, laid out at the architecture's RAM base, or explicit regions (then `size` is 0).
  uint64_t size = 128 * hal::mib;
  hal::FixedVector<MemoryRegion, max_memory_regions> regions;
};

enum class ImageFormat : uint8_t {
  detect,  // "auto": by the image's own magic numbers; whatever has none is raw
  linux_image,
  gzip,
  elf,
  raw,
};

struct KernelConfig {
  BundlePath image;  // never empty
  ImageFormat format = ImageFormat::detect;
  // Default: where the format wants it, or RAM base + 512 KiB. A kernel that is loaded into a rom region is firmware:
  // it finds the device tree at the start of RAM, as after QEMU's -bios.
  std::optional<hal::GuestPhys> load;
  std::optional<hal::GuestPhys> entry;  // default: what the format says, or the load address
  hal::FixedString<2047> cmdline;
  BundlePath initrd;  // empty: none
  BundlePath dtb;     // the guest's own device tree; empty: Plinth generates one
};

enum class ConsoleModel : uint8_t {
  board,  // "auto": what the QEMU `virt` board of the architecture has
  pl011,
  ns16550,
  none,
};

enum class GicVersion : uint8_t { host, v2, v3 };

struct Passthrough {
  hal::HostPhysRange host;  // whole pages
  hal::GuestPhys guest;     // default: the host's address
  // Interrupt numbers as the host's interrupt controller counts (INTID on a GIC); the guest sees the same numbers.
  hal::FixedVector<uint32_t, max_passthrough_irqs> irqs;
};

enum class DiskMode : uint8_t {
  read_only,      // a file of the bundle as it is, or a disk of the machine
  copy_on_write,  // below a layer of RAM that has what was changed
  ram,            // RAM alone, zeroed at first
  read_write,     // a disk of the machine, for this VM alone
};

struct DiskConfig {
  DiskMode mode = DiskMode::read_only;
  BundlePath image;     // empty: mode ram, or `host`
  uint64_t size = 0;    // mode ram; of `host`: the part from `offset` on, 0: up to its end
  uint64_t layer = 0;   // copy_on_write: how much may change; 0: all of it
  hal::FixedString<20> serial;
  // Of the machine's own: "serial:NUMBER", or its place on the bus, "pci:00:02.0".
  hal::FixedString<27> host;
  uint32_t partition = 0;  // 0: all of it, or the part at `offset`
  uint64_t offset = 0;
};

// A network card, and what it is plugged into.
struct NetworkConfig {
  hal::FixedString<31> network;         // its name; VMs that name the same one are on it
  std::array<uint8_t, 6> mac{};         // all 0: derived from the VM's name and the card's number
  bool bridge = false;                  // may send with other addresses, and gets frames that nobody is known for
  uint64_t bytes_per_second = 0;        // that it may send; 0: no limit
};

enum class SchedulerPolicy : uint8_t { fair, fixed, dedicated };

struct SchedulerConfig {
  SchedulerPolicy policy = SchedulerPolicy::fair;
  uint32_t weight = 100;   // fair: share of a CPU in proportion to the other VMs' weights, 1..10000
  uint32_t priority = 16;  // fixed: 0..31, the higher runs first
  uint64_t slice_ns = 0;   // fair: time before another VM's turn; 0: plinth.toml's scheduler.slice
};

enum class CrashAction : uint8_t { stop, restart };
enum class ResetAction : uint8_t { restart, stop };
// What happens to the guest's counters while the VM is suspended: they stand still, or run on with the machine's.
enum class ClockMode : uint8_t { guest, host };

struct VmConfig {
  VmName name;
  uint32_t vcpus = 1;
  CpuSet cpus;                                   // where the vCPUs may run
  hal::FixedVector<CpuSet, max_vcpus> affinity;  // one per vCPU, or empty: `cpus` holds for each of them
  MemoryConfig memory;
  KernelConfig kernel;
  ConsoleModel console = ConsoleModel::board;
  bool virtio_console = false;
  bool rtc = true;
  bool power_key = true;
  bool watchdog = false;
  bool rng = false;
  GicVersion gic = GicVersion::host;
  bool its = true;  // of a GICv3
  std::optional<bool> sve;       // default: where the CPUs have it
  uint32_t sve_vector_bits = 0;  // its longest vectors; 0: the longest that the CPUs have
  std::optional<bool> pmu;       // performance monitors; default: where every CPU has them
  hal::FixedVector<Passthrough, max_passthrough> passthrough;
  hal::FixedVector<DiskConfig, max_disks> disks;
  hal::FixedVector<NetworkConfig, max_network_cards> networks;
  SchedulerConfig scheduler;
  ClockMode clock = ClockMode::guest;
  bool paravirtual = true;  // what only guests in a VM have is offered: the times stolen, interrupts by hypercall
  bool autostart = true;
  CrashAction on_crash = CrashAction::stop;
  ResetAction on_reset = ResetAction::restart;
  uint32_t restart_limit = 5;                 // automatic restarts in a row after a crash before the VM stays down
  uint64_t restart_delay_ns = 1'000'000'000;  // before the first of them; doubles each time, up to a minute
  uint64_t progress_timeout_ns = 0;           // after which a vCPU that does nothing is a crash; 0: it is not looked at
  uint64_t stop_timeout_ns = 10'000'000'000;  // that a guest has to power itself off; 0: it is not asked

  // A virtio console beside a UART has one of its own, "NAME:hvc0"; in its place it is the VM's only one.
  [[nodiscard]] bool has_two_consoles() const { return virtio_console && console != ConsoleModel::none; }
  // The CPUs that vCPU `index` may run on.
  [[nodiscard]] const CpuSet& cpus_of(uint32_t index) const { return index < affinity.size() ? affinity[index] : cpus; }
};
static_assert(sizeof(VmConfig) <= 10 * hal::kib, "a VM's description is kept for its lifetime");

// The file is not usable; what is wrong with it has gone to the Diagnostics.
struct Invalid {
  unsigned errors = 0;
};

// A caller's buffer of this size holds the parsed form of every sensible file during a load. Whoever checks files takes
// no more, so as to refuse what the hypervisor would.
inline constexpr size_t load_arena_size = 128 * hal::kib;

// Parse and check a VM file for the machine that `board` describes. `arena` is scratch memory, free again after the
// call. Every error of the file goes to `diagnostics`, not just the first; `out` is then of no use. About 6 KiB of
// stack. Reads nothing but `text`: whether the files it names exist, and whether the host has the memory and CPUs, is
// for the caller to say.
hal::Result<void, Invalid> load_vm(std::string_view text, const Board& board, std::span<std::byte> arena,
                                   Diagnostics& diagnostics, VmConfig& out);

// Room for the regions of a file. RAM of a stated size takes one for each bank.
using MemoryMap = hal::FixedVector<MemoryRegion, max_memory_regions>;
// The guest memory that `memory` stands for on `board`, ascending: its regions, or RAM of its size in the banks.
[[nodiscard]] MemoryMap memory_map(const MemoryConfig& memory, const Board& board);

// The memory beside the guest's own that a disk takes; of a layer of the size of its image it is not known here, and 0.
[[nodiscard]] constexpr uint64_t memory_of(const DiskConfig& disk) {
  return disk.host.empty() ? disk.size + disk.layer : 0;
}

// RAM that a kernel is told to use as it likes, code included: what it may read, write and execute; of a VM that has no
// such region, what it may read and write. `all`: the VM's regions.
[[nodiscard]] bool is_free_ram(const MemoryRegion& region, std::span<const MemoryRegion> all);

// Calls visit(key, file) for each file of the bundle that a VM file names: "kernel.image", "memory.region.0.image",
// "disk.0.image".
template <class Visit>
void for_each_file(const VmConfig& vm, Visit visit) {
  const auto name = [&](std::string_view key, const BundlePath& file) {
    if (!file.empty()) visit(key, file.view());
  };
  name("kernel.image", vm.kernel.image);
  name("kernel.initrd", vm.kernel.initrd);
  name("kernel.dtb", vm.kernel.dtb);
  for (size_t i = 0; i < vm.memory.regions.size(); ++i) {
    std::array<char, 40> key{};
    hal::BufferSink text(key);
    hal::format(text, "memory.region.{}.image", i);
    name(text.text(), vm.memory.regions[i].image);
  }
  for (size_t i = 0; i < vm.disks.size(); ++i) {
    std::array<char, 40> key{};
    hal::BufferSink text(key);
    hal::format(text, "disk.{}.image", i);
    name(text.text(), vm.disks[i].image);
  }
}

}  // namespace config

// SPDX-License-Identifier: Apache-2.0
// The tables of a VM file. docs/config.md has every row of them; a test compares the two.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <memory>
#include <utility>

#include "config/schema.hpp"
#include "config/vm_config.hpp"

namespace config {
namespace {

using toml::Kind;
using toml::Node;

constexpr std::string_view required = KeyInfo::required;

constexpr uint64_t millisecond = 1'000'000;
constexpr uint64_t second = 1000 * millisecond;
constexpr uint64_t longest_wait = 3600 * second;

// ---------------------------------------------------------------------------------------------------------- memory

constexpr Choice<RegionKind> region_kinds[] = {{"ram", RegionKind::ram}, {"rom", RegionKind::rom}};

void read_access(Loader& loader, const Node& node, Access& out) {
  hal::FixedString<3> letters;
  if (!loader.read_text(node, letters)) return;
  Access access{false, false, false};
  bool known = true;
  for (const char c : letters.view()) {
    bool* const right = c == 'r' ? &access.read : c == 'w' ? &access.write : c == 'x' ? &access.execute : nullptr;
    known = known && right != nullptr && !*right;
    if (right != nullptr) *right = true;
  }
  if (!known || !access.read) {
    loader.error(node.position(), "`{}` is made of the letters r, w and x, at least \"r\"; not \"{}\"", loader.key(),
                 letters.view());
    return;
  }
  out = access;
}

constexpr Key<MemoryRegion> region_keys[] = {
    {{"address", "address", required, "where the region begins in the guest's memory, a multiple of 4KiB"},
     [](Loader& loader, const Node& node, MemoryRegion& out) { loader.read_address(node, out.range.start); }},
    {{"size", "size", required, "its size, a multiple of 4KiB"},
     [](Loader& loader, const Node& node, MemoryRegion& out) {
       loader.read_size(node, hal::page_size, out.range.size);
     }},
    {{"kind", "\"ram\" or \"rom\"", "\"ram\"", "rom keeps its content from the guest's writes and is not announced"},
     [](Loader& loader, const Node& node, MemoryRegion& out) { loader.read_choice(node, region_kinds, out.kind); }},
    {{"access", "letters of \"rwx\"", "\"rwx\" for ram, \"rx\" for rom", "what the guest may do with it"},
     [](Loader& loader, const Node& node, MemoryRegion& out) { read_access(loader, node, out.access); }},
    {{"image", "path", "none", "file of the bundle that is loaded at the start of the region"},
     [](Loader& loader, const Node& node, MemoryRegion& out) { loader.read_path(node, out.image); }},
};

bool check_placement(Loader& loader, Position position, std::string_view what, uint64_t start, uint64_t size) {
  if (start % hal::page_size != 0) {
    loader.error(position, "{} at {:#x} does not begin on a page; use a multiple of 0x1000", what, start);
    return false;
  }
  // Guest and host physical addresses have at most 48 bits on the machines we know.
  constexpr uint64_t address_limit = uint64_t{1} << 48;
  if (start >= address_limit || size > address_limit - start) {
    loader.error(position, "{} at {:#x} reaches beyond the last address, {:#x}", what, start, address_limit - 1);
    return false;
  }
  return true;
}

void finish_region(Loader& loader, const Node& node, MemoryRegion& out) {
  const Node* const access = node.find("access");
  if (out.kind == RegionKind::rom && access == nullptr) out.access.write = false;
  if (out.kind == RegionKind::rom && access != nullptr && out.access.write) {
    loader.error(access->position(), "a region of kind \"rom\" cannot be written to: its access is \"r\" or \"rx\"");
  }
  check_placement(loader, node.find("address")->position(), "the region", out.range.start.value(), out.range.size);
}

constexpr Key<MemoryConfig> memory_keys[] = {
    {{"region", "tables", required, "explicit regions; nothing else is memory then"},
     [](Loader& loader, const Node& node, MemoryConfig& out) {
       loader.read_tables(node, region_keys, out.regions, finish_region);
     }},
};

void read_memory(Loader& loader, const Node& node, MemoryConfig& out) {
  if (node.is(Kind::table)) {
    out.size = 0;
    loader.read_table(node, memory_keys, out);
  } else {
    loader.read_size(node, hal::page_size, out.size);
  }
}

// ---------------------------------------------------------------------------------------------------------- kernel

constexpr Choice<ImageFormat> image_formats[] = {{"auto", ImageFormat::detect},
                                                 {"image", ImageFormat::linux_image},
                                                 {"gzip", ImageFormat::gzip},
                                                 {"elf", ImageFormat::elf},
                                                 {"raw", ImageFormat::raw}};

void read_optional_address(Loader& loader, const Node& node, std::optional<hal::GuestPhys>& out) {
  hal::GuestPhys address;
  if (loader.read_address(node, address)) out = address;
}

constexpr Key<KernelConfig> kernel_keys[] = {
    {{"image", "path", required, "the file of the bundle that the VM starts"},
     [](Loader& loader, const Node& node, KernelConfig& out) { loader.read_path(node, out.image); }},
    {{"format", "\"auto\", \"image\", \"gzip\", \"elf\" or \"raw\"", "\"auto\"", "what kind of file it is"},
     [](Loader& loader, const Node& node, KernelConfig& out) { loader.read_choice(node, image_formats, out.format); }},
    {{"load", "address", "what the format asks for", "where a raw kernel or an Image is loaded"},
     [](Loader& loader, const Node& node, KernelConfig& out) { read_optional_address(loader, node, out.load); }},
    {{"entry", "address", "what the format says", "where execution begins"},
     [](Loader& loader, const Node& node, KernelConfig& out) { read_optional_address(loader, node, out.entry); }},
    {{"cmdline", "string", "\"\"", "the kernel's command line"},
     [](Loader& loader, const Node& node, KernelConfig& out) { loader.read_text(node, out.cmdline); }},
    {{"initrd", "path", "none", "the initial RAM disk"},
     [](Loader& loader, const Node& node, KernelConfig& out) { loader.read_path(node, out.initrd); }},
    {{"dtb", "path", "generated", "the VM's own device tree; memory and /chosen are filled in"},
     [](Loader& loader, const Node& node, KernelConfig& out) { loader.read_path(node, out.dtb); }},
};

// --------------------------------------------------------------------------------------------------------- devices

constexpr Choice<ConsoleModel> console_models[] = {{"auto", ConsoleModel::board},
                                                   {"pl011", ConsoleModel::pl011},
                                                   {"16550", ConsoleModel::ns16550},
                                                   {"none", ConsoleModel::none}};

constexpr Key<VmConfig> console_keys[] = {
    {{"model", "\"auto\", \"pl011\", \"16550\" or \"none\"", "\"auto\"", "the UART that the guest finds"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_choice(node, console_models, out.console); }},
    {{"virtio", "boolean", "false", "a virtio console, beside the UART or in its place"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_boolean(node, out.virtio_console); }},
};

constexpr Key<VmConfig> device_keys[] = {
    {{"rtc", "boolean", "true", "a real-time clock"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_boolean(node, out.rtc); }},
    {{"power_key", "boolean", "true", "the key by which the guest is asked to power itself off"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_boolean(node, out.power_key); }},
    {{"watchdog", "boolean", "false", "an SBSA generic watchdog; a guest that lets it expire has crashed"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_boolean(node, out.watchdog); }},
    {{"rng", "boolean", "false", "a source of random numbers, virtio on PCI"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_boolean(node, out.rng); }},
};

constexpr Choice<GicVersion> gic_words[] = {{"auto", GicVersion::host}, {"2", GicVersion::v2}, {"3", GicVersion::v3}};

void read_gic(Loader& loader, const Node& node, GicVersion& out) {
  if (node.is(Kind::string)) {
    loader.read_choice(node, gic_words, out);
    return;
  }
  uint32_t version = 0;
  if (loader.read_number(node, 2, 3, version)) out = version == 2 ? GicVersion::v2 : GicVersion::v3;
}

void read_irqs(Loader& loader, const Node& node, hal::FixedVector<uint32_t, max_passthrough_irqs>& out) {
  if (!loader.expect_array(node, "interrupt numbers", max_passthrough_irqs)) return;
  for (const Node& element : node) {
    // INTIDs of shared peripheral interrupts on a GIC; other controllers have fewer.
    constexpr uint32_t last_interrupt = 1019;
    uint32_t irq = 0;
    if (!loader.read_number(element, 0, last_interrupt, irq)) continue;
    if (std::ranges::contains(out, irq)) {
      loader.error(element.position(), "`{}` names interrupt {} twice", loader.key(), irq);
    } else {
      (void)out.push_back(irq);
    }
  }
}

constexpr Key<Passthrough> passthrough_keys[] = {
    {{"address", "address", required, "the device's registers in the host's memory, a multiple of 4KiB"},
     [](Loader& loader, const Node& node, Passthrough& out) { loader.read_address(node, out.host.start); }},
    {{"size", "size", required, "their size, a multiple of 4KiB"},
     [](Loader& loader, const Node& node, Passthrough& out) { loader.read_size(node, hal::page_size, out.host.size); }},
    {{"guest", "address", "the same as address", "where the guest finds them"},
     [](Loader& loader, const Node& node, Passthrough& out) { loader.read_address(node, out.guest); }},
    {{"irqs", "array of integers", "[]", "its interrupts, numbered as the host's interrupt controller does"},
     [](Loader& loader, const Node& node, Passthrough& out) { read_irqs(loader, node, out.irqs); }},
};

void finish_passthrough(Loader& loader, const Node& node, Passthrough& out) {
  const Node* const guest = node.find("guest");
  if (guest == nullptr) out.guest = hal::GuestPhys(out.host.start.value());
  const Position host_position = node.find("address")->position();
  check_placement(loader, host_position, "the device", out.host.start.value(), out.host.size);
  if (guest != nullptr) {
    check_placement(loader, guest->position(), "the guest's device", out.guest.value(), out.host.size);
  }
}

// ----------------------------------------------------------------------------------------------------------- disks

constexpr Choice<DiskMode> disk_modes[] = {{"read-only", DiskMode::read_only},
                                           {"copy-on-write", DiskMode::copy_on_write},
                                           {"read-write", DiskMode::read_write}};

// "serial:NUMBER", or "pci:BUS:DEVICE.FUNCTION" in hexadecimal digits, as Linux and `disk list` write it.
void read_host_disk(Loader& loader, const Node& node, hal::FixedString<27>& out) {
  constexpr std::string_view serial = "serial:", place = "pci:", form = "00:00.0";
  if (!loader.read_text(node, out)) return;
  const std::string_view text = out;
  const std::string_view rest = text.substr(std::min(text.size(), place.size()));
  const auto fits = [](char c, char like) {
    return like == '0' ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') : c == like;
  };
  if (text.starts_with(serial) && text.size() > serial.size()) return;
  if (text.starts_with(place) && std::ranges::equal(rest, form, fits)) return;
  loader.error(node.position(), "`{}` is \"serial:\" and a disk's serial number, or its place on the bus, like "
               "\"pci:00:02.0\"; not \"{}\"", loader.key(), text);
}

// A chunk of the memory that disks are made of.
constexpr uint64_t disk_unit = 2 * hal::mib;

constexpr Key<DiskConfig> disk_keys[] = {
    {{"image", "path", "none", "the file of the bundle that is the disk"},
     [](Loader& loader, const Node& node, DiskConfig& out) { loader.read_path(node, out.image); }},
    {{"host", "string", "none", "instead of an image: a disk of the machine, `serial:NUMBER` or `pci:00:02.0`"},
     [](Loader& loader, const Node& node, DiskConfig& out) { read_host_disk(loader, node, out.host); }},
    {{"partition", "integer, 1 to 128", "all of it", "the partition of the machine's disk"},
     [](Loader& loader, const Node& node, DiskConfig& out) { loader.read_number(node, 1, 128, out.partition); }},
    {{"offset", "size", "0", "instead of a partition: where on the machine's disk it begins, a multiple of 2MiB"},
     [](Loader& loader, const Node& node, DiskConfig& out) { loader.read_size(node, disk_unit, out.offset); }},
    {{"mode", "\"read-only\", \"copy-on-write\" or \"read-write\"", "\"read-only\"",
      "whether the guest may write, and to what: an image's layer of RAM, or the machine's disk"},
     [](Loader& loader, const Node& node, DiskConfig& out) { loader.read_choice(node, disk_modes, out.mode); }},
    {{"layer", "size", "the image's", "copy-on-write: the RAM for what is changed, a multiple of 2MiB"},
     [](Loader& loader, const Node& node, DiskConfig& out) { loader.read_size(node, disk_unit, out.layer); }},
    {{"size", "size", "none", "instead of an image: a disk of RAM, a multiple of 2MiB; of the machine's disk: how much"},
     [](Loader& loader, const Node& node, DiskConfig& out) { loader.read_size(node, disk_unit, out.size); }},
    {{"serial", "string", "\"\"", "the serial number that the guest reads, up to 20 characters"},
     [](Loader& loader, const Node& node, DiskConfig& out) { loader.read_text(node, out.serial); }},
};

// Keys that belong to another kind of disk.
void refuse(Loader& loader, const Node& node, std::initializer_list<std::string_view> keys, std::string_view owner) {
  for (const std::string_view key : keys) {
    const Node* const found = node.find(key);
    if (found == nullptr) continue;
    loader.error(found->key_position(), "`disk.{}` has no effect here: it belongs to {}", key, owner);
  }
}

void finish_host_disk(Loader& loader, const Node& node, const DiskConfig& out) {
  refuse(loader, node, {"image", "layer"}, "a disk without `host`");
  if (out.partition != 0) refuse(loader, node, {"offset", "size"}, "a disk without `partition`");
  if (out.mode != DiskMode::copy_on_write) return;
  loader.error(node.find("mode")->position(), "`disk.mode`: only an image is copied: \"read-only\" or \"read-write\" here");
}

void finish_disk(Loader& loader, const Node& node, DiskConfig& out) {
  const Node* const image = node.find("image");
  const Node* const size = node.find("size");
  if (node.find("host") != nullptr) return finish_host_disk(loader, node, out);
  refuse(loader, node, {"partition", "offset"}, "a disk of the machine, `host`");
  if (image == nullptr && size == nullptr) {
    loader.error(node.position(), "a disk has an `image`, a `host`, or a `size` if it is RAM alone");
    return;
  }
  if (image != nullptr && size != nullptr) {
    loader.error(size->key_position(), "a disk has an `image` or a `size`, not both");
    return;
  }
  if (size != nullptr) {
    out.mode = DiskMode::ram;
    return refuse(loader, node, {"mode", "layer"}, "an image");
  }
  if (out.mode == DiskMode::read_write) {
    loader.error(node.find("mode")->position(), "`disk.mode`: an image is not written: \"copy-on-write\" keeps what is changed");
  }
  if (out.mode != DiskMode::copy_on_write) refuse(loader, node, {"layer"}, "the mode \"copy-on-write\"");
}

// ---------------------------------------------------------------------------------------------------------- network

// "52:54:00:12:34:56".
void read_mac(Loader& loader, const Node& node, std::array<uint8_t, 6>& out) {
  constexpr std::string_view form = "six bytes in hexadecimal digits, as \"52:54:00:12:34:56\"";
  hal::FixedString<17> text;
  if (!loader.read_text(node, text)) return;
  std::array<uint8_t, 6> mac{};
  bool known = text.size() == text.capacity;
  for (size_t n = 0; known && n < mac.size(); ++n) {
    const std::string_view digits = text.view().substr(n * 3, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), mac[n], 16);
    known = error == std::errc{} && end == digits.data() + digits.size() && (n == 5 || text.view()[n * 3 + 2] == ':');
  }
  if (!known) return loader.error(node.position(), "`{}` is {}", loader.key(), form);
  if ((mac[0] & 1) != 0 || mac == std::array<uint8_t, 6>{}) {
    loader.error(node.position(), "`{}`: {} is no address of one card: its first byte is even, and not all are 0",
                 loader.key(), text.view());
    return;
  }
  out = mac;
}

void finish_network(Loader&, const Node&, NetworkConfig&) {}

constexpr Key<NetworkConfig> network_keys[] = {
    {{"network", "string", required, "the name of the network; VMs that name the same one are on it"},
     [](Loader& loader, const Node& node, NetworkConfig& out) {
       if (loader.read_text(node, out.network) && out.network.empty()) {
         loader.error(node.position(), "`{}` is empty", loader.key());
       }
     }},
    {{"mac", "string", "from the VM's name", "the card's address, six bytes"},
     [](Loader& loader, const Node& node, NetworkConfig& out) { read_mac(loader, node, out.mac); }},
    {{"bridge", "boolean", "false", "the card may send with other addresses than its own"},
     [](Loader& loader, const Node& node, NetworkConfig& out) { loader.read_boolean(node, out.bridge); }},
    {{"rate", "size", "none", "what the card may send in a second"},
     [](Loader& loader, const Node& node, NetworkConfig& out) { loader.read_size(node, 1, out.bytes_per_second); }},
};

// ------------------------------------------------------------------------------------------- scheduling, life cycle

constexpr Choice<SchedulerPolicy> policies[] = {
    {"fair", SchedulerPolicy::fair}, {"fixed", SchedulerPolicy::fixed}, {"dedicated", SchedulerPolicy::dedicated}};

constexpr Key<SchedulerConfig> scheduler_keys[] = {
    {{"policy", "\"fair\", \"fixed\" or \"dedicated\"", "\"fair\"", "how the vCPUs get their time"},
     [](Loader& loader, const Node& node, SchedulerConfig& out) { loader.read_choice(node, policies, out.policy); }},
    {{"weight", "integer, 1 to 10000", "100", "fair: the share of a CPU, in proportion to the other VMs'"},
     [](Loader& loader, const Node& node, SchedulerConfig& out) { loader.read_number(node, 1, 10000, out.weight); }},
    {{"priority", "integer, 0 to 31", "16", "fixed: the higher one runs first"},
     [](Loader& loader, const Node& node, SchedulerConfig& out) { loader.read_number(node, 0, 31, out.priority); }},
    {{"slice", "time", "scheduler.slice of plinth.toml", "fair: how long a vCPU runs before another VM's turn"},
     [](Loader& loader, const Node& node, SchedulerConfig& out) {
       loader.read_duration(node, millisecond / 10, second, out.slice_ns);
     }},
};

constexpr Choice<CrashAction> crash_actions[] = {{"stop", CrashAction::stop}, {"restart", CrashAction::restart}};
constexpr Choice<ClockMode> clock_modes[] = {{"guest", ClockMode::guest}, {"host", ClockMode::host}};
constexpr Choice<ResetAction> reset_actions[] = {{"restart", ResetAction::restart}, {"stop", ResetAction::stop}};

void read_affinity(Loader& loader, const Node& node, hal::FixedVector<CpuSet, max_vcpus>& out) {
  if (!loader.expect_array(node, "CPU sets", max_vcpus)) return;
  for (const Node& element : node) {
    CpuSet set;
    if (loader.read_cpus(element, set)) (void)out.push_back(set);
  }
}

constexpr Key<VmConfig> vm_keys[] = {
    {{"name", "name", required, "what the shell and the log call the VM"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_name(node, out.name); }},
    {{"vcpus", "integer, 1 to 64", "1", "how many CPUs the guest finds"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_number(node, 1, max_vcpus, out.vcpus); }},
    {{"cpus", "CPU set", "all CPUs", "the host's CPUs that may run them"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_cpus(node, out.cpus); }},
    {{"affinity", "array of CPU sets", "cpus for each", "the same for each vCPU by itself"},
     [](Loader& loader, const Node& node, VmConfig& out) { read_affinity(loader, node, out.affinity); }},
    {{"memory", "size, or a table", "\"128MiB\"", "the VM's RAM, where the board has it"},
     [](Loader& loader, const Node& node, VmConfig& out) { read_memory(loader, node, out.memory); }},
    {{"kernel", "table", required, "what the VM starts"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_table(node, kernel_keys, out.kernel); }},
    {{"console", "table", "{}", "the guest's console"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_table(node, console_keys, out); }},
    {{"devices", "table", "{}", "the emulated devices"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_table(node, device_keys, out); }},
    {{"gic", "2, 3 or \"auto\"", "\"auto\"", "the interrupt controller's version (AArch64); auto: the host's"},
     [](Loader& loader, const Node& node, VmConfig& out) { read_gic(loader, node, out.gic); }},
    {{"its", "boolean", "true", "a GICv3 has an ITS, which turns messages of devices into interrupts (AArch64)"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_boolean(node, out.its); }},
    {{"sve", "boolean", "where the CPUs have it", "the guest has SVE (AArch64)"},
     [](Loader& loader, const Node& node, VmConfig& out) {
       if (bool on; loader.read_boolean(node, on)) out.sve = on;
     }},
    {{"sve_vector_bits", "integer, 128 to 2048", "the longest that the CPUs have", "the longest vectors of its SVE"},
     [](Loader& loader, const Node& node, VmConfig& out) {
       if (!loader.read_number(node, 128, 2048, out.sve_vector_bits) || out.sve_vector_bits % 128 == 0) return;
       loader.error(node.position(), "`{}` is a multiple of 128, as vectors of SVE are, not {}", loader.key(),
                    out.sve_vector_bits);
     }},
    {{"pmu", "boolean", "where the CPUs have it", "the guest has performance monitors (AArch64)"},
     [](Loader& loader, const Node& node, VmConfig& out) {
       if (bool on; loader.read_boolean(node, on)) out.pmu = on;
     }},
    {{"passthrough", "tables", "none", "devices of the host that belong to the VM"},
     [](Loader& loader, const Node& node, VmConfig& out) {
       loader.read_tables(node, passthrough_keys, out.passthrough, finish_passthrough);
     }},
    {{"disk", "tables", "none", "the disks that the guest finds"},
     [](Loader& loader, const Node& node, VmConfig& out) {
       loader.read_tables(node, disk_keys, out.disks, finish_disk);
     }},
    {{"network", "tables", "none", "the guest's network cards"},
     [](Loader& loader, const Node& node, VmConfig& out) {
       loader.read_tables(node, network_keys, out.networks, finish_network);
     }},
    {{"scheduler", "table", "{}", "how the vCPUs share CPUs"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_table(node, scheduler_keys, out.scheduler); }},
    {{"clock", "\"guest\" or \"host\"", "\"guest\"",
      "whose time the guest's counters show: theirs stands still in suspension"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_choice(node, clock_modes, out.clock); }},
    {{"paravirtual", "boolean", "true",
      "offer the guest what only a VM has: time stolen, IPIs by hypercall (LoongArch)"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_boolean(node, out.paravirtual); }},
    {{"autostart", "boolean", "true", "start the VM at boot"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_boolean(node, out.autostart); }},
    {{"on_crash", "\"stop\" or \"restart\"", "\"stop\"", "what follows when the guest does what it must not"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_choice(node, crash_actions, out.on_crash); }},
    {{"on_reset", "\"restart\" or \"stop\"", "\"restart\"", "what follows when the guest asks for a reset"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_choice(node, reset_actions, out.on_reset); }},
    {{"restart_limit", "integer, 0 to 1000", "5", "restarts after crashes in a row before the VM stays down"},
     [](Loader& loader, const Node& node, VmConfig& out) { loader.read_number(node, 0, 1000, out.restart_limit); }},
    {{"restart_delay", "time", "\"1s\"", "pause before the first of them; it doubles each time, up to a minute"},
     [](Loader& loader, const Node& node, VmConfig& out) {
       loader.read_duration(node, 0, 60 * second, out.restart_delay_ns);
     }},
    {{"progress_timeout", "time", "\"0s\"", "a vCPU that spins with its interrupts masked for so long has crashed"},
     [](Loader& loader, const Node& node, VmConfig& out) {
       if (!loader.read_duration(node, 0, longest_wait, out.progress_timeout_ns)) return;
       if (out.progress_timeout_ns == 0 || out.progress_timeout_ns >= 100 * millisecond) return;
       loader.error(node.position(), "`{}` is \"0s\" or at least \"100ms\"", loader.key());
     }},
    {{"stop_timeout", "time", "\"10s\"", "how long a guest that is stopped may take to power itself off"},
     [](Loader& loader, const Node& node, VmConfig& out) {
       loader.read_duration(node, 0, longest_wait, out.stop_timeout_ns);
     }},
};

// ------------------------------------------------------------------------------------- what several keys say together

// A place in the guest's memory map, for the search for overlaps.
struct Occupant {
  hal::GuestPhysRange range;
  std::string_view name;
  Position position;  // line 0: the board's own
};
using Occupants = hal::FixedVector<Occupant, max_memory_regions + max_passthrough + max_device_windows>;

Position element_position(const Node* array, size_t index) {
  if (array == nullptr) return {};
  auto element = array->begin();
  for (; index > 0 && element != array->end(); --index) ++element;
  return element == array->end() ? array->position() : element->position();
}

void collect_memory(const Node& root, const VmConfig& vm, const Board& board, Occupants& out) {
  const Node* const memory = root.find("memory");
  const Node* const regions = memory != nullptr && memory->is(Kind::table) ? memory->find("region") : nullptr;
  if (regions == nullptr) {
    const Position position = memory != nullptr ? memory->position() : Position{1, 1};
    for (const MemoryRegion& region : memory_map(vm.memory, board)) {
      (void)out.push_back({region.range, "the RAM", position});
    }
    return;
  }
  for (size_t i = 0; i < vm.memory.regions.size(); ++i) {
    (void)out.push_back({vm.memory.regions[i].range, "the region", element_position(regions, i)});
  }
}

void check_map(Loader& loader, const Node& root, const VmConfig& vm, const Board& board) {
  Occupants occupants;
  for (const DeviceWindow& window : board.devices) {
    if (window.is_present != nullptr && !window.is_present(vm)) continue;
    (void)occupants.push_back({window.range, window.name, {}});
  }
  collect_memory(root, vm, board, occupants);
  for (size_t i = 0; i < vm.passthrough.size(); ++i) {
    const Passthrough& device = vm.passthrough[i];
    const hal::GuestPhysRange range{device.guest, device.host.size};
    (void)occupants.push_back({range, "the passed-through device", element_position(root.find("passthrough"), i)});
  }
  for (size_t later = 0; later < occupants.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const Occupant& a = occupants[later];
      const Occupant& b = occupants[earlier];
      if (a.position.line == 0 || !a.range.overlaps(b.range)) continue;
      if (b.position.line == 0) {
        loader.error(a.position, "{} at {} to {} overlaps {} at {} to {}", a.name, a.range.start, a.range.end() - 1,
                     b.name, b.range.start, b.range.end() - 1);
      } else {
        loader.error(a.position, "{} at {} to {} overlaps {} of line {}", a.name, a.range.start, a.range.end() - 1,
                     b.name, b.position.line);
      }
    }
  }
}

void check_memory(Loader& loader, const Node& root, const VmConfig& vm, const Board& board) {
  const Node* const memory = root.find("memory");
  if (memory == nullptr) return;
  if (vm.memory.size > 0) {
    uint64_t most = 0;
    for (const auto& bank : board.ram_banks) most += bank.size;
    if (vm.memory.size > most) {
      loader.error(memory->position(), "`memory` of {} is more than the board can hold, {}", hal::Size{vm.memory.size},
                   hal::Size{most});
    }
    return;
  }
  const std::span<const MemoryRegion> regions{vm.memory.regions.begin(), vm.memory.regions.size()};
  if (std::ranges::none_of(regions, [&](const MemoryRegion& region) { return is_free_ram(region, regions); })) {
    loader.error(memory->position(), "the VM has no region of kind \"ram\" that it may read and write");
  }
}

void check_interrupts(Loader& loader, const Node& root, const VmConfig& vm) {
  for (size_t later = 0; later < vm.passthrough.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      for (const uint32_t irq : vm.passthrough[later].irqs) {
        if (!std::ranges::contains(vm.passthrough[earlier].irqs, irq)) continue;
        loader.error(element_position(root.find("passthrough"), later), "interrupt {} belongs to two devices", irq);
      }
    }
  }
}

// Ranges of the host that one file claims twice. What others have of them is not known here.
void check_passthrough(Loader& loader, const Node& root, const VmConfig& vm) {
  const Node* const devices = root.find("passthrough");
  for (size_t later = 0; later < vm.passthrough.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const hal::HostPhysRange host = vm.passthrough[later].host;
      if (!host.overlaps(vm.passthrough[earlier].host)) continue;
      loader.error(element_position(devices, later), "the device at {} is passed through already, in line {}",
                   host.start, element_position(devices, earlier).line);
    }
  }
}

void check_networks(Loader& loader, const Node& root, const VmConfig& vm) {
  for (size_t later = 0; later < vm.networks.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const auto& mac = vm.networks[later].mac;
      if (mac == decltype(NetworkConfig::mac){} || mac != vm.networks[earlier].mac) continue;
      const Node* const cards = root.find("network");
      loader.error(element_position(cards, later), "the card in line {} has the same address",
                   element_position(cards, earlier).line);
    }
  }
}

void check_console(Loader& loader, const Node& root, const VmConfig& vm, const Board& board) {
  const Node* const console = root.find("console");
  const Node* const model = console != nullptr ? console->find("model") : nullptr;
  const bool has_own = vm.console != ConsoleModel::pl011 && vm.console != ConsoleModel::ns16550;
  if (model == nullptr || has_own || model->text() == board.uart) return;
  loader.error(model->position(), "`console.model`: the {} board has a \"{}\", not a \"{}\"", board.name, board.uart,
               model->text());
}

void check_missing_devices(Loader& loader, const Node& root, const VmConfig& vm, const Board& board) {
  if (vm.gic != GicVersion::host && !board.has_gic) {
    loader.error(root.find("gic")->position(), "`gic`: the {} board has no GIC", board.name);
  }
  const Node* const bits = root.find("sve_vector_bits");
  if (bits != nullptr && vm.sve == false) {
    loader.error(bits->key_position(), "`sve_vector_bits` has no effect: `sve` is false");
  } else if ((bits != nullptr || vm.sve == true) && !board.has_sve) {
    loader.error((bits != nullptr ? bits : root.find("sve"))->position(), "`sve`: the {} board has none", board.name);
  }
  if (vm.pmu == true && !board.has_pmu) {
    loader.error(root.find("pmu")->position(), "`pmu`: the {} board has none", board.name);
  }
  if (vm.watchdog && !board.has_watchdog) {
    loader.error(root.find("devices")->find("watchdog")->position(), "`devices.watchdog`: the {} board has none",
                 board.name);
  }
}

void check_cpus(Loader& loader, const Node& root, const VmConfig& vm) {
  for (size_t i = 0; i < vm.affinity.size(); ++i) {
    if ((vm.affinity[i].bits & ~vm.cpus.bits) == 0) continue;
    loader.error(element_position(root.find("affinity"), i), "`affinity` of vCPU {} names CPU {}, which is none of `cpus`",
                 i, std::countr_zero(vm.affinity[i].bits & ~vm.cpus.bits));
  }
  if (!vm.affinity.empty() && vm.affinity.size() != vm.vcpus) {
    loader.error(root.find("affinity")->position(), "`affinity` has {} CPU sets for {} vCPUs; it needs one for each",
                 vm.affinity.size(), vm.vcpus);
  }
  if (vm.scheduler.policy != SchedulerPolicy::dedicated) return;
  uint64_t cpus = vm.affinity.empty() ? vm.cpus.bits : 0;
  for (const CpuSet& set : vm.affinity) cpus |= set.bits;
  const auto available = static_cast<uint32_t>(std::popcount(cpus));
  if (available < vm.vcpus) {
    loader.error(root.find("scheduler")->position(),
                 "a dedicated vCPU has a CPU to itself: {} vCPUs need more than the {} CPUs they may use", vm.vcpus,
                 available);
  }
}

// A key that has no effect is a mistake, and its author should hear of it.
void check_scheduler(Loader& loader, const Node& root, const VmConfig& vm) {
  static constexpr struct {
    std::string_view key;
    SchedulerPolicy policy;
    std::string_view policy_name;
  } owners[] = {{"weight", SchedulerPolicy::fair, "fair"},
                {"slice", SchedulerPolicy::fair, "fair"},
                {"priority", SchedulerPolicy::fixed, "fixed"}};
  const Node* const scheduler = root.find("scheduler");
  if (scheduler == nullptr) return;
  for (const auto& owner : owners) {
    const Node* const key = scheduler->find(owner.key);
    if (key == nullptr || vm.scheduler.policy == owner.policy) continue;
    loader.error(key->key_position(), "`scheduler.{}` has no effect here: it belongs to the policy \"{}\"", owner.key,
                 owner.policy_name);
  }
}

template <class T, size_t Count>
void visit(KeyVisitor& visitor, std::string_view table, const Key<T> (&keys)[Count]) {
  for (const Key<T>& key : keys) visitor.visit(table, key.info);
}

}  // namespace

hal::Result<void, Invalid> load_vm(std::string_view text, const Board& board, std::span<std::byte> arena,
                                   Diagnostics& diagnostics, VmConfig& vm) {
  const Node* const root = parse_document(text, arena, diagnostics);
  if (root == nullptr) return hal::fail(Invalid{diagnostics.errors()});
  std::construct_at(&vm);
  Loader loader(diagnostics, visit_vm_keys);
  loader.read_table(*root, vm_keys, vm);
  // Contradictions between values that are wrong themselves would only confuse.
  if (loader.errors() == 0) {
    check_memory(loader, *root, vm, board);
    check_map(loader, *root, vm, board);
    check_interrupts(loader, *root, vm);
    check_passthrough(loader, *root, vm);
    check_networks(loader, *root, vm);
    check_console(loader, *root, vm, board);
    check_missing_devices(loader, *root, vm, board);
    check_cpus(loader, *root, vm);
    check_scheduler(loader, *root, vm);
  }
  if (loader.errors() > 0) return hal::fail(Invalid{loader.errors()});
  return {};
}

namespace {

// Keeps `regions` ascending. A region more than there is room for is left out: load_vm() has let nobody say so many.
void insert_ascending(MemoryMap& regions, const MemoryRegion& region) {
  if (!regions.push_back(region)) return;
  for (size_t i = regions.size() - 1; i > 0 && regions[i].range.start < regions[i - 1].range.start; --i) {
    std::swap(regions[i], regions[i - 1]);
  }
}

}  // namespace

bool is_free_ram(const MemoryRegion& region, std::span<const MemoryRegion> all) {
  const auto is_writable = [](const MemoryRegion& r) {
    return r.kind == RegionKind::ram && r.access.read && r.access.write;
  };
  const auto is_general = [&](const MemoryRegion& r) { return is_writable(r) && r.access.execute; };
  return is_general(region) || (is_writable(region) && std::ranges::none_of(all, is_general));
}

MemoryMap memory_map(const MemoryConfig& memory, const Board& board) {
  MemoryMap regions;
  for (const MemoryRegion& region : memory.regions) insert_ascending(regions, region);
  uint64_t left = memory.size;
  for (const hal::GuestPhysRange& bank : board.ram_banks) {
    MemoryRegion region;
    region.range = {bank.start, std::min(left, bank.size)};
    if (!region.range.empty()) insert_ascending(regions, region);
    left -= region.range.size;
  }
  return regions;
}

void visit_vm_keys(KeyVisitor& visitor) {
  visit(visitor, "", vm_keys);
  visit(visitor, "[memory]", memory_keys);
  visit(visitor, "[[memory.region]]", region_keys);
  visit(visitor, "[kernel]", kernel_keys);
  visit(visitor, "[console]", console_keys);
  visit(visitor, "[devices]", device_keys);
  visit(visitor, "[[passthrough]]", passthrough_keys);
  visit(visitor, "[[disk]]", disk_keys);
  visit(visitor, "[[network]]", network_keys);
  visit(visitor, "[scheduler]", scheduler_keys);
}

}  // namespace config

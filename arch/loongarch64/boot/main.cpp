// SPDX-License-Identifier: Apache-2.0
// From head.S to the layers above: discover the machine, describe its memory.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>

#include "arch/boot.hpp"
#include "arch/cpu.hpp"
#include "arch/layout.hpp"
#include "arch/loongarch64/trap/exceptions.hpp"
#include "arch/mmu.hpp"
#include "arch/power.hpp"
#include "arch/sysreg.hpp"
#include "arch/timer.hpp"
#include "hal/base/fdt.hpp"
#include "hal/cpu_local.hpp"
#include "hal/driver/console.hpp"
#include "hal/efi/hand_over.hpp"
#include "hal/log.hpp"
#include "hal/platform/acpi.hpp"
#include "hal/platform/efi.hpp"
#include "hal/platform/efi_memory.hpp"
#include "hal/platform/memory_map.hpp"
#include "hal/power.hpp"
#include "hal/upcall.hpp"
#include "hal/virtualization.hpp"

// Defined by boot/image.lds.
extern "C" std::byte image_start[], text_end[], rodata_end[], image_end[];

namespace arch {
namespace {

using hal::HostPhys;
using hal::HostPhysRange;
using hal::HostVirt;

constinit hal::Platform machine;
constinit hal::MemoryMap map;
constinit hal::LoongArchPlatform loongarch;
alignas(hal::Fdt) constinit std::array<std::byte, sizeof(hal::Fdt)> fdt_storage{};
constinit std::array<hal::FdtIndexEntry, 1024> fdt_index{};

// This CPU's until it has data of its own: number 0.
constinit hal::CpuLocal boot_local{};

HostVirt virt(const void* place) { return HostVirt(reinterpret_cast<uintptr_t>(place)); }

// Through the window every address can be read that the bus answers.
class Window final : public hal::PhysicalReader {
 public:
  bool read(HostPhys place, std::span<std::byte> bytes) override {
    const HostPhysRange all{HostPhys(), Mmu::direct_map_size};
    if (!HostPhysRange::fits(place, bytes.size()) || !all.contains({place, bytes.size()})) return false;
    std::memcpy(bytes.data(), reinterpret_cast<const void*>(boot::cached(place).value()), bytes.size());
    return true;
  }
};

// Nothing when there is no usable tree: with nothing known of the machine, there is nobody to tell.
const hal::Fdt* open_fdt(HostPhys place) {
  if (!place.is_aligned(8) || place.value() >= Mmu::direct_map_size) return nullptr;
  const auto* const bytes = reinterpret_cast<const std::byte*>(boot::cached(place).value());
  const auto size = hal::Fdt::total_size({bytes, hal::fdt_header_size});
  if (!size) return nullptr;
  auto fdt = hal::Fdt::open({bytes, *size}, fdt_index);
  if (!fdt) return nullptr;
  return new (fdt_storage.data()) hal::Fdt(*fdt);
}

// Null where a boot loader started us.
const hal::efi::HandOver* find_hand_over(HostPhys place) {
  if (place == HostPhys()) return nullptr;
  return reinterpret_cast<const hal::efi::HandOver*>(boot::cached(place).value());
}

bool discover_by_tree(HostPhys place, std::span<const HostPhysRange> memory) {
  const hal::Fdt* const fdt = open_fdt(place);
  if (fdt == nullptr) return false;
  machine = hal::discover_platform(*fdt, {place, fdt->bytes().size()}, memory);
  loongarch = hal::discover_loongarch(*fdt);
  return true;
}

void discover_by_acpi(HostPhysRange place, std::span<const HostPhysRange> memory) {
  const hal::AcpiTables tables({reinterpret_cast<const std::byte*>(boot::cached(place.start).value()), place.size});
  machine = hal::discover_platform(tables, place, memory);
  loongarch = hal::discover_loongarch(tables);
}

// From a boot loader's system table, or from what the EFI part left.
bool discover(HostPhys system_table, const hal::efi::HandOver* efi) {
  Window window;
  hal::EfiTables tables;
  hal::EfiMemory memory;
  if (efi == nullptr) {
    tables = hal::read_efi_tables(system_table, window);
  } else {
    tables.fdt = efi->fdt.start;
    memory = hal::usable_efi_memory(efi->memory_map(), efi->descriptor_size);
  }
  const std::span<const HostPhysRange> counted(memory.begin(), memory.size());
  const bool by_acpi = efi != nullptr && efi->fdt.empty();
  if (by_acpi) {
    discover_by_acpi(efi->acpi, counted);
  } else if (!tables.fdt || !discover_by_tree(*tables.fdt, counted)) {
    return false;
  }
  hal::number_boot_cpu_first(machine, regs::cpuid::core::get(read<regs::cpuid>()));
  if (!machine.initrd) machine.initrd = tables.initrd;
  if (efi != nullptr) {
    machine.initrd = efi->bundle_beside(machine.initrd);
    hal::reserve_efi_memory(efi->memory_map(), efi->descriptor_size, machine);
  }
  power::set_registers(loongarch);
  if (machine.console) {
    const HostVirt registers = boot::uncached(machine.console->registers.start);
    hal::ConsoleDevice* const console = hal::driver::open_console(*machine.console, registers);
    if (console != nullptr) hal::log::attach(*console);
  }
  return true;
}

[[noreturn]] void give_up(std::string_view why) {
  hal::log::error("{}", why);
  hal::power_off();
}

[[noreturn]] void hand_over() {
  const HostPhysRange image{boot::phys(image_start), virt(image_end) - virt(image_start)};
  const auto mapped = hal::map_memory(machine, image, image.size, map);
  if (!mapped.ok()) give_up(hal::explain(mapped.error()));
  const auto& usable = map.usable;
  if (usable.empty()) give_up("all memory is in use");
  // The window shows all of it, so any part will do for the first frames.
  const HostPhysRange& largest = *std::ranges::max_element(usable, {}, &HostPhysRange::size);
  const hal::BootMemory memory{.ram = {map.ram.begin(), map.ram.size()},
                               .usable = {usable.begin(), usable.size()},
                               .boot_free = {largest.start, std::min<uint64_t>(largest.size, hal::mib)},
                               .image = image.start,
                               .text = {virt(image_start), virt(text_end) - virt(image_start)},
                               .rodata = {virt(text_end), virt(rodata_end) - virt(text_end)},
                               .data = {virt(rodata_end), virt(image_end) - virt(rodata_end)},
                               .identity = {}};
  hal::upcall::boot(memory);
}

}  // namespace

const hal::Platform& boot::platform() { return machine; }
const hal::LoongArchPlatform& boot::loongarch_platform() { return loongarch; }

extern "C" [[noreturn]] void boot_main(uint64_t, HostPhys system_table, HostPhys efi) {
  Cpu::set_local(&boot_local);
  install_exception_vectors();
  if (!discover(system_table, find_hand_over(efi))) {
    while (true) Cpu::halt();
  }
  hal::log::info("Plinth on {}: {} CPUs", machine.model(), machine.cpus.size());
  if (!Timer::discover()) give_up("this CPU has no constant timer");
  hand_over();
}

}  // namespace arch

namespace hal {
const Platform& platform() { return arch::boot::platform(); }
}  // namespace hal

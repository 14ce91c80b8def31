// SPDX-License-Identifier: Apache-2.0
// From head.S to the layers above: discover the machine, describe its memory.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "arch/aarch64/regs/stage1.hpp"
#include "arch/aarch64/trap/exceptions.hpp"
#include "arch/boot.hpp"
#include "arch/layout.hpp"
#include "arch/psci.hpp"
#include "arch/sysreg.hpp"
#include "arch/timer.hpp"
#include "hal/base/fdt.hpp"
#include "hal/driver/console.hpp"
#include "hal/efi/hand_over.hpp"
#include "hal/log.hpp"
#include "hal/platform/acpi.hpp"
#include "hal/platform/efi_memory.hpp"
#include "hal/platform/memory_map.hpp"
#include "hal/power.hpp"
#include "hal/upcall.hpp"
#include "hal/virtualization.hpp"

// Defined by boot/image.lds.
extern "C" std::byte image_start[], text_end[], rodata_end[], data_end[], image_end[], boot_tables[], boot_tables_end[],
    identity_start[], identity_end[], exchange_host_root_identity[];
extern "C" void exchange_host_root_at(uint64_t root, uint64_t code);

namespace arch {
namespace {

using hal::HostPhys;
using hal::HostPhysRange;
using hal::HostVirt;
using hal::HostVirtRange;

static_assert(PLINTH_MAIR == regs::mair_slot::mair_el2, "head.S and the table format mean the same memory types");

constinit HostPhys image_place;
constinit hal::Platform machine;
constinit hal::MemoryMap map;
constinit hal::ArmPlatform arm;
alignas(hal::Fdt) constinit std::array<std::byte, sizeof(hal::Fdt)> fdt_storage{};
constinit std::array<hal::FdtIndexEntry, 1024> fdt_index{};

HostVirt virt(const void* place) { return HostVirt(reinterpret_cast<uintptr_t>(place)); }

// The level 2 table that head.S made for the FDT serves everything that boot code must see early.
constexpr unsigned fdt_table = 6;
constexpr unsigned second_fdt_slot = 1, uart_slot = 4;

HostVirt map_early(unsigned slot, HostPhys place, hal::MemoryKind memory) {
  auto* const table = reinterpret_cast<volatile uint64_t*>(boot_tables + fdt_table * hal::page_size);
  const HostPhys block = place.align_down(PLINTH_BOOT_BLOCK);
  table[slot] = regs::Stage1{}.leaf(block, {hal::read_write, memory}, 1);
  dsb_sy();
  isb();
  return HostVirt(PLINTH_FDT_BASE + slot * PLINTH_BOOT_BLOCK + place.offset_in(PLINTH_BOOT_BLOCK));
}

// What describes the machine, at most 2 MiB of it. head.S has mapped the block in which it begins.
std::span<const std::byte> described(HostPhysRange place) {
  const uint64_t offset = place.start.offset_in(PLINTH_BOOT_BLOCK);
  if (offset + place.size > PLINTH_BOOT_BLOCK) {
    map_early(second_fdt_slot, place.start + PLINTH_BOOT_BLOCK, hal::MemoryKind::normal);
  }
  return {reinterpret_cast<const std::byte*>(PLINTH_FDT_BASE + offset), place.size};
}

// Nothing when there is no usable tree: with nothing known of the machine, there is nobody to tell.
const hal::Fdt* open_fdt(HostPhys place) {
  if (!place.is_aligned(8) || place.offset_in(PLINTH_BOOT_BLOCK) + hal::fdt_header_size > PLINTH_BOOT_BLOCK)
    return nullptr;
  const auto size = hal::Fdt::total_size(described({place, hal::fdt_header_size}));
  if (!size || *size > PLINTH_BOOT_BLOCK) return nullptr;  // the boot protocol's limit
  auto fdt = hal::Fdt::open(described({place, *size}), fdt_index);
  if (!fdt) return nullptr;
  return new (fdt_storage.data()) hal::Fdt(*fdt);
}

#ifdef PLINTH_EARLY_UART
// An image for bring-up (early_uart.cmake) knows a UART before it knows anything else.
void say_that_we_are_here(HostPhys fdt) {
  const hal::UartInfo uart{.kind = hal::UartKind::PLINTH_EARLY_KIND,
                           .registers = {HostPhys(PLINTH_EARLY_ADDRESS), hal::page_size},
                           .irq = 0,
                           .register_shift = PLINTH_EARLY_SHIFT,
                           .access_width = PLINTH_EARLY_WIDTH};
  const HostVirt registers = map_early(uart_slot, uart.registers.start, hal::MemoryKind::device);
  hal::ConsoleDevice* const console = hal::driver::open_console(uart, registers);
  if (console == nullptr) return;
  hal::log::attach(*console);
  hal::log::info("Plinth at {}, device tree at {}", image_place, fdt);
  if (open_fdt(fdt) == nullptr) hal::log::error("there is no usable device tree there");
}
#else
void say_that_we_are_here(HostPhys) {}
#endif

// What the EFI part left, in the image's block; null where a boot loader started us.
const hal::efi::HandOver* find_hand_over(HostPhys place) {
  if (place == HostPhys()) return nullptr;
  return reinterpret_cast<const hal::efi::HandOver*>(PLINTH_IMAGE_BASE + (place - image_place));
}

bool discover_by_tree(HostPhys place, std::span<const HostPhysRange> memory) {
  const hal::Fdt* const fdt = open_fdt(place);
  if (fdt == nullptr) return false;
  machine = hal::discover_platform(*fdt, {place, fdt->bytes().size()}, memory);
  arm = hal::discover_arm(*fdt);
  return true;
}

void discover_by_acpi(HostPhysRange place, std::span<const HostPhysRange> memory) {
  const hal::AcpiTables tables(described(place));
  machine = hal::discover_platform(tables, place, memory);
  arm = hal::discover_arm(tables);
}

bool discover(HostPhys fdt, bool at_el2, const hal::efi::HandOver* efi = nullptr) {
  hal::EfiMemory counted;
  if (efi != nullptr) counted = hal::usable_efi_memory(efi->memory_map(), efi->descriptor_size);
  const std::span<const HostPhysRange> memory(counted.begin(), counted.size());
  const bool by_acpi = efi != nullptr && efi->fdt.empty();
  if (by_acpi) {
    discover_by_acpi(efi->acpi, memory);
  } else if (!discover_by_tree(fdt, memory)) {
    return false;
  }
  if (efi != nullptr) {
    machine.initrd = efi->bundle_beside(machine.initrd);
    hal::reserve_efi_memory(efi->memory_map(), efi->descriptor_size, machine);
  }
  hal::number_boot_cpu_first(machine, regs::mpidr_el1::affinity & read<regs::mpidr_el1>());
  psci::set_firmware(arm.psci, at_el2);
  Timer::set_frequency(arm.timer.frequency);
  if (machine.console) {
    const HostVirt registers = map_early(uart_slot, machine.console->registers.start, hal::MemoryKind::device);
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
  const uint64_t in_use = virt(boot_tables_end) - virt(image_start);
  const auto mapped = hal::map_memory(machine, {image_place, in_use}, PLINTH_BOOT_BLOCK, map);
  if (!mapped.ok()) give_up(hal::explain(mapped.error()));
  const hal::BootMemory memory{
      .ram = {map.ram.begin(), map.ram.size()},
      .usable = {map.usable.begin(), map.usable.size()},
      .boot_free = {image_place + in_use, PLINTH_BOOT_BLOCK - in_use},
      .image = image_place,
      .text = {virt(image_start), virt(text_end) - virt(image_start)},
      .rodata = {virt(text_end), virt(rodata_end) - virt(text_end)},
      .data = {virt(rodata_end), virt(boot_tables) - virt(rodata_end)},
      .identity = {boot::image_phys(identity_start), virt(identity_end) - virt(identity_start)}};
  hal::upcall::boot(memory);
}

}  // namespace

const hal::Platform& boot::platform() { return machine; }
const hal::ArmPlatform& boot::arm_platform() { return arm; }

void boot::exchange_host_root(HostPhys root) {
  exchange_host_root_at(root.value(), image_phys(exchange_host_root_identity).value());
}

HostPhys boot::image_phys(const void* in_image) { return image_place + (virt(in_image) - virt(image_start)); }

extern "C" [[noreturn]] void boot_main(HostPhys fdt, uint64_t image, HostPhys efi) {
  image_place = HostPhys(image);
  install_exception_vectors();
  say_that_we_are_here(fdt);
  if (!discover(fdt, true, find_hand_over(efi))) {
    while (true) Cpu::halt();
  }
  hal::log::info("Plinth on {}: {} CPUs, GICv{}", machine.model(), machine.cpus.size(), arm.gic.version);
  hand_over();
}

// head.S comes here where it found no EL2, or one whose E2H cannot be cleared.
extern "C" [[noreturn]] void boot_main_without_vms(HostPhys fdt, uint64_t image, bool vhe_only) {
  image_place = HostPhys(image);
  say_that_we_are_here(fdt);
  if (!discover(fdt, false)) {
    while (true) Cpu::halt();
  }
  if (vhe_only)
    give_up("this CPU keeps HCR_EL2.E2H set, but Plinth needs EL2 without VHE (FEAT_E2H0): it cannot run here");
  give_up("started at EL1, but a hypervisor needs EL2 (with QEMU: -machine virt,virtualization=on)");
}

}  // namespace arch

namespace hal {
const Platform& platform() { return arch::boot::platform(); }
}  // namespace hal

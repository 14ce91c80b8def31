// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "cpu.hpp"
#include "gic.hpp"
#include "psci.hpp"

extern "C" char _end[];

namespace guest {

namespace {
// PL011 (DDI 0183, 3.3).
constexpr uint64_t uart_dr = uart_base + 0x00;
constexpr uint64_t uart_fr = uart_base + 0x18;
constexpr uint32_t fr_rxfe = 1u << 4;
constexpr uint32_t fr_txff = 1u << 5;

constinit std::optional<hal::Fdt> tree;

// Identity map by 1 GiB blocks (DDI 0487, D8.3): devices below RAM, the first GiB of RAM, and far above it PCI's
// configuration space; all read-write, devices never executed. Attribute index 0 is Device-nGnRnE, 1 is Normal write-back.
constexpr uint64_t block = 0b01 | 1u << 10;  // valid block, access flag
constexpr uint64_t device = block | uint64_t{3} << 53;
constexpr uint64_t normal = block | 1u << 2 | 3u << 8;  // inner shareable
constexpr uint64_t gib = 1ULL << 30;
constexpr uint64_t pci_config = 256 * gib;
using Map = std::array<uint64_t, 512>;
constexpr Map make_identity_map() {
  Map map{device, ram_base | normal};
  map[pci_config / gib] = pci_config | device;
  return map;
}
alignas(4096) constinit Map identity_map = make_identity_map();
constexpr uint64_t mair = 0xff << 8;
// 39 bits below, none above; write-back table walks, inner shareable; 40 bits of physical address.
constexpr uint64_t tcr = 25 | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23 | uint64_t{2} << 32;
constexpr uint64_t sctlr_res1 = 0x30d0'0800;
constexpr uint64_t sctlr_m_c_i = 1u << 0 | 1u << 2 | 1u << 12;
}  // namespace

void Uart::put(char c) {
  while ((read32(uart_fr) & fr_txff) != 0) {
  }
  write32(uart_dr, static_cast<unsigned char>(c));
}

bool Uart::has_input() const { return (read32(uart_fr) & fr_rxfe) == 0; }

char Uart::take() { return static_cast<char>(read32(uart_dr)); }

void read_machine(uint64_t device_tree) {
  const auto* blob = reinterpret_cast<const std::byte*>(device_tree);
  const auto size = hal::Fdt::total_size({blob, hal::fdt_header_size});
  if (!size) return;
  const auto opened = hal::Fdt::open({blob, *size});
  if (!opened) return;
  tree = *opened;
  machine.tree = &*tree;
  machine.arguments = hal::read_chosen(*tree).bootargs;
  if (const auto memory = tree->root().child("memory")) {
    machine.ram = memory->reg(0).value_or(hal::HostPhysRange{});
  }
  if (tree->find_compatible("arm,gic-v3")) gic::version = 3;
  if (tree->find_compatible("arm,cortex-a15-gic")) gic::version = 2;
}

hal::HostPhysRange unused_ram() {
  if (machine.tree == nullptr) return {};
  constexpr uint64_t mebibyte = uint64_t{1} << 20;
  constexpr uint64_t map_end = ram_base + (uint64_t{1} << 30);
  uint64_t start = reinterpret_cast<uint64_t>(_end);
  const uint64_t end = machine.ram.start.value() + machine.ram.size;
  const auto blob = reinterpret_cast<uint64_t>(machine.tree->bytes().data());
  if (blob >= start) start = blob + machine.tree->bytes().size();
  start = (start + mebibyte) & ~(mebibyte - 1);
  const uint64_t limit = end < map_end ? end : map_end;
  return {hal::HostPhys(start), limit > start ? limit - start : 0};
}

void power_off() {
  (void)psci::call(psci::system_off);
  while (true) wait_for_interrupt();
}

}  // namespace guest

extern "C" [[noreturn]] void guest_power_off() { guest::power_off(); }

extern "C" void guest_enable_mmu() {
  guest::mair_el1::write(guest::mair);
  guest::tcr_el1::write(guest::tcr);
  guest::ttbr0_el1::write(reinterpret_cast<uint64_t>(guest::identity_map.data()));
  asm volatile("dsb ishst\n tlbi vmalle1\n ic iallu\n dsb ish\n isb" ::: "memory");
  guest::sctlr_el1::write(guest::sctlr_res1 | guest::sctlr_m_c_i);
}

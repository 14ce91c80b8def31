// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "cpu.hpp"

extern "C" char _end[];

namespace guest {

namespace {
// 16550.
constexpr uint64_t uart_data = uart_base + 0;
constexpr uint64_t uart_line_status = uart_base + 5;
constexpr uint8_t lsr_data_ready = 1u << 0;
constexpr uint8_t lsr_transmitter_empty = 1u << 5;

constexpr uint8_t power_off_value = 0x34;
constexpr uint64_t physical_mask = 0xffff'ffff'ffff;

constinit std::optional<hal::Fdt> tree;

// UEFI 2.10, 4.3 and 4.6: the device tree is named by the table with this GUID, b1b621d5-f19c-41a5-830b-d9152c69aae0.
constexpr uint64_t system_table_signature = 0x5453'5953'2049'4249;
constexpr std::array<uint64_t, 2> device_tree_guid{0x41a5'f19c'b1b6'21d5, 0xe0aa'692c'15d9'0b83};

uint64_t find_device_tree(uint64_t system_table) {
  if (system_table == 0 || read64(system_table) != system_table_signature) return 0;
  const uint64_t count = read64(system_table + 104);
  uint64_t table = read64(system_table + 112);
  for (uint64_t i = 0; i < count; ++i, table += 24) {
    if (read64(table) == device_tree_guid[0] && read64(table + 8) == device_tree_guid[1]) return read64(table + 16);
  }
  return 0;
}
}  // namespace

void Uart::put(char c) {
  while ((read8(uart_line_status) & lsr_transmitter_empty) == 0) {
  }
  write8(uart_data, static_cast<uint8_t>(c));
}

bool Uart::has_input() const { return (read8(uart_line_status) & lsr_data_ready) != 0; }

char Uart::take() { return static_cast<char>(read8(uart_data)); }

void read_machine(uint64_t handover) {
  const auto& handed = *reinterpret_cast<const Handover*>(handover);
  machine.arguments = reinterpret_cast<const char*>(in_window(handed.command_line, cached));
  const uint64_t address = find_device_tree(handed.system_table);
  if (address == 0) return;
  const auto* blob = reinterpret_cast<const std::byte*>(in_window(address, cached));
  const auto size = hal::Fdt::total_size({blob, hal::fdt_header_size});
  if (!size) return;
  const auto opened = hal::Fdt::open({blob, *size});
  if (!opened) return;
  tree = *opened;
  machine.tree = &*tree;
  if (const auto bootargs = hal::read_chosen(*tree).bootargs; !bootargs.empty()) machine.arguments = bootargs;
  const hal::HostPhys here(reinterpret_cast<uint64_t>(_end) & physical_mask);
  for (const hal::FdtNode node : tree->root().children()) {
    if (node.base_name() != "memory") continue;
    const auto bank = node.reg(0);
    if (bank && bank->contains(here)) machine.ram = *bank;
  }
}

hal::HostPhysRange unused_ram() {
  if (machine.tree == nullptr) return {};
  constexpr uint64_t mebibyte = uint64_t{1} << 20;
  uint64_t start = reinterpret_cast<uint64_t>(_end) & physical_mask;
  const uint64_t end = machine.ram.start.value() + machine.ram.size;
  const uint64_t blob = reinterpret_cast<uint64_t>(machine.tree->bytes().data()) & physical_mask;
  if (blob >= start && blob < end) start = blob + machine.tree->bytes().size();
  start = (start + mebibyte) & ~(mebibyte - 1);
  return {hal::HostPhys(start), end > start ? end - start : 0};
}

void power_off() {
  write8(power_register, power_off_value);
  while (true) wait_for_interrupt();
}

}  // namespace guest

extern "C" [[noreturn]] void guest_power_off() { guest::power_off(); }

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a device tree: every question that boot code asks, and a copy of what was accepted.
#include <algorithm>

#include "hal/base/fdt.hpp"
#include "hal/base/fdt_writer.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

size_t read_all(const hal::Fdt& fdt) {
  size_t seen = 0;
  size_t nodes = 0;
  for (const hal::FdtNode node : fdt.nodes()) {
    // Some questions walk the whole tree; a few nodes are enough to ask them.
    const bool thorough = ++nodes <= 64;
    seen += node.name().size();
    for (const auto property : node.properties()) {
      seen += property.name().size() + property.bytes().size();
      for (const auto text : property.strings()) seen += text.size();
    }
    if (!thorough) continue;
    for (size_t i = 0; i < 2; ++i) seen += node.reg(i).has_value() + node.interrupt(i).has_value();
    seen += node.parent().has_value() + node.phandle().has_value() + node.is_enabled();
    for (const hal::FdtNode child : node.children()) seen += child.is_compatible("arm,pl011");
  }
  for (size_t i = 0; i < fdt.reservation_count(); ++i) seen += fdt.reservation(i).size != 0;
  return seen + read_chosen(fdt).bootargs.size() + fdt.find("/soc/serial@0").has_value();
}

size_t count(const hal::Fdt& fdt) { return static_cast<size_t>(std::ranges::distance(fdt.nodes())); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::Input input(data, size);
  const auto opened = hal::Fdt::open(input.bytes());
  if (!opened.ok()) return 0;
  volatile size_t sink = read_all(*opened);
  (void)sink;

  struct Nothing final : hal::FdtEdit {
  } nothing;
  std::vector<std::byte> buffer(2 * size + 4096);
  hal::FdtWriter writer(buffer);
  writer.copy(*opened, nothing);
  const auto copy = writer.finish();
  if (!copy.ok()) return 0;
  const auto reopened = hal::Fdt::open(*copy);
  fuzz::require(reopened.ok() && count(*reopened) == count(*opened));

  const hal::GuestPhysRange memory{hal::GuestPhys(0x4000'0000), 0x1000'0000};
  hal::FdtWriter patcher(buffer);
  copy_with_boot_info(patcher, *opened, {{&memory, 1}, "console=ttyAMA0", memory});
  const auto patched = patcher.finish();
  fuzz::require(!patched.ok() || hal::Fdt::open(*patched).ok());
  return 0;
}

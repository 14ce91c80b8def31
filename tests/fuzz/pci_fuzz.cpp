// SPDX-License-Identifier: Apache-2.0
// A guest that does anything to its PCI bus: configuration space, BARs that move over each other, MSI-X tables, while
// the functions interrupt. Nothing may go wrong, and some things must hold whatever it does.
#include <array>
#include <cstring>

#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/vmm/pci_fakes.hpp"

namespace {

using namespace vmm::pci;
using fuzz::require;
using vmm::MmioAccess;

class FuzzedFunction final : public Function {
 public:
  FuzzedFunction(Bus& bus, unsigned vectors)
      : Function(bus, {.vendor = 0x1af4, .device = 0x1042, .class_code = 0, .revision = 1}) {
    has_bar(2, 0x1000, BarKind::memory_32);
    has_bar(4, 0x4000, BarKind::memory_64_prefetchable);
    has_msix(1, vectors);
  }
  using Function::is_bus_master;
  using Function::send_message;
  using Function::set_interrupt;
  using Function::uses_messages;

 private:
  static void inside(unsigned bar, MmioAccess access) {
    require((bar == 2 && access.offset + access.size <= 0x1000) || (bar == 4 && access.offset + access.size <= 0x4000));
  }
  uint64_t read_memory(unsigned bar, MmioAccess access) override { return inside(bar, access), 0; }
  void write_memory(unsigned bar, MmioAccess access, uint64_t) override { inside(bar, access); }
};

// The machine: the input in steps of 12 bytes.
struct Step {
  uint8_t what, slot, size, extra;
  uint32_t offset, value;
};
static_assert(sizeof(Step) == 12);

// As a driver would leave them.
void set_up(vmm::test::PciGuest& guest) {
  for (unsigned slot = 1; slot <= 2; ++slot) {
    const uint32_t base = 0x1000'0000 + slot * 0x8000;
    for (const auto [bar, place] : {std::array{0x14U, base}, {0x18U, base + 0x1000}, {0x20U, base + 0x4000}}) {
      guest.set_config(slot, bar, place);
    }
    guest.set_config(slot, 4, 6, 2);
    guest.set_config(slot, guest.capability(slot, 0x11) + 2, 0x8000, 2);
    guest.write(base, vmm::test::pci_test_map.doorbell.value(), 8);
    guest.write(base + 12, 0);
  }
}

void run(Bus& bus, std::array<FuzzedFunction*, 2> functions, vmm::test::FakeMessages& messages,
         vmm::test::PciGuest& guest, const Step& step) {
  const auto size = static_cast<uint8_t>(1U << step.size % 4);
  const uint64_t aligned = step.offset & ~uint64_t{size - 1U};
  FuzzedFunction& function = *functions[step.slot % functions.size()];
  const size_t sent = messages.sent.size();
  const bool quiet = !function.is_bus_master();
  switch (step.what % 8) {
    case 0: guest.set_config(step.slot % 32, aligned % 0x1000, step.value, size); break;
    case 1: guest.set_config(1 + step.slot % 2, aligned % 0x100, step.value, size); break;
    case 2: (void)guest.config(step.slot % 32, aligned % 0x1000, size); break;
    case 3: guest.write(0x1000'0000 + aligned % 0x10'0000, step.value, size); break;
    case 4: (void)guest.read(0x1000'0000 + aligned % 0x10'0000, size); break;
    case 5: (void)guest.read((uint64_t{0x80} << 32) + aligned, size); break;
    case 6: function.set_interrupt((step.extra & 1) != 0); break;
    default:
      function.send_message(step.extra % 40);
      if (quiet) require(messages.sent.size() == sent);
      break;
  }
  require(messages.sent.size() - sent <= MsixTable::max_vectors);
  for (unsigned slot = 0; slot < 3; ++slot) require(guest.config(slot, 0, 2) != 0xffff);
  require((guest.config(1, 0x20) & 0xf) == 0xc && (guest.config(1, 0x18) & 0xfff) == 0);
  if (step.what == 0xff) bus.reset();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vmm::test::FakeIrqs irqs;
  vmm::test::FakeMessages messages;
  Bus bus(vmm::test::pci_test_map, irqs, &messages);
  FuzzedFunction one(bus, 3), two(bus, MsixTable::max_vectors);
  vmm::test::PciGuest guest(bus);
  set_up(guest);
  for (Step step; size >= sizeof(step); data += sizeof(step), size -= sizeof(step)) {
    std::memcpy(&step, data, sizeof(step));
    run(bus, {&one, &two}, messages, guest, step);
  }
  bus.reset();
  for (uint32_t line = 0; line < intx_lines; ++line) require(!irqs.level(vmm::VirtualIrq{35 + line}));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A driver that does anything to a virtio disk: registers in any order, rings and descriptors of any content, changed
// before each look. Whatever it did, after a reset the disk answers a proper request, and nobody wrote to its image.
#include <algorithm>
#include <vector>

#include "fuzz.hpp"
#include "tests/unit/vmm/virtio_driver.hpp"
#include "vmm/disk/memory_disks.hpp"
#include "vmm/virtio/blk.hpp"

namespace {

using fuzz::require;
using vmm::test::VirtioDriver;
namespace feature = vmm::virtio::feature;

// The fuzzer's bytes as numbers; zeroes at their end.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), end_(data + size) {}
  [[nodiscard]] bool empty() const { return data_ == end_; }
  template <class T>
  T take() {
    T value = 0;
    for (size_t i = 0; i < sizeof value && data_ != end_; ++i) value |= static_cast<T>(T{*data_++} << (8 * i));
    return value;
  }

 private:
  const uint8_t* data_;
  const uint8_t* end_;
};

// Mostly in the guest's buffers, sometimes anywhere.
uint64_t any_place(Bytes& bytes) {
  const auto choice = bytes.take<uint8_t>();
  if (choice == 0) return bytes.take<uint64_t>();
  if (choice == 1) return VirtioDriver::ram + VirtioDriver::ram_size - bytes.take<uint8_t>();
  if (choice == 2) return VirtioDriver::table + bytes.take<uint16_t>();
  return VirtioDriver::buffers + bytes.take<uint16_t>();
}

struct Machine {
  std::vector<std::byte> image = std::vector<std::byte>(100'000, std::byte{0x5a});
  std::vector<std::byte> layer = std::vector<std::byte>(vmm::ChunkedMemory::chunk);
  std::byte* chunk = layer.data();
  std::vector<uint32_t> index = std::vector<uint32_t>(vmm::OverlayDisk::clusters(image.size()));
  vmm::OverlayDisk disk{image, index, {{&chunk, 1}}};
  config::VmConfig config;
  vmm::test::DeviceFixture fixture{{}, config};
  vmm::virtio::Blk device{fixture.site(config), disk, "fuzz"};
  VirtioDriver driver{device, fixture.irqs, fixture.memory};
};

void do_something(Machine& m, Bytes& bytes) {
  VirtioDriver& driver = m.driver;
  switch (bytes.take<uint8_t>() % 10) {
    case 0: return m.driver.bus.write(bytes.take<uint16_t>() % 0x200 & ~3U, bytes.take<uint32_t>());
    case 1:
      return (void)driver.bus.read(bytes.take<uint16_t>() % 0x200 & ~7U,
                                   static_cast<uint8_t>(1U << bytes.take<uint8_t>() % 4));
    case 2:
      return driver.start(feature::version_1 | (bytes.take<uint8_t>() & 3U) << 28,
                          static_cast<uint16_t>(1U << bytes.take<uint8_t>() % 5));
    case 3:
    case 4:
      driver.descriptor(bytes.take<uint8_t>() % 16, any_place(bytes), bytes.take<uint16_t>(), bytes.take<uint8_t>() % 8,
                        bytes.take<uint8_t>() % 17,
                        bytes.take<uint8_t>() % 4 == 0 ? VirtioDriver::buffers + 0x1000 : VirtioDriver::table);
      return;
    case 5:
      m.fixture.memory.put<uint32_t>(VirtioDriver::buffers, bytes.take<uint8_t>() % 16);
      return m.fixture.memory.put<uint64_t>(VirtioDriver::buffers + 8, bytes.take<uint8_t>());
    case 6: return driver.make_available(bytes.take<uint8_t>() % 17);
    case 7:
      return m.fixture.memory.put<uint16_t>(VirtioDriver::driver_ring + bytes.take<uint8_t>() * 2U,
                                            bytes.take<uint16_t>());
    case 8: return m.fixture.worker.step();
    default: return driver.notify(bytes.take<uint8_t>() % 3);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Machine m;
  Bytes bytes(data, size);
  m.driver.start(feature::version_1 | feature::event_idx | feature::indirect_descriptors, 16);
  while (!bytes.empty()) do_something(m, bytes);

  require(std::ranges::all_of(m.image, [](std::byte byte) { return byte == std::byte{0x5a}; }));
  m.driver.start();
  constexpr uint64_t header = VirtioDriver::buffers, status = header + 0x100, place = header + 0x1000;
  m.fixture.memory.put<uint32_t>(header, 0);
  m.fixture.memory.put<uint64_t>(header + 8, 0);
  m.fixture.memory.put<uint8_t>(status, 0xcc);
  m.driver.chain(0, {{header, 16}, {place, 512, true}, {status, 1, true}});
  m.driver.make_available(0);
  m.driver.notify();
  require(m.fixture.memory.get<uint8_t>(status) == 0);
  require(m.driver.take_used().size() == 1);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A driver that does anything to a virtio disk: registers in any order, rings and descriptors of any content, changed
// before each look. Whatever it did, after a reset the disk answers a proper request, and nobody wrote to its image.
#include <algorithm>
#include <vector>

#include "fuzz.hpp"
#include "virtio_actions.hpp"
#include "vmm/disk/memory_disks.hpp"
#include "vmm/virtio/blk.hpp"

namespace {

using fuzz::Bytes;
using fuzz::require;
using vmm::test::VirtioDriver;
namespace feature = vmm::virtio::feature;

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
  constexpr unsigned header = 5;  // of a request
  const unsigned action = bytes.take<uint8_t>() % (fuzz::driver_actions + 1);
  if (action != header) return fuzz::act(action < header ? action : action - 1, m.driver, m.fixture.worker, bytes);
  m.fixture.memory.put<uint32_t>(VirtioDriver::buffers, bytes.take<uint8_t>() % 16);
  m.fixture.memory.put<uint64_t>(VirtioDriver::buffers + 8, bytes.take<uint8_t>());
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

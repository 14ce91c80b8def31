// SPDX-License-Identifier: Apache-2.0
// A driver that does anything to a virtio console and to a source of random numbers, while the console's other side
// types, and takes what it gets or not. Whatever it did, after a reset both serve a proper request.
#include <array>
#include <span>

#include "fuzz.hpp"
#include "virtio_actions.hpp"
#include "vmm/virtio/console.hpp"
#include "vmm/virtio/rng.hpp"

namespace {

using fuzz::Bytes;
using fuzz::require;
using vmm::test::VirtioDriver;
using vmm::virtio::ConsoleDevice;
using vmm::virtio::Rng;

struct Machine {
  Machine() { fixture.port.room = 16; }

  config::VmConfig config;
  vmm::test::DeviceFixture fixture{{}, config};
};

// A chain of one buffer on a queue of its own, after a reset.
void ask_properly(VirtioDriver& driver, uint32_t queue, VirtioDriver::Part part) {
  driver.memory.clear(VirtioDriver::table, VirtioDriver::buffers - VirtioDriver::table);
  require(driver.negotiate(vmm::virtio::feature::version_1) == 0xb);
  driver.set_up_queue(8, queue);
  driver.bus.write(VirtioDriver::status, 0xf);
  driver.chain(0, {part});
  driver.make_available(0);
  driver.notify(queue);
}

void misuse_console(Bytes bytes) {
  constexpr uint32_t receive = 0, transmit = 1;
  constexpr std::array<uint8_t, 64> typed{'x'};
  Machine m;
  ConsoleDevice device(m.fixture.site(m.config), m.fixture.port);
  VirtioDriver driver(device, m.fixture.irqs, m.fixture.memory);
  driver.start();
  driver.set_up_queue(8, transmit);
  while (!bytes.empty()) {
    const unsigned action = bytes.take<uint8_t>() % (fuzz::driver_actions + 4);
    switch (action) {
      case fuzz::driver_actions: m.fixture.port.room = bytes.take<uint8_t>(); break;
      case fuzz::driver_actions + 1: device.transmit_ready(); break;
      case fuzz::driver_actions + 2: {
        const auto some = std::span(typed).first(bytes.take<uint8_t>() % (typed.size() + 1));
        require(device.receive(some) <= some.size());
        break;
      }
      case fuzz::driver_actions + 3: driver.set_up_queue(8, transmit); break;
      default: fuzz::act(action, driver, m.fixture.worker, bytes); break;
    }
    require(m.fixture.port.room >= 0);
  }
  ask_properly(driver, receive, {VirtioDriver::buffers, 16, true});
  require(device.receive(std::span(typed).first(1)) == 1);
  require(driver.take_used().size() == 1);
  m.fixture.port.room = 16;
  m.fixture.port.sent.clear();
  ask_properly(driver, transmit, {VirtioDriver::buffers, 16});
  require(m.fixture.port.sent.size() == 16);
  require(driver.take_used().size() == 1);
}

void misuse_rng(Bytes bytes) {
  Machine m;
  Rng device(m.fixture.site(m.config));
  VirtioDriver driver(device, m.fixture.irqs, m.fixture.memory);
  driver.start();
  while (!bytes.empty()) {
    fuzz::act(bytes.take<uint8_t>() % fuzz::driver_actions, driver, m.fixture.worker, bytes);
  }
  ask_properly(driver, 0, {VirtioDriver::buffers, 16, true});
  require(driver.take_used().size() == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  misuse_console(Bytes(data, size));
  misuse_rng(Bytes(data, size));
  return 0;
}

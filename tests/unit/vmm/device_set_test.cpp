// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/device_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "device_fakes.hpp"
#include "hal/base/fdt.hpp"

namespace {

using vmm::DeviceKind;
using vmm::DeviceSet;
using vmm::DeviceSite;
using vmm::MmioBus;
using vmm::MmioDevice;
using vmm::test::DeviceFixture;

std::vector<std::string> calls;

class Window final : public MmioDevice {
 public:
  explicit Window(uint64_t start) : MmioDevice("window", {hal::GuestPhys(start), 0x100}) {}
  uint64_t read(vmm::MmioAccess) override { return 0; }
  void write(vmm::MmioAccess, uint64_t) override {}
  void reset() override { calls.push_back("window"); }
};

// Says what it is told. Larger than a block, and with a window of its own.
template <char Name>
class Talking : public vmm::Device {
 public:
  static bool is_wanted(const config::VmConfig&) { return true; }
  explicit Talking(const DeviceSite&) { has_windows({&window_}); }
  ~Talking() override { say("ends"); }
  void describe(vmm::DeviceTreeWriter& tree) const override {
    const char name[] = {Name, 0};
    tree.fdt.begin_node(name);
    tree.interrupt(vmm::VirtualIrq{Name});
    tree.fdt.end_node();
  }
  void pause() override { say("pause"); }
  void resume(uint64_t) override { say("resume"); }
  void quiesce() override { say("quiesce"); }
  bool ask_to_power_off() override {
    say("asked");
    return Name == 'b';
  }

 private:
  static void say(std::string what) { calls.push_back(std::string(1, Name) + " " + what); }
  uint8_t padding_[200]{};
  Window window_{uint64_t{Name} << 12};
};

class Optional final : public Talking<'x'> {
 public:
  static bool is_wanted(const config::VmConfig& vm) { return vm.watchdog; }
  using Talking::Talking;
  [[nodiscard]] std::string_view console_path() const override { return "/x"; }
};

constexpr DeviceKind a = vmm::device_kind<Talking<'a'>>, b = vmm::device_kind<Talking<'b'>>,
                     c = vmm::device_kind<Talking<'c'>>, optional = vmm::device_kind<Optional>;
constexpr const DeviceKind* kinds[] = {&a, &optional, &b, &c};

class Tree final : public vmm::DeviceTreeWriter {
 public:
  using DeviceTreeWriter::DeviceTreeWriter;
  void interrupt(vmm::VirtualIrq irq) override { fdt.u32("interrupts", static_cast<uint32_t>(irq)); }
  void edge_interrupt(vmm::VirtualIrq irq) override { interrupt(irq); }
  [[nodiscard]] vmm::InterruptCells mapped_interrupt(vmm::VirtualIrq irq) const override {
    return {static_cast<uint32_t>(irq)};
  }
  [[nodiscard]] uint32_t message_controller() const override { return 0; }
};

class Devices : public testing::Test {
 protected:
  void SetUp() override { calls.clear(); }
  config::VmConfig vm;
};

TEST_F(Devices, tell_all_of_them_what_happens_to_the_vm) {
  DeviceFixture devices(kinds, vm);
  devices.set.pause();
  devices.set.resume(0);
  devices.set.reset();
  devices.set.quiesce();
  EXPECT_EQ(calls, (std::vector<std::string>{"a pause", "b pause", "c pause", "a resume", "b resume", "c resume",
                                             "window", "window", "window", "a quiesce", "b quiesce", "c quiesce"}));
}

TEST_F(Devices, end_in_the_opposite_order) {
  { const DeviceFixture devices(kinds, vm); }
  EXPECT_EQ(calls, (std::vector<std::string>{"c ends", "b ends", "a ends"}));
}

TEST_F(Devices, ask_the_guest_to_power_itself_off_until_one_gets_through) {
  DeviceFixture devices(kinds, vm);
  EXPECT_TRUE(devices.set.ask_to_power_off());
  EXPECT_EQ(calls, (std::vector<std::string>{"a asked", "b asked"}));
  constexpr const DeviceKind* deaf[] = {&a, &c};
  DeviceFixture others(deaf, vm);
  EXPECT_FALSE(others.set.ask_to_power_off());
}

TEST_F(Devices, are_those_that_the_vm_wants) {
  DeviceFixture without(kinds, vm);
  EXPECT_EQ(without.set.windows(), 3U);
  EXPECT_EQ(without.set.console_path(), "");
  vm.watchdog = true;
  DeviceFixture with(kinds, vm);
  EXPECT_EQ(with.set.windows(), 4U);
  EXPECT_EQ(with.set.console_path(), "/x");
}

// As many as there are vCPUs.
class Counted final : public vmm::Device {
 public:
  static unsigned count(const config::VmConfig& vm) { return vm.vcpus; }
  Counted(const DeviceSite&, unsigned index) : window_((uint64_t{1} + index) << 20) { has_windows({&window_}); }
  void describe(vmm::DeviceTreeWriter&) const override {}

 private:
  Window window_;
};

TEST_F(Devices, of_one_kind_may_be_several) {
  static constexpr DeviceKind counted = vmm::device_kind<Counted>;
  constexpr const DeviceKind* several[] = {&counted, &a};
  vm.vcpus = 3;
  DeviceFixture devices(several, vm);
  std::vector<MmioDevice*> table(devices.set.windows());
  MmioBus bus(table);
  ASSERT_TRUE(devices.set.plug_into(bus));
  EXPECT_EQ(std::distance(bus.begin(), bus.end()), 4);
  EXPECT_NE(bus.find(hal::GuestPhys(uint64_t{3} << 20)), nullptr);
  vm.vcpus = 0;
  EXPECT_EQ(DeviceFixture(several, vm).set.windows(), 1U);
}

TEST_F(Devices, that_a_build_leaves_out_are_missed_by_those_alone_that_want_them) {
  static constexpr DeviceKind absent =
      vmm::absent_kind("floppy disks", [](const config::VmConfig& wanted) -> unsigned { return wanted.watchdog ? 2 : 0; });
  constexpr const DeviceKind* with[] = {&a, &absent};
  EXPECT_EQ(vmm::DeviceSet::missing(with, vm), "");
  EXPECT_EQ(DeviceFixture(with, vm).set.windows(), 1U);
  vm.watchdog = true;
  EXPECT_EQ(vmm::DeviceSet::missing(with, vm), "floppy disks");
}

TEST_F(Devices, join_a_bus_that_has_room_for_them_or_say_that_they_cannot) {
  DeviceFixture devices(kinds, vm);
  std::vector<MmioDevice*> table(devices.set.windows());
  MmioBus bus(table);
  ASSERT_TRUE(devices.set.plug_into(bus));
  EXPECT_EQ(std::distance(bus.begin(), bus.end()), 3);
  EXPECT_NE(bus.find(hal::GuestPhys(uint64_t{'b'} << 12)), nullptr);
  std::vector<MmioDevice*> small(2);
  MmioBus full(small);
  EXPECT_FALSE(devices.set.plug_into(full));
}

TEST_F(Devices, describe_themselves_in_the_cells_of_the_board) {
  DeviceFixture devices(kinds, vm);
  std::vector<std::byte> buffer(4096);
  hal::FdtWriter writer(buffer);
  writer.begin_node("");
  Tree tree(writer);
  devices.set.describe(tree);
  writer.end_node();
  const auto blob = writer.finish();
  ASSERT_TRUE(blob.ok());
  const auto fdt = hal::Fdt::open(*blob);
  ASSERT_TRUE(fdt.ok());
  EXPECT_EQ(fdt->find("/a")->u32("interrupts"), 'a');
  EXPECT_EQ(fdt->find("/c")->u32("interrupts"), 'c');
  EXPECT_FALSE(fdt->find("/x"));
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/device_tree.hpp"
#include "vmm/aarch64/devices.hpp"
#include "vmm/aarch64/virt_board.hpp"
#include "vmm/aarch64/virtio_slots.hpp"

namespace vmm::aarch64 {

namespace {

// Guests of QEMU's board look into each of its 32 windows, whether the device tree says so or not.
class EmptyWindows final : public Device {
 public:
  static bool is_wanted(const config::VmConfig& vm) { return used_virtio_slots(vm) < virt_board::virtio_mmio_count; }

  explicit EmptyWindows(const DeviceSite& site)
      : count_(first_virtio_slot(site.config)), model_(virtio_window(0).start, count_) {
    has_windows({&model_});
  }

  void describe(DeviceTreeWriter& tree) const override {
    for (unsigned slot = 0; slot < count_; ++slot) describe_virtio_slot(tree, slot);
  }

 private:
  const unsigned count_;
  virtio::EmptyMmioWindows model_;
};

}  // namespace

constinit const DeviceKind empty_virtio_windows = device_kind<EmptyWindows>;

// virtio/mmio.yaml. The cells say edge, as QEMU's do; the line is a level, which makes an edge each time.
void describe_virtio_slot(DeviceTreeWriter& tree, unsigned slot) {
  const hal::GuestPhysRange window = virtio_window(slot);
  tree.fdt.begin_node("virtio_mmio", window.start.value());
  tree.fdt.string("compatible", "virtio,mmio");
  write_reg(tree.fdt, window);
  tree.edge_interrupt(virtio_irq(slot));
  tree.fdt.flag("dma-coherent");
  tree.fdt.end_node();
}

}  // namespace vmm::aarch64

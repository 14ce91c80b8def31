// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "hal/base/lock.hpp"
#include "vmm/device/device.hpp"
#include "vmm/device/device_worker.hpp"
#include "vmm/virtio/memory_view.hpp"
#include "vmm/virtio/queue.hpp"
#include "vmm/virtio/registers.hpp"

namespace vmm::virtio {

// How a device reaches its driver: a transport's interrupts. Called with the device's lock held.
class Signals {
 public:
  virtual void used_buffer(uint16_t queue) = 0;
  virtual void configuration_changed() = 0;

 protected:
  ~Signals() = default;
};

// What one device may do before others get their turn, in bytes moved; a request costs at least request_cost.
class Budget {
 public:
  static constexpr uint64_t request_cost = 512;

  constexpr explicit Budget(uint64_t bytes) : left_(bytes) {}
  [[nodiscard]] bool is_spent() const { return left_ == 0; }
  [[nodiscard]] uint64_t left() const { return left_; }
  void spend(uint64_t bytes) { left_ -= bytes < left_ ? bytes : left_; }

 private:
  uint64_t left_;
};

// Counted since the VM was made. Read by the shell at any time.
struct DeviceCounts {
  std::atomic<uint64_t> requests{0}, bytes{0}, notifications{0}, interrupts{0}, errors{0};
};

// A virtio device without a transport: what section 2 asks of each, and below, for derived classes, what is special to
// a device type. A transport (virtio-mmio, virtio-pci) is registers in front of one.
//
// One lock of rank `device` for everything. A transport takes it (`const hal::LockGuard guard(device.lock)`) around
// each access to a register. notify() and serve() take it by themselves, and hold it for at most `piece` bytes of work.
//
// Requests are served by the vCPU that notifies, in its exit, up to `per_exit` bytes; what is left is done by the VM's
// device task in the VM's own scheduling class (DeviceWorker). docs/decisions/ says why.
class VirtioDevice : public WorkClient {
 public:
  static constexpr unsigned max_queues = 3;
  static constexpr uint64_t piece = 64 * hal::kib;      // the lock is held for
  static constexpr uint64_t per_exit = 256 * hal::kib;  // a notification makes its vCPU do

  [[nodiscard]] DeviceType type() const { return type_; }
  [[nodiscard]] const DeviceCounts& counts() const { return counts_; }
  // Plug in the transport, once, before anything else.
  void connect(Signals& signals) { signals_ = &signals; }

  hal::SpinLock lock{hal::LockRank::device};

  // --- registers; the caller holds the lock --------------------------------------------------------------------------

  // Feature bits in words of 32 (2.2). What is accepted counts until FEATURES_OK, then it is fixed.
  [[nodiscard]] uint32_t offered_features(uint32_t word) const PLINTH_REQUIRES(lock);
  [[nodiscard]] uint32_t accepted_features(uint32_t word) const PLINTH_REQUIRES(lock);
  void accept_features(uint32_t word, uint32_t bits) PLINTH_REQUIRES(lock);

  [[nodiscard]] uint8_t status() const PLINTH_REQUIRES(lock) { return status_; }
  // 0 resets the device; else bits can only be set. FEATURES_OK stays clear where the features are not acceptable.
  void set_status(uint8_t status) PLINTH_REQUIRES(lock);

  [[nodiscard]] unsigned queues() const { return queue_count_; }
  // 0: there is no such queue.
  [[nodiscard]] uint16_t queue_max_size(uint32_t queue) const;
  // The registers of a queue that may be written until it is enabled. Null: there is no such queue, or it is enabled.
  [[nodiscard]] Queue::Setup* queue_setup(uint32_t queue) PLINTH_REQUIRES(lock);
  [[nodiscard]] const Queue::Setup* queue_registers(uint32_t queue) const PLINTH_REQUIRES(lock);
  [[nodiscard]] bool queue_is_enabled(uint32_t queue) const PLINTH_REQUIRES(lock);
  // A setup that makes no sense breaks the device.
  void enable_queue(uint32_t queue) PLINTH_REQUIRES(lock);
  // 2.6.1, VIRTIO_F_RING_RESET. Done when it returns.
  void reset_queue(uint32_t queue) PLINTH_REQUIRES(lock);

  // The device's configuration space; bytes beyond it are 0 and ignore writes. `bytes` is 1, 2, 4 or 8 long.
  void read_configuration(uint32_t offset, std::span<std::byte> bytes) PLINTH_REQUIRES(lock);
  void write_configuration(uint32_t offset, std::span<const std::byte> bytes) PLINTH_REQUIRES(lock);
  [[nodiscard]] uint32_t configuration_generation() const PLINTH_REQUIRES(lock) { return generation_; }

  // --- without the lock ----------------------------------------------------------------------------------------------

  // The driver notifies of `queue` (2.7.13): from the exit of the vCPU that does.
  void notify(uint32_t queue) PLINTH_EXCLUDES(lock);
  // WorkClient: a piece of what is left. True: there is more.
  [[nodiscard]] bool work() final PLINTH_EXCLUDES(lock);
  // As by power-on; no vCPU runs.
  void power_on() PLINTH_EXCLUDES(lock);

 protected:
  // `name` is for the log. `features`: those of the device type, beside what each queue here can do. `queue_sizes`: the
  // largest size of each queue, powers of two up to max_queue_size.
  VirtioDevice(DeviceType type, std::string_view name, const DeviceSite& site, uint64_t features,
               std::initializer_list<uint16_t> queue_sizes);
  ~VirtioDevice() = default;

  // --- what a device type does; called with the lock held ------------------------------------------------------------

  // Beyond VERSION_1 and being offered, which is checked already.
  [[nodiscard]] virtual bool features_are_acceptable(uint64_t /*features*/) const { return true; }
  // The driver is ready (DRIVER_OK), with these features.
  virtual void start(uint64_t /*features*/) PLINTH_REQUIRES(lock) {}
  // Forget everything that belongs to the driver. When it returns, no chain is in flight.
  virtual void stop() PLINTH_REQUIRES(lock) {}
  // The same for one queue.
  virtual void stop_queue(uint16_t /*queue*/) PLINTH_REQUIRES(lock) {}
  // Work on `queue` until nothing is available, the budget is spent, or it has to wait for the other side. Broken
  // queues are the caller's to find.
  enum class Served : uint8_t {
    all,    // nothing is available any more
    more,   // the budget is spent
    waits,  // goes on by itself: the driver need not notify
  };
  [[nodiscard]] virtual Served serve(uint16_t queue, Budget& budget) PLINTH_REQUIRES(lock) = 0;
  // The configuration space (2.5).
  [[nodiscard]] virtual std::span<const std::byte> configuration() const PLINTH_REQUIRES(lock) = 0;
  // After serve(), in the exit or the task of its caller: no lock is held.
  virtual void after_work() PLINTH_EXCLUDES(lock) {}
  virtual void configure(uint32_t /*offset*/, std::span<const std::byte> /*bytes*/) PLINTH_REQUIRES(lock) {}

  // --- for derived classes -------------------------------------------------------------------------------------------

  [[nodiscard]] Queue& queue(uint16_t index) PLINTH_REQUIRES(lock) { return queues_[index]; }
  [[nodiscard]] MemoryView& memory() PLINTH_REQUIRES(lock) { return memory_; }
  [[nodiscard]] bool is_running() const PLINTH_REQUIRES(lock);
  [[nodiscard]] uint64_t features() const PLINTH_REQUIRES(lock) { return accepted_; }
  // Serve `queue` within `budget`: what a notification does, for devices whose other side has something for it. True:
  // there is more.
  [[nodiscard]] bool serve_queue(uint16_t queue, Budget& budget) PLINTH_REQUIRES(lock);
  // What a notification does: serve `queue` here, and leave to the worker what is too much.
  void go_on(uint16_t queue) PLINTH_EXCLUDES(lock);
  // Publish what was given back on `queue`, and interrupt where the driver wants it. After each round of give_back().
  void publish(uint16_t queue) PLINTH_REQUIRES(lock);
  void configuration_changed() PLINTH_REQUIRES(lock);
  // The driver broke the rules: DEVICE_NEEDS_RESET (2.1.2) and a line in the log.
  void break_because(std::string_view why) PLINTH_REQUIRES(lock);

  DeviceCounts counts_;

 private:
  [[nodiscard]] bool work_on_a_piece() PLINTH_EXCLUDES(lock);
  void reset_registers() PLINTH_REQUIRES(lock);
  void agree_on_features() PLINTH_REQUIRES(lock);

  static constexpr uint64_t core_features =
      feature::indirect_descriptors | feature::event_idx | feature::version_1 | feature::ring_reset;

  static constexpr unsigned max_reports = 4;  // per start of the VM

  const std::string_view name_;

  const DeviceType type_;
  const uint64_t offered_;
  DeviceOwner& owner_;
  DeviceWorker& worker_;
  Signals* signals_ = nullptr;
  unsigned queue_count_ = 0;
  std::array<uint16_t, max_queues> max_sizes_{};

  MemoryView memory_ PLINTH_GUARDED_BY(lock);
  std::array<Queue, max_queues> queues_ PLINTH_GUARDED_BY(lock);
  uint64_t accepted_ PLINTH_GUARDED_BY(lock) = 0;
  uint32_t behind_ PLINTH_GUARDED_BY(lock) = 0;  // a bit per queue that the worker has to go on with
  uint32_t generation_ PLINTH_GUARDED_BY(lock) = 0;
  unsigned reports_ PLINTH_GUARDED_BY(lock) = 0;
  uint8_t status_ PLINTH_GUARDED_BY(lock) = 0;
  bool beyond_ PLINTH_GUARDED_BY(lock) = false;  // a feature was accepted that has no word here
};

}  // namespace vmm::virtio

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "config/vm_config.hpp"
#include "hal/base/lock.hpp"
#include "hal/driver/disk.hpp"
#include "vmm/disk/block_backend.hpp"
#include "vmm/disk/partition.hpp"

// A disk of the machine, shared out to VMs.
//
//     Blk (VM a) -- HostDiskPart --.
//                                   >-- HostDisk -- hal::driver::Disk
//     Blk (VM b) -- HostDiskPart --'
//
// Each part has one of the disk's slots for its own, so that no VM ever waits for room that another has taken. A device of a
// VM has one job at a time; where it has given up one that the disk still has, the next waits in the part.
//
// Lock: `none`, a leaf. It is held for one request, or while completions are taken; nobody is told of them under it.
namespace vmm {

class HostDiskPart;

class HostDisk final : public DiskReader {
 public:
  static constexpr unsigned max_slots = 32;

  // `device` is open, and stays.
  explicit HostDisk(hal::driver::Disk& device) : device_(device) {}

  [[nodiscard]] const hal::driver::DiskShape& shape() const { return device_.shape(); }
  // How many parts are in use.
  [[nodiscard]] unsigned users();
  // It made no sense and was shut off: everything fails.
  [[nodiscard]] bool is_lost() const { return lost_.load(std::memory_order_relaxed); }

  // Its interrupt. On one CPU at a time, no lock held.
  void serve();
  // For whoever makes VMs; waits. `to` is in the direct map.
  [[nodiscard]] bool read(uint64_t offset, std::span<std::byte> to) override;

 private:
  friend class HostDiskPart;
  static constexpr unsigned own_slot = 0;  // for read()

  enum class State : uint8_t { idle, busy, over };
  struct Slot {
    State state = State::idle;
    bool taken = false;
    bool read_only = false;
    bool done = false;  // with State::over
    BlockClient* client = nullptr;  // null: it has given the job up
    uint64_t number = 0;
    BlockJob* waiting = nullptr;
    DiskRange range;
    config::VmName vm;
  };

  // The slot of a part that nobody else has, or nothing and in `owner` who has it; empty: all slots are taken.
  std::optional<unsigned> claim(DiskRange range, bool read_only, std::string_view vm, config::VmName& owner);
  void release(unsigned slot);
  [[nodiscard]] BlockStatus start(unsigned slot, BlockJob& job);
  void cancel(unsigned slot, BlockJob& job);
  void settle(unsigned slot) const;

  void submit(unsigned slot, const BlockJob& job) PLINTH_REQUIRES(lock_);
  void collect() PLINTH_REQUIRES(lock_);
  void give_up() PLINTH_REQUIRES(lock_);
  void tell(unsigned slot);
  // Until the slot is idle or its job is over.
  void wait_for(unsigned slot);

  hal::driver::Disk& device_;
  hal::SpinLock lock_{hal::LockRank::none};
  std::array<Slot, max_slots> slots_ PLINTH_GUARDED_BY(lock_);
  std::array<std::atomic<bool>, max_slots> telling_{};  // somebody is in the client's finished()
  std::atomic<bool> lost_{false};
};

// What a VM has of it: all, a partition or a range; for itself, or with others who do not write either.
class HostDiskPart final : public BlockBackend {
 public:
  HostDiskPart(HostDisk& disk, unsigned slot, DiskRange range, bool read_only)
      : disk_(disk), slot_(slot), range_(range), read_only_(read_only) {}
  HostDiskPart(const HostDiskPart&) = delete;
  HostDiskPart& operator=(const HostDiskPart&) = delete;
  ~HostDiskPart() { disk_.release(slot_); }

  // The slot for one; see HostDisk::claim().
  static std::optional<unsigned> claim(HostDisk& disk, DiskRange range, bool read_only, std::string_view vm,
                                       config::VmName& owner) {
    return disk.claim(range, read_only, vm, owner);
  }

  [[nodiscard]] BlockShape shape() const override;
  [[nodiscard]] BlockStatus start(BlockJob& job) override { return disk_.start(slot_, job); }
  void cancel(BlockJob& job) override { disk_.cancel(slot_, job); }
  void settle() override { disk_.settle(slot_); }

 private:
  HostDisk& disk_;
  const unsigned slot_;
  const DiskRange range_;
  const bool read_only_;
};

}  // namespace vmm

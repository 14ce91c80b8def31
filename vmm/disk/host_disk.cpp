// SPDX-License-Identifier: Apache-2.0
#include "vmm/disk/host_disk.hpp"

#include <algorithm>
#include <utility>

namespace vmm {

using hal::driver::DiskOperation;
using hal::driver::DiskShape;

namespace {

constexpr DiskOperation operation_of(BlockOperation operation) {
  switch (operation) {
    case BlockOperation::read: return DiskOperation::read;
    case BlockOperation::write: return DiskOperation::write;
    case BlockOperation::flush: return DiskOperation::flush;
    case BlockOperation::discard: return DiskOperation::discard;
    case BlockOperation::write_zeroes: return DiskOperation::write_zeroes;
  }
  return DiskOperation::flush;
}

static_assert(BlockBackend::max_pieces <= hal::driver::Disk::max_pieces && BlockBackend::max_job <= hal::driver::Disk::max_request,
              "a job is a request");

}  // namespace

// --- who has what ----------------------------------------------------------------------------------------------------

std::optional<unsigned> HostDisk::claim(DiskRange range, bool read_only, std::string_view vm, config::VmName& owner) {
  const hal::LockGuard guard(lock_);
  std::optional<unsigned> free;
  for (unsigned n = own_slot + 1; n < std::min(shape().slots, max_slots); ++n) {
    const Slot& slot = slots_[n];
    if (!slot.taken && slot.state == State::idle && !free) free = n;
    if (!slot.taken || !slot.range.overlaps(range) || (read_only && slot.read_only)) continue;
    owner = slot.vm;
    return std::nullopt;
  }
  owner.clear();
  if (!free) return std::nullopt;
  Slot& slot = slots_[*free];
  slot.taken = true;
  slot.read_only = read_only;
  slot.range = range;
  slot.vm = vm;
  return free;
}

// A job that was given up may still be there: the slot is nobody's before it is over.
void HostDisk::release(unsigned slot) {
  const hal::LockGuard guard(lock_);
  slots_[slot].taken = false;
}

unsigned HostDisk::users() {
  const hal::LockGuard guard(lock_);
  return static_cast<unsigned>(std::ranges::count(slots_, true, &Slot::taken));
}

// --- jobs ------------------------------------------------------------------------------------------------------------

BlockStatus HostDisk::start(unsigned number, BlockJob& job) {
  const DiskShape& shape = device_.shape();
  // A medium that keeps what it is given has nothing to flush.
  if (job.operation == BlockOperation::flush && !shape.flushes) return BlockStatus::done;
  if (job.operation == BlockOperation::discard && !shape.discards) return BlockStatus::unsupported;
  if (job.operation == BlockOperation::write_zeroes && !shape.writes_zeroes) return BlockStatus::unsupported;
  if (((job.offset | job.size) & (shape.block - 1)) != 0) return BlockStatus::failed;
  const hal::LockGuard guard(lock_);
  if (is_lost()) return BlockStatus::failed;
  if (slots_[number].state == State::idle) {
    submit(number, job);
  } else {
    slots_[number].waiting = &job;
  }
  return BlockStatus::pending;
}

void HostDisk::submit(unsigned number, const BlockJob& job) {
  Slot& slot = slots_[number];
  slot.state = State::busy;
  slot.client = job.client;
  slot.number = job.number;
  device_.start(number, {operation_of(job.operation), slot.range.offset + job.offset, job.size, job.memory});
}

void HostDisk::collect() {
  if (is_lost()) return;
  while (const auto completion = device_.next_completion()) {
    slots_[completion->slot].state = State::over;
    slots_[completion->slot].done = completion->done;
  }
  if (!device_.is_sane()) give_up();
}

// Nobody's memory is touched any more.
void HostDisk::give_up() {
  device_.stop();
  lost_.store(true, std::memory_order_relaxed);
  for (Slot& slot : slots_) {
    if (slot.state != State::busy) continue;
    slot.state = State::over;
    slot.done = false;
  }
}

void HostDisk::serve() {
  {
    const hal::LockGuard guard(lock_);
    if (!is_lost()) device_.acknowledge();
    collect();
  }
  for (unsigned slot = 0; slot < max_slots; ++slot) tell(slot);
}

// Of a job that is over, and begin what has waited for its end.
void HostDisk::tell(unsigned number) {
  BlockClient* client;
  uint64_t job;
  BlockStatus status;
  {
    const hal::LockGuard guard(lock_);
    Slot& slot = slots_[number];
    if (slot.state != State::over || number == own_slot) return;
    slot.state = State::idle;
    client = slot.client;
    job = slot.number;
    status = slot.done ? BlockStatus::done : BlockStatus::failed;
    if (BlockJob* const next = std::exchange(slot.waiting, nullptr)) {
      if (!is_lost()) {
        submit(number, *next);
      } else {
        // Whose job is over is not who waits.
        client = next->client;
        job = next->number;
        status = BlockStatus::failed;
      }
    }
    // Before the lock is let go of: settle() comes after a cancel() that has had it.
    telling_[number].store(client != nullptr, std::memory_order_relaxed);
  }
  if (client == nullptr) return;
  client->finished(job, status);
  telling_[number].store(false, std::memory_order_release);
}

void HostDisk::cancel(unsigned number, BlockJob& job) {
  {
    const hal::LockGuard guard(lock_);
    Slot& slot = slots_[number];
    if (slot.waiting == &job) {
      slot.waiting = nullptr;
      return;
    }
    slot.client = nullptr;
    // Without memory of its client's, it may end when it likes.
    if (job.memory.empty()) return;
  }
  wait_for(number);
  const hal::LockGuard guard(lock_);
  slots_[number].state = State::idle;
}

void HostDisk::settle(unsigned slot) const {
  while (telling_[slot].load(std::memory_order_acquire)) hal::cpu_relax();
}

// A disk that never ends a request would keep its memory for ever: it is shut off after some seconds.
void HostDisk::wait_for(unsigned number) {
  constexpr uint64_t patience = 1'000'000'000;
  for (uint64_t tries = 0;; ++tries) {
    {
      const hal::LockGuard guard(lock_);
      collect();
      if (slots_[number].state != State::busy) return;
      if (tries > patience) return give_up();
    }
    hal::cpu_relax();
  }
}

bool HostDisk::read(uint64_t offset, std::span<std::byte> to) {
  const std::span<std::byte> memory[] = {to};
  {
    const hal::LockGuard guard(lock_);
    if (is_lost()) return false;
    slots_[own_slot].state = State::busy;
    device_.start(own_slot, {DiskOperation::read, offset, to.size(), memory});
  }
  wait_for(own_slot);
  const hal::LockGuard guard(lock_);
  slots_[own_slot].state = State::idle;
  return slots_[own_slot].done;
}

// --- a part ----------------------------------------------------------------------------------------------------------

BlockShape HostDiskPart::shape() const {
  const DiskShape& all = disk_.shape();
  return {.size = range_.size,
          .read_only = read_only_,
          .discards = all.discards,
          .writes_zeroes = all.writes_zeroes,
          .block = all.block};
}

}  // namespace vmm

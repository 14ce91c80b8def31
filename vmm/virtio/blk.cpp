// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/blk.hpp"

#include <algorithm>
#include <bit>

namespace vmm::virtio {

namespace {

// 5.2.3: feature bits.
constexpr uint64_t has_size_max = 1 << 1;
constexpr uint64_t has_seg_max = 1 << 2;
constexpr uint64_t has_geometry = 1 << 4;
constexpr uint64_t is_read_only = 1 << 5;
constexpr uint64_t has_block_size = 1 << 6;
constexpr uint64_t can_flush = 1 << 9;
constexpr uint64_t has_topology = 1 << 10;
constexpr uint64_t can_discard = 1 << 13;
constexpr uint64_t can_write_zeroes = 1 << 14;

// 5.2.6: device operation.
enum Request : uint32_t { In = 0, Out = 1, Flush = 4, GetId = 8, Discard = 11, WriteZeroes = 13 };

struct Header {
  uint32_t type, reserved;
  uint64_t sector;
};
struct Segment {
  uint64_t sector;
  uint32_t sectors, flags;
};
constexpr uint32_t unmap_flag = 1;

template <class T>
bool read_from(Cursor& cursor, MemoryView& memory, T& to) {
  return cursor.read(memory, std::as_writable_bytes(std::span(&to, 1)));
}

}  // namespace

uint64_t Blk::features_of(const BlockShape& shape) {
  const uint64_t always = has_size_max | has_seg_max | has_geometry | has_block_size | has_topology | can_flush;
  if (shape.read_only) return always | is_read_only;
  return always | (shape.writes_zeroes ? can_write_zeroes : 0) | (shape.discards ? can_discard : 0);
}

Blk::Blk(const DeviceSite& site, BlockBackend& backend, std::string_view serial)
    : VirtioDevice(DeviceType::block, "disk", site, features_of(backend.shape()), {queue_size}),
      backend_(backend),
      shape_(backend.shape()),
      serial_(serial) {
  // A geometry as disks of some decades ago had it, and as QEMU makes it up.
  constexpr uint64_t heads = 16, sectors = 63;
  configuration_.capacity = shape_.size / sector_size;
  configuration_.size_max = size_max;
  configuration_.seg_max = seg_max;
  configuration_.cylinders =
      static_cast<uint16_t>(std::min<uint64_t>(configuration_.capacity / (heads * sectors), UINT16_MAX));
  configuration_.heads = heads;
  configuration_.sectors = sectors;
  configuration_.blk_size = shape_.block;
  // Pages of 4 KiB, at least.
  constexpr int page_exponent = 12;
  configuration_.physical_block_exp =
      static_cast<uint8_t>(std::max(page_exponent - std::countr_zero(shape_.block), 0));
  configuration_.min_io_size = 8;
  configuration_.num_queues = 1;
  configuration_.max_discard_sectors = configuration_.max_write_zeroes_sectors = max_clear_sectors;
  configuration_.max_discard_seg = configuration_.max_write_zeroes_seg = 1;
  configuration_.discard_sector_alignment = 8;
  configuration_.write_zeroes_may_unmap = shape_.discards ? 1 : 0;
}

std::span<const std::byte> Blk::configuration() const {
  // What lies behind write_zeroes_may_unmap is padding of ours.
  return std::as_bytes(std::span(&configuration_, 1)).first(offsetof(Configuration, unused1) + 3);
}

void Blk::stop() {
  if (state_ == State::pending) backend_.cancel(job_);
  state_ = State::idle;
}

void Blk::stop_queue(uint16_t) { stop(); }

void Blk::report(DeviceReport& report) const {
  const auto count = [](const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  report.size = shape_.size;
  report.requests = count(counts().requests);
  report.read_bytes = count(block_counts_.read_bytes);
  report.written_bytes = count(block_counts_.written_bytes);
  report.flushes = count(block_counts_.flushes);
  report.discards = count(block_counts_.discards);
  report.notifications = count(counts().notifications);
  report.interrupts = count(counts().interrupts);
  report.errors = count(counts().errors);
}

// --- a request -------------------------------------------------------------------------------------------------------

VirtioDevice::Served Blk::serve(uint16_t, Budget& budget) {
  while (state_ != State::pending) {
    if (budget.is_spent()) return Served::more;
    if (state_ == State::idle && !begin()) return Served::all;
    while (state_ == State::working && is_running() && !budget.is_spent()) step(budget);
    if (!is_running()) return Served::all;
  }
  return Served::waits;
}

// The next request from the queue. False: there is none, or the device is broken.
bool Blk::begin() {
  if (queue(0).take(memory(), chain_) != Queue::Taken::chain) return false;
  Header header;
  data_ = Cursor(chain_.readable(), DeviceMemory::Use::read);
  if (chain_.readable_bytes < sizeof header || chain_.writable_bytes < 1) {
    break_because("a request without a header or a place for its status");
    return false;
  }
  if (!read_from(data_, memory(), header)) {
    break_because("a request's header is not in RAM");
    return false;
  }
  counts_.requests.fetch_add(1, std::memory_order_relaxed);
  state_ = State::working;
  begin_request(header.type, header.sector);
  return true;
}

void Blk::begin_request(uint32_t type, uint64_t sector) {
  switch (type) {
    case In: return begin_transfer(BlockOperation::read, sector, chain_.writable_bytes - 1);
    case Out: return begin_transfer(BlockOperation::write, sector, chain_.readable_bytes - sizeof(Header));
    case Flush:
      block_counts_.flushes.fetch_add(1, std::memory_order_relaxed);
      return set_job(BlockOperation::flush, 0, 0);
    case Discard: return begin_clear(BlockOperation::discard);
    case WriteZeroes: return begin_clear(BlockOperation::write_zeroes);
    case GetId: return give_serial();
    default: return end(Outcome::unsupported);
  }
}

bool Blk::is_inside(uint64_t sector, uint64_t bytes) const {
  return sector <= shape_.size / sector_size && bytes <= shape_.size - sector * sector_size;
}

void Blk::set_job(BlockOperation operation, uint64_t sector, uint64_t size) {
  job_.client = this;
  job_.operation = operation;
  position_ = sector * sector_size;
  left_ = size;
}

void Blk::begin_transfer(BlockOperation operation, uint64_t sector, uint64_t size) {
  if (size == 0 || size % sector_size != 0 || !is_inside(sector, size)) return end(Outcome::io_error);
  if (operation == BlockOperation::write && shape_.read_only) return end(Outcome::io_error);
  if (operation == BlockOperation::read) data_ = Cursor(chain_.writable(), DeviceMemory::Use::write);
  set_job(operation, sector, size);
}

// 5.2.6: one segment, as the configuration says; flags that mean nothing are not supported.
void Blk::begin_clear(BlockOperation operation) {
  const bool discard = operation == BlockOperation::discard;
  if (shape_.read_only) return end(Outcome::io_error);
  if (!(discard ? shape_.discards : shape_.writes_zeroes)) return end(Outcome::unsupported);
  Segment segment;
  if (chain_.readable_bytes != sizeof(Header) + sizeof segment) return end(Outcome::io_error);
  if (!read_from(data_, memory(), segment)) return break_because("a request's segments are not in RAM");
  if ((segment.flags & ~(discard ? 0 : unmap_flag)) != 0) return end(Outcome::unsupported);
  const uint64_t size = segment.sectors * sector_size;
  if (segment.sectors == 0 || segment.sectors > max_clear_sectors || !is_inside(segment.sector, size)) {
    return end(Outcome::io_error);
  }
  if (discard) block_counts_.discards.fetch_add(1, std::memory_order_relaxed);
  set_job(operation, segment.sector, size);
}

void Blk::give_serial() {
  std::array<std::byte, Serial::capacity> id{};
  std::ranges::copy(std::as_bytes(std::span(serial_.view())), id.begin());
  Cursor to(chain_.writable(), DeviceMemory::Use::write);
  const size_t room = std::min<uint64_t>(id.size(), chain_.writable_bytes - 1);
  if (!to.write(memory(), std::span(id).first(room))) return break_because("a request's buffer is not in RAM");
  end(Outcome::ok);
}

// One job: as much as backend and budget take.
void Blk::step(Budget& budget) {
  const uint64_t limit = std::min({left_, BlockBackend::max_job, hal::align_up(budget.left(), sector_size)});
  const bool moves = job_.operation == BlockOperation::read || job_.operation == BlockOperation::write;
  job_.offset = position_;
  job_.size = limit;
  job_.memory = {};
  if (moves && !gather(limit)) return;
  budget.spend(std::max(Budget::request_cost, job_.size));
  ++job_.number;
  state_ = State::pending;
  const BlockStatus status = backend_.start(job_);
  if (status != BlockStatus::pending) account(status);
}

// The memory of the next job, in whole sectors. False: there is none, and that has been said.
bool Blk::gather(uint64_t limit) {
  size_t count = 0;
  uint64_t size = 0;
  Cursor ahead = data_;
  while (size < limit && count < pieces_.size()) {
    const std::span<std::byte> piece = ahead.take(memory(), limit - size);
    if (piece.empty()) return break_because("a request's buffer is not in RAM"), false;
    pieces_[count++] = piece;
    size += piece.size();
  }
  // What is over goes into the next job. A sector in more pieces than a job has is none that a driver would make.
  uint64_t over = size % sector_size;
  job_.size = size - over;
  if (job_.size == 0) return end(Outcome::io_error), false;
  for (; over != 0; count -= pieces_[count - 1].empty() ? 1 : 0) {
    std::span<std::byte>& last = pieces_[count - 1];
    const uint64_t cut = std::min<uint64_t>(over, last.size());
    last = last.first(last.size() - cut);
    over -= cut;
  }
  job_.memory = std::span(pieces_).first(count);
  return data_.skip(job_.size);
}

// A job is over.
void Blk::account(BlockStatus status) {
  state_ = State::working;
  if (status != BlockStatus::done) {
    return end(status == BlockStatus::unsupported ? Outcome::unsupported : Outcome::io_error);
  }
  position_ += job_.size;
  left_ -= job_.size;
  if (job_.operation == BlockOperation::read || job_.operation == BlockOperation::write) {
    counts_.bytes.fetch_add(job_.size, std::memory_order_relaxed);
    auto& bytes = job_.operation == BlockOperation::read ? block_counts_.read_bytes : block_counts_.written_bytes;
    bytes.fetch_add(job_.size, std::memory_order_relaxed);
  }
  if (left_ != 0) return;
  // A driver that does not flush expects what it has written to be there for good (5.2.6.2).
  const bool writes = job_.operation != BlockOperation::read && job_.operation != BlockOperation::flush;
  if (writes && (features() & can_flush) == 0) return set_job(BlockOperation::flush, 0, 0);
  end(Outcome::ok);
}

// The status is the last byte that the device may write.
void Blk::end(Outcome outcome) {
  state_ = State::idle;
  if (outcome != Outcome::ok) counts_.errors.fetch_add(1, std::memory_order_relaxed);
  Cursor to(chain_.writable(), DeviceMemory::Use::write);
  const std::array status{static_cast<std::byte>(outcome)};
  if (!to.skip(chain_.writable_bytes - 1) || !to.write(memory(), status)) {
    return break_because("a place for a request's status is not in RAM");
  }
  queue(0).give_back(memory(), chain_.head, static_cast<uint32_t>(chain_.writable_bytes));
}

void Blk::finished(uint64_t number, BlockStatus status) {
  {
    const hal::LockGuard guard(lock);
    if (state_ != State::pending || number != job_.number) return;
    account(status);
  }
  go_on(0);
}

}  // namespace vmm::virtio

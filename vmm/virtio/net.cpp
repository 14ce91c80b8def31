// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/net.hpp"

#include <algorithm>
#include <bit>

#include "vmm/net/checksum.hpp"

namespace vmm::virtio {

namespace {

using Use = DeviceMemory::Use;

// 5.1.3.
namespace net_feature {
constexpr uint64_t checksum = 1 << 0;
constexpr uint64_t guest_checksum = 1 << 1;
constexpr uint64_t mtu = 1 << 3;
constexpr uint64_t mac = 1 << 5;
constexpr uint64_t merge_receive_buffers = 1 << 15;
constexpr uint64_t status = 1 << 16;
constexpr uint64_t control_queue = 1 << 17;
constexpr uint64_t control_receive = 1 << 18;
}  // namespace net_feature
constexpr uint64_t net_features = net_feature::checksum | net_feature::guest_checksum | net_feature::mtu |
                                  net_feature::mac | net_feature::merge_receive_buffers | net_feature::status |
                                  net_feature::control_queue | net_feature::control_receive;

// 5.1.4, struct virtio_net_config.
constexpr size_t config_status = 6, config_max_pairs = 8, config_mtu = 10;
constexpr uint8_t link_up = 1;
constexpr uint16_t mtu = 1500;

// 5.1.6, struct virtio_net_hdr: little-endian, as all of version 1.
struct Header {
  uint8_t flags = 0;
  uint8_t gso_type = 0;
  uint16_t hdr_len = 0;
  uint16_t gso_size = 0;
  uint16_t csum_start = 0;
  uint16_t csum_offset = 0;
  uint16_t num_buffers = 0;
};
static_assert(sizeof(Header) == 12 && std::endian::native == std::endian::little);
constexpr uint8_t needs_checksum = 1;

// 5.1.6.5: commands of the control queue. A switch delivers what is for the guest, so that promiscuity, filters and the
// like, which may let more pass, are always as wanted.
constexpr uint8_t class_receive = 0, class_mac = 1;
constexpr uint8_t last_receive_command = 5, mac_table_set = 0;
constexpr uint8_t command_ok = 0, command_error = 1;

}  // namespace

// --- the receive ring ------------------------------------------------------------------------------------------------

void ReceiveRing::post(const Chain& chain) {
  Entry& to = entry(posted_++);
  to = {.head = chain.head, .buffers = {}};
  for (const Buffer& buffer : chain.writable()) {
    if (to.parts == max_parts) break;
    to.buffers[to.parts++] = buffer;
    to.size = static_cast<uint32_t>(std::min<uint64_t>(uint64_t{to.size} + buffer.size, UINT32_MAX));
  }
}

const ReceiveRing::Entry* ReceiveRing::next_filled() const {
  return given_back_ == filled_ ? nullptr : &entries_[given_back_ % capacity];
}

void ReceiveRing::clear() {
  given_back_ = filled_ = posted_ = 0;
  memory_.forget();
}

unsigned ReceiveRing::buffers_for(size_t bytes, bool merged) {
  size_t room = 0;
  for (uint32_t n = filled_; n != posted_; ++n) {
    room += entry(n).size;
    if (room >= bytes) return n + 1 - filled_;
    if (!merged) return 0;
  }
  return 0;
}

// Writes into the free buffers one after the other.
class ReceiveRing::Writer {
 public:
  Writer(ReceiveRing& ring) PLINTH_NO_THREAD_SAFETY : ring_(ring) { open(); }

  [[nodiscard]] bool write(std::span<const std::byte> bytes) PLINTH_NO_THREAD_SAFETY {
    while (!bytes.empty()) {
      if (left_ == 0) {
        ++ring_.filled_;
        open();
      }
      const size_t count = std::min<size_t>(bytes.size(), left_);
      if (!cursor_.write(ring_.memory_, bytes.first(count))) return false;
      left_ -= static_cast<uint32_t>(count);
      ring_.entry(ring_.filled_).written += static_cast<uint32_t>(count);
      bytes = bytes.subspan(count);
    }
    return true;
  }
  void close() PLINTH_NO_THREAD_SAFETY { ++ring_.filled_; }

 private:
  void open() PLINTH_NO_THREAD_SAFETY {
    Entry& to = ring_.entry(ring_.filled_);
    cursor_ = Cursor(std::span(to.buffers).first(to.parts), Use::write);
    left_ = to.size;
  }

  ReceiveRing& ring_;
  Cursor cursor_;
  uint32_t left_ = 0;
};

namespace {

// The frame with its checksum complete: the bytes before it, the checksum, the bytes behind it.
class ChecksumSplit {
 public:
  explicit ChecksumSplit(const net::Frame& frame) : frame_(frame) {
    net::InternetChecksum sum;
    size_t at = 0;
    for (const std::span<const std::byte> piece : frame.pieces) {
      const size_t skipped = std::min(piece.size(), frame.checksum.start > at ? frame.checksum.start - at : 0);
      sum.add(piece.subspan(skipped));
      at += piece.size();
    }
    value_ = {static_cast<std::byte>(sum.value() >> 8), static_cast<std::byte>(sum.value() & 0xff)};
  }

  template <class Writer>
  [[nodiscard]] bool write(Writer& to) const {
    const size_t place = size_t{frame_.checksum.start} + frame_.checksum.offset;
    size_t at = 0;
    for (const std::span<const std::byte> piece : frame_.pieces) {
      for (size_t done = 0; done < piece.size();) {
        const size_t here = at + done;
        const bool inside = here >= place && here < place + value_.size();
        const size_t until = here < place ? place - here : piece.size();
        const size_t count = inside ? 1 : std::min(until, piece.size() - done);
        const auto bytes = inside ? std::span<const std::byte>(value_).subspan(here - place, 1) : piece.subspan(done, count);
        if (!to.write(bytes)) return false;
        done += count;
      }
      at += piece.size();
    }
    return true;
  }

 private:
  const net::Frame& frame_;
  std::array<std::byte, 2> value_{};
};

template <class Writer>
bool write_frame(Writer& to, const net::Frame& frame, bool complete) {
  if (complete) return ChecksumSplit(frame).write(to);
  return std::ranges::all_of(frame.pieces, [&](std::span<const std::byte> piece) { return to.write(piece); });
}

}  // namespace

ReceiveRing::Filled ReceiveRing::fill(const net::Frame& frame, bool merged, bool takes_partial_checksums) {
  const unsigned buffers = buffers_for(sizeof(Header) + frame.size, merged);
  if (buffers == 0) return Filled::no_buffers;
  Header header{.num_buffers = static_cast<uint16_t>(buffers)};
  if (frame.checksum_is_partial && takes_partial_checksums) {
    header.flags = needs_checksum;
    header.csum_start = frame.checksum.start;
    header.csum_offset = frame.checksum.offset;
  }
  Writer to(*this);
  const bool complete = frame.checksum_is_partial && !takes_partial_checksums;
  const bool written = to.write(std::as_bytes(std::span(&header, 1))) && write_frame(to, frame, complete);
  to.close();
  return written ? Filled::yes : Filled::no_memory;
}

// --- the device ------------------------------------------------------------------------------------------------------

NetDevice::NetDevice(const DeviceSite& site, std::string_view name, const net::PortConfig& config,
                     net::Network* network)
    : VirtioDevice(DeviceType::network, name, site, net_features, {256, 256, 64}),
      Port(config),
      network_(network),
      timer_(site.timer),
      ring_(site.memory) {
  std::ranges::copy(std::as_bytes(std::span(config.address.bytes)), configuration_.begin());
  const std::string_view trouble = network_ == nullptr ? "there are too many networks" : network_->plug(*this);
  if (trouble.empty()) {
    configuration_[config_status] = std::byte{link_up};
  } else {
    site.owner.report(name, trouble);
    network_ = nullptr;
  }
  configuration_[config_max_pairs] = std::byte{1};
  configuration_[config_mtu] = std::byte{mtu & 0xff};
  configuration_[config_mtu + 1] = std::byte{mtu >> 8};
}

void NetDevice::report(DeviceReport& report) const {
  const auto get = [](const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  const net::Traffic& seen = traffic_;
  report.requests = get(seen.sent) + get(seen.received);
  report.read_bytes = get(seen.received_bytes);
  report.written_bytes = get(seen.sent_bytes);
  report.notifications = get(counts().notifications);
  report.interrupts = get(counts().interrupts);
  report.errors = get(seen.dropped) + get(seen.spoofed) + get(seen.limited) + get(seen.malformed) + get(counts().errors);
}

void NetDevice::start(uint64_t features) {
  const hal::LockGuard guard(ring_.lock);
  merges_ = (features & net_feature::merge_receive_buffers) != 0;
  takes_partial_checksums_ = (features & net_feature::guest_checksum) != 0;
  met_no_memory_ = false;
  accepts_ = true;
}

void NetDevice::stop() {
  const hal::LockGuard guard(ring_.lock);
  accepts_ = false;
  ring_.clear();
}

void NetDevice::stop_queue(uint16_t index) {
  if (index != receive) return;
  const hal::LockGuard guard(ring_.lock);
  ring_.clear();
}

NetDevice::Served NetDevice::serve(uint16_t index, Budget& budget) {
  switch (index) {
    case receive: return serve_receive(budget);
    case transmit: return serve_transmit(budget);
    default: return serve_control(budget);
  }
}

// --- receiving -------------------------------------------------------------------------------------------------------

// Filled buffers go back, and new ones come in.
NetDevice::Served NetDevice::serve_receive(Budget& budget) {
  const hal::LockGuard guard(ring_.lock);
  while (const ReceiveRing::Entry* const filled = ring_.next_filled()) {
    queue(receive).give_back(memory(), filled->head, filled->written);
    ring_.gave_back();
  }
  if (met_no_memory_) {
    break_because("a buffer for frames is not in memory");
    return Served::all;
  }
  while (!ring_.is_full()) {
    if (budget.is_spent()) return Served::more;
    if (queue(receive).take(memory(), chain_) != Queue::Taken::chain) return Served::all;
    budget.spend(Budget::request_cost);
    ring_.post(chain_);
  }
  return Served::waits;
}

bool NetDevice::deliver(const net::Frame& frame) {
  const hal::LockGuard guard(ring_.lock);
  if (!accepts_ || met_no_memory_) return false;
  const ReceiveRing::Filled filled = ring_.fill(frame, merges_, takes_partial_checksums_);
  met_no_memory_ = filled == ReceiveRing::Filled::no_memory;
  // A frame that broke the card is lost with it: announce() sees to that.
  return filled != ReceiveRing::Filled::no_buffers;
}

void NetDevice::announce() { go_on(receive); }

// --- sending ---------------------------------------------------------------------------------------------------------

NetDevice::Served NetDevice::serve_transmit(Budget& budget) {
  while (!budget.is_spent()) {
    if (queue(transmit).take(memory(), chain_) != Queue::Taken::chain) return Served::all;
    budget.spend(std::max(Budget::request_cost, chain_.readable_bytes));
    counts_.requests.fetch_add(1, std::memory_order_relaxed);
    counts_.bytes.fetch_add(chain_.readable_bytes, std::memory_order_relaxed);
    send(chain_);
    queue(transmit).give_back(memory(), chain_.head, 0);
  }
  return Served::more;
}

// What decides about the frame is copied out of the guest's memory; the rest is looked at by nobody here.
bool NetDevice::gather(Cursor& from, net::Frame& frame) {
  Cursor peek = from;
  if (!peek.read(memory(), std::as_writable_bytes(std::span(frame.to.bytes))) ||
      !peek.read(memory(), std::as_writable_bytes(std::span(frame.from.bytes)))) {
    return false;
  }
  size_t count = 0;
  while (!from.at_end()) {
    if (count == max_pieces || frame.size > net::max_frame) return false;
    const std::span<const std::byte> next = from.take(memory(), net::max_frame + 1);
    if (next.empty()) return false;
    pieces_[count++] = next;
    frame.size += next.size();
  }
  frame.pieces = std::span(pieces_).first(count);
  return true;
}

void NetDevice::send(const Chain& chain) {
  Header header;
  net::Frame frame;
  Cursor from(chain.readable(), Use::read);
  const bool complete = from.read(memory(), std::as_writable_bytes(std::span(&header, 1))) && gather(from, frame);
  frame.checksum_is_partial = (header.flags & needs_checksum) != 0;
  frame.checksum = {.start = header.csum_start, .offset = header.csum_offset};
  const bool in_frame = !frame.checksum_is_partial ||
                        size_t{header.csum_start} + header.csum_offset + sizeof(uint16_t) <= frame.size;
  // No segmentation is offered.
  if (!complete || !in_frame || header.gso_type != 0) {
    traffic_.malformed.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (network_ != nullptr) network_->send(*this, frame, timer_);
}

// --- control ---------------------------------------------------------------------------------------------------------

NetDevice::Served NetDevice::serve_control(Budget& budget) {
  while (!budget.is_spent()) {
    if (queue(control).take(memory(), chain_) != Queue::Taken::chain) return Served::all;
    budget.spend(Budget::request_cost);
    const std::array answer{std::byte{obey(chain_)}};
    Cursor to(chain_.writable(), Use::write);
    const bool written = to.write(memory(), answer);
    queue(control).give_back(memory(), chain_.head, written ? 1 : 0);
  }
  return Served::more;
}

uint8_t NetDevice::obey(const Chain& chain) {
  std::array<std::byte, 2> command{};
  Cursor from(chain.readable(), Use::read);
  if (!from.read(memory(), command)) return command_error;
  const bool receive = command[0] == std::byte{class_receive} && command[1] <= std::byte{last_receive_command};
  const bool filter = command[0] == std::byte{class_mac} && command[1] == std::byte{mac_table_set};
  return receive || filter ? command_ok : command_error;
}

}  // namespace vmm::virtio

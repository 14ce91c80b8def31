// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/rng.hpp"

#include <algorithm>

namespace vmm::virtio {

VirtioDevice::Served Rng::serve(uint16_t index, Budget& budget) {
  while (!budget.is_spent()) {
    if (queue(index).take(memory(), chain_) != Queue::Taken::chain) return Served::all;
    const uint32_t written = fill(chain_);
    // 5.4.6.2: a buffer that is used has at least one byte.
    if (written == 0) {
      break_because("a request without a buffer in RAM for random bytes");
      return Served::all;
    }
    budget.spend(std::max(Budget::request_cost, written * byte_cost));
    counts_.requests.fetch_add(1, std::memory_order_relaxed);
    counts_.bytes.fetch_add(written, std::memory_order_relaxed);
    queue(index).give_back(memory(), chain_.head, written);
  }
  return Served::more;
}

// Through a buffer of our own: no memory of a guest is touched under the source's lock. The number of bytes written; 0:
// there is no buffer, or it is not in RAM.
uint32_t Rng::fill(const Chain& chain) {
  constexpr size_t piece_size = 64;
  std::array<std::byte, piece_size> bytes;
  Cursor to(chain.writable(), DeviceMemory::Use::write);
  const auto wanted = static_cast<uint32_t>(std::min<uint64_t>(chain.writable_bytes, max_request));
  for (uint32_t done = 0; done < wanted;) {
    const auto now = std::span(bytes).first(std::min<size_t>(piece_size, wanted - done));
    random_.fill(now);
    if (!to.write(memory(), now)) return 0;
    done += static_cast<uint32_t>(now.size());
  }
  return wanted;
}

void Rng::report(DeviceReport& report) const {
  const auto count = [](const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  report.requests = count(counts().requests);
  report.read_bytes = count(counts().bytes);
  report.notifications = count(counts().notifications);
  report.interrupts = count(counts().interrupts);
  report.errors = count(counts().errors);
}

}  // namespace vmm::virtio

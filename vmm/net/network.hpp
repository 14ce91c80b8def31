// SPDX-License-Identifier: Apache-2.0
// Lock order: the sender's device (rank `device`), then the network (`network`), then the receiver's port
// (`network_port`). A network's lock is held for a look-up, not while a frame is copied.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/base/fixed.hpp"
#include "hal/base/lock.hpp"
#include "vmm/device/device_timer.hpp"
#include "vmm/net/frame.hpp"

namespace vmm::net {

class Network;

// What a port counts. Read by the shell at any time.
struct Traffic {
  std::atomic<uint64_t> sent{0}, sent_bytes{0};          // went into the network
  std::atomic<uint64_t> received{0}, received_bytes{0};  // reached the guest's buffers
  std::atomic<uint64_t> dropped{0};                      // for this port, and it had no buffers
  std::atomic<uint64_t> spoofed{0};                      // from this port, with an address that is not its own
  std::atomic<uint64_t> limited{0};                      // from this port, beyond its rate
  std::atomic<uint64_t> malformed{0};                    // from this port, and no frame
};

struct PortConfig {
  MacAddress address;
  // May send with other addresses, and gets frames whose address nobody knows: a guest that is a bridge itself.
  bool is_bridge = false;
  uint64_t bytes_per_second = 0;  // 0: no limit
};

// A place where something is plugged into a network.
class Port {
 public:
  explicit Port(const PortConfig& config) : config_(config) {}
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  [[nodiscard]] const PortConfig& config() const { return config_; }
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

 protected:
  ~Port() = default;

  // Copy a frame into buffers that are ready. False, at once, where there are none. The sender's device lock may be
  // held.
  [[nodiscard]] virtual bool deliver(const Frame& frame) = 0;
  // Tell the guest of what was delivered. No lock is held.
  virtual void announce() = 0;

  Traffic traffic_;

 private:
  friend class Network;
  const PortConfig config_;
  std::atomic<unsigned> users_{0};     // calls of others in here; it stays until there are none
  unsigned index_ = 0;                 // on the network
  // What it may still send, in bytes, and until when that was reckoned. Guarded by the network's lock.
  uint64_t allowance_ = 0;
  uint64_t reckoned_at_ = 0;
};

// A switch. Frames go from port to port at once, in the sender's time; nothing is queued.
//
// Each port has one address that is known from the beginning. Others are learned from what a bridge port sends, up to
// max_learned of them, each forgotten when it was not used for a while. A frame for an address that nobody is known to
// have goes to the bridge ports: no other guest sees what is not for it.
class Network {
 public:
  static constexpr size_t max_ports = 32;
  static constexpr size_t max_learned = 64;
  static constexpr uint64_t forget_after = 300;  // seconds, as IEEE 802.1Q recommends
  using Name = hal::FixedString<31>;

  Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  [[nodiscard]] std::string_view name() const { return name_.view(); }
  void set_name(std::string_view name) { name_ = name; }

  // Empty, or why it cannot be: there is no place left, or another port has its address.
  [[nodiscard]] std::string_view plug(Port& port);
  // When this returns, nobody calls the port any more. No lock is held.
  void unplug(Port& port);

  // Send a frame from a port of this network. `timer` says how late it is. The sender's device lock may be held.
  void send(Port& from, const Frame& frame, DeviceTimer& timer);
  // After one or more of them, with no lock held: let the receivers know.
  void announce();

  // For reports: the port in a place, or nothing. Calls `visit` with the network's lock held.
  template <class Visit>
  void for_each_port(Visit visit) {
    const hal::LockGuard guard(lock_);
    for (Port* const port : ports_) {
      if (port != nullptr) visit(*port);
    }
  }
  [[nodiscard]] unsigned learned();

 private:
  struct Learned {
    MacAddress address;
    uint8_t port = 0;
    bool valid = false;
    uint64_t used_at = 0;
  };
  using PortSet = uint32_t;  // a bit for each
  static_assert(max_ports <= 32);

  [[nodiscard]] bool may_send(Port& from, const Frame& frame, DeviceTimer& timer) PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool is_within_rate(Port& from, size_t bytes, DeviceTimer& timer) PLINTH_REQUIRES(lock_);
  void learn(const Port& from, MacAddress address, DeviceTimer& timer) PLINTH_REQUIRES(lock_);
  [[nodiscard]] Learned* find(MacAddress address, DeviceTimer& timer) PLINTH_REQUIRES(lock_);
  [[nodiscard]] PortSet receivers(const Port& from, MacAddress to, DeviceTimer& timer) PLINTH_REQUIRES(lock_);
  // The port, if it is still there, which then stays until release().
  [[nodiscard]] Port* hold(unsigned index);
  [[nodiscard]] Port* hold_locked(unsigned index) PLINTH_REQUIRES(lock_);
  static void release(Port& port) { port.users_.fetch_sub(1, std::memory_order_release); }

  Name name_;
  hal::SpinLock lock_{hal::LockRank::network};
  std::array<Port*, max_ports> ports_ PLINTH_GUARDED_BY(lock_){};
  std::array<Learned, max_learned> learned_ PLINTH_GUARDED_BY(lock_){};
  std::atomic<PortSet> news_{0};  // ports to which something was delivered that was not announced
};

}  // namespace vmm::net

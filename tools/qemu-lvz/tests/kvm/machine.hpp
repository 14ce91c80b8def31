// SPDX-License-Identifier: GPL-2.0-or-later
//
// A virtual machine of one memory slot and one device (protocol.hpp), each vCPU run by a thread of its own.
#pragma once

#include "kvm.hpp"
#include "protocol.hpp"
#include "system.hpp"

constexpr unsigned max_vcpus = 2;

class Machine;

/// Touched by its own thread while it runs; `rounds`, `state` and the counters are read by others.
struct Vcpu {
  enum class State : uint64_t { idle, running, finished, failed };

  Machine* machine = nullptr;
  unsigned number = 0;
  sys::Thread thread;
  int descriptor = -1;
  kvm::Run* run = nullptr;
  volatile State state = State::idle;
  volatile bool describe = false;  // its thread says where it stands at the next exit
  volatile uint64_t rounds = 0, exits = 0, mmio = 0, iocsr = 0;
  uint64_t echo = 0, iocsr_echo = 0, detail = 0;
};

class Machine {
 public:
  struct Shape {
    const char* name;  // for messages
    unsigned vcpus;
    uint64_t data_size;  // memory that every fourth round goes through
    bool log_dirty_pages;
  };

  /// False, with a line said, when KVM refused.
  [[nodiscard]] bool create(int kvm, const Shape& shape);
  [[nodiscard]] bool start();
  void ask_to_stop() { params().stop = 1; }
  /// No vCPU runs any more.
  bool is_over() const;
  bool has_failed() const;
  /// For a machine that makes no progress: each vCPU says what state it is in, at its next exit.
  void describe();
  /// The same at once. What the guest waits for may be lost by it: for a machine that has failed.
  void interrupt_and_describe();
  /// True when every counter the guest kept is consistent. After is_over().
  [[nodiscard]] bool check_results() const;
  /// Pages of the data written to that the dirty log did not show, or -1 when KVM gave no log.
  long missing_in_dirty_log();
  void say_counters(const Vcpu& vcpu) const;
  void destroy();

  void raise(unsigned vcpu, unsigned line) { set_line(vcpus_[vcpu], static_cast<int>(line)); }
  unsigned vcpu_count() const { return count_; }
  const Vcpu& vcpu(unsigned number) const { return vcpus_[number]; }
  const char* name() const { return name_; }
  volatile protocol::Params& params() const {
    return *reinterpret_cast<volatile protocol::Params*>(memory_ + protocol::params_at);
  }

 private:
  static void run(void* vcpu);
  bool complain(const char* what, long result) const;
  bool create_vcpu(unsigned number);
  void write_tables() const;
  void set_line(Vcpu& vcpu, int line) const;
  void serve_device(Vcpu& vcpu);
  void serve_iocsr(Vcpu& vcpu);
  void device_write(Vcpu& vcpu, uint64_t at, uint64_t value);
  void loop(Vcpu& vcpu);
  void say_state(Vcpu& vcpu) const;
  uint64_t share() const { return data_size_ / count_; }

  const char* name_ = "";
  int descriptor_ = -1;
  unsigned char* memory_ = nullptr;
  size_t run_size_ = 0;
  uint64_t data_size_ = 0;
  unsigned count_ = 0;
  Vcpu vcpus_[max_vcpus];
};

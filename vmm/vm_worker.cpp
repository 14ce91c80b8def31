// SPDX-License-Identifier: Apache-2.0
#include "vmm/vm_worker.hpp"

#include <array>

#include "hal/base/format.hpp"
#include "vmm/vm.hpp"

namespace vmm {

namespace {

// As the VM's vCPUs are. On a dedicated CPU nobody but services may be beside its owner, and it is the VM's anyway.
task::Scheduling scheduling_of(const config::SchedulerConfig& wanted) {
  task::Scheduling scheduling{.priority = static_cast<uint8_t>(wanted.priority),
                              .weight = wanted.weight,
                              .slice = hal::ticks_from_microseconds(wanted.slice_ns / 1000)};
  switch (wanted.policy) {
    case config::SchedulerPolicy::fair: scheduling.scheduling_class = task::SchedulingClass::fair; break;
    case config::SchedulerPolicy::fixed: scheduling.scheduling_class = task::SchedulingClass::fixed; break;
    case config::SchedulerPolicy::dedicated: scheduling = {.scheduling_class = task::SchedulingClass::service}; break;
  }
  return scheduling;
}

}  // namespace

hal::Result<void, VmError> VmWorker::start(Vm& vm) {
  if (!is_employed_) return {};
  std::array<char, 40> label{};
  hal::BufferSink text(label);
  hal::format(text, "{}/devices", vm.name());
  const auto spawned = task::spawn({.name = text.text(),
                                    .entry = run,
                                    .argument = this,
                                    .scheduling = scheduling_of(vm.config().scheduler),
                                    .cpus = task::CpuSet(vm.config().cpus.bits)});
  if (!spawned) return hal::fail(VmError::out_of_memory);
  task_ = *spawned;
  return {};
}

VmWorker::~VmWorker() {
  if (task_ == nullptr) return;
  orders_.fetch_or(leaving, std::memory_order_acq_rel);
  task::promote(*task_);
  work_.wake_one();
  task::join(*task_);
}

void VmWorker::post(WorkClient& client) {
  {
    const hal::LockGuard guard(lock_);
    if (!client.is_linked()) clients_.push_back(client);
    posted_.store(true, std::memory_order_release);
  }
  work_.wake_one();
}

WorkClient* VmWorker::next() {
  const hal::LockGuard guard(lock_);
  WorkClient* const client = clients_.pop_front();
  if (client == nullptr) posted_.store(false, std::memory_order_release);
  return client;
}

void VmWorker::run(void* self) {
  VmWorker& worker = *static_cast<VmWorker*>(self);
  while (true) {
    worker.work_.wait([&] {
      const uint32_t orders = worker.orders_.load(std::memory_order_acquire);
      return (orders & leaving) != 0 || ((orders & held) == 0 && worker.posted_.load(std::memory_order_acquire));
    });
    // Pairs with hold(): either it sees that we are busy, or we see the order.
    worker.busy_.store(true, std::memory_order_seq_cst);
    const uint32_t orders = worker.orders_.load(std::memory_order_seq_cst);
    if (orders == 0) worker.serve();
    worker.busy_.store(false, std::memory_order_seq_cst);
    worker.quiet_.wake_all();
    if ((orders & leaving) != 0) return;
    task::make_way();
  }
}

void VmWorker::serve() {
  WorkClient* const client = next();
  if (client != nullptr && client->work()) post(*client);
}

void VmWorker::hold() {
  if (task_ == nullptr) return;
  orders_.fetch_or(held, std::memory_order_seq_cst);
  // The piece must not wait for its turn behind others.
  task::promote(*task_);
  quiet_.wait([this] { return !busy_.load(std::memory_order_seq_cst); });
  task::demote(*task_);
}

void VmWorker::release() {
  if (task_ == nullptr) return;
  orders_.fetch_and(~held, std::memory_order_acq_rel);
  work_.wake_one();
}

}  // namespace vmm

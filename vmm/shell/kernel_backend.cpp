// SPDX-License-Identifier: Apache-2.0
#include "vmm/shell/kernel_backend.hpp"

#include "hal/power.hpp"
#include "mm/frames.hpp"
#include "mm/heap.hpp"
#include "mm/host_space.hpp"
#include "task/cpu.hpp"
#include "vmm/bundle.hpp"
#include "vmm/console/tasks.hpp"
#include "vmm/host_disks.hpp"
#include "vmm/trace_point.hpp"
#include "vmm/vm_list.hpp"

namespace vmm::shell {
namespace {

std::string_view policy_name(config::SchedulerPolicy policy) {
  switch (policy) {
    case config::SchedulerPolicy::fair: return "fair";
    case config::SchedulerPolicy::fixed: return "fixed";
    case config::SchedulerPolicy::dedicated: return "dedicated";
  }
  return "?";
}

uint64_t ram_size(const Vm& vm) {
  uint64_t size = 0;
  for (const config::MemoryRegion& region : vm.regions()) size += region.range.size;
  return size;
}

VmInfo describe(Vm& vm) {
  VmInfo info;
  info.id = vm.id();
  info.name = vm.config().name;
  // In this order: one that is not changing any more is in the state that follows.
  info.changing = vm.is_changing();
  info.state = vm.state();
  info.vcpus = vm.vcpus().count;
  info.memory = ram_size(vm);
  info.policy = policy_name(vm.config().scheduler.policy);
  info.starts = vm.starts();
  info.resets = vm.resets();
  info.console_bytes = vm.console().sent();
  info.autostart = vm.config().autostart;
  info.has_two_consoles = vm.config().has_two_consoles();
  info.kernel = vm.config().kernel.image;
  info.last_words = vm.last_words();
  info.run_ns = hal::nanoseconds(vm.manager_time());
  for (unsigned i = 0; i < info.vcpus; ++i) {
    const task::Task* const task = vm.vcpus().list[i]->task();
    if (task != nullptr) info.run_ns += hal::nanoseconds(task->times().run);
  }
  return info;
}

bool put(const PostMortem& report, hal::TextSink& sink) {
  PostMortem::Cursor cursor;
  std::array<char, 128> bytes;
  while (const size_t count = report.read(cursor, bytes)) sink.put({bytes.data(), count});
  return cursor.position != 0;
}

// Until it is over; false: Ctrl-C was typed before.
template <typename Condition>
bool wait_while(Condition pending) {
  while (pending()) {
    if (vmm::console().take_interrupt()) return false;
    prompt_bell().wait_until(hal::never);
  }
  return true;
}

}  // namespace

KernelBackend::KernelBackend() : escape_name_(vmm::console().escape_name()), started_(hal::Timer::now()) {}

std::optional<VmInfo> KernelBackend::next_vm(std::optional<VmId> previous) {
  Vm* const vm = vm_list().next(previous ? vm_list().find(*previous) : nullptr);
  if (vm == nullptr) return std::nullopt;
  return describe(*vm);
}

std::optional<VmInfo> KernelBackend::vm(VmId id) {
  Vm* const vm = vm_list().find(id);
  if (vm == nullptr) return std::nullopt;
  return describe(*vm);
}

std::optional<VcpuInfo> KernelBackend::vcpu(VmId id, unsigned index) {
  Vm* const vm = vm_list().find(id);
  if (vm == nullptr || index >= vm->vcpus().count) return std::nullopt;
  const Vcpu& vcpu = *vm->vcpus().list[index];
  const task::Task* const task = vcpu.task();
  if (task == nullptr) return std::nullopt;
  const task::TaskTimes times = task->times();
  VcpuInfo info{.index = index,
                .on = vcpu.is_on(),
                .activity = task::name(task->state()),
                .cpu = task->cpu(),
                .run_ns = hal::nanoseconds(times.run),
                .wait_ns = hal::nanoseconds(times.wait),
                .steals = times.steals,
                .switches = times.switches,
                .migrations = times.migrations,
                .injected = vm->board().injected(index)};
  for (size_t i = 0; i < info.exits.size(); ++i) {
    const auto exit_class = static_cast<hal::ExitClass>(i);
    const ExitCosts::Line costs = vcpu.observer.costs.line(exit_class);
    info.exits[i] = {.count = vcpu.exits(exit_class),
                     .measured = costs.measured,
                     .total_ns = hal::nanoseconds(costs.total),
                     .longest_ns = hal::nanoseconds(costs.longest)};
  }
  return info;
}

std::optional<DeviceReport> KernelBackend::device(VmId id, unsigned number) {
  Vm* const vm = vm_list().find(id);
  DeviceReport report;
  if (vm == nullptr || !vm->board().report_device(number, report)) return std::nullopt;
  return report;
}

std::optional<HostDiskReport> KernelBackend::host_disk(unsigned number) { return host_disks().report(number); }

bool KernelBackend::put_crash(VmId id, hal::TextSink& sink) {
  const Vm* const vm = vm_list().find(id);
  return vm != nullptr && put(vm->post_mortem(), sink);
}

bool KernelBackend::put_report(VmId id, hal::TextSink& sink) {
  Vm* const vm = vm_list().find(id);
  if (vm == nullptr) return false;
  vm->request_snapshot();
  const bool there = wait_while([&] { return vm->is_snapshot_pending(); });
  return there && vm->snapshot() != nullptr && put(*vm->snapshot(), sink);
}

hal::Result<void, std::string_view> KernelBackend::perform(VmId id, VmEvent event) {
  Vm* const vm = vm_list().find(id);
  if (vm == nullptr) return hal::fail(std::string_view("it is gone"));
  if (event == VmEvent::destroy) {
    vm_list().destroy(*vm);
    return {};
  }
  if (const auto result = vm->request(event); !result) return hal::fail(name(result.error()));
  if (!wait_while([&] { return vm->is_pending(event); })) return hal::fail(interrupted);
  return {};
}

hal::Result<void, std::string_view> KernelBackend::request(VmId id, VmEvent event) {
  Vm* const vm = vm_list().find(id);
  if (vm == nullptr) return hal::fail(std::string_view("it is gone"));
  if (const auto result = vm->request(event); !result) return hal::fail(name(result.error()));
  return {};
}

bool KernelBackend::can_run_guests() { return vm_list().is_open(); }

hal::Result<VmId, std::string_view> KernelBackend::create(std::string_view file) {
  const auto vm = vm_list().create(file);
  if (!vm) return hal::fail(name(vm.error()));
  return (*vm)->id();
}

std::optional<std::string_view> KernelBackend::vm_file(size_t index) {
  std::optional<std::string_view> found;
  bundle().for_each_vm_file([&](std::string_view file) {
    if (index-- == 0) found = file;
  });
  return found;
}

VmConsole* KernelBackend::find_console(VmId id, Which which) {
  Vm* const vm = vm_list().find(id);
  if (vm == nullptr) return nullptr;
  return which == Which::second ? vm->second_console() : &vm->console();
}

void KernelBackend::attach_console(VmId id, Which which) {
  if (VmConsole* const console = find_console(id, which)) vmm::console().attach(*console);
}

void KernelBackend::watch_consoles() { vmm::console().watch_all(); }

void KernelBackend::put_console(VmId id, Which which, hal::TextSink& sink) {
  if (const VmConsole* const console = find_console(id, which)) console->put_kept(sink, UINT64_MAX);
}

std::optional<CpuInfo> KernelBackend::cpu(unsigned index) {
  for (const hal::CpuIndex number : task::online_cpus()) {
    if (index-- != 0) continue;
    const task::Cpu& cpu = *task::cpu(number);
    CpuInfo info{.index = number,
                 .idle = cpu.is_idle(),
                 .load = cpu.load(),
                 .idle_ns = hal::nanoseconds(cpu.idle_time()),
                 .owner = {}};
    if (const task::Task* const owner = cpu.owner()) info.owner = owner->name();
    return info;
  }
  return std::nullopt;
}

MemoryInfo KernelBackend::memory() {
  const mm::FrameCounts frames = mm::frames().counts();
  const mm::HeapCounts heap = mm::heap_counts();
  MemoryInfo info{.total = frames.total * hal::page_size,
                  .free = frames.free * hal::page_size,
                  .dirty = frames.dirty * hal::page_size,
                  .hypervisor = mm::hypervisor_memory(),
                  .uses = {},
                  .tasks = task::task_count(),
                  .guest_tags = hal::Mmu::guest_tags_in_use(),
                  .heap_objects = heap.objects,
                  .heap_bytes = heap.bytes};
  for (size_t i = 0; i < mm::frame_uses; ++i) {
    const auto use = static_cast<mm::FrameUse>(i);
    if (!info.uses.push_back({mm::name(use), frames.in_use(use) * hal::page_size})) break;
  }
  return info;
}

uint64_t KernelBackend::uptime_ns() { return hal::nanoseconds(hal::Timer::now() - started_); }

bool KernelBackend::start_trace() {
  constexpr size_t records_per_cpu = 2048;
  const unsigned cpus = task::online_cpus().count();
  if (!trace_storage_) {
    const size_t size = cpus * records_per_cpu * sizeof(Tracer::Record);
    auto storage =
        mm::OwnedFrames::allocate(mm::frames(), mm::order_for(size), mm::FrameUse::hypervisor, mm::Contents::zeroed);
    if (!storage) return false;
    trace_storage_ = std::move(storage).value();
  }
  const std::span<std::byte> bytes = trace_storage_.bytes();
  auto* const records = reinterpret_cast<Tracer::Record*>(bytes.data());
  const bool started = tracer.start({records, bytes.size() / sizeof(Tracer::Record)}, cpus);
  renew_observation();
  return started;
}

void KernelBackend::stop_trace() {
  tracer.stop();
  renew_observation();
}
void KernelBackend::dump_trace(hal::TextSink& sink) { tracer.dump(sink, hal::Timer::frequency()); }

void KernelBackend::power_off() { hal::power_off(); }
void KernelBackend::reboot() { hal::reboot(); }

}  // namespace vmm::shell

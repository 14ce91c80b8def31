// SPDX-License-Identifier: Apache-2.0
// What is known of VMs after the fact: statistics of their vCPUs, and why one crashed.
#include <algorithm>
#include <utility>

#include "vmm/shell/seconds.hpp"
#include "vmm/shell/shell.hpp"

namespace vmm::shell {

void Shell::put_exit_members(JsonWriter& json, const VcpuInfo& vcpu) {
  json.key("exits");
  json.begin_object();
  for (size_t i = 0; i < vcpu.exits.size(); ++i) {
    const ExitInfo& exits = vcpu.exits[i];
    json.key(name(static_cast<hal::ExitClass>(i)));
    json.begin_object();
    json.member("count", exits.count);
    json.member("measured", exits.measured);
    json.member("total_ns", exits.total_ns);
    json.member("longest_ns", exits.longest_ns);
    json.end_object();
  }
  json.end_object();
}

// A line for each class that occurred; of its cost, what was measured.
void Shell::put_exits(const VcpuInfo& vcpu) {
  print("\nvcpu {:<2} {:11} {:>11} {:>11} {:>11} {:>11} {:>11}\n", vcpu.index, "exits", "count", "measured", "total us",
        "mean ns", "longest ns");
  for (size_t i = 0; i < vcpu.exits.size(); ++i) {
    const ExitInfo& exits = vcpu.exits[i];
    if (exits.count == 0) continue;
    print("        {:11} {:>11}", name(static_cast<hal::ExitClass>(i)), exits.count);
    if (exits.measured != 0) {
      print(" {:>11} {:>11} {:>11} {:>11}", exits.measured, exits.total_ns / 1000, exits.total_ns / exits.measured,
            exits.longest_ns);
    }
    output_.put("\n");
  }
}

void Shell::vm_stats(const Arguments& arguments) {
  const std::optional<VmInfo> vm = find_vm(arguments.word(0));
  if (!vm) return;
  if (arguments.has("--json")) {
    JsonWriter json(output_);
    json.begin_array();
    for_each_vcpu(*vm, [&](const VcpuInfo& vcpu) {
      json.begin_object();
      put_vcpu_members(json, vcpu);
      put_exit_members(json, vcpu);
      json.end_object();
    });
    json.end_array();
    return output_.put("\n");
  }
  output_.put("vcpu  cpu  ran seconds  waited seconds    steals    switches  migrations    injected\n");
  for_each_vcpu(*vm, [&](const VcpuInfo& vcpu) {
    print("{:>4} {:>4} {:>12} {:>15} {:>9} {:>11} {:>11} {:>11}\n", vcpu.index, vcpu.cpu,
          std::string_view(Seconds(vcpu.run_ns)), std::string_view(Seconds(vcpu.wait_ns)), vcpu.steals, vcpu.switches,
          vcpu.migrations, vcpu.injected);
  });
  for_each_vcpu(*vm, [&](const VcpuInfo& vcpu) { put_exits(vcpu); });
  for_each_device(*vm, [&, first = true](const DeviceReport& device) mutable {
    if (std::exchange(first, false)) {
      output_.put("\ndevice   requests  read bytes  written bytes  flushes  discards  notified  interrupts  errors\n");
    }
    print("{:<8} {:>8} {:>11} {:>14} {:>8} {:>9} {:>9} {:>11} {:>7}\n", device.name, device.requests, device.read_bytes,
          device.written_bytes, device.flushes, device.discards, device.notifications, device.interrupts, device.errors);
  });
  if (!backend_.measures_exit_costs()) output_.put("\n'stats on' begins to measure what exits cost\n");
}

void Shell::put_device_members(JsonWriter& json, const DeviceReport& device) {
  json.member("device", device.name);
  json.member("backend", device.backend.view());
  json.member("size", device.size);
  json.member("requests", device.requests);
  json.member("read_bytes", device.read_bytes);
  json.member("written_bytes", device.written_bytes);
  json.member("flushes", device.flushes);
  json.member("discards", device.discards);
  json.member("notifications", device.notifications);
  json.member("interrupts", device.interrupts);
  json.member("errors", device.errors);
}

void Shell::disk_list(const Arguments& arguments) {
  const auto for_each_disk = [&](auto visit) {
    for_each_vm([&](const VmInfo& vm) {
      for_each_device(vm, [&](const DeviceReport& device) {
        if (device.name == "disk") visit(vm, device);
      });
    });
  };
  if (arguments.has("--json")) {
    JsonWriter json(output_);
    json.begin_array();
    for_each_disk([&](const VmInfo& vm, const DeviceReport& disk) {
      json.begin_object();
      json.member("vm", vm.name.view());
      put_device_members(json, disk);
      json.end_object();
    });
    put_host_disks(json);
    json.end_array();
    return output_.put("\n");
  }
  unsigned count = 0;
  for_each_disk([&](const VmInfo& vm, const DeviceReport& disk) {
    if (count++ == 0) output_.put("vm                size        read        written     disk\n");
    print("{:<17} {:<11} {:<11} {:<11} {}\n", vm.name.view(), hal::Size{disk.size}, hal::Size{disk.read_bytes},
          hal::Size{disk.written_bytes}, disk.backend.view());
  });
  if (count == 0) output_.put("no VM has a disk; [[disk]] in a VM's file gives it one\n");
  put_host_disks();
}

void Shell::put_host_disks(JsonWriter& json) {
  for (unsigned n = 0; const auto disk = backend_.host_disk(n); ++n) {
    json.begin_object();
    json.member("host", disk->place.view());
    json.member("serial", disk->serial.view());
    json.member("size", disk->size);
    json.member("read_only", disk->read_only);
    json.member("lost", disk->lost);
    json.member("users", disk->users);
    json.end_object();
  }
}

void Shell::put_host_disks() {
  for (unsigned n = 0; const auto disk = backend_.host_disk(n); ++n) {
    if (n == 0) output_.put("\nhost disk         size        used by     serial number\n");
    print("{:<17} {:<11} {:<11} {}{}{}\n", disk->place.view(), hal::Size{disk->size}, disk->users, disk->serial.view(),
          disk->read_only ? " (read-only)" : "", disk->lost ? " (shut off)" : "");
  }
}

void Shell::net_list(const Arguments& arguments) {
  const auto for_each_card = [&](auto visit) {
    for_each_vm([&](const VmInfo& vm) {
      for_each_device(vm, [&](const DeviceReport& device) {
        if (device.name == "network") visit(vm, device);
      });
    });
  };
  if (arguments.has("--json")) {
    JsonWriter json(output_);
    json.begin_array();
    for_each_card([&](const VmInfo& vm, const DeviceReport& card) {
      json.begin_object();
      json.member("vm", vm.name.view());
      put_device_members(json, card);
      json.end_object();
    });
    json.end_array();
    return output_.put("\n");
  }
  unsigned count = 0;
  for_each_card([&](const VmInfo& vm, const DeviceReport& card) {
    if (count++ == 0) output_.put("vm                received    sent        lost frames  network\n");
    print("{:<17} {:<11} {:<11} {:<12} {}\n", vm.name.view(), hal::Size{card.read_bytes}, hal::Size{card.written_bytes},
          card.errors, card.backend.view());
  });
  if (count == 0) output_.put("no VM has a network card; [[network]] in a VM's file gives it one\n");
}

// A crash is kept until the VM is destroyed; what a VM is like now can be told while it does not run.
void Shell::vm_crash(const Arguments& arguments) {
  const std::optional<VmInfo> vm = find_vm(arguments.word(0));
  if (!vm) return;
  const std::string_view vm_name = vm->name.view();
  if (arguments.has("--now")) {
    if (vm->state != VmState::running && backend_.put_report(vm->id, output_)) return;
    return fail("{} is running; 'vm suspend {}' freezes it first", vm_name, vm_name);
  }
  if (!backend_.put_crash(vm->id, output_)) {
    fail("{} has not crashed; 'vm crash {} --now' shows a VM that is suspended", vm_name, vm_name);
  }
}

void Shell::stats_on(const Arguments&) { backend_.measure_exit_costs(true); }
void Shell::stats_off(const Arguments&) { backend_.measure_exit_costs(false); }

}  // namespace vmm::shell

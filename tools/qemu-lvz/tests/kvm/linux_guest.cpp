// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux_guest.hpp"

#include "system.hpp"

extern "C" {
extern const unsigned char secondary_stub[], secondary_stub_end[];
void* memcpy(void* to, const void* from, size_t size);
}

namespace {

using namespace linux_guest;

constexpr unsigned vcpus = 2;
constexpr const char* name = "Linux guest";

class Uart {
 public:
  uint64_t read(uint64_t at) const {
    if (at == line_status) return transmitter_empty;
    return at == interrupt_identity ? 1 : registers_[at & 7];
  }
  void write(uint64_t at, uint64_t value) {
    if (at == 0 && !(registers_[line_control] & divisor_latch)) return put(static_cast<char>(value));
    registers_[at & 7] = static_cast<uint8_t>(value);
  }
  volatile bool done = false, wrong = false;

 private:
  static constexpr unsigned interrupt_identity = 2, line_control = 3, line_status = 5;
  static constexpr uint8_t transmitter_empty = 0x60, divisor_latch = 0x80;

  bool contains(const char* text) const {
    for (size_t at = 0; at < size_; ++at) {
      size_t i = 0;
      while (text[i] && at + i < size_ && line_[at + i] == text[i]) ++i;
      if (!text[i]) return true;
    }
    return false;
  }
  void put(char c) {
    if (c != '\n') {
      if (c != '\r' && size_ < sizeof line_ - 1) line_[size_++] = c;
      return;
    }
    line_[size_] = 0;
    sys::Line() << "guest| " << line_;
    if (contains(done_text)) done = true;
    if (contains(wrong_text) || contains("Kernel panic") || contains("Oops") || contains("BUG:") ||
        contains("WARNING:"))
      wrong = true;
    size_ = 0;
  }

  char line_[200];
  size_t size_ = 0;
  uint8_t registers_[8] = {};
};

/// Registers of the CPU that KVM leaves to user space (reference 7.4).
uint64_t read_iocsr(uint64_t address) {
  constexpr uint64_t per_core_ipis = 1 << 4;
  switch (address) {
    case 0x0: return 0x11;
    case 0x8: return per_core_ipis;
    case 0x10: return 0x6E6F73676E6F6F4C;  // "Loongson"
    case 0x20: return 0x303030354133;      // "3A5000"
    default: return 0;
  }
}

struct Machine {
  int vm = -1;
  unsigned char* memory = nullptr;
  Uart uart;
  volatile bool over = false;
  struct Vcpu {
    Machine* machine;
    int descriptor;
    kvm::Run* run;
    sys::Thread thread;
  } vcpu[vcpus];
};

/// Reads a whole file to guest physical `at`; its size, or 0.
size_t load_file(Machine& machine, const char* path, uint64_t at) {
  const int file = sys::open(path, sys::read_only);
  if (file < 0) return 0;
  size_t size = 0;
  for (;;) {
    const long got = sys::call(sys::Call::read, file, sys::as_long(machine.memory + at + size),
                               static_cast<long>(ram_size - at - size));
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  sys::close(file);
  return size;
}

uint64_t word_at(const Machine& machine, uint64_t at) {
  uint64_t value;
  memcpy(&value, machine.memory + at, sizeof value);
  return value;
}

/// Loads the image where its header wants it and gives its entry (reference 10.1); 0 when it is none.
uint64_t load_image(Machine& machine) {
  constexpr uint64_t scratch = 0x200000, entry_field = 8, load_offset_field = 0x18, physical_mask = 0xFFFF'FFFF'FFFF;
  if (!load_file(machine, "/guest/Image", scratch)) return 0;
  if (word_at(machine, scratch + load_offset_field) != scratch) return 0;
  return word_at(machine, scratch + entry_field) & physical_mask;
}

void serve(Machine::Vcpu& vcpu) {
  kvm::Run::Access& access = vcpu.run->access;
  Uart& uart = vcpu.machine->uart;
  const bool iocsr = vcpu.run->exit_reason == kvm::exit_iocsr;
  const uint64_t offset = access.address - uart_at;
  if (access.is_write) {
    if (!iocsr && offset < 8) uart.write(offset, kvm::from_bytes(access.data, access.length));
    return;
  }
  kvm::to_bytes(access.data, iocsr ? read_iocsr(access.address) : offset < 8 ? uart.read(offset) : ~uint64_t{0});
}

void run_vcpu(void* argument) {
  constexpr long eintr = -4;
  auto& vcpu = *static_cast<Machine::Vcpu*>(argument);
  while (!vcpu.machine->over) {
    const long result = sys::ioctl(vcpu.descriptor, kvm::run);
    if (result == eintr) continue;
    const uint32_t reason = vcpu.run->exit_reason;
    if (!sys::failed(result) && (reason == kvm::exit_mmio || reason == kvm::exit_iocsr)) {
      serve(vcpu);
      continue;
    }
    if (!sys::failed(result) && reason == kvm::exit_intr) continue;
    sys::Line() << "# " << name << ": KVM_RUN ended with " << static_cast<uint64_t>(-result) << ", reason " << reason;
    vcpu.machine->uart.wrong = true;
    return;
  }
}

bool create(int kvm, Machine& machine) {
  const long vm = sys::ioctl(kvm, kvm::create_vm);
  if (sys::failed(vm)) return kvm::complain(name, "KVM_CREATE_VM", vm);
  machine.vm = static_cast<int>(vm);
  machine.memory = static_cast<unsigned char*>(sys::map(ram_size));
  if (!machine.memory) return kvm::complain(name, "memory", -12);
  kvm::MemoryRegion region{0, 0, 0, ram_size, reinterpret_cast<uint64_t>(machine.memory)};
  long result = sys::ioctl(machine.vm, kvm::set_memory, &region);
  if (sys::failed(result)) return kvm::complain(name, "KVM_SET_USER_MEMORY_REGION", result);
  kvm::Device ipi{kvm::device_ipi, 0, 0};
  result = sys::ioctl(machine.vm, kvm::create_device, &ipi);
  if (sys::failed(result)) return kvm::complain(name, "KVM_CREATE_DEVICE for IPIs", result);
  const uint64_t entry = load_image(machine);
  if (!entry || !load_file(machine, "/guest/tables", tables_at) || !load_file(machine, "/guest/initrd", initrd_at)) {
    return kvm::complain(name, "loading /guest", 0);
  }
  memcpy(machine.memory + secondary_stub_at, secondary_stub, static_cast<size_t>(secondary_stub_end - secondary_stub));
  const auto run_size = static_cast<size_t>(sys::ioctl(kvm, kvm::get_run_size));
  for (unsigned number = 0; number < vcpus; ++number) {
    const kvm::Start start =
        number ? kvm::Start{secondary_stub_at, {}} : kvm::Start{entry, {1, command_line, system_table}};
    Machine::Vcpu& vcpu = machine.vcpu[number];
    vcpu.machine = &machine;
    if (!kvm::create_direct_mode_vcpu(name, machine.vm, run_size, number, start, vcpu.descriptor, vcpu.run))
      return false;
  }
  return true;
}

}  // namespace

bool run_linux_guest(int kvm, unsigned limit_ms) {
  static Machine machine;
  if (!create(kvm, machine)) return false;
  for (Machine::Vcpu& vcpu : machine.vcpu) {
    if (sys::failed(vcpu.thread.start(run_vcpu, &vcpu))) return false;
  }
  const uint64_t end = sys::milliseconds() + limit_ms;
  while (!machine.uart.done && !machine.uart.wrong && sys::milliseconds() < end) sys::sleep_ms(50);
  machine.over = true;
  return machine.uart.done && !machine.uart.wrong;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine.hpp"

extern "C" {
extern const unsigned char guest_image[], guest_image_end[];
void* memcpy(void* to, const void* from, size_t size);
void fill_own_vectors(uint64_t value);
int own_vectors_hold(uint64_t value);
}

namespace {

using sys::Line;

constexpr uint64_t leaf_flags = 0x193;  // V, D, cached, P, W; PLV0
constexpr long eintr = -4;
constexpr unsigned long_enough_to_say_ms = 3'000;

}  // namespace

bool Machine::complain(const char* what, long result) const { return kvm::complain(name_, what, result); }

bool Machine::create(int kvm, const Shape& shape) {
  *this = Machine{};
  name_ = shape.name;
  count_ = shape.vcpus;
  data_size_ = shape.data_size;
  const long machine = sys::ioctl(kvm, kvm::create_vm);
  if (sys::failed(machine)) return complain("KVM_CREATE_VM", machine);
  descriptor_ = static_cast<int>(machine);
  run_size_ = static_cast<size_t>(sys::ioctl(kvm, kvm::get_run_size));
  memory_ = static_cast<unsigned char*>(sys::map(protocol::ram_size));
  if (!memory_) return complain("memory", -12);
  kvm::MemoryRegion region{0, shape.log_dirty_pages ? kvm::log_dirty_pages : 0, 0, protocol::ram_size,
                           reinterpret_cast<uint64_t>(memory_)};
  const long result = sys::ioctl(descriptor_, kvm::set_memory, &region);
  if (sys::failed(result)) return complain("KVM_SET_USER_MEMORY_REGION", result);
  memcpy(memory_ + protocol::image_at, guest_image, static_cast<size_t>(guest_image_end - guest_image));
  write_tables();
  params().vcpus = count_;
  params().data_size = data_size_;
  params().cpucfg0 = kvm::host_cpucfg(0);
  for (unsigned number = 0; number < count_; ++number) {
    if (!create_vcpu(number)) return false;
  }
  return true;
}

void Machine::write_tables() const {
  using namespace protocol;
  constexpr unsigned leaf_shift = page_shift, directory1 = page_shift + table_bits,
                     directory2 = page_shift + 2 * table_bits, index_mask = (1u << table_bits) - 1;
  auto table = [&](unsigned which) { return reinterpret_cast<uint64_t*>(memory_ + tables_at + which * page_size); };
  table(0)[data_va >> directory2 & index_mask] = tables_at + page_size;
  table(1)[data_va >> directory1 & index_mask] = tables_at + 2 * page_size;
  for (uint64_t at = 0; at < data_size_; at += page_size) {
    table(2)[(data_va + at) >> leaf_shift & index_mask] = (data_at + at) | leaf_flags;
  }
}

bool Machine::create_vcpu(unsigned number) {
  Vcpu& vcpu = vcpus_[number];
  vcpu.machine = this;
  vcpu.number = number;
  const kvm::Start start{protocol::image_at, {number, 0, 0}};
  return kvm::create_direct_mode_vcpu(name_, descriptor_, run_size_, number, start, vcpu.descriptor, vcpu.run);
}

bool Machine::start() {
  for (unsigned number = 0; number < count_; ++number) {
    vcpus_[number].state = Vcpu::State::running;
    const long result = vcpus_[number].thread.start(&Machine::run, &vcpus_[number]);
    if (sys::failed(result)) return complain("starting a thread", result);
  }
  return true;
}

void Machine::run(void* argument) {
  auto* vcpu = static_cast<Vcpu*>(argument);
  vcpu->machine->loop(*vcpu);
}

void Machine::loop(Vcpu& vcpu) {
  const uint64_t own = 0x5EED'0000'0000'0000 + reinterpret_cast<uint64_t>(&vcpu);
  while (vcpu.state == Vcpu::State::running) {
    fill_own_vectors(own);
    const long result = sys::ioctl(vcpu.descriptor, kvm::run);
    if (!own_vectors_hold(own)) {
      Line() << "# " << name_ << ": the host program's vector registers changed across KVM_RUN";
      vcpu.state = Vcpu::State::failed;
      return;
    }
    vcpu.exits = vcpu.exits + 1;
    if (vcpu.describe) say_state(vcpu);
    if (result == eintr) continue;
    if (sys::failed(result)) {
      complain("KVM_RUN", result);
      vcpu.state = Vcpu::State::failed;
      return;
    }
    if (vcpu.run->exit_reason == kvm::exit_mmio)
      serve_device(vcpu);
    else if (vcpu.run->exit_reason == kvm::exit_iocsr)
      serve_iocsr(vcpu);
    else if (vcpu.run->exit_reason != kvm::exit_intr) {
      Line() << "# " << name_ << ": unexpected exit reason " << vcpu.run->exit_reason;
      vcpu.state = Vcpu::State::failed;
    }
  }
}

void Machine::describe() {
  for (unsigned number = 0; number < count_; ++number) vcpus_[number].describe = true;
}

void Machine::interrupt_and_describe() {
  describe();
  for (unsigned number = 0; number < count_; ++number) {
    if (!vcpus_[number].thread.is_over()) vcpus_[number].thread.interrupt();
  }
  sys::sleep_ms(long_enough_to_say_ms);
}

void Machine::say_state(Vcpu& vcpu) const {
  vcpu.describe = false;
  kvm::Registers registers{};
  sys::ioctl(vcpu.descriptor, kvm::get_registers, &registers);
  Line line;
  line << "# " << name_ << " vCPU " << vcpu.number << " is at ";
  line.hex(registers.pc);
  constexpr struct {
    const char* name;
    unsigned number;
  } shown[] = {{" CRMD ", 0x0}, {" ECFG ", 0x4}, {" ESTAT ", 0x5}, {" ERA ", 0x6}, {" TCFG ", 0x41}, {" TVAL ", 0x42}};
  for (const auto& [name, number] : shown) {
    uint64_t value = 0;
    kvm::OneRegister one{kvm::csr_register(number), reinterpret_cast<uint64_t>(&value)};
    sys::ioctl(vcpu.descriptor, kvm::get_one, &one);
    line << name;
    line.hex(value);
  }
  say_counters(vcpu);
}

void Machine::say_counters(const Vcpu& vcpu) const {
  const unsigned number = vcpu.number;
  Line() << "# " << name_ << " vCPU " << number << ": " << vcpu.rounds << " rounds, " << vcpu.exits
         << " exits to user space, " << vcpu.mmio << " MMIO, " << vcpu.iocsr << " IOCSR, "
         << params().timer_ticks[number] << " timer ticks, " << params().own_interrupts[number] << " own and "
         << params().foreign_interrupts[number] << " foreign interrupts, " << params().additions[number]
         << " atomic additions";
}

/// KVM_INTERRUPT: a positive number raises, a negative one lowers.
void Machine::set_line(Vcpu& vcpu, int line) const {
  int32_t argument = line;
  const long result = sys::ioctl(vcpu.descriptor, kvm::interrupt, &argument);
  if (sys::failed(result)) {
    complain("KVM_INTERRUPT", result);
    vcpu.state = Vcpu::State::failed;
  }
}

void Machine::serve_device(Vcpu& vcpu) {
  kvm::Run::Access& access = vcpu.run->access;
  vcpu.mmio = vcpu.mmio + 1;
  const uint64_t at = access.address - protocol::device_at;
  if (access.is_write) return device_write(vcpu, at, kvm::from_bytes(access.data, access.length));
  kvm::to_bytes(access.data, at == protocol::echo ? vcpu.echo : ~uint64_t{0});
}

void Machine::device_write(Vcpu& vcpu, uint64_t at, uint64_t value) {
  switch (at) {
    case protocol::finished: vcpu.state = Vcpu::State::finished; break;
    case protocol::failed:
      Line().hex(vcpu.detail) << " # " << name_ << " vCPU " << vcpu.number
                              << ": the value in front failed the check in line " << value
                              << " of guest.cpp (1000 and more: an exception with that code)";
      vcpu.state = Vcpu::State::failed;
      break;
    case protocol::detail: vcpu.detail = value; break;
    case protocol::doorbell: set_line(vcpu, protocol::own_line); break;
    case protocol::acknowledge: set_line(vcpu, -static_cast<int>(value)); break;
    case protocol::discard: sys::discard(memory_ + protocol::data_at + vcpu.number * share(), share()); break;
    case protocol::echo: vcpu.echo = value; break;
    case protocol::round: vcpu.rounds = value; break;
    default:
      Line() << "# " << name_ << ": write to an unknown device register " << at;
      vcpu.state = Vcpu::State::failed;
  }
}

void Machine::serve_iocsr(Vcpu& vcpu) {
  kvm::Run::Access& access = vcpu.run->access;
  vcpu.iocsr = vcpu.iocsr + 1;
  if (access.address != protocol::iocsr_echo) {
    Line() << "# " << name_ << ": unknown IOCSR " << access.address;
    vcpu.state = Vcpu::State::failed;
    return;
  }
  if (access.is_write)
    vcpu.iocsr_echo = kvm::from_bytes(access.data, access.length);
  else
    kvm::to_bytes(access.data, vcpu.iocsr_echo);
}

bool Machine::is_over() const {
  for (unsigned number = 0; number < count_; ++number) {
    if (!vcpus_[number].thread.is_over()) return false;
  }
  return true;
}

bool Machine::has_failed() const {
  for (unsigned number = 0; number < count_; ++number) {
    if (vcpus_[number].state == Vcpu::State::failed) return true;
  }
  return false;
}

bool Machine::check_results() const {
  uint64_t sum = 0;
  for (unsigned number = 0; number < count_; ++number) sum += params().additions[number];
  if (params().atomic_sum == sum) return true;
  Line() << "# " << name_ << ": atomic sum " << params().atomic_sum << " instead of " << sum;
  return false;
}

/// The last thing the guest does to every page of the data is a store.
long Machine::missing_in_dirty_log() {
  constexpr size_t words = protocol::ram_size / protocol::page_size / 64;
  uint64_t bitmap[words] = {};
  kvm::DirtyLog log{0, 0, reinterpret_cast<uint64_t>(bitmap)};
  const long result = sys::ioctl(descriptor_, kvm::get_dirty_log, &log);
  if (sys::failed(result)) {
    complain("KVM_GET_DIRTY_LOG", result);
    return -1;
  }
  long missing = 0;
  for (uint64_t at = protocol::data_at; at < protocol::data_at + data_size_; at += protocol::page_size) {
    const uint64_t page = at / protocol::page_size;
    missing += (bitmap[page / 64] >> page % 64 & 1) == 0;
  }
  return missing;
}

void Machine::destroy() {
  for (unsigned number = 0; number < count_; ++number) {
    Vcpu& vcpu = vcpus_[number];
    if (vcpu.run) sys::unmap(vcpu.run, run_size_);
    if (vcpu.descriptor >= 0) sys::close(vcpu.descriptor);
    vcpu.thread.release();
  }
  if (descriptor_ >= 0) sys::close(descriptor_);
  if (memory_) sys::unmap(memory_, protocol::ram_size);
  *this = Machine{};
}

// SPDX-License-Identifier: GPL-2.0-or-later
//
// init of a Linux that has nothing else: runs guests under KVM for a while, then looks for kernel warnings.
// On the kernel's command line: lvztest.seconds=N (default 600) and lvztest.mode=load (KVM must be there),
// lvztest.mode=linux (Debian's kernel again, as a guest), lvztest.mode=plain (only report that Linux came up and that
// KVM is absent: lvz=off).
#include "linux_guest.hpp"
#include "machine.hpp"

namespace {

using sys::Line;

constexpr unsigned default_seconds = 600;
constexpr unsigned suspicious_ms = 20'000, long_silence_ms = 120'000, short_patience_ms = 10'000;

constinit unsigned failures = 0;

void check(bool good, const char* name) {
  Line() << (good ? "ok " : "not ok ") << name;
  if (!good) ++failures;
}

struct Options {
  unsigned seconds = default_seconds;
  bool plain = false, linux = false;
};

const char* behind(const char* text, const char* word) {
  for (; *text; ++text) {
    size_t i = 0;
    while (word[i] && text[i] == word[i]) ++i;
    if (!word[i]) return text + i;
  }
  return nullptr;
}

void mount_file_systems() {
  constexpr struct {
    const char *type, *at;
  } mounts[] = {{"devtmpfs", "/dev"}, {"proc", "/proc"}};
  for (const auto& [type, at] : mounts) {
    sys::call(sys::Call::mkdirat, -100, sys::as_long(at), 0755);
    sys::call(sys::Call::mount, sys::as_long(type), sys::as_long(at), sys::as_long(type));
  }
}

Options read_options() {
  static char line[4096];
  const int file = sys::open("/proc/cmdline", sys::read_only);
  sys::call(sys::Call::read, file, sys::as_long(line), sizeof line - 1);
  sys::close(file);
  Options options;
  options.plain = behind(line, "lvztest.mode=plain") != nullptr;
  options.linux = behind(line, "lvztest.mode=linux") != nullptr;
  if (const char* digits = behind(line, "lvztest.seconds=")) {
    options.seconds = 0;
    while (*digits >= '0' && *digits <= '9')
      options.seconds = options.seconds * 10 + static_cast<unsigned>(*digits++ - '0');
  }
  return options;
}

/// The kernel's log as records "priority,sequence,time,flags;text".
class KernelLog {
 public:
  KernelLog() : file_{sys::open("/dev/kmsg", sys::read_only | sys::non_blocking)} {}
  bool is_open() const { return file_ >= 0; }

  /// Reads on to the end; prints and counts records of level warning or worse.
  unsigned warnings(const char* since) {
    static char record[8192];
    unsigned count = 0;
    for (;;) {
      const long size = sys::call(sys::Call::read, file_, sys::as_long(record), sizeof record - 1);
      if (size == overrun) continue;
      if (size <= 0) return count;
      record[size] = 0;
      if (level_of(record) > warning) continue;
      ++count;
      Line() << "# kernel warning " << since << ": " << text_of(record);
    }
  }

 private:
  static constexpr long overrun = -32;
  static constexpr unsigned warning = 4;

  /// The record's first line, ended in place.
  static const char* text_of(char* record) {
    char* text = record;
    while (*text && *text != ';') ++text;
    if (*text) ++text;
    for (char* end = text; *end; ++end) {
      if (*end == '\n') *end = 0;
    }
    return text;
  }

  static unsigned level_of(const char* record) {
    unsigned priority = 0;
    while (*record >= '0' && *record <= '9') priority = priority * 10 + static_cast<unsigned>(*record++ - '0');
    return priority & 7;
  }

  int file_;
};

/// Notices a vCPU that makes no progress.
class Watch {
 public:
  bool is_stuck(Machine& machine) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < machine.vcpu_count(); ++i) {
      const uint64_t rounds = machine.vcpu(i).rounds;
      if (rounds != seen_[i]) since_[i] = sys::milliseconds();
      seen_[i] = rounds;
      const uint64_t silence = sys::milliseconds() - since_[i];
      if (silence > suspicious_ms && sys::milliseconds() > next_description_) {
        machine.describe();
        next_description_ = sys::milliseconds() + suspicious_ms;
      }
      sum += silence > long_silence_ms;
    }
    return sum != 0;
  }
  explicit Watch(const Machine& machine) {
    for (unsigned i = 0; i < machine.vcpu_count(); ++i) since_[i] = sys::milliseconds();
  }

 private:
  uint64_t seen_[max_vcpus] = {};
  uint64_t since_[max_vcpus] = {};
  uint64_t next_description_ = 0;
};

bool wait_until_over(Machine& machine, unsigned limit_ms) {
  machine.ask_to_stop();
  const uint64_t end = sys::milliseconds() + limit_ms;
  while (!machine.is_over()) {
    if (sys::milliseconds() > end) return false;
    sys::sleep_ms(20);
  }
  return true;
}

/// One machine after the other, each for a single round and with its dirty pages logged. It gets no interrupts but
/// those it asked for: nothing wakes it again when one is lost.
class ShortLives {
 public:
  /// Creates one or looks at the one there is; does not wait. False when something is wrong, which is then said.
  bool advance(int kvm) {
    if (!running_) return begin(kvm);
    if (machine_.is_over()) return end();
    if (sys::milliseconds() < limit_) return true;
    Line() << "# the " << machine_.name() << " does not end";
    machine_.interrupt_and_describe();
    return false;  // its thread still runs: it cannot be destroyed
  }
  uint64_t count() const { return count_; }

 private:
  static constexpr uint64_t little_data = 32 * protocol::page_size;

  bool begin(int kvm) {
    if (!machine_.create(kvm, {"short-lived VM", 1, little_data, true})) return false;
    machine_.ask_to_stop();
    limit_ = sys::milliseconds() + long_silence_ms;
    running_ = true;
    return machine_.start();
  }
  bool end() {
    running_ = false;
    const bool good = !machine_.has_failed() && machine_.check_results();
    const long missing = machine_.missing_in_dirty_log();
    if (missing) Line() << "# dirty log misses " << static_cast<uint64_t>(missing) << " pages";
    machine_.destroy();
    ++count_;
    return good && missing == 0;
  }

  Machine machine_;
  uint64_t count_ = 0, limit_ = 0;
  bool running_ = false;
};

struct Load {
  Machine pair, single;
  ShortLives brief;
};

constinit Load* load = nullptr;

/// On a busy machine the time may be over before a vCPU completed its first round; then the load goes on until it has.
bool did_everything_once() {
  const Machine* const machines[] = {&load->pair, &load->single};
  for (const Machine* machine : machines) {
    for (unsigned i = 0; i < machine->vcpu_count(); ++i) {
      if (!machine->vcpu(i).rounds) return false;
    }
  }
  return load->brief.count() > 0;
}

/// Interrupts at any moment from outside, short-lived machines in between, until the time is over.
bool drive(int kvm, unsigned seconds) {
  Watch pair{load->pair}, single{load->single};
  const uint64_t start = sys::milliseconds(), end = start + seconds * uint64_t{1000};
  uint64_t next_word = start + 10'000;
  Machine* const machines[] = {&load->pair, &load->single};
  while (sys::milliseconds() < end || !did_everything_once()) {
    for (Machine* machine : machines) {
      if (machine->is_over()) return false;
      for (unsigned i = 0; i < machine->vcpu_count(); ++i) machine->raise(i, protocol::foreign_line);
    }
    if (pair.is_stuck(load->pair) || single.is_stuck(load->single)) {
      Line() << "# a vCPU makes no progress";
      load->pair.interrupt_and_describe();
      load->single.interrupt_and_describe();
      return false;
    }
    if (!load->brief.advance(kvm)) return false;
    if (sys::milliseconds() >= next_word) {
      next_word += 10'000;
      Line() << "# " << (sys::milliseconds() - start) / 1000 << " s: rounds " << load->pair.vcpu(0).rounds << ", "
             << load->pair.vcpu(1).rounds << " and " << load->single.vcpu(0).rounds << ", " << load->brief.count()
             << " short-lived VMs";
    }
    sys::sleep_ms(3);
  }
  return true;
}

void check_machine(Machine& machine, unsigned limit_ms, const char* ended, const char* good, const char* sums) {
  check(wait_until_over(machine, limit_ms), ended);
  check(!machine.has_failed(), good);
  check(machine.check_results(), sums);
  for (unsigned i = 0; i < machine.vcpu_count(); ++i) machine.say_counters(machine.vcpu(i));
}

bool all_worked(const Machine& machine) {
  volatile protocol::Params& params = machine.params();
  for (unsigned i = 0; i < machine.vcpu_count(); ++i) {
    const Vcpu& vcpu = machine.vcpu(i);
    if (!vcpu.rounds || !params.timer_ticks[i] || !params.own_interrupts[i] || !params.foreign_interrupts[i])
      return false;
    if (!vcpu.iocsr || !params.system_calls[i]) return false;
  }
  return true;
}

void run_load(unsigned seconds) {
  const int kvm = sys::open("/dev/kvm", sys::read_write);
  check(kvm >= 0, "/dev/kvm opens");
  if (kvm < 0) return;
  check(sys::ioctl(kvm, kvm::get_api_version) == 12, "KVM's interface has version 12");
  load = static_cast<Load*>(sys::map(sizeof(Load)));
  const bool created = load && load->pair.create(kvm, {"VM of two vCPUs", 2, protocol::most_data, false}) &&
                       load->single.create(kvm, {"VM of one vCPU", 1, protocol::most_data, false});
  check(created, "two VMs with three vCPUs are created");
  if (!created) return;
  check(load->pair.start() && load->single.start(), "three vCPUs start");
  const bool ran = drive(kvm, seconds);
  check(ran, "the load runs its time");
  const unsigned limit_ms = ran ? long_silence_ms : short_patience_ms;
  check_machine(load->pair, limit_ms, "the VM of two vCPUs ends when asked", "the VM of two vCPUs saw no wrong value",
                "atomics of two vCPUs add up");
  check_machine(load->single, limit_ms, "the VM of one vCPU ends when asked", "the VM of one vCPU saw no wrong value",
                "atomics of one vCPU add up");
  check(all_worked(load->pair) && all_worked(load->single), "every vCPU did every part of the load");
  check(load->brief.count() > 0, "VMs came and went meanwhile, with every written page in the dirty log");
  Line() << "# " << load->brief.count() << " short-lived VMs";
}

}  // namespace

extern "C" [[noreturn]] void program() {
  mount_file_systems();
  const int console = sys::open("/dev/console", sys::read_write);
  Line() << "lvz-test: Linux is up, descriptor " << static_cast<unsigned>(console);
  const Options options = read_options();
  KernelLog log;
  check(log.is_open(), "the kernel's log can be read");
  static_cast<void>(log.warnings("while booting"));
  if (options.plain) {
    const int kvm = sys::open("/dev/kvm", sys::read_write);
    check(kvm < 0, "without LVZ there is no /dev/kvm");
  } else if (options.linux) {
    const int kvm = sys::open("/dev/kvm", sys::read_write);
    check(kvm >= 0, "/dev/kvm opens");
    check(run_linux_guest(kvm, options.seconds * 1000), "Debian's kernel runs on two vCPUs under KVM");
  } else {
    run_load(options.seconds);
  }
  check(log.warnings("during the test") == 0, "the kernel logged no warning");
  Line() << "lvz-test: " << failures << " failures, " << (failures ? "FAILED" : "PASSED");
  sys::power_off();
}

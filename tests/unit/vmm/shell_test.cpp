// SPDX-License-Identifier: Apache-2.0
#include "vmm/shell/shell.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "console_fakes.hpp"
#include "hal/log.hpp"
#include "hal/timer.hpp"

namespace arch {
uint64_t Timer::now() { return 1'500'000'000; }
}  // namespace arch

namespace vmm::shell {
namespace {

// A machine with a few VMs that obey the table of the life cycle.
class FakeBackend final : public Backend {
 public:
  FakeBackend() {
    add("linux", VmState::running, 2);
    add("uboot", VmState::stopped, 1);
    add("ubuntu", VmState::crashed, 1);
    vms[2].last_words = "vCPU 0: unknown instruction";
  }
  void add(std::string_view name, VmState state, unsigned vcpus) {
    VmInfo vm;
    vm.id = next_id++;
    vm.name = config::VmName(name);
    vm.state = state;
    vm.vcpus = vcpus;
    vm.memory = 128 * hal::mib;
    vm.policy = "fair";
    vm.starts = 1;
    vm.run_ns = 1'234'567'890;
    vm.kernel = "Image";
    vm.has_two_consoles = name == "linux";
    vms.push_back(vm);
  }
  VmInfo* find(VmId id) {
    for (VmInfo& vm : vms) {
      if (vm.id == id) return &vm;
    }
    return nullptr;
  }

  std::optional<VmInfo> next_vm(std::optional<VmId> previous) override {
    for (const VmInfo& vm : vms) {
      if (!previous || vm.id > *previous) return vm;
    }
    return std::nullopt;
  }
  std::optional<VmInfo> vm(VmId id) override {
    const VmInfo* const vm = find(id);
    return vm == nullptr ? std::nullopt : std::optional(*vm);
  }
  std::optional<DeviceReport> device(VmId id, unsigned number) override {
    const VmInfo* const vm = find(id);
    if (vm == nullptr || vm->name.view() != "linux" || number > 1) return std::nullopt;
    if (number == 1) {
      return DeviceReport{.name = "network",
                          .backend = "lan 52:54:00:01:02:03",
                          .requests = 20,
                          .read_bytes = 2048,
                          .written_bytes = 1024,
                          .errors = 7};
    }
    return DeviceReport{.name = "disk",
                        .backend = "copy-on-write disks/root.img",
                        .size = 64 * hal::mib,
                        .requests = 10,
                        .read_bytes = 3 * hal::mib,
                        .written_bytes = 4096,
                        .flushes = 2,
                        .discards = 1,
                        .notifications = 6,
                        .interrupts = 5,
                        .errors = 0};
  }
  std::optional<HostDiskReport> host_disk(unsigned number) override {
    return number < host_disks.size() ? std::optional(host_disks[number]) : std::nullopt;
  }
  std::optional<VcpuInfo> vcpu(VmId id, unsigned index) override {
    const VmInfo* const vm = find(id);
    if (vm == nullptr || index >= vm->vcpus) return std::nullopt;
    return VcpuInfo{
        .index = index,
        .on = true,
        .activity = "running",
        .cpu = 3,
        .run_ns = 5,
        .wait_ns = 6,
        .steals = 2,
        .switches = 7,
        .migrations = 8,
        .injected = 9,
        .exits = {ExitInfo{.count = 4}, {}, {.count = 20, .measured = 10, .total_ns = 5000, .longest_ns = 900}}};
  }
  bool put_crash(VmId id, hal::TextSink& sink) override {
    if (find(id)->state != VmState::crashed) return false;
    sink.put("its last crash\n");
    return true;
  }
  bool put_report(VmId, hal::TextSink& sink) override {
    if (!refuse) sink.put("as it is\n");
    return !refuse;
  }
  hal::Result<void, std::string_view> perform(VmId id, VmEvent event) override {
    VmInfo* const vm = find(id);
    done.push_back(std::string(vm->name.view()) + " " + std::string(name(event)));
    if (refuse) return hal::fail(std::string_view("out of memory"));
    if (impatient) return hal::fail(interrupted);
    vm->state = *next_state(vm->state, event);
    if (crash_at_start && vm->state == VmState::running) vm->state = VmState::crashed;
    if (event == VmEvent::destroy) vms.erase(vms.begin() + (vm - vms.data()));
    return {};
  }
  hal::Result<void, std::string_view> request(VmId id, VmEvent event) override {
    const VmInfo* const vm = find(id);
    if (refuse || !next_state(vm->state, event)) return hal::fail(std::string_view("not possible in this state"));
    done.push_back("ask " + std::string(vm->name.view()));
    return {};
  }
  bool can_run_guests() override { return capable; }
  hal::Result<VmId, std::string_view> create(std::string_view file) override {
    if (refuse) return hal::fail(std::string_view("not possible"));
    add(file.substr(4, file.size() - 9), VmState::created, 1);
    return next_id - 1;
  }
  std::optional<std::string_view> vm_file(size_t index) override {
    if (index >= files.size()) return std::nullopt;
    return files[index];
  }
  void attach_console(VmId id, Which which) override {
    done.push_back("attach " + std::string(find(id)->name.view()) + (which == Which::second ? " hvc0" : ""));
  }
  void watch_consoles() override { done.emplace_back("watch"); }
  void put_console(VmId, Which which, hal::TextSink& sink) override {
    sink.put(which == Which::second ? "of hvc0\n" : console);
  }
  std::string_view console_escape() override { return "Ctrl-^"; }
  std::optional<CpuInfo> cpu(unsigned index) override {
    if (index > 1) return std::nullopt;
    CpuInfo info{.index = index, .idle = index == 0, .load = 100, .idle_ns = 500'000'000, .owner = {}};
    if (index == 1) info.owner = "linux.0";
    return info;
  }
  MemoryInfo memory() override {
    MemoryInfo info{.total = hal::gib,
                    .free = 512 * hal::mib,
                    .dirty = 0,
                    .hypervisor = 2 * hal::mib,
                    .uses = {},
                    .tasks = 5,
                    .guest_tags = 2,
                    .heap_objects = 3,
                    .heap_bytes = 4096};
    (void)info.uses.push_back({"guest", 510 * hal::mib});
    return info;
  }
  uint64_t uptime_ns() override { return 1'000'000'000; }
  uint64_t log_time_ns(uint64_t ticks) override { return ticks; }
  void measure_exit_costs(bool on) override { measuring = on; }
  bool measures_exit_costs() override { return measuring; }
  bool start_trace() override {
    done.emplace_back("trace");
    return !refuse;
  }
  void stop_trace() override { done.emplace_back("no trace"); }
  void dump_trace(hal::TextSink& sink) override { sink.put("trace end records=0 lost=0\n"); }
  void power_off() override { done.emplace_back("power off"); }
  void reboot() override { done.emplace_back("reboot"); }

  std::vector<VmInfo> vms;
  std::vector<HostDiskReport> host_disks;
  std::vector<std::string_view> files{"vms/linux.toml", "vms/uboot.toml"};
  std::vector<std::string> done;
  std::string console;
  bool refuse = false;
  bool capable = true;
  bool impatient = false;  // the user types Ctrl-C
  bool measuring = false;
  bool crash_at_start = false;
  VmId next_id = 1;
};

class FakeTerminal final : public Terminal {
 public:
  void show_input(std::string_view line, size_t at) override {
    EXPECT_LE(line.size(), Console::input_width);
    EXPECT_LE(at, Console::input_width);
    input = line;
    cursor = at;
    ++drawn;
  }
  void end_input() override { text += input + "\r\n"; }
  void write(std::string_view more) override { text += more; }

  std::string input, text;
  size_t cursor = 0;
  unsigned drawn = 0;
};

class ShellTest : public testing::Test {
 protected:
  ShellTest() { shell.start(); }

  // Types; returns what was written, with "\n" for "\r\n".
  std::string type(std::string_view bytes) {
    terminal.text.clear();
    shell.feed({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    std::string text = terminal.text;
    std::erase(text, '\r');
    return text;
  }
  // The output of one command, without the line itself.
  std::string run(std::string_view line) {
    const std::string text = type(std::string(line) + "\r");
    return text.substr(text.find('\n') + 1);
  }
  // What the input line is after a key.
  std::string after(std::string_view keys) {
    type(keys);
    return terminal.input.substr(std::min<size_t>(8, terminal.input.size()));
  }

  FakeBackend backend;
  FakeTerminal terminal;
  Shell shell{backend, terminal};
};

TEST_F(ShellTest, shows_its_prompt_and_what_is_typed) {
  EXPECT_EQ(terminal.input, "plinth> ");
  EXPECT_EQ(terminal.cursor, 8U);
  type("vm li");
  EXPECT_EQ(terminal.input, "plinth> vm li");
  EXPECT_EQ(terminal.cursor, 13U);
  EXPECT_EQ(terminal.drawn, 2U) << "a pasted piece is drawn once";
}

TEST_F(ShellTest, shows_the_part_of_a_long_line_around_the_cursor) {
  const std::string line(150, 'x');
  type(line + "!");
  EXPECT_EQ(terminal.input, "plinth> " + std::string(69, 'x') + "!");
  EXPECT_EQ(terminal.cursor, 78U);
  type("\x01");
  EXPECT_EQ(terminal.input, "plinth> " + std::string(71, 'x'));
  EXPECT_EQ(terminal.cursor, 8U);
}

TEST_F(ShellTest, lists_the_vms) {
  EXPECT_EQ(run("vm list"),
            "id  name              state      vcpus  memory    starts  cpu seconds\n"
            "1   linux             running        2  128MiB         1        1.234\n"
            "2   uboot             stopped        1  128MiB         1        1.234\n"
            "3   ubuntu            crashed        1  128MiB         1        1.234\n");
  EXPECT_TRUE(
      run("vm list --json").starts_with(R"([{"id":1,"name":"linux","state":"running","vcpus":2,"memory":134217728,)"));
  backend.vms.clear();
  EXPECT_EQ(run("vm list"), "no VMs; 'vm create FILE' makes one\n");
  EXPECT_EQ(run("vm list --json"), "[]\n");
}

TEST_F(ShellTest, offers_no_vms_on_a_machine_that_cannot_run_any) {
  backend.vms.clear();
  backend.capable = false;
  EXPECT_EQ(run("vm list"), "no VMs: this machine cannot run guests; 'log' says why\n");
  EXPECT_EQ(run("vm show linux"), "error: there is no VM 'linux'\n");
  EXPECT_EQ(run("vm create vms/linux.toml"), "error: this machine cannot run guests; 'log' says why\n");
  EXPECT_TRUE(backend.vms.empty());
}

TEST_F(ShellTest, shows_one_vm_by_name_number_or_unique_beginning) {
  const std::string text = run("vm show linux");
  EXPECT_TRUE(text.starts_with("name       linux (id 1)\nstate      running\n"));
  EXPECT_EQ(run("vm show 1"), text);
  EXPECT_EQ(run("vm show li"), text);
  EXPECT_TRUE(run("vm show ubuntu").find("last       vCPU 0: unknown instruction\n") != std::string::npos);
  EXPECT_TRUE(run("vm show ubuntu --json")
                  .ends_with(R"("migrations":8,"injected":9}],"devices":[]})"
                             "\n"));
  EXPECT_TRUE(run("vm show --json linux").starts_with("{"));
}

TEST_F(ShellTest, shows_times_and_exits_of_each_vcpu) {
  const std::string text =
      "vcpu  cpu  ran seconds  waited seconds    steals    switches  migrations    injected\n"
      "   0    3        0.000           0.000         2           7           8           9\n"
      "\nvcpu 0  exits             count    measured    total us     mean ns  longest ns\n"
      "        interrupt             4\n"
      "        call                 20          10           5         500         900\n";
  EXPECT_EQ(run("vm stats uboot"), text + "\n'stats on' begins to measure what exits cost\n");
  EXPECT_EQ(run("stats on"), "");
  EXPECT_EQ(run("vm stats uboot"), text);
  EXPECT_EQ(run("stats off"), "");
  EXPECT_FALSE(backend.measuring);
  const std::string json = run("vm stats uboot --json");
  EXPECT_NE(json.find(R"("call":{"count":20,"measured":10,"total_ns":5000,"longest_ns":900})"), std::string::npos)
      << json;
}

TEST_F(ShellTest, says_what_is_possible_instead) {
  EXPECT_EQ(run("vm show ub"), "error: 'ub' could be uboot, ubuntu\n");
  EXPECT_EQ(run("vm show debian"), "error: there is no VM 'debian', but linux, uboot, ubuntu\n");
  EXPECT_EQ(run("vm start 9"), "error: there is no VM '9', but linux, uboot, ubuntu\n");
  EXPECT_EQ(run("vm start linux"),
            "error: linux is running: cannot start it; possible: stop, suspend, restart, destroy\n");
  EXPECT_EQ(run("vm resume uboot"), "error: uboot is stopped: cannot resume it; possible: start, restart, destroy\n");
  EXPECT_EQ(run("nonsense"), "error: there is no command 'nonsense'; 'help' lists them\n");
  EXPECT_EQ(run("l"), "error: 'l' could be log, loglevel\n");
  EXPECT_EQ(run("vm"),
            "error: 'vm' what? There are list, show, create, start, stop, suspend, resume, restart, destroy, log, "
            "stats, crash\n");
  EXPECT_EQ(run("vm sta"), "error: 'vm sta' could be start, stats\n");
  EXPECT_EQ(run("cpu x"), "error: there is no 'cpu x', but list\n");
  EXPECT_EQ(run("vm show"), "error: usage: vm show VM [--json]\n");
  EXPECT_EQ(run("vm stop linux now"), "error: usage: vm stop VM [--force]\n");
  EXPECT_EQ(run("vm stop linux --json"), "error: 'vm stop' does not take --json; usage: vm stop VM [--force]\n");
  EXPECT_EQ(run("vm create vms/x.toml"),
            "error: the bundle has no VM file 'vms/x.toml'; there are vms/linux.toml, vms/uboot.toml\n");
  EXPECT_EQ(run("vm crash linux"),
            "error: linux has not crashed; 'vm crash linux --now' shows a VM that is suspended\n");
  EXPECT_EQ(run("vm crash linux --now"), "error: linux is running; 'vm suspend linux' freezes it first\n");
  EXPECT_EQ(run("loglevel loud"), "error: 'loud' is not error, warning, info or debug\n");
  EXPECT_EQ(run("console"), "error: usage: console VM[:hvc0] | --all; Ctrl-^ comes back to the prompt\n");
  EXPECT_EQ(run("a b c d e f g h i j k l m n o p q"), "error: too many words\n");
  EXPECT_EQ(run(std::string(300, 'x')), "error: the line is too long: at most 200 characters\n");
  EXPECT_TRUE(backend.done.empty());
}

TEST_F(ShellTest, takes_commands_by_their_unique_beginnings) {
  EXPECT_EQ(run("v li"), run("vm list"));
  EXPECT_EQ(run("con uboot"), "");
  EXPECT_EQ(backend.done, std::vector<std::string>{"attach uboot"});
  EXPECT_EQ(run("log"), run("log")) << "a whole word beats the beginning of another";
}

TEST_F(ShellTest, changes_the_state_of_vms) {
  EXPECT_EQ(run("vm suspend linux"), "linux: suspended\n");
  EXPECT_EQ(run("vm resume linux"), "linux: resumed\n");
  EXPECT_EQ(run("vm stop linux"), "linux: stopped\n");
  EXPECT_EQ(run("vm start linux"), "linux: started\n");
  EXPECT_EQ(run("vm stop --force linux"), "linux: stopped\n");
  EXPECT_EQ(backend.done.back(), "linux kill");
  EXPECT_EQ(run("vm start linux"), "linux: started\n");
  EXPECT_EQ(run("vm restart linux"), "linux: restarted\n");
  EXPECT_EQ(run("vm destroy linux"), "linux: destroyed\n");
  EXPECT_EQ(run("vm show linux"), "error: there is no VM 'linux', but uboot, ubuntu\n");
  EXPECT_EQ(run("vm create vms/linux.toml"), "linux: created; 'vm start 4' lets it run\n");
  backend.refuse = true;
  EXPECT_EQ(run("vm start 4"), "error: linux: out of memory\n");
  backend.refuse = false;
  backend.crash_at_start = true;
  backend.find(4)->last_words = "no image";
  EXPECT_EQ(run("vm start 4"), "error: linux crashed: no image\n");
}

TEST_F(ShellTest, says_what_becomes_of_an_event_that_nobody_waits_for) {
  backend.impatient = true;
  EXPECT_EQ(run("vm stop linux"), "error: linux: not waited for; it will be stopped all the same\n");
  EXPECT_EQ(run("vm start uboot"), "error: uboot: not waited for; it will be started all the same\n");
}

TEST_F(ShellTest, leaves_the_machine_on_when_nobody_waits_for_its_vms_to_end) {
  backend.impatient = true;
  for (const std::string command : {"poweroff", "reboot"}) {
    backend.done.clear();
    EXPECT_EQ(run(command), "error: interrupted: the machine stays on, and the VMs are stopped all the same\n");
    EXPECT_EQ(backend.done, (std::vector<std::string>{"ask linux", "ask ubuntu", "linux stop"})) << "and only these";
  }
}

TEST_F(ShellTest, says_when_an_event_came_too_late_also_where_it_does_not_wait) {
  backend.refuse = true;
  EXPECT_EQ(run("vm stop linux &"), "error: linux: not possible in this state\n");
  EXPECT_EQ(run("vm crash uboot --now"), "error: uboot is running; 'vm suspend uboot' freezes it first\n")
      << "started meanwhile";
}

TEST_F(ShellTest, shows_what_is_about_to_change_and_how_often_a_guest_reset_itself) {
  backend.vms[0].changing = true;
  backend.vms[0].resets = 7;
  EXPECT_NE(run("vm show linux").find("state      running, about to change\n"), std::string::npos);
  EXPECT_NE(run("vm show linux").find("resets     7\n"), std::string::npos);
  EXPECT_NE(run("vm list --json").find(R"("resets":7,"run_ns":1234567890,"changing":true})"), std::string::npos);
}

TEST_F(ShellTest, does_not_wait_where_the_line_ends_in_an_ampersand) {
  EXPECT_EQ(run("vm stop linux &"), "");
  EXPECT_EQ(run("vm destroy uboot &"), "uboot: destroyed\n");
  EXPECT_EQ(run("vm start linux &"),
            "error: linux is running: cannot start it; possible: stop, suspend, restart, destroy\n");
  EXPECT_EQ(run("&"), "");
  EXPECT_EQ(backend.done, (std::vector<std::string>{"ask linux", "uboot destroy"}));
}

TEST_F(ShellTest, shows_why_a_vm_crashed_and_how_one_is_that_does_not_run) {
  EXPECT_EQ(run("vm crash ubuntu"), "its last crash\n");
  EXPECT_EQ(run("vm crash uboot --now"), "as it is\n");
}

TEST_F(ShellTest, shows_the_kept_console_of_a_vm) {
  backend.console = std::string(500, 'x') + "\nlast\n";
  EXPECT_EQ(run("vm log linux"), std::string(500, 'x') + "\nlast\n");
  EXPECT_EQ(run("vm log linux:hvc0"), "of hvc0\n");
}

TEST_F(ShellTest, shows_the_machine) {
  EXPECT_EQ(run("cpu list"),
            "cpu  now   idle %   load  dedicated to\n"
            "  0  idle      49    100  -\n"
            "  1  busy      49    100  linux.0\n");
  EXPECT_TRUE(run("cpu list --json").starts_with(R"([{"index":0,"idle":true,"load":100,)"));
  EXPECT_TRUE(run("mem").starts_with("total                1GiB\nfree               512MiB\n"));
  EXPECT_TRUE(run("mem --json").starts_with(R"({"total":1073741824,"free":536870912,"dirty":0,"guest":534773760,)"));
}

TEST_F(ShellTest, finds_the_second_console_of_a_vm_that_has_two) {
  EXPECT_EQ(run("console linux:hvc0"), "");
  EXPECT_EQ(backend.done, std::vector<std::string>{"attach linux hvc0"});
  EXPECT_EQ(run("console lin:hvc0"), "") << "the beginning of a name is enough";
  EXPECT_EQ(run("console linux:hvc1"), "error: linux has no console 'hvc1', but 'hvc0'\n");
  EXPECT_EQ(run("console linux:"), "error: linux has no console '', but 'hvc0'\n");
  EXPECT_EQ(run("console uboot:hvc0"), "error: uboot has no console 'hvc0' beside its first\n");
  EXPECT_TRUE(run("vm log nobody:hvc0").starts_with("error: there is no VM 'nobody'"));
}

TEST_F(ShellTest, shows_disks_and_what_they_did) {
  EXPECT_TRUE(run("vm show linux").contains("disk       copy-on-write disks/root.img, 64MiB\n"));
  EXPECT_FALSE(run("vm show uboot").contains("disk"));
  EXPECT_EQ(run("disk list"),
            "vm                size        read        written     disk\n"
            "linux             64MiB       3MiB        4KiB        copy-on-write disks/root.img\n");
  EXPECT_EQ(run("disk list --json"),
            R"([{"vm":"linux","device":"disk","backend":"copy-on-write disks/root.img","size":67108864,"requests":10,)"
            R"("read_bytes":3145728,"written_bytes":4096,"flushes":2,"discards":1,"notifications":6,"interrupts":5,)"
            R"("errors":0}])"
            "\n");
  EXPECT_TRUE(run("vm show linux --json").contains(R"("devices":[{"device":"disk",)"));
  EXPECT_TRUE(run("vm show uboot --json").contains(R"("devices":[])"));
  EXPECT_TRUE(run("vm stats linux")
                  .contains("\n"
                            "device   requests  read bytes  written bytes  flushes  discards  notified  interrupts  errors\n"
                            "disk           10     3145728           4096        2         1         6           5       0\n"));
}

TEST_F(ShellTest, shows_the_machines_disks_behind_those_of_vms) {
  backend.host_disks = {{.place = "pci:00:01.0", .serial = "WD-1", .size = hal::gib, .users = 2},
                        {.place = "pci:00:02.0", .serial = {}, .size = hal::mib, .read_only = true, .lost = true}};
  EXPECT_TRUE(run("disk list").ends_with("copy-on-write disks/root.img\n"
                                         "\n"
                                         "host disk         size        used by     serial number\n"
                                         "pci:00:01.0       1GiB        2           WD-1\n"
                                         "pci:00:02.0       1MiB        0            (read-only) (shut off)\n"));
  EXPECT_TRUE(run("disk list --json")
                  .ends_with(R"(,{"host":"pci:00:01.0","serial":"WD-1","size":1073741824,"read_only":false,"lost":false,)"
                             R"("users":2},{"host":"pci:00:02.0","serial":"","size":1048576,"read_only":true,)"
                             R"("lost":true,"users":0}])"
                             "\n"));
}

TEST_F(ShellTest, shows_network_cards_and_what_they_lost) {
  EXPECT_TRUE(run("vm show linux").contains("network    lan 52:54:00:01:02:03\n"));
  EXPECT_EQ(run("net list"),
            "vm                received    sent        lost frames  network\n"
            "linux             2KiB        1KiB        7            lan 52:54:00:01:02:03\n");
  EXPECT_TRUE(run("net list --json").starts_with(R"([{"vm":"linux","device":"network","backend":"lan 52:)"));
}

TEST_F(ShellTest, switches_the_trace_and_dumps_it) {
  EXPECT_EQ(run("trace on"), "");
  EXPECT_EQ(run("trace off"), "");
  EXPECT_EQ(run("trace dump"), "trace end records=0 lost=0\n");
  EXPECT_EQ(backend.done, (std::vector<std::string>{"trace", "no trace", "no trace"}));
  backend.refuse = true;
  EXPECT_EQ(run("trace on"), "error: there is no memory for the trace\n");
}

TEST_F(ShellTest, shows_the_log_and_sets_how_much_is_logged) {
  hal::log::warning("look out");
  EXPECT_TRUE(run("log").ends_with("     1.500000 warning look out\n"));
  EXPECT_EQ(run("loglevel debug"), "");
  EXPECT_EQ(run("loglevel"), "debug\n");
  EXPECT_EQ(run("loglevel info"), "");
}

TEST_F(ShellTest, explains_every_command) {
  const std::string text = run("help");
  for (const Command& command : commands()) {
    EXPECT_NE(text.find("  " + std::string(command.words)), std::string::npos) << command.words;
    EXPECT_NE(run("help " + std::string(command.words)).find(command.help), std::string::npos);
  }
  EXPECT_EQ(run("help dance"), "error: there is no command 'dance'; 'help' lists them\n");
}

TEST_F(ShellTest, has_every_command_in_its_reference) {
  std::ifstream file(std::string(PLINTH_SOURCE) + "/docs/shell.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(text.empty());
  for (const Command& command : commands()) {
    EXPECT_NE(text.find("`" + std::string(command.words)), std::string::npos) << command.words;
  }
}

TEST_F(ShellTest, stops_all_vms_before_the_machine_ends) {
  EXPECT_EQ(run("poweroff"), "switching off\n");
  EXPECT_EQ(backend.done,
            (std::vector<std::string>{"ask linux", "ask ubuntu", "linux stop", "ubuntu stop", "power off"}))
      << "one that has crashed too: it may be about to be restarted";
  backend.done.clear();
  run("reboot");
  EXPECT_EQ(backend.done, std::vector<std::string>{"reboot"});
}

TEST_F(ShellTest, watches_all_consoles) {
  EXPECT_EQ(run("console --all"), "");
  EXPECT_EQ(backend.done, std::vector<std::string>{"watch"});
}

TEST_F(ShellTest, completes_commands_names_files_and_options) {
  EXPECT_EQ(after("po\t"), "poweroff ");
  type("\x03");
  EXPECT_EQ(after("v\t"), "vm ");
  EXPECT_EQ(after("sho\t"), "vm show ");
  EXPECT_EQ(after("l\t"), "vm show linux ");
  EXPECT_EQ(after("--\t"), "vm show linux --json ");
  type("\x03");
  EXPECT_EQ(after("vm create \t"), "vm create vms/");
  EXPECT_EQ(after("u\t"), "vm create vms/uboot.toml ");
  type("\x03");
  EXPECT_EQ(after("batch o\t"), "batch o");
  EXPECT_EQ(after("f\t"), "batch off ");
  type("\x03");
  EXPECT_EQ(after("help vm sh\t"), "help vm show ");
}

TEST_F(ShellTest, lists_candidates_that_differ) {
  EXPECT_EQ(type("vm show ub\t"), "plinth> vm show ub\nuboot  ubuntu  \n");
  EXPECT_EQ(terminal.input, "plinth> vm show ub");
  EXPECT_EQ(type("xyz\t"), "");
}

TEST_F(ShellTest, completes_in_the_middle_of_a_line) {
  type("vm show lin --json\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D");
  EXPECT_EQ(after("\t"), "vm show linux  --json");
}

TEST_F(ShellTest, drops_a_line_by_control_c) {
  EXPECT_EQ(type("vm destroy linux\x03"), "plinth> vm destroy linux\n");
  EXPECT_EQ(terminal.input, "plinth> ");
  EXPECT_TRUE(backend.done.empty());
}

TEST_F(ShellTest, says_ok_or_error_and_nothing_else_in_batch_mode) {
  run("batch on");
  const unsigned drawn = terminal.drawn;
  EXPECT_EQ(type("vm stop linux\r"), "linux: stopped\nok\n");
  EXPECT_EQ(type("vm stop linux\r"), "error: linux is stopped: cannot stop it; possible: start, restart, destroy\n");
  EXPECT_EQ(type("vm show \t\r"), "error: usage: vm show VM [--json]\n");
  EXPECT_EQ(type("\r"), "ok\n");
  EXPECT_EQ(terminal.drawn, drawn);
  EXPECT_EQ(type("batch off\r"), "ok\n");
  EXPECT_EQ(terminal.input, "plinth> ");
}

TEST_F(ShellTest, writes_strings_that_json_can_hold) {
  backend.vms[0].last_words = "a \"quoted\" \\ and \x01 char";
  EXPECT_NE(run("vm show linux --json").find(R"("last_words":"a \"quoted\" \\ and \u0001 char")"), std::string::npos);
}

TEST_F(ShellTest, survives_anything_that_is_typed) {
  std::mt19937 random(9);
  const std::vector<std::string> pieces{"vm ",    "list",      "show ",      "linux ",     "u",        "\t",    "\r",
                                        "\x1b[A", "\x7f",      "\x17",       "--json ",    "console ", "help ", "log ",
                                        "mem ",   "cpu list ", " ",          "start ",     "stop ",    "\x03",  "\x0c",
                                        "vms/",   "create ",   "batch on\r", "batch off\r"};
  for (unsigned i = 0; i < 20'000; ++i) {
    std::string piece = pieces[random() % pieces.size()];
    if (random() % 10 == 0) piece = static_cast<char>(random());
    type(piece);
  }
}

}  // namespace
}  // namespace vmm::shell

// SPDX-License-Identifier: Apache-2.0
// The tables of plinth.toml. docs/config.md has every row of them; a test compares the two.
#include <algorithm>
#include <memory>

#include "config/host_config.hpp"
#include "config/schema.hpp"

namespace config {
namespace {

using toml::Node;

constexpr uint64_t millisecond = 1'000'000;

constexpr Choice<LogLevel> log_levels[] = {
    {"error", LogLevel::error}, {"warning", LogLevel::warning}, {"info", LogLevel::info}, {"debug", LogLevel::debug}};

void read_vms(Loader& loader, const Node& node, hal::FixedVector<BundlePath, max_vm_files>& out) {
  if (!loader.expect_array(node, "paths", max_vm_files)) return;
  for (const Node& element : node) {
    BundlePath path;
    if (!loader.read_path(element, path)) continue;
    if (std::ranges::contains(out, path.view(), &BundlePath::view)) {
      loader.error(element.position(), "`{}` names \"{}\" twice", loader.key(), path.view());
    } else {
      (void)out.push_back(path);
    }
  }
}

// "Ctrl-^": one of the keys that a terminal turns into a control character (ECMA-48, C0), but for those that people
// type all the time.
void read_escape(Loader& loader, const Node& node, char& out) {
  constexpr std::string_view prefix = "Ctrl-";
  constexpr std::string_view taken = "@[HIJM";  // NUL, Escape, Backspace, Tab, line feed, Enter
  hal::FixedString<16> text;
  if (!loader.read_text(node, text)) return;
  std::string_view key = text;
  const bool has_prefix = key.starts_with(prefix);
  if (has_prefix) key.remove_prefix(prefix.size());
  char letter = key.size() == 1 ? key[0] : '\0';
  if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  if (!has_prefix || letter < '@' || letter > '_' || taken.contains(letter)) {
    loader.error(node.position(),
                 "`{}` is a control key like \"Ctrl-^\", none of Ctrl-@, -[, -H, -I, -J, -M; not \"{}\"", loader.key(),
                 text.view());
    return;
  }
  out = static_cast<char>(letter - '@');
}

constexpr Key<HostConfig> console_keys[] = {
    {{"escape", "control key", "\"Ctrl-^\"", "leads from a guest's console to the prompt"},
     [](Loader& loader, const Node& node, HostConfig& out) { read_escape(loader, node, out.console_escape); }},
    {{"attach", "name of a VM", "the only autostarted VM", "whose console is on the terminal after start"},
     [](Loader& loader, const Node& node, HostConfig& out) { loader.read_name(node, out.console_attach); }},
};

constexpr Key<HostConfig> scheduler_keys[] = {
    {{"slice", "time", "\"5ms\"", "time slice of fair VMs that do not choose their own"},
     [](Loader& loader, const Node& node, HostConfig& out) {
       loader.read_duration(node, millisecond / 10, 1000 * millisecond, out.scheduler_slice_ns);
     }},
};

constexpr Key<HostConfig> host_keys[] = {
    {{"log_level", "\"error\", \"warning\", \"info\" or \"debug\"", "\"info\"", "how much the hypervisor tells"},
     [](Loader& loader, const Node& node, HostConfig& out) { loader.read_choice(node, log_levels, out.log_level); }},
    {{"vms", "array of paths", "every vms/*.toml", "the VM files in the bundle to create VMs from, in this order"},
     [](Loader& loader, const Node& node, HostConfig& out) { read_vms(loader, node, out.vms); }},
    {{"console", "table", "{}", "the terminal"},
     [](Loader& loader, const Node& node, HostConfig& out) { loader.read_table(node, console_keys, out); }},
    {{"scheduler", "table", "{}", "defaults for the VMs' scheduling"},
     [](Loader& loader, const Node& node, HostConfig& out) { loader.read_table(node, scheduler_keys, out); }},
};

}  // namespace

hal::Result<void, Invalid> load_host(std::string_view text, std::span<std::byte> arena, Diagnostics& diagnostics,
                                     HostConfig& host) {
  std::construct_at(&host);
  const Node* const root = parse_document(text, arena, diagnostics);
  if (root == nullptr) return hal::fail(Invalid{diagnostics.errors()});
  Loader loader(diagnostics, visit_host_keys);
  loader.read_table(*root, host_keys, host);
  if (loader.errors() == 0) return {};
  std::construct_at(&host);
  return hal::fail(Invalid{loader.errors()});
}

void visit_host_keys(KeyVisitor& visitor) {
  for (const auto& key : host_keys) visitor.visit("", key.info);
  for (const auto& key : console_keys) visitor.visit("[console]", key.info);
  for (const auto& key : scheduler_keys) visitor.visit("[scheduler]", key.info);
}

}  // namespace config

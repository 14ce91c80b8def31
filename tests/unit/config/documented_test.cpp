// SPDX-License-Identifier: Apache-2.0
// docs/config.md against the tables that the loader works by.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "config/schema.hpp"
#include "load.hpp"
#include "toml_text.hpp"

namespace {

std::string documentation() {
  std::ifstream file(std::string(PLINTH_SOURCE) + "/docs/config.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

// The text under a heading, up to the next one.
std::string section(const std::string& text, const std::string& heading) {
  const size_t start = text.find("\n### " + heading + "\n");
  if (start == std::string::npos) return {};
  return text.substr(start, text.find("\n##", start + 1) - start);
}

struct Example {
  std::string file;
  std::string text;
};
std::vector<Example> examples() {
  std::vector<Example> found;
  const std::string text = documentation();
  constexpr std::string_view fence = "```toml\n# ";
  for (size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at + 1)) {
    const size_t name = at + fence.size();
    found.push_back(
        {text.substr(name, text.find('\n', name) - name), text.substr(at + 8, text.find("\n```", at + 8) - at - 7)});
  }
  return found;
}

// "[[memory.region]].address" for every key below `node`.
void collect_keys(const config::toml::Node& node, const std::string& path, std::set<std::string>& out) {
  for (const auto& member : node) {
    const std::string full = path.empty() ? std::string(member.key()) : path + "." + std::string(member.key());
    out.insert(full);
    if (member.is(config::toml::Kind::table)) collect_keys(member, full, out);
    if (!member.is(config::toml::Kind::array)) continue;
    for (const auto& element : member) {
      if (element.is(config::toml::Kind::table)) collect_keys(element, full, out);
    }
  }
}

class Documented final : public config::KeyVisitor {
 public:
  Documented(std::string top_heading, std::string suffix, bool host)
      : top_heading_(std::move(top_heading)), suffix_(std::move(suffix)) {
    for (const Example& example : examples()) {
      if ((example.file == "plinth.toml") != host) continue;
      const TomlText toml(example.text);
      if (toml.ok()) collect_keys(toml.root(), "", in_examples_);
    }
  }

  void visit(std::string_view table, const config::KeyInfo& info) override {
    const std::string heading = table.empty() ? top_heading_ : std::string(table) + suffix_;
    const std::string text = section(text_, heading);
    EXPECT_FALSE(text.empty()) << "no section \"### " << heading << "\" in docs/config.md";
    const std::string row =
        "\n| `" + std::string(info.name) + "` | " + std::string(info.type) + " | " + std::string(info.fallback) + " | ";
    EXPECT_TRUE(text.contains(row)) << "docs/config.md, ### " << heading << " lacks the row" << row;
    std::string path;
    for (const char c : table) {
      if (c != '[' && c != ']') path += c;
    }
    path += (path.empty() ? "" : ".") + std::string(info.name);
    EXPECT_TRUE(in_examples_.contains(path)) << "no example in docs/config.md uses " << path;
  }

 private:
  std::string top_heading_;
  std::string suffix_;
  std::string text_ = documentation();
  std::set<std::string> in_examples_;
};

TEST(Documentation, has_every_key_of_a_vm_file_with_type_default_and_example) {
  Documented documented("Top level", "", false);
  config::visit_vm_keys(documented);
}

TEST(Documentation, has_every_key_of_plinth_toml_with_type_default_and_example) {
  Documented documented("Settings", " of plinth.toml", true);
  config::visit_host_keys(documented);
}

TEST(Documentation, shows_examples_that_load) {
  size_t vms = 0;
  for (const Example& example : examples()) {
    const bool host = example.file == "plinth.toml";
    const Loaded loaded = host ? Loaded::host(example.text) : Loaded::vm(example.text);
    EXPECT_TRUE(loaded.ok()) << example.file << "\n" << loaded.messages();
    vms += !host;
  }
  EXPECT_GE(vms, 5U);
}

}  // namespace

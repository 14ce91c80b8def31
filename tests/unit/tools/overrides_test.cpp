// SPDX-License-Identifier: Apache-2.0
#include "tools/host/overrides.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "config/places.hpp"
#include "config/toml.hpp"
#include "config/vm_config.hpp"
#include "tools/host/toml_memory.hpp"

namespace {

using host::ConfigText;
using host::Override;

constexpr std::string_view sample = R"(# a VM
name = "x"
vcpus = 1 # one
memory = "16MiB"

[kernel]
image = "a"   # the image

[[memory2.region]]
address = 0

[console]
model = "none"
)";

ConfigText file_with(std::string_view text) { return ConfigText::of("x.toml", text); }

// The text after one override; the numbers of its lines in the original follow, "+" for a new one.
std::string after(std::string_view text, std::string_view argument) {
  ConfigText file = file_with(text);
  const auto change = Override::parse(argument);
  if (!change) return "not an override";
  return apply(*change, file) ? file.text : "refused";
}
std::string lines_after(std::string_view text, std::string_view argument) {
  ConfigText file = file_with(text);
  EXPECT_TRUE(apply(*Override::parse(argument), file));
  std::string numbers;
  for (const ConfigText::Line& line : file.lines) {
    numbers += (line.number == 0 ? "+" : std::to_string(line.number)) + (line.overridden.empty() ? " " : "! ");
  }
  return numbers;
}
std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  changed.replace(changed.find(from), from.size(), to);
  return changed;
}

TEST(Overrides, replace_a_value_where_it_stands) {
  EXPECT_EQ(after(sample, "x.vcpus=4"), replaced(sample, "vcpus = 1", "vcpus = 4"));
  EXPECT_EQ(after(sample, "x.kernel.image=b/c"), replaced(sample, "\"a\"", "\"b/c\""));
  EXPECT_EQ(after(sample, "x.console.model=\"auto\""), replaced(sample, "\"none\"", "\"auto\""));
  EXPECT_EQ(lines_after(sample, "x.vcpus=4"), "1 2 3! 4 5 6 7 8 9 10 11 12 13 14 ");
}

TEST(Overrides, add_a_key_to_the_table_that_it_belongs_to) {
  EXPECT_EQ(after(sample, "x.gic=3"), "gic = 3\n" + std::string(sample));
  EXPECT_EQ(after(sample, "x.kernel.cmdline=quiet x=1"),
            replaced(sample, "[kernel]\n", "[kernel]\ncmdline = \"quiet x=1\"\n"));
  EXPECT_EQ(after(sample, "x.scheduler.policy=fair"), "scheduler.policy = \"fair\"\n" + std::string(sample));
  EXPECT_EQ(lines_after(sample, "x.kernel.cmdline=y"), "1 2 3 4 5 6 +! 7 8 9 10 11 12 13 14 ");
}

TEST(Overrides, extend_tables_however_they_are_written) {
  EXPECT_EQ(after("kernel = {image = \"a\"}\nz = 1", "x.kernel.load=0x10"),
            "kernel = {image = \"a\", load = 0x10}\nz = 1");
  EXPECT_EQ(after("kernel = {}", "x.kernel.load=0x10"), "kernel = {load = 0x10}");
  EXPECT_EQ(after("kernel.image = \"a\"", "x.kernel.load=1"), "kernel.load = 1\nkernel.image = \"a\"");
  EXPECT_EQ(after("[a]\nb.c = 1", "x.a.b.d=2"), "[a]\nb.d = 2\nb.c = 1");
  EXPECT_EQ(after("[a.b]", "x.a.c=2"), "a.c = 2\n[a.b]");
  EXPECT_EQ(after("[a]", "x.a.b=1"), "[a]\nb = 1");
  EXPECT_EQ(after("", "x.a=1"), "a = 1\n");
  EXPECT_EQ(after("\xef\xbb\xbfz = 1", "x.a=1"), "a = 1\nz = 1");
}

TEST(Overrides, keep_the_line_numbers_around_values_of_several_lines) {
  EXPECT_EQ(after("a = [1,\n2,\n3]\nb = 1", "x.a=[]"), "a = []\nb = 1");
  EXPECT_EQ(lines_after("a = [1,\n2,\n3]\nb = 1", "x.a=[]"), "1! 4 ");
}

TEST(Overrides, take_what_is_not_toml_as_text) {
  const auto value = [](std::string_view text) { return Override::parse("x.k=" + std::string(text))->value; };
  EXPECT_EQ(value("4"), "4");
  EXPECT_EQ(value("0x10"), "0x10");
  EXPECT_EQ(value("true"), "true");
  EXPECT_EQ(value("[0, 1]"), "[0, 1]");
  EXPECT_EQ(value("\"512MiB\""), "\"512MiB\"");
  EXPECT_EQ(value("512MiB"), "\"512MiB\"");
  EXPECT_EQ(value("console=ttyAMA0 quiet"), "\"console=ttyAMA0 quiet\"");
  EXPECT_EQ(value("say \"hi\" \\o/"), R"("say \"hi\" \\o/")");
  EXPECT_EQ(value(""), "\"\"");
  EXPECT_EQ(value("1 # comment"), "\"1 # comment\"");
  EXPECT_EQ(value("1\nname = 2"), "\"1\\u000aname = 2\"");
}

TEST(Overrides, refuse_what_toml_cannot_say) {
  EXPECT_EQ(after(sample, "x.kernel=1"), "refused");
  EXPECT_EQ(after(sample, "x.vcpus.more=1"), "refused");
  EXPECT_EQ(after(sample, "x.memory2.region=1"), "refused");
  EXPECT_EQ(after(sample, "x.memory2.region.size=1"), "refused");
  for (const std::string_view bad : {"x", "x=1", "x.y", ".=", "x.=1", "x.a..b=1", "x.a b=1", "x=a.b"}) {
    EXPECT_FALSE(Override::parse(bad)) << bad;
  }
}

TEST(Overrides, leave_good_toml_good) {
  for (const std::string_view text :
       {sample, std::string_view("kernel = {image = 'a'}"), std::string_view("[[a]]\n[[a]]\nb = 1"),
        std::string_view("kernel.image = 'a'\n[kernel.x]\ny = 1")}) {
    for (const std::string_view argument : {"x.name=y", "x.kernel.image=z", "x.kernel.cmdline=w", "x.new.key=1"}) {
      ConfigText file = file_with(text);
      ASSERT_TRUE(apply(*Override::parse(argument), file));
      const host::TomlMemory memory(file.text);
      EXPECT_TRUE(config::toml::parse(file.text, memory.arena()).ok()) << file.text;
      EXPECT_EQ(file.lines.size(), static_cast<size_t>(std::ranges::count(file.text, '\n')) + 1) << file.text;
    }
  }
}

TEST(Overrides, find_the_place_of_a_value) {
  std::vector<std::byte> arena(config::load_arena_size);
  EXPECT_EQ(config::position_of(sample, arena, "kernel.image"), (config::Position{7, 9}));
  EXPECT_EQ(config::position_of(sample, arena, "memory2.region.0.address"), (config::Position{10, 11}));
  EXPECT_EQ(config::position_of(sample, arena, "kernel.missing"), (config::Position{6, 2}));
}

}  // namespace

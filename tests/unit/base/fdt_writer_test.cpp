// SPDX-License-Identifier: Apache-2.0
#include "hal/base/fdt_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "dtc.hpp"
#include "tests/unit/growth.hpp"

namespace {

using hal::Fdt;
using hal::FdtError;
using hal::FdtWriter;
using hal::GuestPhys;
using hal::GuestPhysRange;
using hal::HostPhys;

void write_sample(FdtWriter& writer) {
  writer.reserve({HostPhys(0x1000), 0x2000});
  writer.begin_node("");
  writer.u32("#address-cells", 2);
  writer.u32("#size-cells", 2);
  writer.strings("compatible", {"plinth,virt", "linux,dummy-virt"});
  writer.begin_node("memory", 0x4000'0000);
  writer.string("device_type", "memory");
  writer.u64s("reg", {0x4000'0000, 0x1000'0000});
  writer.end_node();
  writer.begin_node("timer");
  writer.cells("interrupts", {1, 13, 4, 1, 14, 4});
  writer.flag("always-on");
  writer.end_node();
  writer.end_node();
}

constexpr std::string_view sample_source = R"(/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ {
  #address-cells = <2>;
  #size-cells = <2>;
  compatible = "plinth,virt", "linux,dummy-virt";
  memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x10000000>; };
  timer { interrupts = <1 13 4 1 14 4>; always-on; };
};)";

TEST(FdtWriter, writes_what_dtc_compiles_from_the_same_source) {
  if (!dtc::is_installed()) GTEST_SKIP() << "skipped: dtc is not installed";
  std::vector<std::byte> buffer(4096);
  FdtWriter writer(buffer);
  write_sample(writer);
  const auto blob = writer.finish();
  ASSERT_TRUE(blob.ok());
  const std::string ours = dtc::decompile(*blob);
  EXPECT_FALSE(ours.empty());
  EXPECT_EQ(ours, dtc::decompile(dtc::compile(sample_source)));
}

TEST(FdtWriter, stores_a_name_once_and_keeps_apart_those_that_end_or_begin_alike) {
  std::vector<std::byte> buffer(4096);
  FdtWriter writer(buffer);
  writer.begin_node("");
  for (uint32_t i = 0; i < 8; ++i) {
    writer.begin_node("n", i);
    for (const std::string_view name : {"reg", "a-reg", "reg-names", "re", "neg"}) writer.u32(name, i);
    writer.end_node();
  }
  writer.end_node();
  const auto blob = writer.finish();
  ASSERT_TRUE(blob.ok());
  const Fdt fdt = Fdt::open(*blob).value();
  EXPECT_EQ(fdt.names().size(), std::string_view("reg.a-reg.reg-names.re.neg.").size());
  for (const hal::FdtNode node : fdt.root().children()) {
    for (const std::string_view name : {"reg", "a-reg", "reg-names", "re", "neg"}) EXPECT_TRUE(node.u32(name)) << name;
  }
}

TEST(FdtWriter, writes_more_names_than_it_remembers) {
  constexpr uint32_t count = 300;
  std::vector<std::byte> buffer(64 * 1024);
  FdtWriter writer(buffer);
  writer.begin_node("");
  for (const std::string_view node : {"a", "b"}) {
    writer.begin_node(node);
    for (uint32_t i = 0; i < count; ++i) writer.u32("p" + std::to_string(i), i);
    writer.end_node();
  }
  writer.end_node();
  const auto blob = writer.finish();
  ASSERT_TRUE(blob.ok());
  const Fdt fdt = Fdt::open(*blob).value();
  for (const hal::FdtNode node : fdt.root().children()) {
    for (uint32_t i = 0; i < count; ++i) EXPECT_EQ(node.u32("p" + std::to_string(i)), i);
  }
}

TEST(FdtWriter, needs_exactly_the_bytes_that_it_returns) {
  std::vector<std::byte> buffer(4096);
  FdtWriter sizing(buffer);
  write_sample(sizing);
  const size_t needed = sizing.finish().value().size();
  for (size_t size = 0; size <= needed; ++size) {
    std::vector<std::byte> tight(size);
    FdtWriter writer(tight);
    write_sample(writer);
    const auto blob = writer.finish();
    ASSERT_EQ(blob.ok(), size == needed) << size;
    if (blob.ok()) {
      EXPECT_TRUE(Fdt::open(*blob).ok());
    } else {
      EXPECT_EQ(blob.error(), FdtError::no_space);
    }
  }
}

TEST(FdtWriter, refuses_to_be_used_in_the_wrong_order) {
  const auto error_of = [](auto&& steps) {
    std::vector<std::byte> buffer(4096);
    FdtWriter writer(buffer);
    steps(writer);
    const auto blob = writer.finish();
    EXPECT_FALSE(blob.ok());
    return blob.ok() ? FdtError::no_space : blob.error();
  };
  EXPECT_EQ(error_of([](FdtWriter&) {}), FdtError::misuse);
  EXPECT_EQ(error_of([](FdtWriter& writer) { writer.end_node(); }), FdtError::misuse);
  EXPECT_EQ(error_of([](FdtWriter& writer) { writer.begin_node(""); }), FdtError::misuse);
  EXPECT_EQ(error_of([](FdtWriter& writer) { writer.flag("lost"); }), FdtError::misuse);
  EXPECT_EQ(error_of([](FdtWriter& writer) {
              writer.begin_node("");
              writer.begin_node("child");
              writer.end_node();
              writer.flag("late");
              writer.end_node();
            }),
            FdtError::misuse);
  EXPECT_EQ(error_of([](FdtWriter& writer) {
              writer.begin_node("");
              writer.reserve({HostPhys(0), 1});
              writer.end_node();
            }),
            FdtError::misuse);
  EXPECT_EQ(error_of([](FdtWriter& writer) {
              for (int i = 0; i < 2; ++i) {
                writer.begin_node("");
                writer.end_node();
              }
            }),
            FdtError::misuse);
  EXPECT_EQ(error_of([](FdtWriter& writer) {
              for (size_t i = 0; i <= hal::fdt_max_depth; ++i) writer.begin_node("n");
            }),
            FdtError::too_deep);
}

class CopyOfDtc : public testing::Test {
 protected:
  void SetUp() override {
    if (!dtc::is_installed()) GTEST_SKIP() << "skipped: dtc is not installed";
  }
  // The copy, as source.
  std::string copy(std::string_view source, const hal::FdtBootInfo& info) {
    const dtc::Blob blob = dtc::compile(source);
    const Fdt fdt = Fdt::open(blob).value();
    FdtWriter writer(buffer_);
    copy_with_boot_info(writer, fdt, info);
    const auto written = writer.finish();
    EXPECT_TRUE(written.ok());
    return dtc::decompile(*written);
  }
  std::string normal(std::string_view source) { return dtc::decompile(dtc::compile(source)); }
  std::vector<std::byte> buffer_ = std::vector<std::byte>(4096);
};

TEST_F(CopyOfDtc, changes_nothing_when_nothing_is_edited) {
  const dtc::Blob blob = dtc::compile(sample_source);
  const Fdt fdt = Fdt::open(blob).value();
  struct Nothing final : hal::FdtEdit {
  } nothing;
  FdtWriter writer(buffer_);
  writer.copy(fdt, nothing);
  EXPECT_EQ(dtc::decompile(writer.finish().value()), normal(sample_source));
}

TEST_F(CopyOfDtc, replaces_memory_and_completes_chosen) {
  const std::vector<GuestPhysRange> memory{{GuestPhys(0x4000'0000), 0x800'0000}, {GuestPhys(0x1'0000'0000), 0x1000}};
  EXPECT_EQ(copy(R"(/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ {
  #address-cells = <2>; #size-cells = <2>;
  chosen { rng-seed = [01 02]; bootargs = "old"; linux,initrd-start = <1>; linux,initrd-end = <2>; };
  memory@0 { device_type = "memory"; reg = <0 0 0 0x1000>; };
  cpus { chosen { bootargs = "untouched"; }; };
};)",
                 {memory, "console=ttyAMA0", GuestPhysRange{GuestPhys(0x4400'0000), 0x100}}),
            normal(R"(/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ {
  #address-cells = <2>; #size-cells = <2>;
  chosen { rng-seed = [01 02]; bootargs = "console=ttyAMA0";
           linux,initrd-start = <0 0x44000000>; linux,initrd-end = <0 0x44000100>; };
  cpus { chosen { bootargs = "untouched"; }; };
  memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x8000000>; };
  memory@100000000 { device_type = "memory"; reg = <1 0 0 0x1000>; };
};)"));
}

TEST_F(CopyOfDtc, adds_chosen_and_keeps_bootargs_that_nobody_replaced) {
  const std::vector<GuestPhysRange> memory{{GuestPhys(0x1000), 0x2000}};
  EXPECT_EQ(copy("/dts-v1/; / { #address-cells = <1>; #size-cells = <1>; };", {memory, "a", {}}),
            normal(R"(/dts-v1/; / { #address-cells = <1>; #size-cells = <1>; chosen { bootargs = "a"; };
                      memory@1000 { device_type = "memory"; reg = <0x1000 0x2000>; }; };)"));
  EXPECT_EQ(copy(R"(/dts-v1/; / { chosen { bootargs = "own"; }; };)", {{}, {}, {}}),
            normal(R"(/dts-v1/; / { chosen { bootargs = "own"; }; };)"));
}

TEST_F(CopyOfDtc, fills_in_seeds_when_there_are_any) {
  const std::array<std::byte, 2> kaslr{std::byte{1}, std::byte{2}};
  const std::array<std::byte, 3> rng{std::byte{3}, std::byte{4}, std::byte{5}};
  constexpr std::string_view own = "/dts-v1/; / { chosen { rng-seed = [aa]; kaslr-seed = <0 0>; x = <1>; }; };";
  EXPECT_EQ(copy(own, {{}, {}, {}, kaslr, rng}),
            normal("/dts-v1/; / { chosen { x = <1>; kaslr-seed = [01 02]; rng-seed = [03 04 05]; }; };"));
  EXPECT_EQ(copy(own, {{}, {}, {}}), normal(own));
}

// Cells that cannot hold a number would announce another one.
TEST_F(CopyOfDtc, refuses_cells_that_the_memory_does_not_fit) {
  const auto outcome = [&](std::string_view cells, GuestPhysRange range) {
    const dtc::Blob blob = dtc::compile("/dts-v1/; / { " + std::string(cells) + " };");
    const Fdt fdt = Fdt::open(blob).value();
    FdtWriter writer(buffer_);
    copy_with_boot_info(writer, fdt, {{&range, 1}, {}, {}});
    const auto written = writer.finish();
    return written.ok() ? std::nullopt : std::optional(written.error());
  };
  const GuestPhysRange low{GuestPhys(0x4000'0000), 0x8000'0000};
  const GuestPhysRange large{GuestPhys(0x4000'0000), 0x1'0000'0000};
  const GuestPhysRange high{GuestPhys(0x1'0000'0000), 0x1000};
  EXPECT_EQ(outcome("#address-cells = <1>; #size-cells = <1>;", low), std::nullopt);
  EXPECT_EQ(outcome("#address-cells = <2>; #size-cells = <1>;", high), std::nullopt);
  EXPECT_EQ(outcome("#address-cells = <2>; #size-cells = <1>;", large), FdtError::narrow_cells);
  EXPECT_EQ(outcome("#address-cells = <1>; #size-cells = <2>;", large), std::nullopt);
  EXPECT_EQ(outcome("#address-cells = <1>; #size-cells = <2>;", high), FdtError::narrow_cells);
  EXPECT_EQ(outcome("#address-cells = <2>; #size-cells = <0>;", low), FdtError::narrow_cells);
  EXPECT_EQ(outcome("#address-cells = <0xffffffff>; #size-cells = <9>;", low), FdtError::narrow_cells);
}

TEST_F(CopyOfDtc, adds_to_reserved_memory_what_the_tree_does_not_have_there) {
  const dtc::Blob blob = dtc::compile(R"(/dts-v1/; / { #address-cells = <1>; #size-cells = <1>;
    reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges;
      firmware@1000 { reg = <0x1000 0x1000>; no-map; };
      pool { size = <0x4000>; };
    }; };)");
  const Fdt fdt = Fdt::open(blob).value();
  hal::FdtReserved reserved[] = {{{GuestPhys(0x1000), 0x2000}, false}, {{GuestPhys(0x8000), 0x3000}, true}};
  FdtWriter writer(buffer_);
  copy_with_boot_info(writer, fdt, {.memory = {}, .reserved = reserved});
  const auto written = writer.finish();
  ASSERT_TRUE(written.ok());
  const Fdt copy = Fdt::open(*written).value();
  EXPECT_TRUE(copy.find("/reserved-memory/firmware@1000"));
  EXPECT_TRUE(copy.find("/reserved-memory/pool"));
  EXPECT_FALSE(copy.find("/reserved-memory/region@1000"));
  const auto added = copy.find("/reserved-memory/region@8000");
  ASSERT_TRUE(added);
  EXPECT_EQ(added->reg(0), (hal::HostPhysRange{HostPhys(0x8000), 0x3000}));
  EXPECT_TRUE(added->has("no-map"));

  reserved[1].range.start = GuestPhys(0x1'0000'0000);
  FdtWriter narrow(buffer_);
  copy_with_boot_info(narrow, fdt, {.memory = {}, .reserved = reserved});
  const auto refused = narrow.finish();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error(), FdtError::narrow_cells);
}

// As many different names as there are properties, and nodes that look like memory in all places but the one where
// memory stands.
std::vector<std::byte> tree_of(size_t nodes) {
  std::vector<std::byte> tree(128 * nodes + 4096);
  FdtWriter writer(tree);
  writer.begin_node("");
  writer.begin_node("outer");
  for (size_t i = 0; i < nodes; ++i) {
    writer.begin_node("memory");
    writer.string("device_type", "memory");
    writer.end_node();
  }
  writer.end_node();
  writer.end_node();
  EXPECT_TRUE(writer.finish().ok());
  return tree;
}

TEST(CopyOfHostileTrees, takes_time_in_proportion_to_their_size) {
  EXPECT_TRUE(growth::is_linear(2'000, [](size_t nodes) {
    return [tree = tree_of(nodes)] {
      std::vector<std::byte> buffer(tree.size() + 4096);
      FdtWriter writer(buffer);
      copy_with_boot_info(writer, Fdt::open(tree).value(), {{}, "quiet", {}});
      ASSERT_TRUE(writer.finish().ok());
    };
  }));
}

// Names are copied as they stand, not looked up one by one.
TEST(CopyOfHostileTrees, may_have_any_number_of_names) {
  const auto tree_with = [](size_t properties) {
    // By hand: the writer itself looks every name up.
    std::string structure, names;
    const auto word = [&](std::string& to, uint32_t value) {
      for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(value >> shift);
    };
    word(structure, 1);
    word(structure, 0);
    for (size_t i = 0; i < properties; ++i) {
      word(structure, 3);
      word(structure, 0);
      word(structure, static_cast<uint32_t>(names.size()));
      names += "p" + std::to_string(i) + '\0';
    }
    word(structure, 2);
    word(structure, 9);
    std::string blob;
    const auto structure_at = static_cast<uint32_t>(40 + 16);
    const auto names_at = static_cast<uint32_t>(structure_at + structure.size());
    for (const uint32_t field : {0xd00d'feedU, static_cast<uint32_t>(names_at + names.size()), structure_at, names_at,
                                 40U, 17U, 16U, 0U, static_cast<uint32_t>(names.size()),
                                 static_cast<uint32_t>(structure.size())}) {
      word(blob, field);
    }
    blob += std::string(16, '\0') + structure + names;
    const auto bytes = std::as_bytes(std::span(blob));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  EXPECT_TRUE(growth::is_linear(4'000, [&](size_t properties) {
    return [tree = tree_with(properties)] {
      std::vector<std::byte> buffer(tree.size() + 4096);
      FdtWriter writer(buffer);
      copy_with_boot_info(writer, Fdt::open(tree).value(), {{}, "quiet", {}});
      const auto copy = writer.finish();
      ASSERT_TRUE(copy.ok());
      ASSERT_TRUE(Fdt::open(*copy).value().root().has("p1234"));
    };
  }));
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
#include "hal/base/fdt.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "dtc.hpp"
#include "hal/base/big_endian.hpp"

namespace {

using hal::Fdt;
using hal::FdtError;
using hal::FdtNode;
using hal::HostPhys;
using hal::HostPhysRange;

constexpr std::string_view board = R"(/dts-v1/;
/memreserve/ 0x1000 0x2000;
/memreserve/ 0x80000000 0x10000;
/ {
  #address-cells = <2>;
  #size-cells = <2>;
  interrupt-parent = <&gic>;
  compatible = "acme,board", "acme,family";
  aliases { serial0 = &uart; bus = "/soc@10000000"; };
  chosen { stdout-path = "serial0:115200n8"; bootargs = "quiet x=1"; linux,initrd-start = <0x48000000>;
           linux,initrd-end = <0x0 0x48100000>; };
  cpus {
    #address-cells = <1>; #size-cells = <0>;
    cpu@0 { device_type = "cpu"; reg = <0>; };
    cpu@101 { device_type = "cpu"; reg = <0x101>; status = "disabled"; };
  };
  memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x10000000>, <1 0 2 0>; };
  gic: interrupt-controller@8000000 {
    compatible = "arm,gic-v3"; #interrupt-cells = <3>; interrupt-controller;
    reg = <0 0x8000000 0 0x10000>, <0 0x80a0000 0 0xf60000>;
  };
  timer { compatible = "arm,armv8-timer"; interrupts = <1 13 4>, <1 14 4>; };
  soc@10000000 {
    #address-cells = <1>; #size-cells = <1>;
    compatible = "simple-bus";
    ranges = <0x0 0x0 0x10000000 0x100000>, <0x100000 0x8 0x0 0x100000>;
    uart: serial@9000 { compatible = "acme,uart", "arm,pl011"; reg = <0x9000 0x1000>; interrupts = <0 1 4>; };
    far@100100 { reg = <0x100100 0x100>; };
    outside@300000 { reg = <0x300000 0x10>; };
    straddling@fff00 { reg = <0xfff00 0x200>; };
    bridge@20000 {
      #address-cells = <1>; #size-cells = <1>; ranges = <0 0x20000 0x1000>;
      mux: mux { #interrupt-cells = <1>; interrupt-controller; };
      device@10 { reg = <0x10 0x20>; interrupts-extended = <&mux 7>, <&gic 0 33 1>; };
    };
    i2c@30000 { #address-cells = <1>; #size-cells = <0>; reg = <0x30000 0x100>; sensor@48 { reg = <0x48>; }; };
  };
};)";

class FdtOfDtc : public testing::Test {
 protected:
  void SetUp() override {
    if (!dtc::is_installed()) GTEST_SKIP() << "skipped: dtc is not installed";
    blob_ = dtc::compile(board);
    ASSERT_FALSE(blob_.empty());
  }
  FdtNode node(const Fdt& fdt, std::string_view path) {
    const auto found = fdt.find(path);
    EXPECT_TRUE(found.has_value()) << path;
    return found.value_or(fdt.root());
  }
  dtc::Blob blob_;
};

HostPhysRange range(uint64_t start, uint64_t size) { return {HostPhys(start), size}; }

TEST_F(FdtOfDtc, finds_nodes_by_path_alias_phandle_and_compatible) {
  const Fdt fdt = Fdt::open(blob_).value();
  const FdtNode uart = node(fdt, "/soc@10000000/serial@9000");
  EXPECT_EQ(uart.base_name(), "serial");
  EXPECT_EQ(uart.unit_address(), "9000");
  EXPECT_EQ(fdt.find("/soc/serial"), uart);
  EXPECT_EQ(fdt.find("serial0"), uart);
  EXPECT_EQ(fdt.find("bus/serial@9000"), uart);
  EXPECT_EQ(fdt.find("/"), fdt.root());
  EXPECT_EQ(fdt.find("//soc//serial/"), uart);
  EXPECT_FALSE(fdt.find("/soc/serial@9001"));
  EXPECT_FALSE(fdt.find("/so"));
  EXPECT_FALSE(fdt.find("nothing"));
  EXPECT_FALSE(fdt.find(""));
  EXPECT_EQ(uart.parent(), node(fdt, "/soc"));
  EXPECT_FALSE(fdt.root().parent());
  EXPECT_EQ(fdt.find_compatible("arm,pl011"), uart);
  EXPECT_FALSE(fdt.find_compatible("arm,pl01"));
  const FdtNode gic = node(fdt, "/interrupt-controller");
  EXPECT_EQ(fdt.find_phandle(*gic.phandle()), gic);
  EXPECT_FALSE(fdt.find_phandle(0x1234));
}

TEST_F(FdtOfDtc, walks_children_properties_and_the_whole_tree_in_order) {
  const Fdt fdt = Fdt::open(blob_).value();
  std::string children;
  for (const FdtNode child : fdt.root().children()) children += std::string(child.base_name()) + " ";
  EXPECT_EQ(children, "aliases chosen cpus memory interrupt-controller timer soc ");
  std::string properties;
  for (const auto property : node(fdt, "/cpus").properties()) properties += std::string(property.name()) + " ";
  EXPECT_EQ(properties, "#address-cells #size-cells ");
  EXPECT_EQ(std::ranges::distance(fdt.nodes()), 19);
  size_t matches = 0;
  for (const FdtNode match : fdt.compatible("simple-bus")) matches += match == node(fdt, "/soc");
  EXPECT_EQ(matches, 1U);
  EXPECT_TRUE(node(fdt, "/timer").children().begin() == std::default_sentinel);
}

TEST_F(FdtOfDtc, reads_numbers_strings_and_lists) {
  const Fdt fdt = Fdt::open(blob_).value();
  EXPECT_EQ(fdt.root().u32("#address-cells"), 2U);
  EXPECT_EQ(fdt.root().string("compatible"), "acme,board");
  EXPECT_FALSE(fdt.root().u32("compatible"));
  EXPECT_FALSE(fdt.root().u32("missing"));
  const auto list = *fdt.root().property("compatible");
  EXPECT_EQ(std::vector(list.strings().begin(), list.strings().end()),
            (std::vector<std::string_view>{"acme,board", "acme,family"}));
  EXPECT_TRUE(fdt.root().is_compatible("acme,family"));
  const auto flag = *node(fdt, "/interrupt-controller").property("interrupt-controller");
  EXPECT_TRUE(flag.bytes().empty());
  EXPECT_FALSE(flag.string());
  EXPECT_TRUE(node(fdt, "/cpus/cpu@0").is_enabled());
  EXPECT_FALSE(node(fdt, "/cpus/cpu@101").is_enabled());
  const hal::FdtCells cells = node(fdt, "/memory").property("reg")->cells();
  EXPECT_EQ(cells.size(), 8U);
  EXPECT_EQ(cells.number(4, 2), 0x1'0000'0000U);
  EXPECT_FALSE(cells.number(7, 2));
  EXPECT_FALSE(cells.number(4, 3));
  EXPECT_EQ(cells.number(0, 3), 0x4000'0000'0000'0000U);
}

TEST_F(FdtOfDtc, translates_reg_through_every_bus) {
  const Fdt fdt = Fdt::open(blob_).value();
  EXPECT_EQ(node(fdt, "/memory").reg(0), range(0x4000'0000, 0x1000'0000));
  EXPECT_EQ(node(fdt, "/memory").reg(1), range(0x1'0000'0000, 0x2'0000'0000));
  EXPECT_FALSE(node(fdt, "/memory").reg(2));
  EXPECT_EQ(node(fdt, "/soc/serial").reg(0), range(0x1000'9000, 0x1000));
  EXPECT_EQ(node(fdt, "/soc/far").reg(0), range(0x8'0000'0100, 0x100));
  EXPECT_EQ(node(fdt, "/soc/bridge/device").reg(0), range(0x1002'0010, 0x20));
  EXPECT_FALSE(node(fdt, "/soc/outside").reg(0));
  EXPECT_FALSE(node(fdt, "/soc/straddling").reg(0));
  EXPECT_FALSE(node(fdt, "/timer").reg(0));
  EXPECT_FALSE(fdt.root().reg(0));
  // A bus without `ranges` is not memory, but its addresses can be read.
  EXPECT_FALSE(node(fdt, "/soc/i2c/sensor").reg(0));
  EXPECT_EQ(node(fdt, "/soc/i2c/sensor").bus_reg(0)->address, 0x48U);
  EXPECT_EQ(node(fdt, "/cpus/cpu@101").bus_reg(0)->address, 0x101U);
}

TEST_F(FdtOfDtc, resolves_interrupts_to_their_controllers) {
  const Fdt fdt = Fdt::open(blob_).value();
  const FdtNode gic = node(fdt, "/interrupt-controller");
  const auto second = node(fdt, "/timer").interrupt(1);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->controller, gic);
  ASSERT_EQ(second->specifier.size(), 3U);
  EXPECT_EQ(second->specifier[1], 14U);
  EXPECT_FALSE(node(fdt, "/timer").interrupt(2));
  EXPECT_EQ(node(fdt, "/soc/serial").interrupt(0)->controller, gic);
  const FdtNode device = node(fdt, "/soc/bridge/device");
  EXPECT_EQ(device.interrupt(0)->controller, node(fdt, "/soc/bridge/mux"));
  EXPECT_EQ(device.interrupt(1)->specifier[1], 33U);
  EXPECT_FALSE(device.interrupt(2));
  EXPECT_FALSE(node(fdt, "/chosen").interrupt(0));
}

TEST_F(FdtOfDtc, reads_what_the_boot_loader_said) {
  const Fdt fdt = Fdt::open(blob_).value();
  const hal::FdtChosen chosen = read_chosen(fdt);
  EXPECT_EQ(chosen.bootargs, "quiet x=1");
  EXPECT_EQ(chosen.console, fdt.find("/soc/serial"));
  EXPECT_EQ(chosen.console_options, "115200n8");
  EXPECT_EQ(chosen.initrd, range(0x4800'0000, 0x10'0000));
}

TEST_F(FdtOfDtc, lists_the_reserved_memory) {
  const Fdt fdt = Fdt::open(blob_).value();
  ASSERT_EQ(fdt.reservation_count(), 2U);
  EXPECT_EQ(fdt.reservation(0), range(0x1000, 0x2000));
  EXPECT_EQ(fdt.reservation(1), range(0x8000'0000, 0x1'0000));
}

TEST_F(FdtOfDtc, refuses_every_truncation) {
  for (size_t size = 0; size < blob_.size(); ++size) {
    const auto cut = Fdt::open(std::span(blob_).first(size));
    ASSERT_FALSE(cut.ok());
    ASSERT_EQ(cut.error(), FdtError::truncated);
    // And when the header claims that this is all there is.
    if (size < hal::fdt_header_size) continue;
    dtc::Blob lying(blob_.begin(), blob_.begin() + static_cast<ptrdiff_t>(size));
    hal::store_be32(std::span(lying).subspan(4), static_cast<uint32_t>(size));
    ASSERT_FALSE(Fdt::open(lying).ok()) << size;
  }
}

TEST_F(FdtOfDtc, names_what_is_wrong_with_a_header) {
  const auto error_with = [&](size_t field, uint32_t value) {
    dtc::Blob changed = blob_;
    hal::store_be32(std::span(changed).subspan(field), value);
    const auto opened = Fdt::open(changed);
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? FdtError::misuse : opened.error();
  };
  EXPECT_EQ(error_with(0, 0xd00dfeee), FdtError::bad_magic);
  EXPECT_EQ(error_with(4, 0xffffffff), FdtError::truncated);
  EXPECT_EQ(error_with(4, 8), FdtError::bad_layout);
  EXPECT_EQ(error_with(8, 0xfffffff0), FdtError::bad_layout);
  EXPECT_EQ(error_with(8, 0x3a), FdtError::bad_layout);
  EXPECT_EQ(error_with(12, 0xfffffff0), FdtError::bad_layout);
  EXPECT_EQ(error_with(16, 0xfffffff8), FdtError::bad_layout);
  EXPECT_EQ(error_with(16, 0), FdtError::bad_layout);
  EXPECT_EQ(error_with(20, 3), FdtError::bad_version);
  EXPECT_EQ(error_with(24, 18), FdtError::bad_version);
  EXPECT_EQ(error_with(32, 0xffffffff), FdtError::bad_layout);
  EXPECT_EQ(error_with(36, 0xfffffffc), FdtError::bad_layout);
  EXPECT_EQ(error_with(36, 4), FdtError::bad_structure);
}

// Everything that can be asked, so that the sanitizers see every load.
size_t read_all(const Fdt& fdt) {
  size_t seen = 0;
  for (const FdtNode node : fdt.nodes()) {
    seen += node.name().size() + node.is_enabled() + node.parent().has_value();
    for (const auto property : node.properties()) {
      seen += property.name().size() + property.u32_or_u64().value_or(0) % 2;
      for (const auto text : property.strings()) seen += text.size();
    }
    for (size_t i = 0; i < 3; ++i) {
      seen += node.reg(i).has_value() + node.bus_reg(i).has_value() + node.interrupt(i).has_value();
    }
    for (const FdtNode child : node.children()) seen += child.is_compatible("arm,pl011");
  }
  for (size_t i = 0; i < fdt.reservation_count(); ++i) seen += fdt.reservation(i).size % 2;
  return seen + read_chosen(fdt).bootargs.size() + fdt.find("/soc/serial").has_value();
}

TEST_F(FdtOfDtc, survives_random_damage) {
  std::mt19937 random(20240817);
  size_t readable = 0;
  for (int round = 0; round < 4000; ++round) {
    dtc::Blob damaged = blob_;
    for (size_t hits = random() % 4; hits < 4; ++hits) {
      // Tokens and lengths are words; hitting whole ones finds more than hitting bytes.
      const size_t word = random() % (damaged.size() / 4);
      const uint32_t values[] = {
          0, 1, 2, 3, 4, 9, 0xffffffff, static_cast<uint32_t>(random() % 64), static_cast<uint32_t>(random())};
      hal::store_be32(std::span(damaged).subspan(word * 4), values[random() % std::size(values)]);
    }
    std::array<hal::FdtIndexEntry, 64> room;
    const auto opened = Fdt::open(damaged);
    const auto indexed = Fdt::open(damaged, room);
    ASSERT_EQ(opened.ok(), indexed.ok());
    if (!opened.ok()) continue;
    ++readable;
    EXPECT_EQ(read_all(*opened), read_all(*indexed)) << "round " << round;
  }
  EXPECT_GT(readable, 100U);
}

// Offsets of every node that is found from this one, and of itself.
std::vector<uint32_t> relations_of(const FdtNode& node) {
  std::vector<uint32_t> found{node.offset()};
  const auto add = [&](const std::optional<FdtNode>& other) { found.push_back(other ? other->offset() : UINT32_MAX); };
  add(node.parent());
  for (const FdtNode child : node.children()) add(child);
  const Fdt::Lineage line = node.fdt().lineage(node);
  found.insert(found.end(), line.offsets.begin(), line.offsets.begin() + line.size);
  add(node.interrupt_parent());
  add(node.fdt().find_phandle(node.phandle().value_or(0)));
  for (const std::string_view what : {"arm,pl011", "acme,board", "arm,gic-v3"}) found.push_back(node.is_compatible(what));
  return found;
}

std::vector<std::vector<uint32_t>> relations_in(const Fdt& fdt) {
  std::vector<std::vector<uint32_t>> found;
  for (const FdtNode node : fdt.nodes()) found.push_back(relations_of(node));
  return found;
}

TEST_F(FdtOfDtc, finds_the_same_nodes_with_an_index_as_without) {
  const auto walked = relations_in(Fdt::open(blob_).value());
  ASSERT_GT(walked.size(), 10U);
  std::vector<hal::FdtIndexEntry> room(walked.size());
  EXPECT_EQ(relations_in(Fdt::open(blob_, room).value()), walked);
  EXPECT_EQ(room.back().node, walked.back().front()) << "the index holds the last node";
}

TEST_F(FdtOfDtc, does_without_an_index_that_has_no_room_for_every_node) {
  const auto walked = relations_in(Fdt::open(blob_).value());
  std::vector<hal::FdtIndexEntry> room(walked.size() - 1);
  EXPECT_EQ(relations_in(Fdt::open(blob_, room).value()), walked);
}

TEST(Fdt, stops_at_an_interrupt_parent_that_leads_in_circles) {
  if (!dtc::is_installed()) GTEST_SKIP() << "skipped: dtc is not installed";
  const dtc::Blob blob = dtc::compile(R"(/dts-v1/;
/ { a: a { interrupt-parent = <&b>; interrupts = <1>; }; b: b { interrupt-parent = <&a>; };
    c { interrupts-extended = <0x77 1>; }; };)");
  const Fdt fdt = Fdt::open(blob).value();
  EXPECT_FALSE(fdt.find("/a")->interrupt(0));
  EXPECT_FALSE(fdt.find("/c")->interrupt(0));
}

TEST(Fdt, refuses_a_tree_that_is_nested_too_deeply) {
  if (!dtc::is_installed()) GTEST_SKIP() << "skipped: dtc is not installed";
  const auto nested = [](size_t depth) {
    std::string source = "/dts-v1/; / {";
    for (size_t i = 1; i < depth; ++i) source += " n {";
    for (size_t i = 1; i < depth; ++i) source += " };";
    return dtc::compile(source + " };");
  };
  EXPECT_TRUE(Fdt::open(nested(hal::fdt_max_depth)).ok());
  EXPECT_EQ(Fdt::open(nested(hal::fdt_max_depth + 1)).error(), FdtError::too_deep);
}

TEST(Fdt, reads_a_tree_without_chosen) {
  if (!dtc::is_installed()) GTEST_SKIP() << "skipped: dtc is not installed";
  const dtc::Blob blob = dtc::compile("/dts-v1/; / { };");
  const Fdt fdt = Fdt::open(blob).value();
  const hal::FdtChosen chosen = read_chosen(fdt);
  EXPECT_TRUE(chosen.bootargs.empty());
  EXPECT_FALSE(chosen.console || chosen.initrd);
  EXPECT_EQ(fdt.reservation_count(), 0U);
}

}  // namespace

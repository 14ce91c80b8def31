// SPDX-License-Identifier: Apache-2.0
#include "hal/base/fdt_writer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dtc.hpp"

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

TEST_F(CopyOfDtc, survives_a_root_that_asks_for_absurd_cells) {
  const std::vector<GuestPhysRange> memory{{GuestPhys(0x1000), 0x2000}};
  const std::string text = copy("/dts-v1/; / { #address-cells = <0xffffffff>; #size-cells = <9>; };", {memory, {}, {}});
  EXPECT_TRUE(text.contains("memory@1000"));
}

}  // namespace

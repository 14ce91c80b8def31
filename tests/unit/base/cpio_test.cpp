// SPDX-License-Identifier: Apache-2.0
#include "hal/base/cpio.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace {

using hal::Cpio;
using hal::CpioEntry;
using hal::CpioError;
using hal::CpioWriter;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string sample() {
  std::vector<std::byte> buffer(4096);
  CpioWriter writer(buffer);
  writer.directory("vms");
  writer.file("plinth.toml", bytes_of("log_level = \"info\"\n"));
  writer.file("vms/a.toml", bytes_of("name = \"a\""));
  writer.file("empty", {});
  return std::string(text_of(writer.finish().value()));
}

TEST(Cpio, reads_back_what_was_written) {
  const std::string archive = sample();
  const Cpio cpio = Cpio::open(bytes_of(archive)).value();
  std::string names;
  for (const CpioEntry& entry : cpio) names += std::string(entry.name) + (entry.is_file() ? " " : "/ ");
  EXPECT_EQ(names, "vms/ plinth.toml vms/a.toml empty ");
  EXPECT_EQ(text_of(cpio.find("vms/a.toml")->data), "name = \"a\"");
  EXPECT_TRUE(cpio.find("empty")->data.empty());
  EXPECT_FALSE(cpio.find("vms"));
  EXPECT_FALSE(cpio.find("TRAILER!!!"));
}

TEST(Cpio, takes_the_last_of_several_files_of_one_name) {
  std::vector<std::byte> buffer(4096);
  CpioWriter writer(buffer);
  writer.file("a", bytes_of("old"));
  writer.file("./a", bytes_of("new"));
  const Cpio cpio = Cpio::open(writer.finish().value()).value();
  EXPECT_EQ(text_of(cpio.find("a")->data), "new");
}

TEST(Cpio, removes_a_leading_dot_only_from_names_that_have_more) {
  std::vector<std::byte> buffer(4096);
  CpioWriter writer(buffer);
  writer.directory("./");
  writer.directory(".");
  writer.file("./TRAILER!!!", bytes_of("no trailer"));
  const Cpio cpio = Cpio::open(writer.finish().value()).value();
  std::string names;
  for (const CpioEntry& entry : cpio) names += std::string(entry.name) + " ";
  EXPECT_EQ(names, "./ . TRAILER!!! ");
}

TEST(Cpio, ignores_what_follows_the_trailer) {
  const std::string archive = sample();
  const std::string padded = archive + std::string(512, '\0') + "rubbish";
  EXPECT_EQ(Cpio::open(bytes_of(padded)).value().bytes().size(), archive.size());
}

TEST(Cpio, refuses_every_truncation) {
  const std::string archive = sample();
  // The padding behind the trailer's name is not missed.
  for (size_t size = 0; size < archive.size() - 3; ++size) {
    std::string cut = archive.substr(0, size);
    cut.shrink_to_fit();
    ASSERT_FALSE(Cpio::open(bytes_of(cut)).ok()) << size;
  }
  EXPECT_EQ(Cpio::open(bytes_of(archive.substr(0, 130))).error(), CpioError::truncated);
}

TEST(Cpio, names_what_is_wrong) {
  const auto error_with = [](size_t at, std::string_view text) {
    std::string archive = sample();
    archive.replace(at, text.size(), text);
    const auto opened = Cpio::open(bytes_of(archive));
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? CpioError::no_space : opened.error();
  };
  EXPECT_EQ(error_with(0, "070707"), CpioError::not_an_archive);
  EXPECT_EQ(error_with(94, "0000000g"), CpioError::bad_header);
  EXPECT_EQ(error_with(94, "00000000"), CpioError::bad_name);
  EXPECT_EQ(error_with(94, "00000001"), CpioError::bad_name);
  EXPECT_EQ(error_with(94, "00000003"), CpioError::bad_name);
  EXPECT_EQ(error_with(94, "ffffffff"), CpioError::truncated);
  EXPECT_EQ(error_with(54, "FFFFFFFF"), CpioError::truncated);
  EXPECT_EQ(error_with(54, "00000004"), CpioError::bad_header);
  EXPECT_EQ(error_with(110, std::string_view("\0", 1)), CpioError::bad_name);
  EXPECT_EQ(Cpio::open({}).error(), CpioError::not_an_archive);
}

TEST(Cpio, survives_random_damage) {
  const std::string archive = sample();
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = archive;
    for (size_t hits = random() % 4; hits < 4; ++hits) {
      damaged[random() % damaged.size()] = "0123456789abcdefF\0/."[random() % 20];
    }
    const auto opened = Cpio::open(bytes_of(damaged));
    if (!opened.ok()) continue;
    size_t total = 0;
    for (const CpioEntry& entry : *opened) {
      for (const std::byte byte : entry.data) total += static_cast<size_t>(byte);
    }
    volatile size_t sink = total + opened->find("empty").has_value();
    (void)sink;
  }
}

TEST(CpioWriter, needs_exactly_the_bytes_it_announces) {
  const size_t needed = CpioWriter::size_of("name", 5) + CpioWriter::trailer_size();
  for (size_t size = 0; size <= needed; ++size) {
    std::vector<std::byte> buffer(size);
    CpioWriter writer(buffer);
    writer.file("name", bytes_of("12345"));
    const auto archive = writer.finish();
    ASSERT_EQ(archive.ok(), size == needed) << size;
    if (!archive.ok()) {
      EXPECT_EQ(archive.error(), CpioError::no_space);
    }
  }
}

TEST(CpioWriter, refuses_names_that_cannot_be_written) {
  std::vector<std::byte> buffer(4096);
  CpioWriter empty(buffer);
  empty.file("", {});
  EXPECT_EQ(empty.finish().error(), CpioError::bad_name);
  CpioWriter with_nul(buffer);
  with_nul.file(std::string_view("a\0b", 3), {});
  EXPECT_EQ(with_nul.finish().error(), CpioError::bad_name);
}

class CpioTool : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("cpio --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "skipped: cpio is not installed";
    folder_ = testing::TempDir() + "plinth-cpio-" + std::to_string(getpid());
    ASSERT_EQ(std::system(("mkdir -p " + folder_).c_str()), 0);
  }
  void TearDown() override {
    if (!folder_.empty()) EXPECT_EQ(std::system(("rm -r " + folder_).c_str()), 0);
  }
  bool run(const std::string& command) {
    return std::system(("cd " + folder_ + " && (" + command + ") 2>/dev/null").c_str()) == 0;
  }
  void write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) {
    std::ifstream file(folder_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string folder_;
};

TEST_F(CpioTool, unpacks_what_we_write) {
  write("a.cpio", sample());
  ASSERT_TRUE(run("cpio -idm < a.cpio"));
  EXPECT_EQ(read("vms/a.toml"), "name = \"a\"");
  EXPECT_EQ(read("plinth.toml"), "log_level = \"info\"\n");
}

TEST_F(CpioTool, writes_what_we_read) {
  for (const std::string format : {"newc", "crc"}) {
    write("one", "first");
    write("two", std::string(1000, 'x'));
    ASSERT_TRUE(run("printf './one\\ntwo\\n' | cpio -o -H " + format + " > b.cpio"));
    const std::string archive = read("b.cpio");
    const Cpio cpio = Cpio::open(bytes_of(archive)).value();
    EXPECT_EQ(text_of(cpio.find("one")->data), "first");
    EXPECT_EQ(cpio.find("two")->data.size(), 1000U);
  }
}

}  // namespace

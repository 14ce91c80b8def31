// SPDX-License-Identifier: Apache-2.0
// Any bytes as a bundle.
#include <algorithm>

#include "hal/base/cpio.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::Input input(data, size);
  const auto opened = hal::Cpio::open(input.bytes());
  if (!opened.ok()) return 0;
  size_t space = hal::CpioWriter::trailer_size();
  size_t sum = 0;
  for (const hal::CpioEntry& entry : *opened) {
    fuzz::require(!entry.name.empty());
    for (const std::byte byte : entry.data) sum += static_cast<size_t>(byte);
    space += hal::CpioWriter::size_of(entry.name, entry.data.size());
  }
  volatile size_t sink = sum;
  (void)sink;

  // Names that reading changes cannot be written back: "././x" loses one "./" per reading, "./TRAILER!!!" ends there.
  for (const hal::CpioEntry& entry : *opened) {
    if (entry.name.starts_with("./") || entry.name == "TRAILER!!!") return 0;
  }
  std::vector<std::byte> buffer(space);
  hal::CpioWriter writer(buffer);
  for (const hal::CpioEntry& entry : *opened) writer.file(entry.name, entry.data);
  const auto written = writer.finish();
  fuzz::require(written.ok());
  const auto again = hal::Cpio::open(*written);
  fuzz::require(again.ok());
  auto copy = again->begin();
  for (const hal::CpioEntry& entry : *opened) {
    fuzz::require(copy->name == entry.name && std::ranges::equal(copy->data, entry.data));
    ++copy;
  }
  return 0;
}

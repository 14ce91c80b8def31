// SPDX-License-Identifier: Apache-2.0
// Any bytes as a gzip file: the inflater ends, stays inside its input and never gives out more than it was asked for.
#include <cstdlib>

#include "vmm/loader/inflate.hpp"

namespace {

class Bounded final : public vmm::InflateOutput {
 public:
  hal::Result<More, vmm::LoadError> put(std::span<const std::byte> bytes) override {
    if (stopped_) std::abort();
    size_ += bytes.size();
    stopped_ = size_ > 8 * hal::mib;
    return stopped_ ? More::no : More::yes;
  }

 private:
  size_t size_ = 0;
  bool stopped_ = false;
};

vmm::Inflater inflater;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bounded output;
  [[maybe_unused]] const bool intact = inflater.gunzip(std::as_bytes(std::span(data, size)), output).ok();
  return 0;
}

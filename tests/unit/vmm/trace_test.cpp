// SPDX-License-Identifier: Apache-2.0
#include "vmm/trace.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "vmm/stats.hpp"

namespace {

using vmm::TraceEvent;
using vmm::Tracer;

class Text final : public hal::TextSink {
 public:
  void put(std::string_view piece) override { all += piece; }
  std::string all;
};

class Trace : public testing::Test {
 protected:
  std::string dump() {
    Text text;
    tracer.dump(text, 1000);
    return text.all;
  }
  void put(unsigned cpu, uint64_t ticks) { tracer.put(cpu, ticks, {1, 2}, TraceEvent::call, 0x8400'0000, 5); }

  std::vector<Tracer::Record> storage = std::vector<Tracer::Record>(64);
  std::unique_ptr<Tracer> owner = std::make_unique<Tracer>();
  Tracer& tracer = *owner;
};

TEST_F(Trace, keeps_nothing_until_it_is_started) {
  put(0, 1);
  EXPECT_FALSE(tracer.enabled());
  EXPECT_EQ(dump(), "trace begin frequency=1000 cpus=0\ntrace end records=0 lost=0\n");
}

TEST_F(Trace, writes_a_line_per_record_and_cpu) {
  ASSERT_TRUE(tracer.start(storage, 2));
  tracer.put(1, 20, {3, 0}, TraceEvent::exit, static_cast<uint32_t>(hal::ExitClass::device), 0);
  tracer.put(0, 10, {3, 1}, TraceEvent::device, 1, 0x900'0000);
  tracer.stop();
  put(0, 30);
  EXPECT_EQ(dump(),
            "trace begin frequency=1000 cpus=2\n"
            "trace 0 10 3.1 device 0x1 0x9000000\n"
            "trace 1 20 3.0 exit device 0x0\n"
            "trace end records=2 lost=0\n");
}

TEST_F(Trace, overwrites_the_oldest_and_says_how_many) {
  ASSERT_TRUE(tracer.start(std::span(storage).first(9), 2));  // four records each
  for (uint64_t i = 0; i < 10; ++i) put(0, i);
  EXPECT_EQ(dump(),
            "trace begin frequency=1000 cpus=2\n"
            "trace 0 7 1.2 call 0x84000000 0x5\n"
            "trace 0 8 1.2 call 0x84000000 0x5\n"
            "trace 0 9 1.2 call 0x84000000 0x5\n"
            "trace end records=3 lost=7\n");
}

TEST_F(Trace, forgets_the_past_when_started_again) {
  ASSERT_TRUE(tracer.start(storage, 1));
  put(0, 1);
  ASSERT_TRUE(tracer.start(storage, 1));
  EXPECT_EQ(dump(), "trace begin frequency=1000 cpus=1\ntrace end records=0 lost=0\n");
}

TEST_F(Trace, ignores_cpus_that_have_no_ring) {
  ASSERT_TRUE(tracer.start(storage, 2));
  put(2, 1);
  EXPECT_NE(dump().find("records=0"), std::string::npos);
}

TEST_F(Trace, refuses_storage_that_is_too_small) {
  EXPECT_FALSE(tracer.start(std::span(storage).first(3), 2));
  EXPECT_FALSE(tracer.start(storage, 0));
  EXPECT_FALSE(tracer.start(storage, hal::max_cpus + 1));
  EXPECT_FALSE(tracer.enabled());
}

TEST_F(Trace, can_be_dumped_while_cpus_write) {
  ASSERT_TRUE(tracer.start(storage, 2));
  std::atomic<bool> stop{false};
  std::thread cpu([&] {
    for (uint64_t i = 0; !stop; ++i) {
      put(1, i);
      std::this_thread::yield();
    }
  });
  for (unsigned i = 0; i < 50; ++i) {
    const std::string text = dump();
    EXPECT_EQ(text.find("unknown"), std::string::npos);
  }
  stop = true;
  cpu.join();
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
// Against the interrupt translation service: queues of commands, and tables in memory that lie or point anywhere.
#include "attacks.hpp"
#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"
#include "smp.hpp"
#include "trap.hpp"

using namespace guest;

namespace hostile {

namespace {
constexpr uint64_t its_base = 0x0808'0000;
constexpr uint64_t gits_ctlr = its_base;
constexpr uint64_t gits_cbaser = its_base + 0x80;
constexpr uint64_t gits_cwriter = its_base + 0x88;
constexpr uint64_t gits_creadr = its_base + 0x90;
constexpr uint64_t gits_baser = its_base + 0x100;
constexpr uint64_t valid = uint64_t{1} << 63;
constexpr uint64_t piece = 0x1'0000;
constexpr uint64_t queue_size = 16 * piece;  // the largest: 32768 commands

uint64_t queue() { return unused_ram().start.value(); }
uint64_t tables() { return queue() + queue_size; }

void write_command(uint64_t at, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3) {
  write64(queue() + at, w0), write64(queue() + at + 8, w1);
  write64(queue() + at + 16, w2), write64(queue() + at + 24, w3);
}

void enable_lpis(uint64_t attributes) {
  for (unsigned cpu = 0; cpu < smp::count(); ++cpu) {
    const uint64_t frame = gicr_base + gicr_stride * cpu;
    write64(frame + 0x70, (tables() + 4 * piece) | attributes);
    write64(frame + 0x78, tables() + (5 + cpu) * piece);
    write32(frame, 1);
  }
}

// Everything that the ITS knows, all pending, and a queue that never empties.
[[noreturn]] void keep_busy(uint64_t) {
  mask_interrupts();
  while (true) {
    write64(gits_cwriter, queue_size - 64);
    (void)read64(gits_creadr);
    write64(gits_cwriter, 0);
    (void)read64(gits_creadr);
  }
}
}  // namespace

void flood_the_its() {
  constexpr uint64_t commands = queue_size / 32;
  for (uint64_t i = 0; i < piece; ++i) write8(tables() + 4 * piece + i, 0xa3);  // all enabled
  write64(gits_baser, valid | tables() | 0x200);
  write64(gits_baser + 8, valid | (tables() + 2 * piece) | 0x200);
  write64(gits_cbaser, valid | queue() | 0xff);
  enable_lpis(13);
  write_command(0, uint64_t{1} << 32 | 8, 15, (tables() + 16 * piece) | valid, 0);  // MAPD, 65536 events
  write_command(32, 9, 0, valid, 0);                                                // MAPC
  for (uint64_t i = 2; i < commands; ++i) {
    const uint64_t event = i / 2 % 2048;
    if (i < 4096) {
      write_command(i * 32, uint64_t{1} << 32 | (i % 2 == 0 ? 0xa : 3), event | (8192 + event) << 32, 0, 0);
    } else {
      write_command(i * 32, i % 2 == 0 ? 0xd : 0xe, 0, i / 2 % 2 << 16, (i / 2 + 1) % 2 << 16);  // INVALL, MOVALL
    }
  }
  write32(gits_ctlr, 1);
  for (unsigned cpu = smp::count() - 1; cpu > 0; --cpu) (void)smp::start(cpu, keep_busy, 0);
  keep_busy(0);
}

void confuse_the_its() {
  Noise noise{11};
  const auto anywhere = [&noise] {
    switch (noise.below(4)) {
      case 0: return noise();
      case 1: return its_base + (noise() & 0x1'fff0);
      default: return queue() + (noise() & 0x1f'fff0);
    }
  };
  for (unsigned i = 0; i < 20'000; ++i) {
    switch (noise.below(8)) {
      case 0: write64(its_base + (noise() & 0x1f8), noise()); break;
      case 1: write64(gits_baser + noise.below(2) * 8, anywhere() | valid | (noise() & 0x4000'0000'0000'03ff)); break;
      case 2: write64(gits_cbaser, (anywhere() & ~uint64_t{0xfff}) | valid | noise.below(256)); break;
      case 3: write32(gits_ctlr, static_cast<uint32_t>(noise.below(4))); break;
      case 4: enable_lpis(noise.below(32)); break;
      case 5: write32(gicr_base + gicr_stride * noise.below(2), static_cast<uint32_t>(noise.below(2))); break;
      case 6: write64(queue() + (noise() & 0x1f'fff8), anywhere() | valid); break;
      default:
        write_command(noise() & (queue_size - 32), noise.below(17) | noise.below(4) << 32,
                      noise.below(64) | (8192 + noise.below(4096)) << 32, anywhere() | noise() << 63, noise());
        write64(gits_cwriter, noise() & (queue_size - 32));
        (void)read64(gits_creadr);
        break;
    }
    ++deeds;
  }
}

}  // namespace hostile

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// The CPU as a guest at PLV0 sees it. Written from the LoongArch Reference Manual, volume 1, alone and sharing nothing
// with the hypervisor's own arch/loongarch64, so that the two check each other.
namespace guest {

// A control and status register by its number (chapter 7).
template <unsigned Number>
struct Csr {
  [[nodiscard]] static uint64_t read() {
    uint64_t value = 0;
    asm volatile("csrrd %0, %1" : "=r"(value) : "i"(Number) : "memory");
    return value;
  }
  static void write(uint64_t value) { asm volatile("csrwr %0, %1" : "+r"(value) : "i"(Number) : "memory"); }
};

using crmd = Csr<0x0>;
using ecfg = Csr<0x4>;
using estat = Csr<0x5>;
using asid = Csr<0x18>;
using pgdl = Csr<0x19>;
using pgdh = Csr<0x1a>;
using stlbps = Csr<0x1e>;
using cpuid = Csr<0x20>;
template <unsigned N>
using save = Csr<0x30 + N>;
using tid = Csr<0x40>;
using tcfg = Csr<0x41>;
using tval = Csr<0x42>;
using ticlr = Csr<0x44>;
using tlbrentry = Csr<0x88>;
template <unsigned N>
using dmw = Csr<0x180 + N>;

inline constexpr uint64_t crmd_ie = 1u << 2;
// Interrupts in ESTAT and ECFG (6.1.1).
inline constexpr unsigned software_interrupt = 0;
inline constexpr unsigned hardware_interrupt = 2;
inline constexpr unsigned timer_interrupt = 11;
inline constexpr unsigned ipi_interrupt = 12;
// TCFG (7.6.2); the initial value is a multiple of 4.
inline constexpr uint64_t tcfg_enable = 1u << 0;
inline constexpr uint64_t tcfg_periodic = 1u << 1;

[[nodiscard]] inline uint32_t cpucfg(uint32_t word) {
  uint64_t value = 0;
  asm volatile("cpucfg %0, %1" : "=r"(value) : "r"(uint64_t{word}));
  return static_cast<uint32_t>(value);
}

// Registers that all CPUs of a chip share, and their interrupt controllers (4.2.2).
[[nodiscard]] inline uint32_t iocsr_read32(uint32_t address) {
  uint64_t value = 0;
  asm volatile("iocsrrd.w %0, %1" : "=r"(value) : "r"(uint64_t{address}) : "memory");
  return static_cast<uint32_t>(value);
}
[[nodiscard]] inline uint64_t iocsr_read64(uint32_t address) {
  uint64_t value = 0;
  asm volatile("iocsrrd.d %0, %1" : "=r"(value) : "r"(uint64_t{address}) : "memory");
  return value;
}
inline void iocsr_write32(uint32_t address, uint32_t value) {
  asm volatile("iocsrwr.w %0, %1" : : "r"(uint64_t{value}), "r"(uint64_t{address}) : "memory");
}
inline void iocsr_write64(uint32_t address, uint64_t value) {
  asm volatile("iocsrwr.d %0, %1" : : "r"(value), "r"(uint64_t{address}) : "memory");
}

inline void barrier() { asm volatile("dbar 0" ::: "memory"); }
inline void wait_for_interrupt() { asm volatile("idle 0" ::: "memory"); }
inline void mask_interrupts() { crmd::write(crmd::read() & ~crmd_ie); }
inline void unmask_interrupts() { crmd::write(crmd::read() | crmd_ie); }

[[nodiscard]] inline unsigned cpu_number() { return static_cast<unsigned>(cpuid::read() & 0x1ff); }

// The stable counter.
[[nodiscard]] inline uint64_t now() {
  uint64_t value = 0;
  asm volatile("rdtime.d %0, $zero" : "=r"(value) : : "memory");
  return value;
}
// Its frequency (2.2.10.5): of the crystal, multiplied and divided.
[[nodiscard]] inline uint64_t ticks(uint64_t milliseconds) {
  const uint32_t ratio = cpucfg(5);
  return uint64_t{cpucfg(4)} * (ratio & 0xffff) / (ratio >> 16) * milliseconds / 1000;
}

// Addresses are physical ones, or already in a window. RAM through the cached window, devices through the uncached one.
inline constexpr uint64_t uncached = 0x8000'0000'0000'0000;
inline constexpr uint64_t cached = 0x9000'0000'0000'0000;
[[nodiscard]] inline uint64_t in_window(uint64_t address, uint64_t window) {
  return address >> 60 != 0 ? address : address | window;
}

// What a volatile pointer would do, without the compiler choosing the instruction.
inline void write8(uint64_t address, uint8_t value) {
  asm volatile("st.b %0, %1, 0" : : "r"(uint64_t{value}), "r"(in_window(address, uncached)) : "memory");
}
[[nodiscard]] inline uint8_t read8(uint64_t address) {
  uint64_t value = 0;
  asm volatile("ld.bu %0, %1, 0" : "=r"(value) : "r"(in_window(address, uncached)) : "memory");
  return static_cast<uint8_t>(value);
}
inline void write16(uint64_t address, uint16_t value) {
  asm volatile("st.h %0, %1, 0" : : "r"(uint64_t{value}), "r"(in_window(address, uncached)) : "memory");
}
inline void write32(uint64_t address, uint32_t value) {
  asm volatile("st.w %0, %1, 0" : : "r"(uint64_t{value}), "r"(in_window(address, uncached)) : "memory");
}
[[nodiscard]] inline uint32_t read32(uint64_t address) {
  uint64_t value = 0;
  asm volatile("ld.wu %0, %1, 0" : "=r"(value) : "r"(in_window(address, uncached)) : "memory");
  return static_cast<uint32_t>(value);
}
[[nodiscard]] inline uint64_t read64(uint64_t address) {
  uint64_t value = 0;
  asm volatile("ld.d %0, %1, 0" : "=r"(value) : "r"(in_window(address, cached)) : "memory");
  return value;
}
inline void write64(uint64_t address, uint64_t value) {
  asm volatile("st.d %0, %1, 0" : : "r"(value), "r"(in_window(address, cached)) : "memory");
}

}  // namespace guest

// SPDX-License-Identifier: Apache-2.0
// The registers of each family, by its manual. What is in no manual that one can have is what drivers are seen to
// program. A build that leaves families out (PLINTH_UARTS) does not use all of these.
#include <array>

#include "hal/driver/uart_family.hpp"

namespace hal::driver {
namespace {

using Width = UartFamily::Width;
using Clear = UartFamily::Clear::How;
using Interrupts = UartFamily::Interrupts::How;
constexpr uint32_t all = UartFamily::all;

constexpr uint32_t bit(unsigned n) { return 1U << n; }

// Arm PrimeCell UART PL011 (Arm DDI 0183): UARTDR 0x00, FR 0x18, LCR_H 0x2c, CR 0x30, IMSC 0x38, ICR 0x44. The receive
// interrupts are that the FIFO is at its trigger level, and that there is something in it and silence on the line.
// Writing LCR_H latches the speed that is set already (3.3.7).
[[maybe_unused]] constexpr UartFamily pl011{
    .kind = UartKind::pl011,
    .can_send = {0x18, bit(5), 0},
    .has_received = {0x18, bit(4), 0},
    .damaged = bit(8) | bit(9),
    .broken = bit(10),
    .interrupts = {.place = 0x38, .receive = bit(4) | bit(6), .transmit = bit(5)},
    .steps = {{{0x38, all, 0}, {0x44, all, 0x7ff}, {0x2c, 0, bit(4)}, {0x30, 0, 0x301}}}};

// SBSA generic UART (DEN0029 appendix B): a PL011 without what sets it up.
[[maybe_unused]] constexpr UartFamily sbsa = [] {
  UartFamily family = pl011;
  family.kind = UartKind::sbsa;
  family.steps = {{{0x38, all, 0}, {0x44, all, 0x7ff}}};
  return family;
}();

// PC16550D: RBR and THR 0, IER 1, IIR and FCR 2, LCR 3, MCR 4, LSR 5. THRE says that the whole FIFO is empty (8.4):
// there is no flag for "not full". OUT2 gates the interrupt on PC-like boards. Bits of IER that are a descendant's own
// stay.
[[maybe_unused]] constexpr UartFamily ns16550{
    .kind = UartKind::ns16550,
    .width = Width::byte,
    .data_width = Width::byte,
    .registers_are_numbers = true,
    .can_send = {5, bit(5), bit(5)},
    .burst = 16,
    .has_fifo = {2, 0xc0, 0xc0},
    .has_received = {5, bit(0), bit(0)},
    .errors = 5,
    .damaged = bit(2) | bit(3),
    .broken = bit(4),
    .interrupts = {.place = 1, .receive = bit(0), .transmit = bit(1)},
    .steps = {{{3, bit(7), 0}, {1, 0x0f, 0}, {2, all, bit(0)}, {4, 0, 0x0b}}}};

// DesignWare DW_apb_uart: LCR written while a character is on the line is dropped and raises an interrupt that reading
// USR (31) ends; and a receive timeout may be raised for an empty FIFO.
[[maybe_unused]] constexpr UartFamily dw_apb = [] {
  UartFamily family = ns16550;
  family.kind = UartKind::dw_apb;
  family.ghost = {2, 0x3f, 0x0c};
  family.after_receive = {31, 0, Clear::read};
  return family;
}();

// BCM2835 ARM Peripherals, 2.2: LSR's bit 5 says that there is room for one.
[[maybe_unused]] constexpr UartFamily bcm_mini = [] {
  UartFamily family = ns16550;
  family.kind = UartKind::bcm_mini;
  family.burst = 1;
  family.has_fifo = {};
  return family;
}();

// i.MX 6Dual/6Quad reference manual, 64: URXD 0x00, UTXD 0x40, UCR1 0x80 to UCR4 0x8c, UFCR 0x90, USR2 0x98, UTS 0xb4.
// All interrupts and DMA requests off, trigger level of the receiver 1.
[[maybe_unused]] constexpr UartFamily imx{.kind = UartKind::imx,
                                          .can_send = {0xb4, bit(4), 0},
                                          .transmit = 0x40,
                                          .has_received = {0x98, bit(0), bit(0)},
                                          .damaged = bit(10) | bit(12),
                                          .broken = bit(11),
                                          .interrupts = {.place = 0x80, .receive = bit(9), .transmit = bit(13)},
                                          .steps = {{{0x80, 0xb36c, bit(0)},
                                                     {0x84, bit(3), bit(0) | bit(1) | bit(2)},
                                                     {0x88, 0x3870, 0},
                                                     {0x8c, 0x01cf, 0},
                                                     {0x90, 0x3f, 1}}}};

// i.MX 8 reference manuals, LPUART: BAUD, STAT, CTRL, DATA, ... FIFO, WATER, `first` bytes into it. Overrun stops
// reception.
constexpr UartFamily lpuart_at(UartKind kind, uint16_t first, Width width) {
  const auto at = [first](unsigned place) { return static_cast<uint16_t>(first + place); };
  return {
      .kind = kind,
      .width = width,
      .data_width = width,
      .can_send = {at(0x04), bit(23), bit(23)},
      .transmit = at(0x0c),
      .has_received = {at(0x18), bit(22), 0},
      .receive = at(0x0c),
      .errors = at(0x0c),
      .damaged = bit(13) | bit(14),
      .after_error = {at(0x04), 0x0007'0000, Clear::write_along},
      .overrun = {at(0x04), bit(19), Clear::write_along},
      .interrupts = {.place = at(0x08), .receive = bit(21), .transmit = bit(23)},
      .steps = {{{at(0x00), 0x00b0'c000, 0}, {at(0x08), 0x0ff0'0000, bit(18) | bit(19)}, {at(0x1c), 0x00ff'0000, 0}}}};
}
[[maybe_unused]] constexpr UartFamily lpuart = lpuart_at(UartKind::lpuart, 0x10, Width::word);
[[maybe_unused]] constexpr UartFamily lpuart_le = lpuart_at(UartKind::lpuart_le, 0, Width::word);
[[maybe_unused]] constexpr UartFamily lpuart_be = lpuart_at(UartKind::lpuart_be, 0, Width::big_endian_word);

// Vybrid (VF6xx) reference manual, UART: C2 3, S1 4, D 7, C5 0x0b, SFIFO 0x12. Reading S1, then D clears the flags of
// S1.
[[maybe_unused]] constexpr UartFamily lpuart8{.kind = UartKind::lpuart8,
                                              .width = Width::byte,
                                              .data_width = Width::byte,
                                              .can_send = {4, bit(7), bit(7)},
                                              .transmit = 7,
                                              .has_received = {0x12, bit(6), 0},
                                              .receive = 7,
                                              .errors = 4,
                                              .damaged = bit(0) | bit(1),
                                              .after_receive = {0x12, 0x07, Clear::write_bits},
                                              .interrupts = {.place = 3, .receive = bit(5), .transmit = bit(7)},
                                              .steps = {{{0x0b, 0xa0, 0}, {3, 0xf0, bit(2) | bit(3)}}}};

// Amlogic S905 data sheet, UART: WFIFO 0x00, RFIFO 0x04, control 0x08, status 0x0c, misc 0x10 with the number of
// characters that raise the receive interrupt.
[[maybe_unused]] constexpr UartFamily meson{.kind = UartKind::meson,
                                            .can_send = {0x0c, bit(21), 0},
                                            .has_received = {0x0c, bit(20), 0},
                                            .receive = 0x04,
                                            .errors = 0x0c,
                                            .damaged = bit(16) | bit(17),
                                            .after_error = {0x08, bit(24), Clear::pulse},
                                            .interrupts = {.place = 0x08, .receive = bit(27), .transmit = bit(28)},
                                            .steps = {{{0x08, bit(27) | bit(28), bit(12) | bit(13)}, {0x10, 0xff, 1}}}};

// Zynq UltraScale+ (UG1087), UART: CR 0x00, IER 0x08, IDR 0x0c, ISR 0x14, RX trigger 0x20, SR 0x2c, FIFO 0x30. Flags of
// ISR stay until written.
[[maybe_unused]] constexpr UartFamily cadence{
    .kind = UartKind::cadence,
    .can_send = {0x2c, bit(4), 0},
    .transmit = 0x30,
    .has_received = {0x2c, bit(1), 0},
    .receive = 0x30,
    .errors = 0x14,
    .damaged = bit(6) | bit(7),
    .broken = bit(13),
    .after_send = {0x14, bit(3), Clear::write_bits},
    .after_receive = {0x14, bit(0) | bit(8), Clear::write_bits},
    .after_error = {0x14, bit(6) | bit(7) | bit(13), Clear::write_bits},
    .interrupts = {.place = 0x08,
                   .place_off = 0x0c,
                   .receive = bit(0) | bit(8),
                   .transmit = bit(3),
                   .how = Interrupts::set_and_clear},
    .steps = {{{0x0c, all, 0x3fff}, {0x14, all, 0x3fff}, {0x00, bit(3) | bit(5), bit(2) | bit(4)}, {0x20, all, 1}}}};

// Exynos 4210 user's manual, UART: UCON 0x04, UFCON 0x08, UERSTAT 0x14, UFSTAT 0x18, UTXH 0x20, URXH 0x24, UINTP 0x30,
// UINTM 0x38. With the receive timeout on, what is below the trigger level interrupts too.
[[maybe_unused]] constexpr UartFamily samsung{
    .kind = UartKind::samsung,
    .data_width = Width::byte,
    .data_width_is_open = true,
    .can_send = {0x18, bit(24), 0},
    .transmit = 0x20,
    .has_received = {0x18, 0x1ff, 0, true},
    .receive = 0x24,
    .errors = 0x14,
    .damaged = bit(1) | bit(2),
    .broken = bit(3),
    .after_send = {0x30, bit(2), Clear::write_bits},
    .after_receive = {0x30, bit(0) | bit(1), Clear::write_bits},
    .interrupts = {.place = 0x38, .receive = bit(0), .transmit = bit(2), .how = Interrupts::mask},
    .steps = {{{0x38, all, 0x0f}, {0x30, all, 0x0f}, {0x04, 0x0f, 0x85}, {0x08, 0x70, bit(0)}}}};

// Armada 3700 functional specification, UART1: RBR 0x00, TSH 0x04, control 0x08, status 0x0c.
[[maybe_unused]] constexpr UartFamily mvebu{.kind = UartKind::mvebu,
                                            .can_send = {0x0c, bit(11), 0},
                                            .transmit = 0x04,
                                            .has_received = {0x0c, bit(4), bit(4)},
                                            .errors = 0x0c,
                                            .damaged = bit(1) | bit(2),
                                            .broken = bit(3),
                                            .after_error = {0x0c, 0x0f, Clear::write_bits},
                                            .interrupts = {.place = 0x08, .receive = bit(4), .transmit = bit(5)},
                                            .steps = {{{0x08, 0x3f, 0}}}};

// R-Car Gen3 user's manual, 50 (SCIF) and 51 (HSCIF): SCSCR, FTDR, FSR, FRDR, FCR, FDR at 8, 12, ... 28, LSR at 36; or
// all at half of that, less some. FDR counts what is in the FIFOs. An overrun stops reception until LSR's flag is
// cleared.
constexpr UartFamily scif_at(UartKind kind, std::array<uint16_t, 7> places, uint32_t sent, uint32_t full,
                             uint32_t received) {
  const auto [scr, ftdr, fsr, frdr, fcr, fdr, lsr] = places;
  return {.kind = kind,
          .width = Width::half,
          .data_width = Width::byte,
          .can_send = {fdr, sent, full, true},
          .transmit = ftdr,
          .has_received = {fdr, received, 0, true},
          .receive = frdr,
          .errors = fsr,
          .damaged = bit(2) | bit(3),
          .broken = bit(4),
          .after_send = {fsr, bit(5) | bit(6), Clear::write_zero},
          .after_receive = {fsr, bit(0) | bit(1), Clear::write_zero},
          .after_error = {fsr, bit(4) | bit(7), Clear::write_zero},
          .overrun = {lsr, bit(0), Clear::write_zero},
          .interrupts = {.place = scr, .receive = bit(6), .transmit = bit(7)},
          .steps = {{{scr, 0xcc, bit(4) | bit(5)}, {fcr, 0xc0, 0}, {lsr, bit(0), 0}}}};
}
[[maybe_unused]] constexpr UartFamily scif =
    scif_at(UartKind::scif, {0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c, 0x24}, 0x1f00, 0x1000, 0x1f);
[[maybe_unused]] constexpr UartFamily scif_close =
    scif_at(UartKind::scif_close, {0x04, 0x06, 0x08, 0x0a, 0x0c, 0x0e, 0x12}, 0x1f00, 0x1000, 0x1f);
[[maybe_unused]] constexpr UartFamily hscif =
    scif_at(UartKind::hscif, {0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c, 0x24}, 0xff00, 0x8000, 0xff);

// Qualcomm UARTDM (APQ8016E TRM): SR 0x08, CR 0x10, IMR 0x14, TFWR 0x1c, RFWR 0x20, DMEN 0x3c, FIFOs 0x70. In its
// single-character mode it is a UART like others.
[[maybe_unused]] constexpr UartFamily msm_dm{
    .kind = UartKind::msm_dm,
    .can_send = {0x08, bit(2), bit(2)},
    .transmit = 0x70,
    .has_received = {0x08, bit(0), bit(0)},
    .receive = 0x70,
    .errors = 0x08,
    .damaged = bit(5),
    .broken = bit(6),
    .after_error = {0x10, 3 << 4, Clear::write_bits},
    .interrupts = {.place = 0x14, .receive = bit(4), .transmit = bit(0), .how = Interrupts::write_only},
    .steps = {
        {{0x14, all, 0}, {0x3c, all, bit(4) | bit(5)}, {0x20, all, 0}, {0x1c, all, 8}, {0x10, all, bit(0) | bit(2)}}}};

// PLINTH_UART_FAMILIES names those that are built.
constexpr const UartFamily* families[] = {PLINTH_UART_FAMILIES};

}  // namespace

const UartFamily* family_of(UartKind kind) {
  for (const UartFamily* const family : families) {
    if (family->kind == kind) return family;
  }
  return nullptr;
}

}  // namespace hal::driver

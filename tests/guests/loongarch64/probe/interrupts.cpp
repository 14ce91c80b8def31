// SPDX-License-Identifier: Apache-2.0
// From a device to the CPU: PCH-PIC (7A1000 user manual, 5), messages, EIOINTC (3A5000 user manual, 11.2), lines of the
// CPU (volume 1, 6.1). Interrupts are masked but where one is to be taken.
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "ipi.hpp"
#include "machine.hpp"
#include "trap.hpp"
#include "wait.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint32_t pin_map = 0x14c0, enable = 0x1600, in_service = 0x1800, route = 0x1c00;
constexpr uint64_t pic_mask = pch_pic_base + 0x20, pic_vectors = pch_pic_base + 0x200;
constexpr uint64_t uart_interrupts = uart_base + 1, uart_identification = uart_base + 2;
constexpr unsigned message_vector = 32 + 7;

constinit volatile unsigned taken = 0;
constinit volatile uint32_t taken_number = 0;

uint64_t lines() { return estat::read() & 0x1fff; }
constexpr uint64_t hwi(unsigned n) { return uint64_t{1} << (hardware_interrupt + n); }
uint32_t word_of(uint32_t bank, unsigned vector) { return bank + vector / 32 * 4; }
uint32_t bit_of(unsigned vector) { return 1U << vector % 32; }

void clear(unsigned vector) { iocsr_write32(word_of(in_service, vector), bit_of(vector)); }

void messages() {
  iocsr_write32(pin_map, 0x0202'0202);      // groups 0 to 3 to HWI1
  iocsr_write32(route, 0x0101'0101);        // vectors 0 to 3 to CPU 0
  iocsr_write32(route + 32, 0x0101'0101);
  iocsr_write32(route + 36, 0x0101'0101);
  write32(pch_msi_base, message_vector);
  check_equal("a_vector_that_is_disabled_raises_no_line", lines(), 0);
  iocsr_write32(word_of(enable, message_vector), bit_of(message_vector));
  write32(pch_msi_base, message_vector);
  check_equal("a_message_raises_the_line_of_its_group", lines(), hwi(1));
  check_equal("a_message_puts_its_vector_in_service", iocsr_read32(word_of(in_service, message_vector)),
              bit_of(message_vector));
  clear(message_vector);
  check_equal("clearing_its_vector_lowers_the_line", lines(), 0);
  check_equal("and_ends_its_service", iocsr_read32(word_of(in_service, message_vector)), 0);
  iocsr_write32(pin_map + 0, 0x0404'0404);
  write32(pch_msi_base, message_vector);
  check_equal("a_group_can_be_given_another_line", lines(), hwi(2));
  clear(message_vector);
  iocsr_write32(pin_map, 0x0202'0202);
  iocsr_write32(word_of(enable, message_vector), 0);
}

void handler(unsigned number) {
  taken = taken + 1;
  taken_number = number;
  if (number == hardware_interrupt + 1) clear(message_vector);
  if (number == timer_interrupt) ticlr::write(1);
  if (number == ipi_interrupt) iocsr_write32(ipi::clear, ~0U);
  if (number == software_interrupt) estat::write(estat::read() & ~uint64_t{1});
}

template <class Raise>
void check_taken(std::string_view name, unsigned number, Raise raise) {
  const unsigned before = taken;
  ecfg::write(uint64_t{1} << number);
  raise();
  const bool early = taken != before;
  unmask_interrupts();
  const bool arrived = within(10'000, [=] { return taken != before; });
  mask_interrupts();
  ecfg::write(0);
  check(name, arrived && !early && taken_number == number && taken == before + 1);
}

void deliveries() {
  on_interrupt(handler);
  iocsr_write32(word_of(enable, message_vector), bit_of(message_vector));
  check_taken("a_message_is_taken_when_interrupts_are_unmasked", hardware_interrupt + 1,
              [] { write32(pch_msi_base, message_vector); });
  iocsr_write32(ipi::enable, ~0U);
  check_taken("an_interprocessor_interrupt_to_itself_is_taken", ipi_interrupt, [] { ipi::send(0, 3); });
  check_taken("a_software_interrupt_is_taken", software_interrupt, [] { estat::write(estat::read() | 1); });
  check_taken("the_timer_is_taken", timer_interrupt, [] {
    tcfg::write(4 | tcfg_enable);
    (void)within(10'000, [] { return (estat::read() >> timer_interrupt & 1) != 0; });
  });
  on_interrupt(nullptr);
}

void between_cpus() {
  iocsr_write32(ipi::enable, 0);
  ipi::send(0, 4);
  check_equal("the_status_shows_what_was_sent", iocsr_read32(ipi::status), 1U << 4);
  check_equal("one_that_is_disabled_raises_no_line", lines(), 0);
  iocsr_write32(ipi::enable, 1U << 4);
  check_equal("enabling_it_raises_the_line", lines(), uint64_t{1} << ipi_interrupt);
  iocsr_write32(ipi::set, 1U << 6);
  check_equal("the_set_register_adds_to_it", iocsr_read32(ipi::status), 1U << 4 | 1U << 6);
  iocsr_write32(ipi::clear, 1U << 4);
  check_equal("the_clear_register_takes_what_it_names", iocsr_read32(ipi::status), 1U << 6);
  iocsr_write32(ipi::clear, ~0U);
  check_equal("no_line_is_left", lines(), 0);
  ipi::send_mail(0, 0x1234'5678'9abc'def0);
  check_equal("mail_arrives_in_both_halves", iocsr_read64(ipi::mailbox), 0x1234'5678'9abc'def0);
  iocsr_write64(ipi::mailbox, 0);
  check_equal("a_mailbox_can_be_cleared", iocsr_read64(ipi::mailbox), 0);
}

// The UART's transmitter is empty: its interrupt is there the moment it is enabled.
void device() {
  const uint64_t masked = read64(uncached | pic_mask);
  write8(pic_vectors + uart_input, uart_input);
  iocsr_write32(enable, bit_of(uart_input));
  asm volatile("st.d %0, %1, 0" : : "r"(~(uint64_t{1} << uart_input)), "r"(uncached | pic_mask) : "memory");
  write8(uart_interrupts, 0x02);
  check("a_devices_interrupt_raises_the_line", within(10'000, [] { return lines() == hwi(1); }));
  check_equal("its_vector_is_in_service", iocsr_read32(in_service), bit_of(uart_input));
  check_equal("the_uart_says_why", read8(uart_identification) & 0x0f, 0x02);
  clear(uart_input);
  check("reading_why_and_clearing_lowers_the_line", within(10'000, [] { return lines() == 0; }));
  write8(uart_interrupts, 0);
  asm volatile("st.d %0, %1, 0" : : "r"(masked), "r"(uncached | pic_mask) : "memory");
  iocsr_write32(enable, 0);
}

}  // namespace

void interrupts() {
  mask_interrupts();
  ecfg::write(0);
  messages();
  deliveries();
  between_cpus();
  device();
}

}  // namespace probe

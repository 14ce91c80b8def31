# SPDX-License-Identifier: Apache-2.0
# For bringing up a board: with -DPLINTH_EARLY_UART=FAMILY@ADDRESS the image says a character at each step from its first
# instruction on, and its log begins before there is a device tree. Such an image is for that board alone.
set(PLINTH_EARLY_UART "" CACHE STRING "FAMILY@ADDRESS of a UART that boot code may write to, e.g. pl011@0x9000000")
if(PLINTH_EARLY_UART STREQUAL "")
  return()
endif()

# Family: hal::UartKind, log2 of the distance between registers, access width (0: the family's); then for head.S the status
# register, the bits to look at, what they are when there is room, the data register, and 1 where it is a byte.
set(early_pl011      pl011    0 0  0x18 0x20 0 0x00 0)
set(early_ns16550    ns16550  0 1  0x05 0x20 0x20 0x00 1)
set(early_ns16550_32 ns16550  2 4  0x14 0x20 0x20 0x00 0)
set(early_bcm_mini   bcm_mini 2 4  0x14 0x20 0x20 0x00 0)
set(early_imx        imx      0 0  0xb4 0x10 0 0x40 0)
set(early_lpuart     lpuart   0 0  0x14 0x800000 0x800000 0x1c 0)
set(early_meson      meson    0 0  0x0c 0x200000 0 0x00 0)
set(early_cadence    cadence  0 0  0x2c 0x10 0 0x30 0)
set(early_samsung    samsung  0 4  0x18 0x1000000 0 0x20 0)
set(early_mvebu      mvebu    0 0  0x0c 0x800 0 0x04 0)
set(early_msm_dm     msm_dm   0 0  0x08 0x04 0x04 0x70 0)

string(REGEX MATCH "^([a-z0-9_]+)@(0x[0-9a-fA-F]+)$" matched "${PLINTH_EARLY_UART}")
set(family ${CMAKE_MATCH_1})
set(address ${CMAKE_MATCH_2})
if(NOT matched OR NOT DEFINED early_${family})
  message(FATAL_ERROR "PLINTH_EARLY_UART is FAMILY@0xADDRESS, with one of these families: pl011 ns16550 ns16550_32 bcm_mini imx lpuart meson cadence samsung mvebu msm_dm")
endif()
list(GET early_${family} 0 kind)
list(GET early_${family} 1 shift)
list(GET early_${family} 2 width)
target_compile_definitions(arch PRIVATE
  PLINTH_EARLY_UART PLINTH_EARLY_ADDRESS=${address} PLINTH_EARLY_KIND=${kind} PLINTH_EARLY_SHIFT=${shift}
  PLINTH_EARLY_WIDTH=${width})
foreach(item STATUS MASK READY DATA BYTE)
  math(EXPR index "3 + 0${item_index}")
  list(GET early_${family} ${index} value)
  target_compile_definitions(arch PRIVATE PLINTH_EARLY_${item}=${value})
  math(EXPR item_index "0${item_index} + 1")
endforeach()

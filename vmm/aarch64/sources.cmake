# SPDX-License-Identifier: Apache-2.0
# The part of the target `vmm` for this architecture.
set(board_sources
  aarch64/board/board.cpp
  aarch64/board/gicv2_interface.cpp)
# What runs in exits. A GICv2's list registers are device memory, which costs more than the code around it.
set(board_hot
  aarch64/board/gicv3_interface.cpp
  aarch64/board/guest_registers.cpp
  aarch64/board/interrupts.cpp
  aarch64/board/physical_timer.cpp)

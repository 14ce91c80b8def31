# SPDX-License-Identifier: Apache-2.0
target_sources(vmm PRIVATE
  aarch64/board/board.cpp
  aarch64/board/physical_timer.cpp)

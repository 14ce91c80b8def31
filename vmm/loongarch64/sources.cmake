# SPDX-License-Identifier: Apache-2.0
# The part of the target `vmm` for this architecture. What is portable of it is among the models (vmm/CMakeLists.txt).
set(board_sources
  loongarch64/board/board.cpp)
set(board_hot)

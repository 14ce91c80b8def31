# SPDX-License-Identifier: Apache-2.0
set(PLINTH_ARCH loongarch64)
set(PLINTH_TRIPLE loongarch64-unknown-none)
# The soft-float ABI: floating-point registers belong to the guests.
set(PLINTH_ARCH_FLAGS -mabi=lp64s)
include(${CMAKE_CURRENT_LIST_DIR}/freestanding.cmake)

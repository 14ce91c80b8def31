# SPDX-License-Identifier: Apache-2.0
set(PLINTH_ARCH aarch64)
set(PLINTH_TRIPLE aarch64-none-elf)
# Floating-point registers belong to the guests; outline atomics would need a runtime library.
# The image is far below 1 MiB: one instruction makes an address. For the stack protector's canary that is all that
# clang 19 makes: it takes the address for the value, unless the canary is somebody else's and found through the GOT.
set(PLINTH_ARCH_FLAGS -mfix-cortex-a53-835769 -mgeneral-regs-only -march=armv8-a -mcmodel=tiny -fno-direct-access-external-data -mno-outline-atomics -mbranch-protection=bti)
# Errata of the Cortex-A53. 835769: a 64-bit multiply-accumulate behind a load or store; with LTO it is an attribute of each
# function. 843419: an ADRP at the end of a page; the linker's.
set(PLINTH_ARCH_LINK_FLAGS -Wl,--fix-cortex-a53-843419)
include(${CMAKE_CURRENT_LIST_DIR}/freestanding.cmake)

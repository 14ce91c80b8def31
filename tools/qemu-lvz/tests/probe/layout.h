// SPDX-License-Identifier: GPL-2.0-or-later
//
// Offsets and registers the assembly files share with cpu.hpp, which asserts every one of them.
#pragma once

#define CACHED_WINDOW 0x9000000000000000
#define DMW_UNCACHED 0x8000000000000001
/* Open to PLV3 as well, so that the try buffer can run there. */
#define DMW_CACHED 0x9000000000000019

#define STACK_SHIFT 16

/* Host SAVE registers; the guest has its own. */
#define SAVE_CPU 0x30     /* Cpu of this CPU, window address */
#define SAVE_SCRATCH 0x31
#define SAVE_SCRATCH2 0x32

/* Cpu */
#define CPU_SIZE 1024
#define CPU_GPR 0         /* guest registers r0..r31 */
#define CPU_HOST_SP 256
#define CPU_SLOT 264      /* vector slot the exit arrived at */
#define CPU_REFILLS 272   /* host TLB refills so far */
#define CPU_REFILL_BADV 280
#define CPU_REFILL_ERA 288
#define CPU_REFILL_EHI 296
#define CPU_REFILL_PRMD 304
#define CPU_REFILL_CRMD 312
#define CPU_REFILL_GSTAT 320
#define CPU_REFILL_ESTAT 328
#define CPU_REFILL_BECOMES_EXIT 336
#define CPU_TRY_A0 344
#define CPU_TRY_A1 352
#define CPU_TRY_PC 360
#define CPU_TRY_PLV 368

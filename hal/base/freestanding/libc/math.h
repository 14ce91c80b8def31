// SPDX-License-Identifier: Apache-2.0
// Floating point is not used at run time.
#ifndef PLINTH_FREESTANDING_MATH_H
#define PLINTH_FREESTANDING_MATH_H

#define FP_NAN 0
#define FP_INFINITE 1
#define FP_ZERO 2
#define FP_SUBNORMAL 3
#define FP_NORMAL 4

#endif

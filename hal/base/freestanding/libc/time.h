// SPDX-License-Identifier: Apache-2.0
// Names that libc++ mentions; time comes from hal/timer.hpp.
#ifndef PLINTH_FREESTANDING_TIME_H
#define PLINTH_FREESTANDING_TIME_H

#include <stddef.h>
typedef long time_t;
typedef long clock_t;
struct timespec {
  time_t tv_sec;
  long tv_nsec;
};
struct tm;

#endif

// SPDX-License-Identifier: Apache-2.0
// A name that libc++'s iosfwd mentions.
#ifndef PLINTH_FREESTANDING_BITS_TYPES_MBSTATE_T_H
#define PLINTH_FREESTANDING_BITS_TYPES_MBSTATE_T_H

typedef struct {
  int state;
} mbstate_t;

#endif

// SPDX-License-Identifier: Apache-2.0
// No locale, no character classes.
#ifndef PLINTH_FREESTANDING_CTYPE_H
#define PLINTH_FREESTANDING_CTYPE_H


#endif

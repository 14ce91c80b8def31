// SPDX-License-Identifier: Apache-2.0
// Errors are values of hal::Result; errno does not exist.
#ifndef PLINTH_FREESTANDING_ERRNO_H
#define PLINTH_FREESTANDING_ERRNO_H


#endif

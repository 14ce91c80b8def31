// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace hal {

// Storage of a global object that boot makes and that lives as long as the machine. Until then it is zero, so it takes
// no room in the image, whatever T's initial values are; and nothing has to run before the entry function.
//
//     constinit MadeAtBoot<Console> the_console;
//     ... the_console.make().start(...);
//
// make() once, before anybody calls get(): boot's order sees to that, nothing is checked.
template <class T>
class MadeAtBoot {
  static_assert(std::is_trivially_destructible_v<T>, "it is never destroyed");

 public:
  constexpr MadeAtBoot() : nothing_{} {}
  MadeAtBoot(const MadeAtBoot&) = delete;
  MadeAtBoot& operator=(const MadeAtBoot&) = delete;

  template <class... Arguments>
  T& make(Arguments&&... arguments) {
    return *std::construct_at(&object_, std::forward<Arguments>(arguments)...);
  }
  [[nodiscard]] T& get() { return object_; }

 private:
  union {
    char nothing_;
    T object_;
  };
};

}  // namespace hal

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <new>
#include <type_traits>
#include <utility>

namespace hal {

// An error on its way out of a function; converts to any Result whose error type accepts it.
template <class E>
struct Failure {
  E error;
};
template <class E>
Failure(E) -> Failure<E>;

template <class E>
[[nodiscard]] constexpr Failure<E> fail(E error) {
  return {error};
}

// Called when somebody takes the value of a failed Result: a bug of ours, so it panics. Defined by the kernel's panic
// code and by tests/fakes.
[[noreturn]] void bad_result_access();

// A value or an error. Like std::expected, but it cannot be dropped silently. E is a small enum or struct.
template <class T, class E>
class [[nodiscard]] Result {
 public:
  using Value = T;
  using Error = E;

  constexpr Result(T value) : value_(std::move(value)), ok_(true) {}
  template <class F>
    requires std::is_convertible_v<F, E>
  constexpr Result(Failure<F> failure) : error_(std::move(failure.error)), ok_(false) {}

  constexpr Result(const Result& other)
    requires std::is_copy_constructible_v<T>
      : ok_(other.ok_) {
    construct(other);
  }
  constexpr Result(Result&& other) noexcept : ok_(other.ok_) { construct(std::move(other)); }
  Result& operator=(const Result&) = delete;
  Result& operator=(Result&&) = delete;
  constexpr ~Result() {
    if (ok_) {
      value_.~T();
    } else {
      error_.~E();
    }
  }

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  constexpr explicit operator bool() const { return ok_; }

  [[nodiscard]] constexpr T& value() & { return check(ok_), value_; }
  [[nodiscard]] constexpr const T& value() const& { return check(ok_), value_; }
  [[nodiscard]] constexpr T&& value() && { return check(ok_), std::move(value_); }
  [[nodiscard]] constexpr const E& error() const { return check(!ok_), error_; }
  [[nodiscard]] constexpr T value_or(T other) && { return ok_ ? std::move(value_) : std::move(other); }

  constexpr T& operator*() & { return value(); }
  constexpr const T& operator*() const& { return value(); }
  constexpr T* operator->() { return &value(); }
  constexpr const T* operator->() const { return &value(); }

 private:
  static constexpr void check(bool expected) {
    if (!expected) bad_result_access();
  }
  template <class Other>
  constexpr void construct(Other&& other) {
    if (ok_) {
      new (&value_) T(std::forward<Other>(other).value_);
    } else {
      new (&error_) E(std::forward<Other>(other).error_);
    }
  }

  union {
    T value_;
    E error_;
  };
  bool ok_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  using Value = void;
  using Error = E;

  constexpr Result() = default;
  template <class F>
    requires std::is_convertible_v<F, E>
  constexpr Result(Failure<F> failure) : error_(std::move(failure.error)), ok_(false) {}

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  constexpr explicit operator bool() const { return ok_; }
  constexpr void value() const {
    if (!ok_) bad_result_access();
  }
  [[nodiscard]] constexpr const E& error() const {
    if (ok_) bad_result_access();
    return error_;
  }

 private:
  E error_{};
  bool ok_ = true;
};

}  // namespace hal

// The value of a Result, or return its error from the enclosing function.
#define TRY(expression)                                                         \
  ({                                                                            \
    auto&& plinth_try_result = (expression);                                    \
    if (!plinth_try_result.ok()) return ::hal::fail(plinth_try_result.error()); \
    std::move(plinth_try_result).value();                                       \
  })

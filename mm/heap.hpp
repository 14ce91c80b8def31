// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "hal/base/result.hpp"
#include "mm/error.hpp"

namespace mm {

struct HeapCounts {
  uint64_t objects = 0;  // live
  uint64_t bytes = 0;    // that they occupy, with rounding
  uint64_t frames = 0;   // held
  friend bool operator==(const HeapCounts&, const HeapCounts&) = default;
};

// Kernel objects: small ones in slabs of one frame per size class, larger ones in blocks of frames of their own. A
// frame that holds nothing goes back at once. Any CPU; one lock (rank heap). Not for paths that a guest drives: nothing
// is allocated on an exit.
[[nodiscard]] HeapCounts heap_counts();

namespace detail {
// `alignment` is a power of two up to a page. Null when there is no memory.
[[nodiscard]] void* heap_allocate(size_t size, size_t alignment);
void heap_free(void* object);
// Reached when an object is owned through a base class that does not start where the object starts.
[[noreturn]] void base_is_not_first();
}  // namespace detail

// The only owner of an object on the heap.
template <class T>
class Owned {
 public:
  constexpr Owned() = default;
  constexpr Owned(std::nullptr_t) {}
  // Takes over what release() gave.
  constexpr explicit Owned(T* object) : object_(object) {}
  Owned(Owned&& other) noexcept : object_(other.release()) {}
  // To a base class with a virtual destructor.
  template <class Derived>
    requires(std::is_convertible_v<Derived*, T*> && std::has_virtual_destructor_v<T>)
  Owned(Owned<Derived>&& other) : object_(other.get()) {
    if (static_cast<void*>(object_) != static_cast<void*>(other.get())) detail::base_is_not_first();
    (void)other.release();
  }
  Owned& operator=(Owned&& other) noexcept {
    T* const taken = other.release();
    reset();
    object_ = taken;
    return *this;
  }
  ~Owned() { reset(); }

  [[nodiscard]] explicit operator bool() const { return object_ != nullptr; }
  [[nodiscard]] T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  [[nodiscard]] T* release() { return std::exchange(object_, nullptr); }
  void reset() {
    T* const object = release();
    if (object == nullptr) return;
    std::destroy_at(object);
    detail::heap_free(object);
  }

 private:
  T* object_ = nullptr;
};

// An array on the heap.
template <class T>
class OwnedArray {
 public:
  constexpr OwnedArray() = default;
  constexpr OwnedArray(T* elements, size_t count) : elements_(elements), count_(count) {}
  OwnedArray(OwnedArray&& other) noexcept
      : elements_(std::exchange(other.elements_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  OwnedArray& operator=(OwnedArray&& other) noexcept {
    if (this == &other) return *this;
    reset();
    elements_ = std::exchange(other.elements_, nullptr);
    count_ = std::exchange(other.count_, 0);
    return *this;
  }
  ~OwnedArray() { reset(); }

  [[nodiscard]] explicit operator bool() const { return elements_ != nullptr; }
  [[nodiscard]] size_t size() const { return count_; }
  [[nodiscard]] T* data() const { return elements_; }
  [[nodiscard]] T* begin() const { return elements_; }
  [[nodiscard]] T* end() const { return elements_ + count_; }
  // `index` < size().
  T& operator[](size_t index) const { return elements_[index]; }
  [[nodiscard]] std::span<T> span() const { return {elements_, count_}; }
  void reset() {
    T* const elements = std::exchange(elements_, nullptr);
    if (elements == nullptr) return;
    std::destroy_n(elements, std::exchange(count_, 0));
    detail::heap_free(elements);
  }

 private:
  T* elements_ = nullptr;
  size_t count_ = 0;
};

// A new T, or out_of_memory. At most 1 GiB.
template <class T, class... Arguments>
hal::Result<Owned<T>, MmError> make(Arguments&&... arguments) {
  void* const place = detail::heap_allocate(sizeof(T), alignof(T));
  if (place == nullptr) return hal::fail(MmError::out_of_memory);
  return Owned<T>(std::construct_at(static_cast<T*>(place), std::forward<Arguments>(arguments)...));
}

// `count` value-initialised elements, or out_of_memory.
template <class T>
hal::Result<OwnedArray<T>, MmError> make_array(size_t count) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, sizeof(T), &bytes)) return hal::fail(MmError::out_of_memory);
  void* const place = detail::heap_allocate(std::max<size_t>(bytes, 1), alignof(T));
  if (place == nullptr) return hal::fail(MmError::out_of_memory);
  T* const elements = static_cast<T*>(place);
  std::uninitialized_value_construct_n(elements, count);
  return OwnedArray<T>(elements, count);
}

}  // namespace mm

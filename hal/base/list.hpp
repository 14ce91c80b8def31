// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <iterator>

namespace hal {

// Intrusive circular list. An element embeds one ListNode per list it can be in (told apart by Tag), so that linking
// never allocates. The list does not own its elements; an element leaves every list before it is destroyed.
//
//     List head <-> node of a <-> node of b <-> (head)
//
// Not locked: the owner of the list says which lock guards it.
template <class Tag = void>
class ListNode {
 public:
  constexpr ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;

  [[nodiscard]] constexpr bool is_linked() const { return next_ != nullptr; }

  // Leave the list; an unlinked node stays unlinked.
  constexpr void unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

 private:
  template <class, class>
  friend class List;
  ListNode* next_ = nullptr;
  ListNode* prev_ = nullptr;
};

// T derives from ListNode<Tag>.
template <class T, class Tag = void>
class List {
  using Node = ListNode<Tag>;

 public:
  constexpr List() { head_.next_ = head_.prev_ = &head_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  [[nodiscard]] constexpr bool empty() const { return head_.next_ == &head_; }
  [[nodiscard]] constexpr T* front() { return empty() ? nullptr : static_cast<T*>(head_.next_); }
  [[nodiscard]] constexpr T* back() { return empty() ? nullptr : static_cast<T*>(head_.prev_); }

  constexpr void push_front(T& element) { insert_after(head_, element); }
  constexpr void push_back(T& element) { insert_after(*head_.prev_, element); }
  constexpr void insert_before(T& position, T& element) { insert_after(*static_cast<Node&>(position).prev_, element); }
  static constexpr void remove(T& element) { static_cast<Node&>(element).unlink(); }
  constexpr T* pop_front() {
    T* const first = front();
    if (first != nullptr) remove(*first);
    return first;
  }

  [[nodiscard]] constexpr size_t size() const {
    size_t count = 0;
    for (const Node* node = head_.next_; node != &head_; node = node->next_) ++count;
    return count;
  }

  class Iterator {
   public:
    using difference_type = ptrdiff_t;
    using value_type = T;
    constexpr Iterator() = default;
    constexpr explicit Iterator(Node* node) : node_(node) {}
    constexpr T& operator*() const { return static_cast<T&>(*node_); }
    constexpr T* operator->() const { return static_cast<T*>(node_); }
    constexpr Iterator& operator++() { return node_ = node_->next_, *this; }
    constexpr Iterator operator++(int) {
      Iterator old = *this;
      return ++*this, old;
    }
    friend constexpr bool operator==(Iterator, Iterator) = default;

   private:
    Node* node_ = nullptr;
  };
  // Removing the element an iterator stands on invalidates that iterator: step first, then remove.
  constexpr Iterator begin() { return Iterator(head_.next_); }
  constexpr Iterator end() { return Iterator(&head_); }

 private:
  static constexpr void insert_after(Node& position, T& element) {
    Node& node = element;
    node.next_ = position.next_;
    node.prev_ = &position;
    position.next_->prev_ = &node;
    position.next_ = &node;
  }

  Node head_;
};

}  // namespace hal

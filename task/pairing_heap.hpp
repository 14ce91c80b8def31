// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace task {

// Intrusive priority queue: push in O(1), pop and remove in O(log n) amortised, no memory of its own. Used for timers
// (by deadline) and for fair tasks (by virtual runtime). Elements that compare equal leave in no particular order.
//
//     min
//      | child
//      v
//      a --next--> b --next--> c       children of one node; `prev` of the first is the parent
//      |
//      ...
//
// Not locked: the owner says which lock guards it.
template <class Tag = void>
class PairingNode {
 public:
  constexpr PairingNode() = default;
  PairingNode(const PairingNode&) = delete;
  PairingNode& operator=(const PairingNode&) = delete;
  [[nodiscard]] constexpr bool is_queued() const { return queued_; }

 private:
  template <class, class, class>
  friend class PairingHeap;
  PairingNode* child_ = nullptr;
  PairingNode* next_ = nullptr;
  PairingNode* prev_ = nullptr;
  bool queued_ = false;
};

// T derives from PairingNode<Tag>; Before()(a, b) says that a leaves first.
template <class T, class Before, class Tag = void>
class PairingHeap {
  using Node = PairingNode<Tag>;

 public:
  constexpr PairingHeap() = default;
  PairingHeap(const PairingHeap&) = delete;
  PairingHeap& operator=(const PairingHeap&) = delete;

  [[nodiscard]] constexpr bool empty() const { return root_ == nullptr; }
  [[nodiscard]] constexpr T* top() const { return static_cast<T*>(root_); }

  // `element` is in no heap of this tag.
  constexpr void push(T& element) {
    Node& node = element;
    node.queued_ = true;
    root_ = root_ == nullptr ? &node : meld(root_, &node);
  }
  constexpr T* pop() {
    T* const first = top();
    if (first != nullptr) remove(*first);
    return first;
  }
  // `element` is in this heap.
  constexpr void remove(T& element) {
    Node& node = element;
    Node* const rest = merge_pairs(node.child_);
    if (&node == root_) {
      root_ = rest;
    } else {
      cut(node);
      if (rest != nullptr) root_ = meld(root_, rest);
    }
    node.child_ = node.next_ = node.prev_ = nullptr;
    node.queued_ = false;
  }

 private:
  // Two roots become one: the later one turns into the first child of the earlier.
  static constexpr Node* meld(Node* a, Node* b) {
    if (Before()(static_cast<const T&>(*b), static_cast<const T&>(*a))) {
      Node* const t = a;
      a = b;
      b = t;
    }
    b->next_ = a->child_;
    b->prev_ = a;
    if (b->next_ != nullptr) b->next_->prev_ = b;
    a->child_ = b;
    a->next_ = a->prev_ = nullptr;
    return a;
  }
  // Take a node that is not the root, with its children, out of its siblings.
  static constexpr void cut(Node& node) {
    if (node.prev_->child_ == &node) {
      node.prev_->child_ = node.next_;
    } else {
      node.prev_->next_ = node.next_;
    }
    if (node.next_ != nullptr) node.next_->prev_ = node.prev_;
  }
  // One root out of a list of siblings: meld neighbours left to right, then the results right to left.
  static constexpr Node* merge_pairs(Node* first) {
    Node* pairs = nullptr;  // linked through next_, last pair first
    while (first != nullptr) {
      Node* const second = first->next_;
      Node* const rest = second == nullptr ? nullptr : second->next_;
      first->next_ = first->prev_ = nullptr;
      Node* pair = first;
      if (second != nullptr) {
        second->next_ = second->prev_ = nullptr;
        pair = meld(first, second);
      }
      pair->next_ = pairs;
      pairs = pair;
      first = rest;
    }
    Node* root = nullptr;
    while (pairs != nullptr) {
      Node* const rest = pairs->next_;
      pairs->next_ = nullptr;
      root = root == nullptr ? pairs : meld(root, pairs);
      pairs = rest;
    }
    return root;
  }

  Node* root_ = nullptr;
};

}  // namespace task

// SPDX-License-Identifier: Apache-2.0
#include "task/pairing_heap.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>
#include <vector>

namespace {

struct Item : task::PairingNode<> {
  explicit Item(int k) : key(k) {}
  int key;
};
struct Smaller {
  bool operator()(const Item& a, const Item& b) const { return a.key < b.key; }
};
using Heap = task::PairingHeap<Item, Smaller>;

TEST(PairingHeap, gives_the_smallest_first) {
  std::deque<Item> items;
  Heap heap;
  EXPECT_TRUE(heap.empty());
  EXPECT_EQ(heap.pop(), nullptr);
  for (const int key : {5, 1, 4, 1, 3}) heap.push(items.emplace_back(key));
  std::vector<int> order;
  while (Item* const item = heap.pop()) order.push_back(item->key);
  EXPECT_EQ(order, (std::vector<int>{1, 1, 3, 4, 5}));
  EXPECT_FALSE(items[0].is_queued());
}

TEST(PairingHeap, agrees_with_a_multiset_under_random_use) {
  std::mt19937 random(5);
  std::deque<Item> items;
  for (int i = 0; i < 200; ++i) items.emplace_back(0);
  Heap heap;
  std::multiset<int> model;
  for (int step = 0; step < 50000; ++step) {
    Item& item = items[random() % items.size()];
    if (!item.is_queued()) {
      item.key = static_cast<int>(random() % 1000);
      heap.push(item);
      model.insert(item.key);
    } else if (random() % 2 == 0) {
      heap.remove(item);
      model.erase(model.find(item.key));
    } else {
      ASSERT_EQ(heap.pop()->key, *model.begin());
      model.erase(model.begin());
    }
    ASSERT_EQ(heap.empty(), model.empty());
    if (!model.empty()) {
      ASSERT_EQ(heap.top()->key, *model.begin());
    }
  }
}

}  // namespace

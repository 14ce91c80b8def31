// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/inflate.hpp"

#include <algorithm>
#include <cstring>

#include "hal/base/bits.hpp"
#include "vmm/loader/crc32.hpp"

namespace vmm {

namespace {

using Kind = LoadError::Kind;
using Step = hal::Result<void, LoadError>;

constexpr auto truncated = hal::fail(LoadError{Kind::truncated, 0, 0});
constexpr auto bad_stream = hal::fail(LoadError{Kind::bad_deflate});

constexpr uint8_t u8(std::byte b) { return std::to_integer<uint8_t>(b); }

uint32_t read_le32(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(u8(bytes[0]) | u8(bytes[1]) << 8 | u8(bytes[2]) << 16) | uint32_t{u8(bytes[3])} << 24;
}

// RFC 1952 section 2.3: the fixed part of a member's header, and the flags for what follows it.
constexpr size_t fixed_header_size = 10;
constexpr size_t trailer_size = 8;
constexpr uint8_t method_deflate = 8;
enum Flag : uint8_t { flag_header_crc = 2, flag_extra = 4, flag_name = 8, flag_comment = 16, flag_reserved = 0xe0 };

// Length of the header of the member that `file` begins with.
hal::Result<size_t, LoadError> header_length(std::span<const std::byte> file) {
  if (!is_gzip(file)) return hal::fail(LoadError{Kind::bad_gzip_header});
  if (file.size() < fixed_header_size) return truncated;
  const uint8_t flags = u8(file[3]);
  if (u8(file[2]) != method_deflate || (flags & flag_reserved) != 0) return hal::fail(LoadError{Kind::bad_gzip_header});
  size_t at = fixed_header_size;
  if ((flags & flag_extra) != 0) {
    if (file.size() - at < 2) return truncated;
    const size_t extra = size_t{u8(file[at])} | size_t{u8(file[at + 1])} << 8;
    if (file.size() - at - 2 < extra) return truncated;
    at += 2 + extra;
  }
  for (const uint8_t text : {flag_name, flag_comment}) {
    if ((flags & text) == 0) continue;
    const auto rest = file.subspan(at, std::min(file.size() - at, Inflater::max_header));
    const auto end = std::ranges::find(rest, std::byte{0});
    if (end == rest.end() && rest.size() == Inflater::max_header) return hal::fail(LoadError{Kind::bad_gzip_header});
    if (end == rest.end()) return truncated;
    at += static_cast<size_t>(end - rest.begin()) + 1;
  }
  if ((flags & flag_header_crc) != 0) {
    if (file.size() - at < 2) return truncated;
    const uint32_t stored = u8(file[at]) | static_cast<uint32_t>(u8(file[at + 1]) << 8);
    if ((crc32(0, file.first(at)) & 0xffff) != stored) return hal::fail(LoadError{Kind::bad_checksum});
    at += 2;
  }
  return at;
}

// Section 3.2.5: symbols 257..285 stand for a length, 0..29 of the other alphabet for a distance.
struct Extra {
  uint16_t base;
  uint8_t bits;
};
constexpr std::array<Extra, 29> length_codes{
    {{3, 0},  {4, 0},  {5, 0},  {6, 0},   {7, 0},   {8, 0},   {9, 0},   {10, 0},  {11, 1}, {13, 1},
     {15, 1}, {17, 1}, {19, 2}, {23, 2},  {27, 2},  {31, 2},  {35, 3},  {43, 3},  {51, 3}, {59, 3},
     {67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0}}};
constexpr std::array<Extra, 30> distance_codes{
    {{1, 0},     {2, 0},     {3, 0},     {4, 0},      {5, 1},      {7, 1},     {9, 2},     {13, 2},
     {17, 3},    {25, 3},    {33, 4},    {49, 4},     {65, 5},     {97, 5},    {129, 6},   {193, 6},
     {257, 7},   {385, 7},   {513, 8},   {769, 8},    {1025, 9},   {1537, 9},  {2049, 10}, {3073, 10},
     {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13}}};
constexpr uint16_t end_of_block = 256;

// Section 3.2.7: the order in which the lengths of the code length code come.
constexpr std::array<uint8_t, 19> code_length_order{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

// The bits of a stream, the least significant of each byte first (section 3.1.1).
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> input) : input_(input) {}

  // At least 56 bits, or all that is left; zeros beyond the end.
  uint64_t peek() {
    refill();
    return bits_;
  }
  // Drop bits that were peeked at. False: there were not so many.
  [[nodiscard]] bool drop(unsigned count) {
    if (count > available_) return false;
    bits_ >>= count;
    available_ -= count;
    return true;
  }
  [[gnu::noinline]] hal::Result<uint32_t, LoadError> take(unsigned count) {
    const auto value = static_cast<uint32_t>(peek() & hal::low_mask(count));
    if (!drop(count)) return truncated;
    return value;
  }
  void align_to_byte() {
    bits_ >>= available_ % 8;
    available_ -= available_ % 8;
  }
  // The input that starts at the current byte; call after align_to_byte().
  [[nodiscard]] std::span<const std::byte> rest() const { return input_.subspan(next_ - available_ / 8); }
  // Continue after `count` bytes of rest().
  void skip(size_t count) {
    next_ = next_ - available_ / 8 + count;
    bits_ = 0;
    available_ = 0;
  }

 private:
  void refill() {
    if (available_ < 32 && input_.size() - next_ >= 4) {
      bits_ |= uint64_t{read_le32(input_.subspan(next_, 4))} << available_;
      next_ += 4;
      available_ += 32;
    }
    for (; available_ <= 56 && next_ < input_.size(); ++next_, available_ += 8) {
      bits_ |= uint64_t{u8(input_[next_])} << available_;
    }
  }

  std::span<const std::byte> input_;
  size_t next_ = 0;
  uint64_t bits_ = 0;
  unsigned available_ = 0;
};

uint16_t reversed(uint16_t code, unsigned length) {
  uint16_t result = 0;
  for (unsigned i = 0; i < length; ++i) result = static_cast<uint16_t>(result << 1 | ((code >> i) & 1));
  return result;
}

}  // namespace

bool is_gzip(std::span<const std::byte> file) { return file.size() >= 2 && u8(file[0]) == 0x1f && u8(file[1]) == 0x8b; }

bool HuffmanCode::build(std::span<const uint8_t> lengths) {
  count_.fill(0);
  fast_.fill(0);
  for (const uint8_t length : lengths) ++count_[length];
  int left = 1;
  for (unsigned length = 1; length <= max_length; ++length) {
    left = left * 2 - count_[length];
    if (left < 0) return false;
  }
  const size_t used = lengths.size() - count_[0];
  if (left > 0 && (used > 1 || used != count_[1])) return false;

  std::array<uint16_t, max_length + 1> next_index{};
  std::array<uint16_t, max_length + 1> next_code{};
  for (unsigned length = 1; length < max_length; ++length) {
    next_index[length + 1] = static_cast<uint16_t>(next_index[length] + count_[length]);
    next_code[length + 1] = static_cast<uint16_t>((next_code[length] + count_[length]) << 1);
  }
  for (uint16_t symbol = 0; symbol < lengths.size(); ++symbol) {
    const unsigned length = lengths[symbol];
    if (length == 0) continue;
    symbol_[next_index[length]++] = symbol;
    const uint16_t code = next_code[length]++;
    if (length > fast_bits) continue;
    for (size_t i = reversed(code, length); i < fast_.size(); i += size_t{1} << length) {
      fast_[i] = static_cast<uint16_t>(length << 12 | symbol);
    }
  }
  return true;
}

HuffmanCode::Decoded HuffmanCode::decode(uint64_t bits) const {
  const uint16_t entry = fast_[bits & (fast_.size() - 1)];
  if (entry == 0) return decode_long(bits);
  return {static_cast<uint16_t>(entry & 0xfff), static_cast<uint8_t>(entry >> 12)};
}

// Codes of one length are consecutive numbers, and so are their symbols' places.
HuffmanCode::Decoded HuffmanCode::decode_long(uint64_t bits) const {
  int code = 0;
  int first = 0;
  int index = 0;
  for (uint8_t length = 1; length <= max_length; ++length) {
    code |= static_cast<int>(bits & 1);
    bits >>= 1;
    const int count = count_[length];
    if (code - first < count) return {symbol_[static_cast<size_t>(index + code - first)], length};
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return {0, 0};
}

// One decompression. The window is a ring that goes out whenever it is full:
//
//     window_  [ newest bytes | older bytes, still in reach ]
//                             ^ used_
class Inflater::Run {
 public:
  Run(Inflater& state, std::span<const std::byte> deflated, InflateOutput& output, LoadProgress* progress)
      : state_(state), reader_(deflated), output_(output), progress_(progress) {}

  Step run() {
    unsigned empty_blocks = 0;
    for (bool last = false; !last && !stopped_;) {
      last = TRY(reader_.take(1)) != 0;
      const uint32_t type = TRY(reader_.take(2));
      const uint64_t before = flushed_ + used_;
      TRY(block(type));
      empty_blocks = flushed_ + used_ == before ? empty_blocks + 1 : 0;
      if (empty_blocks > max_empty_blocks) return hal::fail(LoadError{Kind::idle_deflate});
      // Even an empty block costs the time to build its codes.
      count_work(block_cost);
    }
    if (stopped_) return {};
    TRY(flush());
    return stopped_ ? Step{} : check_trailer();
  }

 private:
  static constexpr size_t block_cost = 4 * hal::kib;

  Step block(uint32_t type) {
    switch (type) {
      case 0: return stored();
      case 1:
        if (!state_.fixed_ && !fixed_codes()) return bad_stream;
        state_.fixed_ = true;
        return compressed();
      case 2:
        state_.fixed_ = false;
        TRY(dynamic_codes());
        return compressed();
      default: return bad_stream;
    }
  }

  // Section 3.2.4.
  Step stored() {
    reader_.align_to_byte();
    auto rest = reader_.rest();
    if (rest.size() < 4) return truncated;
    const uint32_t header = read_le32(rest);
    const size_t length = header & 0xffff;
    if (((header >> 16) ^ 0xffff) != length) return bad_stream;
    rest = rest.subspan(4);
    if (rest.size() < length) return truncated;
    reader_.skip(4 + length);
    for (auto data = rest.first(length); !data.empty() && !stopped_;) {
      const size_t count = std::min(data.size(), window_size - used_);
      std::memcpy(state_.window_.data() + used_, data.data(), count);
      TRY(advance(count));
      data = data.subspan(count);
    }
    return {};
  }

  // Section 3.2.6.
  bool fixed_codes() {
    std::array<uint8_t, 288> lengths{};
    std::fill(lengths.begin(), lengths.begin() + 144, uint8_t{8});
    std::fill(lengths.begin() + 144, lengths.begin() + 256, uint8_t{9});
    std::fill(lengths.begin() + 256, lengths.begin() + 280, uint8_t{7});
    std::fill(lengths.begin() + 280, lengths.end(), uint8_t{8});
    std::array<uint8_t, 32> distances{};
    distances.fill(5);
    return state_.literals_.build(lengths) && state_.distances_.build(distances);
  }

  // Section 3.2.7.
  Step dynamic_codes() {
    const size_t literals = TRY(reader_.take(5)) + 257;
    const size_t distances = TRY(reader_.take(5)) + 1;
    const size_t code_lengths = TRY(reader_.take(4)) + 4;
    if (literals > 286 || distances > distance_codes.size()) return bad_stream;

    std::array<uint8_t, 19> order{};
    for (size_t i = 0; i < code_lengths; ++i) order[code_length_order[i]] = static_cast<uint8_t>(TRY(reader_.take(3)));
    if (!state_.literals_.build(order)) return bad_stream;

    std::array<uint8_t, 286 + 30> lengths{};
    TRY(read_lengths(std::span(lengths).first(literals + distances)));
    const auto all = std::span<const uint8_t>(lengths);
    if (lengths[end_of_block] == 0) return bad_stream;
    if (!state_.literals_.build(all.first(literals))) return bad_stream;
    if (!state_.distances_.build(all.subspan(literals, distances))) return bad_stream;
    return {};
  }

  Step read_lengths(std::span<uint8_t> lengths) {
    for (size_t i = 0; i < lengths.size();) {
      const uint16_t symbol = TRY(decode(state_.literals_));
      if (symbol < 16) {
        lengths[i++] = static_cast<uint8_t>(symbol);
        continue;
      }
      if (symbol == 16 && i == 0) return bad_stream;
      const uint8_t repeated = symbol == 16 ? lengths[i - 1] : uint8_t{0};
      const size_t count = symbol == 16   ? TRY(reader_.take(2)) + 3
                           : symbol == 17 ? TRY(reader_.take(3)) + 3
                                          : TRY(reader_.take(7)) + 11;
      if (count > lengths.size() - i) return bad_stream;
      std::ranges::fill(lengths.subspan(i, count), repeated);
      i += count;
    }
    return {};
  }

  Step compressed() {
    while (!stopped_) {
      const uint16_t symbol = TRY(decode(state_.literals_));
      if (symbol < end_of_block) {
        state_.window_[used_] = static_cast<std::byte>(symbol);
        TRY(advance(1));
      } else if (symbol == end_of_block) {
        return {};
      } else {
        TRY(copy(symbol));
      }
    }
    return {};
  }

  Step copy(uint16_t length_symbol) {
    const size_t code = length_symbol - end_of_block - 1U;
    if (code >= length_codes.size()) return bad_stream;
    size_t length = length_codes[code].base + TRY(reader_.take(length_codes[code].bits));
    const uint16_t symbol = TRY(decode(state_.distances_));
    if (symbol >= distance_codes.size()) return bad_stream;
    const size_t distance = distance_codes[symbol].base + TRY(reader_.take(distance_codes[symbol].bits));
    if (distance > flushed_ + used_) return bad_stream;

    while (length != 0 && !stopped_) {
      const size_t from = (used_ - distance) % window_size;
      const size_t count = std::min({length, window_size - used_, window_size - from});
      std::byte* const to = state_.window_.data() + used_;
      const std::byte* const source = state_.window_.data() + from;
      if (from >= used_ + count || used_ >= from + count) {
        std::memcpy(to, source, count);
      } else {
        for (size_t i = 0; i < count; ++i) to[i] = source[i];  // repeats what it has just written
      }
      TRY(advance(count));
      length -= count;
    }
    return {};
  }

  hal::Result<uint16_t, LoadError> decode(const HuffmanCode& code) {
    const auto [symbol, length] = code.decode(reader_.peek());
    if (length == 0) return bad_stream;
    if (!reader_.drop(length)) return truncated;
    return symbol;
  }

  // `count` bytes were added to the window.
  Step advance(size_t count) {
    used_ += count;
    return used_ == window_size ? flush() : Step{};
  }

  Step flush() {
    const auto bytes = std::span<const std::byte>(state_.window_).first(used_);
    crc_ = crc32(crc_, bytes);
    flushed_ += used_;
    stopped_ = TRY(output_.put(bytes)) == InflateOutput::More::no;
    count_work(used_);
    used_ = 0;
    return {};
  }

  void count_work(size_t amount) {
    work_ += amount;
    if (work_ < LoadProgress::slice) return;
    work_ = 0;
    if (progress_ != nullptr) progress_->step();
  }

  Step check_trailer() {
    reader_.align_to_byte();
    const auto trailer = reader_.rest();
    if (trailer.size() < trailer_size) return truncated;
    const bool good = read_le32(trailer) == crc_ && read_le32(trailer.subspan(4)) == static_cast<uint32_t>(flushed_);
    return good ? Step{} : hal::fail(LoadError{Kind::bad_checksum});
  }

  Inflater& state_;
  BitReader reader_;
  InflateOutput& output_;
  LoadProgress* progress_;
  size_t used_ = 0;
  uint64_t flushed_ = 0;
  uint32_t crc_ = 0;
  size_t work_ = 0;
  bool stopped_ = false;
};

hal::Result<void, LoadError> Inflater::gunzip(std::span<const std::byte> file, InflateOutput& output,
                                              LoadProgress* progress) {
  const size_t header = TRY(header_length(file));
  return Run(*this, file.subspan(header), output, progress).run();
}

}  // namespace vmm

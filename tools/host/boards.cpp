// SPDX-License-Identifier: Apache-2.0
// All device trees of a folder: how much of the world's boards is understood.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "tools/host/board.hpp"
#include "tools/host/commands.hpp"
#include "tools/host/quote.hpp"

namespace host {
namespace {

namespace fs = std::filesystem;

struct Summary {
  size_t trees = 0;
  size_t damaged = 0;
  std::map<std::string, size_t> good;     // by what is understood
  std::map<std::string, size_t> drivers;  // of consoles
  std::map<std::string, size_t> reasons;  // why not, the numbers in them aside
};

std::vector<fs::path> trees_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error) && entry.path().extension() == ".dtb") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

void count(const Board& board, Summary& summary) {
  const auto gaps = missing(board);
  const auto lacks = [&](Gap gap) { return std::ranges::any_of(gaps, [&](const Missing& m) { return m.gap == gap; }); };
  for (const Gap gap : {Gap::console, Gap::gic, Gap::timer, Gap::cpus}) {
    if (!lacks(gap)) ++summary.good[std::string(name(gap))];
  }
  if (gaps.empty()) ++summary.good["all"];
  if (board.platform.console) ++summary.drivers[std::string(name(board.platform.console->kind))];
  for (const Missing& gap : gaps) ++summary.reasons[std::string(name(gap.gap)) + ": " + gap.why];
}

void print_counts(const std::map<std::string, size_t>& counts) {
  std::vector<std::pair<std::string, size_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::greater<>{}, &std::pair<std::string, size_t>::second);
  for (const auto& [what, number] : sorted) std::printf("  %6zu  %s\n", number, what.c_str());
}

std::string json_counts(const std::map<std::string, size_t>& counts) {
  std::string out = "{";
  for (const auto& [what, number] : counts)
    out += (out.size() > 1 ? "," : "") + quote(what) + ":" + std::to_string(number);
  return out + "}";
}

void print(const Summary& summary) {
  std::printf("%zu device trees, %zu of them damaged; understood:\n", summary.trees, summary.damaged);
  print_counts(summary.good);
  std::printf("drivers of consoles:\n");
  print_counts(summary.drivers);
  std::printf("what is missing:\n");
  print_counts(summary.reasons);
}

void print_json(const Summary& summary) {
  std::printf("],\"trees\":%zu,\"damaged\":%zu,\"understood\":%s,\"drivers\":%s,\"missing\":%s}\n", summary.trees,
              summary.damaged, json_counts(summary.good).c_str(), json_counts(summary.drivers).c_str(),
              json_counts(summary.reasons).c_str());
}

}  // namespace

int boards(const BoardsOptions& options) {
  Summary summary;
  if (options.json) std::printf("{\"boards\":[");
  for (const fs::path& path : trees_in(options.folder)) {
    const bool first = summary.trees++ == 0;
    const auto board = Board::read(path);
    if (!board) {
      ++summary.damaged;
      continue;
    }
    count(*board, summary);
    const std::string label = fs::relative(path, options.folder).replace_extension().string();
    if (options.json) std::printf("%s%s", first ? "" : ",\n", json_of(*board, label).c_str());
    if (options.list) std::printf("%s", table_of(*board, label).c_str());
  }
  if (summary.trees == 0) {
    std::fprintf(stderr, "%s: no device trees (*.dtb) in there\n", options.folder.c_str());
    return bad_file;
  }
  if (options.json) {
    print_json(summary);
  } else {
    print(summary);
  }
  return summary.damaged == 0 ? good : bad_input;
}

}  // namespace host

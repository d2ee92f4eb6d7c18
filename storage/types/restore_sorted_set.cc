#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "storage/number.h"
#include "storage/types/packed_elements.h"
#include "storage/types/restore_parts.h"
#include "storage/types/sorted_table.h"

namespace larder::storage {
namespace {

// All forms go through a table, which finds members that come twice and puts them into order
// whatever order they come in.
class SortedSetReader {
 public:
  SortedSetReader(DumpReader& in, const RestoreContext& context)
      : in_(in), context_(context), table_(std::make_unique<SortedTable>(context.hash_seed)) {}

  void read_members(DumpType type);
  void read_packed(PackedForm form);
  Object release();

 private:
  bool add(std::string_view member, double score) {
    if (std::isnan(score) || table_->find(member) != nullptr) return false;
    table_->load(member, score);
    return true;
  }
  double text_score();

  DumpReader& in_;
  const RestoreContext& context_;
  std::unique_ptr<SortedTable> table_;
};

// A byte of length and text, or one of three lengths that stand for a number.
double SortedSetReader::text_score() {
  constexpr uint64_t kNan = 253;
  constexpr uint64_t kInfinity = 254;
  constexpr uint64_t kNegativeInfinity = 255;
  const uint64_t length = in_.fixed(1);
  if (length == kInfinity) return std::numeric_limits<double>::infinity();
  if (length == kNegativeInfinity) return -std::numeric_limits<double>::infinity();
  double score = 0;
  if (length == kNan || !parse_double(in_.bytes(length), score)) in_.fail();
  return score;
}

void SortedSetReader::read_members(DumpType type) {
  std::string scratch;
  for (uint64_t left = in_.length(); left > 0; left--) {
    const std::string_view member = in_.string(scratch);
    const double score = type == DumpType::kSortedSetText
                             ? text_score()
                             : std::bit_cast<double>(in_.fixed(sizeof(double)));
    if (in_.failed() || !add(member, score)) return in_.fail();
  }
}

void SortedSetReader::read_packed(PackedForm form) {
  std::string scratch;
  const std::string_view bytes = in_.string(scratch);
  if (in_.failed()) return;
  listpack::Element member;
  bool in_pair = false;
  const bool whole = each_packed(form, bytes, [&](const listpack::Element& element) {
    in_pair = !in_pair;
    if (in_pair) {
      member = element;
      return true;
    }
    char digits[kIntegerTextMax];
    auto score = static_cast<double>(element.integer);
    if (!element.is_integer && !parse_double(element.text, score)) return false;
    return add(member.string(digits), score);
  });
  if (!whole || in_pair) in_.fail();
}

Object SortedSetReader::release() {
  if (table_->size() == 0) in_.fail();
  if (in_.failed()) return {};
  table_->put_in_order();
  return sorted_set_object(std::move(table_), context_.limits.sorted_set);
}

}  // namespace

Object restore_sorted_set(DumpReader& in, DumpType type, const RestoreContext& context) {
  SortedSetReader reader(in, context);
  if (type == DumpType::kSortedSetZiplist) {
    reader.read_packed(PackedForm::kZiplist);
  } else if (type == DumpType::kSortedSetListpack) {
    reader.read_packed(PackedForm::kListpack);
  } else {
    reader.read_members(type);
  }
  return reader.release();
}

}  // namespace larder::storage

#include "server/core/reply.h"

#include "protocol/limits.h"
#include "server/core/output.h"
#include "storage/number.h"
#include "storage/types/hash.h"

namespace larder::core {

void Reply::real(double value) {
  char digits[storage::kDoubleTextMax];
  ReplyWriter::real({digits, storage::write_double(value, digits)});
}

void Reply::value(const storage::Entry& entry) {
  value_part(entry, 0, std::string_view::npos);
}

void Reply::value_part(const storage::Entry& entry, size_t first, size_t bytes) {
  char digits[storage::kIntegerTextMax];
  const std::string_view part = entry.string(digits).substr(first, bytes);
  if (entry.kind() != storage::ValueKind::kBlob || part.size() < protocol::kLargeBulkBytes) {
    return bulk(part);
  }
  bulk_head(part.size());
  out_.hold(*entry.blob(), part);
  raw("\r\n");
}

void Reply::element(const storage::listpack::Element& element) {
  if (element.is_integer) return bulk_integer(element.integer);
  bulk(element.text);
}

void Reply::value(const storage::HashValue& value) {
  if (value.entry != nullptr) return this->value(*value.entry);
  element(value.element);
}

size_t Reply::mark() const {
  return out_.size();
}

void Reply::take_back(size_t mark) {
  out_.truncate(mark);
}

}  // namespace larder::core

#include "proto/codec/record_io.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "proto/codec/text_check.hpp"

namespace bourse::codec {

namespace {
constexpr std::size_t kMaxDigits = 10;
}  // namespace

void append_record(std::string_view record, std::string& out) {
  ASSERT(record.size() <= limits::kMaxRecordIoBytes);
  out += std::to_string(record.size());
  out += '\n';
  out += record;
}

Status RecordDecoder::fail(Error error) {
  failed_ = true;
  body_.clear();
  body_.shrink_to_fit();
  error_ = std::move(error);
  return error_;
}

Status RecordDecoder::feed(std::string_view data, std::vector<std::string>& records) {
  if (failed_) return error_;
  while (!data.empty()) {
    if (in_body_) {
      const std::size_t take = std::min(length_ - body_.size(), data.size());
      body_.append(data.substr(0, take));
      data.remove_prefix(take);
    } else {
      const char c = data.front();
      data.remove_prefix(1);
      if (c >= '0' && c <= '9') {
        if (++digits_ > kMaxDigits) {
          return fail(invalid("a record's length has more than 10 digits"));
        }
        length_ = length_ * 10 + static_cast<std::size_t>(c - '0');
        continue;
      }
      if (c != '\n' || digits_ == 0) {
        return fail(invalid("a record's length holds " + shown(std::string_view(&c, 1)) +
                            ": it must be decimal digits and a line feed"));
      }
      if (length_ > max_record_bytes_) {
        return fail({ErrorCode::too_large, "a record of " + std::to_string(length_) +
                                               " bytes: at most " +
                                               std::to_string(max_record_bytes_)});
      }
      digits_ = 0;
      in_body_ = true;
    }
    if (in_body_ && body_.size() == length_) {
      records.push_back(std::move(body_));
      body_ = std::string();
      length_ = 0;
      in_body_ = false;
    }
  }
  return {};
}

}  // namespace bourse::codec

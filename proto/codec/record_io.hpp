// RecordIO: how messages follow each other on an HTTP stream. A record is its length in decimal
// digits, a line feed, then that many bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/limits.hpp"

namespace bourse::codec {

// Appends one record. REQUIRES record.size() <= limits::kMaxRecordIoBytes.
void append_record(std::string_view record, std::string& out);

// Takes a stream in pieces of any size and gives back whole records. One owner. Never holds more
// than one unfinished record; a length over the limit is refused before anything is allocated for
// it. After an error the stream is beyond repair and every further call returns the same error.
class RecordDecoder {
 public:
  explicit RecordDecoder(std::size_t max_record_bytes = limits::kMaxRecordIoBytes)
      : max_record_bytes_(max_record_bytes) {}

  // Appends the records that `data` completes.
  Status feed(std::string_view data, std::vector<std::string>& records);

  // True between records: the stream may end here without loss.
  bool at_boundary() const { return !failed_ && digits_ == 0 && !in_body_; }

 private:
  Status fail(Error error);

  std::size_t max_record_bytes_;
  std::size_t length_ = 0;  // of the record being read
  std::size_t digits_ = 0;  // read of its length so far
  bool in_body_ = false;
  bool failed_ = false;
  std::string body_;
  Error error_;
};

}  // namespace bourse::codec

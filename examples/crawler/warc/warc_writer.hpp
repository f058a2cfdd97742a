// WarcWriter: fetched pages as WARC/1.1 response records (ISO 28500), one gzip member per record,
// so that any WARC tool reads the crawl. Bodies are as the fetcher delivers them: transfer and
// content encodings undone, the record's own header lines adjusted to match. One owner, one thread.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

class WarcWriter {
 public:
  // Appends to an existing file.
  static Result<std::unique_ptr<WarcWriter>> open(const std::string& path);
  ~WarcWriter();
  WarcWriter(const WarcWriter&) = delete;
  WarcWriter& operator=(const WarcWriter&) = delete;

  void add(const Page& page);
  // Writes what add() collected; fails when the disk is full.
  Status flush();

 private:
  WarcWriter(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}

  std::FILE* file_;
  std::string path_;
  std::string pending_;
};

}  // namespace bourse::crawler

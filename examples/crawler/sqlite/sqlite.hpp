// A thin hold on SQLite for the crawler's two databases: handles that close themselves, statements
// that bind and step in one line, errors as Status. One owner, one thread per Database.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bourse::crawler {

class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* raw) : raw_(raw) {}
  ~Statement() { sqlite3_finalize(raw_); }
  Statement(Statement&& other) noexcept : raw_(other.raw_) { other.raw_ = nullptr; }
  Statement& operator=(Statement&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }

  Statement& bind(int index, std::int64_t value) {
    sqlite3_bind_int64(raw_, index, value);
    return *this;
  }
  // The text must live until the statement has been stepped.
  Statement& bind(int index, std::string_view value) {
    sqlite3_bind_text(raw_, index, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    return *this;
  }
  // SQLITE_ROW, SQLITE_DONE or an error; after DONE or an error it can be bound again.
  int step() {
    const int code = sqlite3_step(raw_);
    if (code != SQLITE_ROW) sqlite3_reset(raw_);
    return code;
  }
  void reset() { sqlite3_reset(raw_); }
  std::int64_t number(int column) const { return sqlite3_column_int64(raw_, column); }
  std::string text(int column) const {
    const unsigned char* bytes = sqlite3_column_text(raw_, column);
    const int count = sqlite3_column_bytes(raw_, column);
    return bytes == nullptr
               ? std::string()
               : std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
  }

 private:
  sqlite3_stmt* raw_ = nullptr;
};

class Database {
 public:
  // `writable` creates the file when it is not there.
  static Result<Database> open(const std::string& path, bool writable);
  ~Database() { sqlite3_close_v2(raw_); }
  Database(Database&& other) noexcept : raw_(other.raw_), path_(std::move(other.path_)) {
    other.raw_ = nullptr;
  }
  Database(const Database&) = delete;

  Status run(const char* sql);  // statements without parameters or results
  Result<Statement> prepare(const char* sql);
  // The last error, with its meaning for the file at hand.
  Error error(const char* while_doing) const;

 private:
  Database(sqlite3* raw, std::string path) : raw_(raw), path_(std::move(path)) {}

  sqlite3* raw_;
  std::string path_;
};

}  // namespace bourse::crawler

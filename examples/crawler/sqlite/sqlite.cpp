#include "examples/crawler/sqlite/sqlite.hpp"

namespace bourse::crawler {

Result<Database> Database::open(const std::string& path, bool writable) {
  sqlite3* raw = nullptr;
  const int flags = writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw, path);
  if (code != SQLITE_OK) return database.error("opening it");
  sqlite3_busy_timeout(raw, 5'000);
  return database;
}

Status Database::run(const char* sql) {
  if (sqlite3_exec(raw_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error(sql);
  return {};
}

Result<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(raw_, sql, -1, &raw, nullptr) != SQLITE_OK) return error(sql);
  return Statement(raw);
}

Error Database::error(const char* while_doing) const {
  ErrorCode code = ErrorCode::io;
  switch (sqlite3_errcode(raw_)) {
    case SQLITE_FULL:
      code = ErrorCode::full;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      code = ErrorCode::corrupt;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      code = ErrorCode::conflict;
      break;
    case SQLITE_CANTOPEN:
      code = ErrorCode::not_found;
      break;
    default:
      break;
  }
  return {code, path_ + ": " + sqlite3_errmsg(raw_) + " (" + while_doing + ")"};
}

}  // namespace bourse::crawler

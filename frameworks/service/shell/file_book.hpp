// FileBook: the book in a SQLite file. Several schedulers may be started on one file, on one
// machine: the one that holds the lock beside it leads, the others wait for the lock. The kernel
// gives it up with the process that held it.
#pragma once

#include <string>

#include "frameworks/service/shell/book_store.hpp"

namespace bourse::service {

class FileBook final : public BookStore {
 public:
  explicit FileBook(std::string path) : path_(std::move(path)) {}
  ~FileBook() override;

  Status start(runtime::Loop& loop, const std::string& address, StoreHandlers handlers) override;
  void store(const std::vector<ServiceCommand>& commands, Stored stored) override;
  bool may_act(Instant) const override { return true; }

 private:
  void try_to_lead();
  Result<Book> open();
  std::string holder() const;
  void on_written(const std::vector<ServiceCommand>& commands, const runtime::WriteResult& result);
  void compact();

  std::string path_;
  std::string address_;
  StoreHandlers handlers_;
  runtime::Loop* loop_ = nullptr;
  runtime::Timer retry_;
  int lock_fd_ = -1;
  bool told_ = false;
  std::string leader_;
  Book stored_;
  std::size_t records_ = 0;  // in the file
  std::size_t under_way_ = 0;
  std::unique_ptr<runtime::RecordStore> store_;
};

}  // namespace bourse::service

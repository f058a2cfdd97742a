// FileBook: the book in a SQLite file. Several schedulers may be started on one file, on one
// machine: the one that holds the lock beside it leads, the others wait for the lock. The kernel
// gives it up with the process that held it; one that stands still with it is ended by a standby.
#pragma once

#include <string>

#include "frameworks/service/core/lock_watch.hpp"
#include "frameworks/service/shell/book_store.hpp"
#include "frameworks/service/shell/store_lock.hpp"

namespace bourse::service {

class FileBook final : public BookStore {
 public:
  explicit FileBook(std::string path);
  ~FileBook() override;

  Status start(runtime::Loop& loop, const std::string& address, StoreHandlers handlers) override;
  void store(const std::vector<ServiceCommand>& commands, Stored stored) override;
  bool may_act(Instant) const override { return true; }

 private:
  void try_to_lead();
  void stand_by();
  void say_alive();
  Result<Book> open();
  void on_written(const std::vector<ServiceCommand>& commands, const runtime::WriteResult& result);
  void compact();

  std::string path_;
  std::string address_;
  StoreHandlers handlers_;
  runtime::Loop* loop_ = nullptr;
  StoreLock lock_;
  LockWatch watch_;
  runtime::Timer timer_;  // of the next look, or of the next word
  bool told_ = false;
  bool told_mute_ = false;
  std::string leader_;
  Book stored_;
  std::size_t records_ = 0;  // in the file
  std::size_t under_way_ = 0;
  std::unique_ptr<runtime::RecordStore> store_;
};

}  // namespace bourse::service

#include "executors/fetch/unpack.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

namespace bourse::fetch {

namespace {

constexpr std::size_t kBlock = 64u << 10;
constexpr int kHow = ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                     ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;

using Reader = std::unique_ptr<archive, int (*)(archive*)>;

bool is_one_file(const std::string& name) {
  return name.ends_with(".gz") && !name.ends_with(".tar.gz");
}

Error error_of(archive* from) {
  const char* text = archive_error_string(from);
  return {ErrorCode::corrupt, text == nullptr ? "is damaged" : text};
}

// Where an entry goes; "" for the directory itself.
Result<std::string> place_of(const std::string& directory, const char* name) {
  const std::string path = name == nullptr ? "" : name;
  if (path.empty() || path[0] == '/') {
    return invalid("its entry '" + path + "' leads out of the sandbox");
  }
  return directory + path;
}

Status copy_data(archive* from, archive* to, Budget& budget) {
  while (true) {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int got = archive_read_data_block(from, &block, &size, &offset);
    if (got == ARCHIVE_EOF) return {};
    if (got < ARCHIVE_WARN) return error_of(from);
    if (Status taken = budget.take_bytes(size); !taken.ok()) return taken;
    if (archive_write_data_block(to, block, size, offset) < ARCHIVE_WARN) return error_of(to);
  }
}

Status unpack_entry(archive* from, archive* to, archive_entry* entry, const std::string& directory,
                    Budget& budget) {
  if (Status taken = budget.take_file(); !taken.ok()) return taken;
  const auto place = place_of(directory, archive_entry_pathname(entry));
  if (!place.ok()) return place.error();
  archive_entry_set_pathname(entry, place->c_str());
  if (const char* link = archive_entry_hardlink(entry)) {
    const auto target = place_of(directory, link);
    if (!target.ok()) return target.error();
    archive_entry_set_hardlink(entry, target->c_str());
  }
  if (archive_write_header(to, entry) < ARCHIVE_WARN) return error_of(to);
  if (Status copied = copy_data(from, to, budget); !copied.ok()) return copied;
  return archive_write_finish_entry(to) < ARCHIVE_WARN ? Status(error_of(to)) : Status();
}

Status unpack_all(archive* from, const std::string& directory, Budget& budget) {
  const Reader to(archive_write_disk_new(), archive_write_free);
  archive_write_disk_set_options(to.get(), kHow);
  archive_entry* entry = nullptr;
  while (true) {
    const int got = archive_read_next_header(from, &entry);
    if (got == ARCHIVE_EOF) break;
    if (got < ARCHIVE_WARN) return error_of(from);
    if (Status done = unpack_entry(from, to.get(), entry, directory, budget); !done.ok()) {
      return done;
    }
  }
  return archive_write_close(to.get()) < ARCHIVE_WARN ? Status(error_of(to.get())) : Status();
}

// Compressed, and no archive.
Status unpack_one(archive* from, const std::string& path, Budget& budget) {
  archive_entry* entry = nullptr;
  if (archive_read_next_header(from, &entry) < ARCHIVE_WARN) return error_of(from);
  auto output = Output::create(path, budget);
  if (!output.ok()) return output.error();
  char block[kBlock];
  while (true) {
    const la_ssize_t got = archive_read_data(from, block, sizeof block);
    if (got < 0) return error_of(from);
    if (got == 0) return {};
    Status written = output->write(block, static_cast<std::size_t>(got));
    if (!written.ok()) return written;
  }
}

}  // namespace

Status unpack(const std::string& path, Budget& budget) {
  const bool one_file = is_one_file(path);
  const Reader from(archive_read_new(), archive_read_free);
  archive_read_support_filter_all(from.get());
  if (one_file) {
    archive_read_support_format_raw(from.get());
  } else {
    archive_read_support_format_tar(from.get());
    archive_read_support_format_zip(from.get());
  }
  if (archive_read_open_filename(from.get(), path.c_str(), kBlock) < ARCHIVE_WARN) {
    return error_of(from.get());
  }
  if (one_file) return unpack_one(from.get(), path.substr(0, path.size() - 3), budget);
  const std::size_t slash = path.rfind('/');
  return unpack_all(from.get(), slash == std::string::npos ? "" : path.substr(0, slash + 1),
                    budget);
}

}  // namespace bourse::fetch

// A disk that fails, for one process and what it starts: preloaded, writes to and syncs of what is
// below the directory BOURSE_DISK_ERROR_BELOW fail with EIO while the file BOURSE_DISK_ERROR says
// so. It has two numbers of 8 bytes, as this machine writes them: which calls fail (1: writes, 2:
// syncs), written by a test at any moment, and how many have failed, counted here.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kWrites = 1, kSyncs = 2 };

struct control {
  _Atomic uint64_t failing;
  _Atomic uint64_t failed;
};

static struct control* control;
static char below[PATH_MAX];
static size_t below_length;

__attribute__((constructor)) static void find_control(void) {
  const char* path = getenv("BOURSE_DISK_ERROR");
  const char* directory = getenv("BOURSE_DISK_ERROR_BELOW");
  if (!path || !directory || !realpath(directory, below)) return;
  below_length = strlen(below);
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* page = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) control = page;
  close(fd);
}

static int is_below(int fd) {
  char link[32];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= (ssize_t)below_length) return 0;
  return memcmp(path, below, below_length) == 0 && path[below_length] == '/';
}

// Whether this call fails; errno says how.
static int fails(int fd, uint64_t kind) {
  if (!control || !(atomic_load(&control->failing) & kind)) return 0;
  const int before = errno;
  const int here = is_below(fd);
  errno = here ? EIO : before;
  if (here) atomic_fetch_add(&control->failed, 1);
  return here;
}

ssize_t write(int fd, const void* bytes, size_t size) {
  return fails(fd, kWrites) ? -1 : syscall(SYS_write, fd, bytes, size);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  return fails(fd, kWrites) ? -1 : syscall(SYS_writev, fd, parts, count);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  return fails(fd, kWrites) ? -1 : syscall(SYS_pwrite64, fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  return fails(fd, kWrites) ? -1 : syscall(SYS_pwrite64, fd, bytes, size, at);
}

int fsync(int fd) {
  return fails(fd, kSyncs) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
  return fails(fd, kSyncs) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

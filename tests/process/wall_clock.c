// A wall clock that a test can set, for one process: preloaded, it adds to CLOCK_REALTIME the
// seconds that stand in the file BOURSE_WALL_CLOCK (8 bytes, as this machine writes them), whatever
// is written there at that moment. Nothing else changes: not the clocks that only go forward, and no
// timer (libfaketime moves timers of every clock, so that they come a day late or never).
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t* ahead;

__attribute__((constructor)) static void find_clock(void) {
  const char* path = getenv("BOURSE_WALL_CLOCK");
  const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) ahead = page;
  close(fd);
}

static int64_t seconds_ahead(void) {
  return ahead ? *ahead : 0;
}

int clock_gettime(clockid_t clock, struct timespec* at) {
  const long rc = syscall(SYS_clock_gettime, clock, at);
  if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    at->tv_sec += seconds_ahead();
  }
  return (int)rc;
}

int gettimeofday(struct timeval* restrict at, void* restrict zone) {
  const long rc = syscall(SYS_gettimeofday, at, zone);
  if (rc == 0 && at) at->tv_sec += seconds_ahead();
  return (int)rc;
}

time_t time(time_t* out) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (out) *out = at.tv_sec;
  return at.tv_sec;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/system_calls.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace onair::test {

SystemCalls& system_calls() {
  static SystemCalls calls;
  return calls;
}

namespace {

// Whether the kernel is to be asked.
bool passes(std::string_view name) {
  auto& calls = system_calls();
  if (calls.killed_before == calls.made.size())
    ::raise(SIGKILL);
  calls.made.emplace_back(name);
  const auto code = calls.fault ? calls.fault(name) : std::nullopt;
  if (code)
    errno = *code;
  return !code;
}

}  // namespace
}  // namespace onair::test

using onair::test::passes;
using onair::test::system_calls;

// An executable's own symbols come before those of the C library.
extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  if (!passes("write"))
    return -1;
  return ::syscall(SYS_write, fd, bytes, std::min(size, system_calls().longest_write));
}

int fdatasync(int fd) {
  return passes("fdatasync") ? static_cast<int>(::syscall(SYS_fdatasync, fd)) : -1;
}

int fsync(int fd) {
  return passes("fsync") ? static_cast<int>(::syscall(SYS_fsync, fd)) : -1;
}

int rename(const char* from, const char* to) noexcept {
  return passes("rename")
             ? static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0))
             : -1;
}

int link(const char* from, const char* to) noexcept {
  return passes("link") ? static_cast<int>(::syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0))
                        : -1;
}

int unlink(const char* path) noexcept {
  return passes("unlink") ? static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0)) : -1;
}
}

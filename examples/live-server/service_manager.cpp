// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service_manager.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace live {
namespace {

constexpr guint kUsPerMs = 1000;

// How often it wants to hear, in ms; 0: never.
guint watchdog_ms() {
  const char* us = std::getenv("WATCHDOG_USEC");
  const char* pid = std::getenv("WATCHDOG_PID");
  if (!us || (pid && std::strtol(pid, nullptr, 10) != ::getpid()))
    return 0;
  return static_cast<guint>(std::min(std::strtoull(us, nullptr, 10) / kUsPerMs, 86'400'000ULL));
}

}  // namespace

bool tell_service_manager(const std::string& state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto length = path ? std::strlen(path) : 0;
  if (length < 2 || length > sizeof address.sun_path || (*path != '/' && *path != '@'))
    return false;
  std::memcpy(address.sun_path, path, length);
  if (*path == '@')  // an abstract one
    address.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  const auto sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
  return sent == static_cast<ssize_t>(state.size());
}

void ServiceManager::on_ready() {
  if (!tell_service_manager("READY=1"))
    return;
  if (const auto ms = watchdog_ms())
    beat(std::max(ms / 2, 1U));
}

void ServiceManager::beat(guint ms) {
  tell_service_manager("WATCHDOG=1");
  beat_.start(ms, [this, ms] { beat(ms); });
}

void ServiceManager::on_stopping() {
  tell_service_manager("STOPPING=1");
}

}  // namespace live

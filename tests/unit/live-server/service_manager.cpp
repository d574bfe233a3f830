// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service_manager.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace live {
namespace {

// What systemd listens on: an abstract socket whose name the kernel has chosen.
class ServiceManagerTest : public ::testing::Test {
 protected:
  ServiceManagerTest() : fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address.sun_family), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    name_ = "@" + std::string{address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1};
    ::setenv("NOTIFY_SOCKET", name_.c_str(), 1);
  }
  ~ServiceManagerTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
      ::unsetenv(name);
    ::close(fd_);
  }
  ServiceManagerTest(const ServiceManagerTest&) = delete;
  ServiceManagerTest& operator=(const ServiceManagerTest&) = delete;

  // Empty where nothing is waiting.
  std::string heard() const {
    char text[256];
    const auto size = ::recv(fd_, text, sizeof text, MSG_DONTWAIT);
    return {text, size > 0 ? static_cast<std::size_t>(size) : 0};
  }

  int fd_;
  std::string name_;
};

TEST_F(ServiceManagerTest, HearsOfTheBeginningAndTheEnd) {
  ServiceManager manager;
  manager.on_ready();
  EXPECT_EQ(heard(), "READY=1");
  EXPECT_EQ(heard(), "") << "it does not watch";
  manager.on_stopping();
  EXPECT_EQ(heard(), "STOPPING=1");
}

TEST_F(ServiceManagerTest, HearsThatTheMainLoopRunsIfItWatches) {
  ::setenv("WATCHDOG_USEC", "4000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  ServiceManager manager;
  manager.on_ready();
  EXPECT_EQ(heard(), "READY=1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(heard(), "WATCHDOG=1");
    g_main_context_iteration(nullptr, TRUE);
  }
}

TEST_F(ServiceManagerTest, WatchesTheProcessThatItNames) {
  ::setenv("WATCHDOG_USEC", "4000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  ServiceManager manager;
  manager.on_ready();
  EXPECT_EQ(heard(), "READY=1");
  EXPECT_EQ(heard(), "");
}

TEST_F(ServiceManagerTest, WhereNobodyListensNobodyIsTold) {
  for (const char* name : {"", "@", "relative", "/does/not/exist", "vsock:2:1"}) {
    ::setenv("NOTIFY_SOCKET", name, 1);
    EXPECT_FALSE(tell_service_manager("READY=1")) << name;
  }
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  EXPECT_FALSE(tell_service_manager("READY=1")) << "longer than names of sockets are";
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(tell_service_manager("READY=1"));
}

}  // namespace
}  // namespace live

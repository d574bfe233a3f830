// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace onair::weather {

// A file descriptor with an owner.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_{fd} {}
  ~Fd();
  Fd(Fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// A network namespace without a name, and in it one interface whose packets are read from and
// written to `device`. It lives as long as a process lives in it or holds `space`, so nothing is
// left behind, whatever becomes of the test.
struct Tunnel {
  Fd space;
  Fd device;
};

struct Obstacle {
  std::string text;
  bool is_kernel = false;  // the kernel has no TUN at all: nothing that an operator could mend
};

// Makes both; the calling process is in the new namespace afterwards. `address` is an IPv4 address
// in a network of 30 bits: the other end is its only neighbour, and the way to everywhere else.
std::variant<Tunnel, Obstacle> open_tunnel(const std::string& address);

}  // namespace onair::weather

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "temporary_directory.hpp"

namespace onair::test {

// A tmpfs of so many bytes, in a mount namespace of this process, for which no rights are needed
// where the kernel allows user namespaces.
class SmallDisk {
 public:
  explicit SmallDisk(std::size_t bytes) : options_{"size=" + std::to_string(bytes)} {
    is_mounted_ =
        enter_namespace() && ::mount("none", path().c_str(), "tmpfs", 0, options_.c_str()) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (is_mounted_)
      ::umount2(path().c_str(), MNT_DETACH);
  }

  [[nodiscard]] explicit operator bool() const { return is_mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }
  [[nodiscard]] bool make_read_only(bool is_read_only) {
    const unsigned long flags = is_read_only ? MS_REMOUNT | MS_RDONLY : MS_REMOUNT;
    return ::mount("none", path().c_str(), "tmpfs", flags, options_.c_str()) == 0;
  }
  [[nodiscard]] std::uintmax_t room() const { return std::filesystem::space(path()).available; }

  // Once is enough for a process; threads that there are already do not see the disks.
  static bool enter_namespace() {
    static const bool is_entered = [] {
      const auto user = std::to_string(::getuid());
      if (::unshare(::getuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
      if (user != "0")
        std::ofstream{"/proc/self/uid_map"} << user << ' ' << user << " 1";
      return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    }();
    return is_entered;
  }

 private:
  TemporaryDirectory directory_;
  std::string options_;
  bool is_mounted_ = false;
};

}  // namespace onair::test

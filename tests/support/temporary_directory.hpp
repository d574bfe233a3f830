// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace onair::test {

// A directory of its own, gone with this.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    auto form = testing::TempDir() + "onair-XXXXXX";
    if (mkdtemp(form.data()) == nullptr)
      throw std::system_error{errno, std::generic_category(), form};
    path_ = form;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace onair::test

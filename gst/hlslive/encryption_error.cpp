// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string>

#include "encryption.hpp"

namespace onair {
namespace {

class Category : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "encryption"; }
  [[nodiscard]] std::string message(int value) const override {
    return EncryptionError{value} == EncryptionError::NoKey
               ? "there is no key, and no random bytes to make one of"
               : "the crypto library refuses";
  }
};

}  // namespace

std::error_code make_error_code(EncryptionError error) {
  static const Category category;
  return {static_cast<int>(error), category};
}

}  // namespace onair

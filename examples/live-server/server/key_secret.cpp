// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/key_secret.hpp"

#include <filesystem>

#include <glib.h>

#include "glue/gstptr.hpp"
#include "random_text.hpp"
#include "server/state_files.hpp"

namespace live {
namespace {

constexpr unsigned kSecretLength = 52;  // 260 bits

}  // namespace

std::variant<KeyChain, std::string> open_key_chain(const std::string& data,
                                                   const std::string& given) {
  if (!given.empty())
    return KeyChain{given};
  const auto file = data + "/key-secret";
  gchar* raw = nullptr;
  if (g_file_get_contents(file.c_str(), &raw, nullptr, nullptr)) {
    const onair::GMemory<char> text{raw};
    return KeyChain{g_strchomp(raw)};
  }
  if (std::filesystem::exists(file))
    return "The file " + file + " can't be read.";
  const auto secret = random_text(kSecretLength);
  if (const auto why = write_state_file(file, secret + "\n"); !why.empty())
    return "The file " + file + " can't be written: " + why + ".";
  return KeyChain{secret};
}

}  // namespace live

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/certificate.hpp"

#include <glib.h>

#include "glue/gstptr.hpp"

namespace onair {
namespace {

std::optional<GChecksumType> checksum_of(std::string_view hash) {
  if (hash == "sha-1")
    return G_CHECKSUM_SHA1;
  if (hash == "sha-256")
    return G_CHECKSUM_SHA256;
  if (hash == "sha-384")
    return G_CHECKSUM_SHA384;
  if (hash == "sha-512")
    return G_CHECKSUM_SHA512;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> digest_of_pem(std::string_view pem, std::string_view hash) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  const auto type = checksum_of(hash);
  const auto begin = pem.find(kBegin);
  const auto end = pem.find(kEnd);
  if (!type || begin == std::string_view::npos || end == std::string_view::npos || end < begin)
    return std::nullopt;
  const std::string base64{pem.substr(begin + kBegin.size(), end - begin - kBegin.size())};
  gsize size = 0;
  const GMemory<guchar> der{g_base64_decode(base64.c_str(), &size)};
  if (size == 0)
    return std::nullopt;
  const GMemory<char> hex{g_compute_checksum_for_data(*type, der.get(), size)};
  std::string digest;
  for (const char* at = hex.get(); *at != '\0'; at += 2) {
    if (!digest.empty())
      digest += ':';
    digest += static_cast<char>(g_ascii_toupper(at[0]));
    digest += static_cast<char>(g_ascii_toupper(at[1]));
  }
  return digest;
}

}  // namespace onair

// SPDX-License-Identifier: LGPL-2.1-or-later
// In place of encryption.cpp where there is no libcrypto: everything refuses.
#include "encryption.hpp"

namespace onair {

bool has_encryption() {
  return false;
}

void SegmentEncryptor::Free::operator()(evp_cipher_ctx_st*) const {}

SegmentEncryptor::SegmentEncryptor(const AesBlock&, const AesBlock&) {}

std::optional<std::vector<std::byte>> SegmentEncryptor::update(std::span<const std::byte>) {
  return std::nullopt;
}

std::optional<std::vector<std::byte>> SegmentEncryptor::finish() {
  return std::nullopt;
}

std::optional<AesBlock> random_block() {
  return std::nullopt;
}

}  // namespace onair

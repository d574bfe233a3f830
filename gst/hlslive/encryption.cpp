// SPDX-License-Identifier: LGPL-2.1-or-later
#include "encryption.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <openssl/evp.h>
#include <openssl/rand.h>

namespace onair {
namespace {

// EVP counts in int.
constexpr std::size_t kLongestPiece = std::size_t{1} << 30U;
static_assert(kLongestPiece < std::numeric_limits<int>::max() - 16);

unsigned char* bytes_at(std::vector<std::byte>& bytes, std::size_t at) {
  return reinterpret_cast<unsigned char*>(bytes.data() + at);
}

}  // namespace

bool has_encryption() {
  return true;
}

void SegmentEncryptor::Free::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

SegmentEncryptor::SegmentEncryptor(const AesBlock& key, const AesBlock& iv)
    : context_{EVP_CIPHER_CTX_new()} {
  if (context_ &&
      EVP_EncryptInit_ex(context_.get(), EVP_aes_128_cbc(), nullptr, key.data(), iv.data()) != 1)
    context_.reset();
}

std::optional<std::vector<std::byte>> SegmentEncryptor::update(std::span<const std::byte> plain) {
  std::vector<std::byte> out(plain.size() + sizeof(AesBlock));
  std::size_t used = 0;
  while (context_ && !plain.empty()) {
    const auto piece = plain.first(std::min(plain.size(), kLongestPiece));
    plain = plain.subspan(piece.size());
    int written = 0;
    if (EVP_EncryptUpdate(context_.get(), bytes_at(out, used), &written,
                          reinterpret_cast<const unsigned char*>(piece.data()),
                          static_cast<int>(piece.size())) != 1)
      context_.reset();
    used += static_cast<std::size_t>(written);
  }
  if (!context_)
    return std::nullopt;
  out.resize(used);
  return out;
}

std::optional<std::vector<std::byte>> SegmentEncryptor::finish() {
  std::vector<std::byte> out(sizeof(AesBlock));
  int written = 0;
  const auto context = std::move(context_);
  if (!context || EVP_EncryptFinal_ex(context.get(), bytes_at(out, 0), &written) != 1)
    return std::nullopt;
  out.resize(static_cast<std::size_t>(written));
  return out;
}

std::optional<AesBlock> random_block() {
  AesBlock block{};
  if (RAND_bytes(block.data(), static_cast<int>(block.size())) != 1)
    return std::nullopt;
  return block;
}

}  // namespace onair

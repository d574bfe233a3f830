// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <type_traits>
#include <vector>

struct evp_cipher_ctx_st;

namespace onair {

// Whether this was built with a crypto library.
bool has_encryption();

using AesBlock = std::array<std::uint8_t, 16>;

// Why something cannot be encrypted.
enum class EncryptionError {
  NoKey = 1,  // nobody gave one, and none can be made
  Refused,    // by the library, as without memory
};
std::error_code make_error_code(EncryptionError error);

// One resource under METHOD=AES-128: all of it AES-128 in CBC mode, padded as PKCS#7 says (RFC 8216
// section 4.3.2.4). A part is a resource of its own, so it gets an encryptor of its own, with the key
// and the IV of its segment: players decrypt each part as it comes, and have but one EXT-X-KEY for
// it. That is why the encrypted parts of a segment, joined, are not the encrypted segment.
class SegmentEncryptor {
 public:
  // Room that `size` bytes take when encrypted: a whole number of blocks, one of them for padding alone
  // if need be.
  static constexpr std::uint64_t encrypted_size(std::uint64_t size) { return (size / 16 + 1) * 16; }

  SegmentEncryptor(const AesBlock& key, const AesBlock& iv);

  // What can be encrypted so far, which may be nothing. No value at all: the library refused, as it
  // does without memory, and this resource can't be finished.
  [[nodiscard]] std::optional<std::vector<std::byte>> update(std::span<const std::byte> plain);
  // The rest and the padding. Nothing can follow.
  [[nodiscard]] std::optional<std::vector<std::byte>> finish();

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;  // none once anything went wrong
};

// For keys and initialization vectors; no value when the system has no randomness to give.
std::optional<AesBlock> random_block();

}  // namespace onair

template <>
struct std::is_error_code_enum<onair::EncryptionError> : std::true_type {};

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "encryption.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "support/temporary_directory.hpp"

namespace onair::test {
namespace {

using Octets = std::vector<std::byte>;

Octets from_hex(std::string_view hex) {
  Octets octets;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    octets.push_back(
        static_cast<std::byte>(std::stoul(std::string{hex.substr(i, 2)}, nullptr, 16)));
  return octets;
}

AesBlock block_from_hex(std::string_view hex) {
  AesBlock block{};
  const auto octets = from_hex(hex);
  std::transform(octets.begin(), octets.end(), block.begin(),
                 [](std::byte octet) { return static_cast<std::uint8_t>(octet); });
  return block;
}

std::string to_hex(std::span<const std::uint8_t> octets) {
  std::string hex;
  for (const auto octet : octets) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned>(octet));
    hex += digits.data();
  }
  return hex;
}

// In pieces of `size` bytes.
Octets encrypted(const Octets& plain, const AesBlock& key, const AesBlock& iv, std::size_t size) {
  SegmentEncryptor encryptor{key, iv};
  Octets out;
  const auto take = [&out](const std::optional<Octets>& piece) {
    ASSERT_TRUE(piece);
    out.insert(out.end(), piece->begin(), piece->end());
  };
  for (std::size_t at = 0; at < plain.size(); at += size)
    take(encryptor.update(std::span{plain}.subspan(at, std::min(size, plain.size() - at))));
  take(encryptor.finish());
  return out;
}

// NIST SP 800-38A, F.2.1: CBC-AES128.Encrypt.
const AesBlock kKey = block_from_hex("2b7e151628aed2a6abf7158809cf4f3c");
const AesBlock kIv = block_from_hex("000102030405060708090a0b0c0d0e0f");
constexpr std::string_view kPlain =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
constexpr std::string_view kCipher =
    "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
    "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7";

TEST(SegmentEncryptor, EncryptsAsNistDoesHoweverThePiecesCome) {
  const auto plain = from_hex(kPlain);
  for (const std::size_t size : {1U, 15U, 16U, 17U, 63U, 64U, 100U}) {
    auto cipher = encrypted(plain, kKey, kIv, size);
    ASSERT_EQ(cipher.size(), 80U) << "whole blocks are padded with one more";
    cipher.resize(64);
    EXPECT_EQ(cipher, from_hex(kCipher)) << "in pieces of " << size;
  }
}

TEST(SegmentEncryptor, TellsTheSizeBeforehand) {
  for (std::size_t size = 0; size < 50; ++size)
    EXPECT_EQ(encrypted(Octets(size), kKey, kIv, 7).size(), SegmentEncryptor::encrypted_size(size));
  EXPECT_EQ(SegmentEncryptor::encrypted_size(0), 16U);
  EXPECT_EQ(SegmentEncryptor::encrypted_size(15), 16U);
  EXPECT_EQ(SegmentEncryptor::encrypted_size(16), 32U);
}

TEST(SegmentEncryptor, CanNotGoOnOnceFinished) {
  SegmentEncryptor encryptor{kKey, kIv};
  EXPECT_TRUE(encryptor.finish());
  EXPECT_FALSE(encryptor.update(from_hex(kPlain)));
  EXPECT_FALSE(encryptor.finish());
}

// A part is read by itself, under the EXT-X-KEY of its segment.
TEST(SegmentEncryptor, RestartsForEachPart) {
  const auto plain = from_hex(kPlain);
  const Octets half{plain.begin(), plain.begin() + 32};
  const auto whole = encrypted(plain, kKey, kIv, 64);
  const auto part = encrypted(half, kKey, kIv, 32);
  ASSERT_EQ(part.size(), 48U) << "with a padding of its own";
  EXPECT_TRUE(std::equal(part.begin(), part.begin() + 32, whole.begin()));
  EXPECT_FALSE(std::equal(part.begin() + 32, part.end(), whole.begin() + 32));
}

TEST(SegmentEncryptor, IsReadByTheOpensslCommand) {
  if (std::system("openssl version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "no openssl";
  TemporaryDirectory directory;
  std::mt19937 random{1};
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 188U * 700U}) {
    Octets plain(size);
    std::generate(plain.begin(), plain.end(),
                  [&] { return static_cast<std::byte>(random() & 0xffU); });
    const auto key = random_block();
    const auto iv = random_block();
    ASSERT_TRUE(key && iv);
    const auto cipher = encrypted(plain, *key, *iv, 1316);
    const auto path = directory.path().string();
    std::ofstream{path + "/cipher", std::ios::binary}.write(
        reinterpret_cast<const char*>(cipher.data()), static_cast<std::streamsize>(cipher.size()));
    const auto command = "openssl enc -d -aes-128-cbc -K " + to_hex(*key) + " -iv " + to_hex(*iv) +
                         " -in '" + path + "/cipher' -out '" + path + "/plain'";
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    std::ifstream file{path + "/plain", std::ios::binary};
    const std::string read{std::istreambuf_iterator<char>{file}, {}};
    EXPECT_EQ(read, std::string(reinterpret_cast<const char*>(plain.data()), plain.size()));
  }
}

TEST(RandomBlock, IsNeverTheSame) {
  std::set<AesBlock> blocks;
  for (int n = 0; n < 1000; ++n) {
    const auto block = random_block();
    ASSERT_TRUE(block);
    blocks.insert(*block);
  }
  EXPECT_EQ(blocks.size(), 1000U);
}

}  // namespace
}  // namespace onair::test

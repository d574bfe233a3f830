// SPDX-License-Identifier: LGPL-2.1-or-later
// hlslivesink: encrypted segments and parts, decrypted as a player would.
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "hlslivesink_bench.hpp"

namespace onair::test {
namespace {

// AES-128 in CBC mode with PKCS#7 padding, and the sequence number as IV (RFC 8216 section 5.2).
std::string decrypt(const std::string& bytes, const std::string& key, unsigned sequence) {
  std::string iv(16, '\0');
  iv.back() = static_cast<char>(sequence);
  const auto data = [](const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  auto* context = EVP_CIPHER_CTX_new();
  std::string plain(bytes.size() + 16, '\0');
  auto* out = reinterpret_cast<unsigned char*>(plain.data());
  int size = 0;
  int rest = 0;
  EXPECT_EQ(EVP_DecryptInit_ex(context, EVP_aes_128_cbc(), nullptr, data(key), data(iv)), 1);
  EXPECT_EQ(EVP_DecryptUpdate(context, out, &size, data(bytes), static_cast<int>(bytes.size())), 1);
  EXPECT_EQ(EVP_DecryptFinal_ex(context, out + size, &rest), 1) << "the padding";
  EVP_CIPHER_CTX_free(context);
  plain.resize(static_cast<std::size_t>(size + rest));
  return plain;
}

std::string key_of(guint64 number) {
  return "0123456789abcde" + std::string(1, static_cast<char>('a' + number));
}

// An application that has keys.
GBytes* answer_key(GstElement*, guint64 number, gpointer asked) {
  ++(*static_cast<std::map<guint64, int>*>(asked))[number];
  const auto key = key_of(number);
  return g_bytes_new(key.data(), key.size());
}

class HlsLiveSinkEncryption : public testing::Test {
 protected:
  void start(const std::string& more = {}) {
    bench = std::make_unique<LiveSinkBench>("encrypt-key-uri=https://keys.example/key " + more,
                                            GST_STATE_READY);
    plain = std::make_unique<LiveSinkBench>(more);
  }
  void answer() {
    g_signal_connect(bench->element(), "request-key", G_CALLBACK(answer_key), &asked);
  }
  void play(Duration to) {
    bench->set_state(GST_STATE_PLAYING);
    EXPECT_EQ(bench->add("audio_0").sounds(0s, to), GST_FLOW_OK);
    EXPECT_EQ(plain->add("audio_0").sounds(0s, to), GST_FLOW_OK);
  }

  std::map<guint64, int> asked;  // outlives the bench
  std::unique_ptr<LiveSinkBench> bench;
  std::unique_ptr<LiveSinkBench> plain;
};

TEST_F(HlsLiveSinkEncryption, WhatIsDecryptedIsTheStream) {
  start();
  answer();
  play(2100ms);
  for (auto* each : {bench.get(), plain.get()})
    each->wait_for("0.m3u8", "0-1.ts\n");
  EXPECT_EQ(LiveSinkBench::tags(bench->get("0.m3u8").data, "#EXT-X-KEY"),
            Strings{R"(#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/key?kid=0")"});
  for (const unsigned sequence : {0, 1}) {
    const auto name = "0-" + std::to_string(sequence);
    const auto bytes = bench->get(name + ".ts").data;
    const auto expected = plain->get(name + ".ts").data;
    EXPECT_EQ(bytes.find("S24;"), std::string::npos) << "nothing to be read in it";
    EXPECT_EQ(decrypt(bytes, key_of(0), sequence), expected);
    for (int part = 0; part < 5; ++part) {
      const auto file = name + "." + std::to_string(part) + ".ts";
      EXPECT_EQ(decrypt(bench->get(file).data, key_of(0), sequence), plain->get(file).data) << file;
    }
  }
  EXPECT_EQ(asked, (std::map<guint64, int>{{0, 1}}));
  EXPECT_TRUE(bench->messages(GST_MESSAGE_ELEMENT, "hlslivesink-key").empty());
}

TEST_F(HlsLiveSinkEncryption, KeysRotateAndAreAskedForASegmentAhead) {
  start("key-rotation=2 low-latency=false");
  answer();
  play(5100ms);
  for (auto* each : {bench.get(), plain.get()})
    each->wait_for("0.m3u8", "0-4.ts\n");
  EXPECT_EQ(LiveSinkBench::lines(bench->get("0.m3u8").data),
            (Strings{R"(#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/key?kid=0")",
                     "#EXTINF:1.008,", "0-0.ts", "#EXTINF:0.984,", "0-1.ts",
                     R"(#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/key?kid=2")",
                     "#EXTINF:1.008,", "0-2.ts", "#EXTINF:1.008,", "0-3.ts",
                     R"(#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/key?kid=4")",
                     "#EXTINF:0.984,", "0-4.ts"}));
  for (const unsigned sequence : {0, 1, 2, 3, 4}) {
    const auto name = "0-" + std::to_string(sequence) + ".ts";
    EXPECT_EQ(decrypt(bench->get(name).data, key_of(sequence / 2 * 2), sequence),
              plain->get(name).data)
        << name;
  }
  for (const auto& [number, times] : asked)
    EXPECT_EQ(times, 1) << number;
  EXPECT_TRUE(asked.contains(4));
}

TEST_F(HlsLiveSinkEncryption, WithoutAnAnswerAKeyIsMadeAndPosted) {
  start("key-rotation=2 low-latency=false");
  play(3100ms);
  for (auto* each : {bench.get(), plain.get()})
    each->wait_for("0.m3u8", "0-2.ts\n");
  ASSERT_TRUE(bench->wait_for_progress("segments", 3));
  std::map<guint64, std::string> keys;
  for (const auto& message : bench->messages(GST_MESSAGE_ELEMENT, "hlslivesink-key")) {
    GBytes* bytes = nullptr;
    const auto* structure = gst_message_get_structure(message.get());
    gst_structure_get(structure, "key", G_TYPE_BYTES, &bytes, nullptr);
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
    keys[uint64_of(structure, "kid")] = std::string(data, size);
    g_bytes_unref(bytes);
  }
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_NE(keys[0], keys[2]);
  for (const unsigned sequence : {0, 1, 2}) {
    const auto name = "0-" + std::to_string(sequence) + ".ts";
    EXPECT_EQ(decrypt(bench->get(name).data, keys[sequence / 2 * 2], sequence),
              plain->get(name).data)
        << name;
  }
}

TEST_F(HlsLiveSinkEncryption, AnAddressThatHasAQueryGetsOneMoreField) {
  bench = std::make_unique<LiveSinkBench>("encrypt-key-uri=key?channel=7 low-latency=false");
  EXPECT_EQ(bench->add("audio_0").sounds(0s, 1100ms), GST_FLOW_OK);
  EXPECT_EQ(LiveSinkBench::tags(bench->wait_for("0.m3u8", "0-0.ts\n"), "#EXT-X-KEY"),
            Strings{R"(#EXT-X-KEY:METHOD=AES-128,URI="key?channel=7&kid=0")"});
}

}  // namespace
}  // namespace onair::test

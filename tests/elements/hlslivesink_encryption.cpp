// SPDX-License-Identifier: LGPL-2.1-or-later
// hlslivesink: encrypted segments and parts, decrypted as a player would.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <dlfcn.h>
#include <gst/gst.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "hlslivesink_bench.hpp"

namespace onair::test {
namespace {

// What the crypto library cannot do for a while.
struct Trouble {
  std::atomic<bool> with_random_bytes = false;
  std::atomic<bool> with_beginning = false;
  std::atomic<bool> with_going_on = false;
};
Trouble trouble;

// The library's own, behind the function of that name at the end of this file.
template <auto* function>
auto library(const char* name) {
  static auto* const found = dlsym(RTLD_NEXT, name);
  return reinterpret_cast<decltype(function)>(found);
}

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
  // What is posted for whoever serves them, by number.
  std::map<guint64, std::string> posted() {
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
    return keys;
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
  auto keys = posted();
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

TEST_F(HlsLiveSinkEncryption, AnAddressSaysWhereTheNumberOfTheKeyStands) {
  bench = std::make_unique<LiveSinkBench>(
      "encrypt-key-uri=\"key/live.{kid}?for=7\" key-rotation=1 low-latency=false");
  EXPECT_EQ(bench->add("audio_0").sounds(0s, 2100ms), GST_FLOW_OK);
  EXPECT_EQ(LiveSinkBench::tags(bench->wait_for("0.m3u8", "0-1.ts\n"), "#EXT-X-KEY"),
            (Strings{R"(#EXT-X-KEY:METHOD=AES-128,URI="key/live.0?for=7")",
                     R"(#EXT-X-KEY:METHOD=AES-128,URI="key/live.1?for=7")"}));
}

TEST_F(HlsLiveSinkEncryption, AKeyOfAnotherLengthIsWarnedOfAndNotTaken) {
  start("low-latency=false");
  const auto give = +[](GstElement*, guint64, gpointer) { return g_bytes_new("too short", 9); };
  g_signal_connect(bench->element(), "request-key", G_CALLBACK(give), nullptr);
  play(1100ms);
  for (auto* each : {bench.get(), plain.get()})
    each->wait_for("0.m3u8", "0-0.ts\n");
  EXPECT_EQ(bench->warnings(),
            Strings{"A key has 16 bytes: one of 9 is not taken, and another one is made."});
  ASSERT_TRUE(bench->wait_for_progress("segments", 1));
  const auto keys = posted();
  ASSERT_TRUE(keys.contains(0));
  EXPECT_EQ(decrypt(bench->get("0-0.ts").data, keys.at(0), 0), plain->get("0-0.ts").data);
}

// Nothing is there to be read of what could not be encrypted.
struct Impossible {
  const char* name;
  std::atomic<bool>& trouble;
  const char* warning;
};
class HlsLiveSinkWithoutEncryption : public HlsLiveSinkEncryption,
                                     public testing::WithParamInterface<Impossible> {
 protected:
  ~HlsLiveSinkWithoutEncryption() { GetParam().trouble = false; }
};

TEST_P(HlsLiveSinkWithoutEncryption, SegmentsAreGapsUntilItIsPossibleAgain) {
  start("key-rotation=1 window=60000000000");
  bench->set_state(GST_STATE_PLAYING);
  auto& sound = bench->add("audio_0");
  auto& other = plain->add("audio_0");
  EXPECT_EQ(other.sounds(0s, 4100ms), GST_FLOW_OK);
  EXPECT_EQ(sound.sounds(0s, 900ms), GST_FLOW_OK);
  bench->wait_for("0.m3u8", R"(URI="0-0.4.ts")");
  GetParam().trouble = true;
  EXPECT_EQ(sound.sounds(900ms, 2900ms), GST_FLOW_OK);
  bench->wait_for("0.m3u8", R"(URI="0-2.4.ts")");
  GetParam().trouble = false;
  EXPECT_EQ(sound.sounds(2900ms, 4100ms), GST_FLOW_OK);
  const auto text = bench->wait_for("0.m3u8", "0-3.ts\n");
  const auto key = [](const std::string& number) {
    return R"(#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/key?kid=)" + number + '"';
  };
  auto lines = LiveSinkBench::lines(text);
  std::erase_if(lines, [&key](const auto& line) {
    // A library that refuses leaves gaps that have keys.
    return line.starts_with("#EXT-X-PART:") || line == key("1") || line == key("2");
  });
  lines.resize(std::min<std::size_t>(lines.size(), 12));
  EXPECT_EQ(lines, (Strings{key("0"), "#EXTINF:1.008,", "0-0.ts", "#EXT-X-GAP", "#EXTINF:0.984,",
                            "0-1.ts", "#EXT-X-GAP", "#EXTINF:1.008,", "0-2.ts", key("3"),
                            "#EXTINF:1.008,", "0-3.ts"}));
  for (const auto& part : LiveSinkBench::tags(text, "#EXT-X-PART:"))
    EXPECT_EQ(part.find("GAP=YES") != part.npos, part.find("\"0-2.") != part.npos) << part;
  for (const auto* name : {"0-1.ts", "0-2.ts", "0-1.0.ts", "0-1.4.ts", "0-2.0.ts", "0-2.4.ts"})
    EXPECT_EQ(bench->get(name).status, 404U) << name;
  EXPECT_EQ(bench->warnings(), Strings{GetParam().warning});
  for (const auto* kind : {"hlslivesink-segment", "hlslivesink-part"})
    for (const auto& message : bench->messages(GST_MESSAGE_ELEMENT, kind)) {
      const auto* told = gst_message_get_structure(message.get());
      const auto sequence = uint64_of(told, "sequence");
      EXPECT_EQ(flag_of(told, "gap"), sequence == 1 || sequence == 2) << kind << ' ' << sequence;
    }

  ASSERT_TRUE(bench->wait_for_progress("segments", 4));
  plain->wait_for("0.m3u8", "0-3.ts\n");
  const auto keys = posted();
  ASSERT_TRUE(keys.contains(0) && keys.contains(3));
  for (const unsigned sequence : {0, 3})
    for (const auto* rest : {".ts", ".0.ts", ".4.ts"}) {
      const auto name = "0-" + std::to_string(sequence) + rest;
      const auto bytes = decrypt(bench->get(name).data, keys.at(sequence), sequence);
      EXPECT_EQ(LiveSinkBench::read(bytes).sounds, plain->media(name).sounds) << name;
    }
}

INSTANTIATE_TEST_SUITE_P(
    For, HlsLiveSinkWithoutEncryption,
    testing::Values(Impossible{"WantOfAKey", trouble.with_random_bytes,
                               "cannot encrypt 0-1.ts: there is no key, and no random bytes to "
                               "make one of"},
                    Impossible{"ALibraryThatDoesNotBegin", trouble.with_beginning,
                               "cannot encrypt 0-1.ts: the crypto library refuses"}),
    [](const auto& its) { return std::string{its.param.name}; });

TEST_F(HlsLiveSinkEncryption, WhatCannotBeEncryptedToItsEndIsTakenBack) {
  start("low-latency=false");
  bench->set_state(GST_STATE_PLAYING);
  auto& sound = bench->add("audio_0");
  EXPECT_EQ(sound.sounds(0s, 500ms), GST_FLOW_OK);
  bench->wait_for("0-0.ts", [](const Answer& answer) { return !answer.data.empty(); });
  trouble.with_going_on = true;
  EXPECT_EQ(sound.sounds(500ms, 2100ms), GST_FLOW_OK);
  EXPECT_EQ(LiveSinkBench::tags(bench->wait_for("0.m3u8", "0-1.ts\n"), "#EXT-X-GAP").size(), 2U);
  trouble.with_going_on = false;
  EXPECT_EQ(bench->get("0-0.ts").status, 404U);
  EXPECT_EQ(bench->warnings().size(), 1U);
}

}  // namespace
}  // namespace onair::test

// An executable's own symbols come before those of its libraries.
extern "C" {

[[gnu::visibility("default")]] int RAND_bytes(unsigned char* bytes, int count) {
  return onair::test::trouble.with_random_bytes
             ? 0
             : onair::test::library<&RAND_bytes>(__func__)(bytes, count);
}

[[gnu::visibility("default")]] int EVP_EncryptInit_ex(EVP_CIPHER_CTX* context,
                                                      const EVP_CIPHER* cipher, ENGINE* engine,
                                                      const unsigned char* key,
                                                      const unsigned char* iv) {
  return onair::test::trouble.with_beginning ? 0
                                             : onair::test::library<&EVP_EncryptInit_ex>(__func__)(
                                                   context, cipher, engine, key, iv);
}

[[gnu::visibility("default")]] int EVP_EncryptUpdate(EVP_CIPHER_CTX* context, unsigned char* out,
                                                     int* written, const unsigned char* in,
                                                     int size) {
  return onair::test::trouble.with_going_on
             ? 0
             : onair::test::library<&EVP_EncryptUpdate>(__func__)(context, out, written, in, size);
}

}  // extern "C"

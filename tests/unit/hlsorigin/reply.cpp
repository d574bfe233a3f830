// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reply.hpp"

#include <string>

#include <gtest/gtest.h>

namespace onair::hlsorigin {
namespace {

std::string header(const Reply& reply, const std::string& name) {
  std::string value;
  for (const auto& [one, text] : reply.headers)
    if (one == name)
      value += text;
  return value;
}

Entity segment() {
  return {.content_type = "video/mp2t",
          .cache_control = "public, max-age=3600",
          .etag = {},
          .size = 1000,
          .has_two_forms = false,
          .gzip_size = std::nullopt};
}

Entity playlist() {
  return {.content_type = "application/vnd.apple.mpegurl",
          .cache_control = "max-age=1",
          .etag = "\"abc\"",
          .size = 500,
          .has_two_forms = true,
          .gzip_size = std::nullopt};
}

Entity compressed_playlist() {
  auto entity = playlist();
  entity.gzip_size = 120;
  return entity;
}

TEST(Reply, ASegmentGoesOutAsItIs) {
  const auto reply = reply_with(segment(), {});
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(reply.body, Reply::Body::Plain);
  EXPECT_EQ(reply.bytes.first, 0u);
  EXPECT_EQ(reply.bytes.length, 1000u);
  EXPECT_EQ(header(reply, "Content-Type"), "video/mp2t");
  EXPECT_EQ(header(reply, "Cache-Control"), "public, max-age=3600");
  EXPECT_EQ(header(reply, "Accept-Ranges"), "bytes");
  EXPECT_EQ(header(reply, "Vary"), "");
  EXPECT_EQ(header(reply, "ETag"), "");
}

TEST(Reply, OnlyWhatHasTwoFormsVaries) {
  EXPECT_EQ(header(reply_with(playlist(), {}), "Vary"), "Accept-Encoding");
  EXPECT_EQ(header(reply_with(compressed_playlist(), {}), "Vary"), "Accept-Encoding");
}

TEST(Reply, TheCompressedFormHasATagOfItsOwn) {
  const auto reply = reply_with(compressed_playlist(), {});
  EXPECT_EQ(reply.body, Reply::Body::Gzip);
  EXPECT_EQ(reply.bytes.length, 120u);
  EXPECT_EQ(header(reply, "Content-Encoding"), "gzip");
  EXPECT_EQ(header(reply, "ETag"), "\"abc-gzip\"");
  EXPECT_EQ(header(reply_with(playlist(), {}), "ETag"), "\"abc\"");
  EXPECT_EQ(header(reply_with(playlist(), {}), "Content-Encoding"), "");
}

TEST(Reply, WhoHasTheTextIsToldSo) {
  const auto reply = reply_with(playlist(), {.if_none_match = "\"x\", W/\"abc\""});
  EXPECT_EQ(reply.status, 304u);
  EXPECT_EQ(reply.body, Reply::Body::None);
  EXPECT_EQ(header(reply, "ETag"), "\"abc\"");
  EXPECT_EQ(header(reply, "Cache-Control"), "max-age=1");
  EXPECT_EQ(header(reply, "Vary"), "Accept-Encoding");
  EXPECT_EQ(reply_with(playlist(), {.if_none_match = "\"abd\""}).status, 200u);
}

TEST(Reply, TheOtherFormsTagIsNoMatch) {
  EXPECT_EQ(reply_with(compressed_playlist(), {.if_none_match = "\"abc\""}).status, 200u);
  EXPECT_EQ(reply_with(compressed_playlist(), {.if_none_match = "\"abc-gzip\""}).status, 304u);
}

TEST(Reply, WhatHasNoTagNeverMatches) {
  EXPECT_EQ(reply_with(segment(), {.if_none_match = "*"}).status, 200u);
  EXPECT_EQ(reply_with(segment(), {.if_none_match = "\"\""}).status, 200u);
}

TEST(Reply, WhatHasTwoFormsComesWhole) {
  for (const char* range : {"bytes=0-", "bytes=100-199", "bytes=500-"}) {
    const auto plain = reply_with(playlist(), {.range = range});
    EXPECT_EQ(plain.status, 200u) << range;
    EXPECT_EQ(plain.bytes.length, 500u) << range;
    EXPECT_EQ(header(plain, "Accept-Ranges"), "") << range;
    const auto packed = reply_with(compressed_playlist(), {.range = range});
    EXPECT_EQ(packed.status, 200u) << range;
    EXPECT_EQ(packed.body, Reply::Body::Gzip) << range;
    EXPECT_EQ(packed.bytes.length, 120u) << range;
  }
}

TEST(Reply, ARangeBehindTheEndIs416AndTellsTheSize) {
  const auto reply = reply_with(segment(), {.range = "bytes=1000-"});
  EXPECT_EQ(reply.status, 416u);
  EXPECT_EQ(header(reply, "Content-Range"), "bytes */1000");
  EXPECT_EQ(reply_with(segment(), {.range = "bytes=999-"}).status, 206u);
}

TEST(Reply, IfRangeKeepsHalvesOfOneResourceTogether) {
  auto tagged = segment();
  tagged.etag = "\"abc\"";
  const auto status = [](const Entity& entity, const char* if_range) {
    return reply_with(entity, {.if_range = if_range, .range = "bytes=0-1"}).status;
  };
  EXPECT_EQ(status(tagged, "\"abc\""), 206u);
  EXPECT_EQ(status(tagged, "\"abd\""), 200u);
  EXPECT_EQ(status(tagged, "W/\"abc\""), 200u);
  EXPECT_EQ(status(segment(), "Sat, 01 Jun 2024 00:00:00 GMT"), 200u);
}

TEST(Reply, AProblemIsRememberedForASecondAtMost) {
  const auto missing = problem(404, "There is no such resource.");
  EXPECT_EQ(missing.text, "There is no such resource.\n");
  EXPECT_EQ(missing.bytes.length, missing.text.size());
  EXPECT_EQ(header(missing, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header(missing, "Cache-Control"), "max-age=1");
  EXPECT_EQ(header(missing, "Retry-After"), "");
  const auto late = problem(503, "It did not come in time.");
  EXPECT_EQ(header(late, "Cache-Control"), "no-store");
  EXPECT_EQ(header(late, "Retry-After"), "1");
}

TEST(Reply, GzipIsTakenByThoseWhoSaySo) {
  for (const char* yes : {"gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8, *;q=0.1", "GZIP",
                          "x-gzip", "*", "deflate,gzip;q=0.001", "gzip ; q = 1", "*;q=0, gzip"})
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  for (const char* no : {"", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *",
                         "gzipped", ",", ";", "q=1", "deflate;gzip"})
    EXPECT_FALSE(accepts_gzip(no)) << no;
}

TEST(Reply, TagsAreComparedWeakly) {
  EXPECT_TRUE(lists_etag("\"a\"", "\"a\""));
  EXPECT_TRUE(lists_etag("W/\"a\"", "\"a\""));
  EXPECT_TRUE(lists_etag(" \"b\" ,\"a\"", "\"a\""));
  EXPECT_TRUE(lists_etag("*", "\"a\""));
  EXPECT_FALSE(lists_etag("\"ab\"", "\"a\""));
  EXPECT_FALSE(lists_etag("a", "\"a\""));
  EXPECT_FALSE(lists_etag("", "\"a\""));
}

TEST(Reply, PlaylistsAreTextAndMediaIsNot) {
  EXPECT_TRUE(is_text("application/vnd.apple.mpegurl"));
  EXPECT_TRUE(is_text("Application/VND.apple.mpegURL; charset=utf-8"));
  EXPECT_TRUE(is_text("text/vtt"));
  EXPECT_FALSE(is_text("video/mp2t"));
  EXPECT_FALSE(is_text("video/mp4"));
  EXPECT_FALSE(is_text("application/octet-stream"));
  EXPECT_FALSE(is_text(""));
}

}  // namespace
}  // namespace onair::hlsorigin

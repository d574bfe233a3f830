// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/channel_request.hpp"

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "api/http_url.hpp"

namespace live::test {
namespace {

const Json kGood{{"hls", Json::parse(R"([{"audio":{"bps":64000}}])")}};

Json with(const char* field, const Json& value) {
  auto body = kGood;
  body[field] = value;
  return body;
}

FieldError error_of_text(std::string_view text) {
  auto read = read_channel_request(text);
  auto* error = std::get_if<FieldError>(&read);
  return error ? std::move(*error) : FieldError{};
}

std::string error_of(const Json& body) {
  return error_of_text(body.dump()).sentence;
}

ChannelRequest read(const Json& body) {
  auto read = read_channel_request(body.dump());
  if (const auto* error = std::get_if<FieldError>(&read)) {
    ADD_FAILURE() << error->sentence;
    return {};
  }
  return std::get<ChannelRequest>(std::move(read));
}

TEST(ChannelRequest, TheBodyOfImageFluxIsReadAsItIs) {
  const auto request = read(Json::parse(R"({
    "hls":[
      {"durationSeconds":1,"startTimeOffset":-2,
       "video":{"width":640,"height":480,"fps":12,"bps":2465792,"codec":"h264_main"},
       "audio":{"bps":64000},"archive":{"archive_destination_id":""}},
      {"durationSeconds":1,"startTimeOffset":-2,"audio":{"bps":64000}}],
    "encrypt_key_uri":"https://example.com/api/encrypt_key_uri",
    "auth_webhook_url":"https://example.com/api/auth_webhook_url",
    "event_webhook_url":"http://127.0.0.1:9000/api/event_webhook_url",
    "environment":0})"));
  EXPECT_EQ(request.hls.renditions.size(), 2u);
  EXPECT_EQ(request.hls.segment_seconds, 1);
  EXPECT_EQ(request.hls.start_seconds, -2);
  EXPECT_EQ(request.encrypt_key_uri, "https://example.com/api/encrypt_key_uri");
  EXPECT_EQ(request.auth_webhook_url, "https://example.com/api/auth_webhook_url");
  EXPECT_EQ(request.event_webhook_url, "http://127.0.0.1:9000/api/event_webhook_url");
}

TEST(ChannelRequest, WhatIsLeftOutIsLeftToTheServer) {
  const auto request = read(kGood);
  EXPECT_FALSE(request.encrypt_key_uri || request.auth_webhook_url || request.event_webhook_url);
  EXPECT_FALSE(request.hold_seconds || request.time_shift_hours || request.low_latency);
}

TEST(ChannelRequest, AnEmptyUrlIsNone) {
  for (const char* field : {"encrypt_key_uri", "auth_webhook_url", "event_webhook_url"})
    EXPECT_EQ(read(with(field, "")), read(kGood)) << field;
}

TEST(ChannelRequest, AWrongUrlIsNamed) {
  for (const std::string field : {"encrypt_key_uri", "auth_webhook_url", "event_webhook_url"}) {
    const auto said = [&](const Json& value) {
      return field + " is " + shown(value) + ", but must be " + std::string{kHttpUrl} + ".";
    };
    for (const Json& wrong : {Json("ftp://example.com"), Json("https://user@example.com/"), Json(1),
                              Json(nullptr), Json("https://a/" + std::string(2039, 'x'))}) {
      const auto error = error_of_text(with(field.c_str(), wrong).dump());
      EXPECT_EQ(error.sentence, said(wrong));
      EXPECT_EQ(error.field, field);
    }
    EXPECT_EQ(error_of(with(field.c_str(), "https://a/" + std::string(2038, 'x'))), "");
  }
}

TEST(ChannelRequest, TimesHaveRanges) {
  struct Case {
    const char* field;
    double most;
    const char* allowed;
  };
  for (const auto& [field, most, allowed] :
       {Case{"hold_seconds", 3600, "from 0 to 3600 seconds"},
        Case{"time_shift_hours", 168, "from 0 to 168 hours"}}) {
    for (const double right : {0., 0.5, most})
      EXPECT_EQ(error_of(with(field, right)), "") << field;
    for (const Json& wrong :
         {Json(-0.001), Json(most + 0.001), Json("1"), Json(nullptr), Json(true)})
      EXPECT_EQ(error_of(with(field, wrong)),
                std::string{field} + " is " + wrong.dump() + ", but must be " + allowed + ".");
  }
  EXPECT_EQ(read(with("hold_seconds", 30)).hold_seconds, 30);
  EXPECT_EQ(read(with("time_shift_hours", 0.25)).time_shift_hours, 0.25);
}

TEST(ChannelRequest, LowLatencyIsYesOrNo) {
  EXPECT_EQ(read(with("low_latency", false)).low_latency, false);
  EXPECT_EQ(read(with("low_latency", true)).low_latency, true);
  EXPECT_EQ(error_of(with("low_latency", 1)), "low_latency is 1, but must be true or false.");
}

TEST(ChannelRequest, AListIsNeeded) {
  const auto missing = error_of_text("{}");
  EXPECT_EQ(missing.sentence, "hls is missing; it must be a list of renditions.");
  EXPECT_EQ(missing.field, "hls");
  const auto wrong = error_of_text(R"({"hls":{}})");
  EXPECT_EQ(wrong.sentence, "hls is {}, but must be a list of renditions.");
  EXPECT_EQ(wrong.field, "hls");
}

TEST(ChannelRequest, AMistakeInsideIsNamedByItsPath) {
  const auto error = error_of_text(
      R"({"hls":[{"audio":{}},{"video":{"width":640,"height":480,"fps":61,"bps":1000000}}]})");
  EXPECT_EQ(error.sentence, "hls[1].video.fps is 61, but must be a whole number from 3 to 60.");
  EXPECT_EQ(error.field, "hls[1].video.fps");
}

TEST(ChannelRequest, OnePublisherAtATimeUnlessItSaysMulti) {
  EXPECT_FALSE(read(kGood).is_multi);
  EXPECT_EQ(read(with("multi", false)), read(kGood));
  const auto request = read(with("multi", true));
  EXPECT_TRUE(request.is_multi);
  EXPECT_EQ(read(to_json(request)), request);
  EXPECT_EQ(error_of(with("multi", 2)), "multi is 2, but must be true or false.");
}

TEST(ChannelRequest, WhatAsksForNothingIsPassedOver) {
  EXPECT_EQ(error_of(with("environment", 0)), "");
  EXPECT_EQ(error_of(with("environment", 1)),
            "environment is 1, but must be 0: this server is one environment.");
}

TEST(ChannelRequest, AnArchiveNamesItsDestination) {
  const auto archived = [](const Json& archive) {
    auto body = kGood;
    body["hls"][0]["archive"] = archive;
    return body;
  };
  EXPECT_EQ(read(archived({{"archive_destination_id", ""}})), read(kGood));
  EXPECT_EQ(read(archived(Json::object())), read(kGood));
  const auto request = read(archived({{"archive_destination_id", "d1"}}));
  EXPECT_EQ(request.hls.archive_destination, "d1");
  EXPECT_EQ(read(to_json(request)), request);
  for (const Json& wrong : {Json(nullptr), Json("d1")})
    EXPECT_EQ(error_of(archived(wrong)),
              "hls[0].archive is " + wrong.dump() + ", but must be an object.");
  EXPECT_EQ(error_of(archived({{"archive_destination_id", "a/b"}})),
            "hls[0].archive.archive_destination_id is \"a/b\", but must be the id of an archive "
            "destination, or empty.");
  EXPECT_EQ(error_of(archived({{"bucket", "b"}})),
            "hls[0].archive.bucket is \"b\", but must be left out: there is no such field, only "
            "archive_destination_id.");
}

TEST(ChannelRequest, AllRenditionsAreArchivedAtOnePlace) {
  const auto with_destinations = [](const char* first, const char* second) {
    auto body = kGood;
    body["hls"].push_back(body["hls"][0]);
    body["hls"][0]["archive"] = {{"archive_destination_id", first}};
    body["hls"][1]["archive"] = {{"archive_destination_id", second}};
    return body;
  };
  EXPECT_EQ(read(with_destinations("d1", "")).hls.archive_destination, "d1");
  EXPECT_EQ(read(with_destinations("", "d1")).hls.archive_destination, "d1");
  EXPECT_EQ(read(with_destinations("d1", "d1")).hls.archive_destination, "d1");
  EXPECT_EQ(error_of(with_destinations("d1", "d2")),
            "hls[1].archive.archive_destination_id is \"d2\", but must be \"d1\", as in an entry "
            "before: the archive has all renditions.");
}

TEST(ChannelRequest, AnUnknownFieldIsNamed) {
  EXPECT_EQ(error_of(with("title", "mine")),
            "title is \"mine\", but must be left out: there is no such field, only hls, "
            "encrypt_key_uri, auth_webhook_url, event_webhook_url, hold_seconds, "
            "time_shift_hours, low_latency, rtp or multi.");
}

TEST(ChannelRequest, HoweverAFieldIsCalledTheSentenceIsShortAndPlain) {
  const auto error = [](const std::string& name) {
    auto body = kGood;
    body["hls"][0][name] = 1;
    return error_of_text(body.dump());
  };
  for (const auto& [name, said] : {std::pair{std::string{"a-B_9"}, std::string{"a-B_9"}},
                                   {std::string(60, 'x'), std::string(60, 'x')},
                                   {std::string(61, 'x'), "\"" + std::string(59, 'x') + "..."},
                                   {"a b\n\xc3\xa4", R"("a b\n\u00e4")"},
                                   {"", "\"\""}}) {
    EXPECT_EQ(error(name).field, "hls[0]." + said);
    EXPECT_EQ(error(name).sentence.find("hls[0]." + said + " is 1, but must be left out: "), 0u)
        << error(name).sentence;
  }
}

TEST(ChannelRequest, OfSeveralMistakesTheFirstFieldOfOursIsNamed) {
  EXPECT_EQ(error_of_text(R"({"low_latency":1,"hold_seconds":-1,"hls":[{"audio":{}}]})").field,
            "hold_seconds");
}

TEST(ChannelRequest, WhatIsNoObjectIsToldOfTheWhole) {
  for (const auto& [text, sentence] :
       {std::pair{"[]", "The body is [], but must be an object."},
        std::pair{"null", "The body is null, but must be an object."}}) {
    EXPECT_EQ(error_of_text(text).sentence, sentence);
    EXPECT_EQ(error_of_text(text).field, "");
  }
  EXPECT_EQ(error_of_text("").sentence.find("The body is no JSON: parse error at line 1, "), 0u);
  EXPECT_EQ(error_of_text(R"({"hls":[],"hls":[]})").sentence,
            "The body has the field \"hls\" twice.");
}

// A right one with up to two fields that have something else, or are others.
class RandomRequests {
 public:
  explicit RandomRequests(unsigned seed) : random_{seed} {}

  Json body() {
    auto body = kWhole;
    for (const auto& [name, value] : kWhole.items())
      if (name != "hls" && is_one_in(2))
        body.erase(name);
    for (auto mistakes = below(3); mistakes > 0; --mistakes) {
      std::vector<Json*> objects;
      collect_objects(body, objects);
      (*pick(objects))[pick(kNames)] = value(3);
    }
    return body;
  }

  // Some bytes of it are others, or gone.
  std::string damaged(std::string text) {
    for (unsigned i = 0; i < below(4) && !text.empty(); ++i) {
      const auto at = below(static_cast<unsigned>(text.size()));
      if (is_one_in(2))
        text[at] = static_cast<char>(below(256));
      else
        text.erase(at, below(8));
    }
    return text;
  }

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

 private:
  bool is_one_in(unsigned n) { return below(n) == 0; }

  template <typename List>
  auto pick(const List& list) -> decltype(list[0]) {
    return list[below(static_cast<unsigned>(std::size(list)))];
  }

  static void collect_objects(Json& value, std::vector<Json*>& objects) {
    if (value.is_object())
      objects.push_back(&value);
    for (auto& inner : value)
      if (inner.is_structured())
        collect_objects(inner, objects);
  }

  Json value(unsigned depth) {
    if (depth > 0 && is_one_in(8))
      return Json::array({value(depth - 1), value(depth - 1)});
    if (depth > 0 && is_one_in(8))
      return Json{{"bps", value(depth - 1)}};
    return pick(kValues);
  }

  inline static const Json kWhole = Json::parse(R"({
    "hls":[
      {"durationSeconds":1,"startTimeOffset":-2,
       "video":{"width":640,"height":480,"fps":12,"bps":2465792,"codec":"h264_main","fit":"crop",
                "upscale":true},
       "audio":{"bps":64000},"archive":{"archive_destination_id":""}},
      {"audio":{"bps":64000}}],
    "encrypt_key_uri":"https://example.com/key","auth_webhook_url":"https://example.com/auth",
    "event_webhook_url":"https://example.com/event","hold_seconds":30,"time_shift_hours":1.5,
    "low_latency":true,"multi":false,"environment":0})");
  static constexpr const char* kNames[] = {"hls",
                                           "encrypt_key_uri",
                                           "auth_webhook_url",
                                           "event_webhook_url",
                                           "hold_seconds",
                                           "time_shift_hours",
                                           "low_latency",
                                           "multi",
                                           "environment",
                                           "durationSeconds",
                                           "startTimeOffset",
                                           "video",
                                           "audio",
                                           "archive",
                                           "width",
                                           "height",
                                           "fps",
                                           "bps",
                                           "codec",
                                           "fit",
                                           "upscale",
                                           "x"};
  inline static const Json kValues[] = {nullptr,
                                        true,
                                        false,
                                        0,
                                        1,
                                        -1,
                                        640,
                                        30,
                                        64'000,
                                        0.5,
                                        1e300,
                                        -1e300,
                                        std::numeric_limits<std::int64_t>::min(),
                                        std::numeric_limits<std::uint64_t>::max(),
                                        "",
                                        "h264_main",
                                        "https://example.com",
                                        "https://",
                                        "\u001f\u3042",
                                        Json::array(),
                                        Json::object()};

  std::mt19937 random_;
};

TEST(ChannelRequest, WhateverIsSentIsReadOrRefusedWithASentence) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomRequests requests{seed};
  unsigned right = 0;
  constexpr unsigned kTimes = 4'000;
  for (unsigned i = 0; i < kTimes; ++i) {
    auto text = requests.body().dump();
    if (i % 2 == 1)
      text = requests.damaged(std::move(text));
    SCOPED_TRACE(text);
    std::variant<ChannelRequest, FieldError> read;
    ASSERT_NO_THROW(read = read_channel_request(text));
    if (const auto* error = std::get_if<FieldError>(&read)) {
      ASSERT_TRUE(error->sentence.ends_with('.')) << error->sentence;
      ASSERT_EQ(error->sentence.find(error->field), 0u) << error->sentence;
      ASSERT_NO_THROW((void)Json(error->sentence).dump());  // UTF-8 throughout
      continue;
    }
    ++right;
    const auto& request = std::get<ChannelRequest>(read);
    ASSERT_EQ(std::get<ChannelRequest>(read_channel_request(to_json(request).dump())), request);
  }
  // A third of those that are not damaged have no mistake.
  EXPECT_GT(right, kTimes / 10);
  EXPECT_LT(right, kTimes / 2);
}

TEST(ChannelRequest, WhatAnSfuIsToSendIsSaidRight) {
  const auto error = [](const char* rtp) {
    const auto read =
        read_channel_request((std::string{R"({"hls":[{"audio":{}}],"rtp":)"} + rtp + "}").c_str());
    const auto* wrong = std::get_if<FieldError>(&read);
    return wrong ? wrong->sentence : "none";
  };
  EXPECT_EQ(error(R"({"audio":{}})"), "none");
  EXPECT_EQ(error(R"({"video":{"port":5004,"rtcp_port":5005},"audio":{"port":5006}})"), "none");
  EXPECT_EQ(error("{}"), "rtp has neither audio nor video, but must have one of them, or both.");
  EXPECT_EQ(error("5004"), "rtp is 5004, but must be an object.");
  EXPECT_EQ(error(R"({"audio":5004})"), "rtp.audio is 5004, but must be an object.");
  EXPECT_EQ(error(R"({"audio":{"port":65536}})"),
            "rtp.audio.port is 65536, but must be a whole number from 0 to 65535.");
  EXPECT_EQ(error(R"({"audio":{"rtcp_port":-1}})"),
            "rtp.audio.rtcp_port is -1, but must be a whole number from 0 to 65535.");
  EXPECT_EQ(error(R"({"video":{"payload_type":128}})"),
            "rtp.video.payload_type is 128, but must be a whole number from 0 to 127.");
  EXPECT_EQ(error(R"({"video":{"ssrc":0}})"),
            "rtp.video.ssrc is 0, but must be a whole number from 1 to 4294967295.");
  EXPECT_EQ(error(R"({"audio":{},"from":"sfu.example.com"})"),
            "rtp.from is \"sfu.example.com\", but must be an IP address.");
  EXPECT_EQ(error(R"({"audio":{"port":5004},"video":{"rtcp_port":5004}})"),
            "rtp.video.rtcp_port is 5004, but must be another port than rtp.audio.port.");
  EXPECT_EQ(error(R"({"audio":{"port":0,"rtcp_port":0},"video":{"port":0}})"), "none");
}

TEST(ChannelRequest, WhatIsWrittenReadsAsTheSameAgain) {
  const auto request = read(Json::parse(R"({
    "hls":[
      {"durationSeconds":1.008,"startTimeOffset":-2.5,
       "video":{"width":640,"height":480,"fps":12,"bps":2465792,"codec":"h264_baseline","fit":"crop",
                "upscale":false},"audio":{"bps":65000}},
      {"video":{"width":320,"height":240,"bps":15000}},
      {"audio":{}}],
    "encrypt_key_uri":"https://example.com/key","auth_webhook_url":"https://example.com/auth",
    "event_webhook_url":"https://example.com/event","hold_seconds":0.1,"time_shift_hours":167.9,
    "low_latency":false,
    "rtp":{"audio":{"port":5004,"rtcp_port":0},"video":{"payload_type":108,"ssrc":4294967295},
           "from":"192.0.2.1"}})"));
  ASSERT_TRUE(request.rtp && request.rtp->video);
  EXPECT_EQ(request.rtp->video->ssrc, 4'294'967'295u);
  EXPECT_EQ(read(to_json(request)), request);
  EXPECT_EQ(read(to_json(read(kGood))), read(kGood));
}

}  // namespace
}  // namespace live::test

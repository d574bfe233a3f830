// SPDX-License-Identifier: LGPL-2.1-or-later
#include "renditions.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace live::test {
namespace {

using Json = nlohmann::json;

// In the middle of all ranges.
const Json kGood{{"video", {{"width", 1280}, {"height", 720}, {"fps", 25}, {"bps", 2'500'000}}},
                 {"audio", {{"bps", 128'000}}}};

HlsList read_list(const std::string& json) {
  auto read = read_hls_list(json);
  if (const auto* error = std::get_if<std::string>(&read)) {
    ADD_FAILURE() << *error;
    return {};
  }
  return std::get<HlsList>(std::move(read));
}

Renditions read(const std::string& json) {
  return read_list(json).renditions;
}

// Of the second of two entries, so that its number is told; empty where it is right.
std::string error_of(const Json& entry) {
  const auto read = read_hls_list(Json{kGood, entry}.dump());
  const auto* error = std::get_if<std::string>(&read);
  return error ? *error : "";
}

std::string error_of_text(const std::string& json) {
  const auto read = read_hls_list(json);
  const auto* error = std::get_if<std::string>(&read);
  return error ? *error : "";
}

Json with(const char* media, const char* field, const Json& value) {
  auto entry = kGood;
  entry[media][field] = value;
  return entry;
}

TEST(Renditions, AListOfTheChannelApiIsReadAsItIs) {
  const auto renditions = read(R"([
    {"video":{"width":1280,"height":720,"fps":30,"bps":2500000,"codec":"h264_high"},"audio":{"bps":128000}},
    {"video":{"width":640,"height":360,"fps":15,"bps":800000,"fit":"crop","upscale":false}},
    {"audio":{"bps":64000}}])");
  const Renditions expected{
      {.video =
           Rendition::Video{
               .width = 1280, .height = 720, .fps = 30, .bps = 2'500'000, .profile = "high"},
       .audio = Rendition::Audio{128'000}},
      {.video = Rendition::Video{.width = 640,
                                 .height = 360,
                                 .fps = 15,
                                 .bps = 800'000,
                                 .fit = "crop",
                                 .upscale = false}},
      {.audio = Rendition::Audio{64'000}}};
  EXPECT_EQ(renditions, expected);
}

TEST(Renditions, WhatIsLeftOutHasItsDefault) {
  const auto renditions = read(R"([{"video":{"width":36,"height":36,"bps":15000},"audio":{}}])");
  ASSERT_EQ(renditions.size(), 1u);
  const auto& [video, audio] = renditions[0];
  ASSERT_TRUE(video && audio);
  EXPECT_EQ(video->fps, 30u);
  EXPECT_EQ(video->profile, "main");
  EXPECT_EQ(video->fit, "letterbox");
  EXPECT_TRUE(video->upscale);
  EXPECT_EQ(audio->bps, 96'000u);
}

struct Range {
  const char* media;
  const char* field;
  int least;
  int most;
  int step;
  const char* allowed;
};
constexpr Range kRanges[] = {
    {"video", "width", 36, 4096, 2, "an even number from 36 to 4096"},
    {"video", "height", 36, 4096, 2, "an even number from 36 to 4096"},
    {"video", "fps", 3, 60, 1, "a whole number from 3 to 60"},
    {"video", "bps", 15'000, 15'000'000, 1, "a whole number from 15000 to 15000000"},
    {"audio", "bps", 1, 1'000'000, 1, "a whole number from 1 to 1000000"},
};

TEST(Renditions, ANumberAtTheEndOfItsRangeIsRightAndTheNextOneIsNamed) {
  for (const auto& [media, field, least, most, step, allowed] : kRanges) {
    EXPECT_EQ(error_of(with(media, field, least)), "") << field;
    EXPECT_EQ(error_of(with(media, field, most)), "") << field;
    for (const int wrong : {least - step, most + step})
      EXPECT_EQ(error_of(with(media, field, wrong)), std::string{"hls[1]."} + media + "." + field +
                                                         " is " + std::to_string(wrong) +
                                                         ", but must be " + allowed + ".");
  }
}

TEST(Renditions, SidesAreEven) {
  EXPECT_EQ(error_of(with("video", "width", 641)),
            "hls[1].video.width is 641, but must be an even number from 36 to 4096.");
}

TEST(Renditions, NumbersAreWholeHoweverTheyAreWritten) {
  EXPECT_EQ(error_of_text(R"([{"video":{"width":640.0,"height":3.6e2,"bps":800000}}])"), "");
  for (const auto& wrong :
       {Json(29.97), Json("30"), Json(true), Json(nullptr), Json::array(), Json(-30), Json(1e300)})
    EXPECT_EQ(error_of(with("video", "fps", wrong)),
              "hls[1].video.fps is " + wrong.dump() + ", but must be a whole number from 3 to 60.");
}

TEST(Renditions, SoundHasTheNextBitRateOfMp3Below) {
  for (const auto& [given, made] : {std::pair{1, 32'000u},
                                    {31'999, 32'000u},
                                    {32'000, 32'000u},
                                    {39'999, 32'000u},
                                    {40'000, 40'000u},
                                    {100'000, 96'000u},
                                    {127'999, 112'000u},
                                    {319'999, 256'000u},
                                    {320'000, 320'000u},
                                    {1'000'000, 320'000u}}) {
    const auto renditions = read(Json{with("audio", "bps", given)}.dump());
    ASSERT_EQ(renditions.size(), 1u);
    EXPECT_EQ(renditions[0].audio->bps, made) << given;
  }
}

TEST(Renditions, WordsAreNamedWithTheirAlternatives) {
  EXPECT_EQ(error_of(with("video", "codec", "vp8")),
            "hls[1].video.codec is \"vp8\", but must be h264_baseline, h264_main or h264_high.");
  EXPECT_EQ(error_of(with("video", "fit", 1)),
            "hls[1].video.fit is 1, but must be letterbox, crop or stretch.");
  EXPECT_EQ(error_of(with("video", "upscale", "yes")),
            "hls[1].video.upscale is \"yes\", but must be true or false.");
}

TEST(Renditions, WhatThereHasToBeIsMissed) {
  for (const char* field : {"width", "height", "bps"}) {
    auto entry = kGood;
    entry["video"].erase(field);
    EXPECT_EQ(
        error_of(entry).find(std::string{"hls[1].video."} + field + " is missing; it must be "), 0u)
        << error_of(entry);
  }
}

TEST(Renditions, AnUnknownFieldIsNamedOnEachFloor) {
  EXPECT_EQ(error_of(with("video", "frames", 25)),
            "hls[1].video.frames is 25, but must be left out: there is no such field, only width, "
            "height, fps, bps, codec, fit or upscale.");
  EXPECT_EQ(
      error_of(with("audio", "codec", "mp3")),
      "hls[1].audio.codec is \"mp3\", but must be left out: there is no such field, only bps.");
  auto entry = kGood;
  entry["sound"] = Json::object();
  EXPECT_EQ(error_of(entry),
            "hls[1].sound is {}, but must be left out: there is no such field, only "
            "durationSeconds, startTimeOffset, archive, video or audio.");
}

TEST(Renditions, OfSeveralMistakesTheFirstIsNamed) {
  EXPECT_EQ(error_of_text(R"([{"video":{"fps":1,"height":1,"width":1}}])")
                .find("hls[0].video.width is 1,"),
            0u);
}

TEST(Renditions, WhatHasAnotherShapeIsNamed) {
  EXPECT_EQ(error_of("720p"), "hls[1] is \"720p\", but must be an object.");
  EXPECT_EQ(error_of(Json::object()), "hls[1] is empty, but must have video, audio or both.");
  EXPECT_EQ(error_of({{"video", nullptr}}), "hls[1].video is null, but must be an object.");
  EXPECT_EQ(error_of_text(R"({"hls":[]})"),
            "hls is {\"hls\":[]}, but must be a list of renditions.");
  EXPECT_EQ(error_of(Json(std::string(1000, 'x'))),
            "hls[1] is \"" + std::string(59, 'x') + "..., but must be an object.");
}

TEST(HlsList, WhatIsTheSameForAllMayBeSaidByAny) {
  const auto hls = read_list(R"([
    {"audio":{}},
    {"durationSeconds":1.5,"startTimeOffset":-2,"video":{"width":640,"height":480,"bps":1000000}},
    {"durationSeconds":1.5,"audio":{}}])");
  EXPECT_EQ(hls.segment_seconds, 1.5);
  EXPECT_EQ(hls.start_seconds, -2);
  EXPECT_EQ(hls.renditions.size(), 3u);
  const auto silent = read_list(R"([{"audio":{}}])");
  EXPECT_FALSE(silent.segment_seconds);
  EXPECT_FALSE(silent.start_seconds);
}

TEST(HlsList, WhatIsTheSameForAllIsSaidInOneWay) {
  EXPECT_EQ(error_of_text(R"([{"durationSeconds":1,"audio":{}},{"durationSeconds":2,"audio":{}}])"),
            "hls[1].durationSeconds is 2, but must be 1, as in hls[0]: all renditions are cut "
            "at the same instants.");
  EXPECT_EQ(
      error_of_text(
          R"([{"audio":{}},{"startTimeOffset":-2,"audio":{}},{"startTimeOffset":0,"audio":{}}])"),
      "hls[2].startTimeOffset is 0, but must be -2, as in hls[1]: it is the player's, "
      "whatever it goes on with.");
}

TEST(HlsList, TimesHaveRanges) {
  const auto error = [](const char* field, const Json& value) {
    auto entry = kGood;
    entry[field] = value;
    return error_of(entry);
  };
  for (const auto& right : {Json(0.5), Json(1), Json(60)})
    EXPECT_EQ(error("durationSeconds", right), "");
  for (const auto& wrong : {Json(0.49), Json(60.1), Json("1"), Json(nullptr), Json(-1)})
    EXPECT_EQ(error("durationSeconds", wrong), "hls[1].durationSeconds is " + wrong.dump() +
                                                   ", but must be from 0.5 to 60 seconds.");
  for (const auto& right : {Json(-86400), Json(0), Json(86400)})
    EXPECT_EQ(error("startTimeOffset", right), "");
  EXPECT_EQ(error("startTimeOffset", -86401),
            "hls[1].startTimeOffset is -86401, but must be from -86400 to 86400 seconds.");
}

TEST(Renditions, AListHasOneToSixteen) {
  EXPECT_EQ(error_of_text("[]"), "hls has 0 renditions, but must have 1 to 16.");
  EXPECT_EQ(error_of_text(Json(16, kGood).dump()), "");
  EXPECT_EQ(error_of_text(Json(17, kGood).dump()), "hls has 17 renditions, but must have 1 to 16.");
}

TEST(Renditions, WhatIsNoJsonIsToldWhere) {
  for (const char* text : {"", "[", "[{]", "[{'video':1}]", "\xff", "[] []"})
    EXPECT_EQ(error_of_text(text).find("hls is no JSON: parse error at line 1, column "), 0u)
        << text << ": " << error_of_text(text);
}

TEST(Renditions, TheLadderIsToldAllOfIt) {
  const Renditions renditions{
      {.video = Rendition::Video{.width = 640, .height = 360, .fps = 15, .bps = 800'000},
       .audio = Rendition::Audio{64'000}},
      {.video = Rendition::Video{.width = 320,
                                 .height = 180,
                                 .fps = 30,
                                 .bps = 200'000,
                                 .profile = "high",
                                 .fit = "crop",
                                 .upscale = false}},
      {.audio = Rendition::Audio{32'000}}};
  EXPECT_EQ(ladder_text(renditions, false),
            "<[hls-0,width=640,height=360,fps=15,bps=800000,profile=main,fit=letterbox,"
            "upscale=true,audio-bps=64000,audio-codec=mp3],"
            "[hls-1,width=320,height=180,fps=30,bps=200000,profile=high,fit=crop,upscale=false,"
            "audio=none],"
            "[hls-2,video=none,audio-bps=32000,audio-codec=mp3]>");
  EXPECT_NE(ladder_text(renditions, true).find("audio-bps=32000,audio-codec=aac"),
            std::string::npos);
}

TEST(Renditions, TheLargestPictureIsFoundAndSoundIsSeen) {
  const auto renditions = read(
      R"([{"audio":{}},{"video":{"width":100,"height":500,"bps":15000}},
          {"video":{"width":400,"height":200,"bps":15000}}])");
  ASSERT_TRUE(largest_video(renditions));
  EXPECT_EQ(largest_video(renditions)->width, 400u);
  EXPECT_TRUE(has_audio(renditions));
  EXPECT_FALSE(largest_video({renditions[0]}));
  EXPECT_FALSE(has_audio({renditions[1]}));
}

}  // namespace
}  // namespace live::test

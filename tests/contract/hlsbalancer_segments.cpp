// SPDX-License-Identifier: LGPL-2.1-or-later
// hlsbalancer in front of stock hlssink2, behind stock encoders: what is in the segments that come out,
// read from the files.
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "base/ticks.hpp"
#include "gst_environment.hpp"
#include "measure.hpp"
#include "pipeline.hpp"
#include "playlist.hpp"
#include "programme.hpp"

namespace onair::test {
namespace {

using namespace onair::segments;
using namespace std::chrono_literals;

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

// hlssink2 keeps durations in single precision: 24 bits, of up to 8 s; and the sum of sixty.
constexpr double kRounding = 5e-7;
constexpr double kSumRounding = 1e-5;
// Times are rounded to 90 kHz, each for itself.
constexpr std::int64_t kTick = 1;
// Of a segment by its playlist and by its sound, in seconds.
constexpr double kSameLength = 1e-4;

struct Case {
  std::string name;
  Programme programme;
};

void PrintTo(const Case& each, std::ostream* out) {
  *out << each.name;
}

constexpr Sound kMp3{};
constexpr Sound kMp3At44{.rate = 44'100};
constexpr Sound kAac{.codec = Sound::Codec::Aac};
constexpr auto kBFrames = Picture::Encoder::X264WithBFrames;
constexpr auto kOpenH264 = Picture::Encoder::OpenH264;

constexpr Picture fps(int frames, int key_distance = 0) {
  return {.frames = frames, .key_distance = key_distance};
}
// 24, 30 or 60 of what television calls a second.
constexpr Picture ntsc(int frames, int key_distance = 0) {
  return {.frames = frames * 1000, .seconds = 1001, .key_distance = key_distance};
}
constexpr Picture made_by(Picture::Encoder encoder, Picture picture) {
  picture.encoder = encoder;
  return picture;
}
constexpr Picture kVarying{.frames = 60, .varies = true};

Case make_case(std::string name, std::chrono::milliseconds target, int segments,
               std::vector<Picture> pictures, std::optional<Sound> sound) {
  return {
      std::move(name),
      {.target = target, .segments = segments, .pictures = std::move(pictures), .sound = sound}};
}

std::vector<Case> all_cases() {
  return {
      make_case("HalfASecond15Fps", 500ms, 60, {fps(15)}, kMp3),
      make_case("HalfASecond30Fps", 500ms, 60, {fps(30)}, kMp3),
      make_case("HalfASecond60FpsAac", 500ms, 60, {fps(60)}, kAac),
      make_case("HalfASecond25FpsGop250Mp3At44", 500ms, 60, {fps(25, 250)}, kMp3At44),
      make_case("HalfASecondVarying", 500ms, 60, {kVarying}, kMp3),
      make_case("HalfASecondOpenH264", 500ms, 60, {made_by(kOpenH264, ntsc(30))}, kMp3),
      make_case("OneSecond15Fps", 1s, 60, {fps(15)}, kMp3),
      make_case("OneSecond24Ntsc", 1s, 60, {ntsc(24, 24)}, kAac),
      make_case("OneSecond25Fps", 1s, 60, {fps(25)}, kMp3At44),
      make_case("OneSecond30Ntsc", 1s, 60, {ntsc(30)}, kMp3),
      make_case("OneSecond30Fps", 1s, 60, {fps(30)}, kMp3),
      make_case("OneSecondGopOfOneSecond", 1s, 60, {fps(30, 30)}, kMp3),
      make_case("OneSecondGop17", 1s, 60, {fps(30, 17)}, kMp3),
      make_case("OneSecondGop250", 1s, 60, {fps(30, 250)}, kMp3),
      make_case("OneSecond60Fps", 1s, 20, {fps(60)}, kMp3),
      make_case("OneSecondVarying", 1s, 60, {kVarying}, kMp3),
      make_case("OneSecondBFrames", 1s, 60, {made_by(kBFrames, fps(30))}, kMp3),
      make_case("OneSecondBFrames30NtscGop17", 1s, 60, {made_by(kBFrames, ntsc(30, 17))}, kMp3),
      make_case("OneSecondOpenH264", 1s, 20, {made_by(kOpenH264, fps(30))}, kMp3),
      make_case("OneSecondOpenH264Gop17", 1s, 20, {made_by(kOpenH264, fps(15, 17))}, kAac),
      make_case("TwoSeconds24Ntsc", 2s, 30, {ntsc(24)}, kMp3At44),
      make_case("TwoSecondsVarying", 2s, 30, {kVarying}, kAac),
      make_case("TwoSecondsBFrames25Fps", 2s, 20, {made_by(kBFrames, fps(25, 250))}, kMp3),
      make_case("SixSeconds25Fps", 6s, 12, {fps(25)}, kAac),
      make_case("SixSeconds30NtscGop250", 6s, 12, {ntsc(30, 250)}, kMp3),
      make_case("SoundAloneHalfASecond", 500ms, 60, {}, kMp3),
      make_case("SoundAloneOneSecond", 1s, 60, {}, kMp3),
      make_case("SoundAloneMp3At44", 1s, 60, {}, kMp3At44),
      make_case("SoundAloneAac", 1s, 60, {}, kAac),
      make_case("SoundAloneSixSeconds", 6s, 12, {}, kMp3),
      make_case("PictureAlone15Fps", 500ms, 60, {fps(15)}, {}),
      make_case("PictureAlone30Ntsc", 1s, 60, {ntsc(30)}, {}),
      make_case("PictureAlone24Ntsc", 6s, 12, {ntsc(24)}, {}),
      make_case("TwoRenditions", 1s, 60, {fps(30), fps(15)}, kMp3),
      make_case("ThreeRenditions", 2s, 15, {ntsc(60), ntsc(30, 17), ntsc(24)}, kMp3),
  };
}

class HlsBalancerSegments : public testing::TestWithParam<Case> {
 protected:
  [[nodiscard]] static const Programme& programme() { return GetParam().programme; }
  [[nodiscard]] static double half_frame() {
    return programme().sound ? programme().sound->frame_duration() / 2 : 0;
  }
};

// What is in all the segments, one after the other.
std::vector<Unit> join(const std::vector<Segment>& segments,
                       std::vector<Unit> TransportStream::*stream) {
  std::vector<Unit> all;
  for (const auto& segment : segments)
    all.insert(all.end(), (segment.media.*stream).begin(), (segment.media.*stream).end());
  return all;
}

void expect_all(const std::vector<Unit>& written, const std::vector<Bytes>& sent,
                const char* what) {
  ASSERT_EQ(written.size(), sent.size()) << what;
  for (std::size_t i = 0; i < sent.size(); ++i)
    ASSERT_EQ(written[i].payload, sent[i]) << what << ' ' << i;
}

void expect_whole(const std::vector<Segment>& segments) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    SCOPED_TRACE("segment " + std::to_string(i));
    EXPECT_TRUE(segments[i].media.begins_with_tables);
    EXPECT_EQ(segments[i].media.continuity_breaks, 0U);
  }
}

void expect_pictures(const std::vector<Segment>& segments) {
  std::optional<std::int64_t> last;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    SCOPED_TRACE("segment " + std::to_string(i));
    const auto& pictures = segments[i].media.video;
    ASSERT_FALSE(pictures.empty());
    EXPECT_TRUE(is_idr(pictures.front().payload));
    for (const auto& picture : pictures) {
      ASSERT_GE(picture.pts, pictures.front().pts);
      ASSERT_GE(picture.pts, picture.dts);
      if (last) {
        ASSERT_GT(picture.dts, *last);
      }
      last = picture.dts;
    }
  }
}

// Frame behind frame, and as many in each segment as its duration says.
void expect_sound(const std::vector<Segment>& segments, const Sound& sound) {
  const auto ticks = [&sound](std::size_t frames) {
    return to_ticks(to_duration(static_cast<std::int64_t>(frames) * sound.frame_length(),
                                static_cast<std::uint32_t>(sound.rate)),
                    kTicksPerSecond);
  };
  const auto start = segments.front().media.audio.front().pts;
  std::size_t frames = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    SCOPED_TRACE("segment " + std::to_string(i));
    const auto& [duration, media] = segments[i];
    for (const auto& unit : media.audio)
      ASSERT_LE(std::abs(unit.pts - start - ticks(frames++)), kTick);
    if (i + 1 < segments.size()) {
      ASSERT_NEAR(static_cast<double>(media.audio.size()) * sound.frame_duration(), duration,
                  kSameLength);
    }
  }
}

TEST_P(HlsBalancerSegments, LastTheTargetAndHoldEverything) {
  const TemporaryFolder folder;
  const auto renditions = std::max<std::size_t>(programme().pictures.size(), 1);
  for (std::size_t i = 0; i < renditions; ++i)
    std::filesystem::create_directory(rendition(folder.path(), i));
  std::vector<const std::vector<Bytes>*> pictures;
  const std::vector<Bytes>* sound = nullptr;
  Pipeline pipeline{our_pipeline(programme(), folder.path())};
  for (std::size_t i = 0; i < programme().pictures.size(); ++i)
    pictures.push_back(&pipeline.record("b", "video_" + std::to_string(i)));
  if (programme().sound)
    sound = &pipeline.record("b", "audio_0");
  pipeline.run();

  const auto first = read_playlist(rendition(folder.path()));
  ASSERT_EQ(first.size(), static_cast<std::size_t>(programme().segments) + 1);
  EXPECT_LE(measure(first, programme().target_seconds()).worst_error, half_frame() + kSumRounding);
  if (sound) {
    expect_whole(first);
    expect_sound(first, *programme().sound);
    expect_all(join(first, &TransportStream::audio), *sound, "frame of the sound");
  }
  for (std::size_t i = 0; i < programme().pictures.size(); ++i) {
    SCOPED_TRACE("rendition " + std::to_string(i));
    const auto segments = read_playlist(rendition(folder.path(), i));
    expect_whole(segments);
    expect_pictures(segments);
    expect_all(join(segments, &TransportStream::video), *pictures[i], "picture");
    ASSERT_EQ(segments.size(), first.size());
    for (std::size_t n = 0; n < segments.size() && !HasFailure(); ++n) {
      SCOPED_TRACE("segment " + std::to_string(n));
      const auto start = segments[n].media.video.front().pts;
      if (sound) {
        EXPECT_LE(std::abs(first[n].media.audio.front().pts - start), kTick);
      }
      EXPECT_EQ(first[n].media.video.front().pts, start);
      if (n + 1 < segments.size()) {
        EXPECT_NEAR(first[n].duration, segments[n].duration, kRounding);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Programmes, HlsBalancerSegments, testing::ValuesIn(all_cases()),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace onair::test

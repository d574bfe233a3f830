// SPDX-License-Identifier: LGPL-2.1-or-later
// What comes out of an abrladder, decoded and compared with what went in.
#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "abrladder_bench.hpp"
#include "gst_environment.hpp"

namespace onair::test {
namespace {

const auto* const kGStreamer = testing::AddGlobalTestEnvironment(new GstEnvironment);

// Encoded well: what differs is scaling, and a little of the encoder.
constexpr double kAlike = 0.97;

std::string one(const std::string& fields) {
  return "<[r," + fields + "]>";
}

std::vector<Duration> times_of(const std::vector<Coded>& frames, bool only_keys = false) {
  std::vector<Duration> times;
  for (const auto& frame : frames)
    if (!only_keys || frame.is_key)
      times.push_back(frame.at);
  return times;
}

// None behind the first buffer: parsers tell theirs in two steps.
bool has_constant_caps(PadRecorder& out) {
  bool has_begun = false;
  for (const auto& item : out.items()) {
    if (has_begun && item.name == "caps")
      return false;
    has_begun = has_begun || item.buffer;
  }
  return has_begun;
}

struct LadderFit {
  const char* fields;
  int width, height;  // of the source
  // Which part of the source is seen, and where in the frame.
  int from_x, from_y, of_width, of_height;
  int to_x, to_y, to_width, to_height;
};

class ScaledPicture : public testing::TestWithParam<LadderFit> {};

TEST_P(ScaledPicture, IsTheSourceScaledByAnIndependentPath) {
  const auto& fit = GetParam();
  LadderBench bench{
      {.renditions = one(std::string{"width=320,height=240,bps=3000000,"} + fit.fields)}};
  bench.in().open_stream(LadderBench::picture_caps(fit.width, fit.height));
  bench.push_scene(fit.width, fit.height, 30, 0s, 300ms);
  ASSERT_TRUE(bench.end());
  const auto pictures = bench.decoded();
  ASSERT_EQ(pictures.size(), 9u);
  for (const auto& [at, luma] : pictures) {
    ASSERT_EQ(luma.width, 320);
    ASSERT_EQ(luma.height, 240);
    const auto expected = scene(fit.width, fit.height, at)
                              .part(fit.from_x, fit.from_y, fit.of_width, fit.of_height)
                              .scaled(fit.to_width, fit.to_height);
    EXPECT_GT(ssim(luma.part(fit.to_x, fit.to_y, fit.to_width, fit.to_height), expected), kAlike);
    // What is around it is black.
    const auto is_around = [&fit](int x, int y) {
      return x < fit.to_x - 4 || x >= fit.to_x + fit.to_width + 4 || y < fit.to_y - 4 ||
             y >= fit.to_y + fit.to_height + 4;
    };
    for (int y = 0; y < 240; y += 5) {
      for (int x = 0; x < 320; x += 5) {
        if (is_around(x, y)) {
          ASSERT_LT(luma.at(x, y), 30) << x << ", " << y;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    AbrLadder, ScaledPicture,
    testing::Values(
        // As it is.
        LadderFit{"fps=30", 320, 240, 0, 0, 320, 240, 0, 0, 320, 240},
        // Black above and below, and beside.
        LadderFit{"fit=letterbox", 640, 360, 0, 0, 640, 360, 0, 30, 320, 180},
        LadderFit{"fit=letterbox", 480, 640, 0, 0, 480, 640, 70, 0, 180, 240},
        // What does not fit is left out, half of it on each side.
        LadderFit{"fit=crop", 640, 360, 80, 0, 480, 360, 0, 0, 320, 240},
        LadderFit{"fit=crop", 360, 640, 0, 185, 360, 270, 0, 0, 320, 240},
        LadderFit{"fit=stretch", 640, 360, 0, 0, 640, 360, 0, 0, 320, 240},
        // Smaller ones are enlarged only when that is asked for.
        LadderFit{"fit=letterbox", 160, 120, 0, 0, 160, 120, 80, 60, 160, 120},
        LadderFit{"fit=letterbox,upscale=true", 160, 120, 0, 0, 160, 120, 0, 0, 320, 240},
        LadderFit{"fit=crop", 160, 120, 0, 0, 160, 120, 80, 60, 160, 120},
        LadderFit{"fit=stretch,upscale=true", 160, 90, 0, 0, 160, 90, 0, 0, 320, 240}));

TEST(AbrLadder, PicturesWithOtherPixelShapesAreShownAsWideAsTheyAre) {
  // 240x240 of pixels that are 4/3 as wide as high.
  LadderBench bench{{.renditions = one("width=320,height=240,bps=3000000,upscale=true")}};
  bench.in().open_stream(
      LadderBench::picture_caps(240, 240, "framerate=30/1,pixel-aspect-ratio=4/3"));
  bench.push_scene(240, 240, 30, 0s, 100ms);
  ASSERT_TRUE(bench.end());
  const auto pictures = bench.decoded();
  ASSERT_FALSE(pictures.empty());
  EXPECT_GT(ssim(pictures.back().luma, scene(240, 240, pictures.back().at).scaled(320, 240)),
            kAlike);
}

TEST(AbrLadder, EveryFrameKeepsItsTime) {
  LadderBench bench{{.renditions = one("width=64,height=48,bps=300000,fps=30")}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48, "framerate=0/1"));
  const auto pushed = bench.push_scene(64, 48, 16, 5s, 8s);
  ASSERT_TRUE(bench.end());
  EXPECT_EQ(times_of(bench.coded()), pushed);
}

TEST(AbrLadder, HalfTheFrameRateIsEverySecondFrame) {
  LadderBench bench{{.renditions = one("width=64,height=48,bps=300000,fps=15")}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  const auto pushed = bench.push_scene(64, 48, 30, 0s, 3s);
  ASSERT_TRUE(bench.end());
  const auto times = times_of(bench.coded());
  // The rate of the source has to be seen first.
  const auto second =
      std::find_if(times.begin(), times.end(), [](Duration at) { return at >= 1s; });
  ASSERT_EQ(times.end() - second, 30);
  for (auto at = second + 1; at != times.end(); ++at) {
    const auto place = std::find(pushed.begin(), pushed.end(), *at);
    ASSERT_NE(place, pushed.end());
    EXPECT_EQ(*(place - 2), *(at - 1));
  }
}

// ---- key frames

struct Rates {
  const char* name;
  std::vector<const char*> fps;  // of the renditions
  double source;                 // 0: it varies
};

void PrintTo(const Rates& rates, std::ostream* to) {
  *to << rates.name;
}

class AlignedKeyFrames : public testing::TestWithParam<Rates> {};

// As hlsbalancer asks: each rendition by half of its own frame interval in front of the boundary.
TEST_P(AlignedKeyFrames, AreTheSameFramesOfTheSourceInAllRenditions) {
  const auto& rates = GetParam();
  std::string renditions;
  LadderBench::Options options;
  options.srcs.clear();
  for (std::size_t i = 0; i < rates.fps.size(); ++i) {
    renditions += std::string{i == 0 ? "<" : ","} + "[r,width=" + std::to_string(64 + 16 * i) +
                  ",height=48,bps=200000,fps=" + rates.fps[i] + "]";
    options.srcs.push_back("video_src_" + std::to_string(i));
  }
  options.renditions = renditions + ">";
  LadderBench bench{options};
  bench.in().open_stream(LadderBench::picture_caps(64, 48, "framerate=0/1"));
  constexpr int kBoundaries = 6;
  const auto boundary = [](int n) { return n * 1s + 7ms; };
  for (int n = 1; n < kBoundaries; ++n)
    for (std::size_t i = 0; i < rates.fps.size(); ++i) {
      const double fps = std::min(std::stod(rates.fps[i]), rates.source > 0 ? rates.source : 30);
      bench.ask_for_key_frame(options.srcs[i], boundary(n) - Duration{std::llround(0.5e9 / fps)},
                              static_cast<guint>(n));
    }
  std::mt19937 random{7};
  std::vector<Duration> pushed;
  for (Duration at = 0s; at < kBoundaries * 1s;) {
    ASSERT_EQ(bench.push_picture(scene(64, 48, at), at), GST_FLOW_OK);
    pushed.push_back(at);
    at += rates.source > 0 ? Duration{std::llround(1e9 / rates.source)}
                           : Duration{std::uniform_int_distribution{15, 90}(random)*1ms};
  }
  ASSERT_TRUE(bench.end());
  const auto keys = times_of(bench.coded("video_src_0"), true);
  ASSERT_EQ(keys.size(), static_cast<std::size_t>(kBoundaries));
  for (const auto& src : options.srcs) {
    SCOPED_TRACE(src);
    const auto frames = bench.coded(src);
    EXPECT_EQ(times_of(frames, true), keys);
    for (const auto& frame : frames) {
      EXPECT_TRUE(std::find(pushed.begin(), pushed.end(), frame.at) != pushed.end());
      const auto types = frame.nal_types();
      const bool has_idr = std::find(types.begin(), types.end(), 5) != types.end();
      const bool has_sps = std::find(types.begin(), types.end(), 7) != types.end();
      const bool has_pps = std::find(types.begin(), types.end(), 8) != types.end();
      EXPECT_EQ(has_idr, frame.is_key);
      EXPECT_EQ(has_sps, frame.is_key);
      EXPECT_EQ(has_pps, frame.is_key);
    }
    EXPECT_TRUE(std::is_sorted(frames.begin(), frames.end(),
                               [](const Coded& a, const Coded& b) { return a.at < b.at; }));
  }
  // As near to their boundaries as frames of the source are, or those of the fastest rendition.
  const auto reach = rates.source > 0 ? Duration{std::llround(0.5e9 / rates.source)} + 1ns : 90ms;
  for (int n = 1; n < kBoundaries; ++n)
    EXPECT_LE(std::chrono::abs(keys[static_cast<std::size_t>(n)] - boundary(n)), reach) << n;
}

INSTANTIATE_TEST_SUITE_P(AbrLadder, AlignedKeyFrames,
                         testing::Values(Rates{"30 and 15", {"30", "15"}, 30},
                                         Rates{"30, 15 and 10", {"30", "15", "10"}, 30},
                                         Rates{"60, 30, 15, 30", {"60", "30", "15", "30"}, 60},
                                         Rates{"five", {"60", "30", "24", "15", "12"}, 50},
                                         Rates{"16 in", {"30", "15"}, 16},
                                         Rates{"varies", {"30", "15", "24"}, 0}));

TEST(AbrLadder, NoKeyFrameComesThatNobodyAskedFor) {
  LadderBench bench{{.renditions = one("width=64,height=48,bps=300000")}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  // A cut to another scene each half second, for longer than an encoder's usual interval of key frames.
  for (int i = 0; i < 400; ++i)
    ASSERT_EQ(bench.push_picture(scene(64, 48, i / 15 * 100s), i * 33ms), GST_FLOW_OK);
  ASSERT_TRUE(bench.end());
  EXPECT_EQ(times_of(bench.coded(), true), std::vector<Duration>{0ms});
}

TEST(AbrLadder, AKeyFrameThatIsOverdueComesAtOnce) {
  LadderBench bench{{.renditions = one("width=64,height=48,bps=300000")}};
  bench.in().open_stream(LadderBench::picture_caps(64, 48));
  bench.push_scene(64, 48, 30, 0s, 1s);
  bench.ask_for_key_frame("video_src_0", std::nullopt, 1);
  const auto behind = bench.push_scene(64, 48, 30, 1s, 2s);
  ASSERT_TRUE(bench.end());
  EXPECT_EQ(times_of(bench.coded(), true), (std::vector<Duration>{0s, behind.front()}));
}

// ---- what the encoder is told

TEST(AbrLadder, ProfilesAreAsAsked) {
  // ISO 14496-10 A.2: profile_idc is the first byte behind the NAL unit's header.
  for (const auto& [profile, idc] :
       {std::pair{"baseline", 66}, std::pair{"main", 77}, std::pair{"high", 100}}) {
    SCOPED_TRACE(profile);
    LadderBench bench{
        {.renditions = one(std::string{"width=64,height=48,bps=300000,profile="} + profile)}};
    bench.in().open_stream(LadderBench::picture_caps(64, 48));
    bench.push_scene(64, 48, 30, 0s, 200ms);
    ASSERT_TRUE(bench.end());
    const auto set = bench.coded().front().parameter_set();
    ASSERT_GT(set.size(), 3u);
    EXPECT_EQ(set[1], idc);
  }
}

TEST(AbrLadder, LevelsFitTheSizeAndTheRate) {
  // ISO 14496-10 table A-1: what decodes it must not be less, and no more should be asked of decoders.
  for (const auto& [fields, level] : {std::pair{"width=176,height=144,fps=15,bps=64000", 10},
                                      std::pair{"width=640,height=360,fps=30,bps=900000", 30},
                                      std::pair{"width=1280,height=720,fps=30,bps=2500000", 31}}) {
    SCOPED_TRACE(fields);
    LadderBench bench{{.renditions = one(fields)}};
    bench.in().open_stream(LadderBench::picture_caps(64, 48));
    bench.push_scene(64, 48, 30, 0s, 100ms);
    ASSERT_TRUE(bench.end());
    const auto set = bench.coded().front().parameter_set();
    ASSERT_GT(set.size(), 3u);
    EXPECT_EQ(set[3], level);
  }
}

struct HardContent {
  const char* name;
  int bps;
  double fps;        // of the source
  Duration hard_at;  // black before
};

void PrintTo(const HardContent& content, std::ostream* to) {
  *to << content.name;
}

class BitRate : public testing::TestWithParam<HardContent> {};

TEST_P(BitRate, StaysWithinTheMaximumInEverySecond) {
  const auto& [name, bps, fps, hard_at] = GetParam();
  LadderBench bench{{.renditions = one("width=320,height=180,bps=" + std::to_string(bps))}};
  bench.in().open_stream(LadderBench::picture_caps(320, 180));
  std::mt19937 random{11};
  for (guint n = 1; n < 20; ++n)
    bench.ask_for_key_frame("video_src_0", n * 1s, n);
  Luma noise{.width = 320, .height = 180, .pixels = std::vector<std::uint8_t>(320 * 180, 16)};
  for (int i = 0;; ++i) {
    const Duration at{std::llround(i * 1e9 / fps)};
    if (at >= 20s)
      break;
    if (at >= hard_at)
      for (auto& pixel : noise.pixels)
        pixel = static_cast<std::uint8_t>(random());
    ASSERT_EQ(bench.push_picture(noise, at), GST_FLOW_OK);
  }
  ASSERT_TRUE(bench.end());
  const auto frames = bench.coded();
  std::size_t first = 0;
  double bits = 0;
  double most = 0;
  for (std::size_t last = 0; last < frames.size(); ++last) {
    bits += 8.0 * static_cast<double>(frames[last].size);
    while (frames[last].at - frames[first].at >= 1s)
      bits -= 8.0 * static_cast<double>(frames[first++].size);
    most = std::max(most, bits);
  }
  EXPECT_LE(most, 1.1 * bps);
  // And what is allowed is used.
  EXPECT_GE(most, 0.7 * bps);
  RecordProperty("most", std::to_string(most / bps));
}

INSTANTIATE_TEST_SUITE_P(AbrLadder, BitRate,
                         testing::Values(HardContent{"all of it", 400'000, 30, 0s},
                                         HardContent{"all of it, more bits", 3'000'000, 30, 0s},
                                         HardContent{"suddenly", 1'000'000, 30, 5500ms},
                                         HardContent{"half the frames", 400'000, 15, 0s}));

// ---- changes of the input

TEST(AbrLadder, ChangesOfTheInputAreInvisible) {
  LadderBench bench{{.renditions = one("width=320,height=240,bps=3000000,upscale=true")}};
  struct Phase {
    int width, height;
    const char* more;
  };
  Duration at{0};
  std::vector<Duration> pushed;
  for (const auto& [width, height, more] :
       {Phase{320, 240, "framerate=30/1"}, Phase{160, 120, "framerate=15/1"},
        Phase{240, 320, "framerate=0/1,colorimetry=bt709"}, Phase{640, 480, "framerate=30/1"},
        Phase{322, 178, "framerate=25/1,pixel-aspect-ratio=8/9"}}) {
    const auto caps = LadderBench::picture_caps(width, height, more);
    at == 0s ? bench.in().open_stream(caps) : bench.in().push_caps(caps);
    for (const auto time : bench.push_scene(width, height, 30, at, at + 500ms))
      pushed.push_back(time);
    at += 500ms;
  }
  ASSERT_TRUE(bench.end());
  const auto frames = bench.coded();
  EXPECT_EQ(times_of(frames), pushed);
  EXPECT_EQ(times_of(frames, true), std::vector<Duration>{0s});
  EXPECT_TRUE(has_constant_caps(bench.out())) << bench.out().order_of_events();
  for (std::size_t i = 1; i < bench.out().buffers().size(); ++i)
    EXPECT_FALSE(
        GST_BUFFER_FLAG_IS_SET(bench.out().buffers()[i].buffer.get(), GST_BUFFER_FLAG_DISCONT))
        << i;
  const auto pictures = bench.decoded();
  ASSERT_EQ(pictures.size(), pushed.size());
  EXPECT_GT(ssim(pictures[25].luma, scene(160, 120, pictures[25].at).scaled(320, 240)), 0.93);
  EXPECT_GT(ssim(pictures[55].luma, scene(640, 480, pictures[55].at).scaled(320, 240)), 0.93);
}

TEST(AbrLadder, OtherRawFormatsAreTakenToo) {
  LadderBench bench{{.renditions = one("width=64,height=48,bps=300000")}};
  bench.in().open_stream("video/x-raw,format=RGB,width=64,height=48,framerate=30/1");
  for (int i = 0; i < 5; ++i) {
    auto buffer = GstPtr<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 64 * 48 * 3, nullptr));
    gst_buffer_memset(buffer.get(), 0, 0x80, 64 * 48 * 3);
    GST_BUFFER_PTS(buffer.get()) = ns(i * 33ms);
    ASSERT_EQ(bench.in().push_buffer(std::move(buffer)), GST_FLOW_OK);
  }
  ASSERT_TRUE(bench.end());
  const auto pictures = bench.decoded();
  ASSERT_EQ(pictures.size(), 5u);
  EXPECT_NEAR(pictures[0].luma.at(30, 20), 126, 4);  // of grey in limited range
}

// ---- sound

TEST(AbrLadder, SoundIsEncodedOnceForEachBitRate) {
  LadderBench bench{{.renditions =
                         "<[a,video=none,audio-bps=64000],[b,video=none,audio-bps=128000],"
                         "[c,video=none,audio-bps=70000]>",
                     .sinks = {"audio_0"},
                     .srcs = {"audio_src_0", "audio_src_1", "audio_src_2"}}};
  bench.in("audio_0").open_stream(LadderBench::kSound);
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(bench.push_sound(i * 20ms), GST_FLOW_OK);
  ASSERT_TRUE(bench.end());
  guint encoders = 0;
  gst_structure_get_uint(bench.stats().get(), "audio-encoders", &encoders);
  EXPECT_EQ(encoders, 2u);  // 70 kbit/s is no bit rate of MP3; the next one below is 64
  const auto sizes = [&](const std::string& pad) {
    std::vector<std::size_t> all;
    for (const auto& item : bench.out(pad).buffers())
      all.push_back(gst_buffer_get_size(item.buffer.get()));
    return all;
  };
  EXPECT_EQ(sizes("audio_src_0"), sizes("audio_src_2"));
  EXPECT_EQ(sizes("audio_src_0").front(), 192u);  // 64 kbit/s for 24 ms
  EXPECT_EQ(sizes("audio_src_1").front(), 384u);
}

class Mp3BitRate : public testing::TestWithParam<int> {};

TEST_P(Mp3BitRate, HasFramesOf24Milliseconds) {
  LadderBench bench{{.renditions = one("video=none,audio-bps=" + std::to_string(GetParam())),
                     .sinks = {"audio_0"},
                     .srcs = {"audio_src_0"}}};
  bench.in("audio_0").open_stream(LadderBench::kSound);
  for (int i = 0; i < 30; ++i)
    ASSERT_EQ(bench.push_sound(i * 20ms), GST_FLOW_OK);
  ASSERT_TRUE(bench.end());
  const auto frames = bench.out("audio_src_0").buffers();
  ASSERT_GT(frames.size(), 20u);
  for (const auto& frame : frames)
    EXPECT_EQ(GST_BUFFER_DURATION(frame.buffer.get()), ns(24ms));
  EXPECT_NE(bench.caps("audio_src_0").at(0).find("rate=(int)48000"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(AbrLadder, Mp3BitRate,
                         testing::Values(32'000, 40'000, 48'000, 56'000, 64'000, 80'000, 96'000,
                                         112'000, 128'000, 160'000, 192'000, 224'000, 256'000,
                                         320'000));

TEST(AbrLadder, SoundThatBecomesMonoOrAnotherRateGoesOnAsItWas) {
  for (const auto* codec : {"mp3", "aac"}) {
    SCOPED_TRACE(codec);
    LadderBench bench{{.renditions = one(std::string{"video=none,audio-codec="} + codec),
                       .sinks = {"audio_0"},
                       .srcs = {"audio_src_0"}}};
    auto& in = bench.in("audio_0");
    in.open_stream(LadderBench::kSound);
    for (int i = 0; i < 25; ++i)
      ASSERT_EQ(bench.push_sound(i * 20ms), GST_FLOW_OK);
    in.push_caps("audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved");
    for (int i = 25; i < 50; ++i)
      ASSERT_EQ(bench.push_sound(i * 20ms, 20ms, 1), GST_FLOW_OK);
    in.push_caps(LadderBench::kSound);
    for (int i = 50; i < 75; ++i)
      ASSERT_EQ(bench.push_sound(i * 20ms), GST_FLOW_OK);
    ASSERT_TRUE(bench.end());
    EXPECT_TRUE(has_constant_caps(bench.out("audio_src_0")));
    const auto frames = bench.out("audio_src_0").buffers();
    ASSERT_GT(frames.size(), 60u);
    for (std::size_t i = 1; i < frames.size(); ++i) {
      const auto* before = frames[i - 1].buffer.get();
      const auto* frame = frames[i].buffer.get();
      const auto gap = GST_CLOCK_DIFF(GST_BUFFER_PTS(before) + GST_BUFFER_DURATION(before),
                                      GST_BUFFER_PTS(frame));
      EXPECT_LE(std::abs(gap), 1000) << i;
      EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(frame, GST_BUFFER_FLAG_DISCONT)) << i;
    }
  }
}

}  // namespace
}  // namespace onair::test

// SPDX-License-Identifier: LGPL-2.1-or-later
// Lip-sync of what comes out: flashes and beeps that begin at the same instants go in, and are looked for in each
// rendition, decoded.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <numbers>
#include <random>

#include <gtest/gtest.h>

#include "abrladder_bench.hpp"

namespace onair::test {
namespace {

constexpr Duration kBegin = 5s;
constexpr Duration kEnd = kBegin + 24s;
constexpr Duration kSegment = 1200ms;
constexpr Duration kFrame{33'333'333};
constexpr Duration kBeep = 60ms;
constexpr double kLoudness = 0.5;

// Both begin at the same instant, which is that of no frame, of no sample and of no segment.
struct Cue {
  Duration at;
  Duration flash;
  [[nodiscard]] bool is_bright(Duration time) const { return time >= at && time < at + flash; }
  // One frame of the source, which slower renditions may leave out; or longer than any of them is without a
  // frame.
  [[nodiscard]] bool is_short() const { return flash == kFrame; }
};

// Flashes in the picture and beeps in the sound.
struct TimeSignal {
  std::vector<Cue> cues;
  std::vector<std::pair<Duration, Luma>> pictures;
  Sound sound;
};

Duration uniform(std::mt19937& random, Duration from, Duration to) {
  return Duration{std::uniform_int_distribution{from.count(), to.count()}(random)};
}

bool is_bright(const Luma& picture) {
  return picture.at(picture.width / 2, picture.height / 2) > 125;
}

// Silence, and a tone of 1 kHz from each cue on.
Sound make_sound(const std::vector<Cue>& cues) {
  Sound sound{.at = kBegin, .samples = {}};
  sound.samples.assign((kEnd - kBegin) / 1s * Sound::kRate, 0);
  constexpr double kStep = 2 * std::numbers::pi * 1000 / Sound::kRate;
  for (const auto& cue : cues) {
    const auto first =
        static_cast<std::size_t>(std::ceil(in_ms(cue.at - kBegin) * Sound::kRate / 1e3));
    for (std::size_t i = 0; i < kBeep / 1ms * Sound::kRate / 1000; ++i)
      sound.samples[first + i] = kLoudness * std::sin(kStep * static_cast<double>(i));
  }
  return sound;
}

// Frames are later than those of a steady source by up to `jitter`.
TimeSignal make_signal(Duration jitter) {
  std::mt19937 random{17};
  TimeSignal signal;
  Duration next = kBegin + 700ms;
  for (int n = 0;; ++n) {
    next += uniform(random, 500ms, 1100ms);
    // Some where slow renditions are without a frame for longest: in front of the key frame of a boundary.
    if (n % 3 == 2)
      next += kSegment - (next - kBegin) % kSegment - uniform(random, 100ms, 133ms);
    if (next >= kEnd - 500ms)
      break;
    signal.cues.push_back({.at = next, .flash = n % 4 == 1 ? kFrame : Duration{250ms}});
  }
  signal.sound = make_sound(signal.cues);
  for (Duration due = kBegin; due < kEnd; due += kFrame) {
    const auto at = due + uniform(random, Duration{0}, jitter);
    const bool shows_flash = std::any_of(signal.cues.begin(), signal.cues.end(),
                                         [at](const Cue& cue) { return cue.is_bright(at); });
    Luma picture{.width = 160, .height = 120, .pixels = {}};
    picture.pixels.assign(160 * 120, shows_flash ? 235 : 16);
    signal.pictures.emplace_back(at, std::move(picture));
  }
  return signal;
}

// Where a period of the tone has half of its loudness. It is the same place of source and copy, so that how far
// behind the first sample that is does not matter.
std::vector<Duration> beeps_of(const Sound& sound) {
  constexpr std::size_t kPeriod = Sound::kRate / 1000;
  constexpr double kThreshold = kPeriod * (kLoudness / 2) * (kLoudness / 2) / 2;
  constexpr std::size_t kPause = Sound::kRate / 20;
  std::vector<Duration> onsets;
  double energy = 0;
  std::size_t last_loud = 0;
  for (std::size_t i = 0; i < sound.samples.size(); ++i) {
    energy += sound.samples[i] * sound.samples[i];
    if (i >= kPeriod)
      energy -= sound.samples[i - kPeriod] * sound.samples[i - kPeriod];
    if (energy < kThreshold)
      continue;
    if (onsets.empty() || i - last_loud > kPause)
      onsets.push_back(sound.time_of(i));
    last_loud = i;
  }
  return onsets;
}

Duration samples(int count) {
  return Duration{std::llround(1e9 / Sound::kRate * count)};
}

// The edge of a beep, which codecs blur: the least that distinguishes MP3 from AAC is seven times as much.
const Duration kEdge = samples(12);

// How late the sound is in its own stream, by what an encoder puts in front of it and FFmpeg's decoder. It stays in
// the time stamps here, as avaligner's audio-delay takes it off: docs/algorithms/lip-sync.md.
constexpr int kLame = 576 + 529;
constexpr int kLibavAac = 1024;
constexpr int kVoAac = 1600;

GstFlowReturn push_sound(LadderBench& bench, const Sound& sound, std::size_t& pushed,
                         Duration until, Duration earlier = 0ms) {
  constexpr std::size_t kPiece = Sound::kRate / 50;
  GstFlowReturn flow = GST_FLOW_OK;
  for (; pushed < sound.samples.size() && sound.time_of(pushed) <= until && flow == GST_FLOW_OK;
       pushed += kPiece)
    flow = bench.push_samples(sound, pushed, kPiece, sound.time_of(pushed) - earlier);
  return flow;
}

// ---- one encoder

struct SoundEncoder {
  const char* fields;
  const char* absent;  // an encoder that is not installed
  int delay;
};

void PrintTo(const SoundEncoder& encoder, std::ostream* to) {
  *to << encoder.fields << (encoder.absent ? " without " : "")
      << (encoder.absent ? encoder.absent : "");
}

class Absent {
 public:
  explicit Absent(const char* factory)
      : feature_{GstPtr<GstPluginFeature>::adopt(
            factory ? gst_registry_lookup_feature(gst_registry_get(), factory) : nullptr)} {
    if (feature_)
      gst_registry_remove_feature(gst_registry_get(), feature_.get());
  }
  ~Absent() {
    if (feature_)
      gst_registry_add_feature(gst_registry_get(), feature_.get());
  }
  Absent(const Absent&) = delete;
  Absent& operator=(const Absent&) = delete;

 private:
  GstPtr<GstPluginFeature> feature_;
};

class EncodedSound : public testing::TestWithParam<SoundEncoder> {};

TEST_P(EncodedSound, IsLateByWhatItsCodecDelaysAndByNothingElse) {
  const auto& [fields, absent, delay] = GetParam();
  const Absent encoder{absent};
  LadderBench bench{{.renditions = std::string{"<[r,video=none,"} + fields + "]>",
                     .sinks = {"audio_0"},
                     .srcs = {"audio_src_0"}}};
  bench.in("audio_0").open_stream(LadderBench::kSound);
  const auto signal = make_signal(0ms);
  std::size_t pushed = 0;
  ASSERT_EQ(push_sound(bench, signal.sound, pushed, kEnd), GST_FLOW_OK);
  ASSERT_TRUE(bench.end());
  const auto beeps_in = beeps_of(signal.sound);
  const auto beeps_out = beeps_of(bench.decoded_sound());
  ASSERT_EQ(beeps_in.size(), signal.cues.size());
  ASSERT_EQ(beeps_out.size(), beeps_in.size());
  for (std::size_t i = 0; i < beeps_in.size(); ++i)
    EXPECT_NEAR(in_ms(beeps_out[i] - beeps_in[i]), in_ms(samples(delay)), in_ms(kEdge)) << i;
}

INSTANTIATE_TEST_SUITE_P(
    AbrLadder, EncodedSound,
    testing::Values(SoundEncoder{"audio-codec=mp3,audio-bps=32000", nullptr, kLame},
                    SoundEncoder{"audio-codec=mp3,audio-bps=64000", nullptr, kLame},
                    SoundEncoder{"audio-codec=mp3,audio-bps=128000", nullptr, kLame},
                    SoundEncoder{"audio-codec=mp3,audio-bps=320000", nullptr, kLame},
                    SoundEncoder{"audio-codec=aac,audio-bps=64000", nullptr, kLibavAac},
                    SoundEncoder{"audio-codec=aac,audio-bps=128000", nullptr, kLibavAac},
                    SoundEncoder{"audio-codec=aac,audio-bps=128000", "avenc_aac", kVoAac}));

// ---- sound and picture

struct Codec {
  const char* name;
  int delay;
};
constexpr Codec kMp3{"mp3", kLame};
constexpr Codec kAac{"aac", kLibavAac};

struct Shown {
  const char* size;
  int fps;
};
constexpr std::array<Shown, 3> kShown{
    {{"width=160,height=120", 30}, {"width=96,height=72", 15}, {"width=64,height=48", 12}}};

struct Source {
  const char* name;
  bool is_coded;
  Duration jitter;
  int taken_off;  // samples, off the sound's time stamps: avaligner's audio-delay
  std::array<Codec, kShown.size()> codecs;
};

void PrintTo(const Source& source, std::ostream* to) {
  *to << source.name;
}

class Skew : public testing::TestWithParam<Source> {
 protected:
  static std::string picture(std::size_t rendition) {
    return "video_src_" + std::to_string(rendition);
  }
  static std::string sound(std::size_t rendition) {
    return "audio_src_" + std::to_string(rendition);
  }

  static LadderBench::Options options() {
    LadderBench::Options options;
    options.sinks = {"video_0", "audio_0"};
    options.srcs.clear();
    for (std::size_t i = 0; i < kShown.size(); ++i) {
      options.renditions += std::string{i == 0 ? "<" : ","} + "[r" + std::to_string(i) + "," +
                            kShown[i].size + ",fps=" + std::to_string(kShown[i].fps) +
                            ",bps=300000,audio-codec=" + GetParam().codecs[i].name + "]";
      options.srcs.insert(options.srcs.end(), {picture(i), sound(i)});
    }
    options.renditions += ">";
    return options;
  }

  // As hlsbalancer does.
  static void ask_for_key_frames(LadderBench& bench) {
    for (guint n = 1; kBegin + n * kSegment < kEnd; ++n)
      for (std::size_t i = 0; i < kShown.size(); ++i)
        bench.ask_for_key_frame(picture(i), kBegin + n * kSegment - Duration{500ms} / kShown[i].fps,
                                n);
  }

  static void push(LadderBench& bench, const TimeSignal& signal) {
    const auto& source = GetParam();
    const auto coded =
        source.is_coded ? encode(signal.pictures, 60) : std::vector<GstPtr<GstSample>>{};
    bench.in().open_stream(source.is_coded
                               ? "video/x-h264,stream-format=byte-stream,alignment=au,width=160,"
                                 "height=120,framerate=30/1"
                               : LadderBench::picture_caps(160, 120));
    bench.in("audio_0").open_stream(LadderBench::kSound);
    std::size_t pushed = 0;
    for (std::size_t i = 0; i < signal.pictures.size(); ++i) {
      const auto& [at, picture] = signal.pictures[i];
      ASSERT_EQ(push_sound(bench, signal.sound, pushed, at, samples(source.taken_off)),
                GST_FLOW_OK);
      ASSERT_EQ(source.is_coded ? bench.in().push_buffer(GstPtr<GstBuffer>::share(
                                      gst_sample_get_buffer(coded.at(i).get())))
                                : bench.push_picture(picture, at),
                GST_FLOW_OK);
    }
    ASSERT_TRUE(bench.end());
  }
};

// In ms.
struct Range {
  double least = 1e9;
  double most = -1e9;
  double sum = 0;
  int count = 0;
  void add(Duration value) {
    least = std::min(least, in_ms(value));
    most = std::max(most, in_ms(value));
    sum += in_ms(value);
    ++count;
  }
  [[nodiscard]] double mean() const { return sum / count; }
};

TEST_P(Skew, IsThatOfTheSourceButForTheCodecsDelayAndForFramesThatAreLeftOut) {
  const auto& source = GetParam();
  const auto signal = make_signal(source.jitter);
  const auto beeps_in = beeps_of(signal.sound);
  ASSERT_EQ(beeps_in.size(), signal.cues.size());
  const std::map<Duration, Luma> pictures{signal.pictures.begin(), signal.pictures.end()};
  LadderBench bench{options()};
  ask_for_key_frames(bench);
  push(bench, signal);

  for (std::size_t r = 0; r < kShown.size(); ++r) {
    SCOPED_TRACE(r);
    const Duration interval = Duration{1s} / kShown[r].fps;
    const auto sound_is_late = samples(source.codecs[r].delay - source.taken_off);
    const auto beeps_out = beeps_of(bench.decoded_sound(sound(r)));
    ASSERT_EQ(beeps_out.size(), beeps_in.size());

    const auto coded = bench.coded(picture(r));
    const auto frames = bench.decoded(picture(r));
    ASSERT_EQ(frames.size(), coded.size());
    // Each is the source's picture of its own time: none is moved, none is another one.
    for (const auto& [at, luma] : frames) {
      const auto original = pictures.find(at);
      ASSERT_NE(original, pictures.end()) << in_ms(at);
      ASSERT_EQ(is_bright(luma), is_bright(original->second)) << in_ms(at);
    }

    Range sound_late, picture_late, skew;
    for (std::size_t i = 0; i < signal.cues.size(); ++i) {
      const auto& cue = signal.cues[i];
      SCOPED_TRACE(in_ms(cue.at));
      const auto late = beeps_out[i] - beeps_in[i];
      EXPECT_NEAR(in_ms(late), in_ms(sound_is_late), in_ms(kEdge));
      sound_late.add(late);
      if (cue.is_short())
        continue;
      const auto flash_in = std::find_if(pictures.begin(), pictures.end(), [&cue](const auto& its) {
        return its.first >= cue.at && is_bright(its.second);
      });
      const auto flash_out = std::find_if(frames.begin(), frames.end(), [&cue](const Decoded& its) {
        return its.at >= cue.at && is_bright(its.luma);
      });
      ASSERT_NE(flash_out, frames.end());
      // Up to a frame of the rendition is left out. In front of a key frame it may be half of one more, as none
      // is shown from half of one before the boundary on.
      const bool is_key = coded[static_cast<std::size_t>(flash_out - frames.begin())].is_key;
      const auto most = is_key ? interval + (interval + kFrame) / 2 : interval;
      const auto behind = flash_out->at - flash_in->first;
      EXPECT_GE(behind, 0ms);
      EXPECT_LE(behind, most + source.jitter);
      picture_late.add(behind);
      const auto its_skew = (flash_out->at - beeps_out[i]) - (flash_in->first - beeps_in[i]);
      EXPECT_GE(its_skew, -sound_is_late - kEdge);
      EXPECT_LE(its_skew, -sound_is_late + most + source.jitter + kEdge);
      skew.add(its_skew);
    }
    std::printf("%-18s %2d fps, %s: sound %+6.2f to %+6.2f ms, ", source.name, kShown[r].fps,
                source.codecs[r].name, sound_late.least, sound_late.most);
    std::printf("picture %4.1f to %5.1f (mean %4.1f), ", picture_late.least, picture_late.most,
                picture_late.mean());
    std::printf("skew %+5.1f to %+6.1f (mean %+5.1f), %d flashes\n", skew.least, skew.most,
                skew.mean(), skew.count);
  }
}

INSTANTIATE_TEST_SUITE_P(
    AbrLadder, Skew,
    testing::Values(Source{"raw", false, 0ms, 0, {kMp3, kAac, kMp3}},
                    Source{"raw, irregular", false, 15ms, 0, {kAac, kMp3, kAac}},
                    Source{"H.264", true, 0ms, 0, {kAac, kMp3, kAac}},
                    // As the live server does for MP3: AAC beside it is early by the difference.
                    Source{"H.264, audio-delay", true, 15ms, kLame, {kMp3, kAac, kMp3}}));

}  // namespace
}  // namespace onair::test

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "concealer.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

// A voice-like sound: harmonics of a pitch, each channel louder than the one before.
float voice(std::uint32_t rate, double pitch, std::size_t frame, std::size_t channel) {
  double value = 0;
  for (int harmonic = 1; harmonic <= 5; ++harmonic)
    value += std::sin(2 * std::numbers::pi * pitch * harmonic * static_cast<double>(frame) / rate) /
             harmonic;
  return static_cast<float>(0.2 * value * static_cast<double>(channel + 1));
}

struct Voice {
  std::uint32_t rate;
  std::size_t channels;
  double pitch;

  [[nodiscard]] std::vector<float> frames(std::size_t from, std::size_t to) const {
    std::vector<float> sound;
    for (std::size_t frame = from; frame < to; ++frame)
      for (std::size_t channel = 0; channel < channels; ++channel)
        sound.push_back(voice(rate, pitch, frame, channel));
    return sound;
  }
  [[nodiscard]] std::size_t ms(std::size_t count) const { return rate * count / 1000; }
};

float largest_step(const std::vector<float>& sound, std::size_t channels) {
  float step = 0;
  for (std::size_t i = channels; i < sound.size(); ++i)
    step = std::max(step, std::abs(sound[i] - sound[i - channels]));
  return step;
}

float power(const std::vector<float>& sound, std::size_t from, std::size_t to) {
  float sum = 0;
  for (std::size_t i = from; i < to; ++i)
    sum += sound[i] * sound[i];
  return sum / static_cast<float>(to - from);
}

class OfAVoice : public testing::TestWithParam<Voice> {};

TEST_P(OfAVoice, TheFirstTenMillisecondsAreLikeTheVoiceItself) {
  const auto& voice = GetParam();
  const std::size_t start = voice.ms(100);
  Concealer concealer{voice.rate, voice.channels};
  concealer.remember(voice.frames(0, start));
  std::vector<float> filler(voice.ms(10) * voice.channels);
  EXPECT_EQ(concealer.conceal(filler), voice.ms(10));
  const auto real = voice.frames(start, start + voice.ms(10));
  float error = 0;
  for (std::size_t i = 0; i < real.size(); ++i)
    error += (filler[i] - real[i]) * (filler[i] - real[i]);
  // Only the rounding of the period to a frame is wrong.
  EXPECT_LT(error / static_cast<float>(real.size()), 0.02F * power(real, 0, real.size()));
}

TEST_P(OfAVoice, IsSilentAfterSixtyMilliseconds) {
  const auto& voice = GetParam();
  Concealer concealer{voice.rate, voice.channels};
  concealer.remember(voice.frames(0, voice.ms(100)));
  std::vector<float> filler(voice.ms(80) * voice.channels, 1.0F);
  EXPECT_EQ(concealer.conceal(filler), voice.ms(60));
  EXPECT_GT(power(filler, 0, filler.size() / 8),
            10 * power(filler, filler.size() * 5 / 8, filler.size() * 6 / 8));
  EXPECT_TRUE(
      std::all_of(filler.begin() + static_cast<std::ptrdiff_t>(voice.ms(60) * voice.channels),
                  filler.end(), [](float value) { return value == 0.0F; }));
  EXPECT_EQ(concealer.conceal(filler), 0u);
}

// Steps of the output where it changes hands are no greater than those of the voice itself. However
// the filler is cut into pieces.
TEST_P(OfAVoice, NothingClicks) {
  const auto& voice = GetParam();
  for (const std::size_t hole_ms : {2u, 5u, 15u, 25u, 55u, 100u}) {
    Concealer concealer{voice.rate, voice.channels};
    const std::size_t start = voice.ms(100);
    const std::size_t end = start + voice.ms(hole_ms);
    auto output = voice.frames(0, start);
    concealer.remember(output);
    std::vector<float> filler((end - start) * voice.channels);
    for (std::size_t done = 0; done < filler.size(); done += 7 * voice.channels)
      concealer.conceal(
          std::span{filler}.subspan(done, std::min(7 * voice.channels, filler.size() - done)));
    output.insert(output.end(), filler.begin(), filler.end());
    auto next = voice.frames(end, end + voice.ms(50));
    concealer.join(next);
    EXPECT_FALSE(concealer.is_concealing());
    output.insert(output.end(), next.begin(), next.end());
    const float usual = largest_step(voice.frames(0, voice.ms(200)), voice.channels);
    EXPECT_LE(largest_step(output, voice.channels), 1.5F * usual) << hole_ms << " ms";
  }
}

TEST_P(OfAVoice, ACutDoesNotClickEither) {
  const auto& voice = GetParam();
  for (std::size_t cut = 1; cut < voice.ms(20); cut += voice.ms(1)) {
    Concealer concealer{voice.rate, voice.channels};
    auto output = voice.frames(0, voice.ms(100));
    concealer.remember(output);
    auto next = voice.frames(voice.ms(100) + cut, voice.ms(150));
    concealer.join(next);
    output.insert(output.end(), next.begin(), next.end());
    const float usual = largest_step(voice.frames(0, voice.ms(200)), voice.channels);
    EXPECT_LE(largest_step(output, voice.channels), 1.5F * usual) << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(Concealer, OfAVoice,
                         testing::Values(Voice{48'000, 1, 120}, Voice{48'000, 2, 210},
                                         Voice{44'100, 2, 333}, Voice{8'000, 1, 100},
                                         Voice{96'000, 6, 80}),
                         [](const auto& of) {
                           return std::to_string(of.param.rate) + "Hz" +
                                  std::to_string(of.param.channels) + "ch" +
                                  std::to_string(static_cast<int>(of.param.pitch));
                         });

TEST(Concealer, OfNothingIsSilence) {
  Concealer concealer{48'000, 2};
  std::vector<float> filler(960, 1.0F);
  concealer.conceal(filler);
  EXPECT_EQ(power(filler, 0, filler.size()), 0.0F);
}

TEST(Concealer, SoundFadesInBehindSilenceOverFiveMilliseconds) {
  Concealer concealer{48'000, 1};
  std::vector<float> silence(48'000);
  concealer.conceal(silence);
  std::vector<float> sound(960, 1.0F);
  concealer.join(sound);
  EXPECT_EQ(concealer.overlap(), 240u);
  for (std::size_t i = 1; i < 240; ++i)
    EXPECT_GT(sound[i], sound[i - 1]);
  EXPECT_LT(sound[0], 0.01F);
  EXPECT_EQ(sound[240], 1.0F);
}

TEST(Concealer, AHoleAfterALongSilenceIsSilent) {
  Concealer concealer{48'000, 1};
  concealer.remember(Voice{48'000, 1, 120}.frames(0, 4800));
  std::vector<float> filler(4'800);
  concealer.conceal(filler);
  concealer.conceal(filler);
  std::vector<float> sound(48, 0.0F);
  concealer.join(sound);
  concealer.remember(sound);
  concealer.conceal(filler);
  EXPECT_EQ(power(filler, 0, filler.size()), 0.0F);
}

// Any rate, any number of channels, any sound, in any pieces: within the bounds of what it was given.
TEST(Concealer, NeverLeavesTheBoundsOfWhatItHeard) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    const auto rate = static_cast<std::uint32_t>(seed % 10 == 0 ? 1 + random() % 1000
                                                                : 4'000 + random() % 192'000);
    const std::size_t channels = 1 + random() % 8;
    Concealer concealer{rate, channels};
    std::uniform_real_distribution<float> noise{-1, 1};
    for (int piece = 0; piece < 20; ++piece) {
      std::vector<float> sound((1 + random() % (rate / 20 + 2)) * channels);
      std::generate(sound.begin(), sound.end(), [&] { return noise(random); });
      const auto what = random() % 3;
      if (what == 0)
        concealer.join(sound);
      if (what == 2)
        concealer.conceal(sound);
      else
        concealer.remember(sound);
      for (const float value : sound)
        ASSERT_LE(std::abs(value), 1.0001F);
    }
  }
}

}  // namespace
}  // namespace onair::test

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings.hpp"

#include <algorithm>
#include <array>

namespace onair {
namespace {

constexpr std::array<Property<AlignerSettings>, 5> kProperties{{
    {"audio-delay", "Audio delay",
     "How late the sound is in its own stream, in nanoseconds (look-ahead of codecs, in front and "
     "behind); it goes out earlier by this. Changing it steps the sound",
     &AlignerSettings::audio_delay},
    {"video-lag", "Video lag",
     "How much later than the sound of the same instant the picture arrives, in nanoseconds, where "
     "no sender report tells",
     &AlignerSettings::video_lag},
    {"lead", "Lead",
     "Output time less the arrival of sound that met no queue, in nanoseconds, where the time line "
     "begins: to go on where another aligner has ended, as `lead` of its stats says",
     &AlignerSettings::lead},
    {"max-disagreement", "Most disagreement",
     "How much longer than arrivals show sender reports may say the picture takes than the sound, "
     "in "
     "nanoseconds, and two fifths of it the other way round; beyond it they are ignored "
     "(sr-trust=auto)",
     &AlignerSettings::max_disagreement},
    {"adjust-frames", "Adjust frames",
     "Repeat raw frames into the hole that a step of the picture leaves and drop those that have "
     "no "
     "room; otherwise timestamps alone change",
     &AlignerSettings::adjust_frames},
}};

// Sums of times stay far from the end of their range.
Duration at_most_a_day(gint64 time) {
  constexpr Duration kDay = std::chrono::hours(24);
  return std::clamp(Duration{time}, -kDay, kDay);
}

}  // namespace

std::span<const Property<AlignerSettings>> aligner_properties() {
  return kProperties;
}

Aligner::Config to_core(const AlignerSettings& settings) {
  return {.trust = settings.trust,
          .video_lag = at_most_a_day(settings.video_lag),
          .audio_delay = at_most_a_day(settings.audio_delay),
          .lead = at_most_a_day(settings.lead),
          .most_disagreement = Duration{static_cast<Duration::rep>(settings.max_disagreement)}};
}

}  // namespace onair

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cut/audio_frames.hpp"

namespace onair {

void AudioFrames::on_frame(RunningTime start, Format format) {
  if (line_ && line_->format == format) {
    const Duration off = start - *nearest(start);
    if (off <= kTolerance && -off <= kTolerance)
      return;
  }
  line_ = Line{.through = start, .format = format};
}

std::optional<RunningTime> AudioFrames::nearest(RunningTime time) const {
  if (!line_)
    return std::nullopt;
  const auto& [through, format] = *line_;
  const std::int64_t frames = detail::scale((time - through).count(), format.rate,
                                            format.length * 1'000'000'000, Rounding::Nearest);
  return through + to_duration(frames * format.length, format.rate);
}

Duration AudioFrames::length() const {
  return line_ ? to_duration(line_->format.length, line_->format.rate) : Duration{0};
}

}  // namespace onair

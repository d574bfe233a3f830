// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "alternatives.hpp"
#include "rendition.hpp"

namespace onair {

// Raw sound, 48 kHz in stereo → MP3 or AAC.
class AudioChoice : public Alternatives {
 public:
  // What comes out of the part that all bit rates share.
  static constexpr const char* kRaw =
      "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2,"
      "channel-mask=(bitmask)0x3";

  explicit AudioChoice(AudioRendition rendition) : rendition_{rendition} {}

  [[nodiscard]] GstPtr<GstCaps> takes() const override;
  [[nodiscard]] std::string kind_of(const GstCaps* caps) const override;
  [[nodiscard]] std::vector<Candidate> candidates(const GstCaps* caps) const override;

 private:
  const AudioRendition rendition_;
};

}  // namespace onair

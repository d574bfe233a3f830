// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audio_choice.hpp"

#include <utility>

#include "chains.hpp"

namespace onair {

GstPtr<GstCaps> AudioChoice::takes() const {
  return GstPtr<GstCaps>::adopt(gst_caps_from_string(kRaw));
}

std::string AudioChoice::kind_of(const GstCaps*) const {
  return rendition_.codec == AudioCodec::Mp3 ? "sound as MP3" : "sound as AAC";
}

std::vector<Alternatives::Candidate> AudioChoice::candidates(const GstCaps*) const {
  std::vector<Candidate> candidates;
  for (auto& chain : audio_chains(rendition_))
    candidates.push_back({std::move(chain.name), std::move(chain.description), {}});
  return candidates;
}

}  // namespace onair

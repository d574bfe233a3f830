// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "alternatives.hpp"
#include "families.hpp"
#include "rate_budget.hpp"
#include "rendition.hpp"

namespace onair {

// Raw picture of any size and kind → H.264 of one rendition. Its caps are the same whatever comes in.
class VideoChoice : public Alternatives {
 public:
  VideoChoice(VideoRendition rendition, Families families);

  [[nodiscard]] GstPtr<GstCaps> takes() const override;
  [[nodiscard]] std::string kind_of(const GstCaps* caps) const override;
  [[nodiscard]] std::vector<Candidate> candidates(const GstCaps* caps) const override;
  void prepare(GstElement* chain, const GstCaps* caps) override;
  void on_buffer(GstElement* chain, RunningTime at) override;

 private:
  [[nodiscard]] GstPtr<GstCaps> frame_caps(int width, int height, bool is_on_gpu) const;
  void tell(GstElement* chain, const RateBudget::Rate& rate) const;

  const VideoRendition rendition_;
  const Families families_;
  RateBudget budget_;
  // Of the first picture; later ones are converted to it.
  std::optional<std::string> colorimetry_;
};

}  // namespace onair

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "capture_mean.hpp"

#include <algorithm>

namespace onair {

std::optional<CaptureMean::Mean> CaptureMean::on_capture(MediaTime media, Duration offset) {
  if (count_ == 0)
    first_ = {media, offset};
  ++count_;
  sum_of_media_ += media - first_.media;
  sum_of_offsets_ += offset - first_.offset;
  if (given_ > 0 && media - given_at_ < std::min(kLongest, kShortest * given_))
    return std::nullopt;
  const Mean mean{first_.media + sum_of_media_ / count_, first_.offset + sum_of_offsets_ / count_};
  ++given_;
  given_at_ = media;
  count_ = 0;
  sum_of_media_ = sum_of_offsets_ = Duration{0};
  return mean;
}

}  // namespace onair

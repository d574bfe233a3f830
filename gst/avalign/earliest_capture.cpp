// SPDX-License-Identifier: LGPL-2.1-or-later
#include "earliest_capture.hpp"

#include <algorithm>
#include <utility>

namespace onair {

std::optional<EarliestCapture::Found> EarliestCapture::on_capture(MediaTime media,
                                                                  Duration offset) {
  if (!earliest_ || offset < earliest_->offset)
    earliest_ = {media, offset};
  if (given_ > 0 && media - given_at_ < std::min(kLongest, kShortest * given_))
    return std::nullopt;
  ++given_;
  given_at_ = media;
  return std::exchange(earliest_, std::nullopt);
}

}  // namespace onair

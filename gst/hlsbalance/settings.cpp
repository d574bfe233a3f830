// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings.hpp"

#include <array>

namespace onair {
namespace {

constexpr guint64 kHour = 3600 * GST_SECOND;
// Shorter than an audio frame is nonsense.
constexpr guint64 kLeastTarget = 100 * GST_MSECOND;
constexpr guint64 kMostTarget = kHour;

constexpr std::array<Property<BalancerSettings>, 6> kProperties{{
    {"target-duration", "Target duration",
     "What a segment lasts on average, in nanoseconds; single ones differ by up to one audio frame",
     &BalancerSettings::target_duration, kLeastTarget, kMostTarget},
    {"phase", "Phase",
     "By how much the grid is moved, in nanoseconds, where it is anchored at the epoch: two "
     "programmes can be cut in turn",
     &BalancerSettings::phase},
    {"max-wait", "Longest wait",
     "How long sound may wait at a boundary for the picture's key frame, and others for a stream "
     "that does not come, in nanoseconds; more bears longer pauses, less goes on sooner when a "
     "stream has died",
     &BalancerSettings::max_wait, 0, 24 * kHour},
    {"request-ahead", "Request ahead",
     "How long before its boundary a key frame is asked for, in nanoseconds: more than the encoder "
     "holds (mode=encode)",
     &BalancerSettings::request_ahead, 0, kHour},
    {"snap", "Snap",
     "Move the key frame of each boundary onto it, by half a frame interval at most where frames "
     "come regularly, so that sound and picture begin together; behind a gap in the picture by "
     "what keeps the segment within EXT-X-TARGETDURATION",
     &BalancerSettings::snap},
    {"configure-sink", "Configure sink",
     "Make a stock splitmuxsink, hlssink2 or hlssink downstream cut where this element says: "
     "max-size-time=1, max-size-bytes=0 and send-keyframe-requests=false, or target-duration=0",
     &BalancerSettings::configure_sink},
}};

Duration in_ns(guint64 time) {
  return Duration{static_cast<Duration::rep>(time)};
}

}  // namespace

std::span<const Property<BalancerSettings>> balancer_properties() {
  return kProperties;
}

CutScheduler::Config to_core(const BalancerSettings& settings) {
  return {.target = in_ns(settings.target_duration),
          .mode = settings.mode,
          .snap = settings.snap,
          .max_wait = in_ns(settings.max_wait),
          .request_ahead = in_ns(settings.request_ahead)};
}

}  // namespace onair

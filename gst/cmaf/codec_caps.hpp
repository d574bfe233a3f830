// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include <gst/gst.h>

#include "media_track.hpp"

namespace onair {

// What the caps say of a stream; nothing where the init segment could not be written of it.
[[nodiscard]] std::optional<MediaTrack> track_of(const GstCaps* caps, std::uint32_t id);

}  // namespace onair

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <span>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/properties.hpp"

namespace onair {

enum class PlaylistType { Live, Event };
enum class Container { MpegTs, FragmentedMp4 };
enum class SyncPolicy { Never, Segments, Always };
enum class AudioRenditions { Muxed, Group };

// What the properties set; the values here are their defaults. Times in nanoseconds.
struct LiveSettings {
  std::string location;
  std::string archive;
  guint64 target_duration = GST_SECOND;
  bool low_latency = true;
  bool is_location_served = false;
  guint64 part_target = 200 * GST_MSECOND;
  guint64 window = 12 * GST_SECOND;
  guint64 max_bytes = 0;  // 0: no limit
  gint64 start_offset = 0;
  gint origin_port = -1;
  std::string origin_address = "0.0.0.0";
  std::string key_uri;
  guint key_rotation = 0;
  PlaylistType playlist_type = PlaylistType::Live;
  Container container = Container::MpegTs;
  SyncPolicy sync_policy = SyncPolicy::Never;
  AudioRenditions audio = AudioRenditions::Muxed;
  std::map<std::string, guint64> bandwidths;  // declared peaks, in bit/s, by rendition
};

// Between the property and what it sets. Fields that are no numbers are left out.
[[nodiscard]] std::map<std::string, guint64> bandwidths_of(const GstStructure* structure);
[[nodiscard]] StructurePtr structure_of(const std::map<std::string, guint64>& bandwidths);

// All but the enumerations and `bandwidths`, in the order of their ids from 1 on.
std::span<const Property<LiveSettings>> live_properties();

}  // namespace onair

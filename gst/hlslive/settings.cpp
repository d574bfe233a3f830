// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings.hpp"

#include <array>

namespace onair {
namespace {

constexpr guint64 kHour = 3600 * GST_SECOND;

constexpr std::array<Property<LiveSettings>, 13> kProperties{{
    {"location", "Location",
     "Directory for segments and playlists; it is made where it is missing. None: they are kept in "
     "memory, for origin-port or request-resource",
     &LiveSettings::location},
    {"archive", "Archive",
     "Directory that keeps all that was ever listed, with EVENT playlists of its own; none: no "
     "archive",
     &LiveSettings::archive},
    {"target-duration", "Target duration",
     "What a segment lasts on average, in nanoseconds; single ones differ by up to one audio frame",
     &LiveSettings::target_duration, 100 * GST_MSECOND, kHour},
    {"low-latency", "Low latency",
     "Publish parts of segments (LL-HLS), where players can wait for them: with origin-port, "
     "without "
     "location, or with location-served",
     &LiveSettings::low_latency},
    {"part-target", "Part target",
     "What a part lasts, about, in nanoseconds: segments are divided evenly, at audio frames. Less "
     "is "
     "less delay and more requests",
     &LiveSettings::part_target, 50 * GST_MSECOND, kHour},
    {"window", "Window",
     "How much a live playlist lists, in nanoseconds, and so how far viewers can go back; at least "
     "three target durations",
     &LiveSettings::window, 0, 366 * 24 * kHour},
    {"start-offset", "Start offset",
     "Where players begin (EXT-X-START), in nanoseconds from the beginning, or from the end if "
     "negative; 0: players decide",
     &LiveSettings::start_offset},
    {"origin-port", "Origin port",
     "TCP port at which the element hlsorigin serves this sink over HTTP; 0: any that is free, "
     "-1: none",
     &LiveSettings::origin_port},
    {"origin-address", "Origin address", "Address at which the origin listens",
     &LiveSettings::origin_address},
    {"encrypt-key-uri", "Encryption key URI",
     "Where players fetch the key (EXT-X-KEY), and encrypt segments with AES-128; its number "
     "stands "
     "where the URI has {kid}, else ?kid=NUMBER is appended. The key is asked for by request-key, "
     "or "
     "made and posted as message hlslivesink-key. None: no encryption",
     &LiveSettings::key_uri},
    {"key-rotation", "Key rotation", "A new key each so many segments; 0: one for ever",
     &LiveSettings::key_rotation, 0, G_MAXUINT},
    {"location-served", "Location is served",
     "Another process serves location in a way that players can wait for parts (hlsdirectory), and "
     "so they are "
     "published there",
     &LiveSettings::is_location_served},
    {"max-bytes", "Maximum bytes",
     "What segments of all renditions may take, about: beyond that the oldest leave a live "
     "playlist before window "
     "says so. When none can, as archive or an event playlist keeps them, hlslivesink-full is "
     "posted, and writing "
     "goes on; 0: no limit",
     &LiveSettings::max_bytes, 0, G_MAXINT64},
}};

}  // namespace

std::span<const Property<LiveSettings>> live_properties() {
  return kProperties;
}

std::map<std::string, guint64> bandwidths_of(const GstStructure* structure) {
  std::map<std::string, guint64> bandwidths;
  for (gint i = 0; structure && i < gst_structure_n_fields(structure); ++i) {
    const auto* name = gst_structure_nth_field_name(structure, static_cast<guint>(i));
    gint number = 0;  // as gst_structure_from_string() reads 800000
    guint unsigned_number = 0;
    guint64 long_number = 0;
    if (gst_structure_get_int(structure, name, &number) && number > 0)
      bandwidths[name] = static_cast<guint64>(number);
    else if (gst_structure_get_uint(structure, name, &unsigned_number))
      bandwidths[name] = unsigned_number;
    else if (gst_structure_get_uint64(structure, name, &long_number))
      bandwidths[name] = long_number;
  }
  return bandwidths;
}

StructurePtr structure_of(const std::map<std::string, guint64>& bandwidths) {
  StructurePtr structure{gst_structure_new_empty("bandwidths")};
  for (const auto& [name, bandwidth] : bandwidths)
    gst_structure_set(structure.get(), name.c_str(), G_TYPE_UINT64, bandwidth, nullptr);
  return structure;
}

}  // namespace onair

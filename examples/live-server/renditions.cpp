// SPDX-License-Identifier: LGPL-2.1-or-later
#include "renditions.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "api/channels.hpp"
#include "mp3_bitrates.hpp"

namespace live {
namespace {

constexpr std::size_t kMostRenditions = 16;  // abrladder takes no more

constexpr WholeRange kSide{36, 4096, 2};  // 4:2:0 wants even ones
constexpr WholeRange kFps{3, 60};
constexpr WholeRange kVideoBps{15'000, 15'000'000};
constexpr WholeRange kAudioBps{1,
                               1'000'000};  // more or less than MP3 has is the most or least of it
constexpr Range kSegment{0.5, 60, "seconds"};
constexpr Range kStart{-86'400, 86'400, "seconds"};

// What is written in JSON, and what it is for abrladder.
constexpr std::array<std::pair<const char*, const char*>, 3> kCodecs{
    {{"h264_baseline", "baseline"}, {"h264_main", "main"}, {"h264_high", "high"}}};
constexpr std::array<std::pair<const char*, const char*>, 3> kFits{
    {{"letterbox", "letterbox"}, {"crop", "crop"}, {"stretch", "stretch"}}};

Rendition::Video read_video(const Json& object, const std::string& path, FieldError& error) {
  Rendition::Video video;
  JsonFields fields{object, path, error};
  fields.require("width", kSide, video.width);
  fields.require("height", kSide, video.height);
  fields.read("fps", kFps, video.fps);
  fields.require("bps", kVideoBps, video.bps);
  fields.read("codec", kCodecs, video.profile);
  fields.read("fit", kFits, video.fit);
  fields.read("upscale", video.upscale);
  fields.end();
  return video;
}

Rendition::Audio read_audio(const Json& object, const std::string& path, FieldError& error) {
  Rendition::Audio audio;
  JsonFields fields{object, path, error};
  fields.read("bps", kAudioBps, audio.bps);
  fields.end();
  const auto above = std::upper_bound(kMp3Kbps.begin() + 1, kMp3Kbps.end(), audio.bps / 1000);
  audio.bps = 1000 * *(above - 1);
  return audio;
}

// An empty one is none, as ImageFlux has it.
constexpr TextRule kDestination{
    [](std::string_view text) { return text.empty() || is_channel_id(text); },
    "the id of an archive destination, or empty"};

std::string read_archive(const Json& object, const std::string& path, FieldError& error) {
  std::string destination;
  JsonFields fields{object, path, error};
  fields.read("archive_destination_id", kDestination, destination);
  fields.end();
  return destination;
}

Rendition read_rendition(JsonFields& fields, const std::string& path, FieldError& error) {
  Rendition rendition;
  if (const auto* video = fields.find("video"))
    rendition.video = read_video(*video, fields.path_of("video"), error);
  if (const auto* audio = fields.find("audio"))
    rendition.audio = read_audio(*audio, fields.path_of("audio"), error);
  fields.end();
  if (!error && !rendition.video && !rendition.audio)
    error = {path, path + " is empty, but must have video, audio or both."};
  return rendition;
}

void add_archive(HlsList& hls, const std::string& destination, const std::string& path,
                 FieldError& error) {
  if (destination.empty() || error)
    return;
  if (!hls.archive_destination.empty() && hls.archive_destination != destination) {
    const auto field = path + ".archive.archive_destination_id";
    error = {field, field + " is " + shown(Json(destination)) + ", but must be " +
                        shown(Json(hls.archive_destination)) +
                        ", as in an entry before: the archive has all renditions."};
  }
  hls.archive_destination = destination;
}

// What is one for all of them, whoever says it.
struct Common {
  const char* name;
  Range range;
  std::optional<double> value;
  std::string said_by;
  const char* reason;

  void read(JsonFields& fields, const std::string& path, FieldError& error) {
    std::optional<double> its;
    fields.read(name, range, its);
    if (!its || error)
      return;
    if (value && *value != *its)
      error = {fields.path_of(name), fields.path_of(name) + " is " + shown(*its) +
                                         ", but must be " + shown(*value) + ", as in " + said_by +
                                         ": " + reason + "."};
    value = its;
    if (said_by.empty())
      said_by = path;
  }
};

}  // namespace

std::variant<HlsList, std::string> read_hls_list(std::string_view json) {
  const auto list = parse_json(json, "hls");
  if (const auto* why = std::get_if<std::string>(&list))
    return *why;
  auto read = read_hls_json(std::get<Json>(list));
  if (auto* error = std::get_if<FieldError>(&read))
    return std::move(error->sentence);
  return std::get<HlsList>(std::move(read));
}

std::variant<HlsList, FieldError> read_hls_json(const Json& list) {
  if (!list.is_array())
    return FieldError{"hls", "hls is " + shown(list) + ", but must be a list of renditions."};
  if (list.empty() || list.size() > kMostRenditions)
    return FieldError{"hls", "hls has " + std::to_string(list.size()) +
                                 " renditions, but must have 1 to " +
                                 std::to_string(kMostRenditions) + "."};
  HlsList hls;
  Common segment{.name = "durationSeconds",
                 .range = kSegment,
                 .reason = "all renditions are cut at the same instants"};
  Common start{.name = "startTimeOffset",
               .range = kStart,
               .reason = "it is the player's, whatever it goes on with"};
  for (const auto& entry : list) {
    FieldError error;
    const auto path = "hls[" + std::to_string(hls.renditions.size()) + "]";
    JsonFields fields{entry, path, error};
    segment.read(fields, path, error);
    start.read(fields, path, error);
    if (const auto* archive = fields.find("archive"))
      add_archive(hls, read_archive(*archive, path + ".archive", error), path, error);
    hls.renditions.push_back(read_rendition(fields, path, error));
    if (error)
      return error;
  }
  hls.segment_seconds = segment.value;
  hls.start_seconds = start.value;
  return hls;
}

Json to_json(const HlsList& hls) {
  auto list = Json::array();
  for (const auto& [video, audio] : hls.renditions) {
    auto entry = Json::object();
    if (hls.segment_seconds)
      entry["durationSeconds"] = *hls.segment_seconds;
    if (hls.start_seconds)
      entry["startTimeOffset"] = *hls.start_seconds;
    if (video)
      entry["video"] = {
          {"width", video->width},    {"height", video->height},           {"fps", video->fps},
          {"bps", video->bps},        {"codec", "h264_" + video->profile}, {"fit", video->fit},
          {"upscale", video->upscale}};
    if (audio)
      entry["audio"] = {{"bps", audio->bps}};
    if (!hls.archive_destination.empty())
      entry["archive"] = {{"archive_destination_id", hls.archive_destination}};
    list.push_back(std::move(entry));
  }
  return list;
}

std::string ladder_text(const Renditions& renditions, bool is_aac) {
  std::string text;
  for (std::size_t i = 0; i < renditions.size(); ++i) {
    const auto& [video, audio] = renditions[i];
    text += (i == 0 ? "<[hls-" : ",[hls-") + std::to_string(i);
    if (video)
      text += ",width=" + std::to_string(video->width) +
              ",height=" + std::to_string(video->height) + ",fps=" + std::to_string(video->fps) +
              ",bps=" + std::to_string(video->bps) + ",profile=" + video->profile +
              ",fit=" + video->fit + ",upscale=" + (video->upscale ? "true" : "false");
    else
      text += ",video=none";
    if (audio)
      text +=
          ",audio-bps=" + std::to_string(audio->bps) + ",audio-codec=" + (is_aac ? "aac" : "mp3");
    else
      text += ",audio=none";
    text += "]";
  }
  return text + ">";
}

bool has_audio(const Renditions& renditions) {
  return std::any_of(renditions.begin(), renditions.end(),
                     [](const Rendition& its) { return its.audio.has_value(); });
}

std::optional<Rendition::Video> largest_video(const Renditions& renditions) {
  std::optional<Rendition::Video> largest;
  for (const auto& [video, audio] : renditions)
    if (video && (!largest || video->width * video->height > largest->width * largest->height))
      largest = video;
  return largest;
}

}  // namespace live

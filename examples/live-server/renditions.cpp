// SPDX-License-Identifier: LGPL-2.1-or-later
#include "renditions.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "mp3_bitrates.hpp"

namespace live {
namespace {

// In their order, so that of several mistakes the first one is named.
using Json = nlohmann::ordered_json;

constexpr std::size_t kMostRenditions = 16;  // abrladder takes no more

struct Range {
  unsigned least;
  unsigned most;
  unsigned step = 1;

  [[nodiscard]] std::string text() const {
    return (step == 2 ? "an even number from " : "a whole number from ") + std::to_string(least) +
           " to " + std::to_string(most);
  }
};
constexpr Range kSide{36, 4096, 2};  // 4:2:0 wants even ones
constexpr Range kFps{3, 60};
constexpr Range kVideoBps{15'000, 15'000'000};
constexpr Range kAudioBps{1000 * kMp3Kbps.front(), 1000 * kMp3Kbps.back()};

// What is written in JSON, and what it is for abrladder.
using Words = std::span<const std::pair<const char*, const char*>>;
constexpr std::array<std::pair<const char*, const char*>, 3> kCodecs{
    {{"h264_baseline", "baseline"}, {"h264_main", "main"}, {"h264_high", "high"}}};
constexpr std::array<std::pair<const char*, const char*>, 3> kFits{
    {{"letterbox", "letterbox"}, {"crop", "crop"}, {"stretch", "stretch"}}};

template <typename Names>
std::string one_of(const Names& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + std::string{names[i]};
  return text;
}

// As it was written, but no more of it than fits a sentence.
std::string shown(const Json& value) {
  constexpr std::size_t kMost = 60;
  auto text = value.dump(-1, ' ', true);  // ASCII, which can be cut anywhere
  if (text.size() > kMost)
    text = text.substr(0, kMost) + "...";
  return text;
}

// The fields of one object. The first mistake stays, in the list's own `error`.
class Fields {
 public:
  Fields(const Json& object, std::string path, std::string& error)
      : object_{object}, path_{std::move(path)}, error_{error} {
    if (!object_.is_object())
      say(path_ + " is " + shown(object_) + ", but must be an object.");
  }

  // Nothing where there is no such field.
  const Json* find(const char* name) {
    known_.emplace_back(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  void read(const char* name, const Range& range, unsigned& to) {
    const auto* value = find(name);
    if (!value)
      return;
    const double number = value->is_number() ? value->get<double>() : -1;
    if (number < range.least || number > range.most || std::fmod(number, range.step) != 0)
      wrong(name, *value, range.text());
    else
      to = static_cast<unsigned>(number);
  }
  void require(const char* name, const Range& range, unsigned& to) {
    if (object_.is_object() && !object_.contains(name))
      say(path_ + "." + name + " is missing; it must be " + range.text() + ".");
    read(name, range, to);
  }
  void read(const char* name, Words words, std::string& to) {
    const auto* value = find(name);
    if (!value)
      return;
    std::vector<const char*> allowed;
    for (const auto& [word, meaning] : words) {
      if (*value == word) {
        to = meaning;
        return;
      }
      allowed.push_back(word);
    }
    wrong(name, *value, one_of(allowed));
  }
  void read(const char* name, bool& to) {
    const auto* value = find(name);
    if (!value)
      return;
    if (value->is_boolean())
      to = value->get<bool>();
    else
      wrong(name, *value, "true or false");
  }
  // Behind all the others: what nobody has asked for is a mistake.
  void end() {
    if (!object_.is_object())
      return;
    for (const auto& [name, value] : object_.items())
      if (std::find(known_.begin(), known_.end(), name) == known_.end())
        wrong(name, value, "left out: there is no such field, only " + one_of(known_));
  }
  [[nodiscard]] std::string path_of(const char* name) const { return path_ + "." + name; }

 private:
  void wrong(const std::string& name, const Json& value, const std::string& allowed) {
    say(path_ + "." + name + " is " + shown(value) + ", but must be " + allowed + ".");
  }
  void say(std::string sentence) {
    if (error_.empty())
      error_ = std::move(sentence);
  }

  const Json& object_;
  const std::string path_;
  std::string& error_;
  std::vector<std::string> known_;
};

Rendition::Video read_video(const Json& object, const std::string& path, std::string& error) {
  Rendition::Video video;
  Fields fields{object, path, error};
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

Rendition::Audio read_audio(const Json& object, const std::string& path, std::string& error) {
  Rendition::Audio audio;
  Fields fields{object, path, error};
  fields.read("bps", kAudioBps, audio.bps);
  fields.end();
  const auto above = std::upper_bound(kMp3Kbps.begin(), kMp3Kbps.end(), audio.bps / 1000);
  audio.bps = 1000 * *(above - 1);
  return audio;
}

Rendition read_rendition(const Json& object, const std::string& path, std::string& error) {
  Rendition rendition;
  Fields fields{object, path, error};
  if (const auto* video = fields.find("video"))
    rendition.video = read_video(*video, fields.path_of("video"), error);
  if (const auto* audio = fields.find("audio"))
    rendition.audio = read_audio(*audio, fields.path_of("audio"), error);
  fields.end();
  if (error.empty() && !rendition.video && !rendition.audio)
    error = path + " is empty, but must have video, audio or both.";
  return rendition;
}

}  // namespace

std::variant<Renditions, std::string> read_renditions(std::string_view json) {
  Json list;
  try {
    list = Json::parse(json);
  } catch (const Json::parse_error& error) {
    const std::string_view what = error.what();  // "[json.exception…] parse error at line 1, …"
    return "hls is no JSON: " + std::string{what.substr(what.find("] ") + 2)} + ".";
  }
  if (!list.is_array())
    return "hls is " + shown(list) + ", but must be a list of renditions.";
  if (list.empty() || list.size() > kMostRenditions)
    return "hls has " + std::to_string(list.size()) + " renditions, but must have 1 to " +
           std::to_string(kMostRenditions) + ".";
  Renditions renditions;
  for (const auto& entry : list) {
    std::string error;
    renditions.push_back(
        read_rendition(entry, "hls[" + std::to_string(renditions.size()) + "]", error));
    if (!error.empty())
      return error;
  }
  return renditions;
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

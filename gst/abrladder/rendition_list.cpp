// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rendition_list.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "glue/gstptr.hpp"

namespace onair {
namespace {

template <typename Value>
using Words = std::span<const std::pair<const char*, Value>>;

constexpr std::array<std::pair<const char*, Fit>, 3> kFits{
    {{"letterbox", Fit::Letterbox}, {"crop", Fit::Crop}, {"stretch", Fit::Stretch}}};
constexpr std::array<std::pair<const char*, Profile>, 3> kProfiles{
    {{"baseline", Profile::Baseline}, {"main", Profile::Main}, {"high", Profile::High}}};
constexpr std::array<std::pair<const char*, AudioCodec>, 2> kCodecs{
    {{"mp3", AudioCodec::Mp3}, {"aac", AudioCodec::Aac}}};

template <typename Value>
const char* word_of(Words<Value> words, Value value) {
  for (const auto& [word, its] : words)
    if (its == value)
      return word;
  return "";
}

std::string text_of(const GValue* value) {
  const GMemory<char> text{gst_value_serialize(value)};
  return text ? text.get() : G_VALUE_TYPE_NAME(value);
}

// Reads the fields of one rendition. The first error stays.
class Reader {
 public:
  explicit Reader(const GstStructure* from) : from_{from} {}

  [[nodiscard]] const std::optional<std::string>& error() const { return error_; }

  [[nodiscard]] bool is_none(const char* field) {
    const auto* value = take(field);
    if (!value)
      return false;
    if (G_VALUE_HOLDS_STRING(value) && g_strcmp0(g_value_get_string(value), "none") == 0)
      return true;
    fail(field, value, "none, or nothing at all");
    return false;
  }
  void read(const char* field, int& to) {
    const auto* value = take(field);
    if (!value)
      return;
    if (G_VALUE_HOLDS_INT(value))
      to = g_value_get_int(value);
    else
      fail(field, value, "a whole number");
  }
  void read(const char* field, bool& to) {
    const auto* value = take(field);
    if (!value)
      return;
    if (G_VALUE_HOLDS_BOOLEAN(value))
      to = g_value_get_boolean(value) == TRUE;
    else
      fail(field, value, "true and false");
  }
  void read(const char* field, FrameRate& to) {
    const auto* value = take(field);
    if (!value)
      return;
    if (G_VALUE_HOLDS_INT(value))
      to = {g_value_get_int(value), 1};
    else if (GST_VALUE_HOLDS_FRACTION(value))
      to = {gst_value_get_fraction_numerator(value), gst_value_get_fraction_denominator(value)};
    else
      fail(field, value, "a whole number, or a fraction as 30000/1001");
  }
  template <typename Value>
  void read(const char* field, Words<Value> words, Value& to) {
    const auto* value = take(field);
    if (!value)
      return;
    const char* given = G_VALUE_HOLDS_STRING(value) ? g_value_get_string(value) : nullptr;
    std::string allowed;
    for (const auto& [word, its] : words) {
      if (g_strcmp0(given, word) == 0) {
        to = its;
        return;
      }
      allowed += (allowed.empty() ? "" : ", ") + std::string{word};
    }
    fail(field, value, allowed);
  }
  // What nobody has read is a mistake, or meant for another version.
  void end() {
    for (int i = 0; i < gst_structure_n_fields(from_) && !error_; ++i) {
      const std::string_view field = gst_structure_nth_field_name(from_, static_cast<guint>(i));
      if (std::find(known_.begin(), known_.end(), field) == known_.end())
        error_ = "Rendition " + name() + ": there is no field " + std::string{field} + ".";
    }
  }
  [[nodiscard]] std::string name() const { return gst_structure_get_name(from_); }

 private:
  const GValue* take(const char* field) {
    known_.emplace_back(field);
    return gst_structure_get_value(from_, field);
  }
  void fail(const char* field, const GValue* value, const std::string& allowed) {
    if (!error_)
      error_ = "Rendition " + name() + ": " + field + " is " + text_of(value) +
               "; allowed: " + allowed + ".";
  }

  const GstStructure* from_;
  std::vector<std::string_view> known_;
  std::optional<std::string> error_;
};

std::variant<Rendition, std::string> rendition_from(const GstStructure* structure) {
  Reader reader{structure};
  Rendition rendition{.name = reader.name(), .video = std::nullopt, .audio = std::nullopt};
  VideoRendition video;
  AudioRendition audio;
  const bool has_video = !reader.is_none("video");
  const bool has_audio = !reader.is_none("audio");
  reader.read("width", video.width);
  reader.read("height", video.height);
  reader.read("fps", video.fps);
  reader.read("bps", video.bps);
  reader.read("profile", Words<Profile>{kProfiles}, video.profile);
  reader.read("fit", Words<Fit>{kFits}, video.fit);
  reader.read("upscale", video.upscale);
  reader.read("audio-bps", audio.bps);
  reader.read("audio-codec", Words<AudioCodec>{kCodecs}, audio.codec);
  reader.end();
  if (reader.error())
    return *reader.error();
  if (has_video)
    rendition.video = video;
  if (has_audio)
    rendition.audio = audio;
  if (const auto error = error_of(rendition))
    return *error;
  return rendition;
}

}  // namespace

std::variant<Renditions, std::string> renditions_from(const GValue* array) {
  const auto count = gst_value_array_get_size(array);
  if (count > kMaxRenditions)
    return std::to_string(count) + " renditions are given; at most " +
           std::to_string(kMaxRenditions) + " are allowed.";
  Renditions renditions;
  for (guint i = 0; i < count; ++i) {
    const auto* value = gst_value_array_get_value(array, i);
    const auto* structure =
        GST_VALUE_HOLDS_STRUCTURE(value) ? gst_value_get_structure(value) : nullptr;
    if (!structure)
      return "Rendition " + std::to_string(i) + " is no structure: " + text_of(value) + ".";
    auto rendition = rendition_from(structure);
    if (auto* error = std::get_if<std::string>(&rendition))
      return std::move(*error);
    renditions.push_back(std::get<Rendition>(std::move(rendition)));
  }
  return renditions;
}

void set_renditions(GValue* array, const Renditions& renditions) {
  for (const auto& rendition : renditions) {
    auto* structure = gst_structure_new_empty(rendition.name.c_str());
    if (const auto& video = rendition.video)
      gst_structure_set(structure, "width", G_TYPE_INT, video->width, "height", G_TYPE_INT,
                        video->height, "fps", GST_TYPE_FRACTION, video->fps.num, video->fps.den,
                        "bps", G_TYPE_INT, video->bps, "profile", G_TYPE_STRING,
                        word_of(Words<Profile>{kProfiles}, video->profile), "fit", G_TYPE_STRING,
                        word_of(Words<Fit>{kFits}, video->fit), "upscale", G_TYPE_BOOLEAN,
                        video->upscale, nullptr);
    else
      gst_structure_set(structure, "video", G_TYPE_STRING, "none", nullptr);
    if (const auto& audio = rendition.audio)
      gst_structure_set(structure, "audio-bps", G_TYPE_INT, audio->bps, "audio-codec",
                        G_TYPE_STRING, word_of(Words<AudioCodec>{kCodecs}, audio->codec), nullptr);
    else
      gst_structure_set(structure, "audio", G_TYPE_STRING, "none", nullptr);
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed(&value, structure);
    gst_value_array_append_and_take_value(array, &value);
  }
}

}  // namespace onair

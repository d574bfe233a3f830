// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-abrladder
 * @title: abrladder
 * @short_description: One publisher becomes several renditions, cut at the same instants
 *
 * Takes one picture and one sound, raw or encoded, and gives each of #GstAbrLadder:renditions at a pad of its own:
 * H.264 at `video_src_N`, MP3 or AAC at `audio_src_N`, where N counts the renditions from 0. Pads are on request, and what
 * nobody asks for is not made. The input is decoded once, scaled and encoded once for each rendition, on a thread of its
 * own; each distinct bit rate of sound is encoded once, for all renditions that have it.
 *
 * ## Renditions
 * An array of structures, each named as you like: `<[hd,width=1280,height=720,fps=30,bps=2500000],[low,width=640,
 * height=360,bps=600000,audio-bps=64000],[sound,video=none]>`
 *
 * - `width`, `height`: even, 36 to 4096. The output has this size, whatever comes in.
 * - `fps`: the most frames a second, 3 to 60, a whole number or a fraction; 30. By their timestamps frames are left
 *   out, and none is made or moved: a source of 16 frames a second keeps its speed, and its frames.
 * - `bps`: the most bits in any second, 15000 to 15000000.
 * - `profile`: `baseline`, `main` (default) or `high`.
 * - `fit`: `letterbox` (default) shows all of the picture with black around it, `crop` fills the frame,
 *   `stretch` does so without keeping proportions.
 * - `upscale`: `true` makes pictures that are smaller than the frame fill it, too; by default they stay as they
 *   are, in the middle. Browsers send small pictures while their bandwidth is small.
 * - `video=none`: sound only. `audio=none`: picture only.
 * - `audio-bps`: 32000 to 320000, 96000 by default; MP3 has certain bit rates, and the next one below is taken.
 * - `audio-codec`: `mp3` (default; always 48 kHz, so that each frame is 24 ms at any bit rate) or `aac`.
 *
 * ## Key frames
 * Encoders make key frames only when they are asked to, by upstream GstForceKeyUnit events at any source pad, as
 * `hlslivesink` and `hlsbalancer` send them. Requests for one boundary of segments, from all renditions, choose one frame
 * of the input, which becomes an IDR with parameter sets in front in all of them, whatever their frame rates.
 *
 * ## Codecs
 * The first that works: NVIDIA's, then libav and x264, then OpenH264. Where NVIDIA's decoder works pictures stay in the
 * GPU's memory and are scaled there (not where they are cropped), and what is scaled is fetched; with `upscale`, which
 * leaves nothing to be framed, it stays there for NVIDIA's encoder. One that fails is replaced by the next one with a
 * warning message, at once; see `fallbackdecoder`. #GstAbrLadder:video-decoders and #GstAbrLadder:video-encoders pin or
 * forbid them.
 *
 * ## Overload
 * Live, and encoders fall behind for #GstAbrLadder:overload-time: the frame rate of the largest rendition is halved, then that
 * of the next one, and so on twice around; sound is left alone. When there is room again that is taken back, more
 * cautiously each time. Each step is an element message `abrladder-overload`: `rendition` (uint), `name`, `fps` (fraction, at most, from now
 * on), `degraded` (boolean, FALSE when a step is taken back), `steps` (uint, in all), `behind` (ns). An encoder that is 0.4 s behind loses
 * frames, not the others.
 *
 * ## Passthrough
 * With #GstAbrLadder:mode passthrough nothing is decoded: `video_0`, `video_1` … are layers of one H.264 picture
 * (simulcast, or the only one), and come out at `video_src_0`, `video_src_1` …, with parameter sets in front of each IDR. A
 * request for a key frame goes to all layers once, however many renditions ask for it: set
 * `balancer::mode=passthrough` on `hlslivesink`, which asks as much ahead of each boundary as the publisher takes to
 * answer. A rendition whose layer has not been sent for half a second, as browsers stop the largest ones when bandwidth
 * is short, repeats the next smaller layer (or larger, if there is none) from its next key frame on, and goes back with
 * its own. Sound is made as above.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -e abrladder name=l \
 *     renditions='<[hd,width=640,height=360,bps=900000],[low,width=320,height=180,fps=15,bps=250000,audio-bps=64000]>' \
 *   hlslivesink name=hls location=live \
 *   videotestsrc is-live=true num-buffers=150 ! video/x-raw,framerate=30/1,width=640,height=360 ! l.video_0 \
 *   audiotestsrc is-live=true num-buffers=240 samplesperbuffer=1000 ! audio/x-raw,rate=48000 ! l.audio_0 \
 *   l.video_src_0 ! hls.video_0  l.audio_src_0 ! hls.audio_0 \
 *   l.video_src_1 ! hls.video_1  l.audio_src_1 ! hls.audio_1
 * ]| Writes five segments of each of two renditions, and their master playlist, into the directory `live`.
 *
 * Since: 0.1
 */

#include "gstabrladder.h"

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gst/video/video.h>

#include "audio_ladder.hpp"
#include "families.hpp"
#include "glue/gsttime.hpp"
#include "glue/guarded.hpp"
#include "passthrough.hpp"
#include "rendition_list.hpp"
#include "video_ladder.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_abr_ladder_debug);
#define GST_CAT_DEFAULT gst_abr_ladder_debug

using onair::AudioLadder;
using onair::Duration;
using onair::Families;
using onair::GMemory;
using onair::GstPtr;
using onair::Guarded;
using onair::KeyFrames;
using onair::Passthrough;
using onair::Renditions;
using onair::VideoLadder;

namespace {

enum class Mode { Transcode, Passthrough };

// What the properties set.
struct Settings {
  Renditions renditions;
  std::string error;  // of the renditions that were set last
  Mode mode = Mode::Transcode;
  std::string video_decoders;
  std::string video_encoders;
  guint64 overload_time = 2 * GST_SECOND;
};

struct Ladder {
  Guarded<Settings> settings;
  // Made with the first pad that needs them. Pads come and go one at a time (the application's thread).
  std::shared_ptr<VideoLadder> video;
  std::shared_ptr<Passthrough> passthrough;
  std::unique_ptr<AudioLadder> audio;
};

}  // namespace

struct _GstAbrLadder {
  GstBin parent;
  Ladder* ladder;
};

#define GST_TYPE_ABR_LADDER_MODE (gst_abr_ladder_mode_get_type())
static GType gst_abr_ladder_mode_get_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(Mode::Transcode), "Decode, scale and encode", "transcode"},
      {static_cast<int>(Mode::Passthrough), "Layers of H.264 go through as they are",
       "passthrough"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstAbrLadderMode", values);
  return type;
}

enum : guint {
  kRenditions = 1,
  kMode,
  kVideoDecoders,
  kVideoEncoders,
  kOverloadTime,
  kStats,
};

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE("video_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate video_src_template = GST_STATIC_PAD_TEMPLATE(
    "video_src_%u", GST_PAD_SRC, GST_PAD_REQUEST,
    GST_STATIC_CAPS("video/x-h264, stream-format=(string)byte-stream, alignment=(string)au"));
static GstStaticPadTemplate audio_src_template = GST_STATIC_PAD_TEMPLATE(
    "audio_src_%u", GST_PAD_SRC, GST_PAD_REQUEST,
    GST_STATIC_CAPS("audio/mpeg, mpegversion=(int)1, layer=(int)3, rate=(int)48000; "
                    "audio/mpeg, mpegversion=(int)4, rate=(int)48000"));

#define gst_abr_ladder_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstAbrLadder, gst_abr_ladder, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE(abrladder, "abrladder", GST_RANK_NONE, GST_TYPE_ABR_LADDER)

// ---- pads

static VideoLadder* video_of(GstAbrLadder* self) {
  auto* ladder = self->ladder;
  if (!ladder->video) {
    const auto settings = ladder->settings.get();
    ladder->video = VideoLadder::create(
        GST_BIN(self),
        {.decoders = settings.video_decoders,
         .encoders = Families::parse(settings.video_encoders).value_or(Families{}),
         .overload_time = Duration{static_cast<Duration::rep>(settings.overload_time)}});
  }
  return ladder->video.get();
}

static Passthrough* passthrough_of(GstAbrLadder* self) {
  auto* ladder = self->ladder;
  if (!ladder->passthrough)
    ladder->passthrough = Passthrough::create(GST_BIN(self));
  return ladder->passthrough.get();
}

static AudioLadder* audio_of(GstAbrLadder* self) {
  auto* ladder = self->ladder;
  if (!ladder->audio)
    ladder->audio = AudioLadder::create(GST_BIN(self));
  return ladder->audio.get();
}

// The number in "video_src_3"; nothing for pads of other kinds.
static std::optional<std::size_t> number_behind(const char* prefix, GstPad* pad) {
  const GMemory<char> name{gst_pad_get_name(pad)};
  if (!g_str_has_prefix(name.get(), prefix))
    return std::nullopt;
  const char* number = name.get() + strlen(prefix);
  if (!g_ascii_isdigit(*number))
    return std::nullopt;
  return static_cast<std::size_t>(g_ascii_strtoull(number, nullptr, 10));
}

// Requests for key frames end here; what is asked of the publisher is said by Passthrough.
static GstPadProbeReturn gst_abr_ladder_on_request(GstPad* pad, GstPadProbeInfo* info,
                                                   gpointer data) noexcept {
  auto* event = GST_PAD_PROBE_INFO_EVENT(info);
  if (!gst_video_event_is_force_key_unit(event))
    return GST_PAD_PROBE_OK;
  auto* ladder = static_cast<Ladder*>(data);
  const auto rendition = number_behind("video_src_", pad).value_or(0);
  if (ladder->passthrough) {
    ladder->passthrough->ask_for_key_frame(rendition, event);
  } else if (ladder->video) {
    GstClockTime at = GST_CLOCK_TIME_NONE;
    guint count = 0;
    gst_video_event_parse_upstream_force_key_unit(event, &at, nullptr, &count);
    KeyFrames::Request request{.rendition = rendition, .at = std::nullopt, .count = count};
    if (const auto when = onair::to_duration(at))
      request.at = onair::RunningTime{*when};
    ladder->video->ask_for_key_frame(request);
  }
  return GST_PAD_PROBE_DROP;
}

// The number behind the template's %u; the first that is free where there is no name.
static std::optional<guint> index_of(GstElement* element, const GstPadTemplate* templ,
                                     const gchar* name) {
  const std::string pattern = GST_PAD_TEMPLATE_NAME_TEMPLATE(templ);
  const auto prefix = pattern.substr(0, pattern.size() - 2);
  const auto is_there = [&](const std::string& candidate) {
    const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element, candidate.c_str()));
    return static_cast<bool>(pad);
  };
  guint64 index = 0;
  if (!name) {
    while (is_there(prefix + std::to_string(index)))
      ++index;
    return static_cast<guint>(index);
  }
  const bool is_ours =
      g_str_has_prefix(name, prefix.c_str()) &&
      g_ascii_string_to_unsigned(name + prefix.size(), 10, 0, G_MAXUINT, &index, nullptr);
  // Not "audio_03", which would be "audio_3".
  if (!is_ours || prefix + std::to_string(index) != name || is_there(name))
    return std::nullopt;
  return static_cast<guint>(index);
}

static GstPtr<GstPad> target_of(GstAbrLadder* self, const GstPadTemplate* templ, guint index) {
  const auto settings = self->ladder->settings.get();
  const bool passes = settings.mode == Mode::Passthrough;
  const std::string pattern = GST_PAD_TEMPLATE_NAME_TEMPLATE(templ);
  if (pattern == "video_%u" && passes)
    return passthrough_of(self)->sink(index);
  if (pattern == "video_%u" || pattern == "audio_%u") {
    if (index > 0) {
      GST_WARNING_OBJECT(self, "there is one picture and one sound, video_0 and audio_0");
      return {};
    }
    if (pattern == "audio_%u")
      return audio_of(self) ? audio_of(self)->sink() : GstPtr<GstPad>{};
    return video_of(self) ? video_of(self)->sink() : GstPtr<GstPad>{};
  }
  if (pattern == "video_src_%u" && passes)
    return passthrough_of(self)->src(index);
  if (index >= settings.renditions.size()) {
    GST_WARNING_OBJECT(self, "there is no rendition %u; set `renditions` before pads are asked for",
                       index);
    return {};
  }
  const auto& rendition = settings.renditions[index];
  if (pattern == "video_src_%u")
    return rendition.video && video_of(self) ? video_of(self)->add(index, rendition)
                                             : GstPtr<GstPad>{};
  return rendition.audio && audio_of(self) ? audio_of(self)->add(index, rendition)
                                           : GstPtr<GstPad>{};
}

static GstPad* gst_abr_ladder_request_new_pad(GstElement* element, GstPadTemplate* templ,
                                              const gchar* name, const GstCaps*) noexcept {
  auto* self = GST_ABR_LADDER(element);
  const auto index = index_of(element, templ, name);
  if (!index) {
    GST_WARNING_OBJECT(element, "no pad %s: it exists, or its number is none", name);
    return nullptr;
  }
  const auto target = target_of(self, templ, *index);
  if (!target)
    return nullptr;
  std::string pad_name = GST_PAD_TEMPLATE_NAME_TEMPLATE(templ);
  pad_name.replace(pad_name.size() - 2, 2, std::to_string(*index));
  GstPad* pad = gst_ghost_pad_new_from_template(pad_name.c_str(), target.get(), templ);
  if (pad_name.starts_with("video_src_"))
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, gst_abr_ladder_on_request,
                      self->ladder, nullptr);
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element, pad);
  return pad;
}

static void gst_abr_ladder_release_pad(GstElement* element, GstPad* pad) noexcept {
  auto* ladder = GST_ABR_LADDER(element)->ladder;
  const auto rendition = number_behind("video_src_", pad);
  const auto sound = number_behind("audio_src_", pad);
  const auto layer = number_behind("video_", pad);
  gst_pad_set_active(pad, FALSE);
  gst_ghost_pad_set_target(GST_GHOST_PAD(pad), nullptr);
  gst_element_remove_pad(element, pad);
  if (rendition && ladder->video)
    ladder->video->remove(*rendition);
  if (sound && ladder->audio)
    ladder->audio->remove(*sound);
  if (layer && ladder->passthrough)
    ladder->passthrough->remove(*layer);
}

// ---- the element

static void gst_abr_ladder_set_property(GObject* object, guint id, const GValue* value,
                                        GParamSpec*) noexcept {
  const auto settings = GST_ABR_LADDER(object)->ladder->settings.lock();
  const auto text = [&] {
    const char* given = g_value_get_string(value);
    return std::string{given ? given : ""};
  };
  switch (id) {
    case kRenditions: {
      auto read = onair::renditions_from(value);
      if (auto* error = std::get_if<std::string>(&read)) {
        GST_WARNING_OBJECT(object, "%s", error->c_str());
        settings->error = *error;
        settings->renditions.clear();
      } else {
        settings->error.clear();
        settings->renditions = std::get<Renditions>(std::move(read));
      }
      break;
    }
    case kMode:
      settings->mode = static_cast<Mode>(g_value_get_enum(value));
      break;
    case kVideoDecoders:
    case kVideoEncoders:
      if (!Families::parse(text()))
        g_critical("abrladder: a list of families either allows or forbids, not both: %s",
                   text().c_str());
      else if (id == kVideoDecoders)
        settings->video_decoders = text();
      else
        settings->video_encoders = text();
      break;
    case kOverloadTime:
      settings->overload_time = g_value_get_uint64(value);
      break;
    default:
      break;
  }
}

static GstStructure* stats_of(Ladder& ladder) {
  auto* stats = gst_structure_new_empty("application/x-abrladder-stats");
  if (ladder.video)
    ladder.video->add_stats(stats);
  if (ladder.passthrough)
    ladder.passthrough->add_stats(stats);
  if (ladder.audio)
    ladder.audio->add_stats(stats);
  return stats;
}

static void gst_abr_ladder_get_property(GObject* object, guint id, GValue* value,
                                        GParamSpec*) noexcept {
  auto& ladder = *GST_ABR_LADDER(object)->ladder;
  const auto settings = ladder.settings.get();
  const auto set_text = [&](const std::string& text) {
    g_value_set_string(value, text.empty() ? nullptr : text.c_str());
  };
  switch (id) {
    case kRenditions:
      onair::set_renditions(value, settings.renditions);
      break;
    case kMode:
      g_value_set_enum(value, static_cast<int>(settings.mode));
      break;
    case kVideoDecoders:
      set_text(settings.video_decoders);
      break;
    case kVideoEncoders:
      set_text(settings.video_encoders);
      break;
    case kOverloadTime:
      g_value_set_uint64(value, settings.overload_time);
      break;
    case kStats:
      g_value_take_boxed(value, stats_of(ladder));
      break;
    default:
      break;
  }
}

static GstStateChangeReturn gst_abr_ladder_change_state(GstElement* element,
                                                        GstStateChange transition) noexcept {
  auto* ladder = GST_ABR_LADDER(element)->ladder;
  if (transition == GST_STATE_CHANGE_NULL_TO_READY) {
    const auto error = ladder->settings.get().error;
    if (!error.empty()) {
      GST_ELEMENT_ERROR(element, LIBRARY, SETTINGS, ("%s", error.c_str()), (nullptr));
      return GST_STATE_CHANGE_FAILURE;
    }
  }
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    if (ladder->video)
      ladder->video->forget();
    if (ladder->passthrough)
      ladder->passthrough->forget();
  }
  return result;
}

static void gst_abr_ladder_dispose(GObject* object) noexcept {
  auto* ladder = GST_ABR_LADDER(object)->ladder;
  ladder->video.reset();
  ladder->passthrough.reset();
  ladder->audio.reset();
  G_OBJECT_CLASS(parent_class)->dispose(object);
}

static void gst_abr_ladder_finalize(GObject* object) noexcept {
  delete GST_ABR_LADDER(object)->ladder;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_abr_ladder_init(GstAbrLadder* self) {
  self->ladder = new Ladder;
}

static void gst_abr_ladder_class_init(GstAbrLadderClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_abr_ladder_set_property;
  object_class->get_property = gst_abr_ladder_get_property;
  object_class->dispose = gst_abr_ladder_dispose;
  object_class->finalize = gst_abr_ladder_finalize;
  constexpr auto kReady = static_cast<GParamFlags>(G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY |
                                                   G_PARAM_STATIC_STRINGS);
  /**
   * GstAbrLadder:renditions:
   *
   * See above. To be set before pads are asked for. By gst_util_set_object_arg() only from text that may be written
   * to: GStreamer 1.22 does so while it reads an array of structures.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, kRenditions,
      gst_param_spec_array(
          "renditions", "Renditions",
          "What is to be made, as in <[hd,width=1280,height=720,fps=30,bps=2500000],"
          "[sound,video=none,audio-bps=64000]>",
          g_param_spec_boxed("rendition", "Rendition", "What one is to be", GST_TYPE_STRUCTURE,
                             kReady),
          kReady));
  /**
   * GstAbrLadder:mode:
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, kMode,
      g_param_spec_enum(
          "mode", "Mode",
          "Whether pictures are encoded anew, or layers of H.264 go through as they are",
          GST_TYPE_ABR_LADDER_MODE, static_cast<int>(Mode::Transcode), kReady));
  /**
   * GstAbrLadder:video-decoders:
   *
   * As the families of `fallbackdecoder`.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, kVideoDecoders,
      g_param_spec_string(
          "video-decoders", "Video decoders",
          "Whose decoders may be used, in this order, as in libav,openh264; or whose may "
          "not, as in -nvidia. None: all",
          nullptr, kReady));
  /**
   * GstAbrLadder:video-encoders:
   *
   * Families are `nvidia`, `x264` and `openh264`.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, kVideoEncoders,
      g_param_spec_string(
          "video-encoders", "Video encoders",
          "Whose encoders may be used, in this order, as in x264,openh264; or whose may "
          "not, as in -nvidia. None: all",
          nullptr, kReady));
  /**
   * GstAbrLadder:overload-time:
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, kOverloadTime,
      g_param_spec_uint64(
          "overload-time", "Overload time",
          "How long encoders may be behind a live source before frame rates are halved, "
          "in nanoseconds; more bears longer peaks, and drops more frames in them",
          0, G_MAXINT64, 2 * GST_SECOND, kReady));
  /**
   * GstAbrLadder:stats:
   *
   * `video-decoder`, `audio-decoder` (elements), `key-frames`, `steps-down` (of overload), `audio-encoders`, and for each
   * rendition with a picture `rendition-N`: `name`, `encoder`, `replacements` (of encoders that failed), `fps` (at
   * most, now), `frames-in`, `frames-out`, `left-out` (for fps), `dropped` (too far behind) and `behind` (ns). In
   * passthrough `layers`, `requests` (for key frames, to all of them) and `layer-of-N` (what rendition N is made of).
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, kStats,
      g_param_spec_boxed("stats", "Statistics", "Codecs, frames, key frames and overload",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  for (auto* templ : {&video_template, &audio_template, &video_src_template, &audio_src_template})
    gst_element_class_add_static_pad_template(element_class, templ);
  gst_element_class_set_static_metadata(
      element_class, "ABR ladder", "Codec/Encoder/Audio/Video",
      "One publisher becomes several renditions, cut at the same instants",
      "The gst-onair developers");
  element_class->request_new_pad = gst_abr_ladder_request_new_pad;
  element_class->release_pad = gst_abr_ladder_release_pad;
  element_class->change_state = gst_abr_ladder_change_state;
}

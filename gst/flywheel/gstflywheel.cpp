// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-flywheel
 * @title: flywheel
 * @short_description: Raw sound or picture that never ends, whatever happens to its source
 *
 * Takes one raw stream that may stop at any time (a muted microphone, a camera that is off, a
 * publisher who has gone, a decoder without data) and gives out one that does not. Sound goes on with
 * 60 ms of concealment and then silence, on the exact grid of its samples. The picture goes on with
 * its last frame, and after #GstFlywheel:slate-after with black or with the image of
 * #GstFlywheel:slate-location. What returns joins where its timestamps say, without a step or a click.
 *
 * Timestamps are the input's own; what is decided here is only when its place is filled: what belongs
 * behind the position P is waited for until P + lag + #GstFlywheel:max-wait, where the lag is how
 * long after its running time the input has lately come at least (the minimum of 30 s, so that it
 * follows a sender's clock which drifts). So one flywheel for the sound and one for the picture stay
 * together, and neither holds up the other. An input that is later than that for a second came to
 * stay: then the output waits until it has caught up. Only timestamps that leap by more than 5 s
 * against the clock are another time line, which is shifted so that it joins.
 *
 * Who knows that the source has gone (an application whose publisher has left) sends the custom downstream
 * event `onair-away` into the sink pad: until something of it is back, its place is filled after 200 ms at
 * most, so that the output stands still for nobody.
 *
 * Without live sources upstream, the clock says nothing: holes in the timestamps and GAP events are
 * filled.
 *
 * Pictures that are more than 250 ms apart (or #GstFlywheel:max-wait, if that is less) leave a hole, which is
 * filled with the first one, five times a second, as soon as the second has come: whoever cuts segments
 * downstream finds a picture near each boundary.
 *
 * Nothing comes out before the first buffer has come in, unless #GstFlywheel:caps are set: then the
 * element is a live source, whose output begins with the pipeline. What they leave open is chosen as
 * downstream takes it, and anew when downstream takes something else. Filler comes later than input, so
 * #GstFlywheel:max-wait is added to the latency.
 *
 * Filler that downstream does not take (not linked, not started or not negotiated yet) is dropped, and
 * the next one is tried: a warning after half a second of it, and no error. Input is answered as
 * downstream answers it.
 *
 * All input needs one format, rate and size: put `audioconvert ! audioresample` or
 * `videoconvertscale` and a capsfilter before it, and `videorate` behind it where a constant rate
 * is wanted. New caps are passed on, and the line goes on.
 *
 * Half a second of filler in a row, but in such holes, is posted as an element message `flywheel-filling` with the fields
 * `media` ("audio" or "video") and `since` (running time), and its end as `flywheel-joined` with
 * `filled` (ns) in addition. `flywheel-leap` has `media` and `by` (ns).
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -e \
 *     udpsrc port=5004 \
 *       caps="application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96" \
 *     ! rtpadaptivejitterbuffer ! rtph264depay ! avdec_h264 ! videoconvertscale add-borders=true \
 *     ! video/x-raw,format=I420,width=640,height=360,pixel-aspect-ratio=1/1 \
 *     ! flywheel caps=video/x-raw,format=I420,width=640,height=360,framerate=30/1,pixel-aspect-ratio=1/1 \
 *     ! videorate ! video/x-raw,framerate=30/1 ! x264enc tune=zerolatency speed-preset=superfast \
 *     ! h264parse ! queue ! mux. \
 *   audiotestsrc is-live=true samplesperbuffer=960 ! identity drop-probability=0.2 \
 *     ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=2 \
 *     ! flywheel max-wait=200000000 ! lamemp3enc ! mpegaudioparse ! queue ! mux. \
 *   mpegtsmux name=mux ! filesink location=never-ending.ts
 * ]| Records until Ctrl-C, whether anybody sends a picture or not, a tone of which a fifth is missing.
 *
 * Since: 0.1
 */

#include "gstflywheel.h"

#include <utility>

#include <gst/audio/audio.h>

#include "first_caps.hpp"
#include "settings.hpp"
#include "slate.hpp"
#include "wheel.hpp"

GST_DEBUG_CATEGORY(gst_flywheel_debug);
#define GST_CAT_DEFAULT gst_flywheel_debug

using onair::FlywheelSettings;
using onair::GstPtr;
using onair::Wheel;

struct _GstFlywheel {
  GstElement parent;
  GstPad* sink;
  GstPad* src;
  Wheel* wheel;
};

#define FLYWHEEL_CAPS \
  "audio/x-raw, format=(string){ " GST_AUDIO_NE(S16) ", " GST_AUDIO_NE(F32) " }, "             \
  "layout=(string)interleaved; video/x-raw; video/x-raw(ANY)"
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(FLYWHEEL_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(FLYWHEEL_CAPS));

// Behind the table of properties.
enum : guint { kCapsFromEnd = 1, kFillFramerateFromEnd, kSlateLocationFromEnd, kStatsFromEnd };
static guint property_id(guint from_end) {
  return static_cast<guint>(onair::flywheel_properties().size()) + from_end;
}

#define gst_flywheel_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstFlywheel, gst_flywheel, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(flywheel, "flywheel", GST_RANK_NONE, GST_TYPE_FLYWHEEL,
                                      GST_DEBUG_CATEGORY_INIT(gst_flywheel_debug, "flywheel", 0,
                                                              "Raw streams that never end"))

// ---- sink

static void gst_flywheel_loop(gpointer user_data) noexcept {
  auto* self = GST_FLYWHEEL(user_data);
  self->wheel->run();
  gst_pad_pause_task(self->src);
}

static gboolean start_task(GstFlywheel* self) {
  self->wheel->start();
  return gst_pad_start_task(self->src, gst_flywheel_loop, self, nullptr);
}

static GstFlowReturn gst_flywheel_chain(GstPad*, GstObject* parent, GstBuffer* buffer) noexcept {
  return GST_FLYWHEEL(parent)->wheel->on_buffer(GstPtr<GstBuffer>::adopt(buffer));
}

static gboolean gst_flywheel_sink_event(GstPad*, GstObject* parent, GstEvent* event) noexcept {
  auto* self = GST_FLYWHEEL(parent);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START: {
      const gboolean done = gst_pad_push_event(self->src, event);
      self->wheel->stop();
      gst_pad_pause_task(self->src);  // waits for it
      return done;
    }
    case GST_EVENT_FLUSH_STOP: {
      const gboolean done = gst_pad_push_event(self->src, event);
      self->wheel->stop();  // nobody promises that a start came before
      gst_pad_pause_task(self->src);
      self->wheel->reset();
      return start_task(self) && done;
    }
    case GST_EVENT_STREAM_START:
      // Behind EOS it is another stream.
      if (self->wheel->wait_for_end()) {
        gst_pad_pause_task(self->src);
        self->wheel->reset();
        start_task(self);
      }
      break;
    default:
      break;
  }
  if (!GST_EVENT_IS_SERIALIZED(event))
    return gst_pad_push_event(self->src, event);
  return self->wheel->on_event(GstPtr<GstEvent>::adopt(event));
}

static gboolean gst_flywheel_sink_query(GstPad* pad, GstObject* parent, GstQuery* query) noexcept {
  if (GST_QUERY_IS_SERIALIZED(query))
    return GST_FLYWHEEL(parent)->wheel->on_query(query);
  return gst_pad_query_default(pad, parent, query);
}

// ---- src

static gboolean gst_flywheel_src_activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode,
                                               gboolean active) noexcept {
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  auto* self = GST_FLYWHEEL(parent);
  if (active)
    return start_task(self);
  self->wheel->stop();
  return gst_pad_stop_task(pad);
}

static gboolean gst_flywheel_src_query(GstPad* pad, GstObject* parent, GstQuery* query) noexcept {
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
    return GST_FLYWHEEL(parent)->wheel->answer_latency(query);
  return gst_pad_query_default(pad, parent, query);
}

// ---- the element

static void gst_flywheel_set_property(GObject* object, guint id, const GValue* value,
                                      GParamSpec*) noexcept {
  auto* self = GST_FLYWHEEL(object);
  bool latency_changes = false;
  self->wheel->change_settings([&](FlywheelSettings& settings) {
    const auto former = settings.max_wait;
    if (id == property_id(kCapsFromEnd)) {
      const GstCaps* caps = gst_value_get_caps(value);
      if (caps && !onair::can_begin_with(caps))
        g_critical("flywheel: neither sound nor picture that can be made");
      else
        settings.caps = GstPtr<GstCaps>::share(const_cast<GstCaps*>(caps));
    } else if (id == property_id(kFillFramerateFromEnd)) {
      settings.fill_num = gst_value_get_fraction_numerator(value);
      settings.fill_den = gst_value_get_fraction_denominator(value);
    } else if (id == property_id(kSlateLocationFromEnd)) {
      const char* location = g_value_get_string(value);
      settings.slate_location = location ? location : "";
    } else {
      onair::set_property(onair::flywheel_properties()[id - 1], settings, value);
    }
    latency_changes = settings.max_wait != former;
  });
  if (latency_changes)
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

static void gst_flywheel_get_property(GObject* object, guint id, GValue* value,
                                      GParamSpec*) noexcept {
  auto* wheel = GST_FLYWHEEL(object)->wheel;
  if (id == property_id(kStatsFromEnd)) {
    g_value_take_boxed(value, wheel->stats());
    return;
  }
  const auto settings = wheel->settings();
  if (id == property_id(kCapsFromEnd))
    gst_value_set_caps(value, settings.caps.get());
  else if (id == property_id(kFillFramerateFromEnd))
    gst_value_set_fraction(value, settings.fill_num, settings.fill_den);
  else if (id == property_id(kSlateLocationFromEnd))
    g_value_set_string(value,
                       settings.slate_location.empty() ? nullptr : settings.slate_location.c_str());
  else
    onair::get_property(onair::flywheel_properties()[id - 1], settings, value);
}

static void load_slate(GstFlywheel* self) {
  const auto location = self->wheel->settings().slate_location;
  if (location.empty()) {
    self->wheel->set_picture({});
    return;
  }
  auto picture = onair::load_picture(location);
  if (!picture.sample)
    GST_ELEMENT_WARNING(
        self, RESOURCE, READ,
        ("The slate's image \"%s\" cannot be shown; the slate is black", location.c_str()),
        ("%s", picture.error.c_str()));
  self->wheel->set_picture(std::move(picture.sample));
}

static GstStateChangeReturn gst_flywheel_change_state(GstElement* element,
                                                      GstStateChange transition) noexcept {
  auto* self = GST_FLYWHEEL(element);
  auto* wheel = self->wheel;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    wheel->reset();
    wheel->reset_stats();
    load_slate(self);
  } else if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) {
    wheel->set_playing(true);
  } else if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
    wheel->set_playing(false);
  }
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    wheel->reset();
  // With caps it is a source by itself, and a live one.
  const bool is_paused_now = transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
                             transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED;
  return is_paused_now && result == GST_STATE_CHANGE_SUCCESS && wheel->settings().caps
             ? GST_STATE_CHANGE_NO_PREROLL
             : result;
}

static void gst_flywheel_finalize(GObject* object) noexcept {
  delete GST_FLYWHEEL(object)->wheel;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_flywheel_init(GstFlywheel* self) {
  self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sink, gst_flywheel_chain);
  gst_pad_set_event_function(self->sink, gst_flywheel_sink_event);
  gst_pad_set_query_function(self->sink, gst_flywheel_sink_query);
  GST_PAD_SET_PROXY_CAPS(self->sink);
  gst_element_add_pad(GST_ELEMENT(self), self->sink);

  self->src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_activatemode_function(self->src, gst_flywheel_src_activate_mode);
  gst_pad_set_query_function(self->src, gst_flywheel_src_query);
  GST_PAD_SET_PROXY_CAPS(self->src);
  gst_element_add_pad(GST_ELEMENT(self), self->src);

  self->wheel = new Wheel{GST_ELEMENT(self), self->sink, self->src};
}

static void gst_flywheel_class_init(GstFlywheelClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_flywheel_set_property;
  object_class->get_property = gst_flywheel_get_property;
  object_class->finalize = gst_flywheel_finalize;

  onair::install_properties<FlywheelSettings>(
      object_class, onair::flywheel_properties(),
      static_cast<GParamFlags>(G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING));
  constexpr auto kInReady = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                     GST_PARAM_MUTABLE_READY);
  g_object_class_install_property(
      object_class, property_id(kCapsFromEnd),
      g_param_spec_boxed("caps", "Caps",
                         "Caps of the filler before the first input: the output begins with the "
                         "pipeline, as silence or slate; what they leave open is as downstream "
                         "takes it; unset, it begins with the input",
                         GST_TYPE_CAPS, kInReady));
  g_object_class_install_property(
      object_class, property_id(kFillFramerateFromEnd),
      gst_param_spec_fraction("fill-framerate", "Filler's frame rate",
                              "Frames a second of filler, where the caps of the picture tell none",
                              1, 1000, 1000, 1, 30, 1,
                              static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                       GST_PARAM_MUTABLE_PLAYING)));
  g_object_class_install_property(
      object_class, property_id(kSlateLocationFromEnd),
      g_param_spec_string(
          "slate-location", "Slate's location",
          "Image file (PNG, JPEG) that is shown in place of black, whole and in its "
          "own proportions; only where pictures are in system memory",
          nullptr, kInReady));
  g_object_class_install_property(
      object_class, property_id(kStatsFromEnd),
      g_param_spec_boxed("stats", "Statistics",
                         "What has been filled, dropped and cut, and since when there is no input",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Flywheel", "Filter/Audio/Video",
      "Carries a raw stream on with concealment, silence, its last picture or a slate while its "
      "source has stopped",
      "The gst-onair developers");
  element_class->change_state = gst_flywheel_change_state;
}

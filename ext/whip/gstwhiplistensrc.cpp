// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-whiplistensrc
 * @title: whiplistensrc
 * @short_description: WHIP endpoint that takes one WebRTC publisher at a time
 *
 * A WHIP endpoint (RFC 9725) by itself: it listens for HTTP, negotiates WebRTC with the publisher
 * that comes, and gives out its RTP: Opus on `audio_%u`, H.264 on `video_%u`. A pad appears with
 * the first packet of its stream, in the order in which the streams arrive. When the publisher
 * leaves, what was received still goes out, the pads go away (after EOS, with
 * #GstWhipListenSrc:send-eos), and the endpoint takes the next publisher. Inside works a stock
 * `webrtcbin`; its jitter buffers are made from #GstWhipListenSrc:jitterbuffer.
 *
 * A pad that nobody links, or whose consumer fails, does not disturb the other. A consumer that
 * blocks for more than 8 s loses the oldest packets.
 *
 * The publisher's first key frame is asked for until it comes. Later ones are the consumer's
 * business: `rtph264depay request-keyframe=true` after a loss, upstream GstForceKeyUnit events, or
 * #GstWhipListenSrc:keyframe-interval.
 *
 * With #GstWhipListenSrc:simulcast, a publisher that sends its picture in several layers (a browser, by
 * `sendEncodings` with rids) has each on a pad of its own: `video_0` is the layer that the offer names
 * first, whichever comes first. The field `rid` of a pad's caps is its layer's name. A layer that the
 * publisher pauses keeps its pad, without data, and goes on there. Each has its own retransmission and key
 * frames, though browsers answer a request for one layer with key frames on all. Without the property,
 * such a publisher sends one stream, normally the first of its layers.
 *
 * Each turn of a session is posted as an element message `whip-session` with the fields `state`
 * ("offered", "connected", "silent" or "resumed" (with #GstWhipListenSrc:silence-time), or "ended"),
 * `session-id`, `remote-address`, `user-agent`, `audio` and
 * `video` (booleans: what the publisher sends; not valid in "ended"), `layers` (with a
 * simulcast, "h;m;l": their rids in the order of their pads; in the same states), and for "ended"
 * `reason` ("deleted", "ice-failed", "dtls-failed", "idle-timeout", "replaced", "application",
 * "stopped" or "error") and `detail`, a sentence for a person.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -e whiplistensrc name=whip token=secret \
 *     whip.video_0 ! rtph264depay request-keyframe=true ! h264parse \
 *       ! video/x-h264,stream-format=byte-stream,alignment=au ! queue ! mpegtsmux name=mux \
 *       ! filesink location=broadcast.ts \
 *     whip.audio_0 ! rtpopusdepay ! opusdec plc=true use-inband-fec=true ! audioconvert \
 *       ! audioresample ! audiorate skip-to-first=true ! lamemp3enc target=bitrate bitrate=128 cbr=true \
 *       ! audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! mux.
 * ]| Publish to http://127.0.0.1:8889/whip with the token "secret"; the broadcast is recorded as
 * sent, with the sound as MP3. Ctrl-C ends the recording.
 *
 * |[
 * gst-launch-1.0 -e whiplistensrc name=whip token=secret simulcast=true \
 *     whip.video_0 ! rtph264depay request-keyframe=true ! h264parse ! queue ! matroskamux \
 *       ! filesink location=high.mkv \
 *     whip.video_1 ! rtph264depay request-keyframe=true ! h264parse ! queue ! matroskamux \
 *       ! filesink location=low.mkv \
 *     whip.audio_0 ! fakesink
 * ]| A browser that sends two layers is recorded in both.
 *
 * Since: 0.1
 */

#include "gstwhiplistensrc.h"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "endpoint.hpp"
#include "glue/guarded.hpp"
#include "glue/properties.hpp"
#include "rtcingest/listen_element.hpp"
#include "rtcingest/session_settings.hpp"

GST_DEBUG_CATEGORY(gst_whip_listen_src_debug);
#define GST_CAT_DEFAULT gst_whip_listen_src_debug

using onair::ControlThread;
using onair::Guarded;
using onair::ListenElement;
using onair::PublisherEvent;
using onair::whip::Endpoint;

namespace {

// What the properties set; the values here are their defaults.
struct Settings : onair::SessionSettings {
  std::string address = "127.0.0.1";
  guint port = 8889;
  std::string path = "/whip";
  std::string token;
  guint max_request_size = 64 * 1024;  // an offer with every codec is about 8 KiB
};

constexpr std::array<onair::Property<Settings>, 19> kProperties{{
    {"address", "Address", "IP address that HTTP listens on; 0.0.0.0 or :: for all",
     &Settings::address},
    {"port", "Port", "TCP port that HTTP listens on; 0 takes any free one", &Settings::port, 0,
     65535},
    {"path", "Path", "Path of the endpoint's URL; sessions lie below it", &Settings::path},
    {"token", "Token", "Bearer token that a publisher must send; unset lets everybody publish",
     &Settings::token},
    {"jitterbuffer", "Jitter buffer",
     "Factory of the element that orders each stream's packets, as rtpbin's request-jitterbuffer "
     "takes it",
     &Settings::jitterbuffer},
    {"latency", "Latency",
     "Longest wait of the jitter buffer for a missing packet, in milliseconds; more repairs more "
     "and "
     "can be later",
     &Settings::latency_ms, 0, 60'000},
    {"stun-server", "STUN server",
     "STUN server as stun://host:port, for us and (by a Link header) for the publisher",
     &Settings::stun_server},
    {"turn-server", "TURN server",
     "TURN server as turn(s)://user:password@host:port, for us and (by a Link header) for the "
     "publisher",
     &Settings::turn_server},
    {"min-rtp-port", "Lowest RTP port", "Lowest UDP port for media, to match a firewall",
     &Settings::min_rtp_port, 0, 65535},
    {"max-rtp-port", "Highest RTP port", "Highest UDP port for media, to match a firewall",
     &Settings::max_rtp_port, 0, 65535},
    {"idle-timeout", "Idle timeout",
     "Nanoseconds without any RTP or RTCP packet after which the publisher counts as gone; 0 waits "
     "for ever",
     &Settings::idle_timeout},
    {"connect-timeout", "Connect timeout",
     "Nanoseconds from the offer to the first packet after which the attempt has failed",
     &Settings::connect_timeout},
    {"takeover-time", "Takeover time",
     "Nanoseconds of a publisher's silence after which another may take its place, so that a "
     "reloaded page need not wait for idle-timeout",
     &Settings::takeover_time},
    {"silence-time", "Silence time",
     "Nanoseconds without any RTP or RTCP packet after which a message says that the publisher is "
     "silent; 0 says nothing",
     &Settings::silence_time},
    {"gathering-timeout", "Gathering timeout",
     "Nanoseconds that the answer waits for ICE candidates, in case a STUN server does not reply",
     &Settings::gathering_timeout},
    {"max-request-size", "Largest request",
     "Bytes of the largest request body that is read; larger ones get 413",
     &Settings::max_request_size, 1024, 4 * 1024 * 1024},
    {"keyframe-interval", "Key frame interval",
     "Nanoseconds between the key frames that the publisher is asked for, for consumers that pass "
     "its "
     "picture through; 0 asks for the first only",
     &Settings::keyframe_interval},
    {"send-eos", "Send EOS", "Send EOS down a pad before it goes away with its publisher",
     &Settings::send_eos},
    {"simulcast", "Simulcast",
     "Take all layers of a simulcast (up to 4), each on a pad of its own; otherwise a publisher "
     "that "
     "offers several sends one",
     &Settings::simulcast},
}};
// Behind the table: what is read-only.
constexpr guint kCurrentPortId = kProperties.size() + 1;
constexpr guint kStatsId = kProperties.size() + 2;

struct Private {
  Guarded<Settings> settings;
  ListenElement<Endpoint> listen;
};

}  // namespace

struct _GstWhipListenSrc {
  GstBin parent;
  Private* priv;
};

#define gst_whip_listen_src_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstWhipListenSrc, gst_whip_listen_src, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(
    whiplistensrc, "whiplistensrc", GST_RANK_NONE, GST_TYPE_WHIP_LISTEN_SRC,
    GST_DEBUG_CATEGORY_INIT(gst_whip_listen_src_debug, "whiplistensrc", 0, "WHIP endpoint source"))

static void gst_whip_listen_src_finalize(GObject* object) {
  delete GST_WHIP_LISTEN_SRC(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_whip_listen_src_set_property(GObject* object, guint id, const GValue* value,
                                             GParamSpec*) {
  const auto settings = GST_WHIP_LISTEN_SRC(object)->priv->settings.lock();
  onair::set_property(kProperties.at(id - 1), *settings, value);
}

static GstStructure* make_stats(GstWhipListenSrc* self) {
  const auto [publisher, counters] = self->priv->listen.stats();
  return onair::to_structure("application/x-whip-stats", publisher,
                             {{"requests", counters.requests},
                              {"refused-requests", counters.refused_requests},
                              {"ice-restarts", counters.ice_restarts}});
}

static void gst_whip_listen_src_get_property(GObject* object, guint id, GValue* value,
                                             GParamSpec*) {
  auto* self = GST_WHIP_LISTEN_SRC(object);
  if (id == kStatsId) {
    g_value_take_boxed(value, make_stats(self));
  } else if (id == kCurrentPortId) {
    const auto source = self->priv->listen.source();
    g_value_set_uint(value, source ? source->port() : 0);
  } else {
    onair::get_property(kProperties.at(id - 1), self->priv->settings.get(), value);
  }
}

static Endpoint::Config make_config(GstWhipListenSrc* self, const Settings& settings) {
  return {.address = settings.address,
          .port = settings.port,
          .path = settings.path.starts_with('/') ? settings.path : "/" + settings.path,
          .token = settings.token,
          .max_request_size = settings.max_request_size,
          .takes_simulcast = settings.simulcast,
          .place = onair::make_config(GST_BIN(self), settings)};
}

static std::string where(const Settings& settings) {
  return settings.address + ":" + std::to_string(settings.port);
}

static std::unique_ptr<Endpoint> make_endpoint(GstWhipListenSrc* self, ControlThread& control) {
  const auto settings = self->priv->settings.get();
  if (settings.token.empty())
    GST_WARNING_OBJECT(self, "no token is set: everybody who reaches %s can publish",
                       where(settings).c_str());
  return std::make_unique<Endpoint>(
      control, make_config(self, settings),
      [self](const PublisherEvent& event) { self->priv->listen.post("whip-session", event); });
}

static void gst_whip_listen_src_init(GstWhipListenSrc* self) {
  self->priv = new Private{
      .settings{},
      .listen{
          GST_BIN(self),
          {.name = "whiplistensrc",
           .category = GST_CAT_DEFAULT,
           .required_elements =
               [self] { return onair::required_elements(self->priv->settings.get()); },
           .where = [self] { return where(self->priv->settings.get()); },
           .make_source = [self](ControlThread& control) { return make_endpoint(self, control); },
           .on_listening =
               [self](const Endpoint& endpoint) {
                 GST_INFO_OBJECT(self, "listening on port %u", endpoint.port());
                 g_object_notify(G_OBJECT(self), "current-port");
               }}}};
}

static void install_properties(GObjectClass* klass) {
  onair::install_properties<Settings>(
      klass, kProperties, static_cast<GParamFlags>(G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY));
  const auto read_only = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(
      klass, kCurrentPortId,
      g_param_spec_uint("current-port", "Current port",
                        "TCP port that HTTP is listening on, 0 while it is not", 0, 65535, 0,
                        read_only));
  g_object_class_install_property(
      klass, kStatsId,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Structure application/x-whip-stats: state (idle, connecting, connected), session-id, "
          "sessions, requests, refused-requests, ice-restarts, and for each of audio and video "
          "(with "
          "simulcast: each of video_0, video_1, ..., with its rid) a structure with packets, "
          "bytes, lost, "
          "media-time (ns) and keyframe-requests",
          GST_TYPE_STRUCTURE, read_only));
}

static void gst_whip_listen_src_class_init(GstWhipListenSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->finalize = gst_whip_listen_src_finalize;
  object_class->set_property = gst_whip_listen_src_set_property;
  object_class->get_property = gst_whip_listen_src_get_property;
  install_properties(object_class);

  /**
   * GstWhipListenSrc::end-session:
   *
   * Ends the session of the publisher that is live, if one is, with the reason "application". The
   * endpoint goes on and takes the next. From any thread; returns at once.
   *
   * Since: 0.1
   */
  onair::install_listen_element<GstWhipListenSrc>(klass);
  gst_element_class_set_static_metadata(
      element_class, "WHIP endpoint", "Source/Network/WebRTC",
      "Listens for one WebRTC publisher at a time (WHIP, RFC 9725) and gives out its RTP",
      "the gst-onair developers");
}

// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-soralistensrc
 * @title: soralistensrc
 * @short_description: takes one WebRTC publisher at a time that speaks the signalling of the SFU Sora
 *
 * Stands where a client of the WebRTC SFU Sora expects its server: it listens for WebSockets, is the one
 * that offers, and gives out the RTP of the publisher that comes: Opus on `audio_%u`, H.264 on
 * `video_%u`. The client is one of Sora's own SDKs, as it is: its signalling URL is
 * `ws://ADDRESS:PORT/signaling`. What is behind the signalling is the same as in `whiplistensrc`, and so are
 * pads, EOS and key frames: a pad appears with the first packet of its stream; when the publisher leaves, what
 * was received still goes out, the pads go away (after EOS, with #GstSoraListenSrc:send-eos), and the next
 * publisher is taken.
 *
 * Publishers are taken as `sendonly` or `sendrecv`; nothing is sent to them, and `recvonly` is refused. Who asks
 * for a codec other than Opus and H.264 is refused; who leaves the codec open gets these. `bit_rate` of a medium
 * becomes the most that the publisher sends. There are no data channels and no spotlight.
 *
 * A publisher must name #GstSoraListenSrc:channel-id and know #GstSoraListenSrc:token, where these are set: the
 * token is the field `access_token` of its `metadata`. Who may come in beyond that, the application says by
 * the signal `authenticate`. A second publisher is refused, unless the first has been silent for
 * #GstSoraListenSrc:takeover-time. Clients learn why from the WebSocket's close code and reason: 4490 with
 * "NAME: detail" for what the client has to change (names: INVALID-JSON, INVALID-MESSAGE, INVALID-SDP,
 * UNSUPPORTED-ROLE, UNSUPPORTED-CODEC, UNSUPPORTED-SDP, CHANNEL-ID-NOT-FOUND, AUTH-FAILURE, CHANNEL-IN-USE,
 * NOT-READY, CONNECT-TIMEOUT, PONG-TIMEOUT, TOO-MANY-CONNECTIONS, INTERNAL-ERROR, and the reasons below in
 * capitals), 1000 with TYPE-DISCONNECT, DISCONNECTED-API (by the signal `end-session`), SHUTDOWN or
 * REDIRECT.
 *
 * `authenticate` is emitted on a thread of the element, which waits for it, with a structure that has the strings
 * `channel-id`, `client-id`, `role`, `metadata` (JSON), `remote-address` and `user-agent`, and the booleans `audio`,
 * `video`, `simulcast` and `redirected` (another server has sent it here). A handler gives back a structure of any
 * name with `allowed` (boolean), or `reason` with it (why not, for the client), or `location` (the URL of the server
 * to go to instead); or %NULL, which lets the publisher in.
 *
 * With #GstSoraListenSrc:simulcast, a publisher that asks for it sends its picture in Sora's three layers, each
 * on a pad of its own: r0 (a quarter of the width) on `video_0`, r1 (half) on `video_1`, r2 on `video_2`,
 * whichever comes first. The field `rid` of a pad's caps is its layer's name. Without the property, such a
 * publisher sends one stream.
 *
 * Each turn of a session is posted as an element message `sora-session` with the fields `state` ("offered",
 * "connected", "silent" or "resumed" (with #GstSoraListenSrc:silence-time), or "ended"), `session-id`, `channel-id`, `client-id` (empty when the client has none), `role`,
 * `remote-address`, `user-agent`, `audio` and `video` (booleans: what was asked for, and from
 * "connected" on what the publisher sends), `layers` (with a simulcast, "r0;r1;r2": their rids in the order of
 * their pads; from "connected" on), and for "ended" `reason` ("deleted", "signalling-lost", "ice-failed",
 * "dtls-failed", "idle-timeout", "replaced", "application", "stopped" or "error") and `detail`, a sentence for a
 * person.
 *
 * ## Example pipeline
 * |[
 * gst-launch-1.0 -e soralistensrc name=sora channel-id=live token=secret \
 *     sora.video_0 ! rtph264depay request-keyframe=true ! h264parse \
 *       ! video/x-h264,stream-format=byte-stream,alignment=au ! queue ! mpegtsmux name=mux \
 *       ! filesink location=broadcast.ts \
 *     sora.audio_0 ! rtpopusdepay ! opusdec plc=true use-inband-fec=true ! audioconvert \
 *       ! audioresample ! audiorate skip-to-first=true ! lamemp3enc target=bitrate bitrate=128 cbr=true \
 *       ! audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! mux.
 * ]| Publish to ws://127.0.0.1:5000/signaling, on the channel "live" with the metadata
 * {"access_token": "secret"}; the broadcast is recorded as sent, with the sound as MP3. Ctrl-C ends the
 * recording.
 *
 * Since: 0.1
 */

#include "gstsoralistensrc.h"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "config.h"
#include "glue/gsttime.hpp"
#include "glue/guarded.hpp"
#include "glue/properties.hpp"
#include "listener.hpp"
#include "rtcingest/listen_element.hpp"
#include "rtcingest/session_settings.hpp"

GST_DEBUG_CATEGORY(gst_sora_listen_src_debug);
#define GST_CAT_DEFAULT gst_sora_listen_src_debug

using onair::ControlThread;
using onair::Guarded;
using onair::ListenElement;
using onair::PublisherEvent;
using onair::sora::Listener;

namespace {

// What the properties set; the values here are their defaults.
struct Settings : onair::SessionSettings {
  std::string address = "127.0.0.1";
  guint port = 5000;
  std::string path = "/signaling";
  std::string channel_id;
  std::string token;
  guint64 ping_interval = 5 * GST_SECOND;
  guint64 pong_timeout = 60 * GST_SECOND;
  guint max_message_size = 64 * 1024;  // "connect" holds an offer of about 8 KiB
};

constexpr std::array<onair::Property<Settings>, 22> kProperties{{
    {"address", "Address", "IP address that WebSockets are listened for on; 0.0.0.0 or :: for all",
     &Settings::address},
    {"port", "Port", "TCP port that WebSockets are listened for on; 0 takes any free one",
     &Settings::port, 0, 65535},
    {"path", "Path", "Path of the WebSocket's URL", &Settings::path},
    {"channel-id", "Channel ID", "Channel that a publisher must name; unset takes any",
     &Settings::channel_id},
    {"token", "Token",
     "What a publisher must send as access_token in its metadata; unset lets everybody publish",
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
    {"stun-server", "STUN server", "STUN server as stun://host:port, for us and for the publisher",
     &Settings::stun_server},
    {"turn-server", "TURN server",
     "TURN server as turn(s)://user:password@host:port, for us and for the publisher",
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
     "Nanoseconds from the WebSocket to connect, and again from there to the first packet, after "
     "which the attempt has failed",
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
     "Nanoseconds that the offer waits for ICE candidates, in case a STUN server does not reply",
     &Settings::gathering_timeout},
    {"ping-interval", "Ping interval", "Nanoseconds between the pings that a publisher gets",
     &Settings::ping_interval, GST_SECOND / 10},
    {"pong-timeout", "Pong timeout",
     "Nanoseconds without a pong after which the publisher counts as gone; 0 waits for ever",
     &Settings::pong_timeout},
    {"max-message-size", "Largest message",
     "Bytes of the largest message that is read; a larger one closes the WebSocket (1009)",
     &Settings::max_message_size, 1024, 4 * 1024 * 1024},
    {"keyframe-interval", "Key frame interval",
     "Nanoseconds between the key frames that the publisher is asked for, for consumers that pass "
     "its "
     "picture through; 0 asks for the first only",
     &Settings::keyframe_interval},
    {"send-eos", "Send EOS", "Send EOS down a pad before it goes away with its publisher",
     &Settings::send_eos},
    {"simulcast", "Simulcast",
     "Take all three layers of a publisher that asks for simulcast, each on a pad of its own; "
     "otherwise "
     "it sends one",
     &Settings::simulcast},
}};
// Behind the table: what is read-only.
constexpr guint kCurrentPortId = kProperties.size() + 1;
constexpr guint kStatsId = kProperties.size() + 2;

guint authenticate_signal = 0;

struct Private {
  Guarded<Settings> settings;
  ListenElement<Listener> listen;
};

}  // namespace

struct _GstSoraListenSrc {
  GstBin parent;
  Private* priv;
};

#define gst_sora_listen_src_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstSoraListenSrc, gst_sora_listen_src, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(soralistensrc, "soralistensrc", GST_RANK_NONE,
                                      GST_TYPE_SORA_LISTEN_SRC,
                                      GST_DEBUG_CATEGORY_INIT(gst_sora_listen_src_debug,
                                                              "soralistensrc", 0,
                                                              "Sora signalling source"))

static void gst_sora_listen_src_finalize(GObject* object) {
  delete GST_SORA_LISTEN_SRC(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_sora_listen_src_set_property(GObject* object, guint id, const GValue* value,
                                             GParamSpec*) {
  const auto settings = GST_SORA_LISTEN_SRC(object)->priv->settings.lock();
  onair::set_property(kProperties.at(id - 1), *settings, value);
}

static GstStructure* make_stats(GstSoraListenSrc* self) {
  const auto [publisher, counters] = self->priv->listen.stats();
  return onair::to_structure("application/x-sora-stats", publisher,
                             {{"connections", counters.connections},
                              {"refused-connections", counters.refused_connections}});
}

static void gst_sora_listen_src_get_property(GObject* object, guint id, GValue* value,
                                             GParamSpec*) {
  auto* self = GST_SORA_LISTEN_SRC(object);
  if (id == kStatsId) {
    g_value_take_boxed(value, make_stats(self));
  } else if (id == kCurrentPortId) {
    const auto source = self->priv->listen.source();
    g_value_set_uint(value, source ? source->port() : 0);
  } else {
    onair::get_property(kProperties.at(id - 1), self->priv->settings.get(), value);
  }
}

// What the application says to a publisher that the properties let in; control thread.
static Listener::Verdict authenticate(GstSoraListenSrc* self, const Listener::Guest& guest) {
  const auto& request = guest.request;
  const onair::StructurePtr question{gst_structure_new(
      "sora-connect", "channel-id", G_TYPE_STRING, request.channel_id.c_str(), "client-id",
      G_TYPE_STRING, request.client_id.c_str(), "role", G_TYPE_STRING,
      onair::sora::to_string(request.role), "metadata", G_TYPE_STRING, request.metadata.c_str(),
      "audio", G_TYPE_BOOLEAN, request.audio, "video", G_TYPE_BOOLEAN, request.video, "simulcast",
      G_TYPE_BOOLEAN, request.simulcast, "redirected", G_TYPE_BOOLEAN, request.is_redirected,
      "remote-address", G_TYPE_STRING, guest.remote_address.c_str(), "user-agent", G_TYPE_STRING,
      guest.user_agent.c_str(), nullptr)};
  GstStructure* raw = nullptr;
  g_signal_emit(self, authenticate_signal, 0, question.get(), &raw);
  const onair::StructurePtr answer{raw};
  if (!answer)
    return {};
  gboolean is_allowed = TRUE;
  gst_structure_get_boolean(answer.get(), "allowed", &is_allowed);
  const auto text = [&](const char* name) -> std::string {
    const char* value = gst_structure_get_string(answer.get(), name);
    return value ? value : "";
  };
  return {.is_allowed = is_allowed == TRUE, .reason = text("reason"), .location = text("location")};
}

static Listener::Config make_config(GstSoraListenSrc* self, const Settings& settings) {
  const auto duration = [](GstClockTime time) {
    return onair::to_duration(time).value_or(onair::Duration::zero());
  };
  return {.address = settings.address,
          .port = settings.port,
          .path = settings.path.starts_with('/') ? settings.path : "/" + settings.path,
          .channel_id = settings.channel_id,
          .token = settings.token,
          .version = "gst-onair " PACKAGE_VERSION,
          .max_message_size = settings.max_message_size,
          .takes_simulcast = settings.simulcast,
          .signalling = {.connect_timeout = duration(settings.connect_timeout),
                         .ping_interval = duration(settings.ping_interval),
                         .pong_timeout = duration(settings.pong_timeout)},
          .place = onair::make_config(GST_BIN(self), settings),
          .ask = [self](const Listener::Guest& guest) { return authenticate(self, guest); }};
}

static void post_event(GstSoraListenSrc* self, const PublisherEvent& event,
                       const onair::sora::ConnectRequest& request) {
  // Without the metadata, which holds secrets.
  self->priv->listen.post("sora-session", event,
                          {{"channel-id", request.channel_id},
                           {"client-id", request.client_id},
                           {"role", onair::sora::to_string(request.role)}});
}

static std::string where(const Settings& settings) {
  return settings.address + ":" + std::to_string(settings.port);
}

static std::unique_ptr<Listener> make_listener(GstSoraListenSrc* self, ControlThread& control) {
  const auto settings = self->priv->settings.get();
  if (settings.token.empty())
    GST_WARNING_OBJECT(self, "no token is set: everybody who reaches %s can publish",
                       where(settings).c_str());
  return std::make_unique<Listener>(
      control, make_config(self, settings),
      [self](const auto& event, const auto& request) { post_event(self, event, request); });
}

static void gst_sora_listen_src_init(GstSoraListenSrc* self) {
  self->priv = new Private{
      .settings{},
      .listen{
          GST_BIN(self),
          {.name = "soralistensrc",
           .category = GST_CAT_DEFAULT,
           .required_elements =
               [self] { return onair::required_elements(self->priv->settings.get()); },
           .where = [self] { return where(self->priv->settings.get()); },
           .make_source = [self](ControlThread& control) { return make_listener(self, control); },
           .on_listening =
               [self](const Listener& listener) {
                 GST_INFO_OBJECT(self, "listening on port %u", listener.port());
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
                        "TCP port that is listened on, 0 while it is not", 0, 65535, 0, read_only));
  g_object_class_install_property(
      klass, kStatsId,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Structure application/x-sora-stats: state (idle, connecting, connected), session-id, "
          "sessions, connections, refused-connections, and for each of audio and video "
          "(with "
          "simulcast: each of video_0, video_1, ..., with its rid) a structure with packets, "
          "bytes, lost, "
          "media-time (ns) and keyframe-requests",
          GST_TYPE_STRUCTURE, read_only));
}

static void gst_sora_listen_src_class_init(GstSoraListenSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->finalize = gst_sora_listen_src_finalize;
  object_class->set_property = gst_sora_listen_src_set_property;
  object_class->get_property = gst_sora_listen_src_get_property;
  install_properties(object_class);

  /**
   * GstSoraListenSrc::authenticate:
   * @connect: structure "sora-connect": who asks to publish
   *
   * Asks whether a publisher may come in that names the right channel and token. Without a handler it may.
   *
   * Returns: a structure with "allowed", "reason" or "location", or %NULL
   *
   * Since: 0.1
   */
  authenticate_signal =
      g_signal_new("authenticate", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_LAST, 0,
                   g_signal_accumulator_first_wins, nullptr, nullptr, GST_TYPE_STRUCTURE, 1,
                   static_cast<GType>(GST_TYPE_STRUCTURE | G_SIGNAL_TYPE_STATIC_SCOPE));

  /**
   * GstSoraListenSrc::end-session:
   *
   * Ends the session of the publisher that is live, if one is, with the reason "application". The
   * listener goes on and takes the next. From any thread; returns at once.
   *
   * Since: 0.1
   */
  onair::install_listen_element<GstSoraListenSrc>(klass);
  gst_element_class_set_static_metadata(element_class, "Sora listener", "Source/Network/WebRTC",
                                        "Listens for one WebRTC publisher at a time (signalling of "
                                        "the SFU Sora) and gives out its RTP",
                                        "the gst-onair developers");
}

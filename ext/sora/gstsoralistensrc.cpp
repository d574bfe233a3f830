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
#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"
#include "glue/guarded.hpp"
#include "glue/properties.hpp"
#include "listener.hpp"

GST_DEBUG_CATEGORY(gst_sora_listen_src_debug);
#define GST_CAT_DEFAULT gst_sora_listen_src_debug

using onair::ControlThread;
using onair::GstPtr;
using onair::Guarded;
using onair::sora::Listener;

namespace {

// What the properties set; the values here are their defaults.
struct Settings {
  std::string address = "127.0.0.1";
  guint port = 5000;
  std::string path = "/signaling";
  std::string channel_id;
  std::string token;
  std::string jitterbuffer = "rtpadaptivejitterbuffer";
  guint latency_ms = 600;
  std::string stun_server;
  std::string turn_server;
  guint min_rtp_port = 0;
  guint max_rtp_port = 65535;
  guint64 idle_timeout = 10 * GST_SECOND;
  guint64 connect_timeout = 15 * GST_SECOND;
  guint64 takeover_time = 2 * GST_SECOND;
  guint64 silence_time = 0;
  guint64 gathering_timeout = 2 * GST_SECOND;
  guint64 ping_interval = 5 * GST_SECOND;
  guint64 pong_timeout = 60 * GST_SECOND;
  guint max_message_size = 64 * 1024;  // "connect" holds an offer of about 8 KiB
  guint64 keyframe_interval = 0;
  bool send_eos = false;
  bool simulcast = false;
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

// What runs between READY and PAUSED. Members die in the reverse order: the thread first.
struct Running {
  std::unique_ptr<Listener> listener;
  std::unique_ptr<ControlThread> control;
};

guint authenticate_signal = 0;

struct Private {
  Guarded<Settings> settings;
  Guarded<std::shared_ptr<Running>> running;
};

}  // namespace

struct _GstSoraListenSrc {
  GstBin parent;
  Private* priv;
};

static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE(
    "audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS("application/x-rtp, media = (string) audio, encoding-name = (string) OPUS, "
                    "clock-rate = (int) 48000"));
static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE(
    "video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS("application/x-rtp, media = (string) video, encoding-name = (string) H264, "
                    "clock-rate = (int) 90000"));

#define gst_sora_listen_src_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstSoraListenSrc, gst_sora_listen_src, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(soralistensrc, "soralistensrc", GST_RANK_NONE,
                                      GST_TYPE_SORA_LISTEN_SRC,
                                      GST_DEBUG_CATEGORY_INIT(gst_sora_listen_src_debug,
                                                              "soralistensrc", 0,
                                                              "Sora signalling source"))

static void gst_sora_listen_src_init(GstSoraListenSrc* self) {
  self->priv = new Private;
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
  gst_bin_set_suppressed_flags(GST_BIN(self), GST_ELEMENT_FLAG_SOURCE);
}

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
  const auto running = self->priv->running.get();
  const auto stats = running ? running->listener->stats() : Listener::Stats{};
  const char* state = stats.session_id.empty() ? "idle"
                      : stats.is_connected     ? "connected"
                                               : "connecting";
  GstStructure* structure =
      gst_structure_new("application/x-sora-stats", "state", G_TYPE_STRING, state, "session-id",
                        G_TYPE_STRING, stats.session_id.c_str(), "sessions", G_TYPE_UINT64,
                        stats.sessions, "connections", G_TYPE_UINT64, stats.connections,
                        "refused-connections", G_TYPE_UINT64, stats.refused_connections, nullptr);
  for (const auto& stream : stats.streams) {
    const auto one = onair::StructurePtr{gst_structure_new(
        "stream", "packets", G_TYPE_UINT64, stream.received.packets, "bytes", G_TYPE_UINT64,
        stream.received.bytes, "lost", G_TYPE_INT64, stream.received.lost, "media-time",
        G_TYPE_UINT64, onair::to_gst(stream.received.media_time), "keyframe-requests", G_TYPE_UINT,
        stream.keyframe_requests, nullptr)};
    if (stream.jitterbuffer)
      gst_structure_set(one.get(), "jitterbuffer", GST_TYPE_STRUCTURE, stream.jitterbuffer.get(),
                        nullptr);
    if (!stream.rid.empty())
      gst_structure_set(one.get(), "rid", G_TYPE_STRING, stream.rid.c_str(), nullptr);
    const char* name = stream.rid.empty() ? onair::to_string(stream.kind) : stream.pad_name.c_str();
    gst_structure_set(structure, name, GST_TYPE_STRUCTURE, one.get(), nullptr);
  }
  return structure;
}

static void gst_sora_listen_src_get_property(GObject* object, guint id, GValue* value,
                                             GParamSpec*) {
  auto* self = GST_SORA_LISTEN_SRC(object);
  if (id == kStatsId) {
    g_value_take_boxed(value, make_stats(self));
  } else if (id == kCurrentPortId) {
    const auto running = self->priv->running.get();
    g_value_set_uint(value, running ? running->listener->port() : 0);
  } else {
    onair::get_property(kProperties.at(id - 1), self->priv->settings.get(), value);
  }
}

static void post_event(GstSoraListenSrc* self, const Listener::Event& event) {
  static constexpr std::array kStates{"offered", "connected", "silent", "resumed", "ended"};
  const char* state = kStates[static_cast<std::size_t>(event.kind)];
  // Without the metadata, which holds secrets.
  GstStructure* structure = gst_structure_new(
      "sora-session", "state", G_TYPE_STRING, state, "session-id", G_TYPE_STRING,
      event.session_id.c_str(), "channel-id", G_TYPE_STRING, event.request.channel_id.c_str(),
      "client-id", G_TYPE_STRING, event.request.client_id.c_str(), "role", G_TYPE_STRING,
      onair::sora::to_string(event.request.role), "remote-address", G_TYPE_STRING,
      event.remote_address.c_str(), "user-agent", G_TYPE_STRING, event.user_agent.c_str(), "audio",
      G_TYPE_BOOLEAN, event.has_audio, "video", G_TYPE_BOOLEAN, event.has_video, nullptr);
  if (!event.layers.empty())
    gst_structure_set(structure, "layers", G_TYPE_STRING, event.layers.c_str(), nullptr);
  if (event.kind == Listener::Event::Kind::Ended)
    gst_structure_set(structure, "reason", G_TYPE_STRING, onair::to_string(event.reason), "detail",
                      G_TYPE_STRING, event.detail.c_str(), nullptr);
  GST_INFO_OBJECT(self, "publisher %s (%s) %s %s", event.session_id.c_str(),
                  event.remote_address.c_str(), state, event.detail.c_str());
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), structure));
}

// Pipeline clock where there is one, so that tests can crank it; any thread.
static onair::ClockTime clock_now(GstSoraListenSrc* self) {
  auto clock = GstPtr<GstClock>::adopt(gst_element_get_clock(GST_ELEMENT(self)));
  if (!clock)
    clock = GstPtr<GstClock>::adopt(gst_system_clock_obtain());
  return *onair::to_clock_time(gst_clock_get_time(clock.get()));
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

static Listener::Config make_config(GstSoraListenSrc* self) {
  const auto settings = self->priv->settings.get();
  auto* element_class = GST_ELEMENT_GET_CLASS(self);
  const bool has_range = settings.min_rtp_port != 0 || settings.max_rtp_port != 65535;
  const auto duration = [](GstClockTime time) {
    return onair::to_duration(time).value_or(onair::Duration::zero());
  };
  return {
      .address = settings.address,
      .port = settings.port,
      .path = settings.path.starts_with('/') ? settings.path : "/" + settings.path,
      .channel_id = settings.channel_id,
      .token = settings.token,
      .version = "gst-onair " PACKAGE_VERSION,
      .max_message_size = settings.max_message_size,
      .send_eos = settings.send_eos,
      .takes_simulcast = settings.simulcast,
      .takeover_time = duration(settings.takeover_time),
      .signalling = {.connect_timeout = duration(settings.connect_timeout),
                     .ping_interval = duration(settings.ping_interval),
                     .pong_timeout = duration(settings.pong_timeout)},
      .session = {.bin = GST_BIN(self),
                  .audio_template = gst_element_class_get_pad_template(element_class, "audio_%u"),
                  .video_template = gst_element_class_get_pad_template(element_class, "video_%u"),
                  .jitterbuffer = settings.jitterbuffer,
                  .latency_ms = settings.latency_ms,
                  .stun_server = settings.stun_server,
                  .turn_server = settings.turn_server,
                  .min_port = has_range ? settings.min_rtp_port : 0,
                  .max_port = has_range ? settings.max_rtp_port : 0,
                  .keyframe_interval = duration(settings.keyframe_interval),
                  .gathering_timeout = duration(settings.gathering_timeout),
                  .liveness = {.connect_timeout = duration(settings.connect_timeout),
                               .idle_timeout = duration(settings.idle_timeout),
                               .silence_time = duration(settings.silence_time)},
                  .now = [self] { return clock_now(self); }},
      .ask = [self](const Listener::Guest& guest) { return authenticate(self, guest); }};
}

// Everything that a session will need, asked for before the first publisher comes.
static bool check_elements(GstSoraListenSrc* self) {
  struct Need {
    std::string factory;
    const char* package;
  };
  const std::array<Need, 7> needs{
      {{"webrtcbin", "gstreamer1.0-plugins-bad"},
       {"dtlssrtpdec", "gstreamer1.0-plugins-bad"},
       {"srtpdec", "gstreamer1.0-plugins-bad"},
       {"errorignore", "gstreamer1.0-plugins-bad"},
       {"nicesrc", "gstreamer1.0-nice"},
       {"rtpbin", "gstreamer1.0-plugins-good"},
       {self->priv->settings.get().jitterbuffer, "the plugin that has it"}}};
  for (const auto& need : needs) {
    if (GstPtr<GstElementFactory>::adopt(gst_element_factory_find(need.factory.c_str())))
      continue;
    GST_ELEMENT_ERROR(self, CORE, MISSING_PLUGIN,
                      ("The element '%s' is not installed; on Debian, install %s.",
                       need.factory.c_str(), need.package),
                      (nullptr));
    return false;
  }
  return true;
}

static bool start(GstSoraListenSrc* self) {
  auto config = make_config(self);
  const auto where = config.address + ":" + std::to_string(config.port);
  if (config.token.empty())
    GST_WARNING_OBJECT(self, "no token is set: everybody who reaches %s can publish",
                       where.c_str());
  auto running = std::make_shared<Running>();
  running->control = std::make_unique<ControlThread>("soralistensrc");
  running->listener =
      std::make_unique<Listener>(*running->control, std::move(config),
                                 [self](const Listener::Event& event) { post_event(self, event); });
  std::string error;
  running->control->run([&] {
    error = running->listener->listen();
    if (!error.empty())
      running->listener->stop();
  });
  if (!error.empty()) {
    running->control.reset();
    GST_ELEMENT_ERROR(
        self, RESOURCE, OPEN_READ,
        ("Cannot listen on %s: %s. Choose another address or port.", where.c_str(), error.c_str()),
        (nullptr));
    return false;
  }
  GST_INFO_OBJECT(self, "listening on port %u", running->listener->port());
  self->priv->running.set(running);
  g_object_notify(G_OBJECT(self), "current-port");
  return true;
}

static void stop(GstSoraListenSrc* self) {
  const auto running = self->priv->running.get();
  if (!running)
    return;
  running->control->run([&] { running->listener->stop(); });
  self->priv->running.set(nullptr);
  running->control->stop();  // others may still hold it, and what they post is dropped
}

static GstStateChangeReturn gst_sora_listen_src_change_state(GstElement* element,
                                                             GstStateChange transition) {
  auto* self = GST_SORA_LISTEN_SRC(element);
  const auto set_ready = [self](bool is_ready) {
    if (const auto running = self->priv->running.get())
      running->listener->set_ready(is_ready);
  };
  switch (transition) {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!check_elements(self))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (!start(self))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      set_ready(false);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      stop(self);
      break;
    default:
      break;
  }
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (result == GST_STATE_CHANGE_FAILURE) {
    stop(self);
    return result;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    set_ready(true);
  // A live source has nothing to preroll with.
  const bool is_paused = transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
                         transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED;
  return is_paused ? GST_STATE_CHANGE_NO_PREROLL : result;
}

// An error inside must not end the pipeline: one of webrtcbin ends its session, and one of an outlet's
// queue says again, and less clearly, what Outlet::take_failure() tells.
static void gst_sora_listen_src_handle_message(GstBin* bin, GstMessage* message) {
  auto* self = GST_SORA_LISTEN_SRC(bin);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR &&
      GST_MESSAGE_SRC(message) != GST_OBJECT(self)) {
    const auto owned = GstPtr<GstMessage>::adopt(message);
    GST_WARNING_OBJECT(self, "error inside: %" GST_PTR_FORMAT, message);
    if (const auto running = self->priv->running.get())
      running->listener->on_bus_error(message);
    return;
  }
  GST_BIN_CLASS(parent_class)->handle_message(bin, message);
}

// What `gst-launch-1.0 -e` sends at Ctrl-C. The pads carry it on, behind the last packets.
static gboolean gst_sora_listen_src_send_event(GstElement* element, GstEvent* event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS(parent_class)->send_event(element, event);
  gst_event_unref(event);
  const auto running = GST_SORA_LISTEN_SRC(element)->priv->running.get();
  if (!running)
    return FALSE;
  running->control->post([running] { running->listener->send_eos(); });
  return TRUE;
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

static void end_session(GstSoraListenSrc* self) {
  if (const auto running = self->priv->running.get())
    running->control->post([running] {
      running->listener->end_session(onair::EndReason::Application,
                                     "The application ended the session.");
    });
}

static void gst_sora_listen_src_class_init(GstSoraListenSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->finalize = gst_sora_listen_src_finalize;
  object_class->set_property = gst_sora_listen_src_set_property;
  object_class->get_property = gst_sora_listen_src_get_property;
  element_class->change_state = gst_sora_listen_src_change_state;
  element_class->send_event = gst_sora_listen_src_send_event;
  GST_BIN_CLASS(klass)->handle_message = gst_sora_listen_src_handle_message;
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
  g_signal_new_class_handler("end-session", G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(end_session), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
  gst_element_class_add_static_pad_template(element_class, &audio_template);
  gst_element_class_add_static_pad_template(element_class, &video_template);
  gst_element_class_set_static_metadata(element_class, "Sora listener", "Source/Network/WebRTC",
                                        "Listens for one WebRTC publisher at a time (signalling of "
                                        "the SFU Sora) and gives out its RTP",
                                        "the gst-onair developers");
}

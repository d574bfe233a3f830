// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/session.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

// webrtcbin's library calls itself unstable; what we use of it is the same from 1.22 to 1.28.
#define GST_USE_UNSTABLE_API
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>
#include <nice/agent.h>
#include <nice/interfaces.h>

#include "glue/gsttime.hpp"
#include "glue/signals.hpp"
#include "rtcingest/certificate.hpp"

GST_DEBUG_CATEGORY_STATIC(gst_rtc_ingest_debug);
#define GST_CAT_DEFAULT gst_rtc_ingest_debug

namespace onair {

namespace {

struct SessionDescriptionFree {
  void operator()(GstWebRTCSessionDescription* description) const {
    gst_webrtc_session_description_free(description);
  }
};
using SessionDescriptionPtr = std::unique_ptr<GstWebRTCSessionDescription, SessionDescriptionFree>;

template <typename T>
T get_property(gpointer object, const char* name) {
  T value{};
  g_object_get(object, name, &value, nullptr);
  return value;
}

// The sentence of a promise's error, if it holds one.
std::optional<std::string> error_of(GstPromise* promise) {
  const GstStructure* reply = gst_promise_get_reply(promise);
  if (!reply || !gst_structure_has_field_typed(reply, "error", G_TYPE_ERROR))
    return std::nullopt;
  GError* raw = nullptr;
  gst_structure_get(reply, "error", G_TYPE_ERROR, &raw, nullptr);
  const ErrorPtr error{raw};
  return error ? error->message : "unknown error";
}

SessionDescriptionPtr to_gst(GstWebRTCSDPType type, const std::string& text) {
  GstSDPMessage* message = nullptr;
  if (gst_sdp_message_new_from_text(text.c_str(), &message) != GST_SDP_OK)
    return nullptr;
  return SessionDescriptionPtr{gst_webrtc_session_description_new(type, message)};
}

std::variant<sdp::Description, sdp::SyntaxError> from_gst(
    const GstWebRTCSessionDescription& description) {
  const GMemory<char> text{gst_sdp_message_as_text(description.sdp)};
  return sdp::parse(text.get());
}

SessionDescriptionPtr complete(const Plan& plan, const GstWebRTCSessionDescription& made) {
  auto parsed = from_gst(made);
  if (!std::holds_alternative<sdp::Description>(parsed))
    return nullptr;
  const auto answer = complete_answer(plan, std::get<sdp::Description>(std::move(parsed)));
  return to_gst(GST_WEBRTC_SDP_TYPE_ANSWER, sdp::to_text(answer));
}

// Candidates go to the transport, and all m-lines share the first one's.
constexpr guint kTransportLine = 0;
constexpr guint kNiceStream = 1;     // webrtcbin's agent counts streams from 1
constexpr guint kNiceComponent = 1;  // rtcp-mux: there is no second

GstPtr<NiceAgent> nice_agent_of(GstElement* webrtc) {
  const auto ice = GstPtr<GObject>::adopt(get_property<GObject*>(webrtc, "ice-agent"));
  return GstPtr<NiceAgent>::adopt(get_property<NiceAgent*>(ice.get(), "agent"));
}

// libnice leaves loopback out. On a machine with nothing else it would never offer anything.
void allow_loopback_where_nothing_else_is(GstElement* webrtc) {
  GList* addresses = nice_interfaces_get_local_ips(FALSE);
  const bool is_alone = addresses == nullptr;
  g_list_free_full(addresses, g_free);
  if (!is_alone)
    return;
  const auto ice = GstPtr<GObject>::adopt(get_property<GObject*>(webrtc, "ice-agent"));
  gboolean is_added = FALSE;
  g_signal_emit_by_name(ice.get(), "add-local-ip-address", "127.0.0.1", &is_added);
}

LayerRouter make_router(const AcceptedMedia& media) {
  LayerRouter::Config config{.payload_type = media.payload_type,
                             .rtx_payload_type = media.rtx_payload_type,
                             .rids = {},
                             .rid_extension = media.simulcast->rid_extension,
                             .repaired_rid_extension = media.simulcast->repaired_rid_extension};
  for (const auto& layer : media.simulcast->layers)
    config.rids.push_back(layer.rid);
  return LayerRouter{std::move(config)};
}

std::string pad_name(MediaKind kind, guint number) {
  return std::string{to_string(kind)} + "_" + std::to_string(number);
}

GstPtr<GstElement> find_element(GstBin* bin, const char* factory) {
  GstIterator* all = gst_bin_iterate_all_by_element_factory_name(bin, factory);
  GValue found = G_VALUE_INIT;
  GstPtr<GstElement> element;
  if (gst_iterator_next(all, &found) == GST_ITERATOR_OK)
    element = GstPtr<GstElement>::share(GST_ELEMENT(g_value_get_object(&found)));
  g_value_unset(&found);
  gst_iterator_free(all);
  return element;
}

}  // namespace

std::shared_ptr<Session> Session::create(ControlThread& control, Config config,
                                         Callbacks callbacks) {
  static const bool is_category_made = [] {
    GST_DEBUG_CATEGORY_INIT(gst_rtc_ingest_debug, "rtcingest", 0, "WebRTC ingest session");
    return true;
  }();
  (void)is_category_made;
  std::shared_ptr<Session> session{new Session{control, std::move(config), std::move(callbacks)}};
  return session->build() ? session : nullptr;
}

Session::Session(ControlThread& control, Config config, Callbacks callbacks)
    : control_{control},
      config_{std::move(config)},
      callbacks_{std::move(callbacks)},
      liveness_{config_.liveness, config_.now()},
      started_{config_.now()} {}

Session::~Session() = default;

bool Session::build() {
  webrtc_ = GstPtr<GstElement>::sink(gst_element_factory_make("webrtcbin", nullptr));
  if (!webrtc_)
    return false;
  GstElement* webrtc = webrtc_.get();
  g_object_set(webrtc, "latency", config_.latency_ms, nullptr);
  gst_util_set_object_arg(G_OBJECT(webrtc), "bundle-policy", "max-bundle");
  // libnice would ask the router to open ports (UPnP), which nobody wants of a server, and would hold
  // each answer back by the 200 ms that it waits for that router.
  if (const auto agent = nice_agent_of(webrtc))
    g_object_set(agent.get(), "upnp", FALSE, nullptr);
  if (!config_.stun_server.empty())
    g_object_set(webrtc, "stun-server", config_.stun_server.c_str(), nullptr);
  if (!config_.turn_server.empty())
    g_object_set(webrtc, "turn-server", config_.turn_server.c_str(), nullptr);
  if (config_.max_port != 0) {
    const auto ice = GstPtr<GObject>::adopt(get_property<GObject*>(webrtc, "ice-agent"));
    g_object_set(ice.get(), "min-rtp-port", config_.min_port, "max-rtp-port", config_.max_port,
                 nullptr);
  }
  allow_loopback_where_nothing_else_is(webrtc);

  const auto self = shared_from_this();
  // Asked while the answer is made; without it no retransmission is negotiated.
  const auto on_transceiver = +[](GstElement*, GstWebRTCRTPTransceiver* transceiver, gpointer) {
    g_object_set(transceiver, "do-nack", TRUE, nullptr);
  };
  g_signal_connect(webrtc, "on-new-transceiver", G_CALLBACK(on_transceiver), nullptr);

  const auto on_state = +[](GstElement*, GParamSpec*, gpointer data) {
    if (const auto session = strong_from<Session>(data))
      session->post([](Session& me) { me.on_states_changed(); });
  };
  for (const auto* signal :
       {"notify::ice-gathering-state", "notify::ice-connection-state", "notify::connection-state"})
    connect_weak(webrtc, signal, G_CALLBACK(on_state), self);

  const auto on_pad = +[](GstElement*, GstPad* pad, gpointer data) {
    const auto session = strong_from<Session>(data);
    if (session && GST_PAD_IS_SRC(pad))
      session->on_pad(pad);
  };
  connect_weak(webrtc, "pad-added", G_CALLBACK(on_pad), self);

  const auto rtpbin = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(webrtc), "rtpbin"));
  if (!rtpbin)
    return false;
  // Stock steps the earlier stream by 50 to 60 ms at the first sender reports, which tears the
  // sound. 1 ns as the largest offset that it may apply switches that off in every version (mode
  // "never" of rtcp-sync exists from 1.26 only).
  g_object_set(rtpbin.get(), "max-ts-offset", gint64{1}, "add-reference-timestamp-meta", TRUE,
               nullptr);

  const auto on_jitterbuffer = +[](GstElement*, guint, gpointer data) -> GstElement* {
    const auto session = strong_from<Session>(data);
    return session ? session->make_jitterbuffer() : nullptr;
  };
  connect_weak(rtpbin.get(), "request-jitterbuffer", G_CALLBACK(on_jitterbuffer), self);
  const auto on_new_jitterbuffer =
      +[](GstElement*, GstElement* jitterbuffer, guint, guint ssrc, gpointer data) {
        if (const auto session = strong_from<Session>(data))
          session->on_jitterbuffer(jitterbuffer, ssrc);
      };
  connect_weak(rtpbin.get(), "new-jitterbuffer", G_CALLBACK(on_new_jitterbuffer), self);

  // Every packet that arrives, RTP or RTCP, is a sign of life.
  const auto on_rtpbin_pad = +[](GstElement*, GstPad* pad, gpointer data) {
    const auto session = strong_from<Session>(data);
    if (!session || !GST_PAD_IS_SINK(pad))
      return;
    const auto arrived = [](GstPad*, GstPadProbeInfo*, gpointer weak) -> GstPadProbeReturn {
      if (const auto receiver = strong_from<Session>(weak))
        receiver->note_packet();
      return GST_PAD_PROBE_OK;
    };
    constexpr auto kData =
        static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST);
    add_probe_weak(pad, kData, arrived, session);
    const GMemory<char> name{gst_pad_get_name(pad)};
    const bool may_be_simulcast =
        session->offering_ ? !session->offering_->rids.empty() : session->simulcast() != nullptr;
    if (may_be_simulcast && g_str_has_prefix(name.get(), "recv_rtp_sink_"))
      add_probe_weak(pad, kData, &Session::on_media, session);
  };
  connect_weak(rtpbin.get(), "pad-added", G_CALLBACK(on_rtpbin_pad), self);

  gst_bin_add(config_.bin, webrtc);
  return gst_element_sync_state_with_parent(webrtc) == TRUE;
}

void Session::post(std::function<void(Session&)> work) {
  control_.post([weak = weak_from_this(), work = std::move(work)] {
    if (const auto self = weak.lock())
      work(*self);
  });
}

void Session::end(EndReason reason, std::string detail) {
  if (std::exchange(is_ended_, true))
    return;
  GST_INFO_OBJECT(config_.bin, "session ends: %s: %s", to_string(reason), detail.c_str());
  callbacks_.on_ended(reason, std::move(detail));
}

void Session::answer(Plan plan) {
  plan_ = std::move(plan);
  set_remote();
}

void Session::offer(Offering offering) {
  offering_ = std::move(offering);
  const auto add = [this](MediaKind kind) {
    const auto caps =
        GstPtr<GstCaps>::adopt(gst_caps_from_string(transceiver_caps(*offering_, kind).c_str()));
    GstWebRTCRTPTransceiver* raw = nullptr;
    g_signal_emit_by_name(webrtc_.get(), "add-transceiver",
                          GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, caps.get(), &raw);
    const auto transceiver = GstPtr<GstWebRTCRTPTransceiver>::adopt(raw);
    // Browsers offer retransmission of the picture alone, and so do we.
    if (transceiver)
      g_object_set(raw, "do-nack", kind == MediaKind::Video ? TRUE : FALSE, nullptr);
  };
  if (offering_->audio)
    add(MediaKind::Audio);
  if (offering_->video)
    add(MediaKind::Video);
  const auto promise =
      GstPtr<GstPromise>::adopt(promise_weak<Session, &Session::on_offer_made>(shared_from_this()));
  g_signal_emit_by_name(webrtc_.get(), "create-offer", nullptr, promise.get());
}

std::optional<Refusal> Session::accept(const sdp::Description& answer) {
  auto plan = plan_answer(offered_, answer, {.simulcast = !offering_->rids.empty()});
  if (auto* refusal = std::get_if<Refusal>(&plan))
    return std::move(*refusal);
  plan_ = std::get<Plan>(std::move(plan));
  set_remote();
  return std::nullopt;
}

void Session::set_remote() {
  for (const auto& media : plan_.media) {
    if (media.simulcast)
      router_.set(make_router(media));
  }
  const auto text = sdp::to_text(plan_.offer_for_us);
  GST_DEBUG_OBJECT(config_.bin, "the publisher's description as reduced:\n%s", text.c_str());
  const auto description =
      to_gst(offering_ ? GST_WEBRTC_SDP_TYPE_ANSWER : GST_WEBRTC_SDP_TYPE_OFFER, text);
  if (!description)
    return end(EndReason::Error, "The publisher's description could not be read.");
  const auto promise =
      GstPtr<GstPromise>::adopt(promise_weak<Session, &Session::on_remote_set>(shared_from_this()));
  g_signal_emit_by_name(webrtc_.get(), "set-remote-description", description.get(), promise.get());
}

void Session::on_remote_set(const std::shared_ptr<Session>& self, GstPromise* promise) {
  if (auto error = error_of(promise)) {
    self->post([error = *std::move(error)](Session& me) {
      me.end(EndReason::Error, "The publisher's description was not accepted: " + error);
    });
    return;
  }
  self->tell_bandwidth();
  if (self->offering_)
    return;  // it was the answer
  const auto next =
      GstPtr<GstPromise>::adopt(promise_weak<Session, &Session::on_answer_made>(self));
  g_signal_emit_by_name(self->webrtc_.get(), "create-answer", nullptr, next.get());
}

// One early feedback may be sent in an RTCP interval (RFC 4585 section 3.5.2), and that follows from
// the session's bandwidth. Nobody tells rtpbin, so it takes 64 kbit/s: requests for retransmission
// wait for half a second, and most come too late (41 of 166 losses repaired at 5 % loss, against 214
// of 214 with this).
void Session::tell_bandwidth() const {
  constexpr gdouble kBandwidth = 10e6;  // bit/s
  const auto rtpbin =
      GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(webrtc_.get()), "rtpbin"));
  GObject* raw = nullptr;
  g_signal_emit_by_name(rtpbin.get(), "get-internal-session", 0, &raw);
  if (const auto rtp_session = GstPtr<GObject>::adopt(raw))
    g_object_set(rtp_session.get(), "bandwidth", kBandwidth, nullptr);
}

// webrtcbin's thread, while the control thread waits for the answer: the plan does not change.
void Session::on_answer_made(const std::shared_ptr<Session>& self, GstPromise* promise) {
  GstWebRTCSessionDescription* raw = nullptr;
  if (const GstStructure* reply = gst_promise_get_reply(promise))
    gst_structure_get(reply, "answer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &raw, nullptr);
  const SessionDescriptionPtr made{raw};
  const auto answer = made ? complete(self->plan_, *made) : nullptr;
  if (!answer) {
    self->post([error = error_of(promise).value_or("it could not be read")](Session& me) {
      me.end(EndReason::Error, "No answer could be made: " + error);
    });
    return;
  }
  const auto next = GstPtr<GstPromise>::adopt(promise_weak<Session, &Session::on_local_set>(self));
  g_signal_emit_by_name(self->webrtc_.get(), "set-local-description", answer.get(), next.get());
}

// webrtcbin's thread, while the control thread waits for the offer.
void Session::on_offer_made(const std::shared_ptr<Session>& self, GstPromise* promise) {
  GstWebRTCSessionDescription* raw = nullptr;
  if (const GstStructure* reply = gst_promise_get_reply(promise))
    gst_structure_get(reply, "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &raw, nullptr);
  const SessionDescriptionPtr made{raw};
  auto parsed =
      made ? from_gst(*made)
           : std::variant<sdp::Description, sdp::SyntaxError>{sdp::SyntaxError{0, "there is none"}};
  if (auto* offer = std::get_if<sdp::Description>(&parsed)) {
    const auto text = sdp::to_text(complete_offer(std::move(*offer)));
    if (const auto complete = to_gst(GST_WEBRTC_SDP_TYPE_OFFER, text)) {
      const auto next =
          GstPtr<GstPromise>::adopt(promise_weak<Session, &Session::on_local_set>(self));
      g_signal_emit_by_name(self->webrtc_.get(), "set-local-description", complete.get(),
                            next.get());
      return;
    }
  }
  self->post([error = error_of(promise).value_or("it could not be read")](Session& me) {
    me.end(EndReason::Error, "No offer could be made: " + error);
  });
}

void Session::on_local_set(const std::shared_ptr<Session>& self, GstPromise* promise) {
  self->post([error = error_of(promise)](Session& me) {
    if (error)
      return me.end(EndReason::Error, "Our description was not accepted: " + *error);
    me.is_described_ = true;
    me.on_states_changed();
  });
}

// A WHIP answer is the last word on candidates (RFC 9725 section 4.3.2: a server can't trickle), and clients
// of Sora take none but the offer's; so it waits for the gathering, but not for a STUN server that does not
// answer.
void Session::publish_description() {
  if (std::exchange(is_published_, true))
    return;
  const SessionDescriptionPtr local{
      get_property<GstWebRTCSessionDescription*>(webrtc_.get(), "local-description")};
  if (!local)
    return end(EndReason::Error, "webrtcbin has no description of its own.");
  auto parsed = from_gst(*local);
  if (const auto* error = std::get_if<sdp::SyntaxError>(&parsed))
    return end(EndReason::Error, "webrtcbin's description is broken: " + error->what);
  auto& ours = std::get<sdp::Description>(parsed);
  const bool is_gathered =
      get_property<GstWebRTCICEGatheringState>(webrtc_.get(), "ice-gathering-state") ==
      GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE;
  if (offering_) {
    offered_ = finish_offer(*offering_, std::move(ours), is_gathered);
    return callbacks_.on_described(offered_);
  }
  const auto answer = finish_answer(plan_, std::move(ours), is_gathered);
  const bool is_refused = std::all_of(answer.media.begin(), answer.media.end(),
                                      [](const auto& media) { return media.port == 0; });
  if (is_refused)
    return end(EndReason::Error, "webrtcbin refused every m-line of the offer.");
  callbacks_.on_described(answer);
}

void Session::on_states_changed() {
  if (is_ended_)
    return;
  if (is_described_ && !is_published_ &&
      get_property<GstWebRTCICEGatheringState>(webrtc_.get(), "ice-gathering-state") ==
          GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE)
    publish_description();
  const auto ice = get_property<GstWebRTCICEConnectionState>(webrtc_.get(), "ice-connection-state");
  if (ice == GST_WEBRTC_ICE_CONNECTION_STATE_CONNECTED ||
      ice == GST_WEBRTC_ICE_CONNECTION_STATE_COMPLETED)
    liveness_.on_ice_connected();
  const auto peer = get_property<GstWebRTCPeerConnectionState>(webrtc_.get(), "connection-state");
  GST_DEBUG_OBJECT(config_.bin, "ICE state %d, connection state %d", ice, peer);
  if (is_connected_)
    return;  // what happens to the path from now on, the packets tell; ICE may be restarted
  if (peer == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED) {
    if (!verify_certificate())
      return end(EndReason::DtlsFailed,
                 "The publisher's DTLS certificate is not the one that its description announced.");
    is_connected_ = true;
    callbacks_.on_connected();
  } else if (peer == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED &&
             ice != GST_WEBRTC_ICE_CONNECTION_STATE_FAILED) {
    end(EndReason::DtlsFailed, "The DTLS handshake with the publisher failed.");
  }
}

// RFC 8827 section 6.5 makes the comparison a MUST; webrtcbin (seen in 1.22 … 1.28) leaves it out.
bool Session::verify_certificate() {
  GstWebRTCRTPTransceiver* raw = nullptr;
  g_signal_emit_by_name(webrtc_.get(), "get-transceiver", 0, &raw);
  const auto transceiver = GstPtr<GstWebRTCRTPTransceiver>::adopt(raw);
  if (!transceiver)
    return false;
  const auto receiver = GstPtr<GObject>::adopt(get_property<GObject*>(raw, "receiver"));
  const auto transport =
      GstPtr<GObject>::adopt(get_property<GObject*>(receiver.get(), "transport"));
  const GMemory<char> pem{get_property<char*>(transport.get(), "remote-certificate")};
  return pem &&
         std::any_of(plan_.fingerprints.begin(), plan_.fingerprints.end(),
                     [&](const Fingerprint& fingerprint) {
                       return digest_of_pem(pem.get(), fingerprint.hash) == fingerprint.digest;
                     });
}

void Session::add_candidates(const SdpFragment& fragment) {
  for (const auto& candidate : fragment.candidates) {
    if (has_ip_address(candidate))
      g_signal_emit_by_name(webrtc_.get(), "add-ice-candidate", kTransportLine, candidate.c_str());
  }
}

std::optional<SdpFragment> Session::restart_ice(const SdpFragment& fragment) {
  const auto agent = nice_agent_of(webrtc_.get());
  if (!agent || !nice_agent_restart_stream(agent.get(), kNiceStream))
    return std::nullopt;
  gchar* ufrag = nullptr;
  gchar* pwd = nullptr;
  if (!nice_agent_get_local_credentials(agent.get(), kNiceStream, &ufrag, &pwd))
    return std::nullopt;
  const GMemory<char> owned_ufrag{ufrag};
  const GMemory<char> owned_pwd{pwd};
  if (!nice_agent_set_remote_credentials(agent.get(), kNiceStream,
                                         fragment.credentials.ufrag.c_str(),
                                         fragment.credentials.pwd.c_str()))
    return std::nullopt;
  plan_.remote = fragment.credentials;
  add_candidates(fragment);

  SdpFragment ours{.credentials = {ufrag, pwd}, .candidates = {}, .end_of_candidates = true};
  GSList* candidates = nice_agent_get_local_candidates(agent.get(), kNiceStream, kNiceComponent);
  for (GSList* item = candidates; item; item = item->next) {
    const GMemory<char> line{nice_agent_generate_local_candidate_sdp(
        agent.get(), static_cast<NiceCandidate*>(item->data))};
    std::string_view text = line.get();
    if (text.starts_with("a="))
      text.remove_prefix(2);
    ours.candidates.emplace_back(text);
  }
  g_slist_free_full(candidates, [](gpointer candidate) {
    nice_candidate_free(static_cast<NiceCandidate*>(candidate));
  });
  return ours;
}

void Session::tick() {
  if (is_ended_)
    return;
  for (const auto& stream : streams_.get()) {
    if (const auto flow = stream->outlet()->take_failure())
      GST_ELEMENT_ERROR(config_.bin, STREAM, FAILED,
                        ("What takes the publisher's %s has failed: %s.", to_string(stream->kind()),
                         gst_flow_get_name(*flow)),
                        (nullptr));
  }
  const auto now = config_.now();
  if (is_described_ && !is_published_ && now - started_ > config_.gathering_timeout)
    publish_description();
  const auto reason = liveness_.check(now, last_packet());
  if (!reason) {
    if (const auto turn = liveness_.turn(now, last_packet()))
      callbacks_.on_turn(*turn);
    return;
  }
  switch (*reason) {
    case EndReason::IdleTimeout:
      return end(*reason, "Nothing came from the publisher for too long.");
    case EndReason::DtlsFailed:
      return end(*reason, "A network path was found, but no media came over it.");
    default:
      return end(*reason,
                 "No network path to the publisher was found; a firewall may block UDP, or a STUN "
                 "or TURN server is needed.");
  }
}

std::optional<ClockTime> Session::last_packet() const {
  const auto last = last_packet_.load();
  return last < 0 ? std::nullopt : std::optional{ClockTime{Duration{last}}};
}

std::optional<Duration> Session::silence() const {
  const auto last = last_packet();
  return last ? std::optional{config_.now() - *last} : std::nullopt;
}

std::vector<std::shared_ptr<Outlet>> Session::close(bool send_eos) {
  is_ended_ = true;
  GstElement* webrtc = webrtc_.get();
  gst_element_set_locked_state(webrtc, TRUE);
  gst_element_set_state(webrtc, GST_STATE_NULL);
  gst_bin_remove(config_.bin, webrtc);
  std::vector<std::shared_ptr<Outlet>> outlets;
  for (const auto& stream : streams_.get()) {
    stream->outlet()->close(send_eos);
    outlets.push_back(stream->outlet());
  }
  return outlets;
}

bool Session::on_bus_error(GstMessage* message) {
  GstObject* source = GST_MESSAGE_SRC(message);
  if (!source || !gst_object_has_as_ancestor(source, GST_OBJECT(webrtc_.get())))
    return false;
  GError* raw = nullptr;
  gst_message_parse_error(message, &raw, nullptr);
  const ErrorPtr error{raw};
  const GMemory<char> name{gst_object_get_name(source)};
  post([text = std::string{name.get()} + ": " + error->message](Session& me) {
    const auto ice =
        get_property<GstWebRTCICEConnectionState>(me.webrtc_.get(), "ice-connection-state");
    const bool is_handshake =
        !me.is_connected_ && (ice == GST_WEBRTC_ICE_CONNECTION_STATE_CONNECTED ||
                              ice == GST_WEBRTC_ICE_CONNECTION_STATE_COMPLETED);
    me.end(is_handshake ? EndReason::DtlsFailed : EndReason::Error, text);
  });
  return true;
}

std::vector<ReceivedStream::Stats> Session::stats() {
  std::vector<ReceivedStream::Stats> all;
  for (const auto& stream : streams_.get())
    all.push_back(stream->stats());
  return all;
}

// One whose latency adapts gets the bound; a stock one gets it from rtpbin as the latency.
GstElement* Session::make_jitterbuffer() const {
  GstElement* element = gst_element_factory_make(config_.jitterbuffer.c_str(), nullptr);
  if (element && g_object_class_find_property(G_OBJECT_GET_CLASS(element), "max-latency"))
    g_object_set(element, "max-latency", config_.latency_ms, nullptr);
  return element;
}

void Session::note_packet() {
  last_packet_ = config_.now().time_since_epoch().count();
}

// webrtcbin asks for retransmission only where the offer names the SSRC, and one with rids names none.
void Session::on_jitterbuffer(GstElement* jitterbuffer, guint ssrc) {
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(jitterbuffer), "do-retransmission"))
    g_object_set(jitterbuffer, "do-retransmission", TRUE, nullptr);
  jitterbuffers_.lock()->insert_or_assign(ssrc, GstPtr<GstElement>::share(jitterbuffer));
}

const Simulcast* Session::simulcast() const {
  for (const auto& media : plan_.media) {
    if (media.simulcast)
      return &*media.simulcast;
  }
  return nullptr;
}

// In front of rtpbin, which has no idea of rids: media that belongs to no layer does not reach it.
GstPadProbeReturn Session::on_media(GstPad*, GstPadProbeInfo* info, gpointer data) {
  const auto self = strong_from<Session>(data);
  if (!self)
    return GST_PAD_PROBE_OK;
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) == 0)
    return self->is_wanted(gst_pad_probe_info_get_buffer(info)) ? GST_PAD_PROBE_OK
                                                                : GST_PAD_PROBE_DROP;
  const auto keep_wanted = [](GstBuffer** buffer, guint, gpointer session) -> gboolean {
    if (!static_cast<Session*>(session)->is_wanted(*buffer))
      gst_clear_buffer(buffer);
    return TRUE;
  };
  auto* list = gst_buffer_list_make_writable(gst_pad_probe_info_get_buffer_list(info));
  gst_buffer_list_foreach(list, keep_wanted, self.get());
  GST_PAD_PROBE_INFO_DATA(info) = list;
  return gst_buffer_list_length(list) > 0 ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

bool Session::is_wanted(GstBuffer* packet) {
  GstMapInfo map;
  if (!gst_buffer_map(packet, &map, GST_MAP_READ))
    return false;
  const auto header = read_rtp_header({map.data, map.size});
  auto route = LayerRouter::Route::Pass;  // what is no RTP, rtpbin counts
  std::vector<LayerRouter::Pair> pairs;
  if (header) {
    const auto router = router_.lock();
    route = router->on_packet(*header);
    if (route == LayerRouter::Route::Paired)
      pairs = router->pairs();
  }
  gst_buffer_unmap(packet, &map);
  if (!pairs.empty())
    tell_pairs(pairs);
  if (route == LayerRouter::Route::Drop)
    GST_LOG_OBJECT(config_.bin, "SSRC %u names no layer of the simulcast; dropped", header->ssrc);
  return route != LayerRouter::Route::Drop;
}

// rtprtxreceive finds out by itself from the sequence numbers that it has asked for, but then refuses to ask
// for a number in two layers at once, and drops what comes before its first request.
void Session::tell_pairs(const std::vector<LayerRouter::Pair>& pairs) const {
  const auto receiver = find_element(GST_BIN(webrtc_.get()), "rtprtxreceive");
  if (!receiver)
    return;
  const StructurePtr map{gst_structure_new_empty("application/x-rtp-ssrc-map")};
  for (const auto& pair : pairs) {
    // It looks requests up by the one and packets by the other, in the same table.
    gst_structure_set(map.get(), std::to_string(pair.media).c_str(), G_TYPE_UINT, pair.repair,
                      std::to_string(pair.repair).c_str(), G_TYPE_UINT, pair.media, nullptr);
  }
  g_object_set(receiver.get(), "ssrc-map", map.get(), nullptr);
  GST_DEBUG_OBJECT(config_.bin, "media and retransmission: %" GST_PTR_FORMAT, map.get());
}

// The number of the first of so many free pads: a former publisher's may still be draining.
guint Session::first_pad(MediaKind kind, guint count) const {
  const auto is_free = [&](guint number) {
    const auto name = pad_name(kind, number);
    return !GstPtr<GstPad>::adopt(
        gst_element_get_static_pad(GST_ELEMENT(config_.bin), name.c_str()));
  };
  guint first = 0;
  for (guint free = 0; free < count;) {
    if (is_free(first + free)) {
      ++free;
    } else {
      first += free + 1;
      free = 0;
    }
  }
  return first;
}

std::shared_ptr<Outlet> Session::let_out(GstPad* pad, MediaKind kind) {
  return Outlet::create(
      {.bin = config_.bin,
       .pad_name = pad_name(kind, first_pad(kind, 1)),
       .pad_template = kind == MediaKind::Audio ? config_.audio_template : config_.video_template,
       .rid = {}},
      pad);
}

std::shared_ptr<Outlet> Session::let_layer_out(GstPad* pad, std::size_t layer) {
  const auto& layers = simulcast()->layers;
  guint number = 0;
  {
    const auto first = first_layer_pad_.lock();
    if (!*first)
      *first = first_pad(MediaKind::Video, static_cast<guint>(layers.size()));
    number = **first + static_cast<guint>(layer);
  }
  const auto outlet = layer_outlets_.at(layer).lock();
  if (*outlet)
    (*outlet)->join(pad);
  else
    *outlet = Outlet::create({.bin = config_.bin,
                              .pad_name = pad_name(MediaKind::Video, number),
                              .pad_template = config_.video_template,
                              .rid = layers.at(layer).rid},
                             pad);
  return *outlet;
}

void Session::on_pad(GstPad* pad) {
  const auto caps = GstPtr<GstCaps>::adopt(gst_pad_get_current_caps(pad));
  const char* media =
      caps ? gst_structure_get_string(gst_caps_get_structure(caps.get(), 0), "media") : nullptr;
  const bool is_audio = g_strcmp0(media, "audio") == 0;
  if (!is_audio && g_strcmp0(media, "video") != 0) {
    GST_WARNING_OBJECT(config_.bin, "a pad of unknown media appeared: %" GST_PTR_FORMAT,
                       caps.get());
    return;
  }
  const auto kind = is_audio ? MediaKind::Audio : MediaKind::Video;
  guint ssrc = 0;
  gst_structure_get_uint(gst_caps_get_structure(caps.get(), 0), "ssrc", &ssrc);
  GstPtr<GstElement> jitterbuffer;
  if (const auto known = jitterbuffers_.lock(); known->count(ssrc) > 0)
    jitterbuffer = known->at(ssrc);
  const auto layer = is_audio ? std::nullopt : router_.lock()->layer_of(ssrc);
  const auto outlet = layer ? let_layer_out(pad, *layer) : let_out(pad, kind);
  if (!outlet) {
    post([](Session& me) {
      me.end(EndReason::Error, "The elements errorignore, funnel and queue are not installed.");
    });
    return;
  }
  const auto stream = ReceivedStream::create({.kind = kind,
                                              .outlet = outlet,
                                              .keyframe_interval = config_.keyframe_interval,
                                              .jitterbuffer = std::move(jitterbuffer),
                                              .now = config_.now},
                                             pad);
  // A layer's new SSRC takes the place of the old one.
  const auto streams = streams_.lock();
  std::erase_if(*streams, [&](const auto& other) { return other->outlet() == outlet; });
  streams->push_back(stream);
}

}  // namespace onair

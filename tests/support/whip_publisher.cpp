// SPDX-License-Identifier: LGPL-2.1-or-later
#include "whip_publisher.hpp"

#include <algorithm>
#include <array>
#include <utility>

#define GST_USE_UNSTABLE_API
#include <gst/rtp/rtp.h>
#include <gst/sdp/sdp.h>
#include <gst/video/video.h>
#include <gst/webrtc/webrtc.h>
#include <gtest/gtest.h>
#include <nice/agent.h>

#include "pad_sink.hpp"
#include "sdp_offers.hpp"
#include "webrtc_action.hpp"

namespace onair::test {
namespace {

constexpr const char* kVideo =
    " videotestsrc is-live=true pattern=ball"
    " ! video/x-raw,format=I420,width=160,height=120,framerate=30/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=1000000 bitrate=200"
    " ! video/x-h264,profile=constrained-baseline"
    " ! rtph264pay name=video config-interval=-1 aggregate-mode=zero-latency mtu=1200"
    " ! application/x-rtp,media=video,encoding-name=H264,payload=102,"
    "rtcp-fb-transport-cc=(boolean)true,extmap-3=(string)"
    "\"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\" ! webrtc.";
constexpr const char* kAudio =
    " audiotestsrc is-live=true samplesperbuffer=960"
    " ! audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay name=audio"
    " ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! webrtc.";

constexpr unsigned kVideoPayloadType = 102;  // as in kVideo
constexpr guint8 kRidExtension = 10;
constexpr guint kNiceStream = 1;  // webrtcbin's agent counts from 1
constexpr guint kNiceComponent = 1;
constexpr auto kBuffers =
    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST);

using DescriptionPtr =
    std::unique_ptr<GstWebRTCSessionDescription, decltype(&gst_webrtc_session_description_free)>;

template <typename T>
T get_property(gpointer object, const char* name) {
  T value{};
  g_object_get(object, name, &value, nullptr);
  return value;
}

GstPtr<NiceAgent> nice_agent_of(GstElement* webrtc) {
  const auto ice = GstPtr<GObject>::adopt(get_property<GObject*>(webrtc, "ice-agent"));
  return GstPtr<NiceAgent>::adopt(get_property<NiceAgent*>(ice.get(), "agent"));
}

// The lines that begin with `start`, each with its end.
std::string lines_with(std::string_view text, std::string_view start) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    if (text.substr(0, end).starts_with(start))
      out += text.substr(0, end);
    text.remove_prefix(end);
  }
  return out;
}

std::string without(const std::string& text, std::string_view start) {
  return lines_with(text, start).empty() ? text : without_lines(text, start);
}

// Since GStreamer 1.28 webrtcbin takes H.264 of exactly the level that its encoder makes.
std::string without_levels(std::string sdp) {
  constexpr std::string_view kLevel = ";profile-level-id=";
  for (std::size_t at = 0; (at = sdp.find(kLevel, at)) != std::string::npos;)
    sdp.erase(at, std::min(sdp.find_first_of(";\r\n", at + 1), sdp.size()) - at);
  return sdp;
}

}  // namespace

WhipPublisher::WhipPublisher(Config config) : config_{std::move(config)} {
  const std::string line = std::string{"webrtcbin name=webrtc bundle-policy=max-bundle"} +
                           (config_.has_audio ? kAudio : "") + (config_.has_video ? kVideo : "");
  GError* raw = nullptr;
  pipeline_ = GstPtr<GstElement>::sink(gst_parse_launch(line.c_str(), &raw));
  const ErrorPtr error{raw};
  EXPECT_FALSE(error) << error->message;
  webrtc_ = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "webrtc"));
  for (const auto* name : {"notify::ice-gathering-state", "notify::connection-state"})
    g_signal_connect(webrtc_.get(), name, G_CALLBACK(on_state), this);

  GArray* transceivers = nullptr;
  g_signal_emit_by_name(webrtc_.get(), "get-transceivers", &transceivers);
  for (guint i = 0; i < transceivers->len; ++i)
    g_object_set(g_array_index(transceivers, GstWebRTCRTPTransceiver*, i), "direction",
                 GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, "do-nack", TRUE, nullptr);
  g_array_unref(transceivers);

  for (const auto* name : {"audio", "video"}) {
    const auto payloader =
        GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
    if (!payloader)
      continue;
    const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(payloader.get(), "src"));
    gst_pad_add_probe(pad.get(), kBuffers, on_encoded, this, nullptr);
    if (!config_.layers.empty() && g_str_equal(name, "video"))
      gst_pad_add_probe(pad.get(), kBuffers, on_video, this, nullptr);
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_upstream_event, this,
                      nullptr);
  }
  const auto agent = nice_agent_of(webrtc_.get());
  g_object_set(agent.get(), "upnp", FALSE, nullptr);  // tests stay on this machine
  const auto on_component = +[](NiceAgent*, guint, guint, guint state, gpointer data) {
    if (state != NICE_COMPONENT_STATE_READY)
      return;
    auto* self = static_cast<WhipPublisher*>(data);
    {
      const std::lock_guard lock{self->mutex_};
      ++self->ready_components_;
    }
    self->changed_.notify_all();
  };
  g_signal_connect(agent.get(), "component-state-changed", G_CALLBACK(on_component), this);
}

WhipPublisher::~WhipPublisher() {
  vanish();
}

GstPadProbeReturn WhipPublisher::on_encoded(GstPad* pad, GstPadProbeInfo*, gpointer data) {
  auto* self = static_cast<WhipPublisher*>(data);
  if (self->is_gate_open_)
    return GST_PAD_PROBE_OK;
  constexpr const char* kCountedKey = "onair-test-counted";
  if (!g_object_get_data(G_OBJECT(pad), kCountedKey)) {
    g_object_set_data(G_OBJECT(pad), kCountedKey, GINT_TO_POINTER(1));
    {
      const std::lock_guard lock{self->mutex_};
      ++self->encoding_pads_;
    }
    self->changed_.notify_all();
  }
  return GST_PAD_PROBE_DROP;
}

// Instead of the payloader's packet, one of each layer.
GstPadProbeReturn WhipPublisher::on_video(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<WhipPublisher*>(data);
  if (self->is_sending_layers_)
    return GST_PAD_PROBE_OK;
  self->is_sending_layers_ = true;
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    self->send_layers(pad, gst_pad_probe_info_get_buffer(info));
  } else {
    auto* list = gst_pad_probe_info_get_buffer_list(info);
    for (guint i = 0; i < gst_buffer_list_length(list); ++i)
      self->send_layers(pad, gst_buffer_list_get(list, i));
  }
  self->is_sending_layers_ = false;
  return GST_PAD_PROBE_DROP;
}

void WhipPublisher::send_layers(GstPad* pad, GstBuffer* packet) {
  guint offset = ssrc_offset_;
  for (const auto& rid : config_.layers) {
    GstBuffer* copy = gst_buffer_copy_deep(packet);
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    gst_rtp_buffer_map(copy, GST_MAP_READWRITE, &rtp);
    gst_rtp_buffer_set_ssrc(&rtp, gst_rtp_buffer_get_ssrc(&rtp) + offset++);
    gst_rtp_buffer_add_extension_onebyte_header(&rtp, kRidExtension, rid.data(),
                                                static_cast<guint>(rid.size()));
    gst_rtp_buffer_unmap(&rtp);
    gst_pad_push(pad, copy);
  }
}

GstPadProbeReturn WhipPublisher::on_upstream_event(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<WhipPublisher*>(data);
  if (gst_video_event_is_force_key_unit(gst_pad_probe_info_get_event(info))) {
    {
      const std::lock_guard lock{self->mutex_};
      ++self->keyframe_requests_;
    }
    self->changed_.notify_all();
  }
  return GST_PAD_PROBE_OK;
}

bool WhipPublisher::wait_for_keyframe_requests(unsigned count) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] { return keyframe_requests_ >= count; });
}

void WhipPublisher::on_state(GstElement* webrtc, GParamSpec*, gpointer data) {
  auto* self = static_cast<WhipPublisher*>(data);
  const bool is_gathered =
      get_property<GstWebRTCICEGatheringState>(webrtc, "ice-gathering-state") ==
      GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE;
  const auto connection = get_property<GstWebRTCPeerConnectionState>(webrtc, "connection-state");
  const bool is_connected = connection == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED;
  if (is_connected)
    self->is_gate_open_ = true;
  {
    const std::lock_guard lock{self->mutex_};
    self->is_gathered_ = self->is_gathered_ || is_gathered;
    self->is_connected_ = self->is_connected_ || is_connected;
    self->is_failed_ = self->is_failed_ || connection == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED;
  }
  self->changed_.notify_all();
}

// webrtcbin's RTP session appears with the local description.
void WhipPublisher::watch_feedback() {
  const auto rtpbin =
      GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(webrtc_.get()), "rtpbin"));
  GObject* raw = nullptr;
  g_signal_emit_by_name(rtpbin.get(), "get-session", 0, &raw);
  const auto session = GstPtr<GObject>::adopt(raw);
  const auto on_feedback = +[](GObject*, GParamSpec*, gpointer data) {
    auto* self = static_cast<WhipPublisher*>(data);
    {
      const std::lock_guard lock{self->mutex_};
      self->has_feedback_ = true;
    }
    self->changed_.notify_all();
  };
  if (session)
    g_signal_connect(session.get(), "notify::twcc-stats", G_CALLBACK(on_feedback), this);
}

bool WhipPublisher::wait_for_congestion_feedback() {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] { return has_feedback_; });
}

bool WhipPublisher::wait_until_encoding() {
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  const unsigned streams = (config_.has_audio ? 1 : 0) + (config_.has_video ? 1 : 0);
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] { return encoding_pads_ == streams; });
}

// Sets what has been made as the local description, and waits for the candidates.
bool WhipPublisher::describe(const GstStructure* reply, const char* field) {
  GstWebRTCSessionDescription* raw = nullptr;
  gst_structure_get(reply, field, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &raw, nullptr);
  if (!raw)
    return false;
  const DescriptionPtr description{raw, gst_webrtc_session_description_free};
  call(webrtc_.get(), "set-local-description", description.get());
  {
    std::unique_lock lock{mutex_};
    if (!changed_.wait_for(lock, kPatience, [&] { return is_gathered_; }))
      return false;
  }
  watch_leaving_packets();
  watch_feedback();
  return true;
}

bool WhipPublisher::make_offer() {
  if (!wait_until_encoding())
    return false;
  const auto promise = call(webrtc_.get(), "create-offer", static_cast<GstStructure*>(nullptr));
  if (!describe(gst_promise_get_reply(promise.get()), "offer"))
    return false;
  offer_ = local_description();
  if (config_.is_trickling) {
    held_back_ = lines_with(offer_, "a=candidate:");
    offer_ = without(without(offer_, "a=candidate:"), "a=end-of-candidates");
  }
  if (config_.edit_offer)
    offer_ = config_.edit_offer(offer_);
  return true;
}

std::string WhipPublisher::answer_to(const std::string& offer) {
  const auto any_level = without_levels(offer);
  GstSDPMessage* message = nullptr;
  if (!wait_until_encoding() ||
      gst_sdp_message_new_from_text(any_level.c_str(), &message) != GST_SDP_OK)
    return {};
  const DescriptionPtr theirs{
      gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_OFFER, message),
      gst_webrtc_session_description_free};
  call(webrtc_.get(), "set-remote-description", theirs.get());
  const auto promise = call(webrtc_.get(), "create-answer", static_cast<GstStructure*>(nullptr));
  return describe(gst_promise_get_reply(promise.get()), "answer") ? local_description()
                                                                  : std::string{};
}

std::string WhipPublisher::local_description() const {
  const DescriptionPtr description{
      get_property<GstWebRTCSessionDescription*>(webrtc_.get(), "local-description"),
      gst_webrtc_session_description_free};
  return GMemory<char>{gst_sdp_message_as_text(description->sdp)}.get();
}

HttpHeaders WhipPublisher::authorized(HttpHeaders headers) const {
  headers.emplace_back("Authorization", "Bearer " + config_.token);
  return headers;
}

const HttpResponse& WhipPublisher::publish() {
  if (!make_offer()) {
    ADD_FAILURE() << "the publisher could not make an offer";
    return response_;
  }
  response_ =
      http_request("POST", config_.url, authorized({{"Content-Type", "application/sdp"}}), offer_);
  etag_ = response_.header("etag");
  if (response_.status != 201)
    return response_;
  GstSDPMessage* message = nullptr;
  if (gst_sdp_message_new_from_text(response_.body.c_str(), &message) != GST_SDP_OK) {
    ADD_FAILURE() << "the answer is not SDP:\n" << response_.body;
    return response_;
  }
  const DescriptionPtr answer{
      gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, message),
      gst_webrtc_session_description_free};
  call(webrtc_.get(), "set-remote-description", answer.get());
  return response_;
}

std::string WhipPublisher::session_url() const {
  const auto path_at = config_.url.find('/', std::string_view{"http://"}.size());
  return config_.url.substr(0, path_at) + response_.header("location");
}

HttpResponse WhipPublisher::trickle() {
  const auto body =
      "a=ice-ufrag:" + line_after(offer_, "a=ice-ufrag:") +
      "\r\na=ice-pwd:" + line_after(offer_, "a=ice-pwd:") + "\r\nm=" + line_after(offer_, "m=") +
      "\r\na=mid:" + line_after(offer_, "a=mid:") + "\r\n" + held_back_ + "a=end-of-candidates\r\n";
  return http_request(
      "PATCH", session_url(),
      authorized({{"Content-Type", "application/trickle-ice-sdpfrag"}, {"If-Match", etag_}}), body);
}

HttpResponse WhipPublisher::restart_ice() {
  const auto agent = nice_agent_of(webrtc_.get());
  {
    const std::lock_guard lock{mutex_};
    ready_components_ = 0;
  }
  EXPECT_TRUE(nice_agent_restart_stream(agent.get(), kNiceStream));
  gchar* raw_ufrag = nullptr;
  gchar* raw_pwd = nullptr;
  nice_agent_get_local_credentials(agent.get(), kNiceStream, &raw_ufrag, &raw_pwd);
  const GMemory<char> ufrag{raw_ufrag};
  const GMemory<char> pwd{raw_pwd};
  auto body = std::string{"a=ice-ufrag:"} + ufrag.get() + "\r\na=ice-pwd:" + pwd.get() +
              "\r\nm=" + line_after(offer_, "m=") + "\r\na=mid:" + line_after(offer_, "a=mid:") +
              "\r\n";
  GSList* ours = nice_agent_get_local_candidates(agent.get(), kNiceStream, kNiceComponent);
  for (GSList* item = ours; item; item = item->next) {
    const GMemory<char> line{nice_agent_generate_local_candidate_sdp(
        agent.get(), static_cast<NiceCandidate*>(item->data))};
    body += std::string{line.get()} + "\r\n";
  }
  const auto free_candidate =
      +[](gpointer candidate) { nice_candidate_free(static_cast<NiceCandidate*>(candidate)); };
  g_slist_free_full(ours, free_candidate);
  auto response = http_request(
      "PATCH", session_url(),
      authorized({{"Content-Type", "application/trickle-ice-sdpfrag"}, {"If-Match", "*"}}), body);
  if (response.status != 200)
    return response;
  etag_ = response.header("etag");
  nice_agent_set_remote_credentials(agent.get(), kNiceStream,
                                    line_after(response.body, "a=ice-ufrag:").c_str(),
                                    line_after(response.body, "a=ice-pwd:").c_str());
  GSList* theirs = nullptr;
  std::string rest = lines_with(response.body, "a=candidate:");
  while (!rest.empty()) {
    const auto line = "a=" + line_after(rest, "a=");
    rest.erase(0, rest.find('\n') + 1);
    if (NiceCandidate* candidate =
            nice_agent_parse_remote_candidate_sdp(agent.get(), kNiceStream, line.c_str()))
      theirs = g_slist_prepend(theirs, candidate);
  }
  nice_agent_set_remote_candidates(agent.get(), kNiceStream, kNiceComponent, theirs);
  g_slist_free_full(theirs, free_candidate);
  return response;
}

HttpResponse WhipPublisher::remove() {
  return http_request("DELETE", session_url(), authorized({}));
}

bool WhipPublisher::wait_until_connected() {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, kPatience, [&] { return is_connected_ || is_failed_; });
  return is_connected_;
}

bool WhipPublisher::wait_until_reconnected() {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] { return ready_components_ > 0; });
}

void WhipPublisher::mute() {
  is_gate_open_ = false;
}
void WhipPublisher::unmute() {
  is_gate_open_ = true;
}

void WhipPublisher::watch_leaving_packets() {
  const auto watch = +[](const GValue* item, gpointer data) {
    auto* element = GST_ELEMENT(g_value_get_object(item));
    GstElementFactory* factory = gst_element_get_factory(element);
    if (!factory || !g_str_equal(GST_OBJECT_NAME(factory), "nicesink"))
      return;
    const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element, "sink"));
    gst_pad_add_probe(pad.get(), kBuffers, on_leaving, data, nullptr);
  };
  GstIterator* elements = gst_bin_iterate_recurse(GST_BIN(webrtc_.get()));
  gst_iterator_foreach(elements, watch, this);
  gst_iterator_free(elements);
}

// The header of SRTP is in the clear (RFC 3711 section 3.1).
GstPadProbeReturn WhipPublisher::on_leaving(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<WhipPublisher*>(data);
  if (self->is_cut_)
    return GST_PAD_PROBE_DROP;
  const unsigned lose_every = self->lose_every_;
  GstBuffer* buffer = gst_pad_probe_info_get_buffer(info);
  std::array<guint8, 4> head{};
  if (lose_every == 0 || !buffer || gst_buffer_extract(buffer, 0, head.data(), head.size()) != 4)
    return GST_PAD_PROBE_OK;
  const bool is_video = (head[0] & 0xc0) == 0x80 && (head[1] & 0x7f) == kVideoPayloadType;
  const unsigned sequence = static_cast<unsigned>(head[2] << 8 | head[3]);
  if (!is_video || sequence % lose_every != 0)
    return GST_PAD_PROBE_OK;
  ++self->lost_;
  return GST_PAD_PROBE_DROP;
}

void WhipPublisher::vanish() {
  // The packets stop where they would leave, so that not even a goodbye gets through.
  is_cut_ = true;
  stop();
}

void WhipPublisher::close_without_delete() {
  stop();
}

void WhipPublisher::stop() {
  if (!pipeline_)
    return;
  const auto agent = nice_agent_of(webrtc_.get());
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  g_signal_handlers_disconnect_by_data(agent.get(), this);
  g_signal_handlers_disconnect_by_data(webrtc_.get(), this);
  webrtc_.reset();
  pipeline_.reset();
}

std::string with_simulcast(const std::string& offer, std::string_view rids) {
  std::string lines =
      "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
      "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n";
  for (std::string_view rest = rids; !rest.empty();) {
    const auto end = std::min(rest.find(';'), rest.size());
    lines += "a=rid:" + std::string{rest.substr(0, end)} + " send\r\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  lines += "a=simulcast:send " + std::string{rids} + "\r\n";
  const std::string rtpmap = "a=rtpmap:102 ";
  return replaced(without_lines(offer, "a=ssrc"), rtpmap, lines + rtpmap);
}

std::string with_wrong_fingerprint(std::string offer) {
  const auto fingerprint = line_after(offer, "a=fingerprint:");
  const auto digits = fingerprint.substr(fingerprint.find(' ') + 1);
  std::string other = digits;
  for (char& c : other)
    c = c == ':' ? ':' : c == 'F' ? '0' : c == '9' ? 'A' : static_cast<char>(c + 1);
  for (auto at = offer.find(digits); at != std::string::npos; at = offer.find(digits))
    offer.replace(at, digits.size(), other);
  return offer;
}

}  // namespace onair::test

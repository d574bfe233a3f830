// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_webrtc.hpp"

#include <algorithm>
#include <utility>

#define GST_USE_UNSTABLE_API
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>
#include <gtest/gtest.h>

#include "patience.hpp"
#include "webrtc_action.hpp"

namespace onair::test {
namespace {

// Small packets, so that a few seconds have enough of them.
constexpr const char* kSender =
    "webrtcbin name=webrtc bundle-policy=max-bundle"
    " videotestsrc is-live=true pattern=snow"
    " ! video/x-raw,format=I420,width=160,height=120,framerate=30/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=60 bitrate=1000"
    " ! video/x-h264,profile=constrained-baseline"
    " ! rtph264pay name=video config-interval=-1 aggregate-mode=zero-latency mtu=200"
    " ! application/x-rtp,media=video,encoding-name=H264,payload=102 ! webrtc."
    " audiotestsrc is-live=true samplesperbuffer=480 ! audio/x-raw,rate=48000,channels=2"
    " ! opusenc frame-size=10 ! rtpopuspay name=audio"
    " ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! webrtc.";

constexpr auto kBuffers =
    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST);

struct DescriptionFree {
  void operator()(GstWebRTCSessionDescription* description) const {
    gst_webrtc_session_description_free(description);
  }
};
using DescriptionPtr = std::unique_ptr<GstWebRTCSessionDescription, DescriptionFree>;

DescriptionPtr describe(GstElement* webrtc, const char* action, const char* field) {
  const auto promise = call(webrtc, action, static_cast<GstStructure*>(nullptr));
  GstWebRTCSessionDescription* raw = nullptr;
  if (const auto* reply = gst_promise_get_reply(promise.get()))
    gst_structure_get(reply, field, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &raw, nullptr);
  return DescriptionPtr{raw};
}

void stay_on_this_machine(GstElement* webrtc) {
  GObject* raw = nullptr;
  g_object_get(webrtc, "ice-agent", &raw, nullptr);
  const auto ice = GstPtr<GObject>::adopt(raw);
  g_object_get(ice.get(), "agent", &raw, nullptr);
  const auto agent = GstPtr<GObject>::adopt(raw);
  g_object_set(agent.get(), "upnp", FALSE, nullptr);
}

// One early feedback may be sent per RTCP interval (RFC 4585 section 3.5.2), and that follows from
// the bandwidth of the session. Nobody tells rtpbin, so it takes 64 kbit/s, makes requests wait for
// half a second and repairs next to nothing.
void tell_bandwidth(GstElement* webrtc) {
  constexpr gdouble kBandwidth = 10e6;  // bit/s
  const auto rtpbin = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(webrtc), "rtpbin"));
  GObject* raw = nullptr;
  g_signal_emit_by_name(rtpbin.get(), "get-internal-session", 0, &raw);
  const auto session = GstPtr<GObject>::adopt(raw);
  if (session)  // and a test has no seconds to wait for a report
    g_object_set(session.get(), "bandwidth", kBandwidth, "rtcp-min-interval",
                 guint64{100 * GST_MSECOND}, nullptr);
  else
    ADD_FAILURE() << "webrtcbin has no RTP session";
}

bool is_connected(GstElement* webrtc) {
  GstWebRTCPeerConnectionState state = GST_WEBRTC_PEER_CONNECTION_STATE_NEW;
  g_object_get(webrtc, "connection-state", &state, nullptr);
  return state == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED;
}

}  // namespace

WebrtcCall::WebrtcCall(unsigned seed) : loss_{seed} {
  GError* raw = nullptr;
  sender_ = GstPtr<GstElement>::sink(gst_parse_launch(kSender, &raw));
  const ErrorPtr error{raw};
  EXPECT_FALSE(error) << error->message;
  sender_webrtc_ = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(sender_.get()), "webrtc"));
  receiver_ = GstPtr<GstElement>::sink(gst_pipeline_new(nullptr));
  receiver_webrtc_ = GstPtr<GstElement>::sink(make_element("webrtcbin"));
  gst_util_set_object_arg(G_OBJECT(receiver_webrtc_.get()), "bundle-policy", "max-bundle");
  gst_bin_add(GST_BIN(receiver_.get()), receiver_webrtc_.get());
  for (auto* webrtc : {sender_webrtc_.get(), receiver_webrtc_.get()}) {
    stay_on_this_machine(webrtc);
    g_signal_connect(webrtc, "on-ice-candidate", G_CALLBACK(on_candidate), this);
    g_signal_connect(webrtc, "notify::connection-state", G_CALLBACK(on_state), this);
  }
  g_signal_connect(receiver_webrtc_.get(), "pad-added", G_CALLBACK(on_pad_added), this);

  GArray* transceivers = nullptr;
  g_signal_emit_by_name(sender_webrtc_.get(), "get-transceivers", &transceivers);
  for (guint i = 0; i < transceivers->len; ++i)
    g_object_set(g_array_index(transceivers, GstWebRTCRTPTransceiver*, i), "direction",
                 GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, "do-nack", TRUE, nullptr);
  g_array_unref(transceivers);
  const auto on_transceiver = +[](GstElement*, GstWebRTCRTPTransceiver* transceiver, gpointer) {
    g_object_set(transceiver, "do-nack", TRUE, nullptr);
  };
  g_signal_connect(receiver_webrtc_.get(), "on-new-transceiver", G_CALLBACK(on_transceiver),
                   nullptr);

  const auto rtpbin =
      GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(receiver_webrtc_.get()), "rtpbin"));
  g_signal_connect(rtpbin.get(), "request-jitterbuffer", G_CALLBACK(on_request_jitterbuffer), this);
  g_signal_connect(rtpbin.get(), "new-jitterbuffer", G_CALLBACK(on_new_jitterbuffer), this);
  watch_encoders();
}

WebrtcCall::~WebrtcCall() {
  for (auto* pipeline : {sender_.get(), receiver_.get()})
    gst_element_set_state(pipeline, GST_STATE_NULL);
  for (auto* webrtc : {sender_webrtc_.get(), receiver_webrtc_.get()})
    g_signal_handlers_disconnect_by_data(webrtc, this);
}

void WebrtcCall::stop_receiver() {
  EXPECT_NE(gst_element_set_state(receiver_.get(), GST_STATE_NULL), GST_STATE_CHANGE_FAILURE);
}

void WebrtcCall::watch_encoders() {
  for (const auto* name : {"audio", "video"}) {
    const auto payloader =
        GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(sender_.get()), name));
    const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(payloader.get(), "src"));
    gst_pad_add_probe(pad.get(),
                      static_cast<GstPadProbeType>(kBuffers | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
                      on_encoded, this, nullptr);
  }
}

GstPadProbeReturn WebrtcCall::on_encoded(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<WebrtcCall*>(data);
  {
    const std::lock_guard lock{self->mutex_};
    if ((GST_PAD_PROBE_INFO_TYPE(info) & kBuffers) != 0)
      self->sending_.insert(pad);
    else if (GST_EVENT_TYPE(gst_pad_probe_info_get_event(info)) == GST_EVENT_EOS)
      ++self->ended_;
  }
  self->changed_.notify_all();
  return GST_PAD_PROBE_OK;
}

bool WebrtcCall::negotiate() {
  for (auto* pipeline : {receiver_.get(), sender_.get()})
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
  if (!wait([&] { return sending_.size() == 2; }))
    return false;
  const auto offer = describe(sender_webrtc_.get(), "create-offer", "offer");
  if (!offer)
    return false;
  call(sender_webrtc_.get(), "set-local-description", offer.get());
  tell_bandwidth(sender_webrtc_.get());
  watch_leaving_packets();
  call(receiver_webrtc_.get(), "set-remote-description", offer.get());
  tell_bandwidth(receiver_webrtc_.get());
  const auto answer = describe(receiver_webrtc_.get(), "create-answer", "answer");
  if (!answer)
    return false;
  call(receiver_webrtc_.get(), "set-local-description", answer.get());
  call(sender_webrtc_.get(), "set-remote-description", answer.get());
  return wait([&] { return is_sender_connected_ && is_receiver_connected_; });
}

void WebrtcCall::lose(double share) {
  const std::lock_guard lock{mutex_};
  loss_.set_share(share);
}

std::set<RtpId> WebrtcCall::lost() {
  const std::lock_guard lock{mutex_};
  return lost_;
}

bool WebrtcCall::end() {
  gst_element_send_event(sender_.get(), gst_event_new_eos());
  return wait([&] { return ended_ == 2; });
}

StructurePtr WebrtcCall::stats() {
  const auto promise = GstPtr<GstPromise>::adopt(gst_promise_new());
  g_signal_emit_by_name(receiver_webrtc_.get(), "get-stats", static_cast<GstPad*>(nullptr),
                        promise.get());
  gst_promise_wait(promise.get());
  const auto* reply = gst_promise_get_reply(promise.get());
  return StructurePtr{reply ? gst_structure_copy(reply) : nullptr};
}

WebrtcCall::Stream WebrtcCall::wait_for_stream(guint8 payload_type) {
  EXPECT_TRUE(wait([&] { return recorders_.size() >= 2; })) << "not both streams have come";
  std::vector<RtpRecorder*> recorders;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& recorder : recorders_)
      recorders.push_back(recorder.get());
  }
  for (auto* recorder : recorders) {
    if (!recorder->wait_for_packets(30))
      continue;
    const auto first = recorder->packets().front();
    if (first.payload_type != payload_type)
      continue;
    const std::lock_guard lock{mutex_};
    const auto found = std::find_if(received_.begin(), received_.end(), [&](const auto& received) {
      return received->ssrc() == first.ssrc;
    });
    if (found != received_.end())
      return {.recorder = recorder, .received = *found};
  }
  ADD_FAILURE() << "no stream of payload type " << static_cast<int>(payload_type);
  return {};
}

bool WebrtcCall::wait(const std::function<bool()>& is_true) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, is_true);
}

void WebrtcCall::on_candidate(GstElement* webrtc, guint line, const char* candidate,
                              gpointer data) {
  auto* self = static_cast<WebrtcCall*>(data);
  auto* other = webrtc == self->sender_webrtc_.get() ? self->receiver_webrtc_.get()
                                                     : self->sender_webrtc_.get();
  g_signal_emit_by_name(other, "add-ice-candidate", line, candidate);
}

void WebrtcCall::on_state(GstElement* webrtc, GParamSpec*, gpointer data) {
  auto* self = static_cast<WebrtcCall*>(data);
  const bool is_now_connected = is_connected(webrtc);
  {
    const std::lock_guard lock{self->mutex_};
    (webrtc == self->sender_webrtc_.get() ? self->is_sender_connected_
                                          : self->is_receiver_connected_) = is_now_connected;
  }
  self->changed_.notify_all();
}

void WebrtcCall::on_pad_added(GstElement*, GstPad* pad, gpointer data) {
  if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC)
    return;
  auto* self = static_cast<WebrtcCall*>(data);
  auto recorder = std::make_unique<RtpRecorder>();
  EXPECT_EQ(gst_pad_link(pad, recorder->pad()), GST_PAD_LINK_OK);
  {
    const std::lock_guard lock{self->mutex_};
    self->recorders_.push_back(std::move(recorder));
  }
  self->changed_.notify_all();
}

GstElement* WebrtcCall::on_request_jitterbuffer(GstElement*, guint, gpointer) {
  return make_element(jitterbuffer_factory());
}

void WebrtcCall::on_new_jitterbuffer(GstElement*, GstElement* jitterbuffer, guint session,
                                     guint ssrc, gpointer data) {
  auto* self = static_cast<WebrtcCall*>(data);
  auto received = std::make_shared<RtpReceived>(jitterbuffer, session, ssrc);
  const std::lock_guard lock{self->mutex_};
  self->received_.push_back(std::move(received));
}

// The last place before the network: behind the store of rtprtxsend, encrypted, but for the header.
void WebrtcCall::watch_leaving_packets() {
  const auto watch = +[](const GValue* item, gpointer data) {
    auto* element = GST_ELEMENT(g_value_get_object(item));
    GstElementFactory* factory = gst_element_get_factory(element);
    constexpr const char* kWatchedKey = "onair-test-watched";
    if (!factory || !g_str_equal(GST_OBJECT_NAME(factory), "nicesink") ||
        g_object_get_data(G_OBJECT(element), kWatchedKey))
      return;
    g_object_set_data(G_OBJECT(element), kWatchedKey, GINT_TO_POINTER(1));
    const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element, "sink"));
    gst_pad_add_probe(pad.get(), kBuffers, on_leaving, data, nullptr);
  };
  GstIterator* elements = gst_bin_iterate_recurse(GST_BIN(sender_webrtc_.get()));
  gst_iterator_foreach(elements, watch, this);
  gst_iterator_free(elements);
}

bool WebrtcCall::loses(GstBuffer* packet) {
  RtpId id;
  const std::lock_guard lock{mutex_};
  if (!read_rtp_id(packet, id) || !loss_.loses_next())
    return false;
  lost_.insert(id);
  return true;
}

GstPadProbeReturn WebrtcCall::on_leaving(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<WebrtcCall*>(data);
  if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) == 0)
    return self->loses(gst_pad_probe_info_get_buffer(info)) ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
  auto* list = gst_buffer_list_make_writable(gst_pad_probe_info_get_buffer_list(info));
  for (guint i = gst_buffer_list_length(list); i-- > 0;) {
    if (self->loses(gst_buffer_list_get(list, i)))
      gst_buffer_list_remove(list, i, 1);
  }
  GST_PAD_PROBE_INFO_DATA(info) = list;
  return GST_PAD_PROBE_OK;
}

}  // namespace onair::test

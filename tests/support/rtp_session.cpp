// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_session.hpp"

#include <algorithm>
#include <cstdio>

#include <gst/rtp/gstrtphdrext.h>
#include <gtest/gtest.h>

#include "patience.hpp"

namespace onair::test {
namespace {

constexpr unsigned kAudioRate = 48000;
constexpr guint64 kReportInterval = 100 * GST_MSECOND;  // a test has no seconds to wait for one
constexpr gdouble kBandwidth = 10e6;  // bit/s, so that RTCP's share of it delays no report

constexpr std::array<const char*, 3> kPayloadTypes{
    "application/x-rtp,media=audio,clock-rate=48000,encoding-name=L16,channels=1,payload=96",
    "application/x-rtp,media=video,clock-rate=90000,encoding-name=RAW,payload=97",
    "application/x-rtp,media=audio,clock-rate=48000,encoding-name=RTX,apt=(string)96,payload=100"};

GstPtr<GstElement> by_name(GstElement* bin, const char* name) {
  return GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(bin), name));
}

GstPtr<GstElement> parse(const std::string& line) {
  GError* raw = nullptr;
  auto pipeline = GstPtr<GstElement>::sink(gst_parse_launch(line.c_str(), &raw));
  const ErrorPtr error{raw};
  EXPECT_FALSE(error) << error->message;
  return pipeline;
}

GstPtr<GstPad> request(GstElement* rtpbin, const char* name, guint session) {
  return GstPtr<GstPad>::adopt(
      gst_element_request_pad_simple(rtpbin, (name + std::to_string(session)).c_str()));
}

// rtpbin wants auxiliary elements whose pads are named after the session.
GstElement* make_repair(const char* factory, guint session) {
  GstElement* bin = gst_bin_new(nullptr);
  GstElement* repair = make_element(factory);
  const StructurePtr types{
      gst_structure_new("application/x-rtp-pt-map", std::to_string(RtpSession::kAudioType).c_str(),
                        G_TYPE_UINT, static_cast<guint>(RtpSession::kRepairType), nullptr)};
  g_object_set(repair, "payload-type-map", types.get(), nullptr);
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(repair), "max-size-packets"))
    g_object_set(repair, "max-size-packets", 2000, nullptr);
  gst_bin_add(GST_BIN(bin), repair);
  for (const std::string name : {"sink", "src"}) {
    const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(repair, name.c_str()));
    gst_element_add_pad(
        bin, gst_ghost_pad_new((name + "_" + std::to_string(session)).c_str(), pad.get()));
  }
  return bin;
}

void report_often(GstElement* rtpbin, guint session) {
  GObject* raw = nullptr;
  g_signal_emit_by_name(rtpbin, "get-internal-session", session, &raw);
  const auto internal = GstPtr<GObject>::adopt(raw);
  ASSERT_TRUE(internal);
  g_object_set(internal.get(), "rtcp-min-interval", kReportInterval, "bandwidth", kBandwidth,
               nullptr);
}

constexpr guint kNtpExtension = 1;

void say_ntp_times(GstElement* payloader, guint ssrc) {
  const auto extension = GstPtr<GstElement>::sink(make_element("rtphdrextntp64"));
  g_object_set(extension.get(), "every-packet", TRUE, nullptr);
  gst_rtp_header_extension_set_id(GST_RTP_HEADER_EXTENSION(extension.get()), kNtpExtension);
  g_object_set(payloader, "ssrc", ssrc, nullptr);
  g_signal_emit_by_name(payloader, "add-extension", extension.get());
}

guint64 uint64_field(const GstStructure* structure, const char* name) {
  guint64 value = 0;
  gst_structure_get_uint64(structure, name, &value);
  return value;
}

}  // namespace

RtpReceived::RtpReceived(GstElement* jitterbuffer, guint session, guint ssrc)
    : jitterbuffer_{GstPtr<GstElement>::share(jitterbuffer)}, session_{session}, ssrc_{ssrc} {
  g_signal_connect(jitterbuffer, "handle-sync", G_CALLBACK(on_sync), this);
  g_signal_connect(jitterbuffer, "notify::ts-offset", G_CALLBACK(on_ts_offset), this);
  const auto sink = GstPtr<GstPad>::adopt(gst_element_get_static_pad(jitterbuffer, "sink"));
  request_probe_ =
      gst_pad_add_probe(sink.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_request, this, nullptr);
  // A handler of its own would take the answer out of rtpbin's mouth.
  pt_map_hook_ =
      g_signal_add_emission_hook(g_signal_lookup("request-pt-map", G_OBJECT_TYPE(jitterbuffer)), 0,
                                 on_pt_map_request, this, nullptr);
}

RtpReceived::~RtpReceived() {
  g_signal_remove_emission_hook(
      g_signal_lookup("request-pt-map", G_OBJECT_TYPE(jitterbuffer_.get())), pt_map_hook_);
  g_signal_handlers_disconnect_by_data(jitterbuffer_.get(), this);
  const auto sink = GstPtr<GstPad>::adopt(gst_element_get_static_pad(jitterbuffer_.get(), "sink"));
  gst_pad_remove_probe(sink.get(), request_probe_);
}

bool RtpReceived::wait(const std::function<bool()>& is_true) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, is_true);
}

std::vector<RtpReceived::Sync> RtpReceived::syncs() {
  const std::lock_guard lock{mutex_};
  return syncs_;
}

bool RtpReceived::wait_for_syncs(std::size_t count) {
  return wait([&] { return syncs_.size() >= count; });
}

std::map<guint16, unsigned> RtpReceived::requests() {
  const std::lock_guard lock{mutex_};
  return requests_;
}

FieldTypes RtpReceived::request_fields() {
  const std::lock_guard lock{mutex_};
  return request_fields_;
}

bool RtpReceived::wait_for_requests() {
  return wait([&] { return !requests_.empty(); });
}

unsigned RtpReceived::pt_map_requests() {
  const std::lock_guard lock{mutex_};
  return pt_map_requests_;
}

bool RtpReceived::wait_for_pt_map_requests(unsigned count) {
  return wait([&] { return pt_map_requests_ >= count; });
}

gint64 RtpReceived::ts_offset() const {
  gint64 offset = 0;
  g_object_get(jitterbuffer_.get(), "ts-offset", &offset, nullptr);
  return offset;
}

bool RtpReceived::wait_for_ts_offset(gint64 least) {
  return wait([&] { return ts_offset() >= least; });
}

void RtpReceived::on_sync(GstElement*, GstStructure* sync, gpointer data) {
  auto* self = static_cast<RtpReceived*>(data);
  Sync seen{.fields = field_types(sync),
            .base_rtp_time = uint64_field(sync, "base-rtptime"),
            .base_time = uint64_field(sync, "base-time"),
            .report_rtp_time = uint64_field(sync, "sr-ext-rtptime"),
            .report_ntp_time = uint64_field(sync, "sr-ntpnstime"),
            .packet_rtp_time = uint64_field(sync, "inband-ext-rtptime"),
            .packet_ntp_time = uint64_field(sync, "inband-ntpnstime")};
  gst_structure_get_uint(sync, "clock-rate", &seen.clock_rate);
  {
    const std::lock_guard lock{self->mutex_};
    self->syncs_.push_back(std::move(seen));
  }
  self->changed_.notify_all();
}

void RtpReceived::on_ts_offset(GstElement*, GParamSpec*, gpointer data) {
  auto* self = static_cast<RtpReceived*>(data);
  { const std::lock_guard lock{self->mutex_}; }
  self->changed_.notify_all();
}

GstPadProbeReturn RtpReceived::on_request(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<RtpReceived*>(data);
  const GstStructure* structure = gst_event_get_structure(gst_pad_probe_info_get_event(info));
  guint sequence = 0;
  if (!structure || !gst_structure_has_name(structure, "GstRTPRetransmissionRequest") ||
      !gst_structure_get_uint(structure, "seqnum", &sequence))
    return GST_PAD_PROBE_OK;
  {
    const std::lock_guard lock{self->mutex_};
    ++self->requests_[static_cast<guint16>(sequence)];
    self->request_fields_ = field_types(structure);
  }
  self->changed_.notify_all();
  return GST_PAD_PROBE_OK;
}

gboolean RtpReceived::on_pt_map_request(GSignalInvocationHint*, guint, const GValue* values,
                                        gpointer data) {
  auto* self = static_cast<RtpReceived*>(data);
  if (g_value_get_object(values) == self->jitterbuffer_.get()) {
    {
      const std::lock_guard lock{self->mutex_};
      ++self->pt_map_requests_;
    }
    self->changed_.notify_all();
  }
  return TRUE;
}

RtpSession::RtpSession(Config config) : config_{std::move(config)} {
  make_sender();
  make_receiver();
  for (guint session = 0; session < (config_.has_video ? 2u : 1u); ++session)
    connect(session);
  if (config_.configure)
    config_.configure(receiver_bin_.get());
}

RtpSession::~RtpSession() {
  for (auto& line : lines_) {
    for (auto* link : {line.media.get(), line.sender_reports.get(), line.receiver_reports.get()})
      link->stop();
  }
  gst_element_set_state(sender_.get(), GST_STATE_NULL);
  gst_element_set_state(receiver_.get(), GST_STATE_NULL);
  g_signal_handlers_disconnect_by_data(receiver_bin_.get(), this);
  lines_.clear();
}

void RtpSession::make_sender() {
  const auto samples = std::to_string(kAudioRate / config_.packets_per_second);
  // Reports of when something was captured: when it is sent is known only to a pipeline with sinks.
  sender_ = parse(
      "rtpbin name=rtpbin rtp-profile=avpf rtcp-sync-send-time=false audiotestsrc is-live=true "
      "samplesperbuffer=" +
      samples + " ! audio/x-raw,rate=48000,channels=1 ! audioconvert ! rtpL16pay name=pay0 pt=96" +
      (config_.has_video
           ? " videotestsrc is-live=true ! video/x-raw,format=I420,width=16,height=16,"
             "framerate=30/1 ! rtpvrawpay name=pay1 pt=97"
           : ""));
  sender_bin_ = by_name(sender_.get(), "rtpbin");
  if (config_.has_rtx) {
    const auto on_aux = +[](GstElement*, guint session, gpointer) {
      return session == 0 ? make_repair("rtprtxsend", session) : nullptr;
    };
    g_signal_connect(sender_bin_.get(), "request-aux-sender", G_CALLBACK(on_aux), nullptr);
  }
}

void RtpSession::make_receiver() {
  receiver_ = GstPtr<GstElement>::sink(gst_pipeline_new(nullptr));
  receiver_bin_ = GstPtr<GstElement>::sink(make_element("rtpbin"));
  gst_bin_add(GST_BIN(receiver_.get()), receiver_bin_.get());
  gst_util_set_object_arg(G_OBJECT(receiver_bin_.get()), "rtp-profile", "avpf");
  g_object_set(receiver_bin_.get(), "autoremove", TRUE, nullptr);
  auto* rtpbin = receiver_bin_.get();
  if (config_.has_rtx) {
    g_object_set(rtpbin, "do-retransmission", TRUE, nullptr);
    const auto on_aux = +[](GstElement*, guint session, gpointer) {
      return session == 0 ? make_repair("rtprtxreceive", session) : nullptr;
    };
    g_signal_connect(rtpbin, "request-aux-receiver", G_CALLBACK(on_aux), nullptr);
  }
  g_signal_connect(rtpbin, "request-pt-map", G_CALLBACK(on_pt_map), this);
  g_signal_connect(rtpbin, "request-jitterbuffer", G_CALLBACK(on_request_jitterbuffer), this);
  g_signal_connect(rtpbin, "new-jitterbuffer", G_CALLBACK(on_new_jitterbuffer), this);
  g_signal_connect(rtpbin, "pad-added", G_CALLBACK(on_pad_added), this);
  g_signal_connect(rtpbin, "pad-removed", G_CALLBACK(on_pad_removed), this);
  for (const auto* name : {"on-bye-ssrc", "on-timeout", "on-npt-stop"})
    g_signal_connect(rtpbin, name, G_CALLBACK(on_signal), this);
}

void RtpSession::connect(guint session) {
  auto* sender = sender_bin_.get();
  auto* receiver = receiver_bin_.get();
  const auto number = std::to_string(session);
  const auto payloader = by_name(sender_.get(), ("pay" + number).c_str());
  if (config_.has_ntp)
    say_ntp_times(payloader.get(), kFirstSsrc + session);
  ASSERT_TRUE(
      gst_element_link_pads(payloader.get(), "src", sender, ("send_rtp_sink_" + number).c_str()));
  const auto media_from =
      GstPtr<GstPad>::adopt(gst_element_get_static_pad(sender, ("send_rtp_src_" + number).c_str()));
  const auto media_to = request(receiver, "recv_rtp_sink_", session);
  const auto report_from = request(sender, "send_rtcp_src_", session);
  const auto report_to = request(receiver, "recv_rtcp_sink_", session);
  const auto feedback_from = request(receiver, "send_rtcp_src_", session);
  const auto feedback_to = request(sender, "recv_rtcp_sink_", session);
  for (auto* rtpbin : {sender, receiver})
    report_often(rtpbin, session);
  const RtpLink::Config reports{.media_type = "application/x-rtcp", .delay = config_.delay};
  auto& line = lines_.emplace_back();
  line.media = std::make_unique<RtpLink>(
      RtpLink::Config{.delay = config_.delay, .seed = config_.seed + session});
  line.sender_reports = std::make_unique<RtpLink>(reports);
  line.receiver_reports = std::make_unique<RtpLink>(reports);
  line.media->connect(media_from.get(), receiver_.get(), media_to.get());
  line.sender_reports->connect(report_from.get(), receiver_.get(), report_to.get());
  line.receiver_reports->connect(feedback_from.get(), sender_.get(), feedback_to.get());
}

void RtpSession::start() {
  gst_element_set_state(receiver_.get(), GST_STATE_PLAYING);
  gst_element_set_state(sender_.get(), GST_STATE_PLAYING);
}

void RtpSession::end() {
  gst_element_send_event(sender_.get(), gst_event_new_eos());
}

void RtpSession::restart_receiver() {
  without_arrivals([&] {
    for (const auto state : {GST_STATE_READY, GST_STATE_PLAYING})
      EXPECT_NE(gst_element_set_state(receiver_.get(), state), GST_STATE_CHANGE_FAILURE);
    for (auto& line : lines_) {
      line.media->reopen();
      line.sender_reports->reopen();
    }
  });
}

void RtpSession::without_arrivals(const std::function<void()>& act) {
  for (auto& line : lines_) {
    line.media->pause();
    line.sender_reports->pause();
  }
  act();
  for (auto& line : lines_) {
    line.media->resume();
    line.sender_reports->resume();
  }
}

GstCaps* RtpSession::on_pt_map(GstElement*, guint session, guint pt, gpointer data) {
  constexpr std::array<guint, 3> kTypes{kAudioType, kVideoType, kRepairType};
  const auto* const known = std::find(kTypes.begin(), kTypes.end(), pt);
  if (known == kTypes.end())
    return nullptr;
  std::string caps = kPayloadTypes.at(static_cast<std::size_t>(known - kTypes.begin()));
  if (static_cast<RtpSession*>(data)->config_.has_ntp)
    caps += ",extmap-" + std::to_string(kNtpExtension) +
            "=(string)urn:ietf:params:rtp-hdrext:ntp-64,ssrc-" +
            std::to_string(kFirstSsrc + session) + "-cname=(string)sender";
  return gst_caps_from_string(caps.c_str());
}

GstElement* RtpSession::on_request_jitterbuffer(GstElement*, guint, gpointer data) {
  return make_element(static_cast<RtpSession*>(data)->config_.jitterbuffer);
}

void RtpSession::on_new_jitterbuffer(GstElement*, GstElement* jitterbuffer, guint session,
                                     guint ssrc, gpointer data) {
  auto* self = static_cast<RtpSession*>(data);
  auto received = std::make_shared<RtpReceived>(jitterbuffer, session, ssrc);
  const std::lock_guard lock{self->mutex_};
  self->streams_.push_back({.received = std::move(received)});
}

void RtpSession::on_pad_added(GstElement*, GstPad* pad, gpointer data) {
  guint session = 0;
  guint ssrc = 0;
  guint type = 0;
  if (std::sscanf(GST_PAD_NAME(pad), "recv_rtp_src_%u_%u_%u", &session, &ssrc, &type) != 3)
    return;
  auto* self = static_cast<RtpSession*>(data);
  std::shared_ptr<RtpReceived> received;
  {
    const std::lock_guard lock{self->mutex_};
    // The newest of them: an SSRC that was removed may come back.
    const auto stream =
        std::find_if(self->streams_.rbegin(), self->streams_.rend(), [&](const Stream& s) {
          return s.received->session() == session && s.received->ssrc() == ssrc;
        });
    if (stream == self->streams_.rend())
      return;
    received = stream->received;
    stream->has_pad = true;
  }
  EXPECT_EQ(gst_pad_link(pad, received->recorder().pad()), GST_PAD_LINK_OK);
  self->changed_.notify_all();
}

void RtpSession::on_pad_removed(GstElement*, GstPad* pad, gpointer data) {
  if (!g_str_has_prefix(GST_PAD_NAME(pad), "recv_rtp_src_"))
    return;
  auto* self = static_cast<RtpSession*>(data);
  {
    const std::lock_guard lock{self->mutex_};
    ++self->removed_;
  }
  self->changed_.notify_all();
}

void RtpSession::on_signal(GstElement* rtpbin, guint, guint, gpointer data) {
  auto* self = static_cast<RtpSession*>(data);
  {
    const std::lock_guard lock{self->mutex_};
    self->signals_.emplace_back(g_signal_name(g_signal_get_invocation_hint(rtpbin)->signal_id));
  }
  self->changed_.notify_all();
}

bool RtpSession::wait(const std::function<bool()>& is_true) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, is_true);
}

std::shared_ptr<RtpReceived> RtpSession::wait_for_stream(guint session, std::size_t number) {
  std::shared_ptr<RtpReceived> found;
  const bool has_come = wait([&] {
    std::size_t still = number;
    for (const auto& stream : streams_) {
      if (stream.received->session() != session || still-- > 0)
        continue;
      found = stream.received;
      return stream.has_pad;
    }
    return false;
  });
  EXPECT_TRUE(has_come) << "no stream " << number << " in session " << session;
  return has_come ? found : nullptr;
}

bool RtpSession::wait_for_removed(unsigned count) {
  return wait([&] { return removed_ >= count; });
}

bool RtpSession::wait_for_signal(const std::string& name) {
  return wait([&] { return std::find(signals_.begin(), signals_.end(), name) != signals_.end(); });
}

}  // namespace onair::test

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_input.hpp"

#include <variant>

#include <gst/net/net.h>
#include <gst/rtp/rtp.h>

#include "glue/mapped_buffer.hpp"
#include "udp_socket.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_rtp_listen_src_debug);
#define GST_CAT_DEFAULT gst_rtp_listen_src_debug

namespace onair::rtplisten {
namespace {

// A key frame comes at once, as fast as the network is: 2 MB are two seconds at 8 Mbit/s. The kernel gives no
// more than net.core.rmem_max.
constexpr gint kSocketBytes = 2 * 1024 * 1024;
// Until the control thread has made a path, which takes milliseconds.
constexpr std::size_t kMostWaiting = 2048;

MediaInput* self_of(GstPad* pad) {
  return static_cast<MediaInput*>(gst_pad_get_element_private(pad));
}

gboolean drop_event(GstPad*, GstObject*, GstEvent* event) {
  gst_event_unref(event);
  return TRUE;
}

GSocketAddress* address_of(GstBuffer* packet) {
  const auto* meta = gst_buffer_get_net_address_meta(packet);
  return meta ? meta->addr : nullptr;
}

}  // namespace

MediaInput::MediaInput(Config config, Guarded<Reception>& reception)
    : config_{std::move(config)}, reception_{reception} {}

MediaInput::~MediaInput() {
  stop();
}

MediaInput::Reader MediaInput::make_reader(GSocket* socket, GstPadChainFunction chain) {
  Reader reader{.element = GstPtr<GstElement>::sink(gst_element_factory_make("udpsrc", nullptr)),
                .pad = GstPtr<GstPad>::sink(gst_pad_new("in", GST_PAD_SINK))};
  if (!reader.element)
    return {};
  gst_pad_set_element_private(reader.pad.get(), this);
  gst_pad_set_chain_function(reader.pad.get(), chain);
  gst_pad_set_event_function(reader.pad.get(), drop_event);
  gst_pad_set_active(reader.pad.get(), TRUE);
  g_object_set(reader.element.get(), "socket", socket, "close-socket", FALSE, "auto-multicast",
               FALSE, "buffer-size", kSocketBytes, nullptr);
  gst_bin_add(config_.bin, reader.element.get());
  const auto out = GstPtr<GstPad>::adopt(gst_element_get_static_pad(reader.element.get(), "src"));
  gst_pad_link_full(out.get(), reader.pad.get(), GST_PAD_LINK_CHECK_NOTHING);
  return reader;
}

bool MediaInput::start() {
  rtp_ = make_reader(config_.rtp.get(), [](GstPad* pad, GstObject*, GstBuffer* packet) {
    self_of(pad)->on_rtp(GstPtr<GstBuffer>::adopt(packet));
    return GST_FLOW_OK;
  });
  if (has_rtcp())
    rtcp_ = make_reader(config_.rtcp.get(), [](GstPad* pad, GstObject*, GstBuffer* packet) {
      self_of(pad)->on_rtcp(GstPtr<GstBuffer>::adopt(packet));
      return GST_FLOW_OK;
    });
  return rtp_.element && (!has_rtcp() || rtcp_.element);
}

void MediaInput::end(const Reader& reader) {
  GstElement* element = reader.element.get();
  if (!element || !GST_OBJECT_PARENT(element))
    return;
  gst_element_set_locked_state(element, TRUE);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_bin_remove(config_.bin, element);
  gst_pad_set_active(reader.pad.get(), FALSE);
}

void MediaInput::stop() {
  end(rtp_);
  end(rtcp_);
  held_ = {};
}

bool MediaInput::owns(GstObject* element) const {
  return element == GST_OBJECT(rtp_.element.get()) || element == GST_OBJECT(rtcp_.element.get());
}

void MediaInput::open(unsigned session, std::shared_ptr<MediaPath> path) {
  path_.set(path);
  const auto flow = flow_.lock();
  flow->path = std::move(path);
  flow->session = session;
  if (flow->waiting_session == session) {
    for (auto& [source, packet] : flow->waiting)
      flow->path->push(source, std::move(packet));
  }
  flow->waiting.clear();
}

std::shared_ptr<MediaPath> MediaInput::close() {
  path_.set(nullptr);
  return std::exchange(flow_.lock()->path, nullptr);
}

void MediaInput::deliver(unsigned session, const Source& source, GstPtr<GstBuffer> packet) {
  const auto flow = flow_.lock();
  if (flow->path && flow->session == session)
    return flow->path->push(source, std::move(packet));
  if (session <= flow->session)
    return;  // it has just ended
  if (std::exchange(flow->waiting_session, session) != session)
    flow->waiting.clear();
  if (flow->waiting.size() < kMostWaiting)
    flow->waiting.emplace_back(source, std::move(packet));
}

void MediaInput::on_rtp(GstPtr<GstBuffer> packet) {
  const auto sender = to_sender(address_of(packet.get()));
  if (!sender)
    return;
  const auto now = config_.now();
  const auto outcome = [&] {
    const MappedBuffer mapped{packet.get()};
    return reception_.lock()->on_packet(config_.kind, now, *sender, mapped.bytes());
  }();
  if (const auto* hold = std::get_if<LearnedStream::Hold>(&outcome.decision)) {
    held_.at(hold->slot) = std::move(packet);
    return;
  }
  if (outcome.session == 0)
    return;
  config_.on_media(now);
  if (const auto* learned = std::get_if<LearnedStream::Learned>(&outcome.decision)) {
    GST_INFO_OBJECT(config_.bin, "%s from %s port %u: SSRC %u, payload type %u, session %u",
                    to_string(config_.kind), to_text(sender->address).c_str(), sender->port,
                    outcome.source.ssrc, outcome.source.payload_type, outcome.session);
    deliver(outcome.session, outcome.source, std::move(held_.at(learned->slot)));
    held_ = {};
    deliver(outcome.session, outcome.source, std::move(packet));
    return config_.on_new(outcome.session);
  }
  deliver(outcome.session, outcome.source, std::move(packet));
}

void MediaInput::on_rtcp(GstPtr<GstBuffer> packet) {
  auto* address = address_of(packet.get());
  const auto sender = to_sender(address);
  if (!sender || !reception_.lock()->may_report(config_.kind, *sender))
    return;
  // Janus sends no report, but a packet of nothing, which only tells where requests are to go.
  peer_.set({.sender = *sender, .address = GstPtr<GSocketAddress>::share(address)});
  // An empty one makes the validation complain of its caller.
  if (gst_buffer_get_size(packet.get()) == 0 || !gst_rtcp_buffer_validate_reduced(packet.get()))
    return;
  GstRTCPBuffer rtcp = GST_RTCP_BUFFER_INIT;
  gst_rtcp_buffer_map(packet.get(), GST_MAP_READ, &rtcp);
  GstRTCPPacket part;
  for (gboolean more = gst_rtcp_buffer_get_first_packet(&rtcp, &part); more;
       more = gst_rtcp_packet_move_to_next(&part)) {
    if (gst_rtcp_packet_get_type(&part) != GST_RTCP_TYPE_BYE)
      continue;
    for (guint i = 0; i < gst_rtcp_packet_bye_get_ssrc_count(&part); ++i)
      reception_.lock()->on_bye(config_.kind, config_.now(),
                                gst_rtcp_packet_bye_get_nth_ssrc(&part, i));
  }
  gst_rtcp_buffer_unmap(&rtcp);
  const auto flow = flow_.lock();
  if (flow->path)
    flow->path->push_rtcp(std::move(packet));
}

void MediaInput::send_rtcp(GstBuffer* packet) {
  const auto peer = peer_.get();
  if (!peer.address || !reception_.lock()->may_report(config_.kind, peer.sender))
    return;
  const MappedBuffer mapped{packet};
  const auto span = mapped.bytes();
  GError* raw = nullptr;
  g_socket_send_to(config_.rtcp.get(), peer.address.get(),
                   reinterpret_cast<const gchar*>(span.data()), span.size(), nullptr, &raw);
  if (raw)
    GST_DEBUG_OBJECT(
        config_.bin, "RTCP does not leave: %s", ErrorPtr { raw } -> message);
}

}  // namespace onair::rtplisten

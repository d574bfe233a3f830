// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/listen_element.hpp"

#include "glue/gsttime.hpp"

namespace onair {
namespace {

GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE(
    "audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS("application/x-rtp, media = (string) audio, encoding-name = (string) OPUS, "
                    "clock-rate = (int) 48000"));
GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE(
    "video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS("application/x-rtp, media = (string) video, encoding-name = (string) H264, "
                    "clock-rate = (int) 90000"));

const char* to_string(PublisherEvent::Kind kind) {
  switch (kind) {
    case PublisherEvent::Kind::Offered:
      return "offered";
    case PublisherEvent::Kind::Connected:
      return "connected";
    case PublisherEvent::Kind::Silent:
      return "silent";
    case PublisherEvent::Kind::Resumed:
      return "resumed";
    case PublisherEvent::Kind::Ended:
      return "ended";
  }
  return "ended";
}

StructurePtr to_structure(const ReceivedStream::Stats& stream) {
  StructurePtr structure{gst_structure_new(
      "stream", "packets", G_TYPE_UINT64, stream.received.packets, "bytes", G_TYPE_UINT64,
      stream.received.bytes, "lost", G_TYPE_INT64, stream.received.lost, "media-time",
      G_TYPE_UINT64, to_gst(stream.received.media_time), "keyframe-requests", G_TYPE_UINT,
      stream.keyframe_requests, nullptr)};
  if (stream.jitterbuffer)
    gst_structure_set(structure.get(), "jitterbuffer", GST_TYPE_STRUCTURE,
                      stream.jitterbuffer.get(), nullptr);
  if (!stream.rid.empty())
    gst_structure_set(structure.get(), "rid", G_TYPE_STRING, stream.rid.c_str(), nullptr);
  return structure;
}

}  // namespace

bool check_elements(GstElement* element, std::span<const RequiredElement> required) {
  for (const auto& one : required) {
    if (GstPtr<GstElementFactory>::adopt(gst_element_factory_find(one.factory.c_str())))
      continue;
    GST_ELEMENT_ERROR(element, CORE, MISSING_PLUGIN,
                      ("The element '%s' is not installed; on Debian, install %s.",
                       one.factory.c_str(), one.package),
                      (nullptr));
    return false;
  }
  return true;
}

void post_cannot_listen(GstElement* element, const std::string& where, const std::string& why) {
  GST_ELEMENT_ERROR(
      element, RESOURCE, OPEN_READ,
      ("Cannot listen on %s: %s. Choose another address or port.", where.c_str(), why.c_str()),
      (nullptr));
}

void post_event(GstElement* element, GstDebugCategory* category, const char* name,
                const PublisherEvent& event, std::initializer_list<TextField> fields) {
  const char* state = to_string(event.kind);
  GstStructure* message = gst_structure_new(name, "state", G_TYPE_STRING, state, "session-id",
                                            G_TYPE_STRING, event.session_id.c_str(), nullptr);
  for (const auto& field : fields)
    gst_structure_set(message, field.name, G_TYPE_STRING, field.value.c_str(), nullptr);
  gst_structure_set(message, "remote-address", G_TYPE_STRING, event.remote_address.c_str(),
                    "user-agent", G_TYPE_STRING, event.user_agent.c_str(), "audio", G_TYPE_BOOLEAN,
                    event.has_audio, "video", G_TYPE_BOOLEAN, event.has_video, nullptr);
  if (!event.layers.empty())
    gst_structure_set(message, "layers", G_TYPE_STRING, event.layers.c_str(), nullptr);
  if (event.kind == PublisherEvent::Kind::Ended)
    gst_structure_set(message, "reason", G_TYPE_STRING, to_string(event.reason), "detail",
                      G_TYPE_STRING, event.detail.c_str(), nullptr);
  GST_CAT_INFO_OBJECT(category, element, "publisher %s (%s) %s %s", event.session_id.c_str(),
                      event.remote_address.c_str(), state, event.detail.c_str());
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), message));
}

void add_publisher_pads(GstElementClass* klass) {
  gst_element_class_add_static_pad_template(klass, &audio_template);
  gst_element_class_add_static_pad_template(klass, &video_template);
}

GstStructure* to_structure(const char* name, const PublisherStats& stats,
                           std::initializer_list<Counter> counters) {
  const char* state = stats.session_id.empty() ? "idle"
                      : stats.is_connected     ? "connected"
                                               : "connecting";
  GstStructure* structure = gst_structure_new(name, "state", G_TYPE_STRING, state, "session-id",
                                              G_TYPE_STRING, stats.session_id.c_str(), "sessions",
                                              G_TYPE_UINT64, stats.sessions, nullptr);
  for (const auto& counter : counters)
    gst_structure_set(structure, counter.name, G_TYPE_UINT64, counter.value, nullptr);
  for (const auto& stream : stats.streams) {
    const auto one = to_structure(stream);
    const char* key = stream.rid.empty() ? to_string(stream.kind) : stream.pad_name.c_str();
    gst_structure_set(structure, key, GST_TYPE_STRUCTURE, one.get(), nullptr);
  }
  return structure;
}

}  // namespace onair

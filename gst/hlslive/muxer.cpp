// SPDX-License-Identifier: LGPL-2.1-or-later
#include "muxer.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "glue/gsttime.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_hls_live_sink_debug);
#define GST_CAT_DEFAULT gst_hls_live_sink_debug

namespace onair {
namespace {

constexpr const char* kPartEvent = "onair-part";
// The longest period that mpegtsmux keeps, in 1/90000 s: it counts 27 MHz in 32 bits.
constexpr guint kHardlyEver = 14'316'557;

void append(std::vector<std::uint8_t>& bytes, GstBuffer* buffer) {
  const auto size = gst_buffer_get_size(buffer);
  bytes.resize(bytes.size() + size);
  gst_buffer_extract(buffer, 0, bytes.data() + bytes.size() - size, size);
}

GstFlowReturn hand_over(Muxer::Reader& reader, std::vector<std::uint8_t> bytes, bool is_header) {
  return is_header ? reader.on_header(std::move(bytes)) : reader.on_bytes(std::move(bytes));
}

bool has_property(GstElement* element, const char* name) {
  return g_object_class_find_property(G_OBJECT_GET_CLASS(element), name) != nullptr;
}

}  // namespace

// Outlives the muxer in threads that are in the pad's functions.
struct Muxer::Link {
  std::weak_ptr<Reader> reader;
  // The muxer's thread: the marker that is awaited from more pads.
  guint64 part = G_MAXUINT64;
  guint missing = 0;

  std::mutex mutex;
  std::condition_variable changed;
  bool has_ended = false;  // or will not
};

Muxer::Link* Muxer::link_of(GstPad* pad) {
  return static_cast<Link*>(gst_pad_get_element_private(pad));
}

GstFlowReturn Muxer::on_buffer(GstPad* pad, GstObject*, GstBuffer* raw) {
  const auto buffer = GstPtr<GstBuffer>::adopt(raw);
  const auto reader = link_of(pad)->reader.lock();
  if (!reader)
    return GST_FLOW_FLUSHING;
  std::vector<std::uint8_t> bytes;
  append(bytes, raw);
  return hand_over(*reader, std::move(bytes), GST_BUFFER_FLAG_IS_SET(raw, GST_BUFFER_FLAG_HEADER));
}

// Of a transport stream, packet by packet.
GstFlowReturn Muxer::on_list(GstPad* pad, GstObject*, GstBufferList* list) {
  const auto reader = link_of(pad)->reader.lock();
  std::vector<std::uint8_t> bytes;
  bytes.reserve(gst_buffer_list_calculate_size(list));
  for (guint i = 0; i < gst_buffer_list_length(list); ++i)
    append(bytes, gst_buffer_list_get(list, i));
  gst_buffer_list_unref(list);
  return reader ? reader->on_bytes(std::move(bytes)) : GST_FLOW_FLUSHING;
}

// From a muxer of GStreamer's one for each pad, when that pad's frames are out: the last says that all are.
void Muxer::on_marker(Link& link, Reader& reader, const GstStructure* marker) {
  guint64 part = 0;
  guint pads = 0;
  gst_structure_get(marker, "part", G_TYPE_UINT64, &part, "pads", G_TYPE_UINT, &pads, nullptr);
  if (link.part != part) {
    link.part = part;
    link.missing = pads;
  }
  if (--link.missing == 0)
    reader.on_part_end(part);
}

gboolean Muxer::on_event(GstPad* pad, GstObject*, GstEvent* raw) {
  const auto event = GstPtr<GstEvent>::adopt(raw);
  auto* link = link_of(pad);
  if (GST_EVENT_TYPE(raw) == GST_EVENT_EOS) {
    const std::lock_guard lock{link->mutex};
    link->has_ended = true;
    link->changed.notify_all();
  } else if (gst_event_has_name(raw, kPartEvent)) {
    if (const auto reader = link->reader.lock())
      on_marker(*link, *reader, gst_event_get_structure(raw));
  }
  return TRUE;
}

Muxer::Muxer(GstBin* bin, GstPtr<GstElement> element, Duration buffering,
             const std::shared_ptr<Reader>& reader)
    : bin_{GstPtr<GstElement>::share(GST_ELEMENT(bin))},
      element_{std::move(element)},
      waits_{has_property(element_.get(), "latency")},
      output_{GstPtr<GstPad>::sink(gst_pad_new("output", GST_PAD_SINK))} {
  auto* link = new Link;
  link->reader = reader;
  g_object_set_data_full(G_OBJECT(output_.get()), "onair-link", link,
                         [](gpointer data) { delete static_cast<Link*>(data); });
  gst_pad_set_element_private(output_.get(), link);
  gst_pad_set_chain_function(output_.get(), on_buffer);
  gst_pad_set_chain_list_function(output_.get(), on_list);
  gst_pad_set_event_function(output_.get(), on_event);
  // Any caps, of which there is no template: a new init segment is in new ones.
  GST_PAD_SET_ACCEPT_TEMPLATE(output_.get());
  gst_pad_set_active(output_.get(), TRUE);
  // Nobody upstream is live in its eyes, so that it waits for no clock: this is how far one pad may
  // be ahead of the others.
  if (waits_)
    g_object_set(element_.get(), "latency", to_gst(buffering), nullptr);
  // Tables are TransportTables' business. A PCR in front of each pack of sound.
  for (const char* period : {"pat-interval", "pmt-interval", "si-interval"})
    if (has_property(element_.get(), period))
      g_object_set(element_.get(), period, kHardlyEver, nullptr);
  if (has_property(element_.get(), "pcr-interval"))
    g_object_set(element_.get(), "pcr-interval", 1, nullptr);
  gst_bin_add(bin, GST_ELEMENT(gst_object_ref(element_.get())));
  const auto source = GstPtr<GstPad>::adopt(gst_element_get_static_pad(element_.get(), "src"));
  gst_pad_link(source.get(), output_.get());
  gst_element_sync_state_with_parent(element_.get());
}

Muxer::~Muxer() {
  for (const auto& track : tracks_)
    gst_pad_set_active(track.get(), FALSE);
  gst_pad_set_active(output_.get(), FALSE);
  gst_element_set_locked_state(element_.get(), TRUE);
  gst_element_set_state(element_.get(), GST_STATE_NULL);
  gst_bin_remove(GST_BIN(bin_.get()), element_.get());
}

std::optional<Muxer::TrackId> Muxer::add_track(const char* name, GstCaps* caps) {
  auto track = GstPtr<GstPad>::sink(gst_pad_new(name, GST_PAD_SRC));
  gst_pad_set_active(track.get(), TRUE);
  const auto sink =
      GstPtr<GstPad>::adopt(gst_element_get_compatible_pad(element_.get(), track.get(), caps));
  if (!sink || gst_pad_link(track.get(), sink.get()) != GST_PAD_LINK_OK)
    return std::nullopt;
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(track.get(), gst_event_new_stream_start(name));
  gst_pad_push_event(track.get(), gst_event_new_caps(caps));
  gst_pad_push_event(track.get(), gst_event_new_segment(&segment));
  tracks_.push_back(std::move(track));
  return tracks_.size() - 1;
}

void Muxer::set_caps(TrackId track, GstCaps* caps) {
  gst_pad_push_event(tracks_[track].get(), gst_event_new_caps(caps));
}

GstFlowReturn Muxer::write(TrackId track, GstPtr<GstBuffer> buffer) {
  newest_ = std::max(newest_, GST_BUFFER_DTS_OR_PTS(buffer.get()));
  return gst_pad_push(tracks_[track].get(), buffer.release());
}

void Muxer::end_part(std::uint64_t part, Duration at) {
  // Behind every frame: one that is later than the gaps would wait for the next part, and one that is as
  // late would let the other pad's next part go first. Behind the gaps of the part before too: of two that
  // are equal one stays on its pad, with this marker behind it.
  gap_ = std::max({to_gst(at), newest_ + 1, gap_ + 1});
  const auto pads = waits_ ? static_cast<guint>(tracks_.size()) : 1;
  for (const auto& track : tracks_) {
    gst_pad_push_event(
        track.get(), gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                          gst_structure_new(kPartEvent, "part", G_TYPE_UINT64, part,
                                                            "end", G_TYPE_UINT64, to_gst(at),
                                                            "pads", G_TYPE_UINT, pads, nullptr)));
    if (waits_)
      gst_pad_push_event(track.get(), gst_event_new_gap(gap_, 0));
  }
}

void Muxer::drain() {
  for (const auto& track : tracks_)
    if (!gst_pad_push_event(track.get(), gst_event_new_eos()))
      return;
  auto* link = link_of(output_.get());
  std::unique_lock lock{link->mutex};
  link->changed.wait(lock, [&] { return link->has_ended || tracks_.empty(); });
}

void Muxer::abandon() {
  auto* link = link_of(output_.get());
  const std::lock_guard lock{link->mutex};
  link->has_ended = true;
  link->changed.notify_all();
}

}  // namespace onair

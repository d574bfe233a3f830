// SPDX-License-Identifier: LGPL-2.1-or-later
#include "output.hpp"

#include <cmath>

#include "bus_error.hpp"

namespace live {
namespace {

using onair::GMemory;
using onair::GstPtr;
using onair::StructurePtr;

guint64 nanoseconds(double seconds) {
  return static_cast<guint64>(std::llround(seconds * 1e9));
}

// Filler of a flywheel comes 2 s late: who gives up by then makes segments without sound. Encoders on a busy
// machine get 2 s more.
constexpr guint64 kMaxWait = 4 * GST_SECOND;

// Players choose by these before the picture has once moved.
StructurePtr peaks_of(const std::vector<Output::Stream>& streams) {
  StructurePtr peaks{gst_structure_new_empty("bandwidths")};
  for (const auto& stream : streams) {
    const auto name = std::to_string(stream.rendition);
    guint peak = 0;
    gst_structure_get_uint(peaks.get(), name.c_str(), &peak);
    if (stream.bps != 0)
      gst_structure_set(peaks.get(), name.c_str(), G_TYPE_UINT, peak + stream.bps, nullptr);
  }
  return peaks;
}

// From streaming threads.
void give_keys(GstElement* sink, const SegmentKeys& keys) {
  const auto give = +[](GstElement*, guint64 number, const SegmentKeys* its) {
    const auto key = its->key(number);
    return g_bytes_new(key.data(), key.size());
  };
  const auto forget = +[](gpointer its, GClosure*) { delete static_cast<SegmentKeys*>(its); };
  g_signal_connect_data(sink, "request-key", G_CALLBACK(give), new SegmentKeys{keys}, forget,
                        GConnectFlags{});
}

}  // namespace

std::variant<std::unique_ptr<Output>, std::string> Output::create(GstBin* pipeline,
                                                                  const Settings& settings) {
  auto sink = GstPtr<GstElement>::sink(gst_element_factory_make("hlslivesink", "hls"));
  if (!sink)
    return "The element hlslivesink is not found; start by examples/live.sh, or set "
           "GST_PLUGIN_PATH.";
  g_object_set(sink.get(), "location", settings.dir.empty() ? nullptr : settings.dir.c_str(),
               "archive", settings.archive.empty() ? nullptr : settings.archive.c_str(),
               "target-duration", nanoseconds(settings.target_duration), "part-target",
               nanoseconds(settings.part_target), "low-latency", settings.low_latency, "window",
               nanoseconds(settings.window), "max-bytes", guint64{settings.disk_quota} * 1'000'000,
               "origin-address", settings.address.c_str(), "origin-port",
               settings.origin ? static_cast<gint>(hls_port_of(settings)) : -1, "location-served",
               !settings.origin, nullptr);
  if (settings.keys)
    g_object_set(sink.get(), "encrypt-key-uri", settings.keys->uri.c_str(), "key-rotation",
                 settings.key_rotation, nullptr);
  // Players of whole segments begin three behind the end if they are not told (RFC 8216 section 6.3.3), and
  // stay there; two are enough to have one while the next is loaded. Of parts they are told by PART-HOLD-BACK.
  const auto start =
      settings.start_offset.value_or(settings.low_latency ? 0 : -2 * settings.target_duration);
  g_object_set(sink.get(), "start-offset", static_cast<gint64>(start * GST_SECOND), nullptr);
  gst_child_proxy_set(GST_CHILD_PROXY(sink.get()), "balancer::max-wait", kMaxWait, nullptr);
  // It goes up and down with the broadcasts, not with the pipeline.
  gst_element_set_locked_state(sink.get(), TRUE);
  gst_bin_add(pipeline, sink.get());
  std::unique_ptr<Output> output{new Output{pipeline, std::move(sink)}};
  if (settings.keys)
    give_keys(output->sink_.get(), *settings.keys);
  if (gst_element_set_state(output->sink_.get(), GST_STATE_READY) == GST_STATE_CHANGE_FAILURE)
    return first_error(GST_ELEMENT(pipeline), "The element hlslivesink does not start.");
  return output;
}

Output::~Output() {
  gst_element_set_state(sink_.get(), GST_STATE_NULL);
  gst_bin_remove(pipeline_, sink_.get());
}

GstPtr<GstPad> Output::pad(const Stream& stream) const {
  return GstPtr<GstPad>::adopt(gst_element_get_static_pad(sink_.get(), stream.name().c_str()));
}

void Output::release_pads() {
  for (const auto& pad : pads_)
    gst_element_release_request_pad(sink_.get(), pad.get());
  pads_.clear();
}

bool Output::begin(const std::vector<Stream>& streams) {
  gst_element_set_state(sink_.get(), GST_STATE_READY);
  release_pads();
  has_segments_ = false;
  duration_ns_ = 0;
  state_ = State::Open;
  g_object_set(sink_.get(), "bandwidths", peaks_of(streams).get(), nullptr);
  for (const auto& stream : streams) {
    auto pad =
        GstPtr<GstPad>::adopt(gst_element_request_pad_simple(sink_.get(), stream.name().c_str()));
    if (!pad)
      return false;
    pads_.push_back(std::move(pad));
  }
  return gst_element_set_state(sink_.get(), GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
}

// Each stream on a thread of its own, as one may wait for the other.
void Output::end() {
  state_ = State::Ending;
  for (auto pad : pads_) {
    const auto send = [](GstElement*, gpointer data) {
      gst_pad_send_event(GST_PAD(data), gst_event_new_eos());
    };
    gst_element_call_async(sink_.get(), send, pad.release(), gst_object_unref);
  }
}

void Output::on_segment(const GstStructure* segment) {
  has_segments_ = true;
  guint rendition = 0;
  gst_structure_get_uint(segment, "rendition", &rendition);
  if (rendition == 0)
    gst_structure_get_uint64(segment, "duration", &duration_ns_);
}

bool Output::owns(GstObject* object) const {
  return object && (object == GST_OBJECT(sink_.get()) ||
                    gst_object_has_as_ancestor(object, GST_OBJECT(sink_.get())));
}

unsigned Output::port() const {
  guint port = 0;
  gst_child_proxy_get(GST_CHILD_PROXY(sink_.get()), "origin::current-port", &port, nullptr);
  return port;
}

Output::Figures Output::figures() const {
  Figures figures;
  GstStructure* raw = nullptr;
  gst_child_proxy_get(GST_CHILD_PROXY(sink_.get()), "balancer::stats", &raw, nullptr);
  const StructurePtr boundaries{raw};
  gst_structure_get(boundaries.get(), "boundaries", G_TYPE_UINT64, &figures.begun, "missed",
                    G_TYPE_UINT64, &figures.missed, "error", G_TYPE_INT64, &figures.error_ns,
                    "worst-error", G_TYPE_UINT64, &figures.worst_error_ns, nullptr);
  g_object_get(sink_.get(), "stats", &raw, nullptr);
  const StructurePtr stats{raw};
  figures.duration_ns = duration_ns_;
  for (unsigned i = 0;; ++i) {
    const auto* rendition =
        gst_structure_get_value(stats.get(), ("rendition-" + std::to_string(i)).c_str());
    if (!rendition)
      break;
    guint64 bytes = 0;
    gst_structure_get_uint64(gst_value_get_structure(rendition), "bytes", &bytes);
    figures.bytes += bytes;
  }
  if (const auto* rendition = gst_structure_get_value(stats.get(), "rendition-0"))
    gst_structure_get(gst_value_get_structure(rendition), "parts", G_TYPE_UINT64, &figures.parts,
                      "delay", G_TYPE_UINT64, &figures.delay_ns, "worst-delay", G_TYPE_UINT64,
                      &figures.worst_delay_ns, nullptr);
  return figures;
}

}  // namespace live

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthrough.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <gst/video/video.h>

#include "alternatives.hpp"
#include "glue/element_clock.hpp"
#include "glue/gsttime.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_abr_ladder_debug);
#define GST_CAT_DEFAULT gst_abr_ladder_debug

namespace onair {
namespace {

// What waits while whoever writes it waits for another layer, or for sound.
constexpr guint64 kWaiting = 10 * GST_SECOND;

constexpr auto kDownstream =
    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);

}  // namespace

Passthrough::Layer Passthrough::layer(std::size_t index) {
  std::map<std::size_t, Layer> others;
  {
    const auto state = state_.lock();
    if (const auto known = state->layers.find(index); known != state->layers.end())
      return known->second;
    others = state->layers;
  }
  const auto number = std::to_string(index);
  auto in = make_h264_parser(bin_, "layer-parser-" + number);
  in.push_back(make_tee("layer-tee-" + number));
  const Layer made{.in = {bin_, std::move(in)},
                   .out = {bin_,
                           {GstPtr<GstElement>::sink(gst_element_factory_make(
                                "funnel", ("layer-funnel-" + number).c_str())),
                            make_queue("layer-written-" + number, kWaiting)}}};
  if (made.in.is_empty())
    return {};
  bool is_linked = watch(index, made) && connect(index, made, index, made);
  for (const auto& [other, its] : others)
    is_linked = is_linked && connect(index, made, other, its) && connect(other, its, index, made);
  if (!is_linked)
    return {};
  made.out.start();
  made.in.start();
  const auto state = state_.lock();
  state->layers.emplace(index, made);
  state->requests.add(index);
  state->source.add(index);
  return made;
}

// In front of the tee it is decided who takes a frame.
bool Passthrough::watch(std::size_t index, const Layer& its) {
  auto feed = std::make_shared<Feed>();
  gst_segment_init(&feed->segment, GST_FORMAT_TIME);
  feeds_.lock()->insert_or_assign(index, feed);
  struct Watch {
    std::weak_ptr<Passthrough> passthrough;
    std::size_t index;
    std::shared_ptr<Feed> feed;
  };
  const auto seen = [](GstPad*, GstPadProbeInfo* info, gpointer data) -> GstPadProbeReturn {
    auto* watch = static_cast<Watch*>(data);
    const auto self = watch->passthrough.lock();
    if (!self)
      return GST_PAD_PROBE_OK;
    if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
      self->on_frame(watch->index, *watch->feed, GST_PAD_PROBE_INFO_BUFFER(info));
    else
      self->on_event(watch->index, *watch->feed, GST_PAD_PROBE_INFO_EVENT(info));
    return GST_PAD_PROBE_OK;
  };
  const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(its.in.back(), "sink"));
  gst_pad_add_probe(pad.get(), kDownstream, seen, new Watch{weak_from_this(), index, feed},
                    [](gpointer data) { delete static_cast<Watch*>(data); });
  return true;
}

// What `from` sends goes to rendition `to` if that takes it. What only tells of the stream, and is no frame of it,
// does so for the layer that the rendition is made of.
bool Passthrough::connect(std::size_t from, const Layer& layer, std::size_t to,
                          const Layer& rendition) {
  const auto out = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(layer.in.back(), "src_%u"));
  const auto in =
      GstPtr<GstPad>::adopt(gst_element_request_pad_simple(rendition.out.front(), "sink_%u"));
  struct Gate {
    std::weak_ptr<Passthrough> passthrough;
    std::shared_ptr<Feed> feed;
    std::size_t from;
    std::size_t to;
  };
  const auto passes = [](GstPad*, GstPadProbeInfo* info, gpointer data) -> GstPadProbeReturn {
    const auto* gate = static_cast<Gate*>(data);
    if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) {
      const auto& [segment, at, takers] = *gate->feed;
      const auto taker = std::find_if(takers.begin(), takers.end(), [gate](const auto& its) {
        return its.rendition == gate->to;
      });
      if (taker == takers.end())
        return GST_PAD_PROBE_DROP;
      if (taker->at != at) {
        auto* later = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
        GST_BUFFER_PTS(later) = to_position(segment, taker->at);
        GST_BUFFER_DTS(later) = GST_CLOCK_TIME_NONE;
        info->data = later;
      }
      return GST_PAD_PROBE_OK;
    }
    const auto* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_IS_STICKY(event) || gate->from == gate->to)
      return GST_PAD_PROBE_OK;
    const auto self = gate->passthrough.lock();
    return self && self->state_.lock()->source.source_of(gate->to) == gate->from
               ? GST_PAD_PROBE_OK
               : GST_PAD_PROBE_DROP;
  };
  gst_pad_add_probe(out.get(), kDownstream, passes,
                    new Gate{weak_from_this(), feeds_.lock()->at(from), from, to},
                    [](gpointer data) { delete static_cast<Gate*>(data); });
  return gst_pad_link(out.get(), in.get()) == GST_PAD_LINK_OK;
}

void Passthrough::on_event(std::size_t index, Feed& feed, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
    gst_event_copy_segment(event, &feed.segment);
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    gint width = 0;
    gint height = 0;
    const auto* structure = gst_caps_get_structure(caps, 0);
    if (gst_structure_get(structure, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height,
                          nullptr))
      state_.lock()->source.resize(index, static_cast<long>(width) * height);
  }
}

void Passthrough::on_frame(std::size_t index, Feed& feed, GstBuffer* buffer) {
  const auto at =
      to_running_time(feed.segment, GST_BUFFER_PTS_IS_VALID(buffer) ? GST_BUFFER_PTS(buffer)
                                                                    : GST_BUFFER_DTS(buffer));
  if (!at) {
    feed.takers = {{index, feed.at}};
    return;
  }
  const bool is_key = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  const auto now =
      to_clock_time(gst_element_get_current_clock_time(GST_ELEMENT(bin_))).value_or(ClockTime{});
  GstPtr<GstPad> asked;
  {
    const auto state = state_.lock();
    std::map<std::size_t, std::optional<std::size_t>> before;
    if (is_key)
      for (const auto& [rendition, its] : state->layers)
        before[rendition] = state->source.source_of(rendition);
    feed.at = state->newest = *at;
    feed.takers = state->source.on_frame(index, *at, is_key, now);
    for (const auto& [rendition, source] : before)
      if (const auto made_of = state->source.source_of(rendition);
          made_of != source && (source || *made_of != rendition))
        GST_INFO_OBJECT(bin_, "rendition %u: layer %u %s", static_cast<guint>(rendition),
                        static_cast<guint>(*made_of),
                        *made_of == rendition ? "is back" : "is repeated, as its own is not sent");
    if (const auto layer = state->layers.find(index); !is_key && layer != state->layers.end() &&
                                                      state->requests.leaves_room(*at) &&
                                                      state->source.take_request(index, *at)) {
      asked = layer->second.in.sink();
      ++state->sent;
    }
  }
  if (asked)
    gst_pad_push_event(asked.get(),
                       gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
}

Passthrough::~Passthrough() {
  std::vector<std::size_t> indices;
  for (const auto& [index, its] : state_.get().layers)
    indices.push_back(index);
  for (const auto index : indices)
    remove(index);
}

GstPtr<GstPad> Passthrough::sink(std::size_t index) {
  const auto its = layer(index);
  return its.in.is_empty() ? GstPtr<GstPad>{} : its.in.sink();
}

GstPtr<GstPad> Passthrough::src(std::size_t index) {
  const auto its = layer(index);
  return its.out.is_empty() ? GstPtr<GstPad>{} : its.out.src();
}

void Passthrough::remove(std::size_t index) {
  Layer gone;
  {
    const auto state = state_.lock();
    const auto found = state->layers.find(index);
    if (found == state->layers.end())
      return;
    gone = found->second;
    state->layers.erase(found);
    state->requests.remove(index);
    state->source.remove(index);
  }
  // What other layers have to do with it goes with its pads.
  const auto release = [](GstElement* element, GstPadDirection direction) {
    std::vector<GstPtr<GstPad>> pads;
    for (GList* item = element->pads; item; item = item->next)
      if (GST_PAD_DIRECTION(item->data) == direction)
        pads.push_back(GstPtr<GstPad>::share(GST_PAD(item->data)));
    for (const auto& pad : pads) {
      const auto peer = GstPtr<GstPad>::adopt(gst_pad_get_peer(pad.get()));
      const auto owner =
          GstPtr<GstElement>::adopt(peer ? gst_pad_get_parent_element(peer.get()) : nullptr);
      gst_element_release_request_pad(element, pad.get());
      if (owner)
        gst_element_release_request_pad(owner.get(), peer.get());
    }
  };
  release(gone.in.back(), GST_PAD_SRC);
  release(gone.out.front(), GST_PAD_SINK);
  gone.in.take_away();
  gone.out.take_away();
  feeds_.lock()->erase(index);
}

void Passthrough::forget() {
  const auto state = state_.lock();
  state->requests.reset();
  state->source.reset();
}

void Passthrough::ask_for_key_frame(std::size_t index, GstEvent* request) {
  guint count = 0;
  gst_video_event_parse_upstream_force_key_unit(request, nullptr, nullptr, &count);
  std::vector<GstPtr<GstPad>> sinks;
  {
    const auto state = state_.lock();
    for (const auto to : state->requests.ask(index, count, state->newest))
      if (const auto layer = state->layers.find(to); layer != state->layers.end())
        sinks.push_back(layer->second.in.sink());
    state->sent += sinks.size();
  }
  for (const auto& sink : sinks)
    gst_pad_push_event(sink.get(), gst_event_ref(request));
}

void Passthrough::add_stats(GstStructure* stats) {
  const auto state = state_.lock();
  gst_structure_set(stats, "layers", G_TYPE_UINT, static_cast<guint>(state->layers.size()),
                    "requests", G_TYPE_UINT64, state->sent, nullptr);
  for (const auto& [index, its] : state->layers)
    if (const auto source = state->source.source_of(index))
      gst_structure_set(stats, ("layer-of-" + std::to_string(index)).c_str(), G_TYPE_UINT,
                        static_cast<guint>(*source), nullptr);
}

}  // namespace onair

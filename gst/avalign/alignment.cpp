// SPDX-License-Identifier: LGPL-2.1-or-later
#include "alignment.hpp"

#include <algorithm>

#include "glue/element_clock.hpp"
#include "lane.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_av_aligner_debug);
#define GST_CAT_DEFAULT gst_av_aligner_debug

namespace onair {
namespace {

const char* to_string(Aligner::Source source) {
  switch (source) {
    case Aligner::Source::Arrival:
      break;
    case Aligner::Source::Report:
      return "report";
    case Aligner::Source::Capture:
      return "capture";
  }
  return "arrival";
}

}  // namespace

Alignment::Alignment(GstElement* element)
    : element_{element}, aligner_{to_core(AlignerSettings{})} {}

// What has arrived has arrived, whatever the clock says: a recording may come faster than it was
// made, and without a clock there is nothing else.
RunningTime Alignment::now() {
  const auto time = is_playing_ ? running_time_now(element_) : std::nullopt;
  return time ? std::max(newest_arrival_, *time) : newest_arrival_;
}

void Alignment::set_playing(bool is_playing) {
  const Lock lock{mutex_};
  is_playing_ = is_playing;
  for (auto* lane : lanes_)
    lane->wait_.wake();
}

// Hands what the core has decided to the lanes, and wakes those that have something to do.
void Alignment::collect() {
  for (auto* lane : lanes_) {
    bool has_work = false;
    while (const auto placed = aligner_.take(lane->stream_)) {
      lane->place(*placed);
      has_work = true;
    }
    if (has_work)
      lane->wait_.wake();
  }
}

void Alignment::start_over() {
  const Lock lock{mutex_};
  begin_anew();
}

void Alignment::start_over_if_idle() {
  const Lock lock{mutex_};
  if (std::all_of(lanes_.begin(), lanes_.end(), [](const Lane* lane) { return lane->is_idle_; }))
    begin_anew();
}

void Alignment::begin_anew() {
  newest_arrival_ = RunningTime{};
  aligner_ = Aligner{to_core(settings_)};
  for (auto* lane : lanes_)
    lane->stream_ = aligner_.add_stream(lane->kind_);
}

Messages Alignment::take_messages() {
  Messages messages;
  while (const auto event = aligner_.take_event()) {
    const auto found = std::find_if(lanes_.begin(), lanes_.end(), [&event](const Lane* lane) {
      return lane->stream_ == event->stream;
    });
    if (found == lanes_.end())
      continue;
    const auto* pad = GST_OBJECT_NAME((*found)->sink());
    GstStructure* structure = nullptr;
    switch (event->type) {
      case Aligner::Event::Type::Source:
        GST_INFO_OBJECT(element_, "%s: placed by %s from now on", pad, to_string(event->source));
        structure = gst_structure_new("avaligner-source", "source", G_TYPE_STRING,
                                      to_string(event->source), nullptr);
        break;
      case Aligner::Event::Type::Rebase:
        GST_INFO_OBJECT(element_, "%s: the media clock has moved by %.1f ms against arrivals", pad,
                        in_ms(event->by));
        structure = gst_structure_new("avaligner-rebase", "by", G_TYPE_INT64,
                                      static_cast<gint64>(event->by.count()), nullptr);
        break;
      case Aligner::Event::Type::Disagreement:
        GST_INFO_OBJECT(element_, "%s: sender reports are %.1f ms from what arrivals say: ignored",
                        pad, in_ms(event->by));
        structure = gst_structure_new("avaligner-disagreement", "by", G_TYPE_INT64,
                                      static_cast<gint64>(event->by.count()), nullptr);
        break;
    }
    gst_structure_set(structure, "pad", G_TYPE_STRING, pad, nullptr);
    messages.add(gst_message_new_element(GST_OBJECT(element_), structure));
  }
  return messages;
}

void Alignment::post(Messages messages) {
  for (auto& message : messages.items)
    gst_element_post_message(element_, message.release());
}

// One instant on the output's time line, the receiver's wall clock and the sender's.
GstEvent* Alignment::make_timeline_event() {
  const auto at = now();
  const auto mapping = aligner_.mapping(at);
  if (!mapping || mapping->output < RunningTime{})
    return nullptr;
  auto* structure = gst_structure_new(
      "onair-timeline", "running-time", G_TYPE_UINT64, to_gst(mapping->output), "unix-time",
      G_TYPE_UINT64, static_cast<guint64>(g_get_real_time()) * GST_USECOND, nullptr);
  if (mapping->sender)
    gst_structure_set(structure, "ntp-time", G_TYPE_UINT64,
                      to_gst(mapping->sender->time_since_epoch()), nullptr);
  return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, structure);
}

GstStructure* Alignment::stats() {
  const Lock lock{mutex_};
  auto* stats = gst_structure_new("application/x-avaligner-stats", "lead", G_TYPE_INT64,
                                  static_cast<gint64>(aligner_.lead().count()), nullptr);
  if (const auto mapping = aligner_.mapping(now())) {
    gst_structure_set(stats, "running-time", G_TYPE_INT64,
                      static_cast<gint64>(mapping->output.time_since_epoch().count()),
                      "receiver-running-time", G_TYPE_INT64,
                      static_cast<gint64>(mapping->receiver.time_since_epoch().count()), nullptr);
    if (mapping->sender)
      gst_structure_set(stats, "ntp-time", G_TYPE_UINT64,
                        to_gst(mapping->sender->time_since_epoch()), nullptr);
  }
  for (auto* lane : lanes_) {
    const auto core = aligner_.stats(lane->stream_);
    auto* stream = gst_structure_new(
        "stream", "ssrc", G_TYPE_UINT, core.ssrc, "placed", G_TYPE_BOOLEAN, core.is_placed,
        "master", G_TYPE_BOOLEAN, core.is_master, "source", G_TYPE_STRING,
        lane->has_rtp_times_ ? to_string(core.source) : "timestamp", "offset", G_TYPE_INT64,
        static_cast<gint64>(core.offset.count()), "delay", G_TYPE_INT64,
        static_cast<gint64>(core.delay.value_or(Duration{0}).count()), "confidence", G_TYPE_UINT64,
        to_gst(core.confidence), "rate-ppm", G_TYPE_DOUBLE, core.rate_ppm, "rate-deviation-ppm",
        G_TYPE_DOUBLE, core.rate_deviation_ppm, "learned-lag", G_TYPE_INT64,
        static_cast<gint64>(core.learned_lag.count()), "reports", G_TYPE_UINT64, core.reports,
        "report-scatter", G_TYPE_UINT64, to_gst(core.report_scatter), "rebases", G_TYPE_UINT64,
        core.rebases, "slews", G_TYPE_UINT64, core.slews, "steps", G_TYPE_UINT64, core.steps,
        "squeezed", G_TYPE_UINT64, core.squeezed, "dropped", G_TYPE_UINT64, core.dropped, "held",
        G_TYPE_UINT64, core.held, nullptr);
    if (core.disagreement)
      gst_structure_set(stream, "disagreement", G_TYPE_INT64,
                        static_cast<gint64>(core.disagreement->count()), nullptr);
    gst_structure_set(stats, GST_OBJECT_NAME(lane->sink()), GST_TYPE_STRUCTURE, stream, nullptr);
    gst_structure_free(stream);
  }
  return stats;
}

}  // namespace onair

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pad_feeder.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "event_name.hpp"
#include "patience.hpp"

namespace onair::test {
namespace {

// With a template, so that the pad accepts other caps than those that it has.
GstStaticPadTemplate pad_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

PadFeeder* self_of(GstPad* pad) {
  return static_cast<PadFeeder*>(gst_pad_get_element_private(pad));
}

}  // namespace

PadFeeder::PadFeeder()
    : pad_{GstPtr<GstPad>::sink(gst_pad_new_from_static_template(&pad_template, "src"))} {
  gst_pad_set_element_private(feeder(), this);
  gst_pad_set_event_function(feeder(), on_event);
  gst_pad_set_query_function(feeder(), on_query);
  gst_pad_set_active(feeder(), TRUE);
}

PadFeeder::~PadFeeder() {
  stop_feeding();
}

void PadFeeder::feed(GstPad* sink) {
  EXPECT_EQ(gst_pad_link(feeder(), sink), GST_PAD_LINK_OK);
}

void PadFeeder::open_stream(const std::string& caps, const std::string& stream_id) {
  push_event(gst_event_new_stream_start(stream_id.c_str()));
  if (!caps.empty())
    push_caps(caps);
  push_segment();
}

void PadFeeder::push_caps(const std::string& caps) {
  const auto parsed = GstPtr<GstCaps>::adopt(gst_caps_from_string(caps.c_str()));
  push_event(gst_event_new_caps(parsed.get()));
}

void PadFeeder::push_segment(GstClockTime start, GstClockTime base) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = start;
  segment.base = base;
  push_event(gst_event_new_segment(&segment));
}

bool PadFeeder::push_custom(const char* name) {
  return push_event(
      gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty(name)));
}

bool PadFeeder::wait_for_upstream(const std::string& name, std::size_t count) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] {
    return std::count_if(upstream_.begin(), upstream_.end(), [&](const auto& event) {
             return event_name(event.get()) == name;
           }) >= static_cast<std::ptrdiff_t>(count);
  });
}

std::vector<GstPtr<GstEvent>> PadFeeder::upstream(const std::string& name) {
  const std::lock_guard lock{mutex_};
  auto events = upstream_;
  std::erase_if(events, [&](const auto& event) { return event_name(event.get()) != name; });
  return events;
}

gboolean PadFeeder::on_event(GstPad* pad, GstObject*, GstEvent* event) {
  auto* self = self_of(pad);
  const std::lock_guard lock{self->mutex_};
  self->upstream_.push_back(GstPtr<GstEvent>::adopt(event));
  self->changed_.notify_all();
  return TRUE;
}

gboolean PadFeeder::on_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);
  if (self_of(pad)->is_live)
    gst_query_set_latency(query, TRUE, 7 * GST_MSECOND, 8 * GST_MSECOND);
  else
    gst_query_set_latency(query, FALSE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

}  // namespace onair::test

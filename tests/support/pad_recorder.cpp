// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pad_recorder.hpp"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "event_name.hpp"
#include "patience.hpp"

namespace onair::test {
namespace {

// With a template, so that the pad accepts other caps than those that it has.
GstStaticPadTemplate pad_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

PadRecorder* self_of(GstPad* pad) {
  return static_cast<PadRecorder*>(gst_pad_get_element_private(pad));
}

std::string names_of(const std::vector<PadRecorder::Item>& items) {
  std::string text;
  for (const auto& item : items)
    text += (text.empty() ? "" : " ") + item.name;
  return text;
}

}  // namespace

PadRecorder::PadRecorder(TestClock& clock, NameBuffer name_buffer)
    : clock_{clock},
      name_buffer_{std::move(name_buffer)},
      pad_{GstPtr<GstPad>::sink(gst_pad_new_from_static_template(&pad_template, "sink"))} {
  gst_pad_set_element_private(recorder(), this);
  gst_pad_set_chain_function(recorder(), on_buffer);
  gst_pad_set_event_function(recorder(), on_event);
  gst_pad_set_query_function(recorder(), on_query);
  gst_pad_set_active(recorder(), TRUE);
}

PadRecorder::~PadRecorder() {
  stop_recording();
}

void PadRecorder::record(GstPad* src) {
  EXPECT_EQ(gst_pad_link(src, recorder()), GST_PAD_LINK_OK);
}

void PadRecorder::stop_recording() {
  unblock();
  gst_pad_set_active(recorder(), FALSE);
}

bool PadRecorder::wait(const std::function<bool(const std::vector<Item>&)>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::unique_lock lock{mutex_};
  while (!changed_.wait_for(lock, 2ms, [&] { return is_true(items_); })) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    lock.unlock();
    clock_.end_due_waits();
    lock.lock();
  }
  return true;
}

bool PadRecorder::wait_for_buffers(std::size_t count) {
  return wait([count](const auto& items) {
    return std::count_if(items.begin(), items.end(), [](const Item& item) {
             return static_cast<bool>(item.buffer);
           }) >= static_cast<std::ptrdiff_t>(count);
  });
}

bool PadRecorder::wait_for(const std::string& name) {
  return wait([&](const auto& items) {
    return std::any_of(items.begin(), items.end(),
                       [&](const Item& item) { return item.name == name; });
  });
}

std::vector<PadRecorder::Item> PadRecorder::items() {
  const std::lock_guard lock{mutex_};
  return items_;
}

std::vector<PadRecorder::Item> PadRecorder::buffers() {
  auto buffers = items();
  std::erase_if(buffers, [](const Item& item) { return !item.buffer; });
  return buffers;
}

std::vector<GstPtr<GstEvent>> PadRecorder::events(const std::string& name) {
  std::vector<GstPtr<GstEvent>> found;
  for (const auto& item : items()) {
    if (item.event && item.name == name)
      found.push_back(item.event);
  }
  return found;
}

std::string PadRecorder::order() {
  return names_of(items());
}

std::string PadRecorder::order_of_events() {
  auto events = items();
  std::erase_if(events, [](const Item& item) { return !item.event; });
  return names_of(events);
}

void PadRecorder::forget() {
  const std::lock_guard lock{mutex_};
  items_.clear();
}

void PadRecorder::answer_buffers_with(GstFlowReturn flow) {
  const std::lock_guard lock{mutex_};
  flow_ = flow;
}

void PadRecorder::accept(const std::string& caps) {
  {
    const std::lock_guard lock{mutex_};
    accepted_ = GstPtr<GstCaps>::adopt(gst_caps_from_string(caps.c_str()));
  }
  gst_pad_push_event(recorder(), gst_event_new_reconfigure());
}

void PadRecorder::block() {
  const std::lock_guard lock{mutex_};
  blocks_ = true;
}

bool PadRecorder::wait_until_blocked() {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] { return is_blocked_; });
}

void PadRecorder::unblock() {
  const std::lock_guard lock{mutex_};
  blocks_ = false;
  changed_.notify_all();
}

GstPtr<GstCaps> PadRecorder::accepted() {
  const std::lock_guard lock{mutex_};
  return accepted_;
}

void PadRecorder::note(Item item) {
  item.when = ns(clock_.now());
  const std::lock_guard lock{mutex_};
  items_.push_back(std::move(item));
  changed_.notify_all();
}

GstFlowReturn PadRecorder::on_buffer(GstPad* pad, GstObject*, GstBuffer* raw) {
  auto* self = self_of(pad);
  self->note({.buffer = GstPtr<GstBuffer>::adopt(raw), .name = self->name_buffer_(raw)});
  std::unique_lock lock{self->mutex_};
  if (self->blocks_) {
    self->is_blocked_ = true;
    self->changed_.notify_all();
    self->changed_.wait(lock, [&] { return !self->blocks_; });
    self->is_blocked_ = false;
  }
  return self->flow_;
}

gboolean PadRecorder::on_event(GstPad* pad, GstObject*, GstEvent* raw) {
  self_of(pad)->note({.event = GstPtr<GstEvent>::adopt(raw), .name = event_name(raw)});
  return TRUE;
}

gboolean PadRecorder::on_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  auto* self = self_of(pad);
  if (const auto accepted = self->accepted(); accepted && GST_QUERY_TYPE(query) == GST_QUERY_CAPS) {
    GstCaps* filter = nullptr;
    gst_query_parse_caps(query, &filter);
    const auto both =
        filter ? GstPtr<GstCaps>::adopt(gst_caps_intersect(accepted.get(), filter)) : accepted;
    gst_query_set_caps_result(query, both.get());
    return TRUE;
  }
  if (!GST_QUERY_IS_SERIALIZED(query))
    return gst_pad_query_default(pad, parent, query);
  if (self->notes_queries)
    self->note({.name = "query"});
  return !self->answer_query || self->answer_query(query);
}

}  // namespace onair::test

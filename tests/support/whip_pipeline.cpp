// SPDX-License-Identifier: LGPL-2.1-or-later
#include "whip_pipeline.hpp"

#include <algorithm>
#include <future>
#include <iostream>
#include <utility>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

std::string text_of_error(GstMessage* message) {
  GError* raw = nullptr;
  gchar* raw_debug = nullptr;
  gst_message_parse_error(message, &raw, &raw_debug);
  const ErrorPtr error{raw};
  const GMemory<char> debug{raw_debug};
  return error->message;
}

}  // namespace

WhipPipeline::WhipPipeline(const std::string& properties, Choice choice,
                           const std::string& consumers)
    : WhipPipeline{{.head = "whiplistensrc port=0 token=secret", .message = "whip-session"},
                   properties,
                   std::move(choice),
                   consumers} {}

WhipPipeline::WhipPipeline(Kind kind, const std::string& properties, Choice choice,
                           const std::string& consumers)
    : kind_{std::move(kind)}, choice_{choice ? std::move(choice) : [](const std::string&) {
        return std::optional{PadSink::Manner::Takes};
      }} {
  const auto line = kind_.head + " name=whip " + properties + " " + consumers;
  GError* raw = nullptr;
  GstElement* made =
      gst_parse_launch_full(line.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &raw);
  const ErrorPtr error{raw};
  if (!made) {
    ADD_FAILURE() << "no element: " << (error ? error->message : "unknown");
    std::abort();
  }
  if (GST_IS_PIPELINE(made)) {
    pipeline_ = GstPtr<GstElement>::sink(made);
    element_ = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(made), "whip"));
  } else {
    pipeline_ = GstPtr<GstElement>::sink(gst_pipeline_new(nullptr));
    element_ = GstPtr<GstElement>::sink(made);
    gst_bin_add(GST_BIN(pipeline()), element());
  }
  bus_ = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline()));
  // After the handlers that a launch line connects to link what comes.
  g_signal_connect_after(element(), "pad-added", G_CALLBACK(on_pad_added), this);
  g_signal_connect(element(), "pad-removed", G_CALLBACK(on_pad_removed), this);
}

WhipPipeline::~WhipPipeline() {
  {
    const std::lock_guard lock{mutex_};
    is_ending_ = true;
    for (const auto& sink : all_sinks_)
      sink->release();
  }
  reach(GST_STATE_NULL);
  g_signal_handlers_disconnect_by_data(element(), this);
}

void WhipPipeline::use_test_clock() {
  clock_ =
      GstPtr<GstTestClock>::sink(GST_TEST_CLOCK(gst_test_clock_new_with_start_time(GST_SECOND)));
  gst_pipeline_use_clock(GST_PIPELINE(pipeline()), GST_CLOCK(clock_.get()));
}

void WhipPipeline::advance_clock(GstClockTime by) {
  gst_test_clock_advance_time(clock_.get(), static_cast<GstClockTimeDiff>(by));
}

GstStateChangeReturn WhipPipeline::reach(GstState state) {
  auto change = std::async(std::launch::async, [this, state] { return set_state(state); });
  if (change.wait_for(kPatience) != std::future_status::ready) {
    std::cerr << "deadlock: the pipeline does not get to " << gst_element_state_get_name(state)
              << '\n';
    std::abort();
  }
  const auto result = change.get();
  return result == GST_STATE_CHANGE_ASYNC
             ? gst_element_get_state(pipeline(), nullptr, nullptr,
                                     GST_SECOND * static_cast<GstClockTime>(kPatience.count()))
             : result;
}

guint WhipPipeline::port() const {
  guint port = 0;
  g_object_get(element(), "current-port", &port, nullptr);
  return port;
}

std::string WhipPipeline::base_url() const {
  return "http://127.0.0.1:" + std::to_string(port());
}

GstPtr<GstMessage> WhipPipeline::wait_for_message(
    const std::function<bool(GstMessage*)>& is_wanted) {
  const gint64 deadline = g_get_monotonic_time() +
                          std::chrono::duration_cast<std::chrono::microseconds>(kPatience).count();
  for (;;) {
    const gint64 left = deadline - g_get_monotonic_time();
    if (left <= 0)
      return {};
    constexpr auto kTypes =
        static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
    auto message = GstPtr<GstMessage>::adopt(gst_bus_timed_pop_filtered(
        bus_.get(), static_cast<GstClockTime>(left) * GST_USECOND, kTypes));
    if (!message)
      return {};
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR)
      errors_.push_back(text_of_error(message.get()));
    if (is_wanted(message.get()))
      return message;
  }
}

StructurePtr WhipPipeline::wait_for_session(const std::string& state) {
  const auto message = wait_for_message([&](GstMessage* one) {
    return gst_message_has_name(one, kind_.message.c_str()) &&
           text_field(gst_message_get_structure(one), "state") == state;
  });
  return StructurePtr{message ? gst_structure_copy(gst_message_get_structure(message.get()))
                              : nullptr};
}

std::string WhipPipeline::next_session_message() {
  const auto message = wait_for_message(
      [this](GstMessage* one) { return gst_message_has_name(one, kind_.message.c_str()); });
  if (!message)
    return "none";
  const GstStructure* structure = gst_message_get_structure(message.get());
  const auto reason = text_field(structure, "reason");
  return text_field(structure, "state") + (reason.empty() ? "" : ": " + reason);
}

std::string WhipPipeline::wait_for_error() {
  const auto message =
      wait_for_message([](GstMessage* one) { return GST_MESSAGE_TYPE(one) == GST_MESSAGE_ERROR; });
  return message ? errors_.back() : "";
}

bool WhipPipeline::wait_for_eos() {
  return static_cast<bool>(
      wait_for_message([](GstMessage* one) { return GST_MESSAGE_TYPE(one) == GST_MESSAGE_EOS; }));
}

std::vector<std::string> WhipPipeline::errors() {
  while (const auto message =
             GstPtr<GstMessage>::adopt(gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_ERROR)))
    errors_.push_back(text_of_error(message.get()));
  return errors_;
}

void WhipPipeline::on_pad_added(GstElement*, GstPad* pad, gpointer data) {
  auto* self = static_cast<WhipPipeline*>(data);
  const std::string name = GST_PAD_NAME(pad);
  std::shared_ptr<PadSink> sink;
  const auto manner = self->choice_(name);
  if (manner && !gst_pad_is_linked(pad)) {
    sink = std::make_shared<PadSink>(*manner);
    gst_pad_link(pad, sink->pad());
  }
  {
    const std::lock_guard lock{self->mutex_};
    self->history_.push_back("+" + name);
    self->sinks_[name] = sink;
    if (sink)
      self->all_sinks_.push_back(sink);
    if (sink && self->is_ending_)
      sink->release();
  }
  self->changed_.notify_all();
}

void WhipPipeline::on_pad_removed(GstElement*, GstPad* pad, gpointer data) {
  auto* self = static_cast<WhipPipeline*>(data);
  {
    const std::lock_guard lock{self->mutex_};
    self->history_.push_back(std::string{"-"} + GST_PAD_NAME(pad));
    self->sinks_.erase(GST_PAD_NAME(pad));
  }
  self->changed_.notify_all();
}

bool WhipPipeline::wait_for_appearance(const std::string& name) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] { return sinks_.contains(name); });
}

std::shared_ptr<PadSink> WhipPipeline::wait_for_pad(const std::string& name) {
  if (!wait_for_appearance(name))
    return nullptr;
  const std::lock_guard lock{mutex_};
  const auto found = sinks_.find(name);
  return found == sinks_.end() ? nullptr : found->second;
}

bool WhipPipeline::wait_until_gone(const std::string& name) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, [&] { return !sinks_.contains(name); });
}

std::vector<std::string> WhipPipeline::pad_history() {
  const std::lock_guard lock{mutex_};
  return history_;
}

StructurePtr WhipPipeline::stats() {
  GstStructure* stats = nullptr;
  g_object_get(element(), "stats", &stats, nullptr);
  return StructurePtr{stats};
}

std::string text_field(const GstStructure* structure, const char* name) {
  const char* text = structure ? gst_structure_get_string(structure, name) : nullptr;
  return text ? text : "";
}

guint64 uint64_field(const GstStructure* structure, const char* name) {
  guint64 number = 0;
  if (!structure || !gst_structure_get_uint64(structure, name, &number))
    ADD_FAILURE() << "there is no field " << name;
  return number;
}

}  // namespace onair::test
